"""When a schedule runs next, as EventBridge Scheduler reckons it. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (2026-11): a time that
the clocks skip in spring has no run, one that they repeat in autumn has one.
"""

import calendar
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from rollcall.integrations.schedule import interval

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FURTHEST = 366 * 9
"""Days: a 29 February can be eight years away."""


def until_next(schedule: Mapping[str, str], moment: datetime) -> timedelta | None:
    """The time from `moment` to the schedule's next run; None if there is none in nine years.

    `schedule` is an integration's: `expression`, `timezone`. Of a rate it is the interval, for
    nobody but EventBridge knows when it began.
    """
    every = interval(schedule["expression"])
    if every is not None:
        return every
    fields = schedule["expression"].removeprefix("cron(").removesuffix(")").upper().split()
    zone = ZoneInfo(schedule["timezone"])
    following = next((at for at in _times(fields, zone, moment) if at > moment), None)
    return following - moment if following is not None else None


def _times(fields: Sequence[str], zone: ZoneInfo, start: datetime) -> Iterator[datetime]:
    """The moments that the six fields name, from the day of `start` on, in UTC."""
    minutes, hours = sorted(_numbers(fields[0], 0, 59)), sorted(_numbers(fields[1], 0, 23))
    months, years = _numbers(fields[3], 1, 12, _MONTHS), _numbers(fields[5], 1970, 2199)
    first = start.astimezone(zone).date()
    for day in (first + timedelta(days=number) for number in range(_FURTHEST)):
        if day.year in years and day.month in months and _is_day(day, fields[2], fields[4]):
            for hour in hours:
                for minute in minutes:
                    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                    at = local.astimezone(UTC)
                    if at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                        yield at


def _is_day(day: date, of_month: str, of_week: str) -> bool:
    if of_month == "?":
        return any(_is_weekday(day, part) for part in of_week.split(","))
    return any(_is_monthday(day, part) for part in of_month.split(","))


def _is_monthday(day: date, part: str) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if part == "L":
        return day.day == last
    if part == "LW":
        return day == _workday(day.replace(day=last))
    if part.endswith("W"):
        return day == _workday(day.replace(day=min(int(part[:-1]), last)))
    return day.day in _numbers(part, 1, 31)


def _workday(day: date) -> date:
    """The working day nearest to `day` in its month."""
    step = {5: -1, 6: 1}.get(day.weekday(), 0)
    near = day + timedelta(days=step)
    # Over the month's edge it is the other side of the weekend.
    return near if near.month == day.month else day - timedelta(days=2 * step)


def _is_weekday(day: date, part: str) -> bool:
    number = day.isoweekday() % 7 + 1
    if part == "L":
        return number == len(_DAYS)
    if part.endswith("L"):
        last = calendar.monthrange(day.year, day.month)[1]
        return number in _numbers(part[:-1], 1, 7, _DAYS) and day.day > last - 7
    weekday, nth, place = part.partition("#")
    if nth:
        return number in _numbers(weekday, 1, 7, _DAYS) and (day.day - 1) // 7 + 1 == int(place)
    return number in _numbers(part, 1, 7, _DAYS)


def _numbers(text: str, first: int, last: int, names: tuple[str, ...] = ()) -> set[int]:
    """The numbers that a field's text stands for, between `first` and `last`."""
    found: set[int] = set()
    for part in text.split(","):
        base, slash, step = part.partition("/")
        low, dash, high = base.partition("-")
        if base in ("*", "?"):
            start, end = first, last
        else:
            start = _number(low, names)
            end = _number(high, names) if dash else (last if slash else start)
        found.update(range(start, end + 1, int(step) if slash else 1))
    return found


def _number(text: str, names: tuple[str, ...]) -> int:
    return names.index(text) + 1 if text in names else int(text)
