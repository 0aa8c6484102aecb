"""What is at hand in each list of blocks: the person, the account, the row. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rollcall.connectors import paths
from rollcall.mapping.conditions import DEEPEST
from rollcall.workflows import check_shapes as shapes
from rollcall.workflows.check_shapes import Shape
from rollcall.workflows.document import (
    CallTrigger,
    DecisionBlock,
    Document,
    EventTrigger,
    ForEachBlock,
    Query,
    ScheduleTrigger,
)
from rollcall.workflows.graph import Graph, Scope
from rollcall.workflows.known import Known

Ids = frozenset[str] | None
"""Integrations, one of which an account is of; None: any."""
_OF_PERSON = ("Person", "Account", "Application", "Grant", "Action")
_OF_ACCOUNT = ("Account", "Application", "Grant", "Action")
_INTEGRATION = (("integration_id",), ("account", "integration_id"))
"""Paths of the integration of the account at hand."""


@dataclass(frozen=True, slots=True)
class Place:
    """What may be at hand: a person, an account (of one of `of`), the row of a for-each."""

    person: bool = False
    account: bool = False
    of: Ids = None
    row: Shape | None = None


class Vocabulary:
    """What templates and decisions of one document may speak of, but for `steps`."""

    def __init__(self, document: Document, known: Known) -> None:
        begin = document.begin
        self._known = known
        self._person = shapes.person(known)
        self._accounts: dict[Ids, Shape] = {}
        self._everywhere = {
            "variables": shapes.variables(known),
            "execution": shapes.EXECUTION,
            "inputs": shapes.inputs(begin.inputs if isinstance(begin, CallTrigger) else ()),
        }
        if isinstance(begin, EventTrigger):
            event = shapes.event(known, begin.events)
            keys = {"type": shapes.VALUE, **(event.keys or {})}
            self._everywhere["event"] = replace(event, keys=keys)

    def at(self, place: Place) -> dict[str, Shape]:
        """The names of which something may be at hand there."""
        found = dict(self._everywhere)
        if place.person:
            found["person"] = self._person
        if place.account:
            if place.of not in self._accounts:
                self._accounts[place.of] = shapes.account(self._known, place.of)
            found["account"] = self._accounts[place.of]
        if place.row is not None:
            found["item"] = place.row
        return found


def begun(document: Document) -> Place:
    """What is at hand where the workflow begins."""
    match document.begin:
        case EventTrigger() as begin:
            families = {kind.partition(" ")[0] for kind in begin.events}
            return Place(
                person=not families.isdisjoint(_OF_PERSON),
                account=not families.isdisjoint(_OF_ACCOUNT),
                of=named(begin.when),
            )
        case ScheduleTrigger() as begin if begin.query is not None:
            return Place(True, begin.query.of != "people", of_query(begin.query))
        case CallTrigger():
            return Place(person=True, account=True)
        case _:
            return Place()


def places(graph: Graph, known: Known, *, ordered: bool) -> Mapping[str, Place]:
    """What is at hand for each block, by its id. `ordered`: the graph has no problems, so that a
    decision about the account's integration tells what comes behind it.
    """
    found: dict[str, Place] = {}
    for scope in graph.scopes:
        place = _outset(scope, found, graph.document, known)
        narrowed = _narrowed(scope, place.of) if ordered else {}
        for block in scope.blocks:
            found[block.id] = replace(place, of=narrowed.get(block.id, place.of))
    return found


def _outset(scope: Scope, found: Mapping[str, Place], document: Document, known: Known) -> Place:
    """What is at hand where a list begins."""
    if scope.owner is None:
        return begun(document)
    outer = found[scope.owner.id]
    return within(outer, scope.owner, known) if isinstance(scope.owner, ForEachBlock) else outer


def _narrowed(scope: Scope, of: Ids) -> Mapping[str, Ids]:
    """The integrations that the account may be of at each block: those of any way there."""
    ways: dict[str, list[Ids]] = {scope.blocks[0].id: [of]}
    found: dict[str, Ids] = {}
    todo = {block.id: block for block in scope.blocks}
    while todo:
        # Without a cycle there is always one that no other leads to.
        led = {place for block in todo.values() for _, place in scope.targets(block)}
        block = todo.pop(next(one for one in todo if one not in led))
        here = found[block.id] = either(ways[block.id])
        branches = block.branches if isinstance(block, DecisionBlock) else []
        said = {f"branches.{n}.go_to": branch.when for n, branch in enumerate(branches)}
        for by, place in scope.targets(block):
            ways.setdefault(place, []).append(both(here, named(said.get(by))))
    return found


def within(outer: Place, block: ForEachBlock, known: Known) -> Place:
    """What is at hand for each row of a block."""
    match block.over:
        case Query() as query:
            return of_row(query, known)
        case "accounts":
            return Place(True, True, None, shapes.row(known, "accounts", None))
        case _:
            return replace(outer, row=shapes.ANYTHING)


def of_row(query: Query, known: Known) -> Place:
    """What is at hand for a row of a query."""
    of = of_query(query)
    return Place(True, query.of != "people", of, shapes.row(known, query.of, of))


def of_query(query: Query) -> Ids:
    """The integrations that the query's accounts are of, as far as it says so."""
    ids = frozenset(query.integrations) if query.integrations else None
    return both(ids, named(query.when))


def both(one: Ids, other: Ids) -> Ids:
    """The integrations that are in both."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def either(ways: Sequence[Ids]) -> Ids:
    """The integrations that are in any; None if in one of them any may be."""
    if not ways or None in ways:
        return None
    return frozenset(one for way in ways if way is not None for one in way)


def named(condition: Any, depth: int = 0) -> Ids:
    """The integrations that a condition names: where it holds, the account is of one of them."""
    if not isinstance(condition, Mapping) or depth > DEEPEST:
        return None
    if isinstance(condition.get("all"), list):
        found: Ids = None
        for inner in condition["all"]:
            found = both(found, named(inner, depth + 1))
        return found
    if isinstance(condition.get("any"), list):
        return either([named(inner, depth + 1) for inner in condition["any"]])
    return _named_by_leaf(condition)


def _named_by_leaf(condition: Mapping[str, Any]) -> Ids:
    if not is_integration(condition.get("field")):
        return None
    value = condition.get("value")
    match condition.get("op"):
        case "equals" if isinstance(value, str):
            return frozenset({value})
        case "in" if isinstance(value, list):
            return frozenset(one for one in value if isinstance(one, str))
        case _:
            return None


def is_integration(field: Any) -> bool:
    """Is this path the integration that the account at hand is of?"""
    found = paths.parse(field) if isinstance(field, str) else ()
    return not isinstance(found, paths.BadPath) and bool(found) and {*found} <= {*_INTEGRATION}


def leaves(condition: Any, where: str, of: Ids) -> Iterator[tuple[str, Mapping[str, Any], Ids]]:
    """Every condition with its path, and the integrations of which the account is if what stands
    beside it (in the same `all`) holds.
    """
    if not isinstance(condition, Mapping):
        return
    for kind in ("all", "any"):
        if isinstance(condition.get(kind), list):
            narrowed = both(of, named(condition)) if kind == "all" else of
            for number, inner in enumerate(condition[kind]):
                yield from leaves(inner, f"{where}.{kind}.{number}", narrowed)
            return
    if "not" in condition:
        yield from leaves(condition["not"], f"{where}.not", of)
    else:
        yield where, condition, of
