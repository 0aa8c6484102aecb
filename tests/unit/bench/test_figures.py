import pytest

from bench.figures import Figure, at_most, exit_code, reported, times_floor


def test_a_figure_at_its_limit_is_ok_and_one_above_it_is_not() -> None:
    assert times_floor("s", 1.5, 1.0, 1.5).ok
    assert not times_floor("s", 1.5001, 1.0, 1.5).ok
    assert at_most("calls", 219, 219, "what the pages need").ok
    assert not at_most("calls", 220, 219, "what the pages need").ok


def test_a_limit_of_none_at_all_is_a_limit() -> None:
    assert at_most("answers 429", 0, 0, "none").ok
    assert not at_most("answers 429", 1, 0, "none").ok


def test_what_is_no_number_keeps_no_limit() -> None:
    assert not at_most("s", float("nan"), 150, "150").ok
    assert not times_floor("s", 1.0, float("nan"), 1.5).ok


def test_what_is_only_reported_misses_nothing() -> None:
    assert reported("first sync", 1e9, 1.0).ok


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ([], 1),
        ([at_most("a", 1, 1, "")], 0),
        ([at_most("a", 1, 1, ""), reported("b", 9)], 0),
        ([at_most("a", 2, 1, ""), at_most("b", 1, 1, "")], 1),
    ],
)
def test_one_missed_limit_or_no_figure_at_all_fails(figures: list[Figure], code: int) -> None:
    assert exit_code(figures) == code


def test_a_figure_as_json_says_its_limit_in_the_unit_of_its_value() -> None:
    assert times_floor("unchanged sync (s)", 8.0, 5.0, 1.5).as_json() == {
        "name": "unchanged sync (s)",
        "value": 8.0,
        "floor": 5.0,
        "ratio": 1.6,
        "limit": 7.5,
        "ok": False,
    }


def test_there_is_no_ratio_to_a_floor_of_nothing() -> None:
    assert reported("laps", 2).ratio is None
    assert reported("laps", 2, 0).ratio is None
