"""Executions over HTTP: asked for, tested, read, cancelled, done again, decided about."""

from typing import Any

import pytest

from rollcall.workflows.executions import Execution
from rollcall.workflows.reading import some_steps
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
    assert flows.steps.inputs == {shown["id"]: {"execution": shown["id"], "at": ""}}
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


def test_executions_are_listed_by_workflow_person_and_status(flows: Flows) -> None:
    _, people = flows.roster()
    one, other = flows.active(HAND), flows.active(HAND)
    ids = [flows.start(one, person_id=people[0]["id"]) for _ in range(3)]
    ids.append(flows.start(other))
    assert [e["id"] for e in flows.call.everything("/v1/executions", 2)] == ids[::-1]
    listed = flows.call.everything(f"/v1/workflows/{one}/executions", 2)
    assert [e["id"] for e in listed] == ids[2::-1]
    of_person = flows.call.everything("/v1/executions", 1, person_id=people[0]["id"])
    assert [e["id"] for e in of_person] == ids[2::-1]
    flows.fail(ids[1])
    failed = flows.call.everything("/v1/executions", 1, status="failed")
    assert [e["id"] for e in failed] == [ids[1]]
    assert failed[0]["error"] == {"code": "template-failed", "detail": "of no use"}
    assert flows.get("executions", status="odd").fields == ["status"]
    assert flows.get(f"workflows/{one}/executions", cursor="nonsense").fields == ["cursor"]
    first = flows.get("executions", limit="1").json["next_cursor"]
    assert flows.get(f"workflows/{one}/executions", cursor=first).fields == ["cursor"]


def test_steps_say_what_was_done_and_how_long_it_took(flows: Flows) -> None:
    execution_id = flows.start(flows.active(CALL), inputs={"team": "IT"})
    flows.step(
        execution_id,
        started_at="2026-11-26T10:00:00.000Z",
        finished_at="2026-11-26T10:00:01.250Z",
        input={"to": ["it@example.com"]},
        output={"sent": ["it@example.com"]},
        notes=("told it@example.com",),
    )
    flows.step(execution_id, at="each.3", status="failed", error={"code": "x", "detail": "y"})
    flows.ask(execution_id)
    ask, tell, row = flows.get(f"executions/{execution_id}").json["steps"]
    assert (ask["status"], ask["duration_ms"], ask["block"]) == ("waiting", None, "ask")
    assert ask["until"] is not None
    assert "token" not in ask
    assert (tell["duration_ms"], tell["output"]) == (1250, {"sent": ["it@example.com"]})
    assert (tell["notes"], tell["input"]) == (["told it@example.com"], {"to": ["it@example.com"]})
    assert (row["at"], row["error"]) == ("each.3", {"code": "x", "detail": "y"})
    listed = flows.call.everything(f"/v1/executions/{execution_id}/steps", 1)
    assert listed == [ask, tell, row]
    assert "token" not in "".join(flows.call.texts).replace("next_token", "")


def test_an_answer_has_as_many_steps_as_it_can_carry(flows: Flows) -> None:
    execution_id = flows.start(flows.active(HAND))
    for number in range(12):
        flows.step(execution_id, at=f"each.{number:02}", output={"text": "x" * 299_000})
    whole = flows.get(f"executions/{execution_id}")
    assert whole.json["steps_complete"] is False
    assert 3_000_000 < len(whole.text) < 4_000_000
    pages = flows.call.everything(f"/v1/executions/{execution_id}/steps")
    assert [one["at"] for one in pages] == [f"each.{number:02}" for number in range(12)]


