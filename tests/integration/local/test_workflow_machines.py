"""State machines of workflows run, with a function that answers as each execution's script says."""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from local.stack import LocalStack
from rollcall.workflows.executions import Execution
from tests.documents import Json, block, document, parallel
from tests.documents import each as for_each
from tests.theatre import Script, Theatre

FAILED = {"outcome": "failed"}


@pytest.fixture(scope="module")
def theatre(stack: LocalStack) -> Theatre:
    stack.scale_waits(0)
    return Theatre(stack)


def test_an_untroubled_pass_takes_one_transition_a_block_and_one_to_end(theatre: Theatre) -> None:
    blocks = [block("a"), block("b"), block("c", "notification")]
    end = theatre.run({}, *blocks)
    assert end.status == "SUCCEEDED"
    assert end.steps == ["a", "b", "c", "end"]
    assert end.states == ["a", "b", "c", "End"]
    assert len(end.states) <= 2 * len(blocks)


def test_a_block_that_the_app_has_no_time_for_waits_and_is_done_again(theatre: Theatre) -> None:
    wait = {"outcome": "wait", "wait_seconds": 7}
    end = theatre.run({"a": [wait, wait, wait]}, block("a"), block("b"))
    assert end.status == "SUCCEEDED"
    assert end.steps == ["a", "a again", "a again", "a again", "b", "end"]


def test_a_failed_block_stops_and_the_execution_says_why(theatre: Theatre) -> None:
    why = {"code": "vendor-rejected", "detail": "a: the app said no"}
    end = theatre.run({"a": [FAILED], "fail": [why]}, block("a"), block("b"))
    assert (end.status, end.error, end.cause) == ("FAILED", why["code"], why["detail"])
    assert end.steps == ["a", "a again", "fail"]
    assert "lost" not in end.asked("fail")


def test_a_failed_block_goes_on_or_elsewhere_as_it_says(theatre: Theatre) -> None:
    end = theatre.run({"a": [FAILED]}, block("a", on_error="continue"), block("b"))
    assert (end.status, end.steps) == ("SUCCEEDED", ["a", "a again", "b", "end"])
    there = {"go_to": "c"}
    end = theatre.run({"a": [FAILED]}, block("a", on_error=there), block("b"), block("c"))
    assert (end.status, end.steps) == ("SUCCEEDED", ["a", "a again", "c", "end"])


def test_an_answer_that_nobody_knows_is_a_failure(theatre: Theatre) -> None:
    end = theatre.run({"a": [{"outcome": "?"}, {"outcome": "?"}]}, block("a"), block("b"))
    assert (end.status, end.error) == ("FAILED", "failed")
    assert end.steps == ["a", "a again", "fail"]


def test_a_function_that_dies_over_a_block_is_tried_again_and_then_told_of(
    theatre: Theatre,
) -> None:
    end = theatre.run({"a": ["broken"]}, block("a"))
    assert (end.status, end.steps) == ("SUCCEEDED", ["a", "a", "end"])
    end = theatre.run({"a": ["broken"] * 4}, block("a", on_error="continue"), block("b"))
    assert (end.status, end.steps) == ("SUCCEEDED", ["a"] * 4 + ["b", "end"])
    assert end.asked("b")["lost"] == {"block": "a", "error": "Runtime.HandlerError"}
    assert "lost" not in end.asked("end"), "it is told of once"


def test_a_decision_takes_the_branch_that_holds(theatre: Theatre) -> None:
    decision = block(
        "which",
        "decision",
        branches=[{"when": {}, "go_to": "b"}, {"when": {}, "go_to": "c"}],
        next="d",
    )
    blocks = [decision, block("b", next="end"), block("c", next="end"), block("d")]
    assert theatre.run({}, *blocks).steps == ["which", "d", "end"]
    for number, place in enumerate("bc"):
        end = theatre.run({"which": [{"outcome": f"branch-{number}"}]}, *blocks)
        assert end.steps == ["which", place, "end"]
        assert len(end.states) <= 2 * 2
    end = theatre.run({"which": [FAILED]}, *blocks)
    assert (end.status, end.steps) == ("FAILED", ["which", "fail"])


def told(**answer: Any) -> Callable[[Theatre, Execution], None]:
    def tell(theatre: Theatre, execution: Execution) -> None:
        said = {"execution": execution.id, "at": "", "attempt": 1, **answer}
        token = theatre.token(execution, "ask")
        theatre.states.send_task_success(taskToken=token, output=json.dumps(said))

    return tell


