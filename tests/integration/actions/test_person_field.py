"""Map Response to Field: what an app answers is kept in a custom field of a person."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from tests.integration.actions.conftest import Desk


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    with serve(seed_activecampaign(6, 4)) as serving:
        yield serving


def field(desk: Desk, name: str, kind: str, **more: Any) -> str:
    answer = desk.call("POST", "/v1/fields", {"name": name, "type": kind, **more})
    assert answer.status == 201, answer.text
    return str(answer.json["key"])


def use(desk: Desk, integration: str, preset: str = "get_user", **body: Any) -> Any:
    return desk.call("POST", f"/v1/integrations/{integration}/presets/{preset}", body)


def person_of(desk: Desk, integration: str, external_id: str) -> Any:
    path = f"/v1/integrations/{integration}/accounts/{external_id}"
    return desk.call("GET", f"/v1/people/{desk.call('GET', path).json['person_id']}").json


def test_text_dict_and_list_are_kept_used_in_templates_and_left_by_the_sync(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.integrate(vendor)
    user = vendor.tenant.users["3"]
    kinds: list[tuple[str, str, Any, Any]] = [
        ("Whole", "json", None, None),
        ("Mail", "text", "{{ response.user.email }}", user.email),
        ("Both", "json", ["{{ response.user.id }}", "{{ response.user.email }}"],
         ["3", user.email]),
        ("Written", "long_text", {"id": "{{ response.user.id }}"}, '{"id":"3"}'),
        ("Count", "number", "{{ response.user.id | number }}", 3),
        ("On", "boolean", "{{ response.user.id == '3' }}", True),
    ]  # fmt: skip
    for name, kind, mapping, value in kinds:
        key = field(desk, name, kind)
        overrides: dict[str, Any] = {"overrides": {"response": mapping}} if mapping else {}
        inputs = {"external_id": "3"}
        answer = use(desk, integration, inputs=inputs, response_field=key, **overrides)
        assert (answer.status, answer.json["notes"]) == (200, []), answer.text
        kept = person_of(desk, integration, "3")[key]
        assert kept == (answer.json["response"] if value is None else value)
    whole = person_of(desk, integration, "3")
    assert whole["whole"]["firstName"] == user.first_name

    told = use(
        desk,
        integration,
        inputs={"external_id": "3"},
        overrides={"response": "{{ person.whole.firstName }} {{ person.both[1] }}"},
    )
    assert told.json["response"] == f"{user.first_name} {user.email}"

    desk.unchanged(integration)
    vendor.tenant.put_user({"id": "3", "last_name": "Changed"})
    run = desk.house.run(desk.house.integrations.get(integration))  # type: ignore[arg-type]
    assert run.counts["updated"] == 1
    after = person_of(desk, integration, "3")
    assert after["last_name"] == "Changed"
    for key in ("whole", "mail", "both", "written", "count", "on"):
        assert after[key] == whole[key]


def test_a_saved_preset_fills_its_field_at_every_use_and_by_person(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.integrate(vendor)
    key = field(desk, "Card", "json")
    preset = {"name": "Card", "base": "get_user", "response_field": key}
    saved = desk.call("PUT", "/v1/connectors/activecampaign/presets/card", preset)
    assert saved.status == 200, saved.text
    person = person_of(desk, integration, "3")
    assert use(desk, integration, "card", person_id=person["id"]).status == 200
    assert person_of(desk, integration, "3")[key]["id"] == "3"


def test_what_does_not_fit_fails_a_use_that_only_reads_and_is_noted_of_another(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.integrate(vendor)
    key = field(desk, "Count", "number")
    read = use(desk, integration, inputs={"external_id": "3"}, response_field=key)
    assert (read.status, read.fields) == (422, ["response_field"])
    assert "is no number" in read.text
    changed = use(
        desk,
        integration,
        "update_user",
        inputs={"external_id": "3", "last_name": "Changed"},
        response_field=key,
    )
    assert (changed.status, changed.json["status"]) == (200, "succeeded")
    assert "count is not written" in changed.json["notes"][0]
    assert person_of(desk, integration, "3").get(key) is None
    failing = use(
        desk,
        integration,
        inputs={"external_id": "3"},
        response_field=key,
        overrides={"response": "{{ response.user.email | number }}"},
    )
    assert (failing.status, failing.fields) == (422, ["overrides.response"])


def test_a_unique_field_holds_a_value_for_one_person(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.integrate(vendor)
    key = field(desk, "Badge", "text", unique=True)
    same: dict[str, Any] = {"response_field": key, "overrides": {"response": "badge-1"}}
    assert use(desk, integration, inputs={"external_id": "2"}, **same).status == 200
    taken = use(desk, integration, inputs={"external_id": "3"}, **same)
    assert (taken.status, taken.fields) == (422, ["response_field"])
    assert person_of(desk, integration, "3").get(key) is None
    other: dict[str, Any] = {"response_field": key, "overrides": {"response": "badge-2"}}
    assert use(desk, integration, inputs={"external_id": "2"}, **other).status == 200
    assert use(desk, integration, inputs={"external_id": "3"}, **same).status == 200
    assert person_of(desk, integration, "3")[key] == "badge-1"


def test_a_user_of_nobody_has_no_field_to_fill_and_is_not_read(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.integrate(vendor)
    key = field(desk, "Card", "json")
    link = f"/v1/integrations/{integration}/accounts/3/person"
    person = person_of(desk, integration, "3")
    assert desk.call("DELETE", link).status == 200
    before = len(vendor.log)
    nobody = use(desk, integration, inputs={"external_id": "3"}, response_field=key)
    assert (nobody.status, nobody.fields) == (422, ["person_id"])
    assert len(vendor.log) == before
    body: dict[str, Any] = {
        "inputs": {"external_id": "3"},
        "person_id": person["id"],
        "response_field": key,
    }
    assert use(desk, integration, **body).status == 200
    kept = desk.call("GET", f"/v1/people/{person['id']}").json
    assert kept[key]["id"] == "3"


def test_a_new_users_person_has_the_answer(desk: Desk, vendor: "Vendor[ActiveCampaign]") -> None:
    integration = desk.integrate(vendor)
    key = field(desk, "Made As", "text")
    inputs = {"username": "zed", "email": "zed@x.example", "password": "p4ss", "group_id": "4"}
    made = use(
        desk,
        integration,
        "create_user",
        inputs=inputs,
        response_field=key,
        overrides={"response": "{{ response.user.username }}"},
    )
    assert (made.status, made.json["notes"]) == (201, []), made.text
    assert person_of(desk, integration, made.json["external_id"])[key] == "zed"
