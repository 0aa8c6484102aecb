"""Reading a value out of an app's JSON: `meta.total`, `groupid | group`.

A path is keys joined by dots; alternatives are separated by ` | ` and the first that leads to a
value other than null is taken. Vendors rename and retype; a path that leads nowhere is None.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=512)
def _alternatives(path: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(option.strip().split(".")) for option in path.split("|"))


def read(value: Any, path: str) -> Any:
    """The value at `path` in decoded JSON, or None where nothing is there."""
    for keys in _alternatives(path):
        found = value
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
            if found is None:
                break
        if found is not None:
            return found
    return None


def text(value: Any) -> str | None:
    """An id or a name as text: vendors send the same one as a string or as a number.

    Empty text, objects, lists and booleans name nothing and are None.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def number(value: Any) -> int | None:
    """A total as a whole number of 0 or more, from `21` or `"21"`; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return None


def truth(value: Any) -> bool | None:
    """A yes or no from true, 1, "1", "true" and their opposites; None for anything else."""
    if isinstance(value, str):
        return {"1": True, "true": True, "0": False, "false": False}.get(value.strip().lower())
    if isinstance(value, bool | int):
        return {0: False, 1: True}.get(int(value))
    return None


def moment(value: Any) -> str | None:
    """A point in time as the app sent it; MySQL's zero date (`0000-00-00 …`) is no time at all."""
    if not isinstance(value, str) or not value.strip() or value.startswith("0000-00-00"):
        return None
    return value
