"""What is kept of every action, who can find it how, and what is never kept."""

import json
import logging
from typing import Any

import pytest

from local.vendors import Fault, serve
from local.vendors.seed import seed_activecampaign
from tests.integration.actions.conftest import Desk

PASSWORD = "p4ssw0rd-of-zed"
ZED: dict[str, Any] = {
    "username": "zed",
    "email": "zed@northwind.example",
    "password": PASSWORD,
    "group_id": "4",
}


def scanned(desk: Desk) -> str:
    """Everything that is stored, in every table."""
    settings, client = desk.house.settings, desk.house.aws.dynamodb
    names = [
        settings.config_table,
        settings.directory_table,
        settings.runs_table,
        f"{settings.stack_name}-IdempotencyTable",
    ]
    pages = [
        page["Items"]
        for name in names
        for page in client.get_paginator("scan").paginate(TableName=name)
    ]
    assert all(pages[:3])
    return json.dumps(pages, default=str)


def test_an_action_tells_who_what_when_and_what_came_of_it(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        path = f"/v1/integrations/{integration}/users/3"
        made = desk.call("PATCH", path, {"first_name": "Renamed"}, actor="token:hr")
        base = f"/v1/integrations/{integration}/presets/get_user"
        body = {"inputs": {"external_id": "3"}, "overrides": {"params": {"view": "card"}}}
        other = desk.call("POST", base, body)
        action = desk.call("GET", f"/v1/actions/{made.json['action_id']}").json
        account = desk.call("GET", f"/v1/integrations/{integration}/accounts/3").json
    assert action["actor"] == "token:hr"
    assert (action["connector"], action["preset"]) == ("activecampaign", "update_user")
    assert (action["integration_id"], action["external_id"]) == (integration, "3")
    assert action["person_id"] == account["person_id"]
    assert action["inputs"] == {"first_name": "Renamed"}
    assert action["request"]["method"] == "PUT"
    assert action["request"]["url"] == f"{vendor.url}/api/3/users/3"
    assert action["response"]["firstName"] == "Renamed"
    assert (action["status"], action["outcome"], action["error"]) == ("succeeded", "done", None)
    assert action["created_at"] <= action["started_at"] <= action["finished_at"]
    assert action["duration_ms"] >= 0
    log = desk.call("GET", "/v1/audit").json["items"]
    (entry,) = [one for one in log if one["object_id"] == action["id"]]
    assert (entry["actor"], entry["object_type"], entry["verb"]) == ("token:hr", "action", "ask")
    (entry,) = [one for one in log if one["object_id"] == other.json["action_id"]]
    assert '"view": "card"' in json.dumps(entry)


def test_actions_are_found_by_person_integration_and_actor(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as one, serve(seed_activecampaign(6, 4)) as two:
        first, second = desk.integrate(one), desk.integrate(two)
        people = {
            external_id: desk.call("GET", f"/v1/integrations/{first}/accounts/{external_id}").json[
                "person_id"
            ]
            for external_id in ("2", "3")
        }
        asked = [(first, "2", "a"), (first, "3", "b"), (second, "2", "b"), (first, "2", "b")]
        ids = [
            desk.call("GET", f"/v1/integrations/{of}/users/{external_id}", actor=actor).json[
                "action_id"
            ]
            for of, external_id, actor in asked
        ]

        def found(**query: str) -> list[int]:
            items = desk.call("GET", "/v1/actions", query=query).json["items"]
            return [ids.index(item["id"]) for item in items]

        assert found() == [3, 2, 1, 0]
        assert found(person_id=people["2"]) == [3, 2, 0]
        assert found(person_id=people["3"]) == [1]
        assert found(integration_id=second) == [2]
        assert found(actor="b") == [3, 2, 1]
        assert found(actor="b", integration_id=first, person_id=people["2"]) == [3]
        assert found(actor="nobody") == []
        paged = desk.call.everything("/v1/actions", limit=1, person_id=people["2"])
        assert [item["id"] for item in paged] == [ids[3], ids[2], ids[0]]
        unknown = desk.call("GET", "/v1/actions/nothing")
        assert unknown.status == 404


@pytest.mark.parametrize("echoes", ["in an answer", "in an error"])
def test_a_secret_is_in_no_table_no_log_and_no_answer(
    desk: Desk, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], echoes: str
) -> None:
    caplog.set_level(logging.INFO)
    field = desk.call("POST", "/v1/fields", {"name": "Card", "type": "json"}).json["key"]
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        told = json.dumps({"user": {"id": "5", "note": f"your password is {PASSWORD}"}})
        refused = json.dumps({"message": f"{PASSWORD} is too weak"})
        in_answer = echoes == "in an answer"
        vendor.switches.faults = [
            Fault(
                match="^(POST|PUT) ",
                kind="status",
                status=200 if in_answer else 422,
                body=told if in_answer else refused,
            )
        ]
        base = f"/v1/integrations/{integration}"
        literal = {"user": {"password": "l1teral-secret", "note": "{{ inputs.password }}"}}
        uses: list[tuple[str, dict[str, Any]]] = [
            ("create_user", {"inputs": ZED}),
            ("update_user", {"inputs": {"external_id": "3", "password": PASSWORD}}),
            ("update_user", {"inputs": {"external_id": "3", "password": PASSWORD},
             "overrides": {"body": literal, "headers": {"X-Key": "h3ader-secret"}}}),
            ("update_user", {"inputs": {"external_id": "3", "password": PASSWORD},
             "response_field": field,
             "overrides": {"params": {"all": "{{ inputs | json }}"}, "response":
                           {"of": "{{ inputs.password }}", "is": "{{ response }}"}}}),
        ]  # fmt: skip
        for number, (preset, body) in enumerate(uses):
            path = f"{base}/presets/{preset}"
            headers = {"idempotency-key": f"{echoes} {number}"}
            answer = desk.call("POST", path, body, headers=headers)
            assert answer.status == (422 if not in_answer else 201 if number == 0 else 200)
            assert desk.call("POST", path, {**body, "dry_run": True}).status == 200
        history = desk.call("GET", "/v1/actions").text
    assert "(secret)" in history
    said = "\n".join([*desk.call.texts, scanned(desk), caplog.text, *capsys.readouterr()])
    for secret in (PASSWORD, "l1teral-secret", "h3ader-secret", vendor.tenant.token):
        place = said.find(secret)
        assert place == -1, said[max(place - 300, 0) : place + 100]


def test_the_error_of_a_failed_action_is_kept_as_it_was_told(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        body = {**ZED, "username": vendor.tenant.users["2"].username}
        told = desk.call("POST", f"/v1/integrations/{integration}/users", body)
        gone = desk.call("GET", f"/v1/integrations/{integration}/users/99")
        vendor.switches.token_valid = False
        refused = desk.call("GET", f"/v1/integrations/{integration}/users/2")
        items = desk.call("GET", "/v1/actions").json["items"]
    codes = [item["error"]["code"] for item in items]
    assert codes == ["vendor-unauthorized", "vendor-not-found", "vendor-rejected"]
    assert [refused.status, gone.status, told.status] == [502, 404, 422]
    assert items[2]["error"]["errors"] == told.json["errors"]
    assert told.fields[0] == "username"
    assert {item["status"] for item in items} == {"failed"}