@pytest.mark.parametrize(
    ("more", "decide", "steps", "status"),
    [
        ({}, told(outcome="done"), ["ask", "b", "end"], "SUCCEEDED"),
        ({}, told(outcome="deny"), ["ask", "end"], "SUCCEEDED"),
        ({"on_deny": "continue"}, told(outcome="deny"), ["ask", "b", "end"], "SUCCEEDED"),
        ({"on_deny": {"go_to": "c"}}, told(outcome="deny"), ["ask", "c", "end"], "SUCCEEDED"),
        ({}, told(outcome="failed"), ["ask", "fail"], "FAILED"),
    ],
)
def test_an_approval_goes_where_the_decision_says(
    theatre: Theatre,
    more: Json,
    decide: Callable[[Theatre, Execution], None],
    steps: list[str],
    status: str,
) -> None:
    blocks = [block("ask", "approval", **more), block("b", next="end"), block("c")]
    if "c" not in steps:
        blocks.pop()
    _, version = theatre.machines.deploy(theatre.workflow(), document(*blocks))
    execution = theatre.begun(version, {"ask": ["held"]})
    theatre.machines.start(execution)
    decide(theatre, execution)
    end = theatre.ended(execution)
    assert (end.status, end.steps) == (status, steps)


@pytest.mark.parametrize(
    ("on_deadline", "outcome", "steps"),
    [
        ("deny", "deny", ["ask", "ask late", "end"]),
        ("approve", "done", ["ask", "ask late", "b", "end"]),
        ({"go_to": "c"}, "late", ["ask", "ask late", "c", "end"]),
    ],
)
def test_an_approval_whose_deadline_has_passed_is_late(
    theatre: Theatre, on_deadline: Any, outcome: str, steps: list[str]
) -> None:
    ask = block("ask", "approval", deadline="1s", on_deadline=on_deadline)
    blocks = [ask, block("b", next="end")] + ([block("c")] if outcome == "late" else [])
    end = theatre.run({"ask": ["held"], "late ask": [{"outcome": outcome}]}, *blocks)
    assert (end.status, end.steps) == ("SUCCEEDED", steps)


def test_an_approval_that_cannot_be_asked_for_fails(theatre: Theatre) -> None:
    end = theatre.run({"ask": ["broken"] * 4}, block("ask", "approval"))
    assert (end.status, end.steps) == ("FAILED", ["ask"] * 4 + ["fail"])
    assert end.asked("fail")["lost"]["block"] == "ask"


def test_another_workflow_is_waited_for_and_its_failure_is_ours(theatre: Theatre) -> None:
    end = theatre.run({}, block("other", "workflow"), block("b"))
    assert (end.status, end.steps) == ("SUCCEEDED", ["other", "b", "end"])
    assert "token" in end.asked("other")
    end = theatre.run({"other": [FAILED]}, block("other", "workflow"), block("b"))
    assert (end.status, end.steps) == ("FAILED", ["other", "fail"])
    end = theatre.run({}, block("other", "workflow", wait=False), block("b"))
    assert "token" not in end.asked("other")


def test_a_wait_is_over_at_the_time_that_the_function_says(theatre: Theatre) -> None:
    wait = block("rest", "wait", **{"for": "1d"})
    until = {"rest": [{"until": "2031-01-01T00:00:00Z"}]}
    end = theatre.run(until, wait, block("b"))
    assert (end.status, end.steps) == ("SUCCEEDED", ["rest", "b", "end"])
    assert end.states == ["rest", "rest over", "b", "End"]
    end = theatre.run({"rest": [FAILED]}, {"id": "rest", "type": "wait", "until": "{{ event.x }}"})
    assert (end.status, end.steps) == ("FAILED", ["rest", "rest again", "fail"])


EACH = [pytest.param("accounts", id="inline"), pytest.param({"of": "people"}, id="distributed")]


