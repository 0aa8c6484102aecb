"""Executions in the runs table: what began, about whom, and how far each of its blocks came.

| item               | pk               | sk                   |
|--------------------|------------------|----------------------|
| execution          | EXECUTION#id     | EXECUTION            |
| a step             | EXECUTION#id     | STEP#at#block        |
| a row of a block   | EXECUTION#id     | ROW#at#block#number  |
| a place in a list  | EXECUTIONS#list  | time#id              |
| one to be looked after | EXECUTIONS#OPEN | id                |

A step is what one block did: for each row of the for-each blocks it is in there is one, and `at`
says which (`each.3`; `each.3/inner.0`). A step that has ended is not done again: whoever asks for
it, a function that is started twice or an execution that is redriven, is told how it ended. All
items expire, a year later than others: so long may an execution take.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.items import Item
from rollcall.stamps import now
from rollcall.sync.kept import expiry
from rollcall.tables import ABSENT, Action, Condition, Table, equals, one_of, transact

Status = Literal["held", "running", "succeeded", "failed", "cancelled"]
Mode = Literal["real", "test"]
Began = Literal["event", "schedule", "call", "hand", "workflow", "activation"]
StepStatus = Literal["running", "waiting", "succeeded", "failed"]
LARGEST = 300_000
"""Bytes of what a step hands on, as JSON: an item of a table takes 400 KB."""
LONGEST_DAYS = 366
"""Days that an execution may take."""
OVER: frozenset[Status] = frozenset({"succeeded", "failed", "cancelled"})
_AT_ONCE = 25
"""Executions read at once: an event may weigh 200 KB."""
_AS_TEXT = ("event", "inputs", "input", "output")
"""What is kept as JSON text: it may hold what no table does otherwise."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of one version of a workflow.

    It is about a person, an account (`integration_id`, `external_id`), or both. `mode`: a `test`
    changes nothing, and `approves` is what its approvals come to. `depth` counts the executions
    that led to it, and `lineage` are their workflows, the oldest first. `parent` is the execution
    whose block waits for it: that step of the parent has the token that ends the wait.
    `machine_arn` is the version of the state machine; `attempt` counts its tries, of which the last
    one was `started`.
    """

    id: str
    workflow_id: str
    version: int
    machine_arn: str
    status: Status
    began: Began
    actor: str
    created_at: str
    mode: Mode = "real"
    approves: bool = True
    person_id: str | None = None
    integration_id: str | None = None
    external_id: str | None = None
    event: Mapping[str, Any] | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 0
    lineage: tuple[str, ...] = ()
    parent_id: str | None = None
    parent_at: str | None = None
    parent_block: str | None = None
    attempt: int = 1
    started: bool = False
    started_at: str | None = None
    finished_at: str | None = None
    error: Mapping[str, Any] | None = None
    message: str | None = None

    @property
    def name(self) -> str:
        """The name of the Step Functions execution of this try."""
        return self.id if self.attempt == 1 else f"{self.id}-{self.attempt}"

    @property
    def lists(self) -> list[str]:
        """The lists that it stands in."""
        found = ["all", f"W#{self.workflow_id}"]
        return found + ([f"P#{self.person_id}"] if self.person_id else [])

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Execution":
        """Read the table's item; a TypeError names an attribute that is missing."""
        return cls(**{**_read(cls, item), "lineage": tuple(item.get("lineage", ()))})


@dataclass(frozen=True, slots=True)
class Step:
    """What one block did, once. `output` is what later blocks see of it.

    `branch` is where it leads if that is not the next block. `token` ends the wait of one that is
    `waiting`, until `until`; `decided_by` is who decided. An approval that waits and has a `branch`
    is decided, and its state machine may not know yet. One that is to be done again is so when it
    is `due`; `tries` counts the tries that failed in passing, and `counted` says when the last of
    them ended.
    """

    execution_id: str
    block: str
    at: str
    type: str
    status: StepStatus
    attempt: int
    started_at: str
    finished_at: str | None = None
    input: Any = None
    output: Any = None
    error: Mapping[str, Any] | None = None
    branch: str | None = None
    until: str | None = None
    token: str | None = None
    decided_by: str | None = None
    comment: str | None = None
    due: str | None = None
    tries: int = 0
    counted: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Step":
        """Read the table's item; a TypeError names an attribute that is missing."""
        return cls(**{**_read(cls, item), "notes": tuple(item.get("notes", ()))})


def execution_id(workflow_id: str, cause: str) -> str:
    """The id of the one execution of a workflow that a cause begins: an event's id, a row at a
    scheduled time, a caller's key.
    """
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{workflow_id}\n{cause}").hex


