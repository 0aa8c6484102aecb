"""The template library: every filter a template may use, and no other.

A filter is a function of JSON values that ends soon, makes nothing much larger than what it was
given, and raises nothing but Unusable. Its arguments are looked at first, then null is handed
through: a template with constant arguments is checked by asking for null. docs/guide/templates.md
has them all with an example each.
"""

import json
import math
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NoReturn

from rollcall import stamps
from rollcall.connectors import paths
from rollcall.mapping import patterns, values
from rollcall.mapping.values import Unusable

LONGEST_TEXT = 100_000
"""Characters that a filter may make."""
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 128
FURTHEST = MappingProxyType(
    {"days": 36_525, "hours": 876_600, "minutes": 52_596_000, "months": 1_200}
)
"""How far a date may be shifted: a hundred years."""

_CLASSES = (
    "abcdefghijkmnopqrstuvwxyz",
    "ABCDEFGHJKLMNPQRSTUVWXYZ",
    "23456789",
    "!#$%*+-=?@_",
)
"""Without the letters and digits that look alike, and the signs that shells and URLs take apart."""
_TRUTHY: Any = object()


def parse_date(value: Any, /, format: Any = None, timezone: Any = "UTC") -> Any:  # noqa: A002
    """The moment as ISO 8601 in UTC, from ISO 8601, RFC 2822, a Unix time, or the given format.

    A text without an offset is a time in `timezone`. Empty text and MySQL's zero date are null.
    """
    at = values.moment(value, format, timezone)
    return None if at is None else stamps.instant(at)


def format_date(value: Any, /, format: Any = "%Y-%m-%d", timezone: Any = "UTC") -> Any:  # noqa: A002
    """A date that `parse_date` can read, in the words of strftime and the clock of `timezone`."""
    values.check_writing(format)
    values.zone(timezone)
    at = values.moment(value)
    return None if at is None else values.formatted(at, format, timezone)


def shift_date(
    value: Any, /, days: Any = 0, hours: Any = 0, minutes: Any = 0, months: Any = 0
) -> Any:
    """The date so much later, or earlier where a number is negative; at most a hundred years.

    A day that the month does not have becomes its last.
    """
    shift = {"days": days, "hours": hours, "minutes": minutes, "months": months}
    for name, count in shift.items():
        _whole(count, name, -FURTHEST[name], FURTHEST[name])
    at = values.moment(value)
    if at is None:
        return None
    try:
        moved = _months_later(at, months)
        return stamps.instant(moved + timedelta(days=days, hours=hours, minutes=minutes))
    except (OverflowError, ValueError):
        raise Unusable("there is no such date") from None


def _months_later(at: datetime, months: int) -> datetime:
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    first = datetime(year, month + 1, 1, tzinfo=UTC)
    next_first = datetime(year + (month == 11), (month + 1) % 12 + 1, 1, tzinfo=UTC)  # noqa: PLR2004
    return at.replace(year=year, month=month + 1, day=min(at.day, (next_first - first).days))


def lower(value: Any, /) -> Any:
    """In lower case."""
    return _plain(value).lower()


def upper(value: Any, /) -> Any:
    """In upper case."""
    return _plain(value).upper()


def trim(value: Any, /) -> Any:
    """Without spaces and line breaks at both ends."""
    return _plain(value).strip()


def title(value: Any, /) -> Any:
    """Each word with a capital: `mary o'neil` is `Mary O'Neil`."""
    return _plain(value).title()


def capitalize(value: Any, /) -> Any:
    """The first letter a capital, the others small."""
    return _plain(value).capitalize()


def replace(value: Any, /, old: Any, new: Any) -> Any:
    """Each `old` replaced with `new`."""
    was, becomes = _argument(old, "old"), _argument(new, "new", least=0)
    whole = _plain(value)
    _check_size(len(whole) + whole.count(was) * (len(becomes) - len(was)))
    return whole.replace(was, becomes)


def regex_replace(value: Any, /, pattern: Any, replacement: Any) -> Any:
    r"""Each match of a pattern of RE2 replaced; `\\1` in the replacement is the first group.

    At most 1,000 matches, in a text of at most 20,000 characters.
    """
    compiled = patterns.compile_pattern(_argument(pattern, "pattern"))
    if isinstance(compiled, patterns.BadPattern):
        why = compiled.message.partition(":")[0]  # the rest repeats it
        raise Unusable(f"the pattern is refused: {why}")
    return patterns.replace(compiled, _argument(replacement, "replacement", least=0), _plain(value))


def split(value: Any, /, separator: Any = ",") -> Any:
    """The list of what stands between separators, each part trimmed."""
    between = _argument(separator, "separator")
    return [] if value is None else [part.strip() for part in _plain(value).split(between)]


