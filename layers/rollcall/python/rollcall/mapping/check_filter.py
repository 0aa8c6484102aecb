"""Is this filter one? Every fault is told by its path; any JSON may be asked about."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from rollcall.connectors.manifest import Manifest
from rollcall.mapping import comparing
from rollcall.mapping.conditions import DEEPEST, GROUPS, OPERATORS, WITHOUT_VALUE
from rollcall.mapping.problems import (
    Problem,
    added_sources,
    gone_problem,
    near,
    path_problem,
    shown,
    unknown_properties,
)

MOST_CONDITIONS = 200
MOST_VALUES = 500
"""Values of one `in`."""
LONGEST_VALUE = 1000
_LEAF = ("field", "op", "value")


def filter_problems(
    data: Any, manifest: Manifest, mapping_data: Any, before: Any = None
) -> list[Problem]:
    """Everything wrong with an integration's filter; empty where `Conditions` may have it.

    `mapping_data` is the integration's mapping as it is written, whatever it is: its sources may be
    asked for. None takes every record, and is right. `before` is the mapping until now: what it
    added and the new one does not is no field any more.
    """
    if data is None:
        return []
    own = {field.key for field in manifest.fields} | {"display_name"}
    sources = own | added_sources(mapping_data)
    gone = added_sources(before) - sources

    def field_problem(field: Any, where: str) -> Problem | None:
        if isinstance(field, str) and field in gone:
            return gone_problem(field, where)
        known = isinstance(field, str) and field in sources
        return None if known else path_problem(field, where)

    return list(condition_problems(data, "filter", field_problem))


def condition_problems(
    data: Any, where: str, field_problem: Callable[[Any, str], Problem | None]
) -> Iterator[Problem]:
    """Everything wrong with conditions at that place; `field_problem` says what is with a field."""
    yield from _Check(where, field_problem).node(data, where, 0)


class _Check:
    """One filter's check: it counts as it goes."""

    def __init__(self, where: str, field_problem: Callable[[Any, str], Problem | None]) -> None:
        self._where = where
        self._field_problem = field_problem
        self._count = 0

    def node(self, data: Any, where: str, depth: int) -> Iterator[Problem]:
        """What is wrong with a group or a condition."""
        if not isinstance(data, dict):
            yield Problem(where, 'must be a condition, {"all": […]}, {"any": […]} or {"not": {…}}')
            return
        groups = [name for name in GROUPS if name in data]
        if not groups:
            yield from self._leaf(data, where)
        elif depth >= DEEPEST:
            yield Problem(where, f"nests more than {DEEPEST} deep")
        elif len(groups) > 1:
            yield Problem(where, f"has {' and '.join(groups)}: put one into the other")
        else:
            yield from unknown_properties(data, groups, where)
            yield from self._group(groups[0], data[groups[0]], f"{where}.{groups[0]}", depth)

    def _group(self, kind: str, inner: Any, where: str, depth: int) -> Iterator[Problem]:
        if kind == "not":
            yield from self.node(inner, where, depth + 1)
            return
        if not isinstance(inner, list) or not inner:
            yield Problem(where, "must be a list with at least one condition")
            return
        for number, row in enumerate(inner):
            if self._count > MOST_CONDITIONS:
                return
            yield from self.node(row, f"{where}.{number}", depth + 1)

    def _leaf(self, data: dict[str, Any], where: str) -> Iterator[Problem]:
        self._count += 1
        if self._count > MOST_CONDITIONS:
            yield Problem(self._where, f"has more than {MOST_CONDITIONS} conditions")
            return
        yield from unknown_properties(data, _LEAF, where)
        bad = self._field_problem(data.get("field"), f"{where}.field")
        if bad is not None:
            yield bad
        op = data.get("op")
        if not isinstance(op, str) or op not in OPERATORS:
            said = f"must be one of {', '.join(OPERATORS)}{near(op, OPERATORS)}"
            yield Problem(f"{where}.op", said)
            return
        fault = _value_fault(op, data.get("value"))
        if fault is not None:
            yield Problem(f"{where}.value", fault)


def _value_fault(op: str, value: Any) -> str | None:
    """Why the operator cannot have this value."""
    if op in WITHOUT_VALUE:
        return None if value is None else f"must be left out: {op} needs none"
    if op in ("in", "not_in"):
        return _list_fault(value)
    if op == "matches":
        return _pattern_fault(value)
    if op in ("before", "after"):
        dated = comparing.moment(value) is not None or comparing.distance(value) is not None
        said = "must be a date, a time or a distance from now: 2026-01-31, -90d, -12h, +2w"
        return None if dated else said
    if op not in ("equals", "not_equals") and isinstance(value, bool):
        return "must be text"
    return _scalar_fault(value)


def _scalar_fault(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return "must not be empty; is_empty and is_not_empty ask for that"
    if not isinstance(value, str | int | float):
        return f"must be text, a number, true or false, and not {shown(value)}"
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"has {len(value)} characters; {LONGEST_VALUE} may be"
    return None


def _list_fault(value: Any) -> str | None:
    if not isinstance(value, list) or not value:
        return "must be a list with at least one value"
    if len(value) > MOST_VALUES:
        return f"has {len(value)} values; {MOST_VALUES} may be"
    for number, one in enumerate(value):
        fault = _scalar_fault(one)
        if fault is not None:
            return f"{fault} (value {number})"
    return None


def _pattern_fault(value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return "must be a pattern"
    # re2 is for those who use patterns.
    from rollcall.mapping.patterns import BadPattern, compile_pattern  # noqa: PLC0415

    bad = compile_pattern(value)
    return bad.message if isinstance(bad, BadPattern) else None
