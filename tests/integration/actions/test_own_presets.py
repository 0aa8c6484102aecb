"""Presets of a customer's own: saved, used, changed, deleted, and what they keep from going."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from tests.integration.actions.conftest import Desk

CARD: dict[str, Any] = {
    "name": "Card",
    "base": "get_user",
    "inputs": [{"key": "greeting", "name": "Greeting", "required": True}],
    "overrides": {"response": {"says": "{{ inputs.greeting }} {{ response.user.firstName }}"}},
}
PATH = "/v1/connectors/activecampaign/presets/card"


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    with serve(seed_activecampaign(6, 4)) as serving:
        yield serving


def use(desk: Desk, integration: str, preset: str, **body: Any) -> Any:
    return desk.call("POST", f"/v1/integrations/{integration}/presets/{preset}", body)


def test_it_is_saved_used_changed_and_deleted_each_with_an_audit_entry(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.integrate(vendor)
    saved = desk.call("PUT", PATH, CARD)
    assert saved.status == 200, saved.text
    assert desk.call("GET", PATH).json == saved.json
    listed = desk.call("GET", "/v1/connectors/activecampaign/presets").json["items"]
    assert listed == [saved.json]
    offered = desk.call("GET", f"/v1/integrations/{integration}/presets").json["items"]
    assert offered[0]["key"] == "create_user"
    assert offered[-1]["key"] == "card"
    assert [one["key"] for one in offered[-1]["inputs"]] == ["external_id", "greeting"]

    missing = use(desk, integration, "card", inputs={"external_id": "3"})
    assert (missing.status, missing.fields) == (422, ["greeting"])
    inputs = {"external_id": "3", "greeting": "Hi"}
    name = vendor.tenant.users["3"].first_name
    used = use(desk, integration, "card", inputs=inputs)
    assert (used.status, used.json["response"]) == (200, {"says": f"Hi {name}"})
    action = desk.call("GET", f"/v1/actions/{used.json['action_id']}").json
    assert action["preset"] == "card"
    once = use(
        desk, integration, "card", inputs=inputs, overrides={"response": ["{{ external_id }}"]}
    )
    assert once.json["response"] == ["3"]

    changed = {**CARD, "inputs": [], "overrides": {"response": "{{ response.user.email }}"}}
    again = desk.call("PUT", PATH, changed).json
    assert again["created_at"] == saved.json["created_at"]
    mail = use(desk, integration, "card", inputs={"external_id": "3"}).json["response"]
    assert mail == vendor.tenant.users["3"].email

    assert desk.call("DELETE", PATH).status == 204
    assert desk.call("DELETE", PATH).status == 404
    assert desk.call("GET", PATH).status == 404
    assert use(desk, integration, "card", inputs={"external_id": "3"}).status == 404
    log = desk.call("GET", "/v1/audit").json["items"]
    mine = [one for one in log if one["object_type"] == "preset"]
    assert [one["verb"] for one in mine] == ["delete", "update", "create"]
    assert {one["object_id"] for one in mine} == {"activecampaign/card"}


def test_the_connectors_own_key_is_not_to_be_taken(desk: Desk) -> None:
    path = "/v1/connectors/activecampaign/presets/get_user"
    assert desk.call("PUT", path, {**CARD, "inputs": []}).status == 409
    assert desk.call("PUT", "/v1/connectors/nope/presets/card", CARD).status == 404
    assert desk.call("GET", "/v1/connectors/nope/presets").status == 404


UNUSABLE: list[tuple[dict[str, Any], list[str]]] = [
    ({"base": "no_such"}, ["base"]),
    ({"base": "create_user", "inputs": [{"key": "email", "name": "E"}]}, ["inputs.0.key"]),
    ({"inputs": [{"key": "external_id", "name": "E"}]}, ["inputs.0.key"]),
    ({"inputs": [{"key": "a", "name": "A", "type": "date"}]}, ["inputs.0.type"]),
    ({"overrides": {"body": {"user": {"email": "{{ nope.x }}"}}}},
     ["overrides.body.user.email"]),
    ({"overrides": {"response": ["{{ response | nope }}"]}}, ["overrides.response.0"]),
    ({"overrides": {"url": "https://acme.api-us1.com/api/3/users"}}, ["overrides.url"]),
    ({"overrides": {"headers": {"X-Api-Key": "k3y"}}}, ["overrides.headers.X-Api-Key"]),
    ({"overrides": {"body": {"user": [{"password": "p4ss"}]}}},
     ["overrides.body.user.0.password"]),
    ({"response_field": "nope"}, ["response_field"]),
    ({"response_field": "email"}, ["response_field"]),
    ({"response_field": ""}, ["response_field"]),
    ({"more": 1}, ["more"]),
]  # fmt: skip


def test_what_would_fail_whenever_it_is_used_is_refused(desk: Desk) -> None:
    for changes, fields in UNUSABLE:
        answer = desk.call("PUT", PATH, {**CARD, **changes})
        assert (answer.status, answer.fields) == (422, fields), answer.text
    assert desk.call("GET", PATH).status == 404


def test_a_secret_input_of_ones_own_is_masked(desk: Desk, vendor: "Vendor[ActiveCampaign]") -> None:
    integration = desk.integrate(vendor)
    preset = {
        "name": "With a key",
        "base": "get_user",
        "inputs": [{"key": "key", "name": "Key", "secret": True, "required": True}],
        "overrides": {
            "headers": {"X-Api-Key": "{{ inputs.key }}"},
            "response": "{{ inputs.key }} of {{ response.user.id }}",
        },
    }
    assert desk.call("PUT", PATH, preset).status == 200
    answer = use(desk, integration, "card", inputs={"external_id": "3", "key": "k3y-of-card"})
    assert answer.json["response"] == "(secret) of 3"
    assert "k3y-of-card" not in desk.call("GET", "/v1/actions").text


def test_a_field_that_a_preset_fills_is_not_deleted(desk: Desk) -> None:
    field = desk.call("POST", "/v1/fields", {"name": "Card", "type": "json"}).json["key"]
    assert desk.call("PUT", PATH, {**CARD, "response_field": field}).status == 200
    kept = desk.call("DELETE", f"/v1/fields/{field}")
    assert (kept.status, "activecampaign/card" in kept.text) == (409, True)
    assert desk.call("PUT", PATH, CARD).status == 200
    assert desk.call("DELETE", f"/v1/fields/{field}").status == 204
    assert desk.call("PUT", PATH, {**CARD, "response_field": field}).fields == ["response_field"]


def test_a_connector_of_ones_own_has_presets_and_stays_while_they_use_it(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    manifest = desk.call("GET", "/v1/connectors/activecampaign/manifest").json
    own = {**manifest, "key": "mailer", "name": "Mailer"}
    assert desk.call("POST", "/v1/connectors", own).status == 201
    path = "/v1/connectors/mailer/presets/card"
    assert desk.call("PUT", path, CARD).status == 200
    body = {"name": "k", "connector": "mailer", "auth": {"value": vendor.tenant.token}}
    credential = desk.call("POST", "/v1/credentials", body).json["id"]
    body = {"name": "Mailer", "connector": "mailer", "credential_id": credential}
    made = desk.call("POST", "/v1/integrations", {**body, "base_url": vendor.url}).json
    used = use(desk, made["id"], "card", inputs={"external_id": "3", "greeting": "Hi"})
    assert used.status == 200, used.text
    assert used.json["response"]["says"].startswith("Hi ")

    presets = [one for one in own["presets"] if one["key"] != "get_user"]
    fewer = desk.call("PUT", "/v1/connectors/mailer", {**own, "presets": presets})
    assert (fewer.status, "preset 'card': base" in fewer.text) == (409, True)
    taken = {**own["presets"][1], "key": "card"}
    more = desk.call("PUT", "/v1/connectors/mailer", {**own, "presets": [*own["presets"], taken]})
    assert (more.status, "preset 'card': key" in more.text) == (409, True)

    assert desk.call("DELETE", f"/v1/integrations/{made['id']}").status == 204
    assert desk.call("DELETE", f"/v1/credentials/{credential}").status == 204
    kept = desk.call("DELETE", "/v1/connectors/mailer")
    assert (kept.status, "preset 'Card' (card)" in kept.text) == (409, True)
    assert desk.call("DELETE", path).status == 204
    assert desk.call("DELETE", "/v1/connectors/mailer").status == 204


def test_the_shorthands_take_what_a_preset_of_an_app_of_ones_own_needs(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    own = desk.call("GET", "/v1/connectors/activecampaign/manifest").json
    whose: dict[str, Any] = {"method": "PUT", "path": "/users/{{ external_id }}"}
    why = [{"key": "why", "name": "Why", "required": True}]
    off: dict[str, Any] = {
        "key": "deactivate_user", "name": "Off", "does": "deactivate", "inputs": why,
    }  # fmt: skip
    off |= {**whose, "body": {"user": {"lastName": "{{ inputs.why }}"}}}
    gone = {**off, "key": "delete_user", "name": "Gone", "does": "delete"}
    presets = [one for one in own["presets"] if one["key"] != "delete_user"]
    own |= {"key": "mailer", "presets": [*presets, off, gone]}
    assert desk.call("POST", "/v1/connectors", own).status == 201
    body = {"name": "k", "connector": "mailer", "auth": {"value": vendor.tenant.token}}
    credential = desk.call("POST", "/v1/credentials", body).json["id"]
    body = {"name": "Mailer", "connector": "mailer", "credential_id": credential}
    made = desk.call("POST", "/v1/integrations", {**body, "base_url": vendor.url}).json
    path = f"/v1/integrations/{made['id']}/users/3"
    for method, place in (("POST", f"{path}/deactivate"), ("DELETE", path)):
        for wrong in (None, {}, {"why": "Left", "odd": 1}):
            refused = desk.call(method, place, wrong)
            named = ["odd"] if wrong else ["why"]
            assert (refused.status, refused.fields) == (422, named)
        assert [call for call in vendor.log if call.method == "PUT"] == []
        used = desk.call(method, place, {"why": f"Left by {method}"})
        assert used.status == 200, used.text
        assert vendor.tenant.users["3"].last_name == f"Left by {method}"
        vendor.log.clear()
