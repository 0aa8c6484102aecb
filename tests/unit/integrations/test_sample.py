"""What an app's records look like."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors import paths
from rollcall.integrations.sample import schema


def test_every_path_has_a_type_and_a_value_that_was_seen() -> None:
    records: list[dict[str, Any]] = [
        {"id": 1, "email": None, "links": {"self": "x", "none": {}}, "tags": [], "on": True},
        {"id": 2, "email": "ann@example.com", "late": 1.5, "links": None},
    ]
    assert schema(records) == [
        {"path": "id", "type": "number", "sample": 1},
        {"path": "email", "type": "text", "sample": "ann@example.com"},
        {"path": "links.self", "type": "text", "sample": "x"},
        {"path": "links.none", "type": "object", "sample": {}},
        {"path": "tags", "type": "list", "sample": []},
        {"path": "on", "type": "boolean", "sample": True},
        {"path": "late", "type": "number", "sample": 1.5},
        {"path": "links", "type": "null", "sample": None},
    ]
    assert schema([]) == []


def test_keys_that_a_path_would_take_apart_are_quoted() -> None:
    record = {"x": {"odd key": 1, "a.b": 2}, "c|d": 3, "response": {"id": 4}, "plain": {"e": 5}}
    assert [entry["path"] for entry in schema([record])] == [
        "x.odd key", 'x["a.b"]', '["c|d"]', "response.response.id", "plain.e"
    ]  # fmt: skip


KEYS = st.text(max_size=4) | st.sampled_from(["response", "a.b", "a[0]", "x | y", '"', "\\", "0"])


@given(st.dictionaries(KEYS, st.recursive(st.integers(), lambda of: st.dictionaries(KEYS, of))))
def test_every_path_leads_to_the_value_that_was_seen(record: dict[str, Any]) -> None:
    for entry in schema([record]):
        assert len(entry["path"]) > paths.LONGEST_PATH or (
            paths.read(record, entry["path"]) == entry["sample"]
        )


def test_a_path_that_is_shown_leads_to_its_sample() -> None:
    record: dict[str, Any] = {
        "Cost center": 7,
        "a.b": {"c[0]": "x"},
        "response": {"email": "e"},
        "emails": [{"type": "work", "at": {"value": "v"}}, {"type": "home"}],
        "tags": ["one", "two"],
        "grid": [[1, 2], [3]],
    }
    shown = schema([record])
    assert [entry["path"] for entry in shown] == [
        "Cost center",
        '["a.b"]["c[0]"]',
        "response.response.email",
        "emails",
        "emails[0].type",
        "emails[0].at.value",
        "tags",
        "tags[0]",
        "grid",
        "grid[0]",
    ]
    for entry in shown:
        assert paths.read(record, entry["path"]) == entry["sample"]