def test_a_page_of_steps_is_as_long_as_it_is_wanted(flows: Flows) -> None:
    execution_id = flows.start(flows.active(HAND))
    flows.step(execution_id)
    (item,) = flows.runs.query(f"EXECUTION#{execution_id}", "STEP#")
    places = [f"each.{number:02}" for number in range(60)]
    flows.runs.write_many({**item, "sk": f"STEP#{at}#tell", "at": at} for at in places)
    first, last = some_steps(flows.executions, execution_id, 40, None)
    rest, end = some_steps(flows.executions, execution_id, 40, last)
    assert [step.at for step in (*first, *rest)] == ["", *places]
    assert (len(first), end) == (40, None)


def test_a_cancelled_execution_is_stopped_with_what_it_runs(flows: Flows) -> None:
    workflow_id = flows.active(HAND)
    execution_id = flows.start(workflow_id)
    child, grandchild = (_child(flows, of) for of in (execution_id, "child"))
    other = flows.start(workflow_id)
    answer = flows.post(f"executions/{execution_id}/cancel")
    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert set(flows.steps.stopped) == {execution_id, child, grandchild}
    assert [flows.execution(one).status for one in (child, grandchild, other)] == [
        "cancelled", "cancelled", "running"
    ]  # fmt: skip
    entries = flows.call.everything("/v1/audit", object_id=execution_id)
    assert [one["verb"] for one in entries] == ["cancel", "begin"]


def _child(flows: Flows, of: str) -> str:
    """The id of an execution that a block of another one waits for."""
    parent = flows.executions.get(of)
    machine = next(iter(flows.steps.machines))
    execution = Execution(
        id="child" if parent is not None and of != "child" else "grandchild",
        workflow_id="w",
        version=1,
        machine_arn=f"{machine}:1",
        status="running",
        began="workflow",
        actor="workflow",
        created_at="2026-11-26T10:00:00.000Z",
        parent_id=of,
        parent_at="",
        parent_block="run",
        started=True,
    )
    assert flows.executions.begin(execution)
    flows.steps.inputs[execution.name] = {}
    return execution.id


def test_a_cancel_that_was_cut_off_is_ended_by_the_next(flows: Flows) -> None:
    execution_id = flows.start(flows.active(HAND))
    child = _child(flows, execution_id)
    flows.steps.down = True
    path = f"executions/{execution_id}/cancel"
    assert is_problem(flows.post(path), 503)
    assert flows.execution(execution_id).status == "cancelled"
    flows.steps.down = False
    assert flows.post(path).status == 200
    assert set(flows.steps.stopped) == {execution_id, child}
    assert flows.execution(child).status == "cancelled"


def test_a_parent_hears_that_its_child_was_cancelled(flows: Flows) -> None:
    execution_id = flows.start(flows.active(HAND))
    child = _child(flows, execution_id)
    flows.step(execution_id, "run", type="workflow", status="waiting", token="t", finished_at=None)
    assert flows.post(f"executions/{child}/cancel").status == 200
    assert flows.steps.told == {"t": {"execution": execution_id, "at": "", "outcome": "failed"}}
    assert flows.execution(execution_id).status == "running"


def test_what_is_over_cannot_be_cancelled(flows: Flows) -> None:
    execution_id = flows.start(flows.active(HAND))
    flows.fail(execution_id)
    answer = flows.post(f"executions/{execution_id}/cancel")
    assert is_problem(answer, 409)
    assert "failed" in answer.json["detail"]
    assert flows.steps.stopped == []


def test_a_failed_execution_is_done_again_in_its_own_version(flows: Flows) -> None:
    workflow_id = flows.active(HAND)
    execution_id = flows.start(workflow_id)
    path = f"executions/{execution_id}/redrive"
    assert is_problem(flows.post(path), 409)
    flows.fail(execution_id)
    answer = flows.post(path)
    assert answer.status == 202
    assert (answer.json["status"], answer.json["attempt"]) == ("running", 2)
    assert answer.json["error"] is None
    assert flows.steps.inputs[f"{execution_id}-2"] == {"execution": execution_id, "at": ""}
    assert answer.json["console_url"].endswith(f":{execution_id}-2")
    assert is_problem(flows.post(path), 409)
    flows.post(f"executions/{execution_id}/cancel")
    assert flows.post(path).json["attempt"] == 3
    assert flows.executions.end(flows.execution(execution_id), "succeeded")
    assert is_problem(flows.post(path), 409)
    verbs = [one["verb"] for one in flows.call.everything("/v1/audit", object_id=execution_id)]
    assert verbs == ["redrive", "cancel", "redrive", "begin"]


