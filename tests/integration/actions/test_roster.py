"""The roster beside actions: nothing goes that the app still has, nothing stays that it has not."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.calls import Call
from local.vendors.seed import seed_activecampaign, seed_aha
from local.vendors.switches import Fault
from tests.integration.actions.account import Account
from tests.integration.actions.conftest import Desk
from tests.integration.actions.test_activecampaign import ZED


class Overtaken(ActiveCampaign):
    """Something happens after a page was made and before whoever asked for it has it."""

    page: str = ""
    happens: Callable[[], object] | None = None

    def answer(self, call: Call, switches: Any) -> Any:
        answer = super().answer(call, switches)
        if self.happens is not None and re.search(self.page, call.target):
            happens, self.happens = self.happens, None
            happens()
        return answer


@pytest.fixture
def overtaken() -> Iterator[Vendor[Overtaken]]:
    seeded = seed_activecampaign(6, 4)
    with serve(Overtaken(seeded.users.values(), seeded.groups.values())) as serving:
        yield serving


@pytest.fixture
def aha(desk: Desk) -> Iterator[Account]:
    with serve(seed_aha(18)) as vendor:
        yield Account(desk, vendor)


@pytest.fixture
def vendor() -> Iterator[Vendor[ActiveCampaign]]:
    with serve(seed_activecampaign(6, 4)) as serving:
        yield serving


def run_again(desk: Desk, integration_id: str) -> None:
    integration = desk.house.integrations.get(integration_id)
    assert integration is not None
    run = desk.house.run(integration)
    assert run.status == "succeeded", run.error


def status(desk: Desk, integration: str, external_id: str) -> str:
    path = f"/v1/integrations/{integration}/accounts/{external_id}"
    return str(desk.call("GET", path).json["status"])


def test_a_user_made_by_an_action_who_leaves_before_any_run_saw_them_is_removed(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    made = desk.call("POST", f"/v1/integrations/{integration}/users", ZED).json["external_id"]
    del vendor.tenant.users[made]
    run_again(desk, integration)
    assert status(desk, integration, made) == "removed"


def test_a_role_given_by_an_action_and_taken_in_the_app_before_any_run_is_revoked(
    aha: Account,
) -> None:
    before = aha.grants(aha.ids[7])
    product = next(
        one for one in aha.products.values() if one not in dict(aha.user(7).product_roles)
    )
    held = aha.user(7)
    given = aha.use("set_product_role", 7, {"product_id": product, "role": "viewer"})
    assert given.status == 200, given.text
    assert aha.grants(aha.ids[7]) - before == {("role", "50", product)}
    aha.vendor.tenant.users[aha.ids[7]] = replace(aha.user(7), product_roles=held.product_roles)
    run_again(aha.desk, aha.id)
    assert aha.grants(aha.ids[7]) == before


def test_an_action_in_a_run_that_ended_is_looked_at_by_the_next_one(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    """A run that read its users before the action has not seen whom it made."""
    integration = desk.house.integrations.get(desk.integrate(vendor))
    assert integration is not None
    begun = desk.house.start(integration, "execution-of-its-own")
    pulled = desk.house.sync.pull(begun, lambda: 600_000)
    made = desk.call("POST", f"/v1/integrations/{integration.id}/users", ZED).json["external_id"]
    assert desk.house.finish(pulled).status == "succeeded"
    assert status(desk, integration.id, made) == "active", "it was not listed, and is there"
    del vendor.tenant.users[made]
    run_again(desk, integration.id)
    assert status(desk, integration.id, made) == "removed"


def test_a_record_without_a_place_for_custom_roles_revokes_none(aha: Account) -> None:
    """Where the search does not find them, the user is read by id, and that lacks custom roles."""
    before = aha.grants(aha.ids[5])
    assert ("role", "409541422", aha.user(5).user_roles[0][1]) in before
    nobody = '{"users": [], "pagination": {"total_records": 0}}'
    aha.vendor.switches.faults = [
        Fault(match=r"^GET /api/v1/users\?.*email=", status=200, body=nobody)
    ]
    answer = aha("PATCH", f"users/{aha.ids[5]}", {"first_name": "Renamed"})
    assert answer.json["roster"] == "updated", answer.text
    assert aha.grants(aha.ids[5]) == before


@pytest.mark.parametrize(
    "overrides", [{"method": "GET"}, {"url": "/groups/5", "method": "GET"}], ids=["method", "url"]
)
def test_a_delete_in_other_words_takes_nobody_off_the_roster_whom_the_app_has(
    desk: Desk, vendor: Vendor[ActiveCampaign], overrides: dict[str, str]
) -> None:
    integration = desk.integrate(vendor)
    path = f"/v1/integrations/{integration}/presets/delete_user"
    desk.call("POST", path, {"inputs": {"external_id": "3"}, "overrides": overrides})
    assert status(desk, integration, "3") == "active"
    desk.unchanged(integration)


def test_a_deletion_that_the_roster_cannot_follow_has_succeeded(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    account = (f"I#{integration}", "ACCOUNT#3")

    def meanwhile(params: dict[str, bytes], **_: object) -> None:
        if b"ACCOUNT#3" in params["body"] and b"removed" in params["body"]:
            item = desk.house.directory.get(*account)
            assert item is not None
            desk.house.directory.update(*account, {"version": item["version"] + 1})

    client = desk.functions.aws.dynamodb
    client.meta.events.register("before-call.dynamodb.UpdateItem", meanwhile)
    answer = desk.call("DELETE", f"/v1/integrations/{integration}/users/3")
    assert (answer.status, answer.json["outcome"], answer.json["roster"]) == (200, "done", "behind")
    run_again(desk, integration)
    assert status(desk, integration, "3") == "removed"


def test_a_page_that_was_asked_for_before_a_deletion_brings_nobody_back(
    desk: Desk, overtaken: Vendor[Overtaken]
) -> None:
    integration = desk.integrate(overtaken)
    path = f"/v1/integrations/{integration}/users/3"
    overtaken.tenant.page = r"^GET /api/3/users\?.*offset=0"
    overtaken.tenant.happens = lambda: desk.call("DELETE", path)
    run_again(desk, integration)
    assert "3" not in overtaken.tenant.users
    assert status(desk, integration, "3") == "removed"
    held = desk.call("GET", f"/v1/integrations/{integration}/grants", query={"account": "3"})
    assert held.json["items"] == []
    desk.unchanged(integration)


def test_a_page_of_members_that_was_asked_for_before_a_change_of_group_brings_no_grant_back(
    desk: Desk, overtaken: Vendor[Overtaken]
) -> None:
    integration = desk.integrate(overtaken)
    path = f"/v1/integrations/{integration}/grants"
    groups = {group.id for group in overtaken.tenant.groups.values()}
    (before,) = desk.call("GET", path, query={"account": "4"}).json["items"]
    old = before["entitlement"]["id"]
    new = min(groups - {old, "3"})
    body = {"inputs": {"external_id": "4", "group_id": new}}
    change = f"/v1/integrations/{integration}/presets/change_group"
    overtaken.tenant.page = rf"^GET /api/3/groups/{old}/userGroups"
    overtaken.tenant.happens = lambda: desk.call("POST", change, body)
    run_again(desk, integration)
    held = desk.call("GET", path, query={"account": "4"}).json["items"]
    assert [grant["entitlement"]["id"] for grant in held] == [new]
    desk.unchanged(integration)
