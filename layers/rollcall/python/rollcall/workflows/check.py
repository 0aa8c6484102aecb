"""What a document means in this deployment: everything that is wrong with it, by path. Pure.

What is wrong with a document by itself, `document.parsed` finds. Where nothing is found here,
`compile.compiled` may have it.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, get_args

from rollcall.connectors.templated import is_template
from rollcall.directory.read import Kind
from rollcall.fields.model import PersonField
from rollcall.integrations.cron import expression_fault, is_timezone
from rollcall.mapping import comparing
from rollcall.mapping.problems import Problem, near, shown
from rollcall.mapping.storing import unstorable
from rollcall.workflows import check_shapes as shapes
from rollcall.workflows.check_conditions import (
    decision_problems,
    query_problems,
    trigger_problems,
)
from rollcall.workflows.check_places import Place, Vocabulary, of_row, places
from rollcall.workflows.check_shapes import Shape
from rollcall.workflows.check_templates import (
    Names,
    absent,
    compiled_list,
    holds_template,
    text_problems,
    tree_problems,
)
from rollcall.workflows.check_uses import preset_problems, workflow_problems
from rollcall.workflows.document import (
    MOST_BLOCKS,
    ApprovalBlock,
    Block,
    CallTrigger,
    DecisionBlock,
    Document,
    EventTrigger,
    ForEachBlock,
    NotificationBlock,
    PresetBlock,
    Query,
    ReportBlock,
    RolesBlock,
    ScheduleTrigger,
    UpdateBlock,
    WaitBlock,
    WorkflowBlock,
)
from rollcall.workflows.graph import Graph, Scope
from rollcall.workflows.known import Known

MOST_ROWS = 3
"""For-each blocks within each other."""
_OF_ACCOUNT = ("kind", "link")
"""What a hand may say of an account."""
_KINDS: tuple[str, ...] = get_args(Kind)
_ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")


def problems(document: Document, known: Known, workflow_id: str | None = None) -> list[Problem]:
    """Everything wrong with the document; `workflow_id` is its workflow's, if that is not new."""
    graph = Graph(document)
    found = graph.problems()
    if sum(len(scope.blocks) for scope in graph.scopes) > MOST_BLOCKS:
        return found
    check = _Check(graph, known, workflow_id, ordered=not found)
    return list(dict.fromkeys([*found, *check.begin(), *check.blocks()]))


class _Check:
    """One document's check. `ordered`: its paths are right, so that they say what comes before."""

    def __init__(
        self, graph: Graph, known: Known, workflow_id: str | None, *, ordered: bool
    ) -> None:
        self._graph = graph
        self._document = graph.document
        self._known = known
        self._workflow_id = workflow_id
        self._ordered = ordered
        self._places = places(graph, known, ordered=ordered)
        self._vocabulary = Vocabulary(graph.document, known)

    def begin(self) -> Iterator[Problem]:
        """What is wrong with the trigger."""
        match self._document.begin:
            case EventTrigger() as begin:
                yield from trigger_problems(begin, self._document, self._known)
            case ScheduleTrigger(schedule=schedule, query=query):
                fault = expression_fault(schedule.expression)
                if fault is not None:
                    yield Problem("begin.schedule.expression", fault)
                if not is_timezone(schedule.timezone):
                    said = f"{shown(schedule.timezone)} is no time zone, such as Europe/Berlin"
                    yield Problem("begin.schedule.timezone", said)
                if query is not None:
                    yield from query_problems(query, "begin.query", self._known)
            case CallTrigger(inputs=inputs):
                keys = [one.key for one in inputs]
                for number, key in enumerate(keys):
                    if key in keys[:number]:
                        yield Problem(f"begin.inputs.{number}.key", "is there twice")

    def blocks(self) -> Iterator[Problem]:
        """What is wrong with each block, the outer lists first."""
        for scope in self._graph.scopes:
            for number, block in enumerate(scope.blocks):
                names = self._vocabulary.at(self._places[block.id])
                names["steps"] = self._steps(scope, block)
                yield from self._block(block, f"{scope.path}.{number}", scope, names)

    def _steps(self, scope: Scope, block: Block) -> Shape:
        """What is known of other blocks when this one is begun."""
        before = self._graph.before(block.id) if self._ordered else self._graph.block.keys()
        keys = {}
        for one in self._graph.block.values():
            if one.id in before:
                keys[one.id] = shapes.output(one)
                continue
            said = f"{one.id!r} cannot have been done before this block"
            rows = self._graph.scope_of[one.id].rows
            if rows != scope.rows[: len(rows)]:
                said = f"{one.id!r} is done for each row of {rows[-1]!r}: which one, nobody can say"
            keys[one.id] = Shape(never=said)
        return Shape(keys, "there is no block {}")

    def _block(self, block: Block, where: str, scope: Scope, names: Names) -> Iterator[Problem]:
        place = self._places[block.id]
        yield from _said(block, where, names)
        match block:
            case PresetBlock() | RolesBlock():
                yield from preset_problems(block, where, place, self._known)
            case UpdateBlock():
                yield from self._update(block, where, place)
            case DecisionBlock(branches=branches):
                for number, branch in enumerate(branches):
                    at = f"{where}.branches.{number}.when"
                    yield from decision_problems(branch.when, at, names, place, self._known)
            case ForEachBlock():
                yield from self._for_each(block, where, scope, names)
            case WorkflowBlock():
                yield from workflow_problems(block, where, self._known, self._workflow_id)
            case ReportBlock():
                yield from self._report(block, where, names)
        if isinstance(block, PresetBlock):
            yield from self._response(block.response, f"{where}.response")

    def _response(self, response: Any, where: str) -> Iterator[Problem]:
        names = {
            "response": shapes.ANYTHING,
            "person": shapes.person(self._known),
            "variables": shapes.variables(self._known),
        }
        yield from tree_problems(response, where, names)

    def _update(self, block: UpdateBlock, where: str, place: Place) -> Iterator[Problem]:
        there = place.person if block.target == "person" else place.account
        if not there:
            yield Problem(f"{where}.target", absent(block.target))
        for key, value in block.set.items():
            fault = (
                self._person_fault(key, value)
                if block.target == "person"
                else _account_fault(key, value)
            )
            if fault is not None:
                yield Problem(f"{where}.set.{key}", fault)

    def _person_fault(self, key: str, value: Any) -> str | None:
        field = self._known.fields.get(key)
        if field is None:
            return f"there is no field {key!r} of people{near(key, self._known.fields)}"
        return None if _is_made(value, field) else _constant_fault(value, field, self._known.roles)

    def _for_each(
        self, block: ForEachBlock, where: str, scope: Scope, names: Names
    ) -> Iterator[Problem]:
        if len(scope.rows) >= MOST_ROWS:
            yield Problem(where, f"is within {len(scope.rows)} others: {MOST_ROWS} in all may be")
        match block.over:
            case Query() as query:
                yield from query_problems(query, f"{where}.over", self._known)
            case "accounts":
                if not self._places[block.id].person:
                    yield Problem(f"{where}.over", absent("person"))
            case source:
                yield from text_problems(source, f"{where}.over", names)
                yield from compiled_list(source, f"{where}.over", names)

    def _report(self, block: ReportBlock, where: str, names: Names) -> Iterator[Problem]:
        yield from query_problems(block.query, f"{where}.query", self._known)
        row = self._vocabulary.at(of_row(block.query, self._known))
        for number, column in enumerate(block.columns):
            at = f"{where}.columns.{number}.value"
            yield from text_problems(column.value, at, {**row, "steps": names["steps"]})


