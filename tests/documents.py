"""Workflow documents for tests: blocks with what they need, and no more."""

from typing import Any

from rollcall.workflows.document import Document, parsed

Json = dict[str, Any]
_NEEDED: dict[str, Json] = {
    "preset": {"integration": "1", "preset": "get_user"},
    "roles": {"integration": "1"},
    "update": {"target": "person", "set": {"status": "inactive"}},
    "decision": {"branches": [{"when": {}, "go_to": "end"}]},
    "approval": {"message": "m", "deadline": "1h"},
    "notification": {"subject": "s", "message": "m"},
    "wait": {"for": "1d"},
    "workflow": {"workflow": "Other"},
    "report": {"query": {"of": "people"}, "columns": [{"name": "Id", "value": "{{ person.id }}"}]},
    "end": {},
}
SIMPLE = tuple(_NEEDED)
"""Every kind of block that has none within it."""


def block(name: str, kind: str = "preset", **more: Any) -> Json:
    """A block of that kind."""
    return {"id": name, "type": kind, **_NEEDED.get(kind, {}), **more}


def each(name: str, *blocks: Json, **more: Any) -> Json:
    """A for-each block around others, over accounts if nothing else is said."""
    return {"id": name, "type": "for_each", "over": "accounts", "blocks": list(blocks), **more}


def parallel(name: str, *branches: list[Json], **more: Any) -> Json:
    """A parallel block with these branches."""
    return {
        "id": name,
        "type": "parallel",
        "branches": [{"blocks": blocks} for blocks in branches],
        **more,
    }


def data(*blocks: Json, **more: Any) -> Json:
    """A document that somebody begins by hand, as JSON."""
    return {"name": "Test", "begin": {"trigger": "hand"}, "blocks": list(blocks), **more}


def document(*blocks: Json) -> Document:
    """That document, parsed."""
    found = parsed(data(*blocks))
    if not isinstance(found, Document):
        raise TypeError(found)
    return found
