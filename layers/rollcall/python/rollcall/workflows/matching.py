"""Whether an event begins a workflow, and who would begin it if it were activated now.

A condition of an event trigger is judged on the event, with the person and the account that it is
about. To tell who would match now there is no event: the condition is rewritten to what is on the
roster. `changes.status.new` is what the status is now; what it was before, who changed it
(`changes.….old`, `by`) and the event's own id, time and version nobody can tell any more, and count
as fulfilled, so that nobody is left out who might match.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from rollcall.connectors import paths
from rollcall.mapping.conditions import Conditions
from rollcall.stamps import instant
from rollcall.workflows.document import Begin, EventTrigger, Query, ScheduleTrigger
from rollcall.workflows.subjects import Roster, Row, asked_for, batches, spoken_of

Event = Mapping[str, Any]
"""An event's detail, and its `type`."""
Filter = Mapping[str, Any]
Standing = tuple[Row, Event | None]
"""A row that would begin a workflow now, and the event that would tell so; by a schedule: none."""
Of = Literal["people", "accounts", "grants"]

OF: Mapping[str, Of] = {
    "Person Created": "people",
    "Person Updated": "people",
    "Person Restored": "people",
    "Account Created": "accounts",
    "Account Updated": "accounts",
    "Account Restored": "accounts",
    "Application Associated": "accounts",
    "Grant Added": "grants",
}
"""What there is now of that which such an event tells. Of the others there is nothing."""
_CHANGED: Mapping[str, str] = {"Person": "person", "Account": "account"}
"""Where the fields are now that events tell the changes of, by the family of events."""
_LOST = frozenset({"by", "id", "at", "schema", "version", "truncated"})
"""What of an event nobody can tell from the roster."""
_TOLD = (
    "external_id", "username", "email", "display_name", "status", "person_id", "kind",
)  # fmt: skip
"""What an event itself tells of an account."""
_PERSON = ("id", "email", "display_name")
_ACCOUNT = (
    "integration_id", "application", "external_id", "username", "email", "display_name", "status",
    "person_id",
)  # fmt: skip
_NEW_AT = 2
"""In `changes.<field>.new` the place of `new` at the earliest."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Who would begin a workflow now: how many were found, whether that is all, and some of them.

    An item is `{"person", "account", "grant"}`, each in short or None.
    """

    count: int = 0
    complete: bool = True
    items: list[dict[str, Any]] = field(default_factory=list)


def begins(trigger: EventTrigger, event: Event, row: Row | None, moment: datetime) -> bool:
    """Does this event begin the workflow? `row` is of the person or account that it is about."""
    if event["type"] not in trigger.events:
        return False
    return _judged(trigger.when, record_of(event, row), moment)


def needs_row(trigger: EventTrigger, kind: str) -> bool:
    """Does the condition ask for something of the person or the account that the event has not?"""
    family = kind.partition(" ")[0]
    for steps in asked_for(trigger.when):
        if steps[0] == "person" and family != "Person":
            return True
        if steps[0] == "account":
            own = family in ("Account", "Application")
            if not own or (len(steps) > 1 and steps[1] not in (*_TOLD, "integration_id")):
                return True
    return False


def record_of(event: Event, row: Row | None) -> dict[str, Any]:
    """What a condition is judged on: the event, and `person` and `account` as far as they are
    known, where what the event says of them holds. `changes.attributes.x` is there as it is
    written `changes["attributes.x"]`.
    """
    record = dict(event)
    known = row or {}
    person, account = event.get("person"), event.get("account")
    if person or known.get("person"):
        of = {"id": event["person_id"]} if event.get("person_id") else {}
        record["person"] = {**(known.get("person") or {}), **(person or {}), **of}
    if account or known.get("account"):
        told = {**(account or {})}
        if account:
            told |= {
                "integration_id": event.get("integration_id"),
                "kind": account.get("kind") or "person",
            }
        record["account"] = {**(known.get("account") or {}), **told}
    changes = event.get("changes")
    if changes:
        prefix = "attributes."
        own = {n.removeprefix(prefix): c for n, c in changes.items() if n.startswith(prefix)}
        record["changes"] = {**changes, "attributes": own} if own else changes
    return record


def rewritten(when: Filter | None, kind: str) -> Filter | bool:
    """The condition for events of that kind, asked of what is there now; True: of everybody.

    What nobody can tell counts as fulfilled, below a `not` the part that is asked for is not.
    """
    return True if when is None else _rewritten(when, kind.partition(" ")[0], untold=True)


def _rewritten(data: Filter, family: str, *, untold: bool) -> Filter | bool:
    """`untold`: what a condition comes to that nobody can tell."""
    if "not" in data:
        inner = _rewritten(data["not"], family, untold=not untold)
        return not inner if isinstance(inner, bool) else {"not": inner}
    for kind in ("all", "any"):
        if kind not in data:
            continue
        enough = kind == "any"
        parts = [_rewritten(one, family, untold=untold) for one in data[kind]]
        if enough in [one for one in parts if isinstance(one, bool)]:
            return enough
        left = [one for one in parts if not isinstance(one, bool)]
        return {kind: left} if left else not enough
    field_now = _now(str(data["field"]), family)
    return untold if field_now is None else {**data, "field": field_now}