def test_a_redrive_that_could_not_start_goes_on_with_the_next_call(flows: Flows) -> None:
    execution_id = flows.start(flows.active(HAND))
    flows.fail(execution_id)
    flows.steps.down = True
    path = f"executions/{execution_id}/redrive"
    assert is_problem(flows.post(path), 503)
    flows.steps.down = False
    answer = flows.post(path)
    assert (answer.status, answer.json["attempt"]) == (202, 2)
    assert f"{execution_id}-2" in flows.steps.inputs


@pytest.mark.parametrize("code", ["loop", "too-deep"])
def test_what_a_guard_refused_is_not_done_again(flows: Flows, code: str) -> None:
    execution_id = flows.start(flows.active(HAND))
    flows.fail(execution_id, code)
    answer = flows.post(f"executions/{execution_id}/redrive")
    assert is_problem(answer, 409)
    assert code in answer.json["detail"]


def test_what_has_no_workflow_any_more_is_not_done_again(flows: Flows) -> None:
    workflow_id = flows.active(HAND)
    execution_id = flows.start(workflow_id)
    flows.fail(execution_id)
    flows.post(f"workflows/{workflow_id}/pause")
    assert flows.call("DELETE", f"/v1/workflows/{workflow_id}").status == 204
    answer = flows.post(f"executions/{execution_id}/redrive")
    assert is_problem(answer, 409)
    assert flows.execution(execution_id).status == "failed"


def test_approvals_that_wait_are_listed_across_executions(flows: Flows) -> None:
    _, people = flows.roster()
    workflow_id = flows.active(CALL)
    ids = sorted(
        flows.start(workflow_id, inputs={"team": "IT"}, person_id=people[0]["id"]) for _ in range(3)
    )
    flows.ask(ids[0])
    for number in range(3):
        flows.ask(ids[1], at=f"each.{number}")
    flows.step(ids[2])
    flows.ask(ids[2], status="succeeded", branch="approve")
    ended = flows.start(workflow_id, inputs={"team": "IT"})
    flows.ask(ended)
    flows.fail(ended)
    for limit in (1, 2, 100):
        listed = flows.call.everything("/v1/approvals", limit)
        assert [(one["execution_id"], one["at"]) for one in listed] == [
            (ids[0], ""), (ids[1], "each.0"), (ids[1], "each.1"), (ids[1], "each.2")
        ]  # fmt: skip
    first = listed[0]
    assert (first["message"], first["person_id"]) == ("Really?", people[0]["id"])
    assert first["until"] is not None
    assert "token" not in first


def test_an_approval_is_decided_once(flows: Flows) -> None:
    execution_id = flows.start(flows.active(CALL), inputs={"team": "IT"})
    flows.ask(execution_id)
    path = f"executions/{execution_id}/approvals/ask"
    answer = flows.post(path, {"decision": "approve", "comment": "Fine."})
    assert answer.status == 200
    assert answer.json["output"] == {
        "decision": "approve", "by": "administrator", "comment": "Fine."
    }  # fmt: skip
    assert (answer.json["status"], answer.json["branch"]) == ("succeeded", "approve")
    assert flows.steps.told == {"token": {"execution": execution_id, "at": "", "outcome": "done"}}
    assert flows.post(path, {"decision": "approve"}).json == answer.json
    other = flows.post(path, {"decision": "deny"})
    assert is_problem(other, 409)
    assert "approve" in other.json["detail"]
    assert flows.get("approvals").json["items"] == []
    entries = flows.call.everything("/v1/audit", object_id=execution_id)
    assert [one["verb"] for one in entries] == ["decide", "begin"]


