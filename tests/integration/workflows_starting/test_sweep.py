"""Executions that nobody drives any more end, and what was decided or ended is told."""

import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollcall.aws import Aws
from rollcall.notices.workflow_notice import WorkflowNotices
from rollcall.workflows import approvals
from rollcall.workflows.beginning import Beginner, Cause, Subject
from rollcall.workflows.children import cause_of
from rollcall.workflows.executions import Execution, Step
from rollcall.workflows.store import Workflow
from rollcall.workflows.sweep import WorkflowSweeper
from tests.integration.workflows_starting.conftest import (
    LOG,
    Hall,
    Passing,
    left,
    message,
    on,
    waiting_for,
)
from tests.roles import RoleAws

LATER = timedelta(minutes=10)


def machine(hall: Hall, state: dict[str, Any], **more: Any) -> str:
    definition = {"StartAt": "It", "States": {"It": state, **more}}
    created = Aws().stepfunctions.create_state_machine(
        name=f"rollcall-{hall.settings.stack_name}-wf-{uuid.uuid4().hex}",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::000000000000:role/workflows",
    )
    hall.machine = created["stateMachineArn"]
    return hall.machine


def sweep(hall: Hall, later: timedelta = timedelta(), machines: Passing | None = None) -> list[str]:
    aws = RoleAws("SweeperRole")
    machines = machines or Passing(aws)
    beginner = Beginner(hall.settings, aws, LOG, machines)
    sweeper = WorkflowSweeper(
        beginner,
        WorkflowNotices(aws, hall.settings.notice_topic, LOG),
        aws.stepfunctions,
        LOG,
        machines.status,
        lambda step: approvals.settle(beginner.executions, aws.stepfunctions, step),
    )
    return sweeper.sweep(datetime.now(UTC) + later, lambda: True)


def begun(hall: Hall, workflow: Workflow, key: str = "1", **more: Any) -> Execution:
    cause = Cause("call", key, "ann", **more)
    execution = hall.starter().begin(workflow, hall.version(workflow), cause, Subject("p1"))
    assert isinstance(execution, Execution)
    return execution


def over(execution: Execution) -> str:
    """What Step Functions says once it is over."""
    for _ in range(200):
        status = Passing(Aws()).status(execution)
        if status != "RUNNING":
            return str(status)
        time.sleep(0.05)
    raise AssertionError("it runs for ever")


def now_is(hall: Hall, execution: Execution) -> tuple[str, str | None]:
    found = hall.executions.get(execution.id)
    assert found is not None
    return found.status, (found.error or {}).get("code")


def test_one_that_was_never_started_is_started_after_a_while(hall: Hall) -> None:
    machine(hall, {"Type": "Wait", "Seconds": 3000, "End": True})
    workflow = hall.workflow(on())
    hall.starter(machines=Passing(Aws(), down=True)).events([message(left())])
    assert sweep(hall) == []
    assert hall.machines_started() == []
    for _ in range(2):
        assert sweep(hall, LATER) == []
        assert hall.all_started_once(workflow)
        assert len(hall.machines_started()) == 1


@pytest.mark.parametrize(
    ("state", "status", "ended"),
    [
        ({"Type": "Fail", "Error": "E", "Cause": "c"}, "FAILED", ("failed", "execution-error")),
        ({"Type": "Pass", "End": True}, "SUCCEEDED", ("succeeded", None)),
    ],
)
def test_one_whose_state_machine_ended_without_a_word_is_closed(
    hall: Hall, state: dict[str, Any], status: str, ended: tuple[str, str | None]
) -> None:
    machine(hall, state)
    workflow = hall.workflow({"trigger": "call"}, contacts=["ann@example.com"])
    execution = begun(hall, workflow)
    assert over(execution) == status
    assert sweep(hall) == [execution.id]
    assert now_is(hall, execution) == ended
    assert sweep(hall) == []
    assert list(hall.executions.open()) == []
    told = [one["Subject"] for one in hall.post.read(hall.everything)]
    assert told == (["Rollcall: Leavers failed"] if status == "FAILED" else [])


def test_one_that_was_aborted_is_closed_and_one_that_runs_is_not(hall: Hall) -> None:
    machine(hall, {"Type": "Wait", "Seconds": 3000, "End": True})
    workflow = hall.workflow({"trigger": "call"})
    stopped, goes_on = begun(hall, workflow, "1"), begun(hall, workflow, "2")
    Passing(Aws()).stop(stopped)
    assert sweep(hall, LATER) == [stopped.id]
    assert now_is(hall, stopped) == ("failed", "execution-error")
    assert now_is(hall, goes_on) == ("running", None)