class Executions:
    """The store of executions; what people do to them is audited."""

    def __init__(self, runs: Table, config: Table, days: int) -> None:
        self._runs = runs
        self._config = config
        self._days = days + LONGEST_DAYS

    def begin(self, execution: Execution, audited: str | None = None) -> bool:
        """Keep a new one; False where there is one of its id. `audited`: what somebody did."""
        return transact(self._runs.client, self.beginning(execution, audited)) is None

    def beginning(self, execution: Execution, audited: str | None = None) -> list[Action]:
        """The same as actions of a transaction, of which the first is the one that may refuse."""
        writes = [
            self._runs.putting(self._item(execution), ABSENT),
            *(self._runs.putting(self._place(execution, name)) for name in execution.lists),
        ]
        if execution.status not in OVER:
            writes.append(self._opening(execution.id))
        if audited is not None:
            writes.append(self._audited(execution, execution.actor, audited))
        return writes

    def get(self, execution_id: str) -> Execution | None:
        """The execution of that id as it is now, or None."""
        item = self._runs.get(_pk(execution_id), "EXECUTION")
        return Execution.from_item(item) if item is not None else None

    def absent(self, execution_id: str) -> Action:
        """Refuse where there is such an execution."""
        return self._runs.checking(_pk(execution_id), "EXECUTION", ABSENT)

    def started(self, execution: Execution) -> None:
        """Note that its state machine was started."""
        changes = {"started": True}
        mine = equals("attempt", execution.attempt)
        self._runs.update(_pk(execution.id), "EXECUTION", changes, mine)

    def release(self, execution: Execution) -> bool:
        """Let one that is held go on; False where it is not held."""
        changes = {"status": "running", "started_at": now()}
        return self._runs.update(_pk(execution.id), "EXECUTION", changes, equals("status", "held"))

    def end(
        self,
        execution: Execution,
        status: Status,
        error: Mapping[str, Any] | None = None,
        message: str | None = None,
    ) -> bool:
        """Store how it ended; False where it had."""
        changes = {"status": status, "error": error, "message": message, "finished_at": now()}
        going = one_of("status", ["running", "held"]) & equals("attempt", execution.attempt)
        writes = [
            self._runs.updating(_pk(execution.id), "EXECUTION", changes, going),
            self._runs.deleting("EXECUTIONS#OPEN", execution.id),
        ]
        return transact(self._runs.client, writes) is None

    def cancel(self, execution: Execution, actor: str) -> bool:
        """End it as cancelled; False where it is over."""
        changes = {"status": "cancelled", "finished_at": now()}
        writes = [
            self._runs.updating(
                _pk(execution.id), "EXECUTION", changes, one_of("status", ["running", "held"])
            ),
            self._runs.deleting("EXECUTIONS#OPEN", execution.id),
            self._audited(execution, actor, "cancel"),
        ]
        return transact(self._runs.client, writes) is None

    def reopen(self, execution: Execution, actor: str) -> Execution | None:
        """Its next try, of one that failed or was cancelled; None where somebody else has one."""
        following = replace(
            execution,
            status="running",
            attempt=execution.attempt + 1,
            started=False,
            started_at=now(),
            finished_at=None,
            error=None,
            message=None,
        )
        names = ("status", "attempt", "started", "started_at", "finished_at", "error", "message")
        changes = {name: getattr(following, name) for name in names}
        over = one_of("status", ["failed", "cancelled"]) & equals("attempt", execution.attempt)
        writes = [
            self._runs.updating(_pk(execution.id), "EXECUTION", changes, over),
            self._opening(execution.id),
            self._audited(execution, actor, "redrive"),
        ]
        return following if transact(self._runs.client, writes) is None else None

    def page(
        self,
        name: str,
        limit: int,
        after: Mapping[str, Any] | None,
        status: str | None = None,
    ) -> tuple[list[Execution], Item | None]:
        """The executions of a list, the newest first, and the key to go on after.

        With a status a page may be short before the end.
        """
        places, last = self._runs.page(
            f"EXECUTIONS#{name}", limit=limit, after=after, backwards=True
        )
        keys = [(_pk(place["id"]), "EXECUTION") for place in places]
        items = self._runs.get_many(keys)
        found = [Execution.from_item(items[key]) for key in keys if key in items]
        return [one for one in found if status in (None, one.status)], last

    def open(self, share: float = 0) -> Iterator[Execution]:
        """Those that are not over, from so far on in their list (0 to 1) and around its end."""
        keys = [(_pk(item["sk"]), "EXECUTION") for item in self._runs.query("EXECUTIONS#OPEN")]
        keys = keys[(first := int(share * len(keys))) :] + keys[:first]
        for at in range(0, len(keys), _AT_ONCE):
            found = self._runs.get_many(keys[at : at + _AT_ONCE])
            yield from map(Execution.from_item, found.values())

    def some(self, ids: Sequence[str]) -> dict[str, tuple[Status, bool]]:
        """The status of those that there are, by id, and whether their last try was started."""
        keys = [(_pk(one), "EXECUTION") for one in ids]
        found = self._runs.get_many(keys, ("id", "status", "started")).values()
        return {one["id"]: (one["status"], one["started"]) for one in found}

    def step(self, execution_id: str, at: str, block: str) -> Step | None:
        """The step, or None where it was not begun."""
        item = self._runs.get(_pk(execution_id), _step(at, block))
        return Step.from_item(item) if item is not None else None

    def some_steps(
        self, execution_id: str, places: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], Step]:
        """Those steps that were begun, by (at, block)."""
        keys = {(_pk(execution_id), _step(at, block)): (at, block) for at, block in places}
        items = self._runs.get_many(keys)
        return {keys[key]: Step.from_item(item) for key, item in items.items()}

    def steps(
        self, execution_id: str, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Step], Item | None]:
        """Its steps by `at`, and the key to go on after."""
        items, last = self._runs.page(_pk(execution_id), "STEP#", limit=limit, after=after)
        return [Step.from_item(item) for item in items], last

    def save(self, step: Step, condition: Condition | None = None) -> bool:
        """Keep the step as it is now; False where the condition did not hold."""
        kept = _kept(step)
        keys = {"pk": _pk(step.execution_id), "sk": _step(step.at, step.block)}
        item = {**keys, **kept, "expires_at": expiry(self._days)}
        return self._runs.put(item, condition)

    def steps_in(self, execution_id: str, status: StepStatus) -> Iterator[Step]:
        """Its steps in that status, by `at`."""
        having = equals("status", status)
        return map(Step.from_item, self._runs.query(_pk(execution_id), "STEP#", where=having))

    def revise(self, step: Step, changes: Mapping[str, Any]) -> Step | None:
        """Change a step that waits in this try; it as it is then, None where it does no more."""
        place = (_pk(step.execution_id), _step(step.at, step.block))
        texts = {n: json.dumps(v) if n in _AS_TEXT else v for n, v in changes.items()}
        waiting = equals("status", "waiting") & equals("attempt", step.attempt)
        item = self._runs.updated(*place, texts, waiting)
        return Step.from_item(item) if item is not None else None

    def decide(self, step: Step, actor: str) -> bool:
        """Keep a decision, `branch`, on a step that waits; False where it waits no more."""
        execution = self.get(step.execution_id)
        if execution is None:
            return False
        names = ("branch", "decided_by", "comment")
        changes = {name: getattr(step, name) for name in names}
        waiting = equals("status", "waiting") & Condition("attribute_not_exists(branch)")
        place = (_pk(step.execution_id), _step(step.at, step.block))
        said = {"block": step.block, "at": step.at, "decision": step.branch}
        writes = [
            self._runs.updating(*place, changes, waiting),
            self._audited(execution, actor, "decide", said),
        ]
        return transact(self._runs.client, writes) is None

    def save_rows(self, execution_id: str, at: str, block: str, rows: Sequence[Any]) -> None:
        """Keep the rows that a block goes through."""
        pk, expires = _pk(execution_id), expiry(self._days)
        self._runs.write_many(
            {
                "pk": pk,
                "sk": _row(at, block, number),
                "row": json.dumps(row),
                "expires_at": expires,
            }
            for number, row in enumerate(rows)
        )

    def row(self, execution_id: str, at: str, block: str, number: int) -> Any:
        """A row of a block. Raises LookupError where there is none."""
        item = self._runs.get(_pk(execution_id), _row(at, block, number))
        if item is None:
            raise LookupError(f"execution {execution_id} has no row {number} of {block} at {at!r}")
        return json.loads(item["row"])

    def _item(self, execution: Execution) -> Item:
        keys = {"pk": _pk(execution.id), "sk": "EXECUTION"}
        return {**keys, **_kept(execution), "expires_at": expiry(self._days)}

    def _place(self, execution: Execution, name: str) -> Item:
        return {
            "pk": f"EXECUTIONS#{name}",
            "sk": f"{execution.created_at}#{execution.id}",
            "id": execution.id,
            "expires_at": expiry(self._days),
        }

    def _opening(self, execution_id: str) -> Action:
        item = {"pk": "EXECUTIONS#OPEN", "sk": execution_id, "expires_at": expiry(self._days)}
        return self._runs.putting(item)

    def _audited(
        self,
        execution: Execution,
        actor: str,
        verb: str,
        said: Mapping[str, Any] | None = None,
    ) -> Action:
        names = ("workflow_id", "version", "mode", "person_id", "integration_id", "external_id")
        shown = {name: getattr(execution, name) for name in names} | dict(said or {})
        return recording(self._config, Change(actor, verb, "execution", execution.id, {}, shown))


def _read(cls: type, item: Mapping[str, Any]) -> dict[str, Any]:
    known = {one.name for one in fields(cls)}
    return {
        name: json.loads(value) if name in _AS_TEXT else value
        for name, value in item.items()
        if name in known
    }


def _kept(thing: Execution | Step) -> Item:
    return {
        name: json.dumps(value) if name in _AS_TEXT else value
        for name, value in asdict(thing).items()
        if value is not None
    }


def _pk(execution_id: str) -> str:
    return f"EXECUTION#{execution_id}"


def _step(at: str, block: str) -> str:
    return f"STEP#{at}#{block}"


def _row(at: str, block: str, number: int) -> str:
    return f"ROW#{at}#{block}#{number:06d}"
