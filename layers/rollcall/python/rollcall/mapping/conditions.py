"""Which records an integration takes: a filter, compiled once, judged for each record.

```json
{"all": [{"field": "email", "op": "ends_with", "value": "@example.com"},
         {"any": [{"field": "is_enabled", "op": "equals", "value": true},
                  {"field": "accessed_at", "op": "after", "value": "-90d"}]},
         {"not": {"field": "tags", "op": "contains", "value": "test"}}]}
```

`field` is a source's key (`Mapper.sources`), else a path into the app's record. The operators:

- `equals`, `not_equals`, `in`, `not_in`: text without case and without the spaces around it; a
  number and numeric text by what they count (5 is "5" and "5.0"); true and false with 1, 0, "1",
  "0", "true" and "false" too. `in` is `equals` one of a list.
- `contains`, `starts_with`, `ends_with`: text without case; a number counts as its text.
- `matches`: a pattern of RE2, found anywhere in the text unless it has ^ and $; with case unless it
  begins with (?i).
- `before`, `after`: an ISO date or time (a date is its midnight, a time without an offset is UTC),
  or a distance from now: -90d, -12h, -30m, -2w, +1d. What is seen may be a Unix time too; what is
  no date is neither.
- `is_empty`, `is_not_empty`: null, text of nothing but spaces, [] and {} are empty; false and 0 are
  not.
- A list holds what one of its elements holds; `contains` asks for an element that equals. Of an
  object only emptiness can be asked.
- Of a missing value (null, or nothing there) only `is_empty` and the negative ones, `not_equals`
  and `not_in`, hold. Each negative one is exactly what its opposite is not.

Pure: the same record, sources and `now` give the same verdict.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from rollcall.connectors import paths
from rollcall.mapping import comparing

OPERATORS = (
    "equals", "not_equals", "in", "not_in", "contains", "starts_with", "ends_with", "matches",
    "is_empty", "is_not_empty", "before", "after",
)  # fmt: skip
WITHOUT_VALUE = ("is_empty", "is_not_empty")
GROUPS = ("all", "any", "not")
DEEPEST = 10
"""Groups within each other."""
_NEGATIVE = {"not_equals": "equals", "not_in": "in", "is_not_empty": "is_empty"}
_WAY = 1
"""Counts the changes of this module that make another verdict of the same record."""
_LONGEST_SHOWN = 80
_MOST_REASONS = 5
_LONGEST_REASON = 600

Judge = Callable[[Any, datetime], bool]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a record is taken. `path` is the condition that decided (`all.1.any.0`), empty where
    there is no group around it; `reason` is a sentence with the value that was seen.
    """

    passed: bool
    path: str
    reason: str


class Conditions:
    """One integration's filter; None takes everything.

    `data` is one in which `mapping.check` found nothing wrong; raises ValueError for another.
    """

    def __init__(self, data: Mapping[str, Any] | None) -> None:
        self._root = None if data is None else _compiled(data, "", 0, negated=False)
        text = json.dumps((_WAY, data), sort_keys=True, default=repr)
        self.version: bytes = blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
        """8 bytes that are others where another verdict may come out of the same record."""

    def verdict(
        self, record: Mapping[str, Any], sources: Mapping[str, Any], now: datetime
    ) -> Verdict:
        """Whether this record, with these sources, is taken; `now` has an offset."""
        if self._root is None:
            return Verdict(passed=True, path="", reason="there is no filter")
        passed, decided = self._root.judge(record, sources, now)
        reason = comparing.cut(decided.reason(record, sources, now), _LONGEST_REASON)
        return Verdict(passed, decided.path, reason)


class _Leaf:
    """One condition."""

    def __init__(self, data: Mapping[str, Any], path: str, *, negated: bool) -> None:
        self.path = path
        self._negated = negated
        self._field = data["field"]
        self._op = data["op"]
        self._value = data.get("value")
        self._negative = self._op in _NEGATIVE
        self._holds = _judge(_NEGATIVE.get(self._op, self._op), self._value)

    def judge(
        self, record: Mapping[str, Any], sources: Mapping[str, Any], now: datetime
    ) -> "tuple[bool, _Node]":
        """Whether it holds, and what decided."""
        seen = self._seen(record, sources)
        return self._holds(seen, now) is not self._negative, self

    def _seen(self, record: Mapping[str, Any], sources: Mapping[str, Any]) -> Any:
        if self._field in sources:
            return sources[self._field]
        return paths.read(record, self._field)

    def reason(self, record: Mapping[str, Any], sources: Mapping[str, Any], _now: datetime) -> str:
        """What was seen and what is wanted."""
        seen = self._seen(record, sources)
        said = f"{self._field} is {'missing' if seen is None else _shown(seen)}"
        if self._op in ("before", "after") and seen is not None and not _dated(seen):
            said += ", which is no date"
        op = f"not {self._op}" if self._negated else self._op
        wanted = op if self._op in WITHOUT_VALUE else f"{op} {_shown(self._value)}"
        return f"{said}, wanted {wanted}"


