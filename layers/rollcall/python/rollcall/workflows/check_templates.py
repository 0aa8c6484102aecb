"""Templates of a document: can each of them ever resolve? Pure.

The names of a place are those of which something may be at hand there; what a template reads of
them must be in their shapes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rollcall.connectors import paths
from rollcall.connectors.templated import is_template
from rollcall.mapping.problems import Problem
from rollcall.mapping.templates import Refused, Template, compile_template
from rollcall.workflows.check_shapes import VALUE, Shape
from rollcall.workflows.document import NAMES

DEEPEST = 20
"""Objects and lists within each other, in what a block is given."""
Names = Mapping[str, Shape]
_PLAIN = re.compile(r"\{\{\s*([A-Za-z_][\w.\[\]'\" -]*?)\s*\}\}")
_WHY = {
    "person": "nobody is at hand: the workflow begins with none, and no for_each is around it",
    "account": "no account is at hand: the workflow begins with none, and no for_each over "
    "accounts is around it",
    "event": "no event begins this workflow",
    "item": "it is only within a for_each, and in the columns of a report",
}  # fmt: skip
"""Why a name that there is elsewhere is not here."""


def tree_problems(data: Any, where: str, names: Names, depth: int = 0) -> Iterator[Problem]:
    """What is wrong with the templates in JSON, each by its place."""
    if isinstance(data, str):
        yield from text_problems(data, where, names)
    elif isinstance(data, Mapping | list):
        if depth >= DEEPEST:
            yield Problem(where, f"nests more than {DEEPEST} deep")
            return
        pairs = data.items() if isinstance(data, Mapping) else enumerate(data)
        for key, inner in pairs:
            yield from tree_problems(inner, f"{where}.{key}", names, depth + 1)


def holds_template(data: Any, depth: int = 0) -> bool:
    """Is there a template anywhere in this JSON? Of what nests too deep it is taken to be so."""
    if isinstance(data, str):
        return is_template(data)
    if not isinstance(data, Mapping | list):
        return False
    inner = data.values() if isinstance(data, Mapping) else data
    return depth >= DEEPEST or any(holds_template(one, depth + 1) for one in inner)


def text_problems(source: str, where: str, names: Names) -> Iterator[Problem]:
    """What is wrong with a text that may be a template."""
    if not is_template(source):
        return
    template = compile_template(source, frozenset(names))
    if isinstance(template, Refused):
        yield Problem(where, _refusal(template, names))
        return
    whole = Shape(names)
    for read in template.reads:
        fault = whole.fault((read.name, *read.keys))
        if fault is not None:
            yield Problem(where, f"{fault} (line {read.line}, column {read.column})")


def _refusal(refused: Refused, names: Names) -> str:
    """Why it is no template. A name that is elsewhere is told with why it is not here."""
    at = f" (line {refused.line}, column {refused.column})"
    missing = [
        name for name in sorted(NAMES - names.keys()) if f"no {name!r} here" in refused.message
    ]
    if missing:
        why = absent(missing[0])
        return f"{refused.message.partition(';')[0]}: {why}{at}"
    return refused.message + at


def absent(name: str) -> str:
    """Why a name that templates may use elsewhere is not here."""
    return _WHY.get(name, "it cannot be used here")


def compiled_list(source: str, where: str, names: Names) -> Iterator[Problem]:
    """Why a text makes no list, as far as can be told."""
    said = "must be accounts, a query, or one {{ expression }} that makes a list"
    if not is_template(source):
        yield Problem(where, said)
        return
    template = compile_template(source, frozenset(names))
    if isinstance(template, Template):
        if not template.is_value:
            yield Problem(where, said)
        elif (path := plain_path(source)) is not None and _is_value(path, names):
            yield Problem(where, f"{said}, and {paths.written(path)} is one value")


def plain_path(source: str) -> tuple[str | int, ...] | None:
    """The path that a template is and nothing else: `{{ account.integration_id }}`."""
    found = _PLAIN.fullmatch(source.strip())
    parsed = paths.parse(found[1]) if found else None
    if parsed is None or isinstance(parsed, paths.BadPath) or len(parsed) != 1:
        return None
    return parsed[0]


def _is_value(path: Sequence[str | int], names: Names) -> bool:
    shape = names.get(str(path[0]))
    return shape is not None and shape.at(path[1:]) == VALUE