def join(value: Any, /, separator: Any = ", ") -> Any:
    """One text of a list's texts and numbers, without those that are null or empty."""
    between = _argument(separator, "separator", least=0)
    parts = [part for part in map(_plain, _list(value)) if part]
    _check_size(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


def slug(value: Any, /, separator: Any = "-") -> Any:
    """In lower case, with nothing but letters and digits of ASCII and the separator."""
    between = _argument(separator, "separator", least=0, most=5)
    plain = unicodedata.normalize("NFKD", _plain(value).casefold()).encode("ascii", "ignore")
    return between.join(re.findall(r"[a-z0-9]+", plain.decode()))


def truncate(value: Any, /, length: Any, end: Any = "") -> Any:
    """At most so many characters; where some are cut, `end` is the last of them."""
    most = _whole(length, "length", 0, LONGEST_TEXT)
    mark = _argument(end, "end", least=0)
    if len(mark) > most:
        raise Unusable("end must be no longer than length")
    whole = _plain(value)
    return whole if len(whole) <= most else whole[: most - len(mark)] + mark


def map_(value: Any, /, attribute: Any) -> Any:
    """The list of what the objects of a list have at a path, null where they have nothing."""
    path = _path(attribute)
    return [paths.read(item, path) for item in _list(value)]


def select(value: Any, /, attribute: Any, equals: Any = _TRUTHY) -> Any:
    """Those objects of a list whose value at a path equals the given one, or is not empty."""
    path = _path(attribute)
    found = ((item, paths.read(item, path)) for item in _list(value))
    if equals is _TRUTHY:
        return [item for item, at in found if at]
    return [item for item, at in found if at == equals]


def first(value: Any, /) -> Any:
    """The first of a list, or the first character of a text."""
    return _end(value, 0)


def last(value: Any, /) -> Any:
    """The last of a list, or the last character of a text."""
    return _end(value, -1)


def _end(value: Any, place: int) -> Any:
    if isinstance(value, dict):
        raise Unusable("it needs a list or a text, not an object")
    rows = value if isinstance(value, list) else _plain(value)
    return rows[place] if rows else None


def unique(value: Any, /) -> Any:
    """The list without what stood in it before."""
    kept: dict[str, Any] = {}
    for item in _list(value):
        kept.setdefault(values.written(item, sort_keys=True), item)
    return list(kept.values())


def sort(value: Any, /, attribute: Any = None) -> Any:
    """The list in order, or by what its objects have at a path: numbers, then text, then null."""
    path = None if attribute is None else _path(attribute)
    rows = _list(value)
    return sorted(rows, key=lambda row: _rank(row if path is None else paths.read(row, path)))


def _rank(value: Any) -> tuple[int, Any]:
    if value is None:
        return (2, 0)
    if isinstance(value, str):
        return (1, value.casefold())
    if isinstance(value, dict | list) or (isinstance(value, float) and math.isnan(value)):
        raise Unusable("it can put only text and numbers in order")
    return (0, value)


def length(value: Any, /) -> Any:
    """How many items a list, fields an object or characters a text has."""
    return len(value if isinstance(value, dict | list) else _plain(value))


def to_json(value: Any, /) -> Any:
    """The value as JSON: a text in quotes, null as `null`."""
    return values.written(value)


def from_json(value: Any, /) -> Any:
    """The value that a JSON text holds."""
    if value is None:
        return None
    whole = _plain(value)
    _check_size(len(whole))
    try:
        return json.loads(whole, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise Unusable("it nests too deep") from None
    except ValueError:
        raise Unusable("it is no JSON") from None


def _refuse(_constant: str) -> NoReturn:
    raise ValueError


def _finite(digits: str) -> float:
    read = float(digits)
    if not math.isfinite(read):
        raise ValueError
    return read


def default(value: Any, /, fallback: Any = "", empty: Any = False) -> Any:  # noqa: FBT002
    """The fallback where the value is null or missing; with `true`, where it is empty text too."""
    if value is None or (empty and isinstance(value, str) and not value.strip()):
        return fallback
    return value


def random_password(length: Any = 20, /) -> Any:
    """A new password of so many characters, 12 to 128: small and capital letters, digits, signs.

    A new one each time it is asked for.
    """
    count = _whole(length, "its length", SHORTEST_PASSWORD, LONGEST_PASSWORD)
    characters = [secrets.choice(letters) for letters in _CLASSES]
    everything = "".join(_CLASSES)
    characters += [secrets.choice(everything) for _ in range(count - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def number(value: Any, /, decimal: Any = None) -> Any:
    """The number that a text holds; `decimal` is "." or ",", the other may group thousands."""
    if decimal not in (None, ".", ","):
        raise Unusable('decimal must be "." or ","')
    return None if value is None or value == "" else values.number(value, decimal)


def boolean(value: Any, /) -> Any:
    """True for true, 1 and yes; false for false, 0 and no."""
    return None if value is None or value == "" else values.truth(value)


def text(value: Any, /) -> Any:
    """The text: JSON for a list and an object, nothing for null."""
    return values.text(value)


def _plain(value: Any) -> str:
    """A text, or a number's or a truth's."""
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "a list"
        raise Unusable(f"it needs a text, not {kind}")
    return values.text(value)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unusable("it needs a list")
    return value


def _argument(value: Any, name: str, least: int = 1, most: int = 4_000) -> str:
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise Unusable(f"{name} must be text of {least} to {most} characters")
    return value


def _path(attribute: Any) -> str:
    path = _argument(attribute, "attribute", most=paths.LONGEST_PATH)
    bad = paths.parse(path)
    if isinstance(bad, paths.BadPath):
        raise Unusable(f"attribute is no path: it {bad.message}")
    return path


def _whole(value: Any, name: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Unusable(f"{name} must be a whole number from {least} to {most}")
    return value


def _check_size(size: int) -> None:
    if size > LONGEST_TEXT:
        raise Unusable(f"the text grows beyond {LONGEST_TEXT} characters")


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{
            one.__name__: one
            for one in (
                parse_date, format_date, shift_date, lower, upper, trim, title, capitalize,
                replace, regex_replace, split, join, slug, truncate, select, first, last, unique,
                sort, length, to_json, from_json, default, random_password, number, boolean, text,
            )
        },
        "json": to_json,
        "map": map_,
        "tojson": to_json,
    }
)  # fmt: skip
"""Every filter by its name in templates."""
