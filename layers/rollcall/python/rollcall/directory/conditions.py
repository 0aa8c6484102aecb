"""Judging by hand what DynamoDB judges when it writes: the conditions that Rollcall uses."""

import re
from typing import Any

from rollcall.items import Item
from rollcall.tables import Condition

_TERMS = re.compile(
    r"\s*(?:(?P<function>attribute_(?:not_)?exists)\((?P<of>[#\w]+)\)"
    r"|(?P<left>[#\w]+)\s*(?P<operator>=|<>)\s*(?P<right>:\w+)"
    r"|(?P<member>[#\w]+)\s+IN\s+\((?P<list>[^)]*)\)"
    r"|(?P<mark>\(|\)|AND|OR))"
)


def holds(condition: Condition | None, item: Item | None) -> bool:
    """Would DynamoDB write? Knows `attribute_exists`, `=`, `<>`, `IN`, and, or and brackets.

    Raises ValueError for anything else.
    """
    if condition is None:
        return True
    words: list[str] = []
    at, text = 0, condition.expression
    while at < len(text.rstrip()):
        found = _TERMS.match(text, at)
        if found is None:
            raise ValueError(f"cannot judge {text[at:]!r}")
        at = found.end()
        words.append(found["mark"] or str(_holds(found, condition, item or {})))
    value, rest = _either(words)
    if rest:
        raise ValueError(f"cannot judge {text!r}")
    return value


def _either(words: list[str]) -> tuple[bool, list[str]]:
    value, words = _both(words)
    while words and words[0] == "OR":
        other, words = _both(words[1:])
        value = value or other
    return value, words


def _both(words: list[str]) -> tuple[bool, list[str]]:
    value, words = _one(words)
    while words and words[0] == "AND":
        other, words = _one(words[1:])
        value = value and other
    return value, words


def _one(words: list[str]) -> tuple[bool, list[str]]:
    if words and words[0] == "(":
        value, words = _either(words[1:])
        if not words or words[0] != ")":
            raise ValueError("a bracket is not closed")
        return value, words[1:]
    if not words or words[0] not in ("True", "False"):
        raise ValueError(f"cannot judge {words!r}")
    return words[0] == "True", words[1:]


def _holds(found: re.Match[str], condition: Condition, item: Item) -> bool:
    def of(name: str) -> Any:
        return item.get(condition.names.get(name, name), ...)

    if found["function"]:
        return (of(found["of"]) is ...) == (found["function"] == "attribute_not_exists")
    if found["list"] is not None:
        wanted = [condition.values[name.strip()] for name in found["list"].split(",")]
        return of(found["member"]) in wanted
    same: bool = of(found["left"]) == condition.values[found["right"]]
    return same == (found["operator"] == "=")
