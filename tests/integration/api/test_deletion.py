"""What becomes of the accounts of an integration that is deleted."""

from typing import Any

import pytest

from tests.integration.api.caller import Caller
from tests.integration.api.roster import fill, record


def filled(api: Caller, number: int = 3) -> str:
    """The path of an integration with accounts, groups and grants."""
    integration = api.integration()
    fill(api, integration["id"], [record(one) for one in range(1, number + 1)])
    return f"/v1/integrations/{integration['id']}"


def items(api: Caller, path: str) -> dict[str, Any]:
    """What the integration brought, as it is stored."""
    pk = f"I#{path.rpartition('/')[2]}"
    return {item["sk"]: item for item in api.directory.query(pk)}


def accounts(api: Caller) -> list[Any]:
    if api.everything("/v1/applications") == []:
        return []
    found: list[Any] = api.everything("/v1/applications/ActiveCampaign/accounts")
    return found


def test_accounts_are_kept_as_removed_and_hold_nothing(api: Caller) -> None:
    path = filled(api)
    people = api.everything("/v1/people")
    before = items(api, path)
    assert api("DELETE", path).status == 204
    assert {one["status"] for one in accounts(api)} == {"removed"}
    assert all(one["removed_at"] and one["removed_by_run"] is None for one in accounts(api))
    after = items(api, path)
    for sk, item in after.items():
        gone = "revoked" if sk.startswith("GRANT#") else "removed"
        assert (item["status"], item["version"]) == (gone, before[sk]["version"] + 1)
    assert [one["email"] for one in api.everything("/v1/people")] == [
        one["email"] for one in people
    ]
    assert api("DELETE", path).status == 404
    assert items(api, path) == after


def test_what_was_removed_before_keeps_its_date(api: Caller) -> None:
    path = filled(api)
    pk = f"I#{path.rpartition('/')[2]}"
    marks = {"status": "removed", "removed_at": "2026-11-01T00:00:00.000Z", "removed_by_run": "r"}
    api.directory.update(pk, "ACCOUNT#2", marks)
    assert api("DELETE", path).status == 204
    found = {one["external_id"]: one for one in accounts(api)}
    assert found["2"]["removed_at"] == "2026-11-01T00:00:00.000Z"
    assert found["2"]["removed_by_run"] == "r"


@pytest.mark.parametrize("kept", ["keep", "delete"])
def test_a_call_that_is_too_short_is_gone_on_with(api: Caller, kept: str) -> None:
    path = filled(api, 60)
    api.context.remaining_ms = 100
    for _ in range(2):
        answer = api("DELETE", path, query={"accounts": kept})
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert api("GET", path).status == 404
    api.context.remaining_ms = 29_000
    assert api("DELETE", path, query={"accounts": kept}).status == 204
    assert {one["status"] for one in accounts(api)} == ({"removed"} if kept == "keep" else set())
    assert api("DELETE", path, query={"accounts": kept}).status == 404


def test_who_was_kept_can_be_deleted_later(api: Caller) -> None:
    path = filled(api)
    assert api("DELETE", path, query={"accounts": "keep"}).status == 204
    assert api("DELETE", path, query={"accounts": "delete"}).status == 204
    assert items(api, path) == {}
    assert api.everything("/v1/applications") == []
