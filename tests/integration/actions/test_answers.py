"""What is answered about actions is what the OpenAPI document says."""

from typing import Any

from botocore.exceptions import ReadTimeoutError

from local.vendors import serve
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.integration.actions.conftest import Desk
from tests.integration.api.test_document import Checked

ZED = {
    "username": "zed",
    "email": "zed@northwind.example",
    "password": "p4ssw0rd-of-zed",
    "group_id": "4",
}
INTEGRATION = "/v1/integrations/{integration_id}"
USER = f"{INTEGRATION}/users/{{external_id}}"


def checked(desk: Desk) -> Checked:
    return Checked(desk.call, desk.call("GET", "/v1/openapi.json", actor=None).json)


def test_answers_of_every_call_on_users_are_those_documented(desk: Desk) -> None:
    call = checked(desk)
    with serve(seed_activecampaign(6, 4)) as mailer, serve(seed_aha(6)) as aha:
        one, other = (desk.house.integrate(vendor).id for vendor in (mailer, aha))
        base = f"/v1/integrations/{one}"
        created = call(f"POST {INTEGRATION}/users", f"{base}/users", ZED)
        assert created.status == 201, created.text
        external_id = created.json["external_id"]
        path = f"{base}/users/{external_id}"
        assert call(f"GET {USER}", path).status == 200
        assert call(f"PATCH {USER}", path, {"first_name": "Zed"}).status == 200
        assert call(f"GET {USER}/roles", f"{path}/roles").status == 200
        assert call(f"POST {INTEGRATION}/users", f"{base}/users", ZED).status == 422
        assert call(f"DELETE {USER}", path).status == 200
        assert call(f"GET {USER}", path).status == 404
        assert call(f"DELETE {USER}", f"{base}/users/1").status == 409
        mailer.switches.token_valid = False
        assert call(f"GET {USER}", f"{base}/users/2").status == 502
        user = next(one.id for one in aha.tenant.users.values() if one.id != aha.tenant.me)
        path = f"/v1/integrations/{other}/users/{user}"
        assert call(f"POST {USER}/deactivate", f"{path}/deactivate").status == 200
        listed = call("GET /v1/actions", "/v1/actions").json["items"]
        assert {action["status"] for action in listed} == {"succeeded", "failed"}
        for action in listed:
            call("GET /v1/actions/{action_id}", f"/v1/actions/{action['id']}")


def test_a_preset_answers_by_what_became_of_it(desk: Desk, monkeypatch: Any) -> None:
    call = checked(desk)
    name = f"POST {INTEGRATION}/presets/{{preset}}"
    with serve(seed_activecampaign(6, 4)) as vendor:
        base = f"/v1/integrations/{desk.house.integrate(vendor).id}/presets"
        dry = call(name, f"{base}/create_user", {"inputs": ZED, "dry_run": True})
        assert (dry.status, dry.json["dry_run"]) == (200, True)
        assert call(name, f"{base}/create_user", {"inputs": ZED}).status == 201
        assert call(name, f"{base}/list_groups", {}).status == 200

        def silent(**_: Any) -> Any:
            raise ReadTimeoutError(endpoint_url="lambda")

        monkeypatch.setattr(desk.functions, "invoke", silent)
        slow = call(name, f"{base}/get_user", {"inputs": {"external_id": "2"}})
        assert (slow.status, slow.json["status"]) == (202, "running")
        polled = call("GET /v1/actions/{action_id}", f"/v1/actions/{slow.json['action_id']}")
        assert (polled.json["status"], polled.json["duration_ms"]) == ("running", None)
