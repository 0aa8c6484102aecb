"""Steps of executions in pages that an answer can carry, and the approvals that wait.

An answer takes 6 MB, and a step may have a large input and a large output, so a page ends where it
would weigh too much. Keys are those of `executions`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rollcall.items import Item
from rollcall.tables import Table, equals
from rollcall.workflows.executions import Execution, Executions, Step

HEAVIEST = 3_000_000
"""Bytes of the steps of one answer, as JSON; one more step weighs 700 KB at most."""
LOOKED_THROUGH = 300
"""Open executions that one page of approvals looks through."""
_AT_ONCE = 25

Key = Mapping[str, Any]


def some_steps(
    executions: Executions, execution_id: str, limit: int, after: Key | None
) -> tuple[list[Step], Item | None]:
    """Up to `limit` steps by `at`, as many as an answer carries, and the key to go on after."""
    found: list[Step] = []
    weight = 0
    last: Item | None = None if after is None else dict(after)
    at_once = _AT_ONCE
    while len(found) < limit:
        # Few at first: DynamoDB would send what is then left out. More if they are light.
        page, last = executions.steps(execution_id, min(at_once, limit - len(found)), last)
        for number, step in enumerate(page, 1):
            found.append(step)
            weight += len(json.dumps([step.input, step.output, step.notes]))
            if weight > HEAVIEST:
                rest = number < len(page) or last is not None
                return found, _step_key(step) if rest else None
        if last is None:
            break
        fits = int((HEAVIEST - weight) / (weight / len(found)))
        at_once = max(_AT_ONCE, min(fits, 4 * at_once))
    return found, last


Waiting = tuple[Execution, Step]


def waiting(
    runs: Table, executions: Executions, limit: int, after: Key | None
) -> tuple[list[Waiting], Item | None]:
    """Approvals that wait for a decision, and the key to go on after.

    A page may be short before the end: one looks through 300 open executions at most.
    """
    found: list[Waiting] = []
    looked = 0
    for execution, step in _waiting(runs, executions, after):
        if step is None:
            looked += 1
        else:
            found.append((execution, step))
        if len(found) == limit or looked == LOOKED_THROUGH:
            key = _step_key(step)["sk"] if step is not None else None
            return found, {"execution": execution.id, "step": key}
    return found, None


def _waiting(
    runs: Table, executions: Executions, after: Key | None
) -> Iterator[tuple[Execution, Step | None]]:
    """Each open execution's approvals that wait, and then the execution without one."""
    if after is not None and after["step"] is not None:
        execution = executions.get(after["execution"])
        if execution is not None and execution.status == "running":
            for step in _steps(runs, execution, after["step"]):
                yield execution, step
            yield execution, None
    for execution in _open(runs, executions, after["execution"] if after is not None else None):
        if execution.status == "running":
            for step in _steps(runs, execution, None):
                yield execution, step
        yield execution, None


def _open(runs: Table, executions: Executions, after: str | None) -> Iterator[Execution]:
    key: Item | None = {"pk": _OPEN, "sk": after} if after is not None else None
    while True:
        places, key = runs.page(_OPEN, limit=_AT_ONCE, after=key)
        for place in places:
            execution = executions.get(place["sk"])
            if execution is not None:
                yield execution
        if key is None:
            return


def _steps(runs: Table, execution: Execution, after: str | None) -> Iterator[Step]:
    pk = f"EXECUTION#{execution.id}"
    where = equals("status", "waiting") & equals("type", "approval")
    key: Item | None = {"pk": pk, "sk": after} if after is not None else None
    while True:
        items, key = runs.page(pk, "STEP#", limit=_AT_ONCE, after=key, where=where)
        for step in map(Step.from_item, items):
            if step.branch is None:  # decided, and on its way
                yield step
        if key is None:
            return


_OPEN = "EXECUTIONS#OPEN"


def _step_key(step: Step) -> Item:
    return {"pk": f"EXECUTION#{step.execution_id}", "sk": f"STEP#{step.at}#{step.block}"}