def test_a_denial_in_a_row_is_of_that_row(flows: Flows) -> None:
    execution_id = flows.start(flows.active(CALL), inputs={"team": "IT"})
    for number in range(2):
        flows.ask(execution_id, at=f"each.{number}", token=f"t{number}")
    path = f"executions/{execution_id}/approvals/ask"
    assert flows.post(path, {"decision": "deny", "at": "each.1"}).json["at"] == "each.1"
    expected = {"execution": execution_id, "at": "each.1", "outcome": "deny"}
    assert flows.steps.told == {"t1": expected}
    assert is_problem(flows.post(path, {"decision": "deny"}), 404)
    assert is_problem(flows.post(path, {"decision": "deny", "at": "each.2"}), 404)


def test_a_decision_counts_where_step_functions_cannot_be_told(flows: Flows) -> None:
    execution_id = flows.start(flows.active(CALL), inputs={"team": "IT"})
    flows.ask(execution_id)
    flows.steps.down = True
    path = f"executions/{execution_id}/approvals/ask"
    answer = flows.post(path, {"decision": "approve"})
    assert (answer.status, answer.json["status"]) == (200, "waiting")
    assert answer.json["decided_by"] == "administrator"
    assert flows.get("approvals").json["items"] == []
    flows.steps.down = False
    assert flows.post(path, {"decision": "deny"}).status == 409
    assert flows.steps.told["token"]["outcome"] == "done"


def test_what_is_no_decision_is_refused(flows: Flows) -> None:
    execution_id = flows.start(flows.active(CALL), inputs={"team": "IT"})
    flows.ask(execution_id)
    flows.step(execution_id)
    path = f"executions/{execution_id}/approvals"
    for body, fields in (
        ({}, ["decision"]),
        ({"decision": "maybe"}, ["decision"]),
        ({"decision": "late"}, ["decision"]),
        ({"decision": "approve", "comment": "x" * 4001}, ["comment"]),
    ):
        answer = flows.post(f"{path}/ask", body)
        assert (answer.status, answer.fields) == (422, fields)
    assert is_problem(flows.post(f"{path}/tell", {"decision": "approve"}), 404)
    assert is_problem(flows.post(f"{path}/gone", {"decision": "approve"}), 404)
    flows.fail(execution_id)
    assert is_problem(flows.post(f"{path}/ask", {"decision": "approve"}), 409)
    assert flows.steps.told == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None), ("GET", "/steps", None), ("POST", "/cancel", None),
        ("POST", "/redrive", None), ("POST", "/approvals/ask", {"decision": "approve"}),
    ],
)  # fmt: skip
def test_an_execution_that_is_not_there_is_404(
    flows: Flows, method: str, path: str, body: Any
) -> None:
    assert is_problem(flows.call(method, f"/v1/executions/nothing{path}", body), 404)


def test_a_report_is_fetched_from_where_it_is(flows: Flows) -> None:
    s3 = flows.call.aws.s3
    s3.put_object(Bucket="batches", Key="reports/0a1b/write.csv", Body=b"a,b\r\n")
    answer = flows.get("reports/0a1b.write")
    assert answer.status == 200
    assert answer.json["expires_in"] == 900
    assert answer.json["url"].startswith("https://batches.s3.")
    assert "/reports/0a1b/write.csv?" in answer.json["url"]
    assert "X-Amz-Signature" in answer.json["url"]
    s3.put_object(Bucket="batches", Key="batches/0a1b/1.json", Body=b"secret")
    for report_id in ("0a1b.gone", "0a1b", "nothing", "..", "0a1b.%2e%2e", "../batches/0a1b.1"):
        assert is_problem(flows.get(f"reports/{report_id}"), 404)
