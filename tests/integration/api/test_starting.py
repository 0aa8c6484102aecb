"""Executions over HTTP: asked for, held, and tested."""

from typing import Any

import pytest

from tests.integration.api.flows import CALL, EVENT, HAND, SCHEDULE, Flows
from tests.integration.api.test_requests import is_problem


def test_an_execution_is_asked_for_and_begun(flows: Flows) -> None:
    integration_id, people = flows.roster()
    workflow_id = flows.active(CALL)
    account = {"integration_id": integration_id, "external_id": "2"}
    answer = flows.post(
        f"workflows/{workflow_id}/executions",
        {"inputs": {"team": "Sales", "seats": 3}, "account": account},
    )
    assert answer.status == 202
    shown = answer.json
    told = [shown[name] for name in ("status", "mode", "began", "actor", "version")]
    assert told == ["running", "real", "call", "administrator", 1]
    about = (shown["person_id"], shown["integration_id"], shown["external_id"])
    assert about == (people[1]["id"], integration_id, "2")
    assert flows.steps.inputs == {shown["id"]: {"execution": shown["id"], "at": "", "attempt": 1}}
    assert shown["console_url"].endswith(
        f"#/v2/executions/details/arn:aws:states:eu-west-1:123456789012:execution:"
        f"rollcall-test-wf-{workflow_id}:{shown['id']}"
    )
    whole = flows.get(f"executions/{shown['id']}").json
    assert whole["inputs"] == {"team": "Sales", "seats": 3}
    assert (whole["steps"], whole["steps_complete"]) == ([], True)