_TEMPLATES = (
    "integration", "preset", "external_id", "person", "message", "subject", "until", "inputs", "set"
)  # fmt: skip


def _said(block: Block, where: str, names: Names) -> Iterator[Problem]:
    """What is wrong with what a block says, whoever is at hand: templates, addresses, times."""
    for name in _TEMPLATES:
        yield from tree_problems(getattr(block, name, None), f"{where}.{name}", names)
    match block:
        case ApprovalBlock():
            yield from _webhook(block.ask.webhook, f"{where}.ask.webhook", names)
        case NotificationBlock():
            yield from _webhook(block.webhook, f"{where}.webhook", names)
        case WaitBlock():
            yield from _wait(block, where)


def _webhook(webhook: str | None, where: str, names: Names) -> Iterator[Problem]:
    if webhook is None:
        return
    yield from text_problems(webhook, where, names)
    if not is_template(webhook) and not _ADDRESS.fullmatch(webhook):
        yield Problem(where, "must be an address, such as https://hooks.example.com/rollcall")


def _wait(block: WaitBlock, where: str) -> Iterator[Problem]:
    until = block.until
    if until is not None and not is_template(until) and not _is_time(until):
        yield Problem(f"{where}.until", "must be a time, such as 2026-12-31T08:00:00Z")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _account_fault(key: str, value: Any) -> str | None:
    if key not in _OF_ACCOUNT:
        said = f"cannot be set: of an account only {' and '.join(_OF_ACCOUNT)} can"
        return said + near(key, _OF_ACCOUNT)
    if key == "link":
        return None if value is None else "can only be null: its sync keys decide again"
    if isinstance(value, str) and is_template(value):
        return None
    return None if value in _KINDS else f"must be one of {', '.join(_KINDS)}"


def _is_made(value: Any, field: PersonField) -> bool:
    """Is the value of a field made by a template?"""
    if field.type == "json":
        return holds_template(value)
    return isinstance(value, str) and is_template(value)


def _constant_fault(value: Any, field: PersonField, roles: Sequence[str]) -> str | None:
    """Why a field cannot be set to this; null empties it."""
    if value is None:
        return None
    if field.unique:
        return f"no two people may have the same {field.key}: it cannot be a constant"
    fault = unstorable(value, field.type)
    if fault is not None:
        return fault
    if field.type == "datetime" and comparing.moment(value) is None:
        return "must be an ISO date or time, such as 2026-01-31"
    if field.key == "role" and str(value).strip().casefold() not in map(str.casefold, roles):
        return f"{shown(value)} is no role; roles are {', '.join(roles)}"
    return None
