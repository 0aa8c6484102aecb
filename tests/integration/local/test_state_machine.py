"""The sync state machine runs, with a function that answers as the integration's id says."""

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from local.stack import LocalStack


@dataclass(frozen=True)
class Execution:
    status: str
    error: str | None
    cause: str | None
    states: list[str]
    arn: str
    seconds: float


def execute(stack: LocalStack, integration_id: str, **more: str) -> Execution:
    """Run the machine to its end; the states are those that do something."""
    client = stack.client("stepfunctions")
    start = time.monotonic()
    arn = client.start_execution(
        stateMachineArn=stack.outputs["StateMachineArn"],
        input=json.dumps({"integration_id": integration_id, "trigger": "manual", **more}),
    )["executionArn"]
    while (described := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.05)
    events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in events
        if "stateEnteredEventDetails" in event
    ]
    return Execution(
        described["status"],
        described.get("error"),
        described.get("cause"),
        [name for name in entered if not name.endswith("?")],
        arn,
        time.monotonic() - start,
    )


def last_event(stack: LocalStack, integration_id: str, step: str) -> dict[str, Any]:
    item = stack.client("dynamodb").get_item(
        TableName=stack.outputs["RunsTable"],
        Key={"pk": {"S": integration_id}, "sk": {"S": step}},
    )["Item"]
    event: dict[str, Any] = json.loads(item["last_event"]["S"])
    return event


def test_steps_follow_each_other_and_loop_until_told_otherwise(stack: LocalStack) -> None:
    stack.scale_waits(1)
    ran = execute(stack, "loops/pull:pull/pull:1/pull:reconcile/reconcile:reconcile")
    assert ran.status == "SUCCEEDED"
    assert ran.states == [
        *("Begin", "Pull", "Pull", "Wait", "Pull", "Reconcile", "Reconcile", "Finish", "Done")
    ]
    assert ran.seconds >= 1


def test_the_first_step_hears_who_asked_and_the_others_which_run(stack: LocalStack) -> None:
    ran = execute(stack, "hears", scheduled_time="2026-11-22T00:00:00Z")
    assert last_event(stack, "hears", "begin") == {
        "step": "begin",
        "integration_id": "hears",
        "trigger": "manual",
        "scheduled_time": "2026-11-22T00:00:00Z",
        "execution_id": ran.arn,
    }
    for step in ("pull", "reconcile", "finish"):
        event = {"step": step, "run_id": "run-1", "integration_id": "hears"}
        assert last_event(stack, "hears", step) == event


def test_a_wait_may_come_before_any_step(stack: LocalStack) -> None:
    stack.scale_waits(0)
    ran = execute(stack, "waits/reconcile:30/reconcile:finish")
    assert ran.states == ["Begin", "Pull", "Reconcile", "Wait", "Reconcile", "Finish", "Done"]


def test_a_dropped_run_succeeds_without_doing_anything(stack: LocalStack) -> None:
    assert execute(stack, "dropped/begin:dropped").states == ["Begin", "Done"]


def test_a_step_that_answers_fail_closes_the_run_with_its_error(stack: LocalStack) -> None:
    ran = execute(stack, "fails/pull:fail")
    assert ran.states == ["Begin", "Pull", "Fail", "Failed"]
    assert (ran.status, ran.error, ran.cause) == ("FAILED", "count-mismatch", "9 of 10")
    assert last_event(stack, "fails/pull:fail", "fail") == {
        "step": "fail",
        "run_id": "run-1",
        "integration_id": "fails/pull:fail",
        "error": {"code": "count-mismatch", "detail": "9 of 10"},
    }


def test_a_run_that_was_closed_before_it_failed_is_no_failure(stack: LocalStack) -> None:
    ran = execute(stack, "cancelled/pull:fail/fail:dropped")
    assert ran.status == "SUCCEEDED"
    assert ran.states == ["Begin", "Pull", "Fail", "Done"]


def test_a_step_that_breaks_once_is_repeated(stack: LocalStack) -> None:
    stack.scale_waits(0)
    ran = execute(stack, "flaky/pull:broken/pull:broken/pull:reconcile")
    assert ran.status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("script", "step", "run_id"),
    [
        ("begin:broken", "Begin", None),
        ("pull:broken", "Pull", "run-1"),
        ("reconcile:broken", "Reconcile", "run-1"),
        ("finish:broken", "Finish", "run-1"),
    ],
)
def test_a_step_that_breaks_for_good_closes_the_run(
    stack: LocalStack, script: str, step: str, run_id: str | None
) -> None:
    stack.scale_waits(0)
    integration_id = "/".join([script] * 4)
    ran = execute(stack, integration_id)
    assert ran.states[-3:] == [step, "Fail", "Failed"]
    assert (ran.status, ran.error) == ("FAILED", "execution-error")
    event = last_event(stack, integration_id, "fail")
    assert event["run_id"] == run_id
    assert event["error"]["code"] == "execution-error"
    assert step in event["error"]["detail"]
    assert "private" not in json.dumps(event)


def test_a_run_made_by_the_api_is_closed_even_if_its_first_step_breaks(stack: LocalStack) -> None:
    stack.scale_waits(0)
    script = "api/" + "/".join(["begin:broken"] * 4)
    execute(stack, script, run_id="run-7")
    assert last_event(stack, script, "fail")["run_id"] == "run-7"


def test_an_answer_that_names_no_step_closes_the_run(stack: LocalStack) -> None:
    ran = execute(stack, "lost/pull:nowhere")
    assert ran.states == ["Begin", "Pull", "Unknown answer", "Fail", "Failed"]
    assert ran.error == "execution-error"


def test_the_execution_fails_even_if_the_run_cannot_be_closed(stack: LocalStack) -> None:
    stack.scale_waits(0)
    ran = execute(stack, "worst/pull:fail/" + "/".join(["fail:broken"] * 4))
    assert (ran.status, ran.error) == ("FAILED", "execution-error")
