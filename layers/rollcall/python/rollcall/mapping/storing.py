"""What a person's field can hold: the type it is declared to have, as the table can store it."""

import math
from collections.abc import Mapping
from typing import Any

from rollcall.fields.model import Type

LONGEST_TEXT = 4_000
"""Characters of a text field."""
LARGEST = 100_000
"""Characters of a long text, and bytes or so of a json field."""
_DEEPEST = 20
_LARGEST_NUMBER = 10**38
_SMALLEST_NUMBER = 1e-120


def unstorable(value: Any, kind: Type) -> str | None:
    """Why a field of this type cannot hold the value, in words that follow it; None: it can.

    Numbers are finite, of 38 digits at most; an object has no empty key. A datetime is text here.
    """
    match kind:
        case "text" | "long_text" | "datetime":
            most = LARGEST if kind == "long_text" else LONGEST_TEXT
            return _text(value, most)
        case "number":
            return _number(value)
        case "boolean":
            return None if isinstance(value, bool) else "is neither true nor false"
        case "json":
            size, fault = _json(value, 0)
            if fault is None and size > LARGEST:
                fault = f"has more than {LARGEST} characters; so many can be kept"
            return fault


def _text(value: Any, most: int) -> str | None:
    if not isinstance(value, str):
        return "is no text"
    if len(value) > most:
        return f"has {len(value)} characters; {most} can be kept"
    return None if _encodes(value) else "holds half a character (a lone surrogate)"


def _encodes(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is no number"
    if isinstance(value, float) and not math.isfinite(value):
        return "is no finite number"
    if abs(value) >= _LARGEST_NUMBER:
        return "has more than 38 digits"
    return "is too close to 0" if 0 < abs(value) < _SMALLEST_NUMBER else None


def _json(value: Any, depth: int) -> tuple[int, str | None]:
    """About the size of a value as JSON, and what is wrong with it."""
    if depth > _DEEPEST:
        return 0, f"nests deeper than {_DEEPEST}"
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) and key and _encodes(key) for key in value):
            return 0, "has a key that is empty or no text"
        size, fault = _all(value.values(), depth)
        return size + sum(map(len, value)), fault
    if isinstance(value, list | tuple):
        return _all(value, depth)
    if isinstance(value, str):
        return len(value) + 2, _text(value, LARGEST)
    return 5, None if value is None or isinstance(value, bool) else _number(value)


def _all(values: Any, depth: int) -> tuple[int, str | None]:
    size = 2
    for value in values:
        inner, fault = _json(value, depth + 1)
        size += inner
        if fault is not None or size > LARGEST:
            return size, fault
    return size, None
