"""Headers and parameters that go with every call, and schedules that end."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.integrations.rules import pair_faults, schedule_faults

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize("name", ["X-Tenant", "x", "Accept-Language", "X_1.a~"])
def test_a_header_of_ones_own_is_taken(name: str) -> None:
    assert pair_faults({name: "acme; v=1"}, {}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "1"),
        ("X A", "1"),
        ("X:A", "1"),
        ("X-\u00c4", "1"),
        ("X-A\r\n", "1"),
        ("HOST", "elsewhere"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("Proxy-Authorization", "x"),
        ("Authorization", "Bearer x"),
        ("Cookie", "a=b"),
        ("X-A", " padded "),
        ("X-A", "a\tb"),
        ("X-A", "a\nb"),
        ("X-A", "\u20ac"),
        ("X-A", "x" * 1001),
    ],
)
def test_a_header_that_could_do_harm_is_refused(name: str, value: str) -> None:
    ((field, _),) = pair_faults({name: value}, {})
    assert field == f"headers.{name}"


@pytest.mark.parametrize(
    ("name", "value"), [("", "1"), (" ", "1"), ("a" * 101, "1"), ("a\n", "1"), ("a", "\x00")]
)
def test_a_parameter_at_fault_is_refused(name: str, value: str) -> None:
    assert [field for field, _ in pair_faults({}, {name: value})] == [f"params.{name}"]


@given(st.text(max_size=50), st.text(max_size=50))
def test_what_is_taken_cannot_break_out_of_its_line(name: str, value: str) -> None:
    if pair_faults({name: value}, {}) == []:
        assert not {"\r", "\n", "\0", ":"} & set(name)
        assert not {"\r", "\n", "\0"} & set(value)


def test_every_fault_is_told() -> None:
    found = pair_faults({"Host": "x", "X-A": "ok"}, {"": "1", "a": "ok"})
    assert [field for field, _ in found] == ["headers.Host", "params."]


@pytest.mark.parametrize(
    ("expression", "fires"),
    [
        ("rate(1 day)", True),
        ("cron(0 0 29 2 ? *)", True),
        ("cron(0 0 30 2 ? *)", False),
        ("cron(59 23 31 12 ? 2026)", True),
        ("cron(0 0 24 11 ? 2026)", False),
    ],
)
def test_a_schedule_fires_again_or_is_refused(expression: str, *, fires: bool) -> None:
    faults = schedule_faults({"expression": expression, "timezone": "UTC"}, MOMENT)
    assert [field for field, _ in faults] == ([] if fires else ["schedule.expression"])
