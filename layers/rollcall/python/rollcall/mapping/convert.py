"""A source's value as the type of a person's field: plain JSON in, plain JSON out.

A rule's `convert` says how a value is read where the type alone does not:

- `{"type": "date", "format": "%d.%m.%Y", "timezone": "Europe/Berlin"}`: a point in time. Without a
  format: ISO 8601, RFC 2822 or Unix time (seconds, or milliseconds where they are that many).
  `timezone` counts where the text says none, else it is UTC.
- `{"type": "boolean", "true": ["active"], "false": ["left", 0]}`: which values mean what, without
  case. Where only one list is given everything else is the opposite.
- `{"type": "number", "decimal": ","}`: the decimal sign; `.` or `,`, the other one, spaces and
  apostrophes may group thousands then.
- `{"type": "list", "separator": ";", "pick": "first", "join": ", "}`: text as a list (separated by
  a comma, where nothing else is said), of which all, the first or the last is taken; `join` makes
  text of all.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from rollcall.fields.model import Type
from rollcall.mapping.problems import near, shown
from rollcall.stamps import instant

LONGEST_TEXT = 1_000
"""Characters that a text may have."""
LONGEST_LONG_TEXT = 50_000
"""Characters that a long text, and a value as JSON, may have."""
LONGEST_FORMAT = 100
LONGEST_DATE = 100
MOST_WORDS = 100
"""Values that mean true, or false."""
LONGEST_WORD = 100
LONGEST_SEPARATOR = 20
_MOST_BITS = 1_000
_MILLISECONDS = 10**11
"""Unix time of so many seconds is the year 5138: it is in milliseconds."""

_NUMBER = re.compile(r"[+-]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:e[+-]?\d{1,4})?", re.ASCII | re.I)
_UNIX = re.compile(r"-?\d{9,14}(?:\.\d{1,9})?", re.ASCII)
_RFC_2822 = re.compile(r"(?:[a-z]{3}, *)?\d{1,2} [a-z]{3} \d{4} \d\d:\d\d.*", re.ASCII | re.I)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", re.ASCII)
_DIRECTIVE = re.compile(r"%(-?.?)", re.DOTALL)
_READ = frozenset("aAbBdHIjmMpSfyYzZGVu%")
_WRITTEN = frozenset(["-d", "-m", "-H", "-I", "-M", "-S", "-j", *_READ])
_TRUE = frozenset(["true", "1", "yes"])
_FALSE = frozenset(["false", "0", "no"])
_PROPERTIES = {
    "date": ("format", "timezone"),
    "boolean": ("true", "false"),
    "number": ("decimal",),
    "list": ("separator", "pick", "join"),
}
_PICKS = ("all", "first", "last")
_GROUPED = {
    decimal: re.compile(rf"([+-]?\d{{1,3}}(?:[{other} '’\u00a0\u202f]\d{{3}})+|[+-]?\d{{1,300}})"
                        rf"(?:{re.escape(decimal)}(\d{{0,300}}))?", re.ASCII)
    for decimal, other in ((".", ","), (",", "."))
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unconvertible:
    """Why a value did not become what was wanted, as a sentence with the value in it."""

    message: str


class UnreadableError(ValueError):
    """Text that is no date, or a format or a time zone that is none; the message says it."""


def convert(value: Any, kind: Type, options: Mapping[str, Any]) -> Any:
    """The value as this type of field has it, None where it is empty; else Unconvertible.

    `options` is a rule's `convert`, one that `check_options` finds right; empty for none. `value`
    is any decoded JSON; nothing is raised for it. A point in time comes out as `stamps.instant`.
    """
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return Unconvertible("a number has more than 300 digits")
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if options:
        read = _OPTIONS.get(options.get("type", ""))
        if read is None:
            return Unconvertible(f"{shown(options.get('type'))} is no conversion")
        value = read(value, options)
        if value is None or value == "" or isinstance(value, Unconvertible):
            return None if value == "" else value
    return _TYPES[kind](value)


def check_options(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with a rule's `convert`, each in words that name the property; any JSON."""
    return list(_faults(options))


def _faults(options: Mapping[str, Any]) -> Iterator[str]:
    kind = options.get("type")
    if not isinstance(kind, str) or kind not in _PROPERTIES:
        yield f"type must be one of {', '.join(_PROPERTIES)}{near(kind, _PROPERTIES)}"
        for name in options:
            if name != "type" and not any(name in known for known in _PROPERTIES.values()):
                yield f"{shown(name)} is no property of a conversion"
        return
    known = _PROPERTIES[kind]
    for name, value in options.items():
        if name == "type":
            continue
        if name not in known:
            yield f"{shown(name)} is no property of {kind}; it has {', '.join(known)}"
        elif value is not None and (fault := _CHECKS[name](value)):
            yield f"{name} {fault}"
    if kind == "boolean":
        both = _words(options.get("true")) & _words(options.get("false"))
        if both:
            yield f"true and false both have {shown(min(both))}"


