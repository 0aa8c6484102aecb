"""What the local AWS gets wrong by itself, and right with its gaps closed."""

import importlib.util
import json
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import pytest

from local import emulator
from local.emulator import PLACEHOLDER, with_scheduled_time

Json = dict[str, Any]


def test_the_placeholder_becomes_the_time_in_aws_form() -> None:
    target = {"Arn": "arn", "Input": json.dumps({"scheduled_time": PLACEHOLDER, "other": 1})}
    filled = with_scheduled_time(target, 1_770_000_000.4)
    assert json.loads(filled["Input"]) == {"scheduled_time": "2026-02-02T02:40:00Z", "other": 1}
    assert filled["Arn"] == "arn"
    assert PLACEHOLDER in target["Input"]


class Machine:
    """A copy of the local Step Functions of its own, whose functions are those of a test."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        spec = importlib.util.find_spec("ministack.services.stepfunctions")
        assert spec is not None
        assert spec.loader is not None
        self.module = cast("Any", importlib.util.module_from_spec(spec))
        spec.loader.exec_module(self.module)
        self.module._call_lambda = lambda _, event: function(event)
        self.module._emit_execution_status_event = lambda _: None

    def closing(self, gap: Callable[[Any], None]) -> "Machine":
        gap(self.module)
        return self

    def run(self, states: Json, given: Any = None) -> Json:
        definition = {
            "QueryLanguage": "JSONata",
            "StartAt": next(iter(states)),
            "States": {name: {"End": True, **state} for name, state in states.items()},
        }
        created = self.call("create_state_machine", name="m", definition=json.dumps(definition))
        return self.start(created["stateMachineArn"], given)

    def start(self, arn: str, given: Any = None) -> Json:
        started = self.call("start_execution", stateMachineArn=arn, input=json.dumps(given))
        until = time.monotonic() + 20
        while True:
            found = self.call("describe_execution", executionArn=started["executionArn"])
            if found["status"] != "RUNNING" or time.monotonic() > until:
                return {**found, "output": json.loads(found.get("output") or "null")}
            time.sleep(0.01)

    def call(self, operation: str, **data: Any) -> Json:
        _, _, body = getattr(self.module, f"_{operation}")(data)
        answer: Json = json.loads(body)
        return answer


def echo(event: Any) -> Any:
    return event


ITEM = {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": True}}}
MAP = {
    "Type": "Map",
    "Items": "{% [10..$states.input.last] %}",
    "ItemSelector": {
        "value": "{% $states.context.Map.Item.Value %}",
        "index": "{% $states.context.Map.Item.Index %}",
        "of": "{% $states.input.name %}",
    },
    "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **ITEM},
    "Output": {"results": "{% $states.result %}", "name": "{% $states.input.name %}"},
}


def test_a_distributed_map_takes_its_items_in_jsonata() -> None:
    given = {"last": 11, "name": "x"}
    expected = {
        "name": "x",
        "results": [{"value": value, "index": value - 10, "of": "x"} for value in (10, 11)],
    }
    closed = Machine(echo).closing(emulator.speak_jsonata_in_distributed_maps)
    assert closed.run({"Map": MAP}, given)["output"] == expected
    assert Machine(echo).run({"Map": MAP}, given)["output"] != expected


def test_an_output_that_fails_is_caught_by_the_map() -> None:
    failing = {**MAP, "Output": '{% $error("no") %}'}
    caught = {"ErrorEquals": ["States.QueryEvaluationError"], "Output": "caught", "Next": "Last"}
    states = {"Map": {**failing, "Catch": [caught]}, "Last": {"Type": "Pass"}}
    closed = Machine(echo).closing(emulator.speak_jsonata_in_distributed_maps)
    assert closed.run(states, {"last": 11, "name": "x"})["output"] == "caught"


def test_a_parallel_state_has_an_output_in_jsonata() -> None:
    both = {"Type": "Parallel", "Branches": [ITEM, ITEM], "Output": "{% $sum($states.result) %}"}
    closed = Machine(echo).closing(emulator.speak_jsonata_in_parallel)
    assert closed.run({"Both": both}, 4)["output"] == 8
    assert Machine(echo).run({"Both": both}, 4)["output"] == [4, 4]


def waiting(name: str) -> Json:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Arguments": {
            "FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:f",
            "Payload": {"name": name, "token": "{% $states.context.Task.Token %}"},
        },
        "End": True,
    }


def test_branches_have_tokens_of_their_own() -> None:
    came = threading.Barrier(2)
    machine: Machine

    def function(event: Any) -> None:
        came.wait(10)
        output = json.dumps(event["name"])
        machine.call("send_task_success", taskToken=event["token"], output=output)

    branches = [{"StartAt": name, "States": {name: waiting(name)}} for name in ("A", "B")]
    machine = Machine(function).closing(emulator.speak_jsonata_in_parallel)
    end = machine.run({"Both": {"Type": "Parallel", "Branches": branches}})
    assert (end["status"], end["output"]) == ("SUCCEEDED", ["A", "B"])


def failing(module: ModuleType) -> Callable[[Any, Any], Any]:
    def call(_: Any, __: Any) -> Any:
        raise vars(module)["_ExecutionError"]("Broken", "why")

    return call


def test_a_task_that_waits_for_its_token_fails_with_its_function() -> None:
    def run(*, close: bool) -> Json:
        machine = Machine(echo)
        machine.module._call_lambda = failing(machine.module)
        if close:
            machine.closing(emulator.fail_tasks_whose_function_failed)
        return machine.run({"Ask": {**waiting("A"), "TimeoutSeconds": 1}})

    end = run(close=True)
    assert (end["status"], end["error"], end["cause"]) == ("FAILED", "Broken", "why")
    assert run(close=False)["error"] == "States.Timeout"


@pytest.mark.parametrize("close", [True, False])
def test_an_execution_runs_the_version_that_was_started(close: bool) -> None:
    machine = Machine(echo)
    if close:
        machine.closing(emulator.run_the_version_that_was_started)

    def definition(output: str) -> str:
        state = {"Type": "Pass", "Output": output, "End": True}
        return json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state}})

    created = machine.call(
        "create_state_machine", name="m", definition=definition("old"), publish=True
    )
    arn, first = created["stateMachineArn"], created["stateMachineVersionArn"]
    machine.call("update_state_machine", stateMachineArn=arn, definition=definition("new"))
    assert machine.start(first)["output"] == ("old" if close else "new")
    assert machine.start(arn)["output"] == "new"
