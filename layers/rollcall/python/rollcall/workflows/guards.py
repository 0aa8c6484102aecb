"""What keeps workflows within bounds: a workflow that starts itself, and one that starts too much.

| item                       | pk            | sk                   |
|----------------------------|---------------|----------------------|
| the hour of a workflow     | WORKFLOW#id   | RATE                 |
| an execution that is held  | WORKFLOW#id   | HELD#trip#execution  |

An execution that would be one more than its workflow may start in an hour trips the guard: it is
held, and so is every other one until somebody decides about them; then the hour begins anew. An
execution is counted in the transaction that keeps it, so that none counts twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rollcall.actions.store import Actions
from rollcall.items import to_item
from rollcall.stamps import instant
from rollcall.sync.kept import expiry
from rollcall.tables import ABSENT, Action, Condition, Table, absent, equals
from rollcall.workflows.executions import LONGEST_DAYS, Execution, Executions

DEEPEST = 5
"""Executions that led to one, each to the next, at most."""
WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a guard lets an execution not begin."""

    code: str
    detail: str


def refused(workflow_id: str, cause: Execution | None) -> Refusal | None:
    """Why the cause may not begin an execution of that workflow, or None. Pure."""
    if cause is None:
        return None
    if workflow_id in lineage(cause):
        return Refusal("loop", f"execution {cause.id} comes from this workflow itself")
    if depth(cause) > DEEPEST:
        return Refusal("too-deep", f"more than {DEEPEST} executions led to it, each to the next")
    return None


def depth(cause: Execution | None) -> int:
    """How many executions led to one that has this cause. Pure."""
    return cause.depth + 1 if cause is not None else 0


def lineage(cause: Execution | None) -> tuple[str, ...]:
    """The workflows whose executions led to one that has this cause, the oldest first. Pure."""
    return (*cause.lineage, cause.workflow_id) if cause is not None else ()


def cause_of(
    event: Mapping[str, Any], executions: Executions, actions: Actions
) -> Execution | None:
    """The execution that made the change which the event tells, itself or by an action of its."""
    by = event.get("by") or {}
    execution_id = by.get("id") if by.get("kind") == "workflow" else None
    action_id = by.get("id") if by.get("kind") == "action" else event.get("action_id")
    if execution_id is None and action_id is not None:
        action = actions.get(action_id)
        execution_id = action.asked.execution_id if action is not None else None
    return executions.get(execution_id) if execution_id is not None else None


@dataclass(frozen=True, slots=True)
class Hour:
    """The hour that a workflow's executions are counted in. `tripped` is when it was full, and
    `told` says that the contacts know.
    """

    window_start: str
    count: int
    tripped: str | None = None
    told: bool = False

    def over(self, moment: datetime) -> bool:
        """Is the next one to be counted in a new hour?"""
        return moment - datetime.fromisoformat(self.window_start).astimezone(UTC) >= WINDOW


@dataclass(frozen=True, slots=True)
class Admission:
    """What the guard says of one more execution: the write that must come with it, and the trip by
    which it is held; `trips`: it is the first one.
    """

    action: Action
    trip: str | None = None
    trips: bool = False


class RateGuard:
    """The hours of workflows, and what is held."""

    def __init__(self, runs: Table, days: int) -> None:
        self._runs = runs
        self._days = days + LONGEST_DAYS

    def hour(self, workflow_id: str) -> Hour | None:
        """The hour as it is now; None before the first execution."""
        item = self._runs.get(_pk(workflow_id), "RATE")
        if item is None:
            return None
        told = item.get("told", False)
        return Hour(item["window_start"], item["count"], item.get("tripped"), told=told)

    def admission(self, workflow_id: str, most: int, moment: datetime) -> Admission:
        """How one more execution is to begin at that moment. Its write refuses where another
        execution has begun meanwhile and it is to be asked again.
        """
        hour = self.hour(workflow_id)
        pk = _pk(workflow_id)
        if hour is not None and hour.tripped is not None:
            still = equals("tripped", hour.tripped)
            return Admission(self._runs.checking(pk, "RATE", still), hour.tripped)
        if hour is None or hour.over(moment):
            same = ABSENT if hour is None else _counting(hour)
            return Admission(self._runs.putting(self._anew(workflow_id, moment, 1), same))
        if hour.count < most:
            return Admission(self._one_more(pk, hour, most))
        trip = instant(moment)
        full = Condition("#count >= :most", {"#count": "count"}, {":most": most})
        tripping = self._runs.updating(pk, "RATE", {"tripped": trip}, full & _counting(hour))
        return Admission(tripping, trip, trips=True)

    def _one_more(self, pk: str, hour: Hour, most: int) -> Action:
        """Adds one, so that executions that begin at once do not refuse each other."""
        room = Condition("#count < :most", {"#count": "count"}, {":most": most})
        condition = room & _counting(hour)
        return {
            "Update": {
                "TableName": self._runs.name,
                "Key": to_item({"pk": pk, "sk": "RATE"}),
                "UpdateExpression": "SET #count = #count + :one",
                "ConditionExpression": condition.expression,
                "ExpressionAttributeNames": dict(condition.names),
                "ExpressionAttributeValues": to_item({**condition.values, ":one": 1}),
            }
        }

    def holding(self, execution: Execution, trip: str) -> Action:
        """Have the execution found among those that are held."""
        return self._runs.putting(
            {
                "pk": _pk(execution.workflow_id),
                "sk": _held(trip) + execution.id,
                "id": execution.id,
                "expires_at": expiry(self._days),
            }
        )

    def told(self, workflow_id: str, trip: str) -> None:
        """Note that the contacts know."""
        self._runs.update(_pk(workflow_id), "RATE", {"told": True}, equals("tripped", trip))

    def pending(self, workflow_id: str) -> str | None:
        """The trip that is to be decided about, or whose executions are not all let go yet."""
        items, _ = self._runs.page(_pk(workflow_id), "HELD#", limit=1)
        if items:
            return str(items[0]["sk"]).split("#")[1]
        hour = self.hour(workflow_id)
        return hour.tripped if hour is not None else None

    def held(self, workflow_id: str, trip: str) -> Iterator[str]:
        """The ids of the executions that the trip holds."""
        found = self._runs.query(_pk(workflow_id), _held(trip), attributes=("id",))
        return (item["id"] for item in found)

    def let_go(self, workflow_id: str, trip: str, execution_id: str) -> None:
        """The execution is held no more."""
        self._runs.delete(_pk(workflow_id), _held(trip) + execution_id)

    def beginning_anew(self, workflow_id: str, trip: str, moment: datetime) -> Action:
        """A new hour after a trip that was decided about; refuses where it was already."""
        anew = self._anew(workflow_id, moment, 0)
        return self._runs.putting(anew, equals("tripped", trip))

    def untold(self, workflow_id: str) -> str | None:
        """The trip of which the contacts may not know."""
        hour = self.hour(workflow_id)
        return hour.tripped if hour is not None and not hour.told else None

    def _anew(self, workflow_id: str, moment: datetime, count: int) -> dict[str, Any]:
        return {
            "pk": _pk(workflow_id),
            "sk": "RATE",
            "window_start": instant(moment),
            "count": count,
            "expires_at": expiry(self._days),
        }


def _counting(hour: Hour) -> Condition:
    """The hour is still this one, and nothing is held."""
    return equals("window_start", hour.window_start) & absent("tripped")


def _pk(workflow_id: str) -> str:
    return f"WORKFLOW#{workflow_id}"


def _held(trip: str) -> str:
    return f"HELD#{trip}#"
