"""A dry run answers with the request that would be sent, and sends nothing."""

import json
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.integration.actions.conftest import Desk

ZED = {
    "username": "zed",
    "first_name": "Zed",
    "email": "zed@northwind.example",
    "password": "p4ssw0rd-of-zed",
    "group_id": 4,
}


def sent(vendor: "Vendor[Any]", since: int, method: str) -> Any:
    """The one call of that method that the app had since."""
    (call,) = [call for call in vendor.log[since:] if call.method == method]
    return call


@pytest.mark.parametrize(
    ("preset", "inputs", "method"),
    [
        ("create_user", ZED, "POST"),
        ("get_user", {"external_id": "3"}, "GET"),
        (
            "update_user",
            {"external_id": "3", "first_name": "Renamed", "password": "n3w-pass"},
            "PUT",
        ),
        ("change_group", {"external_id": "3", "group_id": "3"}, "PUT"),
        ("user_role", {"external_id": "3"}, "GET"),
        ("delete_user", {"external_id": "3"}, "DELETE"),
        ("list_groups", {}, "GET"),
    ],
)
def test_after_a_sync_not_one_call_reaches_the_app(
    desk: Desk, preset: str, inputs: dict[str, Any], method: str
) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor, headers={"X-Gateway": "k3y-of-gateway"})
        path = f"/v1/integrations/{integration}/presets/{preset}"
        before, users = len(vendor.log), dict(vendor.tenant.users)
        dry = desk.call("POST", path, {"inputs": inputs, "dry_run": True})
        assert dry.status == 200, dry.text
        assert len(vendor.log) == before
        assert dict(vendor.tenant.users) == users
        assert desk.functions.payloads == []
        assert desk.call("GET", "/v1/actions").json["items"] == []

        request = dry.json["request"]
        assert request["method"] == method
        assert request["headers"]["Api-Token"] == "(secret)"
        assert request["headers"]["X-Gateway"] == "(secret)"
        for secret in (vendor.tenant.token, "k3y-of-gateway", ZED["password"], "n3w-pass"):
            assert str(secret) not in dry.text

        real = desk.call("POST", path, {"inputs": inputs})
        assert real.status in (200, 201), real.text
        calls = [call for call in vendor.log[before:] if call.method == method]
        address = request["url"].removeprefix(vendor.url)
        (call,) = [call for call in calls if call.path == address][:1]
        for name, value in request["headers"].items():
            if value != "(secret)":
                assert call.headers[name.lower()] == value
        if preset != "list_groups":
            action = desk.call("GET", f"/v1/actions/{real.json['action_id']}").json
            assert action["request"]["body"] == request["body"]
            assert action["request"]["url"] == request["url"]


