"""Suggestions, preview, explain, and all mappings in one list: the app is asked, nothing stored."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Fault, Switches, Vendor, serve
from local.vendors.seed import seed_activecampaign
from tests.integration.api.caller import Caller
from tests.integration.api.roster import fill, record
from tests.integration.api.test_launch import MAPPING

NOBODY: dict[str, Any] = {"field": "email", "op": "ends_with", "value": "@nowhere.example"}


@pytest.fixture
def vendor() -> Iterator[Vendor[ActiveCampaign]]:
    with serve(seed_activecampaign(25, 3), Switches()) as vendor:
        yield vendor


@pytest.fixture
def integration(api: Caller, vendor: Vendor[ActiveCampaign]) -> Any:
    credential_id = api.credential(value=vendor.tenant.token)
    return api.integration(base_url=vendor.url, subdomain=None, credential_id=credential_id)


def stored(api: Caller) -> list[Any]:
    """Everything in the directory."""
    return sorted(
        (item["pk"]["S"], item["sk"]["S"], item.get("version"))
        for item in api.aws.dynamodb.scan(TableName=api.settings.directory_table)["Items"]
    )


def user(vendor: Vendor[ActiveCampaign], number: int) -> dict[str, Any]:
    """One of the vendor's users, as a record has it."""
    found = list(vendor.tenant.users.values())[number]
    return {"id": str(found.id), "email": found.email}


def previewed(api: Caller, integration: Any, body: Any = None) -> Any:
    answer = api("POST", f"/v1/integrations/{integration['id']}/preview", body)
    assert answer.status == 200, answer.text
    return answer.json["items"]


def explained(api: Caller, integration: Any, **wanted: str) -> Any:
    answer = api("POST", f"/v1/integrations/{integration['id']}/explain", wanted)
    assert answer.status == 200, answer.text
    return answer.json


def steps(answer: Any) -> dict[str, Any]:
    return {one["step"]: one for one in answer["steps"]}


def test_a_preview_shows_what_the_first_ten_would_become_and_stores_nothing(
    api: Caller, integration: Any
) -> None:
    items = previewed(api, integration)
    assert len(items) == 10
    for item in items:
        assert item["change"] == "create"
        assert item["person_change"] == "create"
        assert item["person_id"] is None
        assert item["passes"] is True
        assert item["errors"] == []
        assert item["person"]["role"] == "Employee"
        assert "@" in item["person"]["email"]
    assert stored(api) == []


def test_a_preview_knows_who_is_there(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    first = user(vendor, 0)
    fill(api, integration["id"], [record(900, email=first["email"].upper())])
    (person,) = api.everything("/v1/people")
    before = stored(api)
    by_id = {item["external_id"]: item for item in previewed(api, integration)}
    assert by_id[first["id"]]["change"] == "create"
    assert by_id[first["id"]]["person_change"] == "update"
    assert by_id[first["id"]]["person_id"] == person["id"]
    assert stored(api) == before


def test_a_candidate_is_tried_and_not_saved(api: Caller, integration: Any) -> None:
    path = f"/v1/integrations/{integration['id']}"
    before = api("GET", path).json
    items = previewed(api, integration, {"filter": NOBODY})
    assert {(item["passes"], item["change"]) for item in items} == {(False, "skip")}
    assert all("@nowhere.example" in item["reason"] for item in items)
    items = previewed(api, integration, {"preference": "update_only"})
    assert {(item["passes"], item["change"]) for item in items} == {(True, "skip")}
    assert all("update_only" in item["reason"] for item in items)
    items = previewed(api, integration, {"mapping": MAPPING})
    assert all(" " in item["person"]["display_name"] for item in items)
    assert api("GET", path).json == before


def test_a_preview_says_why_a_record_would_fail(api: Caller, integration: Any) -> None:
    mapping = {
        "fields": [
            {"target": "email", "source": "email", "sync_key": 1},
            {"target": "role", "source": "lastName"},
        ]
    }
    items = previewed(api, integration, {"mapping": mapping})
    for item in items:
        assert item["change"] == "fail"
        (error,) = item["errors"]
        assert (error["field"], error["code"]) == ("role", "role-unknown")
        assert "Employee" in error["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mapping": {"fields": []}}, "mapping.sync_key"),
        ({"mapping": {"fields": [{"target": "x", "source": "y"}]}}, "mapping.fields.0.target"),
        ({"filter": {"field": "email", "op": "resembles"}}, "filter.op"),
        ({"preference": "delete"}, "preference"),
        ({"preference": None}, "preference"),
        ({"limit": 5}, "limit"),
    ],
)
def test_a_candidate_at_fault_is_named_before_the_app_is_called(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign], body: Any, field: str
) -> None:
    answer = api("POST", f"/v1/integrations/{integration['id']}/preview", body)
    assert (answer.status, answer.fields) == (422, [field])
    assert vendor.log == []


