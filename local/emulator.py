"""The local AWS with its gaps closed, as far as we meet them.

Run as a script, not as a module, so that this folder does not come before the installed packages.

- A schedule's input may hold `<aws.scheduler.scheduled-time>`, by which the sync drops a time that
  it has seen; the local AWS would hand that over as it stands.
- A distributed map takes a JSONata expression that says where it reads its items for the name of
  an object, and knows neither `Items`, `ItemSelector` nor `Output` in JSONata.
- A parallel state does not know `Output` in JSONata, and its branches write over each other's task
  tokens.
- An execution that is started by the ARN of a version runs the newest definition.
- A task that waits for its token waits for ever where the function has failed.
"""

import contextlib
import copy
import runpy
import types
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge, stepfunctions

PLACEHOLDER = "<aws.scheduler.scheduled-time>"
Json = dict[str, Any]


def with_scheduled_time(target: Json, fired_at: float) -> Json:
    """The schedule's target, its input telling when it fired, in AWS's form."""
    moment = datetime.fromtimestamp(fired_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**target, "Input": target.get("Input", "").replace(PLACEHOLDER, moment)}


def tell_schedules_the_time(services: Any = eventbridge) -> None:
    """Let a schedule's input tell when it fired."""
    invoke = services._invoke_target

    def invoke_in_time(target: Json, event: Json, rule: Any, view: Any = None) -> Any:
        if event.get("Source") == "aws.scheduler" and PLACEHOLDER in target.get("Input", ""):
            target = with_scheduled_time(target, event["Time"])
        return invoke(target, event, rule, view)

    services._invoke_target = invoke_in_time


def read_items_where_the_map_says(states: Any = stepfunctions) -> None:
    """Let the arguments of a map's reader be expressions."""
    read, evaluate = states._read_map_items, states._apply_jsonata_template

    def read_where_it_says(reader: Json, effective: Any, ctx: Any) -> Any:
        where = evaluate(reader.get("Arguments", {}), effective, ctx)
        return read({**reader, "Arguments": where}, effective, ctx)

    states._read_map_items = read_where_it_says


def speak_jsonata_in_distributed_maps(states: Any = stepfunctions) -> None:
    """Let a distributed map in JSONata say its items, what each is handed, and its output."""
    run = states._run_distributed_map

    def run_map(state: Json, given: Any, effective: Any, body: Json, run_of: Json, ctx: Any) -> Any:
        if not _is_jsonata(states, state, ctx):
            return run(state, given, effective, body, run_of, ctx)
        if "Items" in state:
            items = states._jsonata_state_field(state, "Items", "array", given, ctx)
            selector = state.get("ItemSelector")
            effective = [
                item if selector is None else _selected(states, selector, number, item, given, ctx)
                for number, item in enumerate(items)
            ]
            state = {name: part for name, part in state.items() if name != "ItemSelector"}
        results, following = run(state, given, effective, body, run_of, ctx)
        return _output(states, state, given, ctx, results), following

    states._run_distributed_map = run_map


def speak_jsonata_in_parallel(states: Any = stepfunctions) -> None:
    """Let a parallel state in JSONata say its output, and keep its branches apart."""
    run, run_inner = states._run_parallel_branches, states._run_sub_machine

    def run_branches(state: Json, given: Any, run_of: Json, ctx: Any) -> Any:
        results, following = run(state, given, run_of, ctx)
        if _is_jsonata(states, state, ctx):
            results = _output(states, state, given, ctx, results)
        return results, following

    def run_apart(inner: Json, first: str, given: Any, run_of: Json, ctx: Any) -> Any:
        return run_inner(inner, first, given, run_of, copy.deepcopy(ctx))

    states._run_parallel_branches = run_branches
    states._run_sub_machine = run_apart


def run_the_version_that_was_started(states: Any = stepfunctions) -> None:
    """Let an execution run the definition of the version that it was started by."""
    start, run = states._start_execution, states._run_execution
    started: ContextVar[str | None] = ContextVar("started", default=None)

    def start_version(data: Json) -> Any:
        # The thread that runs the execution inherits this.
        with _set(started, states._execution_version_arn(data.get("stateMachineArn"))):
            return start(data)

    def run_version(execution_arn: str) -> None:
        machines, version = states._state_machines, started.get()
        execution = states._executions.get(execution_arn)
        if execution and version in states._state_machine_versions:
            arn = execution["stateMachineArn"]
            definition = states._state_machine_versions[version]["definition"]
            machines = {arn: {**(machines.get(arn) or {}), "definition": definition}}
        seen = {**vars(states), "_state_machines": machines}
        types.FunctionType(run.__code__, seen)(execution_arn)

    states._start_execution, states._run_execution = start_version, run_version


def fail_tasks_whose_function_failed(states: Any = stepfunctions) -> None:
    """Let a task that waits for its token fail where the function does."""
    invoke, call = states._invoke_with_callback, states._call_lambda
    waiting: ContextVar[str | None] = ContextVar("waiting", default=None)

    def invoke_waiting(resource: str, given: Any, token: str, state: Json) -> Any:
        with _set(waiting, token):
            return invoke(resource, given, token, state)

    def call_or_fail(function: str, event: Any) -> Any:
        try:
            return call(function, event)
        except states._ExecutionError as error:
            if token := waiting.get():
                failure = {"taskToken": token, "error": error.error, "cause": error.cause}
                states._send_task_failure(failure)
            raise

    states._invoke_with_callback = invoke_waiting
    states._call_lambda = call_or_fail


GAPS: tuple[Callable[[], None], ...] = (
    tell_schedules_the_time,
    read_items_where_the_map_says,
    speak_jsonata_in_distributed_maps,
    speak_jsonata_in_parallel,
    run_the_version_that_was_started,
    fail_tasks_whose_function_failed,
)


@contextlib.contextmanager
def _set(variable: ContextVar[str | None], value: str | None) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def _is_jsonata(states: Any, state: Json, ctx: Any) -> bool:
    language: str = states._state_query_language(state, ctx)
    return language == "JSONata"


def _selected(states: Any, selector: Any, number: int, item: Any, given: Any, ctx: Any) -> Any:
    of_item = {**ctx, "Map": {"Item": {"Index": number, "Value": item}}}
    return states._apply_jsonata_template(selector, given, of_item)


def _output(states: Any, state: Json, given: Any, ctx: Any, results: Any) -> Any:
    return states._apply_jsonata_output(state, given, ctx, result=results, default=results)


def main() -> None:
    """Run the local AWS until it is told to stop."""
    for close in GAPS:
        close()
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
