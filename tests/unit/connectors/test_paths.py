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
