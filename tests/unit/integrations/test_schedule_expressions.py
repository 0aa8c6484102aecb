"""The expressions that EventBridge Scheduler takes, and those it would refuse."""

from datetime import timedelta

import pytest

from rollcall.integrations.cron import expression_fault, interval, is_timezone


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minute)",
        "rate(2 minutes)",
        "rate(1 hour)",
        "rate(12 hours)",
        "rate(1 day)",
        "rate(99999 days)",
        "cron(0 3 * * ? *)",
        "cron(0/15 * * * ? *)",
        "cron(*/5 8-18 ? * MON-FRI *)",
        "cron(0,30 0 1,15 JAN,jul ? 2026-2030)",
        "cron(59 23 L 12 ? 2199)",
        "cron(0 0 LW * ? *)",
        "cron(0 0 15W * ? *)",
        "cron(0 0 ? * 6L *)",
        "cron(0 0 ? * SUN#1 *)",
        "cron(0 0 ? 1-12/3 2 1970)",
    ],
)
def test_taken(expression: str) -> None:
    assert expression_fault(expression) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "rate(value unit)"),
        ("daily", "rate(value unit)"),
        ("rate(1 days)", "singular"),
        ("rate(2 day)", "plural"),
        ("rate(0 days)", "rate(value unit)"),
        ("rate(-1 days)", "rate(value unit)"),
        ("rate(1.5 hours)", "rate(value unit)"),
        ("rate(05 minutes)", "rate(value unit)"),
        ("rate(100000 days)", "rate(value unit)"),
        ("rate(1 week)", "rate(value unit)"),
        ("rate(30 seconds)", "rate(value unit)"),
        ("rate(1  day)", "rate(value unit)"),
        (" rate(1 day)", "rate(value unit)"),
        ("rate(1 day)\n", "rate(value unit)"),
        ("rate(٣ days)", "rate(value unit)"),
        ("at(2026-12-24T00:00:00)", "one-time"),
        ("cron()", "six fields"),
        ("cron(0 3 * * ?)", "six fields"),
        ("cron(0 3 * * ? * *)", "six fields"),
        ("cron(0  3 * * ? *)", "six fields"),
        ("cron(0 3 * * * *)", "exactly one"),
        ("cron(0 3 ? * ? *)", "exactly one"),
        ("cron(0 3 1 * MON *)", "exactly one"),
        ("cron(60 3 * * ? *)", "minutes"),
        ("cron(? 3 * * ? *)", "minutes"),
        ("cron(0 24 * * ? *)", "hours"),
        ("cron(0 3 0 * ? *)", "day-of-month"),
        ("cron(0 3 32W * ? *)", "day-of-month"),
        ("cron(0 3 1 13 ? *)", "month"),
        ("cron(0 3 1 FOO ? *)", "month"),
        ("cron(0 3 ? * 0 *)", "day-of-week"),
        ("cron(0 3 ? * 8 *)", "day-of-week"),
        ("cron(0 3 ? * MON#6 *)", "day-of-week"),
        ("cron(0 3 ? * FRI-MON *)", "day-of-week"),
        ("cron(0 3 * * ? 1969)", "year"),
        ("cron(0 3 * * ? 20266)", "year"),
        ("cron(0/0 3 * * ? *)", "minutes"),
        ("cron(0/ 3 * * ? *)", "minutes"),
        ("cron(5- 3 * * ? *)", "minutes"),
        ("cron(5,,6 3 * * ? *)", "minutes"),
        ("cron(1-2-3 3 * * ? *)", "minutes"),
        ("cron(*,5/x 3 * * ? *)", "minutes"),
    ],
)
def test_refused(expression: str, said: str) -> None:
    fault = expression_fault(expression)
    assert fault is not None
    assert said in fault


def test_the_time_between_two_runs() -> None:
    assert interval("rate(1 minute)") == timedelta(minutes=1)
    assert interval("rate(36 hours)") == timedelta(hours=36)
    assert interval("rate(7 days)") == timedelta(days=7)
    assert interval("cron(0 3 * * ? *)") is None


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"])
def test_time_zones(name: str) -> None:
    assert is_timezone(name)


@pytest.mark.parametrize(
    "name", ["", "Berlin", "../etc/passwd", "/etc/localtime", "UTC+1", "Factory"]
)
def test_no_time_zones(name: str) -> None:
    assert not is_timezone(name)
