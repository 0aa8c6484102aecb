"""An app's record without secrets, to be kept beside an error and shown to people. Pure."""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

MASK = "(secret)"
LARGEST = 50_000
"""Bytes of a record that is kept with its error."""
_SECRET = re.compile(r"pass(word|wd|phrase)|secret|token|api[-_ ]?key|authori[sz]ation|credential")
_TELLING = 6
"""Characters from which on a secret does not stand in other text by chance."""
_DEEPEST = 24
_LARGEST_NUMBER = 1e120
_DIGITS = 38


def without_secrets(record: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any] | None:
    """The record as JSON, with what is secret masked; None where it is more than 50 KB.

    Masked are the values of keys that look like a password, a token or a key, and wherever it
    occurs each of `secrets`. Numbers that no table holds, and what is nested too deep, are text.
    """
    if len(json.dumps(record, separators=(",", ":"))) > LARGEST:
        return None
    known = sorted((secret for secret in secrets if secret), key=len, reverse=True)
    return {masked(key, known): _value(key, value, known, 1) for key, value in record.items()}


def without_values(data: Any, secrets: Collection[str]) -> Any:
    """The JSON with each of `secrets` masked wherever a text or a number holds it.

    One of fewer than six characters is masked only where it is the whole value. A number that JSON
    has not is text.
    """
    known = sorted((secret for secret in secrets if secret), key=len, reverse=True)
    return _without(data, frozenset(known), [one for one in known if len(one) >= _TELLING])


def without_named(data: Any, name: str = "") -> Any:
    """The JSON with every value masked that was written under the name of a secret, or below one.

    What a template makes there is not known yet, so a text that holds one stays.
    """
    if isinstance(data, Mapping):
        return {key: without_named(inner, f"{name}\n{key}") for key, inner in data.items()}
    if isinstance(data, list | tuple):
        return [without_named(inner, name) for inner in data]
    return MASK if _written_secret(name, data) else data


def named(data: Any, place: str, name: str = "") -> Iterator[str]:
    """The places of what `without_named` would mask."""
    if isinstance(data, Mapping):
        for key, inner in data.items():
            yield from named(inner, f"{place}.{key}", f"{name}\n{key}")
    elif isinstance(data, list | tuple):
        for number, inner in enumerate(data):
            yield from named(inner, f"{place}.{number}", name)
    elif _written_secret(name, data):
        yield place


def _written_secret(name: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    return value != "" and "{{" not in str(value) and _SECRET.search(name.lower()) is not None


def hidden(real: Any, shown: Any) -> Iterator[str]:
    """The texts of six characters and more that are masked in `shown` and stand in `real`."""
    if shown == MASK and real != MASK:
        yield from (text for text in texts(real) if len(text) >= _TELLING)
    elif isinstance(real, Mapping) and isinstance(shown, Mapping):
        for key, inner in shown.items():
            yield from hidden(real.get(key), inner)
    elif isinstance(real, list) and isinstance(shown, list):
        for one, other in zip(real, shown, strict=True):
            yield from hidden(one, other)


def texts(data: Any) -> Iterator[str]:
    """Every text and number in the JSON, as text."""
    if isinstance(data, Mapping):
        data = list(data.values())
    if isinstance(data, list | tuple):
        for inner in data:
            yield from texts(inner)
    elif isinstance(data, str | int | float) and not isinstance(data, bool):
        yield str(data)


def _without(data: Any, whole: Collection[str], parts: Collection[str]) -> Any:
    if isinstance(data, Mapping):
        return {key: _without(inner, whole, parts) for key, inner in data.items()}
    if isinstance(data, list | tuple):
        return [_without(inner, whole, parts) for inner in data]
    if isinstance(data, bool) or not isinstance(data, str | int | float):
        return data
    if str(data) in whole:
        return MASK
    if isinstance(data, str):
        return masked(data, parts)
    return str(data) if isinstance(data, float) and not math.isfinite(data) else data


def masked(text: str, secrets: Collection[str]) -> str:
    """The text with every one of `secrets` in it masked."""
    for secret in secrets:
        text = text.replace(secret, MASK) if secret else text
    return text


def _value(key: str, value: Any, secrets: Collection[str], depth: int) -> Any:
    # Yes and no, and nothing, tell nothing: `has_password` may be shown.
    if value not in (None, "") and not isinstance(value, bool) and _SECRET.search(key.lower()):
        return MASK
    if depth > _DEEPEST:
        return masked(json.dumps(value), secrets)
    if isinstance(value, Mapping):
        return {
            masked(name, secrets): _value(name, inner, secrets, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_value("", inner, secrets, depth + 1) for inner in value]
    if isinstance(value, str):
        return masked(value, secrets)
    return _number(value, secrets)


def _number(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if str(value) in secrets:
        return MASK
    if isinstance(value, int):
        return value if len(str(abs(value))) <= _DIGITS else str(value)
    small = value != 0 and abs(value) < 1 / _LARGEST_NUMBER
    fits = math.isfinite(value) and abs(value) < _LARGEST_NUMBER and not small
    return value if fits else str(value)
