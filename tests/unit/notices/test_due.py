"""Each thing is told once, however long it lasts, and its end is told once."""

import pytest

from rollcall.notices.due import Ended, Kind, due


def told_over(*events: Ended) -> list[tuple[Kind, ...]]:
    """What is told of one run after another."""
    told: dict[str, str] = {}
    found = []
    for event in events:
        kinds, told = due(told, event)
        found.append(kinds)
    return found


def failed(run_id: str, code: str = "vendor-broken", *, quarantined: bool = False) -> Ended:
    return Ended(run_id, "failed", code, quarantined=quarantined)


def good(run_id: str) -> Ended:
    return Ended(run_id, "good")


def held(run_id: str) -> Ended:
    return Ended(run_id, "held")


def test_a_run_that_succeeds_after_one_that_did_is_no_news() -> None:
    assert told_over(good("1"), good("2")) == [(), ()]


def test_a_failure_is_told_on_the_first_night_only() -> None:
    assert told_over(failed("1"), failed("2"), failed("3")) == [("failure",), (), ()]


def test_a_failure_of_another_kind_of_code_is_the_same_failure() -> None:
    assert told_over(failed("1"), failed("2", "count-mismatch")) == [("failure",), ()]


def test_a_recovery_is_told_once_and_then_a_failure_is_news_again() -> None:
    nights = told_over(failed("1"), good("2"), good("3"), failed("4"))
    assert nights == [("failure",), ("recovery",), (), ("failure",)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("vendor-unauthorized", "reconnect"),
        ("time-limit", "time-limit"),
        ("execution-gone", "failure"),
        ("empty-listing", "failure"),
    ],
)
def test_codes_have_their_kind_of_notice_and_recover(code: str, kind: Kind) -> None:
    nights = told_over(failed("1", code), failed("2", code), good("3"))
    assert nights == [(kind,), (), ("recovery",)]


def test_a_refused_key_after_a_failure_is_told_too() -> None:
    nights = told_over(failed("1"), failed("2", "vendor-unauthorized"), good("3"))
    assert nights == [("failure",), ("reconnect",), ("recovery",)]


def test_a_hold_is_told_once_for_each_run_that_is_held() -> None:
    assert told_over(held("1"), held("1"), held("2")) == [("hold",), (), ("hold",)]


def test_a_hold_that_is_over_is_no_recovery() -> None:
    assert told_over(held("1"), good("1")) == [("hold",), ()]


def test_a_hold_ends_no_failure() -> None:
    nights = told_over(failed("1"), held("2"), failed("3"), good("4"))
    assert nights == [("failure",), ("hold",), (), ("recovery",)]


def test_a_quarantine_is_told_once_in_an_episode() -> None:
    nights = told_over(
        failed("1"),
        failed("2"),
        failed("3", quarantined=True),
        failed("4", quarantined=True),
        good("5"),
        failed("6", quarantined=True),
    )
    assert nights == [
        ("failure",), (), ("quarantine",), (), ("recovery",), ("failure", "quarantine"),
    ]  # fmt: skip