def moment_of(value: Any, form: str | None = None, timezone: str | None = None) -> datetime | None:
    """The point in time, with its offset, that a value is; None where it is empty or MySQL's zero.

    `form` is one of strptime, None for any of ISO 8601, RFC 2822 and Unix time; `timezone` (IANA,
    UTC where there is none) counts where the value says none. Raises UnreadableError.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        if value is None:
            return None
        raise UnreadableError(f"{shown(value)} is no date")
    here = zone(timezone) if timezone else UTC
    if form is None and not isinstance(value, str):
        return _unix(value)
    text = str(value).strip()
    if not text or text.startswith("0000-00-00"):
        return None
    if len(text) > LONGEST_DATE:
        raise UnreadableError(f"{shown(text)} is no date: it has {len(text)} characters")
    try:
        found = _any_moment(text) if form is None else _by_format(text, form)
        if found.tzinfo is None:
            found = found.replace(tzinfo=here)
        return found.astimezone(UTC)
    except UnreadableError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        as_what = f"is not written as {form}" if form else "is no date: ISO 8601, RFC 2822 or Unix"
        raise UnreadableError(f"{shown(text)} {as_what}") from error


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """The time zone of this IANA name; raises UnreadableError."""
    if name == "UTC":
        return UTC
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (ValueError, KeyError, OSError) as error:
        raise UnreadableError(f"{shown(name)} is no time zone, such as Europe/Berlin") from error
    raise UnreadableError(f"{shown(name)} is no time zone, such as Europe/Berlin")


def format_fault(form: Any, *, writes: bool = False) -> str | None:
    """Why this is no format of a date (strptime's, strftime's where it `writes`)."""
    if not isinstance(form, str) or not form.strip():
        return "must be a format, such as %Y-%m-%d"
    if len(form) > LONGEST_FORMAT:
        return f"has {len(form)} characters; {LONGEST_FORMAT} may be"
    used = [found[1] for found in _DIRECTIVE.finditer(form)]
    known = _WRITTEN if writes else _READ
    for directive in used:
        if directive not in known:
            return f"has %{directive}, which means nothing here"
    twice = {one for one in used if one != "%" and used.count(one) > 1}
    if twice and not writes:
        return f"has %{min(twice)} twice"
    return None


def _by_format(text: str, form: str) -> datetime:
    fault = format_fault(form)
    if fault is not None:
        raise UnreadableError(f"the format {fault}")
    return datetime.strptime(text, form)  # noqa: DTZ007 - the caller puts the zone in


def _any_moment(text: str) -> datetime:
    if _UNIX.fullmatch(text):
        return _unix(float(text))
    if _RFC_2822.fullmatch(text):
        return parsedate_to_datetime(text)
    return datetime.fromisoformat(text)


def _unix(value: float) -> datetime:
    try:
        seconds = value / 1000 if abs(value) >= _MILLISECONDS else value
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UnreadableError(f"{shown(value)} is no Unix time") from error


def text_of(value: Any) -> str | Unconvertible:
    """A single value as text: true and false in small letters."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(value) if math.isfinite(value) else Unconvertible("is no finite number")
        case _:
            kind = "an object" if isinstance(value, dict) else "a list"
            return Unconvertible(f"{kind} is no text; take one value of it")


def _text(value: Any, longest: int = LONGEST_TEXT) -> str | Unconvertible | None:
    text = text_of(value)
    if isinstance(text, str) and len(text) > longest:
        return Unconvertible(f"{shown(text)} has {len(text)} characters; {longest} may be")
    return text


def _number(value: Any) -> int | float | Unconvertible:
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return Unconvertible(f"{shown(text)} is no number")
        value = int(text) if text.lstrip("+-").isdecimal() else float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Unconvertible(f"{shown(value)} is no number")
    if isinstance(value, float) and not math.isfinite(value):
        return Unconvertible("the number is not finite")
    return value


def _boolean(value: Any) -> bool | Unconvertible:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value.strip().casefold() if isinstance(value, str) else None
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    return Unconvertible(f"{shown(value)} is neither true nor false")


