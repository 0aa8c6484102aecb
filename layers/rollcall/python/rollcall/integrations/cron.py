"""The expressions that say when to sync, and the times at which they fire. Pure functions.

Grammar and clock changes: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
(2026-11). One-time schedules, at(…), are no way to keep a roster and are refused.

- A local time that the clocks skip in spring does not fire; one that comes twice in autumn fires
  once, and that is taken to be the first time. A rate counts elapsed time: a day is 24 hours.
- Days of the week go from 1 (SUN) to 7 (SAT). `L` there is the last of the week, SAT; `6L` is the
  month's last FRI; `6#3` its third. `L` among the days of the month is the last, `LW` its last
  weekday, `15W` the weekday nearest to the 15th within the month. AWS does not say what `31W` is
  in a month of 30 days: here it does not fire.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice, product
from zoneinfo import ZoneInfo, available_timezones

_RATE = re.compile(r"rate\(([1-9][0-9]{0,4}) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY = 7
_WEEK = 7
_YEAR_DIGITS = 4


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a cron expression: its name, its numbers, their names, what else it takes."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    special: str = ""

    def fault(self, text: str) -> str | None:
        """Why `text` is no value of this field, or None."""
        if text == "?" and self.special:
            return None
        if all(self._takes(part) for part in text.upper().split(",")):
            return None
        return f"{text!r} is no value for {self.name} ({self.first} to {self.last})"

    def is_special(self, part: str) -> bool:
        """Is this part, in capitals, one that only the calendar gives a meaning?"""
        return bool(self.special) and re.fullmatch(self.special, part) is not None

    def numbers(self, text: str) -> frozenset[int]:
        """The numbers that `text`, which has no fault, names; special parts name none."""
        parts = [part for part in text.upper().split(",") if not self.is_special(part)]
        return frozenset(number for part in parts for number in self._range(part))

    def _range(self, part: str) -> range:
        base, _, step = part.partition("/")
        if base == "*":
            return range(self.first, self.last + 1, int(step or 1))
        start, dash, end = base.partition("-")
        low = self._number(start)
        high = self._number(end) if dash else (self.last if step else low)
        if low is None or high is None:
            raise ValueError(f"{part!r} is no value for {self.name}")
        return range(low, high + 1, int(step or 1))

    def _takes(self, part: str) -> bool:
        if self.is_special(part):
            return True
        base, slash, step = part.partition("/")
        if slash and not (step.isascii() and step.isdecimal() and 0 < int(step) <= self.last):
            return False
        if base == "*":
            return True
        start, dash, end = base.partition("-")
        low, high = self._number(start), self._number(end if dash else start)
        return low is not None and high is not None and low <= high

    def _number(self, text: str) -> int | None:
        if text in self.names:
            return self.names.index(text) + 1
        if not (text.isascii() and text.isdecimal() and len(text) <= _YEAR_DIGITS):
            return None
        return int(text) if self.first <= int(text) <= self.last else None


_MINUTES = _Field("minutes", 0, 59)
_HOURS = _Field("hours", 0, 23)
_MONTH_DAYS = _Field("day-of-month", 1, 31, special=r"L|LW|(0?[1-9]|[12][0-9]|3[01])W")
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEK_DAYS = _Field("day-of-week", 1, 7, _DAYS, rf"L|([1-7]|{'|'.join(_DAYS)})(L|#[1-5])")
_YEARS = _Field("year", 1970, 2199)
_FIELDS = (_MINUTES, _HOURS, _MONTH_DAYS, _MONTH, _WEEK_DAYS, _YEARS)


def expression_fault(expression: str) -> str | None:
    """Why EventBridge Scheduler would refuse `expression`, or None: rate(…) and cron(…) only."""
    if expression.startswith("at("):
        return "a one-time schedule keeps nothing in sync: use rate(…) or cron(…)"
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        number, unit, plural = int(rate[1]), rate[2], bool(rate[3])
        if (number == 1) == plural:
            return f"write rate(1 {unit}) in the singular and everything else in the plural"
        return None
    cron = _CRON.fullmatch(expression)
    if cron is None:
        return "must be rate(value unit), such as rate(1 day), or cron(…) with six fields"
    return _cron_fault(cron[1].split(" "))


def _cron_fault(texts: list[str]) -> str | None:
    if len(texts) != len(_FIELDS):
        return "cron(…) has six fields: minutes hours day-of-month month day-of-week year"
    for field, text in zip(_FIELDS, texts, strict=True):
        fault = field.fault(text)
        if fault is not None:
            return fault
    if (texts[2] == "?") == (texts[4] == "?"):
        return "exactly one of day-of-month and day-of-week must be ?"
    return None


def is_timezone(name: str) -> bool:
    """Is this a time zone by its IANA name? UTC always is."""
    return name == "UTC" or name in _timezones()


@cache
def _timezones() -> set[str]:
    """Lambda's Amazon Linux 2023 has the database at /usr/share/zoneinfo, where Python looks; not
    all that lies there is a zone.
    """
    return available_timezones() - {"Factory", "localtime"}


def interval(expression: str) -> timedelta | None:
    """The time between two runs of a rate(…), None for a cron(…), which says its times itself."""
    rate = _RATE.fullmatch(expression)
    return timedelta(**{f"{rate[2]}s": int(rate[1])}) if rate is not None else None


def next_times(
    expression: str,
    timezone: str,
    after: datetime,
    count: int,
    start: datetime | None = None,
) -> list[datetime]:
    """The next `count` times, in UTC, at which a faultless expression fires later than `after`.

    Fewer where a cron ends, none where it never fires again. A rate fires at `start` and every
    interval from it; where no start is known the first interval begins at `after`. Both are aware.
    """
    every = interval(expression)
    if every is None:
        return list(islice(_fires(expression, ZoneInfo(timezone), after.astimezone(UTC)), count))
    first = after + every if start is None else start
    if first <= after:
        first += every * ((after - first) // every + 1)
    return [(first + every * number).astimezone(UTC) for number in range(count)]


def until_next(schedule: Mapping[str, str], moment: datetime) -> timedelta | None:
    """The time from `moment` to the schedule's next run; None where it never runs again.

    Of a rate it is the interval, for nobody but EventBridge knows when it began.
    """
    following = next_times(schedule["expression"], schedule["timezone"], moment, 1)
    return following[0] - moment if following else None


def _fires(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every time later than `after`, in order, that the clocks of the zone show."""
    minutes, hours, month_days, months, week_days, years = expression[5:-1].split(" ")
    clock = sorted(product(_HOURS.numbers(hours), _MINUTES.numbers(minutes)))
    first = after.astimezone(zone).date() - timedelta(days=1)
    for year in sorted(number for number in _YEARS.numbers(years) if number >= first.year):
        for month in sorted(_MONTH.numbers(months)):
            for day in sorted(_days(month_days, week_days, year, month)):
                if date(year, month, day) < first:
                    continue
                for hour, minute in clock:
                    local = datetime(year, month, day, hour, minute, tzinfo=zone)
                    moment = local.astimezone(UTC)
                    # A time that the clocks skip does not come back from UTC as it went.
                    shown = moment.astimezone(zone).replace(tzinfo=None)
                    if moment > after and shown == local.replace(tzinfo=None):
                        yield moment