@pytest.mark.parametrize("over", EACH)
class TestForEach:
    def test_does_its_blocks_for_every_row(self, theatre: Theatre, over: Any) -> None:
        each = for_each("each", block("b"), block("c"), over=over)
        end = theatre.run({"each": [{"count": 12}]}, each)
        assert end.status == "SUCCEEDED"
        rows = {f"each.{number} {name}" for number in range(12) for name in "bc"}
        assert Counter(end.steps) == Counter({*rows, "each", "end"})

    @pytest.mark.parametrize("count", [0, 1])
    def test_takes_no_row_or_one(self, theatre: Theatre, over: Any, count: int) -> None:
        each = for_each("each", block("b"), over=over)
        end = theatre.run({"each": [{"count": count}]}, each, block("c"))
        assert end.steps == ["each", *(["each.0 b"] * count), "c", "end"]

    def test_goes_on_with_the_others_where_one_fails_and_has_failed_then(
        self, theatre: Theatre, over: Any
    ) -> None:
        each = for_each("each", block("b"), block("c"), over=over, at_once=1)
        script: Script = {"each": [{"count": 3}], "each.1 b": [FAILED]}
        end = theatre.run(script, each, block("d"))
        assert end.status == "FAILED"
        assert [step for step in end.steps if step.startswith("each.")] == [
            *("each.0 b", "each.0 c", "each.1 b", "each.1 b again", "each.1 note"),
            *("each.2 b", "each.2 c"),
        ]
        assert end.asked("fail")["lost"] == {"block": "each", "error": "inner"}
        end = theatre.run(script, {**each, "on_error": "continue"}, block("d"))
        assert (end.status, end.steps[-2:]) == ("SUCCEEDED", ["d", "end"])
        assert end.asked("d")["lost"] == {"block": "each", "error": "inner"}

    def test_a_function_that_dies_over_a_row_is_told_of_in_that_row(
        self, theatre: Theatre, over: Any
    ) -> None:
        blocks = [block("b", on_error="continue")]
        each = for_each("each", *blocks, over=over)
        script: Script = {"each": [{"count": 2}], "each.1 b": ["broken"] * 4}
        end = theatre.run(script, each)
        assert end.status == "SUCCEEDED"
        assert end.asked("each.1 note")["lost"]["block"] == "b"
        blocks[0]["on_error"] = "stop"
        end = theatre.run({**script, "each.1 note": ["broken"] * 4}, each)
        assert (end.status, end.events[-1]["step"]) == ("FAILED", "fail")
        assert "each.0 b" in end.steps

    def test_whose_rows_cannot_be_found_fails(self, theatre: Theatre, over: Any) -> None:
        each = for_each("each", block("b"), over=over)
        end = theatre.run({"each": [FAILED]}, each)
        assert (end.status, end.steps) == ("FAILED", ["each", "each again", "fail"])
        assert "lost" not in end.asked("fail")

    def test_an_end_within_it_ends_the_row(self, theatre: Theatre, over: Any) -> None:
        blocks = [
            block("which", "decision", branches=[{"when": {}, "go_to": "done"}], next="c"),
            block("done", "end"),
            block("c"),
        ]
        each = for_each("each", *blocks, over=over, at_once=1)
        script: Script = {"each": [{"count": 2}], "each.0 which": [{"outcome": "branch-0"}]}
        end = theatre.run(script, each, block("d"))
        assert end.status == "SUCCEEDED"
        assert end.steps[1:5] == ["each.0 which", "each.0 done", "each.1 which", "each.1 c"]
        blocks[1]["result"] = "failed"
        end = theatre.run(script, each, block("d"))
        assert (end.status, end.steps[-1]) == ("FAILED", "fail")

    def test_may_be_within_another(self, theatre: Theatre, over: Any) -> None:
        inner = for_each("inner", block("b"), over=over)
        each = for_each("each", inner, over=over, at_once=1)
        end = theatre.run({"each": [{"count": 2}], "inner": [{"count": 2}]}, each)
        assert end.status == "SUCCEEDED"
        assert {step for step in end.steps if step.endswith(" b")} == {
            f"each.{outer}/inner.{number} b" for outer in range(2) for number in range(2)
        }


def test_branches_go_on_where_one_fails_and_the_whole_has_failed_then(theatre: Theatre) -> None:
    both = parallel("both", [block("a1"), block("a2")], [block("b1"), block("b2")])
    end = theatre.run({}, both, block("c"))
    assert end.status == "SUCCEEDED"
    assert sorted(end.steps) == ["a1", "a2", "b1", "b2", "c", "end"]
    end = theatre.run({"a1": [FAILED]}, both, block("c"))
    assert (end.status, end.steps[-1]) == ("FAILED", "fail")
    assert sorted(end.steps) == ["a1", "a1 again", "b1", "b2", "fail", "note"]
    assert end.asked("fail")["lost"] == {"block": "both", "error": "inner"}
    end = theatre.run({"a1": [FAILED]}, {**both, "on_error": "continue"}, block("c"))
    assert (end.status, end.steps[-2:]) == ("SUCCEEDED", ["c", "end"])


def test_an_end_in_a_branch_ends_the_branch_alone(theatre: Theatre) -> None:
    both = parallel("both", [block("stop", "end")], [block("b1"), block("b2")])
    end = theatre.run({}, both, block("c"))
    assert (end.status, end.steps[-2:]) == ("SUCCEEDED", ["c", "end"])
    assert sorted(end.steps) == ["b1", "b2", "c", "end", "stop"]


