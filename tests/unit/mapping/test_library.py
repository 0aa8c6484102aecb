"""The filters, asked for what they cannot do; and the guide, which has to tell of all of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.mapping import patterns
from rollcall.mapping.expressions import TESTS
from rollcall.mapping.library import FILTERS, LONGEST_TEXT
from rollcall.mapping.templates import Template, compile_template
from rollcall.mapping.values import Unusable

GUIDE = (Path(__file__).parents[3] / "docs/guide/templates.md").read_text()
ROW = re.compile(r"^\| `(\w+)(?:\(.*?\))?` \| .+ \| `(\{\{.+\}\})` \| `(.*)` \|$", re.MULTILINE)
EXAMPLES = [
    (name, example.replace("\\|", "|"), result) for name, example, result in ROW.findall(GUIDE)
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=30)
    | st.sampled_from(["2026-01-31", "1769900400", "0000-00-00 00:00:00", "%Y-%m-%d", "(a", "UTC"])
    | st.sampled_from(["\ud800", "9999-12-31T23:59:59-14:00", "0001-01-01", "1e999", "[[1]]"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def run(name: str, *arguments: Any, **named: Any) -> Any:
    return FILTERS[name](*arguments, **named)


def test_the_guide_tells_of_every_filter_and_of_no_other() -> None:
    assert [name for name, _, _ in EXAMPLES] == list(dict.fromkeys(name for name, _, _ in EXAMPLES))
    assert {name for name, _, _ in EXAMPLES} == set(FILTERS)


@pytest.mark.parametrize(("name", "example", "result"), EXAMPLES)
def test_the_examples_of_the_guide_give_what_it_says(name: str, example: str, result: str) -> None:
    block = re.search(r"```json\n(.+?)```", GUIDE, re.DOTALL)
    assert block is not None
    template = compile_template(example)
    assert isinstance(template, Template)
    assert re.search(rf"\| {name}\b", example)
    assert template.render(json.loads(block[1])) == result


def test_the_guide_tells_of_every_test() -> None:
    row = re.search(r"^\| tests \| (.+) \|$", GUIDE, re.MULTILINE)
    assert row is not None
    told = {word.removeprefix("is ") for word in re.findall(r"`([a-z ]+)`", row[1])}
    assert told - {"not"} == set(TESTS)


def test_every_filter_says_what_it_promises() -> None:
    assert all(filter_.__doc__ for filter_ in FILTERS.values())


@given(st.sampled_from(sorted(FILTERS)), json_values, st.lists(json_values, max_size=3))
def test_a_filter_makes_something_of_any_json_or_says_that_it_cannot(
    name: str, value: Any, arguments: list[Any]
) -> None:
    most = FILTERS[name].__code__.co_argcount - 1
    least = most - len(FILTERS[name].__defaults__ or ())
    arguments = (arguments + [None] * least)[: max(most, 0)]
    try:
        made = FILTERS[name](value, *arguments)
    except Unusable:
        return
    assert not isinstance(made, str) or len(made) <= LONGEST_TEXT


@pytest.mark.parametrize(
    "name", sorted(FILTERS.keys() - {"random_password", "json", "to_json", "tojson"})
)
def test_a_filter_takes_null_for_nothing(name: str) -> None:
    arguments = {
        "replace": ("a", "b"), "regex_replace": ("a", "b"), "truncate": (3,), "map": ("a",),
        "select": ("a",),
    }.get(name, ())  # fmt: skip
    assert FILTERS[name](None, *arguments) in (None, "", [], 0)


# Dates


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("20260131", "2026-01-31T00:00:00.000Z"),
        ("2026-01-31 10:00:00", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T10:00:00.1234567+02:00", "2026-01-31T08:00:00.123Z"),
        ("Sat, 31 Jan 2026 10:00:00 +0200", "2026-01-31T08:00:00.000Z"),
        ("31 Jan 2026 10:00 GMT", "2026-01-31T10:00:00.000Z"),
        (1769900400, "2026-01-31T23:00:00.000Z"),
        ("1769900400", "2026-01-31T23:00:00.000Z"),
        (1769900400123, "2026-01-31T23:00:00.123Z"),
        ("1769900400123", "2026-01-31T23:00:00.123Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.000Z"),
        ("0000-00-00 00:00:00", None),
        ("  ", None),
    ],
)
def test_a_date_is_read_in_the_forms_that_apps_send(value: Any, moment: str | None) -> None:
    assert run("parse_date", value) == moment


@pytest.mark.parametrize(
    "value",
    ["yesterday", "31.01.2026", "2026-02-30", "20260131101500", True, [], {}, 10**30, float("nan"),
     float("inf"), "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00",
     "31 Foo 2026 10:00 GMT", "99 Jan 2026 10:00 GMT", "2026-01-31T10:00:00Z" * 10,
     "\ud800", "١٧٦٩٩٠٠٤٠٠"],
)  # fmt: skip
def test_what_is_no_date_is_told_so_without_being_repeated(value: Any) -> None:
    with pytest.raises(Unusable) as raised:
        run("parse_date", value)
    assert not isinstance(value, str) or value not in str(raised.value)


@pytest.mark.parametrize(
    "format_",
    ["%Q", "%", "%d.%m", "%Y%Y", "%-d.%Y", "%1000000d %Y", "%Y %Z", "%s", "", "%Y" + "x" * 64, 5],
)
def test_a_format_that_reads_no_date_is_refused_before_there_is_one(format_: Any) -> None:
    with pytest.raises(Unusable, match="format"):
        run("parse_date", None, format_)


@pytest.mark.parametrize("zone", ["Nowhere/City", "", "../etc/passwd", "/etc/passwd", "America",
                                  "UTC\x00", "\ud800", "x" * 65, 2, None])  # fmt: skip
def test_a_time_zone_that_is_none_is_refused_before_there_is_a_date(zone: Any) -> None:
    for name in ("parse_date", "format_date"):
        with pytest.raises(Unusable, match="time zone"):
            run(name, None, timezone=zone)


@pytest.mark.parametrize("format_", ["%Q", "%9999999999d", "%", "", "%Y" * 33, None, ["%Y"]])
def test_a_format_that_writes_no_date_is_refused(format_: Any) -> None:
    with pytest.raises(Unusable, match="format"):
        run("format_date", "2026-01-31", format_)


def test_a_date_at_the_end_of_time_fails_where_the_clock_is_ahead() -> None:
    with pytest.raises(Unusable):
        run("format_date", "9999-12-31T23:59:59Z", "%Y", "Asia/Tokyo")


def test_a_shift_by_months_stays_in_the_month() -> None:
    assert run("shift_date", "2024-01-31", months=1) == "2024-02-29T00:00:00.000Z"
    assert run("shift_date", "2024-03-31", months=-1) == "2024-02-29T00:00:00.000Z"
    assert run("shift_date", "2024-12-31", months=2) == "2025-02-28T00:00:00.000Z"
    assert run("shift_date", "2024-11-30", months=1) == "2024-12-30T00:00:00.000Z"


@pytest.mark.parametrize(
    "shift", [{"days": 10**9}, {"months": 1_201}, {"hours": 1.5}, {"minutes": True}, {"days": "1"}]
)
def test_a_shift_has_bounds(shift: dict[str, Any]) -> None:
    with pytest.raises(Unusable, match="whole number from"):
        run("shift_date", None, **shift)


@pytest.mark.parametrize("shift", [{"months": 1_200}, {"days": 1}, {"months": 1}])
def test_no_shift_leads_out_of_the_calendar(shift: dict[str, Any]) -> None:
    with pytest.raises(Unusable, match="no such date"):
        run("shift_date", "9999-12-31", **shift)


# Text and lists


def test_text_does_not_grow_out_of_hand() -> None:
    long = "a" * LONGEST_TEXT
    with pytest.raises(Unusable, match="grows"):
        run("replace", long, "a", "b" * 4_000)
    with pytest.raises(Unusable, match="grows"):
        run("join", ["a"] * LONGEST_TEXT, "b" * 4_000)
    with pytest.raises(Unusable, match="grows"):
        run("regex_replace", "a" * 1_000, "a", "b" * 4_000)
    with pytest.raises(Unusable, match="grows"):
        run("from_json", long + "a")


def test_a_pattern_that_would_hang_others_takes_no_time() -> None:
    text = "a" * patterns.LONGEST_REPLACED
    assert run("regex_replace", text, "(a+)+$b", "x") == text
    assert run("regex_replace", text, "(a|aa)+$", "x") == "x"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [("(a", "missing"), (r"(a)\1", "escape"), ("(?=a)", "perl"), ("a" * 501, "500"), ("", "1 to"),
     ("(x{1000}){1000}", "repetition"), (r"\pL{900}", "too large"),
     ("\ud800", "Unicode"), (7, "text")],
)  # fmt: skip
def test_a_pattern_that_is_none_is_refused_before_there_is_text(pattern: Any, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        run("regex_replace", None, pattern, "")


def test_replacements_take_groups_and_nothing_else() -> None:
    assert (
        run("regex_replace", "Ann Lee", r"(\w+) (\w+)", r"\2, \1 \\ \n $1") == r"Lee, Ann \ \n $1"
    )
    assert run("regex_replace", "äöü", "ö", "ß\\0") == "äßöü"
    assert run("regex_replace", "abc", "(x)?b", r"[\1]") == "a[]c"
    with pytest.raises(Unusable, match="no group 2"):
        run("regex_replace", "a", "(a)", r"\2")


def test_many_matches_and_long_texts_are_refused() -> None:
    with pytest.raises(Unusable, match="more than 1000 times"):
        run("regex_replace", "a" * 1_001, "a", "")
    with pytest.raises(Unusable, match="more than 20000"):
        run("regex_replace", "a" * 20_001, "b", "")


def test_an_object_is_no_text_and_a_text_no_list() -> None:
    for name in ("lower", "title", "trim", "slug"):
        with pytest.raises(Unusable, match="not an object"):
            run(name, {"a": 1})
        with pytest.raises(Unusable, match="not a list"):
            run(name, ["a"])
    for name in ("join", "unique", "sort"):
        with pytest.raises(Unusable, match="needs a list"):
            run(name, "abc")
    with pytest.raises(Unusable, match="not an object"):
        run("join", [{"a": 1}])


def test_an_attribute_is_a_path() -> None:
    rows = [{"a": {"b": [5]}}, {"a": None}, "text", {"a": {"b": [None]}}]
    assert run("map", rows, "a.b[0]") == [5, None, None, None]
    assert run("select", rows, "a.b[0]") == [rows[0]]
    assert run("select", rows, "a", None) == rows[1:3]
    for name in ("map", "select", "sort"):
        with pytest.raises(Unusable, match="is no path"):
            run(name, None, "a..b")


def test_items_are_the_same_only_if_they_are_written_the_same() -> None:
    items = [1, True, "1", 1, {"a": 1, "b": 2}, {"b": 2, "a": 1}, None, None]
    assert run("unique", items) == [1, True, "1", {"a": 1, "b": 2}, None]


def test_only_what_has_an_order_is_sorted() -> None:
    assert run("sort", ["b", 2, None, "A", 1.5]) == [1.5, 2, "A", "b", None]
    with pytest.raises(Unusable, match="order"):
        run("sort", [[1], [2]])
    with pytest.raises(Unusable, match="order"):
        run("sort", [1, float("nan")])


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "1e999", "[" * 50_000, "1" * 5_000])
def test_what_is_no_json_is_not_read(text: str) -> None:
    with pytest.raises(Unusable):
        run("from_json", text)


def test_what_is_no_json_is_not_written() -> None:
    for value in (float("nan"), [float("inf")], {"a": object()}):
        with pytest.raises(Unusable, match="no JSON"):
            run("to_json", value)


# Conversions and passwords


@pytest.mark.parametrize(
    ("text", "decimal", "expected"),
    [("12", None, 12), (" -1.5 ", None, -1.5), ("1e3", None, 1000.0),
     ("1.234.567,5", ",", 1234567.5), ("1,5", ",", 1.5), ("1 234", ".", 1234),
     ("1'234.5", ".", 1234.5), ("007", None, 7)],
)  # fmt: skip
def test_numbers_are_read_as_they_are_written(text: str, decimal: Any, expected: float) -> None:
    assert run("number", text, decimal) == expected


@pytest.mark.parametrize(
    ("value", "decimal"),
    [("1,5", None), ("1.5", ","), ("1,23,4", "."), ("nan", None), ("inf", None), ("1e999", None),
     ("1_000", None), ("٣", None), ("0x10", None), ("9" * 39, None), (10**38, None), (True, None),
     (float("nan"), None), ([], None), ("12 apples", None), ("5", ";")],
)  # fmt: skip
def test_what_is_no_number_is_not_guessed(value: Any, decimal: Any) -> None:
    with pytest.raises(Unusable):
        run("number", value, decimal)


@pytest.mark.parametrize("length", [11, 129, 20.0, "20", True, None, [], 10**12])
def test_a_password_is_neither_short_nor_endless(length: Any) -> None:
    with pytest.raises(Unusable, match="from 12 to 128"):
        run("random_password", length)


@pytest.mark.parametrize("length", [12, 20, 128])
def test_every_password_has_all_four_classes_and_is_new(length: int) -> None:
    made = {run("random_password", length) for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert len(password) == length
        for characters in (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]"):
            assert re.search(characters, password)
        assert not re.search(r"""[\s"'\\&<>]""", password)