def test_the_body_is_the_one_that_the_app_gets(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[Any] = []
    change = ActiveCampaign.answer

    def heard(self: ActiveCampaign, call: Any, switches: Any) -> Any:
        bodies.extend([json.loads(call.body)] if call.method == "PUT" else [])
        return change(self, call, switches)

    monkeypatch.setattr(ActiveCampaign, "answer", heard)
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        path = f"/v1/integrations/{integration}/presets/update_user"
        body = {"inputs": {"external_id": "3", "last_name": "New", "password": "n3w-pass"}}
        dry = desk.call("POST", path, {**body, "dry_run": True}).json["request"]["body"]
        assert desk.call("POST", path, body).status == 200
    assert dry["user"].pop("password") == "(secret)"
    assert bodies[0]["user"].pop("password") == "n3w-pass"
    assert bodies == [dry]
    assert {"firstName", "lastName", "email", "group", "phone"} <= dry["user"].keys()


def test_somebody_the_roster_does_not_know_is_read_and_404_if_not_there(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        vendor.tenant.put_user({"id": "77", "first_name": "Late", "group": "3"})
        path = f"/v1/integrations/{integration}/presets/update_user"
        before = len(vendor.log)
        late = desk.call("POST", path, {"inputs": {"external_id": "77"}, "dry_run": True})
        assert late.json["request"]["body"]["user"]["firstName"] == "Late"
        nobody = desk.call("POST", path, {"inputs": {"external_id": "78"}, "dry_run": True})
        assert {call.method for call in vendor.log[before:]} == {"GET"}
        real = desk.call("POST", path, {"inputs": {"external_id": "78"}})
        assert (nobody.status, nobody.json["type"]) == (real.status, real.json["type"])
        assert nobody.status == 404


def test_what_would_be_refused_is_refused_alike(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        asked: list[tuple[str, dict[str, Any], int]] = [
            ("create_user", {"username": "zed"}, 422),
            ("update_user", {"external_id": ""}, 422),
            ("delete_user", {"external_id": "1"}, 409),
            ("no_such", {}, 404),
        ]
        for preset, inputs, status in asked:
            path = f"/v1/integrations/{integration}/presets/{preset}"
            dry = desk.call("POST", path, {"inputs": inputs, "dry_run": True})
            real = desk.call("POST", path, {"inputs": inputs})
            assert (dry.status, real.status) == (status, status), preset
            assert dry.json.get("errors") == real.json.get("errors")


def test_the_keys_own_user_is_refused_as_the_last_run_had_them(desk: Desk) -> None:
    with serve(seed_aha(6)) as vendor:
        integration = desk.integrate(vendor)
        me = vendor.tenant.me
        path = f"/v1/integrations/{integration}/presets/deactivate_user"
        body = {"inputs": {"external_id": me}, "dry_run": True}
        before = len(vendor.log)
        assert desk.call("POST", path, body).status == 409
        assert len(vendor.log) == before
        assert desk.call("POST", path, {"inputs": {"external_id": me}}).status == 409
        # Another key may be another user's: nobody knows until the app is asked.
        shown = desk.call("GET", f"/v1/integrations/{integration}").json
        rotated = {"auth": {"value": vendor.tenant.token}}
        desk.call("PUT", f"/v1/credentials/{shown['credential_id']}", rotated)
        before = len(vendor.log)
        unsure = desk.call("POST", path, body)
        assert len(vendor.log) == before
        assert unsure.status == 200
        assert "whose key" in unsure.json["notes"][0]
        desk.unchanged(integration)
        assert desk.call("POST", path, body).status == 409


def test_where_nothing_is_to_be_done_there_is_no_request(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        path = f"/v1/integrations/{integration}/presets/change_group"
        inputs = {"external_id": "3", "group_id": vendor.tenant.users["3"].group}
        dry = desk.call("POST", path, {"inputs": inputs, "dry_run": True})
        assert (dry.status, dry.json["request"]) == (200, None)


def test_a_dry_run_leaves_its_idempotency_key_to_the_real_call(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        path = f"/v1/integrations/{integration}/presets/create_user"
        headers = {"idempotency-key": "one"}
        for _ in range(2):
            dry = desk.call("POST", path, {"inputs": ZED, "dry_run": True}, headers=headers)
            assert dry.status == 200, dry.text
        real = desk.call("POST", path, {"inputs": ZED}, headers=headers)
        assert real.status == 201, real.text
        assert len(vendor.tenant.users) == 7
        again = desk.call("POST", path, {"inputs": ZED, "dry_run": True}, headers=headers)
        assert again.json["dry_run"] is True


def test_a_key_in_the_query_and_own_parameters_are_shown_masked(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor, params={"team": "te4m-key", "page": "9"})
        path = f"/v1/integrations/{integration}/presets/get_user"
        overrides = {"url": "/users/{{ external_id }}?page=2", "params": {"view": "full"}}
        body = {"inputs": {"external_id": "3"}, "overrides": overrides}
        dry = desk.call("POST", path, {**body, "dry_run": True})
        assert dry.json["request"]["params"] == {"team": "(secret)", "view": "full"}
        assert dry.json["request"]["url"].endswith("/users/3?page=2")
        before = len(vendor.log)
        assert desk.call("POST", path, body).status == 200
        query = sent(vendor, before, "GET").query
        assert sorted(query.split("&")) == ["page=2", "team=te4m-key", "view=full"]
