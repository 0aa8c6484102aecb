"""What an app's records look like: every path in them, with its type and a value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from rollcall.connectors import paths

Type = Literal["text", "number", "boolean", "list", "object", "null"]


def schema(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`{"path", "type", "sample"}` for every path of the records, in the order they appear.

    Each path may be the source of a mapping as it is. Of a list its first item is shown too. Where
    records differ, the first value that is not null tells type and sample.
    """
    found: dict[paths.Steps, Any] = {}
    for record in records:
        for steps, value in _leaves(record, ()):
            if found.get(steps) is None:
                found[steps] = value
    return [
        {"path": paths.written(steps), "type": _type(value), "sample": value}
        for steps, value in found.items()
    ]


def _leaves(value: Mapping[str, Any], before: paths.Steps) -> Iterator[tuple[paths.Steps, Any]]:
    for name, inner in value.items():
        yield from _leaf(inner, (*before, name))


def _leaf(value: Any, steps: paths.Steps) -> Iterator[tuple[paths.Steps, Any]]:
    if isinstance(value, Mapping) and value:
        yield from _leaves(value, steps)
        return
    yield steps, value
    if isinstance(value, list) and value and not isinstance(steps[-1], int):
        yield from _leaf(value[0], (*steps, 0))


def _type(value: Any) -> Type:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "object"