class _Group:
    """Several conditions: `all` of them must hold, or `any`; or one that must `not`."""

    def __init__(self, kind: str, inner: "Sequence[_Node]", path: str) -> None:
        self.path = path
        self._kind = kind
        self._inner = inner

    def judge(
        self, record: Mapping[str, Any], sources: Mapping[str, Any], now: datetime
    ) -> "tuple[bool, _Node]":
        """Whether it holds, and what decided: one that is enough for it, else the group."""
        if self._kind == "not":
            held, decided = self._inner[0].judge(record, sources, now)
            return not held, decided
        enough = self._kind == "any"
        for node in self._inner:
            held, decided = node.judge(record, sources, now)
            if held is enough:
                return held, decided
        if len(self._inner) == 1:
            return not enough, decided
        return not enough, self

    def reason(self, record: Mapping[str, Any], sources: Mapping[str, Any], now: datetime) -> str:
        """What was seen of each."""
        how = "none" if self._kind == "any" else "each"
        said = [
            decided.reason(record, sources, now)
            for _, decided in (
                node.judge(record, sources, now) for node in self._inner[:_MOST_REASONS]
            )
        ]
        more = f"; and {left} more" if (left := len(self._inner) - _MOST_REASONS) > 0 else ""
        return f"{how} of {len(self._inner)} conditions holds: {'; '.join(said)}{more}"


_Node = _Leaf | _Group


def _compiled(data: Mapping[str, Any], path: str, depth: int, *, negated: bool) -> _Node:
    """The node that this part of a filter is; `negated`: inside an odd number of `not`."""
    if depth > DEEPEST:
        raise ValueError(f"a filter nests more than {DEEPEST} deep")
    before = f"{path}." if path else ""
    for kind in ("all", "any"):
        if kind in data:
            inner = [
                _compiled(row, f"{before}{kind}.{number}", depth + 1, negated=negated)
                for number, row in enumerate(data[kind])
            ]
            if not inner:
                raise ValueError(f"{before}{kind} has no conditions")
            return _Group(kind, inner, f"{before}{kind}")
    if "not" in data:
        path = f"{before}not"
        return _Group("not", [_compiled(data["not"], path, depth + 1, negated=not negated)], path)
    return _Leaf(data, path, negated=negated)


def _judge(op: str, value: Any) -> Judge:
    """What an operator that is no negative one asks of a value that was seen."""
    if op == "is_empty":
        return lambda seen, _now: comparing.is_empty(seen)
    one = _of_one(op, value)
    if op == "contains":
        equal = comparing.equals(value)
        return lambda seen, now: (
            any(equal(element) for element in seen) if isinstance(seen, list) else one(seen, now)
        )
    return lambda seen, now: (
        any(one(element, now) for element in seen) if isinstance(seen, list) else one(seen, now)
    )


def _of_one(op: str, value: Any) -> Judge:  # noqa: PLR0911 - one for each operator
    match op:
        case "equals":
            equal = comparing.equals(value)
            return lambda seen, _now: equal(seen)
        case "in":
            among = [comparing.equals(one) for one in value]
            return lambda seen, _now: any(equal(seen) for equal in among)
        case "contains":
            part = _folded(value)
            return lambda seen, _now: (text := comparing.text(seen)) is not None and part in text
        case "starts_with":
            start = _folded(value)
            return lambda seen, _now: (comparing.text(seen) or "").startswith(start)
        case "ends_with":
            end = _folded(value)
            return lambda seen, _now: (comparing.text(seen) or "").endswith(end)
        case "matches":
            return _matches(value)
        case "before":
            limit = _limit(value)
            return lambda seen, now: (at := comparing.moment(seen)) is not None and at < limit(now)
        case "after":
            limit = _limit(value)
            return lambda seen, now: (at := comparing.moment(seen)) is not None and at > limit(now)
    raise ValueError(f"{op!r} is no operator")


def _matches(value: Any) -> Judge:
    # re2 is for those who use patterns.
    from rollcall.mapping.patterns import BadPattern, compile_pattern, search  # noqa: PLC0415

    pattern = compile_pattern(value)
    if isinstance(pattern, BadPattern):
        raise ValueError(f"{value!r} is no pattern: {pattern.message}")  # noqa: TRY004
    return lambda seen, _now: (
        (text := comparing.written(seen)) is not None and search(pattern, text)
    )


def _folded(value: Any) -> str:
    text = comparing.written(value)
    if not text:
        raise ValueError(f"{value!r} is no text")
    return text.casefold()


def _limit(value: Any) -> Callable[[datetime], datetime]:
    """The point in time that a condition's value is, seen from now."""
    distance = comparing.distance(value)
    if distance is not None:
        return lambda now: now + distance
    moment = comparing.moment(value)
    if moment is None:
        raise ValueError(f"{value!r} is no point in time")
    return lambda _now: moment


def _dated(seen: Any) -> bool:
    rows = seen if isinstance(seen, list) else [seen]
    return any(comparing.moment(row) is not None for row in rows)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) and value.strip() else json.dumps(value, default=str)
    return comparing.cut(text, _LONGEST_SHOWN)
