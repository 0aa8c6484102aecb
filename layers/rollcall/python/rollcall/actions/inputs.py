"""Are these a preset's inputs? Pure: what a caller said in, values or sentences out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rollcall.connectors.presets import USER, Input
from rollcall.connectors.records import LONGEST_KEY
from rollcall.mapping.storing import unstorable

LONGEST_TEXT = 4_000
LARGEST = 100_000
"""Bytes of all inputs as JSON: an action is an item of a table, a row an execution's input."""
EXTERNAL_ID = USER.key
Faults = list[tuple[str, str]]
"""(input, what is wrong with it)."""


def checked(inputs: Sequence[Input], given: Mapping[str, Any]) -> tuple[dict[str, Any], Faults]:
    """The inputs that were said, an id as text; and everything that is wrong, by input.

    Null is the same as not said.
    """
    known = {one.key: one for one in inputs}
    faults: Faults = [(key, _unknown(known)) for key in given if key not in known]
    values: dict[str, Any] = {}
    for key, one in known.items():
        value = given.get(key)
        if value is None:
            if one.required:
                faults.append((key, "is required"))
            continue
        fault = _fault(one, value)
        if fault is not None:
            faults.append((key, fault))
            continue
        values[key] = str(value).strip() if one.type == "id" else value
    sizes = {key: len(json.dumps(value)) for key, value in values.items()}
    if sum(sizes.values()) > LARGEST:
        largest = max(sizes, key=sizes.__getitem__)
        faults.append((largest, f"makes the inputs more than {LARGEST} bytes"))
    return values, faults


def id_fault(value: Any) -> str | None:
    """Why this is no id that a call may name; ActiveCampaign takes an empty one for 0."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return "must be text or a whole number"
    text = str(value).strip()
    if text in ("", ".", ".."):
        return "must not be empty" if not text else f"is no id: {text}"
    if len(text) > LONGEST_KEY or not text.isprintable():
        return f"must be at most {LONGEST_KEY} characters that can be printed"
    return None


def _unknown(known: Mapping[str, Input]) -> str:
    if not known:
        return "is no input of this preset, which has none"
    return f"is no input of this preset, which has {', '.join(known)}"


def _fault(one: Input, value: Any) -> str | None:
    match one.type:
        case "id":
            fault = id_fault(value)
        case "text":
            fault = _text_fault(value, required=one.required)
        case "number" if isinstance(value, bool) or not isinstance(value, int | float):
            fault = "must be a number"
        case "boolean" if not isinstance(value, bool):
            fault = "must be true or false"
        case "number" | "json":
            fault = unstorable(value, one.type)
        case _:
            fault = None
    if fault is None and one.choices and value not in one.choices:
        fault = f"must be one of {', '.join(one.choices)}"
    return fault


def _text_fault(value: Any, *, required: bool) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    if required and not value.strip():
        return "must not be empty"
    if len(value) > LONGEST_TEXT:
        return f"must have at most {LONGEST_TEXT} characters"
    return None