def _days(month_days: str, week_days: str, year: int, month: int) -> set[int]:
    """The days of that month on which it fires."""
    last = monthrange(year, month)[1]
    found: set[int] = set()
    if month_days != "?":
        found |= {day for day in _MONTH_DAYS.numbers(month_days) if day <= last}
        for part in month_days.upper().split(","):
            found |= _special_month_day(part, year, month)
        return found
    wanted = _WEEK_DAYS.numbers(week_days)
    weekday = {day: _weekday(year, month, day) for day in range(1, last + 1)}
    found |= {day for day in weekday if weekday[day] in wanted}
    for part in week_days.upper().split(","):
        found |= _special_week_day(part, weekday)
    return found


def _special_month_day(part: str, year: int, month: int) -> set[int]:
    last = monthrange(year, month)[1]
    if part == "L":
        return {last}
    if not part.endswith("W"):
        return set()
    wanted = last if part == "LW" else int(part[:-1])
    return {_nearest_weekday(year, month, wanted)} if wanted <= last else set()


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The day from Monday to Friday nearest to that day, without leaving the month."""
    last = monthrange(year, month)[1]
    match _weekday(year, month, day):
        case 7:  # Saturday
            return day - 1 if day > 1 else day + 2
        case 1:  # Sunday
            return day + 1 if day < last else day - 2
        case _:
            return day


def _special_week_day(part: str, weekday: dict[int, int]) -> set[int]:
    if part == "L":
        return {day for day in weekday if weekday[day] == _SATURDAY}
    name, mark, place = part.partition("#")
    if not _WEEK_DAYS.is_special(part):
        return set()
    name = name if mark else name[:-1]
    number = _DAYS.index(name) + 1 if name in _DAYS else int(name)
    days = [day for day in weekday if weekday[day] == number]
    if not mark:
        return {days[-1]}
    return {days[int(place) - 1]} if int(place) <= len(days) else set()


def _weekday(year: int, month: int, day: int) -> int:
    """1 for Sunday to 7 for Saturday, as AWS counts."""
    return date(year, month, day).isoweekday() % _WEEK + 1