def _datetime(value: Any) -> str | Unconvertible | None:
    try:
        found = moment_of(value)
    except UnreadableError as error:
        return Unconvertible(str(error))
    return None if found is None else instant(found)


def _json(value: Any) -> Any:
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except (ValueError, TypeError, RecursionError):
        return Unconvertible(f"{shown(value)} is no JSON: not finite, or nested too deep")
    if size > LONGEST_LONG_TEXT:
        return Unconvertible(
            f"{shown(value)} has {size} characters as JSON; {LONGEST_LONG_TEXT} may be"
        )
    return value


_TYPES: Mapping[Type, Callable[[Any], Any]] = {
    "text": _text,
    "long_text": lambda value: _text(value, LONGEST_LONG_TEXT),
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
    "json": _json,
}


def _date_option(value: Any, options: Mapping[str, Any]) -> str | Unconvertible | None:
    try:
        found = moment_of(value, options.get("format"), options.get("timezone"))
    except UnreadableError as error:
        return Unconvertible(str(error))
    return None if found is None else instant(found)


def _word(value: Any) -> str | None:
    text = text_of(value)
    return text.strip().casefold() if isinstance(text, str) else None


def _words(values: Any) -> set[str]:
    rows = values if isinstance(values, list) else []
    return {word for word in map(_word, rows) if word is not None}


def _boolean_option(value: Any, options: Mapping[str, Any]) -> bool | Unconvertible:
    true, false = options.get("true"), options.get("false")
    if true is None and false is None:
        return _boolean(value)
    word = _word(value)
    if word is None:
        return Unconvertible(f"{shown(value)} is neither true nor false")
    if word in _words(true):
        return True
    if word in _words(false):
        return False
    if true is not None and false is not None:
        return Unconvertible(f"{shown(value)} is among neither the true nor the false values")
    return true is None


def _number_option(value: Any, options: Mapping[str, Any]) -> int | float | Unconvertible:
    decimal = options.get("decimal")
    if decimal is None or not isinstance(value, str):
        return _number(value)
    found = _GROUPED[decimal].fullmatch(value.strip())
    if found is None:
        return Unconvertible(f"{shown(value)} is no number with {shown(decimal)} for decimals")
    whole = re.sub(r"[^0-9+-]", "", found[1])
    return _number(f"{whole}.{found[2]}" if found[2] else whole)


def _list_option(value: Any, options: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        parts = (part.strip() for part in value.split(options.get("separator") or ","))
        rows = [part for part in parts if part]
    else:
        rows = value if isinstance(value, list) else [value]
        rows = [row for row in rows if row is not None and row != ""]
    pick, join = options.get("pick") or "all", options.get("join")
    if not rows:
        return None
    if pick != "all":
        return rows[0] if pick == "first" else rows[-1]
    if join is None:
        return rows
    texts = [text_of(row) for row in rows]
    bad = next((text for text in texts if isinstance(text, Unconvertible)), None)
    return bad or join.join(text for text in texts if isinstance(text, str))


_OPTIONS: Mapping[Any, Callable[[Any, Mapping[str, Any]], Any]] = {
    "date": _date_option,
    "boolean": _boolean_option,
    "number": _number_option,
    "list": _list_option,
}


def _zone_fault(value: Any) -> str | None:
    try:
        zone(value if isinstance(value, str) else "")
    except UnreadableError as error:
        return f"must be one: {error}"
    return None


def _words_fault(value: Any) -> str | None:
    if not isinstance(value, list) or not value:
        return "must be a list with at least one value"
    if len(value) > MOST_WORDS:
        return f"has {len(value)} values; {MOST_WORDS} may be"
    for number, one in enumerate(value):
        if isinstance(one, int) and one.bit_length() > _MOST_BITS:
            return f"has a number of more than 300 digits (value {number})"
        word = _word(one)
        if word is None or len(word) > LONGEST_WORD:
            return f"must have text, numbers, true or false, and short ones (value {number})"
    return None


def _one_of(known: Collection[str]) -> Callable[[Any], str | None]:
    said = f"must be one of {', '.join(known)}"
    return lambda value: None if isinstance(value, str) and value in known else said


def _separator_fault(value: Any) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= LONGEST_SEPARATOR:
        return None
    return f"must be text of 1 to {LONGEST_SEPARATOR} characters"


_CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "format": format_fault,
    "timezone": _zone_fault,
    "true": _words_fault,
    "false": _words_fault,
    "decimal": _one_of((".", ",")),
    "separator": _separator_fault,
    "pick": _one_of(_PICKS),
    "join": _separator_fault,
}
