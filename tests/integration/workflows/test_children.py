"""A workflow that runs another one, and waits for it."""

import math
import uuid
from itertools import count
from typing import Any

import pytest

from rollcall.workflows import children
from rollcall.workflows.executions import Execution
from tests.integration.workflows.conftest import Json, Killed, Shop

REST = {"id": "rest", "type": "wait", "for": "1s"}
BREAKS = {"id": "breaks", "type": "update", "target": "person", "set": {"title": "x"}}


def runs(workflow_id: str, **more: Any) -> Json:
    return {"id": "run", "type": "workflow", "workflow": workflow_id, **more}


def child_of(shop: Shop, execution: Execution) -> Execution:
    found = [one for one in shop.executions.page("all", 100, None)[0] if one.id != execution.id]
    (child,) = [one for one in found if one.lineage[-1:] == (execution.workflow_id,)]
    return child


def told(execution: Execution, outcome: str, attempt: int = 1) -> Json:
    return {"execution": execution.id, "at": "", "attempt": attempt, "outcome": outcome}


def test_a_child_is_about_the_same_and_its_end_ends_the_wait(shop: Shop) -> None:
    called = {"trigger": "call", "inputs": [{"key": "why", "required": True}]}
    other = shop.workflow(
        {"id": "over", "type": "end", "message": "done"}, name="Other", begin=called
    )
    execution = shop.of(
        runs(other.id, inputs={"why": "{{ inputs.reason }}"}),
        inputs={"reason": "left"},
        person_id="somebody",
    )
    assert shop.take(execution, "run", token="token")["outcome"] == "waits"
    child = child_of(shop, execution)
    assert shop.steps.started[child.name] == {"execution": child.id, "at": "", "attempt": 1}
    assert (child.person_id, child.inputs, child.depth) == ("somebody", {"why": "left"}, 1)
    assert shop.steps.told == {}
    assert shop.run(child).status == "succeeded"
    assert shop.steps.told == {"token": told(execution, "done")}
    step = shop.step(execution, "run")
    assert step.status == "succeeded"
    assert step.output == {"execution_id": child.id, "status": "succeeded", "message": "done"}


def test_a_child_that_fails_fails_the_block(shop: Shop) -> None:
    execution = shop.of(runs(shop.workflow(BREAKS).id))
    shop.take(execution, "run", token="token")
    assert shop.run(child_of(shop, execution)).status == "failed"
    assert shop.steps.told == {"token": told(execution, "failed")}
    step = shop.step(execution, "run")
    assert step.error is not None
    assert (step.status, step.error["code"]) == ("failed", "child-failed")


def test_a_child_that_is_cancelled_fails_the_block(shop: Shop) -> None:
    execution = shop.of(runs(shop.workflow(REST).id))
    shop.take(execution, "run", token="token")
    child = child_of(shop, execution)
    assert shop.executions.cancel(child, "tests")
    # Whoever cancels it tells.
    assert children.tell_parent(shop.executions, shop.steps, shop.now(child))
    assert shop.steps.told == {"token": told(execution, "failed")}


def test_a_child_that_nobody_waits_for(shop: Shop) -> None:
    execution = shop.of(runs(shop.workflow(REST).id, wait=False))
    assert shop.take(execution, "run")["outcome"] == "done"
    child = child_of(shop, execution)
    assert shop.step(execution, "run").output == {
        "execution_id": child.id,
        "status": "running",
        "message": None,
    }
    shop.run(child)
    assert shop.steps.told == {}


def test_a_block_that_is_done_twice_runs_it_once(shop: Shop) -> None:
    execution = shop.of(runs(shop.workflow(REST).id))
    shop.take(execution, "run", token="one")
    shop.take(execution, "run", token="two")
    assert len(shop.steps.started) == 1
    shop.run(child_of(shop, execution))
    assert shop.steps.told == {"two": told(execution, "done")}
    shop.take(execution, "run", token="three")
    assert shop.steps.told["three"] == told(execution, "done")


def test_a_child_that_ends_while_its_parents_function_is_started_again(shop: Shop) -> None:
    execution = shop.of(runs(shop.workflow(REST).id))
    shop.take(execution, "run", token="one")
    shop.steps.gone.add("one")
    shop.run(child_of(shop, execution))
    shop.take(execution, "run", token="two")
    assert shop.steps.told == {"two": told(execution, "done")}


