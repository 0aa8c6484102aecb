"""Executions over HTTP: read, cancelled, done again, decided about."""

from typing import Any

import pytest

from rollcall.workflows.executions import Execution
from rollcall.workflows.reading import some_steps
from tests.integration.api.flows import CALL, HAND, Flows
from tests.integration.api.test_requests import is_problem


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
    assert flows.steps.told == {
        "t": {"execution": execution_id, "at": "", "attempt": 1, "outcome": "failed"}
    }
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
    assert flows.steps.inputs[f"{execution_id}-2"] == {
        "execution": execution_id,
        "at": "",
        "attempt": 2,
    }
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
    assert flows.steps.told == {
        "token": {"execution": execution_id, "at": "", "attempt": 1, "outcome": "done"}
    }
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
    expected = {"execution": execution_id, "at": "each.1", "attempt": 1, "outcome": "deny"}
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
