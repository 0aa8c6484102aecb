"""How a value that an app sent compares with one that an administrator typed. Pure functions."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from rollcall.connectors import paths
from rollcall.mapping import values

_NUMERIC = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?", re.ASCII)
_DISTANCE = re.compile(r"([+-])(\d{1,5})([wdhm])", re.ASCII)
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
_LEAST_UNIX, _MOST_UNIX = 10**8, 10**13


def equals(wanted: Any) -> Callable[[Any], bool]:
    """Whether a seen value is this one, which is text, a number, true or false.

    Text without case and surrounding spaces; a number and numeric text by what they count; true
    and false with every form that `paths.truth` knows. Nothing equals anything else.
    """
    if isinstance(wanted, bool):
        return lambda seen: paths.truth(seen) is wanted
    if isinstance(wanted, str):
        folded = wanted.strip().casefold()
        number, truth = _number(folded), paths.truth(folded)

        def equal(seen: Any) -> bool:
            if isinstance(seen, str):
                return seen.strip().casefold() == folded
            if isinstance(seen, bool):
                return seen is truth
            return isinstance(seen, int | float) and seen == number

        return equal
    if isinstance(wanted, int | float):

        def equal_number(seen: Any) -> bool:
            if isinstance(seen, bool):
                return wanted in (0, 1) and bool(wanted) is seen
            return (_number(seen.strip()) if isinstance(seen, str) else seen) == wanted

        return equal_number
    return lambda _seen: False


def is_empty(seen: Any) -> bool:
    """Whether there is nothing: null, text of spaces, an empty list or object."""
    return seen is None or (isinstance(seen, str) and not seen.strip()) or seen in ([], {})


def written(value: Any) -> str | None:
    """Text as it is, or a number's; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value)


def text(value: Any) -> str | None:
    """Text, or a number's, without case and surrounding spaces; None for anything else."""
    found = written(value)
    return None if found is None else found.strip().casefold()


def moment(value: Any) -> datetime | None:
    """A point in time, in UTC: what `values.moment` reads. None for what is no date, MySQL's zero
    date too, and a number that is no Unix time of these years.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if not isinstance(value, str) and not _LEAST_UNIX <= value < _MOST_UNIX:
        return None
    try:
        return values.moment(value)
    except values.Unusable:
        return None


def distance(value: Any) -> timedelta | None:
    """How far from now: `-90d`, `-12h`, `-30m`, `-2w`, `+1d`; None for anything else."""
    found = _DISTANCE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    far = timedelta(**{_UNITS[found[3]]: int(found[2])})
    return far if found[1] == "+" else -far


def cut(value: str, most: int) -> str:
    """Text of at most so many characters."""
    return value if len(value) <= most else f"{value[: most - 1]}…"


def _number(value: str) -> int | float | None:
    if not _NUMERIC.fullmatch(value):
        return None
    return float(value) if "." in value else int(value)
