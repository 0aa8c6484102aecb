"""Conditions of triggers, queries and decisions: their form, what they ask of, and whether the apps
tell it. Pure.

A rule about what an app does not tell would take the unknown for a no. So what only some apps tell
of their accounts is asked where the accounts are of named integrations that all tell it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rollcall.connectors import paths
from rollcall.connectors.templated import is_template
from rollcall.mapping.check_filter import condition_problems
from rollcall.mapping.problems import Problem, path_problem
from rollcall.workflows import check_shapes as shapes
from rollcall.workflows.check_places import Ids, Place, begun, leaves, of_query, of_row
from rollcall.workflows.check_shapes import Shape
from rollcall.workflows.check_templates import absent
from rollcall.workflows.document import NAMES, Document, EventTrigger, Query
from rollcall.workflows.known import Known, KnownConnector

LAST_ACTIVE = "last_active_at"
_ANSWER = {True: "unused", False: "no"}
"""What somebody would take the unknown for: of the last use, of anything else."""


def trigger_problems(begin: EventTrigger, document: Document, known: Known) -> Iterator[Problem]:
    """What is wrong with what an event must say: paths in its detail, the person, the account."""
    if begin.when is None:
        return
    place = begun(document)
    names = dict(shapes.event(known, begin.events).keys or {})
    if place.person:
        names = {"person": shapes.person(known), **names}
    if place.account:
        names = {"account": shapes.account(known, place.of), **names}
    whole = Shape(names, "the events have no {}")
    yield from _problems(begin.when, "begin.when", whole, place.of, known)


def query_problems(query: Query, where: str, known: Known) -> Iterator[Problem]:
    """What is wrong with a query."""
    for number, one in enumerate(query.integrations):
        if one not in known.integrations:
            yield Problem(f"{where}.integrations.{number}", unknown_integration(one, known))
    if query.when is not None:
        shape = of_row(query, known).row or shapes.ANYTHING
        yield from _problems(query.when, f"{where}.when", shape, of_query(query), known)


def decision_problems(
    condition: Any, where: str, names: Mapping[str, Shape], place: Place, known: Known
) -> Iterator[Problem]:
    """What is wrong with the condition of a branch: paths in what its block sees."""
    yield from _problems(condition, where, Shape(names, "there is no {} here"), place.of, known)


def unknown_integration(said: str, known: Known) -> str:
    """What is said of an id that no integration has."""
    by_name = [one for one, found in known.integrations.items() if found.name == said]
    told = f": {said!r} is the name of {by_name[0]}, and the id is wanted" if by_name else ""
    return f"there is no integration {said!r}{told}"


def _problems(condition: Any, where: str, shape: Shape, of: Ids, known: Known) -> Iterator[Problem]:
    def field_problem(field: Any, at: str) -> Problem | None:
        bad = path_problem(field, at)
        if bad is not None:
            return bad
        for steps in _steps(field):
            fault = shape.fault(steps)
            if fault is not None:
                return Problem(at, _with_why(fault, steps, shape))
        return None

    wrong = False
    for problem in condition_problems(condition, where, field_problem):
        wrong = True
        yield problem
    if wrong:
        return
    for at, leaf, narrowed in leaves(condition, where, of):
        yield from _constants(leaf, at, known)
        told = _untold(leaf["field"], narrowed, shape, known)
        if told is not None:
            yield Problem(f"{at}.field", told)


def _steps(field: str) -> Sequence[paths.Steps]:
    found = paths.parse(field)
    return () if isinstance(found, paths.BadPath) else found


def _with_why(fault: str, steps: paths.Steps, shape: Shape) -> str:
    first = str(steps[0])
    if first in NAMES and first not in (shape.keys or {}):
        return f"there is no {first!r} here: {absent(first)}"
    return fault


def _constants(leaf: Mapping[str, Any], where: str, known: Known) -> Iterator[Problem]:
    """A value that nothing can ever equal: a template, or the id of no integration."""
    value = leaf.get("value")
    is_id = leaf["op"] in ("equals", "in") and _asks_integration(leaf["field"])
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and is_template(one):
            yield Problem(f"{where}.value", "must be a constant: a condition has no templates")
        elif is_id and one not in known.integrations:
            yield Problem(f"{where}.value", unknown_integration(str(one), known))


def _asks_integration(field: str) -> bool:
    return all(steps[-1] == "integration_id" for steps in _steps(field))


def _untold(field: str, of: Ids, shape: Shape, known: Known) -> str | None:
    """Why what is asked of an account cannot be asked of all that it may be; None: it can."""
    for steps in _steps(field):
        asked = _asked(steps, shape, known)
        if asked is None:
            continue
        silent = [one.name for one in shapes.connectors(known, of) if not _tells(one, asked)]
        last_use = asked == (LAST_ACTIVE,)
        what = "when an account was last used" if last_use else f"{asked[-1]!r}"
        if silent:
            said = f"{silent[0]} does not tell {what}: unknown is not {_ANSWER[last_use]}"
            return said if of is not None else f"{said}; name integrations that tell it"
        if of is None and last_use:
            return f"name the integrations: not every app tells {what}, and unknown is not unused"
    return None


def _asked(steps: paths.Steps, shape: Shape, known: Known) -> tuple[str, ...] | None:
    """What of an account is asked that not every app tells: when it was last used, whatever it is
    called, or one of the app's own fields.
    """
    of_account = _below_account(steps, shape)
    if of_account is None:
        return None
    if of_account[0] == LAST_ACTIVE:
        return (LAST_ACTIVE,)
    if of_account[0] not in ("fields", "attributes") or len(of_account) == 1:
        return None
    path = paths.written(of_account[1:])
    for connector in known.connectors.values():
        said = connector.fields.get(path, "") if of_account[0] == "fields" else path
        if connector.last_active and said == connector.last_active:
            return (LAST_ACTIVE,)
    return ("fields", path) if of_account[0] == "fields" else None


def _below_account(steps: paths.Steps, shape: Shape) -> paths.Steps | None:
    """The rest of a path into an account, or into what an event tells as changed of one."""
    if steps[0] in ("event", "item"):
        shape, steps = shape.at(steps[:1]), steps[1:]
    if steps[:1] == ("changes",) and shape.at(("changes",)).prefix and len(steps) > 1:
        group, dot, name = str(steps[1]).partition(".")
        return (group, name) if dot else (group,)
    return steps[1:] or None if steps[:1] == ("account",) else None


def _tells(connector: KnownConnector, asked: tuple[str, ...]) -> bool:
    if asked == (LAST_ACTIVE,):
        return bool(connector.last_active)
    return asked[-1] in connector.fields
