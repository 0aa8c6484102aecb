"""When an expression fires, against a naive reading of the same grammar minute by minute."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollcall.integrations.cron import expression_fault, next_times

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(expression: str, after: str, count: int = 3, zone: str = "UTC") -> list[str]:
    found = next_times(expression, zone, at(after), count)
    return [moment.strftime("%Y-%m-%dT%H:%M") for moment in found]


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("rate(5 minutes)", "2026-11-24T10:00",
         ["2026-11-24T10:05", "2026-11-24T10:10", "2026-11-24T10:15"]),
        ("rate(99999 days)", "2026-11-24T10:00",
         ["2300-09-08T10:00", "2574-06-22T10:00", "2848-04-05T10:00"]),
        ("cron(0 3 * * ? *)", "2026-11-24T03:00",
         ["2026-11-25T03:00", "2026-11-26T03:00", "2026-11-27T03:00"]),
        ("cron(0 3 29 2 ? *)", "2026-11-24T03:00",
         ["2028-02-29T03:00", "2032-02-29T03:00", "2036-02-29T03:00"]),
        ("cron(0 0 L * ? *)", "2027-01-31T00:00",
         ["2027-02-28T00:00", "2027-03-31T00:00", "2027-04-30T00:00"]),
        ("cron(0 0 LW * ? *)", "2027-01-01T00:00",
         ["2027-01-29T00:00", "2027-02-26T00:00", "2027-03-31T00:00"]),
        # 1 May 2027 is a Saturday: the weekday nearest to it within May is the 3rd.
        ("cron(0 0 1W 5 ? 2027)", "2027-01-01T00:00", ["2027-05-03T00:00"]),
        # 31 October 2027 is a Sunday: the weekday nearest to it within October is the 29th.
        ("cron(0 0 31W 10 ? 2027)", "2027-01-01T00:00", ["2027-10-29T00:00"]),
        ("cron(0 0 ? * 6L *)", "2026-11-24T00:00",
         ["2026-11-27T00:00", "2026-12-25T00:00", "2027-01-29T00:00"]),
        ("cron(0 0 ? * MON#5 *)", "2026-11-24T00:00",
         ["2026-11-30T00:00", "2027-03-29T00:00", "2027-05-31T00:00"]),
        ("cron(0 0 ? * L *)", "2026-11-24T00:00",
         ["2026-11-28T00:00", "2026-12-05T00:00", "2026-12-12T00:00"]),
        ("cron(0 0 ? * 1 *)", "2026-11-24T00:00",
         ["2026-11-29T00:00", "2026-12-06T00:00", "2026-12-13T00:00"]),
        ("cron(50/7 23 1,L DEC ? 2026)", "2026-11-24T00:00",
         ["2026-12-01T23:50", "2026-12-01T23:57", "2026-12-31T23:50"]),
        ("cron(0 0 1 1 ? 2199)", "2026-11-24T00:00", ["2199-01-01T00:00"]),
    ],
)  # fmt: skip
def test_the_next_times(expression: str, after: str, expected: list[str]) -> None:
    assert times(expression, after) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 3 30 2 ? *)",
        "cron(0 3 31 4,6,9,11 ? *)",
        "cron(0 3 31W 4 ? *)",
        "cron(0 3 1 1 ? 2025)",
        "cron(0 3 29 2 ? 2027)",
        "cron(0 3 ? 2 1#5 2027)",
    ],
)
def test_some_never_fire(expression: str) -> None:
    assert expression_fault(expression) is None
    assert times(expression, "2026-11-24T00:00") == []


def test_a_time_that_the_clocks_skip_has_no_run() -> None:
    found = times("cron(30 2 * * ? *)", "2027-03-27T00:00", 3, "Europe/Berlin")
    assert found == ["2027-03-27T01:30", "2027-03-29T00:30", "2027-03-30T00:30"]
    assert times("cron(30 2 28 3 ? 2027)", "2027-01-01T00:00", 1, "Europe/Berlin") == []


def test_a_time_that_the_clocks_repeat_has_one_run() -> None:
    found = times("cron(30 2 * * ? *)", "2027-10-30T12:00", 2, "Europe/Berlin")
    assert found == ["2027-10-31T00:30", "2027-11-01T01:30"]


def test_a_rate_of_days_counts_24_hours_over_a_change_of_the_clocks() -> None:
    found = next_times("rate(1 day)", "Europe/Berlin", at("2027-03-27T12:00"), 2)
    assert found == [at("2027-03-28T12:00"), at("2027-03-29T12:00")]


def test_a_rate_goes_on_from_its_start() -> None:
    start = at("2026-11-20T06:30")
    found = next_times("rate(12 hours)", "UTC", at("2026-11-24T10:00"), 2, start)
    assert found == [at("2026-11-24T18:30"), at("2026-11-25T06:30")]
    assert next_times("rate(12 hours)", "UTC", at("2026-11-20T06:30"), 1, start) == [
        at("2026-11-20T18:30")
    ]
    assert next_times("rate(12 hours)", "UTC", at("2026-11-01T00:00"), 1, start) == [start]


def _is_month_day(part: str, day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    workdays = [d for d in range(1, last + 1) if day.replace(day=d).isoweekday() <= 5]
    if part == "L":
        return day.day == last
    if part == "LW":
        return day.day == workdays[-1]
    if part.endswith("W"):
        wanted = int(part[:-1])
        # Nearest; at the month's edge it may be two days away.
        nearest = min(workdays, key=lambda d: (abs(d - wanted), d))
        return wanted <= last and day.day == nearest
    return part == "*" or day.day == int(part)


def _is_week_day(part: str, day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    number = day.isoweekday() % 7 + 1
    if part in ("*", DAYS[number - 1], str(number)):
        return True
    if part == "L":
        return number == 7
    if part.endswith("L"):
        return number == int(part[:-1]) and day.day + 7 > last
    wanted, mark, nth = part.partition("#")
    return bool(mark) and number == int(wanted) and (day.day + 6) // 7 == int(nth)


def _day_holds(month_day: str, week_day: str, day: date) -> bool:
    """Does a day fit? Read part by part, without ranges."""
    if month_day != "?":
        return any(_is_month_day(part, day) for part in month_day.split(","))
    return any(_is_week_day(part, day) for part in week_day.split(","))


def naive(fields: list[str], zone: ZoneInfo, after: datetime, minutes: int) -> list[datetime]:
    """Every minute of the window whose local time fits, the first time that it is shown."""
    found = []
    seen: set[datetime] = set()
    start = after.replace(second=0, microsecond=0)
    # What the clocks showed in the hours before, so that a repeated time is known as one.
    for number in range(-180, minutes + 1):
        moment = start + timedelta(minutes=number)
        local = moment.astimezone(zone).replace(tzinfo=None)
        if local in seen:
            continue
        seen.add(local)
        if moment <= after:
            continue
        minute, hour, month_day, month, week_day, year = fields
        if (
            _day_holds(month_day, week_day, local.date())
            and (minute == "*" or str(local.minute) in minute.split(","))
            and (hour == "*" or str(local.hour) in hour.split(","))
            and (month == "*" or {str(local.month), MONTHS[local.month - 1]} & {*month.split(",")})
            and (year == "*" or str(local.year) in year.split(","))
        ):
            found.append(moment)
    return found


def some(values: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(",".join)


MONTH_DAYS = [*map(str, range(1, 32)), "L", "LW", *(f"{day}W" for day in range(1, 32))]
WEEK_DAYS = [
    *map(str, range(1, 8)), *DAYS, "L", *(f"{day}L" for day in range(1, 8)),
    *(f"{day}#{nth}" for day in range(1, 8) for nth in range(1, 6)),
]  # fmt: skip
EXPRESSIONS = st.tuples(
    some([*map(str, range(60))]),
    st.one_of(st.just("*"), some([*map(str, range(24))])),
    st.one_of(
        st.tuples(st.one_of(st.just("*"), some(MONTH_DAYS)), st.just("?")),
        st.tuples(st.just("?"), st.one_of(st.just("*"), some(WEEK_DAYS))),
    ),
    st.one_of(st.just("*"), some([*map(str, range(1, 13)), *MONTHS])),
    st.sampled_from(["*", "2026", "2027", "2026,2027"]),
).map(lambda one: [one[0], one[1], one[2][0], one[3], one[2][1], one[4]])
# Days around the changes of the clocks, and any other.
MOMENTS = st.one_of(
    st.sampled_from(
        [at(f"{day}T00:00") for day in
         ("2027-03-13", "2027-03-27", "2027-04-03", "2027-10-02", "2027-10-30", "2027-11-06")]
    ),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)).map(  # noqa: DTZ001
        lambda moment: moment.replace(tzinfo=UTC)
    ),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, st.sampled_from(ZONES), MOMENTS)
def test_it_fires_as_a_naive_reading_says(fields: list[str], zone: str, after: datetime) -> None:
    expression = f"cron({' '.join(fields)})"
    assert expression_fault(expression) is None
    window = 4 * 24 * 60
    until = after.replace(second=0, microsecond=0) + timedelta(minutes=window)
    found = [m for m in next_times(expression, zone, after, 3 * window) if m <= until]
    assert found == naive(fields, ZoneInfo(zone), after, window)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 59), st.integers(0, 59), st.integers(1, 59), st.booleans(), MOMENTS)
def test_ranges_and_steps_are_the_numbers_they_stand_for(
    low: int, high: int, step: int, open_end: bool, after: datetime
) -> None:
    low, high = sorted((low, high))
    base = str(low) if open_end else f"{low}-{high}"
    numbers = ",".join(map(str, range(low, (59 if open_end else high) + 1, step)))
    short = next_times(f"cron({base}/{step} 3 * * ? *)", "UTC", after, 70)
    assert short == next_times(f"cron({numbers} 3 * * ? *)", "UTC", after, 70)
