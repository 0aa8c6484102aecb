"""What a caller said is taken as it is, or every fault in it is told by input."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.actions.inputs import LONGEST_TEXT, checked, id_fault
from rollcall.connectors.presets import Input
from rollcall.connectors.records import LONGEST_KEY

INPUTS = (
    Input("name", "Name", required=True),
    Input("note", "Note"),
    Input("group", "Group", "id"),
    Input("seats", "Seats", "number"),
    Input("enabled", "Enabled", "boolean", default=False),
    Input("extra", "Extra", "json"),
    Input("role", "Role", choices=("viewer", "owner")),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def faults(**given: Any) -> list[tuple[str, str]]:
    return checked(INPUTS, {"name": "Sam", **given})[1]


def test_what_was_not_said_is_not_there_though_it_has_a_default() -> None:
    assert checked(INPUTS, {"name": "Sam"}) == ({"name": "Sam"}, [])
    assert checked(INPUTS, {"name": "Sam", "enabled": None}) == ({"name": "Sam"}, [])


def test_everything_that_is_said_is_taken_as_it_is_and_an_id_as_text() -> None:
    given = {
        "name": " Sam ", "note": "", "group": 7, "seats": 1.5, "enabled": False,
        "extra": {"a": [1, None]}, "role": "viewer",
    }  # fmt: skip
    assert checked(INPUTS, given) == ({**given, "group": "7"}, [])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("name", None, "is required"),
        ("name", "", "must not be empty"),
        ("name", " \n", "must not be empty"),
        ("name", 7, "must be text"),
        ("name", ["Sam"], "must be text"),
        ("note", "n" * (LONGEST_TEXT + 1), "at most 4000"),
        ("group", "", "must not be empty"),
        ("group", "  ", "must not be empty"),
        ("group", "..", "is no id"),
        ("group", True, "text or a whole number"),
        ("group", 1.5, "text or a whole number"),
        ("group", "a\u0000b", "can be printed"),
        ("group", "g" * (LONGEST_KEY + 1), "at most"),
        ("seats", "5", "must be a number"),
        ("seats", True, "must be a number"),
        ("enabled", "false", "must be true or false"),
        ("enabled", 0, "must be true or false"),
        ("role", "Viewer", "must be one of viewer, owner"),
        ("role", "", "must be one of viewer, owner"),
        ("nmae", "Sam", "is no input of this preset, which has name, note"),
    ],
)
def test_each_fault_is_told_by_its_input(name: str, value: Any, says: str) -> None:
    ((field, message),) = faults(**{name: value})
    assert field == name
    assert says in message


def test_all_faults_are_told_at_once() -> None:
    assert {field for field, _ in faults(name=None, seats="x", other=1)} == {
        "name",
        "seats",
        "other",
    }
    assert checked((), {"a": 1})[1] == [("a", "is no input of this preset, which has none")]


@given(st.dictionaries(st.sampled_from([one.key for one in INPUTS]), JSON))
def test_whatever_is_said_is_taken_or_told(given: dict[str, Any]) -> None:
    values, found = checked(INPUTS, given)
    told = {field for field, _ in found}
    for key, value in given.items():
        assert (key in values) != (key in told or value is None)
    assert not values.keys() & told


@given(JSON)
def test_what_is_an_id_is_never_empty(value: Any) -> None:
    if id_fault(value) is None:
        assert str(value).strip() not in ("", ".", "..")


def test_what_no_table_holds_is_refused_by_its_input() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    for extra in (deep, {"": 1}, 10**60, {"a": "x" * 100_001}):
        assert [name for name, _ in faults(extra=extra)] == ["extra"]
    assert [name for name, _ in faults(seats=10**60)] == ["seats"]
    assert [name for name, _ in faults(extra=["x" * 1000] * 97, note="n" * 4000)] == ["extra"]