def _now(path: str, family: str) -> str | None:
    """Where that which the path asks for is now; None: nobody can tell."""
    parsed = paths.parse(path)
    if isinstance(parsed, paths.BadPath):
        return path
    found = []
    for steps in parsed:
        there = _steps_now(steps, family)
        if there is None:
            return None
        found.append(paths.written(there))
    return " | ".join(found)


def _steps_now(steps: paths.Steps, family: str) -> paths.Steps | None:
    if steps[0] in _LOST:
        return None
    if steps[0] != "changes" or family not in _CHANGED:
        return steps
    if "new" not in steps[_NEW_AT:]:
        return None
    at = steps.index("new", _NEW_AT)
    name, inside = steps[1:at], steps[at + 1 :]
    if len(name) == 1 and str(name[0]).startswith("attributes."):
        name = ("attributes", str(name[0]).removeprefix("attributes."))
    return (_CHANGED[family], *name, *inside)


def standing(stores: Roster, begin: Begin) -> Iterator[list[Standing]]:
    """Who would begin the workflow now, by what is read at once, of which nobody may match."""
    match begin:
        case ScheduleTrigger(query=Query() as query):
            for batch in batches(stores, query, _needed(query.of, spoken_of(query.when))):
                yield [(row, None) for row in batch]
        case EventTrigger():
            yield from _standing_of(stores, begin)


def _standing_of(stores: Roster, begin: EventTrigger) -> Iterator[list[Standing]]:
    asked: dict[Of, list[tuple[str, Filter | None]]] = {}
    for kind in begin.events:
        condition = rewritten(begin.when, kind)
        if kind in OF and condition is not False:
            when = None if condition is True else condition
            asked.setdefault(OF[kind], []).append((kind, when))
    moment = datetime.now(UTC)
    for of, kinds in asked.items():
        needs = _needed(of, frozenset().union(*(spoken_of(when) for _, when in kinds)))
        for batch in batches(stores, Query(of=of), needs):
            told = ((row, _telling(kinds, row, moment)) for row in batch)
            yield [(row, event) for row, event in told if event is not None]


def _telling(
    kinds: Sequence[tuple[str, Filter | None]], row: Row, moment: datetime
) -> Event | None:
    """The first of these kinds of events that would tell of the row what its condition asks."""
    for kind, when in kinds:
        event = synthetic(kind, row, moment)
        if event is not None and _judged(when, record_of(event, row), moment):
            return event
    return None


def _needed(of: Of, spoken: frozenset[str]) -> frozenset[str]:
    """Whose grant it is must be known too, to begin something about them."""
    return spoken | {"account"} if of == "grants" else spoken


def synthetic(kind: str, row: Row, moment: datetime) -> Event | None:
    """The event of that kind that would tell of the row as it is now; None: there can be none."""
    head = {"type": kind, "at": instant(moment)}
    account, versions = row["account"], row["versions"]
    match kind.partition(" ")[0]:
        case "Person":
            fields = {name: value for name, value in row["person"].items() if name != "id"}
            told = {"person_id": row["person"]["id"], "person": fields}
            return {**head, **told, "version": versions["person"]}
        case "Grant":
            told = {"integration_id": row["integration_id"], "grant": row["grant"]}
            return {**head, **told, "version": versions["grant"]}
        case family:
            detail = {
                **head,
                "integration_id": row["integration_id"],
                "account": {name: account[name] for name in _TOLD},
                "person_id": account["person_id"],
                "version": versions["account"],
            }
            if family != "Application":
                return detail
            return {**detail, "application": row["application"]} if account["person_id"] else None


def matches(
    stores: Roster,
    begin: Begin,
    most: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Matches:
    """Who would begin it now: the first `most` of them, counted as far as so many seconds reach."""
    until = clock() + seconds
    count = 0
    items: list[dict[str, Any]] = []
    for batch in standing(stores, begin):
        count += len(batch)
        items += [_in_short(row) for row, _ in batch[: most - len(items)]]
        if clock() > until:
            return Matches(count, complete=False, items=items)
    return Matches(count, complete=True, items=items)


def _in_short(row: Row) -> dict[str, Any]:
    parts = {"person": _PERSON, "account": _ACCOUNT}
    short = {
        part: {name: row[part].get(name) for name in names} if row[part] is not None else None
        for part, names in parts.items()
    }
    return {**short, "grant": row["grant"]}


def _judged(when: Filter | None, record: Mapping[str, Any], moment: datetime) -> bool:
    if when is None:
        return True
    return _conditions(json.dumps(when)).verdict(record, {}, moment).passed


@lru_cache(maxsize=256)
def _conditions(when: str) -> Conditions:
    return Conditions(json.loads(when))