def test_an_app_that_refuses_is_told_apart(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    path = f"/v1/integrations/{integration['id']}"
    api.config.update("INTEGRATION", integration["id"], {"status": "active"})
    calls = (("POST", f"{path}/preview"), ("GET", f"{path}/mapping/suggestions"))
    vendor.switches.users_refused = True
    for method, call in calls:
        answer = api(method, call)
        assert (answer.status, answer.json["type"]) == (
            502,
            "urn:rollcall:problem:vendor-forbidden",
        )
        assert "right to list users" in answer.json["detail"]
    vendor.switches.users_refused = False
    vendor.switches.faults = [Fault(kind="status", status=429, retry_after=7)]
    answer = api("POST", f"{path}/preview")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    vendor.switches.faults = [Fault(kind="html")]
    assert api("POST", f"{path}/preview").status == 502
    vendor.switches.faults = []
    vendor.switches.token_valid = False
    assert api("GET", f"{path}/mapping/suggestions").status == 502
    assert api("GET", path).json["status"] == "needs_reconnect"


def test_a_key_that_may_not_list_users_is_refused_with_what_to_do(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    vendor.switches.users_refused = True
    answer = api("POST", f"/v1/integrations/{integration['id']}/test").json
    assert answer["ok"] is False
    assert answer["error"]["code"] == "vendor-forbidden"
    assert answer["error"]["detail"].endswith("give the key's owner the right to list users")
    assert (answer["sample"], answer["schema"]) == (None, [])


def test_a_test_shows_no_secret(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    first = next(iter(vendor.tenant.users))
    token = vendor.tenant.token
    vendor.tenant.put_user({"id": str(first), "last_name": f"has {token} in it"})
    for call in ("test", "preview"):
        answer = api("POST", f"/v1/integrations/{integration['id']}/{call}")
        assert answer.status == 200
        assert token not in answer.text
        assert "(secret)" in answer.text
    explained(api, integration, external_id=str(first))
    assert token not in "".join(api.texts)


def test_suggestions_name_a_source_for_what_is_there(api: Caller, integration: Any) -> None:
    answer = api("GET", f"/v1/integrations/{integration['id']}/mapping/suggestions")
    assert answer.status == 200
    found = {one["target"]: one for one in answer.json["items"]}
    assert found["email"]["source"] == "email"
    assert found["first_name"]["source"] == "first_name"
    assert all(0 < one["confidence"] <= 1 and one["reason"] for one in found.values())
    assert len(found) == len(answer.json["items"])


def test_a_custom_field_is_suggested_for(api: Caller, integration: Any) -> None:
    field = {"name": "ActiveCampaign User Id", "type": "text", "unique": True}
    api("POST", "/v1/fields", field)
    answer = api("GET", f"/v1/integrations/{integration['id']}/mapping/suggestions")
    found = {one["target"]: one["source"] for one in answer.json["items"]}
    assert found["activecampaign_user_id"] == "id"


def test_a_record_is_explained_step_by_step_and_nothing_is_stored(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    wanted = user(vendor, 24)
    answer = explained(api, integration, external_id=wanted["id"])
    assert [one["step"] for one in answer["steps"]] == [
        "fetch", "filter", "map", "match", "change"
    ]  # fmt: skip
    assert all(one["ok"] for one in answer["steps"])
    assert answer["external_id"] == wanted["id"]
    assert answer["record"]["email"] == wanted["email"]
    told = steps(answer)
    assert told["filter"]["reason"] == "there is no filter"
    assert told["map"]["values"]["email"] == wanted["email"]
    assert (told["match"]["key"], told["match"]["value"]) == ("email", wanted["email"])
    assert (told["match"]["person_id"], told["match"]["creates"]) == (None, True)
    assert (told["change"]["change"], told["change"]["before"]) == ("create", None)
    assert told["change"]["after"]["email"] == wanted["email"]
    assert {one["kind"] for one in told["change"]["changes"]} >= {"account", "person"}
    assert stored(api) == []


def test_an_email_is_looked_for_in_any_case(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    wanted = user(vendor, 20)
    answer = explained(api, integration, email=f" {wanted['email'].upper()} ")
    assert answer["external_id"] == wanted["id"]


def test_who_is_on_the_roster_is_fetched_by_their_id(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    wanted = user(vendor, 20)
    fill(api, integration["id"], [record(int(wanted["id"]), email="old@example.com")])
    answer = explained(api, integration, email="OLD@example.com")
    assert answer["external_id"] == wanted["id"]
    told = steps(answer)
    assert told["match"]["reason"].startswith("no key leads to anybody")
    assert told["change"]["person_change"] == "update"
    assert told["change"]["before"]["email"] == "old@example.com"
    assert told["change"]["after"]["email"] == wanted["email"]


def test_who_is_not_there_is_a_step_and_no_error(api: Caller, integration: Any) -> None:
    for wanted in ({"external_id": "98765"}, {"email": "nobody@example.com"}):
        answer = explained(api, integration, **wanted)
        (step,) = answer["steps"]
        assert (step["step"], step["ok"], step["code"]) == ("fetch", False, "vendor-not-found")
        assert next(iter(wanted.values())) in step["detail"]
        assert answer["record"] is None


def test_an_app_that_fails_is_a_step_too(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    vendor.switches.users_refused = True
    (step,) = explained(api, integration, external_id="1")["steps"]
    assert (step["ok"], step["code"]) == (False, "vendor-forbidden")


def test_the_filter_says_which_rule_left_a_record_out(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    condition = {"all": [{"field": "id", "op": "is_not_empty"}, NOBODY]}
    api("PATCH", f"/v1/integrations/{integration['id']}", {"filter": condition})
    answer = explained(api, integration, external_id=user(vendor, 3)["id"])
    assert [one["step"] for one in answer["steps"]] == ["fetch", "filter"]
    told = steps(answer)["filter"]
    assert (told["ok"], told["rule"]) == (False, "all.1")
    assert user(vendor, 3)["email"] in told["reason"]


def test_keys_of_two_people_are_told(
    api: Caller, integration: Any, vendor: Vendor[ActiveCampaign]
) -> None:
    wanted = user(vendor, 3)
    username = list(vendor.tenant.users.values())[3].username
    fill(
        api,
        integration["id"],
        [
            record(801, email=wanted["email"], username="other-a"),
            record(802, email="b@example.com", username=username),
        ],
    )
    mapping = {
        "fields": [
            {"target": "email", "source": "email", "sync_key": 1},
            {"target": "username", "source": "username", "sync_key": 2},
            {"target": "role", "value": "Employee"},
        ]
    }
    api("PATCH", f"/v1/integrations/{integration['id']}", {"mapping": mapping})
    answer = steps(explained(api, integration, external_id=wanted["id"]))
    assert answer["match"]["ok"] is False
    assert answer["change"]["change"] == "fail"
    assert [one["code"] for one in answer["change"]["errors"]] == ["sync-keys-disagree"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "external_id"),
        ({"external_id": "1", "email": "a@b.c"}, "external_id"),
        ({"external_id": ""}, "external_id"),
        ({"email": "ann"}, "email"),
        ({"email": None}, "external_id"),
        ({"id": "1"}, "id"),
    ],
)
def test_one_record_is_asked_for_in_one_way(
    api: Caller, integration: Any, body: Any, field: str
) -> None:
    answer = api("POST", f"/v1/integrations/{integration['id']}/explain", body)
    assert (answer.status, answer.fields) == (422, [field])


@pytest.mark.parametrize("external_id", ["..", ".", "a/b", "1 OR 1=1", "%2e%2e", "\u00e9" * 300])
def test_an_id_that_is_none_finds_nobody(api: Caller, integration: Any, external_id: str) -> None:
    (step,) = explained(api, integration, external_id=external_id)["steps"]
    assert step["ok"] is False


def test_all_mappings_are_in_one_list(api: Caller) -> None:
    credential_id = api.credential()
    own = api.integration(name="Own", mapping=MAPPING, credential_id=credential_id)
    plain = api.integration(name="Plain", credential_id=credential_id)
    expected = [
        (one["name"], rule["target"], rule["sync_key"])
        for one in (own, plain)
        for rule in one["mapping"]["fields"]
    ]
    for limit in (1, 3, 4, 5, 100):
        found = api.everything("/v1/mappings", limit=limit)
        assert [(one["integration"], one["target"], one["sync_key"]) for one in found] == expected
    assert [one["mapping_source"] for one in found[3:5]] == ["own", "connector"]
    assert found[2]["template"] == MAPPING["fields"][2]["template"]
    assert found[0]["integration_id"] == own["id"]
    assert found[0]["connector"] == "activecampaign"
    assert api("GET", "/v1/mappings", query={"cursor": "nonsense"}).status == 422
