"""What templates and conversions make of a plain JSON value: its text, number, truth, moment.

Everything here takes any JSON value and raises nothing but Unusable.
"""

import json
import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

LONGEST_FORMAT = 64
"""Characters of a date's format, of a time zone's name, and of a date."""

TRUE = ("true", "1", "yes")
FALSE = ("false", "0", "no")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = 10**11
"""From here on, a Unix time counts milliseconds: as seconds this is the year 5138."""
_LARGEST_NUMBER = 10**38
_UNIX = re.compile(r"\d{9,13}", re.ASCII)
"""A Unix time as text; eight digits are a date, fourteen are nothing without a format."""
_MAIL = re.compile(
    r"(?:[A-Za-z]{3}, ?)?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(?::\d\d)? (?:[+-]\d{4}|GMT|UT|UTC|Z)",
    re.ASCII,
)
_NUMBER = re.compile(r"[+-]?\d{1,38}(?:\.\d{1,38})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_READ = frozenset("aAbBdfHIjmMpSyYz%")
_WRITTEN = _READ | {"Z"}


class Unusable(ValueError):  # noqa: N818 - an outcome that filters and conversions turn into words
    """A value or an argument that cannot be used so. The message never repeats the value."""


def text(value: Any) -> str:
    """The text: nothing for null, `true` and `false`, JSON for a list and an object."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return written(value)
    return written(value) if isinstance(value, bool) else str(number(value))


def written(value: Any, *, sort_keys: bool = False) -> str:
    """The value as JSON, in one line without spaces."""
    try:
        return json.dumps(
            value,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            sort_keys=sort_keys,
        )
    except RecursionError:
        raise Unusable("it nests too deep") from None
    except (TypeError, ValueError):
        raise Unusable("it is no JSON") from None


def number(value: Any, decimal: str | None = None) -> int | float:
    """The number that a number or a numeric text is; never NaN, infinite or beyond 38 digits.

    With `decimal`, "." or ",", the other one, spaces and apostrophes may group by thousands.
    """
    if isinstance(value, str):
        value = _numeric(value.strip(), decimal)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unusable("it is no number")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unusable("it is no finite number")
    if abs(value) >= _LARGEST_NUMBER:
        raise Unusable("it has more than 38 digits")
    return value


def _numeric(digits: str, decimal: str | None) -> int | float:
    if decimal is not None:
        group = "," if decimal == "." else "."
        digits = re.sub(rf"(?<=\d)[{group}\s'\u2019](?=\d{{3}}(?!\d))", "", digits)
        digits = digits.replace(group, "?").replace(decimal, ".")
    if not _NUMBER.fullmatch(digits):
        raise Unusable("it is no number")
    return int(digits) if digits.lstrip("+-").isdecimal() else float(digits)


def truth(value: Any) -> bool:
    """Yes or no: true, 1 or yes; false, 0 or no; in upper or lower case."""
    if isinstance(value, bool):
        return value
    said = text(value).strip().lower()
    if said not in TRUE + FALSE:
        raise Unusable("it is neither yes nor no")
    return said in TRUE


def moment(value: Any, pattern: str | None = None, timezone: str = "UTC") -> datetime | None:
    """The moment, in UTC, that a text or a Unix time tells. None for what is empty.

    Without a `pattern` (of strptime) it reads ISO 8601, RFC 2822, and Unix seconds and
    milliseconds. Where the offset is not told it is that of `timezone`. MySQL's zero date is empty.
    """
    home = zone(timezone)
    if pattern is not None:
        check_reading(pattern)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unusable("it is no date")
    told = value.strip() if isinstance(value, str) else value
    if isinstance(told, str) and told.startswith("0000-00-00"):
        return None
    if pattern is not None:
        told = text(told)
    try:
        found = _read(told, pattern)
        return (found if found.tzinfo else found.replace(tzinfo=home)).astimezone(UTC)
    except (ValueError, OverflowError):
        of = "" if pattern is None else " of that format"
        raise Unusable(f"it is no date{of}") from None


def _read(told: str | float, pattern: str | None) -> datetime:
    """Raises ValueError and OverflowError for what is no date."""
    if not isinstance(told, str):
        return _from_unix(told)
    if len(told) > LONGEST_FORMAT:
        raise ValueError
    if pattern is not None:
        return datetime.strptime(told, pattern)  # noqa: DTZ007 - the caller adds the zone
    if _UNIX.fullmatch(told):
        return _from_unix(int(told))
    if _MAIL.fullmatch(told):
        return parsedate_to_datetime(told)
    return datetime.fromisoformat(told)


def _from_unix(count: float) -> datetime:
    if abs(count) >= _MILLISECONDS:
        return _EPOCH + timedelta(milliseconds=count)
    return _EPOCH + timedelta(seconds=count)


def formatted(at: datetime, pattern: str, timezone: str = "UTC") -> str:
    """A moment in the words of strftime, as clocks in `timezone` show it."""
    check_writing(pattern)
    try:
        return at.astimezone(zone(timezone)).strftime(pattern)
    except (ValueError, OverflowError):
        raise Unusable("the date cannot be written so") from None


def zone(name: Any) -> tzinfo:
    """The time zone of that name, such as `Europe/Berlin`."""
    if name == "UTC":
        return UTC
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_FORMAT:
        raise Unusable("the time zone must be a name, such as Europe/Berlin")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Unusable("there is no such time zone") from None


def check_reading(pattern: Any) -> None:
    """Raises Unusable for a format that reads no date: each part once, and a year among them."""
    used = [one for one in _directives(pattern, _READ) if one != "%"]
    if len(used) > len(set(used)):
        raise Unusable("the format has a part twice")
    if not {"y", "Y"} & set(used):
        raise Unusable("the format has no year (%Y or %y)")


def check_writing(pattern: Any) -> None:
    """Raises Unusable for what is no date's format."""
    _directives(pattern, _WRITTEN)


def _directives(pattern: Any, known: frozenset[str]) -> list[str]:
    if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST_FORMAT:
        raise Unusable(f"the format must be text of at most {LONGEST_FORMAT} characters")
    used = _DIRECTIVE.findall(pattern)
    for one in used:
        if one not in known:
            raise Unusable(f"the format knows no %{one}")
    return used
