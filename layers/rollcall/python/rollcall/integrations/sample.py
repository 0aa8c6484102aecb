"""What an app's records look like: every path in them, with its type and a value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

Type = Literal["text", "number", "boolean", "list", "object", "null"]


def schema(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`{"path", "type", "sample"}` for every path of the records, in the order they appear.

    Where records differ, the first value that is not null tells type and sample.
    """
    found: dict[str, Any] = {}
    for record in records:
        for path, value in _leaves(record, ""):
            if found.get(path) is None:
                found[path] = value
    return [{"path": path, "type": _type(value), "sample": value} for path, value in found.items()]


def _leaves(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        path = f"{prefix}{name}"
        if isinstance(inner, Mapping) and inner:
            yield from _leaves(inner, f"{path}.")
        else:
            yield path, inner


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
