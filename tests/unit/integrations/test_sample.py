"""What an app's records look like."""

from typing import Any

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
