"""The inputs that somebody gives who asks for an execution. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rollcall.workflows.document import Input

LARGEST = 100_000
"""Bytes of the inputs as JSON."""
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "must be text"),
    "number": ((int, float), "must be a number"),
    "boolean": ((bool,), "must be true or false"),
}

Faults = list[tuple[str, str]]


def input_faults(asked: Sequence[Input], given: Mapping[str, Any]) -> Faults:
    """What is wrong with the inputs, by path."""
    known = {one.key: one for one in asked}
    faults = [
        (f"inputs.{name}", "is no input of the workflow") for name in given.keys() - known.keys()
    ]
    for key, one in known.items():
        fault = _fault(one, given.get(key))
        if fault is not None:
            faults.append((f"inputs.{key}", fault))
    try:
        size = len(json.dumps(given, allow_nan=False))
    except ValueError:
        return [*faults, ("inputs", "have a number that is too large")]
    if size > LARGEST:
        faults.append(("inputs", f"have more than {LARGEST} bytes"))
    return sorted(faults)


def _fault(asked: Input, value: Any) -> str | None:
    if value is None:
        return "is required" if asked.required else None
    if asked.type == "json":
        return None
    types, said = _KINDS[asked.type]
    fits = isinstance(value, types) and (asked.type == "boolean" or not isinstance(value, bool))
    return None if fits else said