def test_a_person_that_is_said_comes_before_the_accounts(flows: Flows) -> None:
    integration_id, people = flows.roster()
    workflow_id = flows.active(HAND)
    account = {"integration_id": integration_id, "external_id": "2"}
    execution_id = flows.start(workflow_id, account=account, person_id=people[0]["id"])
    assert flows.execution(execution_id).person_id == people[0]["id"]
    assert flows.execution(flows.start(workflow_id)).person_id is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["inputs.team"]),
        ({"inputs": {"team": None}}, ["inputs.team"]),
        ({"inputs": {"team": 5}}, ["inputs.team"]),
        ({"inputs": {"team": "a", "seats": "3"}}, ["inputs.seats"]),
        ({"inputs": {"team": "a", "seats": True}}, ["inputs.seats"]),
        ({"inputs": {"team": "a", "urgent": 1}}, ["inputs.urgent"]),
        ({"inputs": {"team": "a", "surprise": 1}}, ["inputs.surprise"]),
        ({"inputs": {"team": "a" * 100_001}}, ["inputs"]),
        ({"inputs": {"seats": "x"}, "person_id": "p"},
         ["inputs.seats", "inputs.team", "person_id"]),
        ({"inputs": {"team": "a"}, "account": {"integration_id": "i", "external_id": "1"}},
         ["account"]),
        ({"inputs": {"team": "a"}, "account": {"integration_id": "i"}}, ["account.external_id"]),
        ({"inputs": []}, ["inputs"]),
        ({"surprise": 1}, ["surprise"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_call_is_told_and_nothing_begins(
    flows: Flows, body: dict[str, Any], fields: list[str]
) -> None:
    workflow_id = flows.active(CALL)
    answer = flows.post(f"workflows/{workflow_id}/executions", body)
    assert is_problem(answer, 422), answer
    assert answer.fields == fields
    assert flows.get("executions").json["items"] == []
    assert flows.steps.inputs == {}


def test_an_input_may_be_anything_that_is_json(flows: Flows) -> None:
    workflow_id = flows.active(CALL)
    more = {"list": [1, None, {"x": 1.5}]}
    execution_id = flows.start(workflow_id, inputs={"team": "", "more": more, "urgent": False})
    assert flows.execution(execution_id).inputs["more"] == more
    text = '{"inputs": {"team": "a", "more": 1e999}}'
    assert flows.post(f"workflows/{workflow_id}/executions", text).fields == ["inputs"]


def test_only_an_active_workflow_that_somebody_calls_is_begun(flows: Flows) -> None:
    draft = flows.create(HAND)
    answer = flows.post(f"workflows/{draft}/executions")
    assert is_problem(answer, 409)
    assert "it is draft" in answer.json["detail"]
    paused = flows.active(HAND)
    flows.post(f"workflows/{paused}/pause")
    assert flows.post(f"workflows/{paused}/executions").status == 409
    for document in (EVENT, SCHEDULE):
        workflow_id = flows.active(document)
        answer = flows.post(f"workflows/{workflow_id}/executions")
        assert is_problem(answer, 409)
        assert f"POST /workflows/{workflow_id}/test" in answer.json["detail"]
    assert flows.steps.inputs == {}


def test_the_active_version_begins_and_not_the_latest(flows: Flows) -> None:
    workflow_id = flows.active(HAND)
    flows.call("PUT", f"/v1/workflows/{workflow_id}", CALL)
    execution = flows.execution(flows.start(workflow_id))
    assert (execution.version, execution.machine_arn[-2:]) == (1, ":1")


def test_the_same_key_is_the_same_execution(flows: Flows) -> None:
    workflow_id, other = flows.active(CALL), flows.active(CALL)
    path, key = f"workflows/{workflow_id}/executions", {"Idempotency-Key": "once"}
    body = {"inputs": {"team": "Sales"}}
    flows.steps.down = True
    assert is_problem(flows.post(path, body, headers=key), 503)
    flows.steps.down = False
    first = flows.post(path, body, headers=key)
    again = flows.post(path, body, headers=key)
    assert (first.status, again.json["id"]) == (202, first.json["id"])
    assert list(flows.steps.inputs) == [first.json["id"]]
    # Also where the answer was forgotten, as after a function that died.
    _forget_answers(flows)
    assert flows.post(path, body, headers=key).json["id"] == first.json["id"]
    _forget_answers(flows)
    answer = flows.post(path, {"inputs": {"team": "IT"}}, headers=key)
    assert (answer.status, answer.fields) == (422, ["Idempotency-Key"])
    for call in ({"actor": "somebody"}, {}):
        place = path if call else f"workflows/{other}/executions"
        assert flows.post(place, body, headers=key, **call).json["id"] != first.json["id"]
    assert len(flows.get("executions").json["items"]) == 3


def _forget_answers(flows: Flows) -> None:
    client, table = flows.call.aws.dynamodb, flows.call.api_settings.idempotency_table
    for item in client.scan(TableName=table)["Items"]:
        client.delete_item(TableName=table, Key={"id": item["id"]})


def test_more_than_an_hour_takes_is_held_until_somebody_decides(flows: Flows) -> None:
    begin = {"trigger": "hand", "most_per_hour": 2}
    workflow_id = flows.active(HAND, begin=begin)
    path = f"workflows/{workflow_id}"
    assert is_problem(flows.post(f"{path}/held/approve"), 409)
    ids = [flows.start(workflow_id) for _ in range(4)]
    held = flows.get(f"{path}/executions", status="held").json["items"]
    assert [one["id"] for one in reversed(held)] == ids[2:]
    assert [one["console_url"] for one in held] == [None, None]
    assert list(flows.steps.inputs) == ids[:2]
    answer = flows.post(f"{path}/held/approve")
    assert (answer.status, answer.json) == (200, {"count": 2, "left": False})
    assert sorted(flows.steps.inputs) == sorted(ids)
    assert is_problem(flows.post(f"{path}/held/reject"), 409)
    more = [flows.start(workflow_id) for _ in range(3)]
    assert flows.post(f"{path}/held/reject").json == {"count": 1, "left": False}
    assert flows.execution(more[2]).status == "cancelled"
    assert more[2] not in flows.steps.inputs


def test_whoever_waits_for_one_that_is_rejected_is_told(flows: Flows) -> None:
    workflow_id = flows.active(HAND, begin={"trigger": "hand", "most_per_hour": 1})
    parent = flows.start(workflow_id)
    held = flows.start(workflow_id)
    flows.step(parent, "run", type="workflow", status="waiting", finished_at=None, token="t")
    waits = {"parent_id": parent, "parent_at": "", "parent_block": "run"}
    assert flows.runs.update(f"EXECUTION#{held}", "EXECUTION", waits)
    answer = flows.post(f"workflows/{workflow_id}/held/reject")
    assert (answer.status, answer.json) == (200, {"count": 1, "left": False})
    assert flows.steps.told["t"]["outcome"] == "failed"


def test_held_ones_that_cannot_be_started_are_let_go_by_the_next_call(flows: Flows) -> None:
    workflow_id = flows.active(HAND, begin={"trigger": "hand", "most_per_hour": 1})
    ids = [flows.start(workflow_id) for _ in range(3)]
    flows.steps.down = True
    path = f"workflows/{workflow_id}/held/approve"
    assert is_problem(flows.post(path), 503)
    flows.steps.down = False
    assert flows.post(path).status == 200
    assert sorted(flows.steps.inputs) == sorted(ids)


def test_a_test_runs_for_each_whom_it_is_about_and_changes_nothing(flows: Flows) -> None:
    integration_id, people = flows.roster()
    workflow_id = flows.create(EVENT)
    body = {
        "person_ids": [people[0]["id"]],
        "accounts": [{"integration_id": integration_id, "external_id": "2"}],
        "approve": False,
    }
    answer = flows.post(f"workflows/{workflow_id}/test", body)
    assert answer.status == 202
    first, second = answer.json["items"]
    assert {one["mode"] for one in answer.json["items"]} == {"test"}
    assert {one["approves"] for one in answer.json["items"]} == {False}
    assert (first["person_id"], second["external_id"]) == (people[0]["id"], "2")
    events = [flows.execution(one["id"]).event or {} for one in (first, second)]
    assert [one["type"] for one in events] == ["Person Updated", "Account Updated"]
    assert events[0]["person"]["last_name"] == "Number 1"
    assert set(flows.steps.inputs) == {first["id"], second["id"]}
    workflow = flows.workflow(workflow_id)
    assert (workflow.status, workflow.active_version) == ("validated", None)


def test_the_latest_version_is_tested_and_the_active_one_goes_on(flows: Flows) -> None:
    workflow_id = flows.active(HAND)
    flows.call("PUT", f"/v1/workflows/{workflow_id}", CALL)
    answer = flows.post(f"workflows/{workflow_id}/test", {"inputs": {"team": "IT"}})
    (execution,) = answer.json["items"]
    assert (execution["version"], execution["began"]) == (2, "call")
    assert flows.workflow(workflow_id).active_version == 1


def test_an_event_that_is_given_begins_the_test(flows: Flows) -> None:
    integration_id, people = flows.roster()
    workflow_id = flows.create(EVENT)
    event = {
        "type": "Account Updated",
        "integration_id": integration_id,
        "account": {"external_id": "1", "status": "active"},
        "person_id": people[0]["id"],
        "changes": {"status": {"old": "active", "new": "inactive"}},
    }
    (shown,) = flows.post(f"workflows/{workflow_id}/test", {"event": event}).json["items"]
    execution = flows.execution(shown["id"])
    assert execution.event == event
    assert (execution.person_id, execution.external_id) == (people[0]["id"], "1")


@pytest.mark.parametrize(
    ("document", "body", "fields"),
    [
        (EVENT, {}, ["person_ids"]),
        (EVENT, {"event": {}}, ["event.type"]),
        (EVENT, {"event": {"type": "Grant Added"}}, ["event.type"]),
        (EVENT, {"event": {"type": "Person Updated", "x": "y" * 200_001}}, ["event"]),
        (EVENT, {"person_ids": ["p"], "accounts": [{"integration_id": "i", "external_id": "1"}]},
         ["person_ids.0", "accounts.0"]),
        (EVENT, {"person_ids": ["p"] * 21}, ["person_ids"]),
        (CALL, {"inputs": {"team": "a"}, "event": {"type": "Person Updated"}}, ["event"]),
        (CALL, {}, ["inputs.team"]),
        (HAND, {"approve": "yes"}, ["approve"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_test_is_told_and_nothing_is_deployed(
    flows: Flows, document: dict[str, Any], body: dict[str, Any], fields: list[str]
) -> None:
    workflow_id = flows.create(document)
    answer = flows.post(f"workflows/{workflow_id}/test", body)
    assert is_problem(answer, 422), answer
    assert answer.fields == fields
    assert (flows.steps.machines, flows.steps.inputs) == ({}, {})
