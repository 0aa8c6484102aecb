"""Values read out of an app's JSON, whatever it holds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors import paths

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nowhere", {"a": 1}),
        ("a.b", {"a": 1}),
        ("a.b", {"a": [{"b": 1}]}),
        ("a.b", {"a": None}),
        ("a | b", {"a": None, "b": None}),
        ("a[0]", {"a": []}),
        ("a[1]", {"a": ["x"]}),
        ("a[-2]", {"a": ["x"]}),
        ("a[0]", {"a": "text"}),
        ("a[0]", {"a": {"0": 1}}),
        ("a.0", {"a": ["x"]}),
        ('a["b"]', {"a": ["b"]}),
        ("a[0].b", {"a": [None]}),
        ("a[", {"a[": 1, "a": 1}),
        ("", {"a": 1}),
        ("a", None),
        ("a", "text"),
    ],
)
def test_a_path_that_leads_nowhere_is_none(path: str, value: Any) -> None:
    assert paths.read(value, path) is None


@given(JSON, st.text(alphabet="ab.| "))
def test_reading_finds_what_is_in_the_json_and_nothing_else(value: Any, path: str) -> None:
    found = paths.read(value, path)
    assert found is None or json.dumps(found) in json.dumps(value)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("profile.emails[0].value", "a@example.test"),
        ("profile.emails[-1].value", "b@example.test"),
        ("response.profile.emails[0].value", "a@example.test"),
        ("profile['emails'][0][\"value\"]", "a@example.test"),
        ('response.x["odd key"]', 1),
        ('response["x"]["odd key"]', 1),
        ('["x"]["odd key"]', 1),
        ("x.odd key", 1),
        ("x['a.b']", 2),
        ("x['a|b']", 3),
        ("x['a]b']", 4),
        (r"x['it\'s']", 5),
        (r'x["a\"b"]', 6),
        (r'x["a\\b"]', 7),
        ("x['']", 8),
        (" nowhere | x['a|b'] | x['a.b'] ", 3),
        ("x['nothing']|x['a.b']", 2),
        ("response.response", {"response": "own"}),
        ("response.response.response", "own"),
        ("response", {"response": "own"}),
        ("nowhere | response.x['a.b']", 2),
        ("matrix[1][0]", 3),
        ("zero[0]", 0),
    ],
)
def test_indexes_and_odd_keys_are_read(path: str, found: Any) -> None:
    record = {
        "profile": {"emails": [{"value": "a@example.test"}, {"value": "b@example.test"}]},
        "x": {"odd key": 1, "a.b": 2, "a|b": 3, "a]b": 4, "it's": 5, 'a"b': 6, "a\\b": 7, "": 8},
        "response": {"response": "own"},
        "matrix": [[1, 2], [3, 4]],
        "zero": [0],
    }
    assert not isinstance(paths.parse(path), paths.BadPath)
    assert paths.read(record, path) == found


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("", 1),
        ("  ", 3),
        (".", 1),
        ("a.", 3),
        (".a", 1),
        ("a..b", 3),
        ("a |", 4),
        ("a || b", 4),
        ("| a", 1),
        ("a[", 2),
        ("a[]", 2),
        ("a[x]", 2),
        ("a[1.5]", 2),
        ("a[1234567]", 2),
        ("a[\u0661]", 2),
        ('a["b]', 2),
        ("a]", 2),
        ("a]b", 2),
        ("a[0]b", 5),
        ("a[0] .b", 5),
        ("x" * 301, 301),
    ],
)
def test_what_is_no_path_is_told_where_it_goes_wrong(path: str, position: int) -> None:
    bad = paths.parse(path)
    assert isinstance(bad, paths.BadPath)
    assert bad.message
    assert bad.position == position
    assert paths.read({"a": 1, "": 1, "a[": 1}, path) is None


@given(st.text(max_size=40) | st.text(alphabet="ab.[]|'\"\\0- ", max_size=20), JSON)
def test_no_text_makes_reading_raise(path: str, value: Any) -> None:
    parsed = paths.parse(path)
    found = paths.read(value, path)
    if isinstance(parsed, paths.BadPath):
        assert 1 <= parsed.position <= len(path) + 1
        assert found is None


@given(st.lists(st.text(max_size=10) | st.integers(-9999, 9999), min_size=1, max_size=5))
def test_written_steps_are_read_back_as_they_were(steps: list[str | int]) -> None:
    assert paths.parse(paths.written(tuple(steps))) == (tuple(steps),)


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        (("profile", "email"), "profile.email"),
        (("emails", 0, "value"), "emails[0].value"),
        (("custom", "Cost center"), "custom.Cost center"),
        (("a.b",), '["a.b"]'),
        (("response", "email"), "response.response.email"),
        (("response",), "response"),
    ],
)
def test_a_path_is_written_as_a_person_would(steps: paths.Steps, path: str) -> None:
    assert paths.written(steps) == path


@given(JSON)
def test_no_value_makes_a_conversion_raise(value: Any) -> None:
    assert paths.text(value) is None or isinstance(paths.text(value), str)
    assert paths.number(value) is None or isinstance(paths.number(value), int)
    assert paths.truth(value) in (None, True, False)
    assert paths.moment(value) is None or isinstance(paths.moment(value), str)


def test_the_first_alternative_that_leads_to_a_value_is_taken() -> None:
    assert paths.read({"group": "36"}, "groupid | group") == "36"
    assert paths.read({"groupid": None, "group": "36"}, "groupid | group") == "36"
    assert paths.read({"groupid": "1", "group": "36"}, "groupid | group") == "1"
    assert paths.read({"meta": {"total": 0}}, "meta.total | total") == 0
    assert paths.read({"a": False, "b": True}, "a | b") is False


@pytest.mark.parametrize("value", [None, "", "  ", True, False, 1.5, [], {}, ["a"]])
def test_what_names_nothing_is_no_text(value: Any) -> None:
    assert paths.text(value) is None


def test_an_id_is_the_same_text_as_a_string_and_as_a_number() -> None:
    assert paths.text("6776757454431877834") == paths.text(6776757454431877834)
    assert paths.text(0) == "0"
    assert paths.text(" 7 ") == "7"


@pytest.mark.parametrize("value", [None, "", "many", "-1", -1, "1.5", 1.5, True, [], {}])
def test_what_is_no_total_is_no_number(value: Any) -> None:
    assert paths.number(value) is None


@pytest.mark.parametrize(("value", "total"), [("21", 21), (21, 21), (" 21 ", 21), ("0", 0), (0, 0)])
def test_a_total_is_a_string_or_a_number(value: Any, total: int) -> None:
    assert paths.number(value) == total


@pytest.mark.parametrize("value", [None, "", "yes", 2, -1, 1.0, [], {}])
def test_what_is_no_yes_or_no_is_neither(value: Any) -> None:
    assert paths.truth(value) is None


@pytest.mark.parametrize("value", [True, 1, "1", "true", "True", " TRUE "])
def test_every_form_of_yes_is_true(value: Any) -> None:
    assert paths.truth(value) is True


@pytest.mark.parametrize("value", [False, 0, "0", "false", "False"])
def test_every_form_of_no_is_false(value: Any) -> None:
    assert paths.truth(value) is False


@pytest.mark.parametrize(
    "value", [None, "", " ", "0000-00-00 00:00:00", "0000-00-00", 0, 1590000000]
)
def test_a_zero_date_is_no_time_at_all(value: Any) -> None:
    assert paths.moment(value) is None


def test_a_time_is_kept_as_the_app_sent_it() -> None:
    sent = "2020-05-24T05:16:49-05:00"
    assert paths.moment(sent) == sent