def test_a_function_killed_at_any_write_runs_it_once(shop: Shop) -> None:
    other = shop.workflow(REST)
    for lives in count():
        execution = shop.of(runs(other.id))
        started = len(shop.steps.started)
        shop.aws.lives = lives
        try:
            shop.take(execution, "run", token=uuid.uuid4().hex)
        except Killed:
            shop.aws.lives = math.inf
            last = uuid.uuid4().hex
            shop.take(execution, "run", token=last)
            assert len(shop.steps.started) == started + 1
            shop.run(child_of(shop, execution))
            assert shop.steps.told[last] == told(execution, "done")
            continue
        shop.aws.lives = math.inf
        break
    assert lives > 8


def test_an_end_whose_function_is_killed_at_any_write_tells_its_parent(shop: Shop) -> None:
    other = shop.workflow(REST)
    for lives in count():
        execution = shop.of(runs(other.id))
        token = uuid.uuid4().hex
        shop.take(execution, "run", token=token)
        child = child_of(shop, execution)
        said = {"execution": child.id, "at": "", "step": "end"}
        shop.aws.lives = lives
        try:
            shop.worker.take(said, "me")
        except Killed:
            shop.aws.lives = math.inf
            shop.worker.take(said, "another")
            assert shop.steps.told[token] == told(execution, "done")
            assert shop.step(execution, "run").status == "succeeded"
            continue
        shop.aws.lives = math.inf
        break
    assert lives > 4


def test_a_redrive_redrives_what_it_has_run(shop: Shop) -> None:
    execution = shop.of(runs(shop.workflow(BREAKS).id))
    shop.take(execution, "run", token="one")
    child = child_of(shop, execution)
    shop.run(child)
    assert shop.executions.end(shop.now(execution), "failed")
    redriven = shop.executions.reopen(shop.now(execution), "tests")
    assert redriven is not None
    assert shop.take(redriven, "run", token="two")["outcome"] == "waits"
    again = shop.now(child)
    assert (again.status, again.attempt) == ("running", 2)
    assert again.name in shop.steps.started
    shop.run(again)
    assert shop.steps.told["two"] == told(execution, "failed", 2)
    # And a second delivery in that try does not redrive it once more.
    shop.take(redriven, "run", token="three")
    assert shop.now(child).attempt == 2
    assert shop.steps.told["three"] == told(execution, "failed", 2)


def test_a_workflow_that_has_led_here_is_refused(shop: Shop) -> None:
    other = shop.workflow(REST)
    loop = shop.of(runs(other.id), lineage=(other.id,), depth=1)
    shop.take(loop, "run", token="token")
    error = shop.step(loop, "run").error
    assert error is not None
    assert error["code"] == "loop"
    assert shop.steps.told == {"token": told(loop, "failed")}
    deep = shop.of(runs(other.id), lineage=("a", "b", "c", "d", "e"), depth=5)
    shop.take(deep, "run", token="deep")
    error = shop.step(deep, "run").error
    assert error is not None
    assert error["code"] == "too-deep"
    assert shop.steps.started == {}


@pytest.mark.parametrize(
    ("inputs", "code"),
    [({}, "invalid-input"), ({"why": "x", "other": 1}, "invalid-input")],
)
def test_inputs_are_those_that_the_workflow_takes(shop: Shop, inputs: Json, code: str) -> None:
    called = {"trigger": "call", "inputs": [{"key": "why", "required": True}]}
    other = shop.workflow(REST, begin=called)
    execution = shop.of(runs(other.id, inputs=inputs))
    shop.take(execution, "run", token="token")
    error = shop.step(execution, "run").error
    assert error is not None
    assert error["code"] == code
    assert shop.steps.started == {}


def test_a_workflow_that_is_not_there_or_paused_is_a_failure(shop: Shop) -> None:
    paused = shop.workflow(REST)
    assert shop.workflows.paused(paused, "tests")
    for workflow, code in (("none", "not-found"), (paused.id, "conflict")):
        execution = shop.of(runs(workflow))
        shop.take(execution, "run", token=workflow)
        error = shop.step(execution, "run").error
        assert error is not None
        assert error["code"] == code


def test_a_test_runs_a_test(shop: Shop) -> None:
    paused = shop.workflow(REST)
    assert shop.workflows.paused(paused, "tests")
    execution = shop.of(runs(paused.id), mode="test", approves=False)
    shop.take(execution, "run", token="token")
    child = child_of(shop, execution)
    assert (child.mode, child.approves) == ("test", False)