def test_approvals_beside_each_other_have_tokens_of_their_own(theatre: Theatre) -> None:
    both = parallel("both", *([block(f"ask{n}", "approval"), block(f"b{n}")] for n in range(4)))
    _, version = theatre.machines.deploy(theatre.workflow(), document(both))
    execution = theatre.begun(version, {f"ask{n}": ["held"] for n in range(4)})
    theatre.machines.start(execution)
    tokens = [theatre.token(execution, f"ask{n}") for n in range(4)]
    assert len(set(tokens)) == 4
    for token in tokens:
        said = {"execution": execution.id, "at": "", "attempt": 1, "outcome": "done"}
        theatre.states.send_task_success(taskToken=token, output=json.dumps(said))
    end = theatre.ended(execution)
    assert end.status == "SUCCEEDED"
    assert sorted(end.steps) == [
        *(f"ask{n}" for n in range(4)),
        *(f"b{n}" for n in range(4)),
        "end",
    ]


def test_an_end_ends_the_execution_as_it_says(theatre: Theatre) -> None:
    end = theatre.run({}, block("a"), block("stop", "end"))
    assert (end.status, end.steps) == ("SUCCEEDED", ["a", "stop"])
    why = {"code": "ended", "detail": "not an employee"}
    end = theatre.run({"stop": [why]}, block("a"), block("stop", "end", result="failed"))
    assert (end.status, end.error, end.cause) == ("FAILED", why["code"], why["detail"])
    assert end.steps == ["a", "stop"]


def test_an_execution_runs_the_version_that_it_was_started_by(theatre: Theatre) -> None:
    workflow = theatre.workflow()
    arn, first = theatre.machines.deploy(workflow, document(block("old")))
    same, second = theatre.machines.deploy(workflow, document(block("new")))
    assert arn == same
    assert first != second
    for version, name in ((first, "old"), (second, "new")):
        execution = theatre.begun(version)
        theatre.machines.start(execution)
        assert theatre.ended(execution).steps == [name, "end"]


def test_every_event_of_the_bus_comes_to_the_starter(theatre: Theatre) -> None:
    stack, name = theatre.stack, uuid.uuid4().hex
    bus = stack.outputs["EventBus"]
    entries = [
        {
            "Source": source,
            "DetailType": "Test",
            "Detail": json.dumps({"id": name}),
            "EventBusName": bus,
        }
        for source in ("rollcall", "somebody.else")
    ]
    stack.client("events").put_events(Entries=entries)
    until = time.monotonic() + 20
    bodies: list[Json] = []
    while not bodies and time.monotonic() < until:
        time.sleep(0.1)
        found = stack.client("dynamodb").query(
            TableName=theatre.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "STARTER"}},
        )["Items"]
        bodies = [json.loads(item["body"]["S"]) for item in found if name in item["body"]["S"]]
    [body] = bodies
    assert (body["source"], body["detail-type"], body["detail"]) == (
        "rollcall",
        "Test",
        {"id": name},
    )


def test_an_execution_is_started_once_and_can_be_stopped(theatre: Theatre) -> None:
    _, version = theatre.machines.deploy(theatre.workflow(), document(block("ask", "approval")))
    execution = theatre.begun(version, {"ask": ["held"]})
    assert theatre.machines.status(execution) is None
    theatre.machines.stop(execution)
    assert theatre.machines.start(execution) is True
    assert theatre.machines.start(execution) is False
    theatre.token(execution, "ask")
    theatre.machines.stop(execution)
    theatre.machines.stop(execution)
    assert theatre.machines.status(execution) == "ABORTED"
    assert theatre.ended(execution).steps == ["ask"]


def test_a_machine_is_deployed_as_the_template_would_and_can_be_deleted(theatre: Theatre) -> None:
    workflow = theatre.workflow()
    arn, version = theatre.machines.deploy(workflow, document(block("a")))
    assert arn.endswith(f":stateMachine:rollcall-rollcall-wf-{workflow.id}")
    assert version.startswith(f"{arn}:")
    machine = theatre.states.describe_state_machine(stateMachineArn=arn)
    assert machine["type"] == "STANDARD"
    assert machine["loggingConfiguration"]["level"] == "ERROR"
    assert machine["loggingConfiguration"]["includeExecutionData"] is False
    tags = theatre.states.list_tags_for_resource(resourceArn=arn)["tags"]
    assert {tag["key"]: tag["value"] for tag in tags} == {
        "rollcall:stack": "rollcall",
        "rollcall:workflow": workflow.id,
    }
    theatre.machines.delete(workflow.id)
    theatre.machines.delete(workflow.id)
    with pytest.raises(theatre.states.exceptions.StateMachineDoesNotExist):
        theatre.states.describe_state_machine(stateMachineArn=arn)
