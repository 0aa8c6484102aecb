"""From an app's value to a field's: what is taken, what is empty, and what is refused in words."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.fields.model import TYPES, Type
from rollcall.mapping.convert import Unconvertible, check_options, convert
from rollcall.mapping.storing import LARGEST, LONGEST_TEXT, unstorable

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([10**40, "\ud800", "1e999", "2026-01-31", "0000-00-00", "x" * 200_000])
    | st.sampled_from(["yes", "1;2;3", "9999-12-31T23:59:59-14:00", "a" * 300]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
options_that_are_right = st.sampled_from(
    [
        None, {},
        {"type": "date"}, {"type": "date", "format": "%Y-%m-%d", "timezone": "Asia/Tokyo"},
        {"type": "boolean"}, {"type": "boolean", "true": ["a"], "false": ["b", "yes"]},
        {"type": "boolean", "true": ["yes"]}, {"type": "boolean", "false": ["yes"]},
        {"type": "number"}, {"type": "number", "decimal": ","}, {"type": "number", "decimal": "."},
        {"type": "list"}, {"type": "list", "separator": ";", "pick": "last"},
        {"type": "list", "pick": "first"}, {"type": "list", "pick": "all", "join": ""},
    ]
)  # fmt: skip


@given(json_values, st.sampled_from(TYPES), options_that_are_right)
def test_any_json_becomes_what_the_field_can_hold_or_is_told_why_not(
    value: Any, field_type: Type, options: dict[str, Any] | None
) -> None:
    assert not options or check_options(options) == []
    made = convert(value, field_type, options)
    if isinstance(made, Unconvertible):
        assert made.message
    else:
        assert made is None or unstorable(made, field_type) is None


@pytest.mark.parametrize("field_type", TYPES)
@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_nothing_stays_nothing(value: Any, field_type: Type) -> None:
    for options in (None, {}, {"type": "list"}, {"type": "boolean", "false": ["x"]}):
        assert convert(value, field_type, options) is None


@pytest.mark.parametrize(
    ("value", "field_type", "expected"),
    [
        (" Ann ", "text", "Ann"),
        (5, "text", "5"),
        (1.5, "text", "1.5"),
        (True, "text", "true"),
        (False, "long_text", "false"),
        ("5", "number", 5),
        (" -1.50 ", "number", -1.5),
        (2.5, "number", 2.5),
        ("YES", "boolean", True),
        ("No", "boolean", False),
        (1, "boolean", True),
        ("0", "boolean", False),
        (False, "boolean", False),
        ("2026-01-31", "datetime", "2026-01-31T00:00:00.000Z"),
        ("Sat, 31 Jan 2026 10:00:00 +0200", "datetime", "2026-01-31T08:00:00.000Z"),
        (1769900400, "datetime", "2026-01-31T23:00:00.000Z"),
        ("0000-00-00 00:00:00", "datetime", None),
        ({"a": [1, None]}, "json", {"a": [1, None]}),
        ('{"a": 1}', "json", '{"a": 1}'),
        (0, "json", 0),
    ],
)
def test_a_value_becomes_what_its_field_holds(value: Any, field_type: Type, expected: Any) -> None:
    made = convert(value, field_type)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("value", "field_type", "word"),
    [
        ({}, "text", "an object"),
        (["a"], "long_text", "a list"),
        ("a" * (LONGEST_TEXT + 1), "text", "characters"),
        ("a" * (LARGEST + 1), "long_text", "characters"),
        ("a\ud800", "text", "surrogate"),
        (float("nan"), "text", "finite"),
        (10**40, "text", "38 digits"),
        ("five", "number", "no number"),
        ("1,5", "number", "no number"),
        ("1_000", "number", "no number"),
        ("nan", "number", "no number"),
        ("1e999", "number", "finite"),
        (float("inf"), "number", "finite"),
        (10**38, "number", "38 digits"),
        (True, "number", "no number"),
        ([1], "number", "no number"),
        ("active", "boolean", "neither"),
        (2, "boolean", "neither"),
        (1.0, "boolean", "neither"),
        ([True], "boolean", "neither"),
        ("31.01.2026", "datetime", "no date"),
        (True, "datetime", "no date"),
        ({"date": "2026-01-31"}, "datetime", "no date"),
        (10**20, "datetime", "no date"),
        ([float("nan")], "json", "finite"),
        (["a" * 60_000, "b" * 60_000], "json", "characters"),
    ],
)
def test_what_a_field_cannot_hold_is_refused_in_words(
    value: Any, field_type: Type, word: str
) -> None:
    made = convert(value, field_type)
    assert isinstance(made, Unconvertible)
    assert word in made.message


def test_a_value_that_nests_without_end_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for field_type in TYPES:
        assert isinstance(convert(deep, field_type), Unconvertible)
        assert isinstance(convert(deep, field_type, {"type": "list"}), Unconvertible)


def test_a_number_that_python_cannot_write_is_refused() -> None:
    for field_type in TYPES:
        assert isinstance(convert(10**5_000, field_type), Unconvertible)


def test_a_refusal_does_not_repeat_the_value() -> None:
    for field_type in ("number", "boolean", "datetime"):
        made = convert("hunter2", field_type)
        assert isinstance(made, Unconvertible)
        assert "hunter2" not in made.message


# Converters


@pytest.mark.parametrize(
    ("options", "value", "field_type", "expected"),
    [
        ({"type": "date", "format": "%d.%m.%Y", "timezone": "Europe/Berlin"}, "31.01.2026",
         "datetime", "2026-01-30T23:00:00.000Z"),
        ({"type": "date", "timezone": "Europe/Berlin"}, "2026-07-01T00:00:00", "text",
         "2026-06-30T22:00:00.000Z"),
        ({"type": "date", "timezone": "Europe/Berlin"}, "2026-07-01T00:00:00Z", "datetime",
         "2026-07-01T00:00:00.000Z"),
        ({"type": "date", "format": "%Y%m%d"}, 20260131, "datetime", "2026-01-31T00:00:00.000Z"),
        ({"type": "date"}, "0000-00-00", "datetime", None),
        ({"type": "boolean", "true": ["Active"], "false": ["locked"]}, " ACTIVE", "boolean", True),
        ({"type": "boolean", "true": ["active"], "false": ["2"]}, 2, "text", "false"),
        ({"type": "boolean", "true": ["active"]}, "whatever", "boolean", False),
        ({"type": "boolean", "false": ["locked"]}, "whatever", "boolean", True),
        ({"type": "boolean", "true": ["false"], "false": ["true"]}, True, "boolean", False),
        ({"type": "number", "decimal": ","}, "1.234,5", "number", 1234.5),
        ({"type": "number", "decimal": "."}, "1,234", "text", "1234"),
        ({"type": "list"}, "a, b,,c ", "json", ["a", "b", "c"]),
        ({"type": "list", "separator": "; ", "pick": "first"}, "a; b", "text", "a"),
        ({"type": "list", "pick": "last"}, ["a", " b ", None, ""], "text", "b"),
        ({"type": "list", "pick": "first"}, ["5", "6"], "number", 5),
        ({"type": "list", "pick": "first"}, [{"a": 1}], "json", {"a": 1}),
        ({"type": "list", "join": "/"}, [1, True, "c"], "text", "1/true/c"),
        ({"type": "list", "join": "/"}, ", ,", "text", None),
        ({"type": "list", "pick": "last"}, [], "text", None),
    ],
)  # fmt: skip
def test_a_converter_looks_at_the_value_first(
    options: dict[str, Any], value: Any, field_type: Type, expected: Any
) -> None:
    assert check_options(options) == []
    assert convert(value, field_type, options) == expected


@pytest.mark.parametrize(
    ("options", "value", "field_type", "word"),
    [
        ({"type": "date", "format": "%d.%m.%Y"}, "2026-01-31", "datetime", "of that format"),
        ({"type": "date", "format": "%d.%m.%Y"}, "31.02.2026", "text", "of that format"),
        ({"type": "date", "timezone": "Asia/Tokyo"}, "0001-01-01", "datetime", "no date"),
        ({"type": "date"}, ["2026-01-31"], "datetime", "no date"),
        ({"type": "boolean", "true": ["a"], "false": ["b"]}, "c", "boolean", "none of the values"),
        ({"type": "boolean", "true": ["a"]}, {"a": 1}, "boolean", "an object"),
        ({"type": "number", "decimal": ","}, "1.5", "number", "no number"),
        ({"type": "list"}, {"a": 1}, "text", "an object"),
        ({"type": "list"}, "a,b", "text", "a list"),
        ({"type": "list", "join": ","}, [["a"]], "text", "a list"),
        ({"type": "list", "pick": "first"}, ["x"], "number", "no number"),
        ({"type": "list", "join": "-" * 100}, ["a"] * 5_000, "long_text", "characters"),
    ],
)
def test_what_a_converter_cannot_take_is_refused_in_words(
    options: dict[str, Any], value: Any, field_type: Type, word: str
) -> None:
    assert check_options(options) == []
    made = convert(value, field_type, options)
    assert isinstance(made, Unconvertible)
    assert word in made.message


@pytest.mark.parametrize(
    ("options", "path"),
    [
        (None, ""),
        ([], ""),
        ("date", ""),
        ({}, "type"),
        ({"type": "text"}, "type"),
        ({"type": ["date"]}, "type"),
        ({"type": "date", "decimal": ","}, "decimal"),
        ({"type": "date", "format": "%d.%m"}, "format"),
        ({"type": "date", "format": None}, "format"),
        ({"type": "date", "format": "%Q"}, "format"),
        ({"type": "date", "format": "%Y%Y"}, "format"),
        ({"type": "date", "timezone": "Mars"}, "timezone"),
        ({"type": "date", "timezone": 1}, "timezone"),
        ({"type": "boolean", "true": "yes"}, "true"),
        ({"type": "boolean", "true": []}, "true"),
        ({"type": "boolean", "false": [0]}, "false"),
        ({"type": "boolean", "false": [" "]}, "false"),
        ({"type": "boolean", "true": ["a"] * 51}, "true"),
        ({"type": "boolean", "true": ["A"], "false": ["a "]}, "false"),
        ({"type": "number", "decimal": ";"}, "decimal"),
        ({"type": "number", "decimal": ""}, "decimal"),
        ({"type": "list", "separator": ""}, "separator"),
        ({"type": "list", "pick": "any"}, "pick"),
        ({"type": "list", "pick": None}, "pick"),
        ({"type": "list", "join": "x" * 101}, "join"),
    ],
)
def test_options_that_are_wrong_are_told_by_name(options: Any, path: str) -> None:
    problems = check_options(options)
    assert [where for where, _ in problems] == [path]
    assert all(message for _, message in problems)


def test_every_wrong_option_is_told() -> None:
    problems = check_options({"type": "list", "separator": 1, "pick": 2, "join": 3, "x": 4})
    assert [where for where, _ in problems] == ["separator", "pick", "join", "x"]


@given(json_values)
def test_any_json_may_be_asked_about_as_options(options: Any) -> None:
    assert check_options(options)


@given(
    st.sampled_from(["date", "boolean", "number", "list"]),
    st.dictionaries(
        st.sampled_from(
            ["format", "timezone", "true", "false", "decimal", "pick", "join", "separator"]
        ),
        json_values | st.sampled_from([",", "first", "%Y", "UTC", ["a"]]),
        max_size=2,
    ),
    json_values,
)
def test_options_that_pass_the_check_never_raise(
    kind: str, options: dict[str, Any], value: Any
) -> None:
    options = {"type": kind, **options}
    if check_options(options) == []:
        for field_type in TYPES:
            made = convert(value, field_type, options)
            if isinstance(made, float):
                assert math.isfinite(made)
            if not isinstance(made, Unconvertible):
                json.dumps(made, allow_nan=False)
