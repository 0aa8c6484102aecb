"""A broken app is asked less and less often; what is not its fault does not count."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rollcall.integrations.cron import until_next
from rollcall.sync.quarantine import EXCUSED, LONGEST, OVER, SHORTEST, after_failure, pause, rests

NIGHT = datetime(2026, 11, 23, 2, 0, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def failures(number: int, code: str = "vendor-broken", every: timedelta = DAY) -> dict[str, Any]:
    """The state after so many failed runs, a day apart."""
    state: dict[str, Any] = {}
    for night in range(number):
        state |= after_failure(state, code, "it answers 500", NIGHT + night * DAY, every)
    return state


@pytest.mark.parametrize("number", [0, 1, 2])
def test_two_failures_are_no_quarantine(number: int) -> None:
    state = failures(number)
    assert state.get("failures", 0) == number
    assert rests(state, NIGHT + number * DAY) is None


def test_the_third_failure_rests_the_schedule_for_its_own_interval() -> None:
    state = failures(3)
    assert state["quarantine"] == {
        "since": "2026-11-25T02:00:09.000Z",
        "until": "2026-11-26T02:00:09.000Z",
        "failures": 3,
        "reason": "vendor-broken: it answers 500",
    }
    until = NIGHT + 3 * DAY
    assert "it answers 500" in str(rests(state, until - timedelta(seconds=1)))
    assert rests(state, until) is None, "a run at that very time is tried"


def test_each_further_failure_doubles_it_and_remembers_since_when() -> None:
    fourth, fifth = failures(4)["quarantine"], failures(5)["quarantine"]
    assert fourth["since"] == fifth["since"] == "2026-11-25T02:00:09.000Z"
    assert fourth["until"] == "2026-11-28T02:00:09.000Z"
    assert fifth["until"] == "2026-12-01T02:00:09.000Z"


@pytest.mark.parametrize("code", sorted(EXCUSED))
def test_what_is_not_the_apps_fault_neither_counts_nor_ends_the_count(code: str) -> None:
    state = failures(2)
    assert after_failure(state, code, "", NIGHT, DAY) == {}
    assert failures(9, code) == {}


def test_a_run_that_works_forgets_everything() -> None:
    state = {**failures(6), **OVER}
    assert rests(state, NIGHT) is None
    assert "quarantine" not in after_failure(
        {name: value for name, value in state.items() if value is not None},
        "vendor-broken",
        "",
        NIGHT,
        DAY,
    )


@given(
    number=some.integers(3, 10_000),
    every=some.timedeltas(timedelta(minutes=1), timedelta(days=99_999)),
)
def test_a_pause_is_never_shorter_than_a_quarter_of_an_hour_nor_longer_than_a_week(
    number: int, every: timedelta
) -> None:
    assert SHORTEST <= pause(number, every) <= pause(number + 1, every) <= LONGEST


@pytest.mark.parametrize(
    ("expression", "zone", "moment", "wanted"),
    [
        ("rate(5 minutes)", "UTC", "2026-11-23T02:00:00+00:00", timedelta(minutes=5)),
        ("cron(0 2 * * ? *)", "UTC", "2026-11-23T02:00:09+00:00", timedelta(hours=23.9975)),
        # The clocks go forward on 29 March 2026 and back on 25 October 2026.
        ("cron(0 4 * * ? *)", "Europe/Berlin", "2026-03-28T03:00:00+00:00", timedelta(hours=23)),
        ("cron(0 4 * * ? *)", "Europe/Berlin", "2026-10-24T02:00:00+00:00", timedelta(hours=25)),
        # 02:30 does not exist on that day: there is no run.
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T01:30:00+00:00", timedelta(hours=47)),
        # 02:30 is there twice: there is one run.
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-25T00:30:00+00:00", timedelta(hours=25)),
        ("cron(0 6 ? * MON-FRI *)", "UTC", "2026-11-27T06:00:00+00:00", timedelta(days=3)),
        ("cron(0 6 ? * 2#1 *)", "UTC", "2026-11-02T06:00:00+00:00", timedelta(days=35)),
        ("cron(0 6 ? * FRIL *)", "UTC", "2026-11-20T06:00:00+00:00", timedelta(days=7)),
        ("cron(0 6 L * ? *)", "UTC", "2026-11-30T06:00:00+00:00", timedelta(days=31)),
        ("cron(0 6 1W * ? *)", "UTC", "2026-07-31T06:00:00+00:00", timedelta(days=3)),
        ("cron(0 6 LW * ? *)", "UTC", "2026-10-29T06:00:00+00:00", timedelta(days=1)),
        (
            "cron(0/20 8-17 * * ? *)",
            "UTC",
            "2026-11-23T17:40:00+00:00",
            timedelta(hours=14.3333334),
        ),
        ("cron(0 6 29 2 ? *)", "UTC", "2026-11-23T06:00:00+00:00", timedelta(days=463)),
        ("cron(0 6 * * ? 2030)", "UTC", "2031-01-01T00:00:00+00:00", None),
        ("cron(0 6 31 2 ? *)", "UTC", "2026-11-23T06:00:00+00:00", None),
    ],
)
def test_the_time_to_the_next_run_is_that_of_the_schedule(
    expression: str, zone: str, moment: str, wanted: timedelta | None
) -> None:
    schedule = {"expression": expression, "timezone": zone}
    found = until_next(schedule, datetime.fromisoformat(moment))
    if wanted is None or found is None:
        assert found is wanted
    else:
        assert abs(found - wanted) < timedelta(seconds=1)