def test_one_that_step_functions_knows_nothing_of_is_closed_after_a_while(hall: Hall) -> None:
    workflow = hall.workflow({"trigger": "call"})
    execution = begun(hall, workflow)

    class Forgetful(Passing):
        def status(self, execution: Execution) -> str | None:  # noqa: ARG002
            return None

    assert sweep(hall, machines=Forgetful(Aws())) == []
    assert sweep(hall, LATER, Forgetful(Aws())) == [execution.id]
    assert now_is(hall, execution) == ("failed", "execution-error")


def test_one_that_has_just_told_how_it_ended_stays_as_it_told(hall: Hall) -> None:
    workflow = hall.workflow({"trigger": "call"})
    execution = begun(hall, workflow)

    class Late(Passing):
        def status(self, execution: Execution) -> str | None:
            assert hall.executions.end(execution, "succeeded")
            return "FAILED"

    assert sweep(hall, machines=Late(Aws())) == []
    assert now_is(hall, execution) == ("succeeded", None)


def test_one_that_cannot_be_asked_about_does_not_stop_the_others(hall: Hall) -> None:
    machine(hall, {"Type": "Fail"})
    workflow = hall.workflow({"trigger": "call"})
    first, second = begun(hall, workflow, "1"), begun(hall, workflow, "2")

    class Refusing(Passing):
        def status(self, execution: Execution) -> str | None:
            if execution.id == first.id:
                Aws().stepfunctions.describe_execution(executionArn="arn:aws:nonsense")
            return super().status(execution)

    assert over(second) == "FAILED"
    assert sweep(hall, LATER, Refusing(Aws())) == [second.id]
    assert now_is(hall, first) == ("running", None)


def test_the_parent_of_one_that_is_closed_goes_on(hall: Hall) -> None:
    machine(hall, {"Type": "Fail"})
    workflow = hall.workflow({"trigger": "call"})
    waiting_for(hall, workflow)
    parent = {"parent_id": "parent", "parent_at": "", "parent_block": "run"}
    child = begun(hall, workflow, parent=parent)
    assert over(child) == "FAILED"
    assert sweep(hall) == [child.id]
    step = hall.executions.step("parent", "", "run")
    assert step is not None
    assert (step.status, step.output["execution_id"]) == ("failed", child.id)


def test_a_parent_that_was_not_told_is_told(hall: Hall) -> None:
    machine(hall, {"Type": "Wait", "Seconds": 3000, "End": True})
    workflow = hall.workflow({"trigger": "call"})
    parent = begun(hall, workflow)
    waiting_for(hall, workflow, parent.id)
    assert sweep(hall, LATER) == []
    child = begun(
        hall,
        workflow,
        cause_of(parent.id, "", "run"),
        parent={"parent_id": parent.id, "parent_at": "", "parent_block": "run"},
    )
    assert sweep(hall, LATER) == []
    step = hall.executions.step(parent.id, "", "run")
    assert step is not None
    assert step.status == "waiting", "the child goes on"
    assert hall.executions.end(child, "succeeded")
    sweep(hall, LATER)
    step = hall.executions.step(parent.id, "", "run")
    assert step is not None
    assert (step.status, step.output["status"]) == ("succeeded", "succeeded")


def test_a_decision_that_was_not_told_is_told(hall: Hall) -> None:
    machine(hall, {"Type": "Wait", "Seconds": 3000, "End": True})
    execution = begun(hall, hall.workflow({"trigger": "call"}))
    step = Step(
        execution_id=execution.id,
        block="ask",
        at="",
        type="approval",
        status="waiting",
        attempt=1,
        started_at=execution.created_at,
        token="a token that is gone",
    )
    assert hall.executions.save(step)
    sweep(hall, LATER)
    assert hall.executions.step(execution.id, "", "ask") == step, "nobody has decided"
    assert hall.executions.decide(replace(step, branch="approve"), "ann")
    sweep(hall)
    told = hall.executions.step(execution.id, "", "ask")
    assert told is not None
    assert (told.status, told.output["decision"]) == ("succeeded", "approve")


def test_held_ones_wait_and_contacts_who_were_not_told_are(hall: Hall) -> None:
    workflow = hall.workflow(on(most=1))
    topic = hall.post.topic
    hall.post.topic = "arn:aws:sns:us-east-1:000000000000:gone"
    hall.starter().events([message(left(f"p{number}")) for number in range(2)])
    hall.post.topic = topic
    sweep(hall)
    assert hall.post.read(hall.everything) == [], "whoever tripped it may still be telling"
    for _ in range(2):
        sweep(hall, LATER)
    assert hall.statuses(workflow)["held"] == 1
    told = [one["MessageAttributes"]["kind"]["Value"] for one in hall.post.read(hall.everything)]
    assert told.count("held") == 1
