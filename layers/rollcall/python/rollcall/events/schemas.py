"""The JSON Schema of every event's detail. docs/events has them as files."""

from collections.abc import Mapping
from typing import Any

from rollcall.events.model import SCHEMA, TYPES

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_MAYBE: Schema = {"type": ["string", "null"]}
_VERSION: Schema = {
    "type": "integer",
    "minimum": 1,
    "description": "Counts the writes of this one thing: drop what is not newer than what you have",
}
_CHANGES: Schema = {
    "type": "object",
    "description": "By field: what it was and what it is",
    "additionalProperties": {
        "type": "object",
        "required": ["old", "new"],
        "properties": {"old": {}, "new": {}},
        "additionalProperties": False,
    },
}
_BY: Schema = {
    "type": "object",
    "description": "What found or made the change: a sync (a run's id), an action, or a "
    "workflow (an execution's id)",
    "required": ["kind", "id"],
    "properties": {"kind": {"enum": ["sync", "action", "workflow"]}, "id": _MAYBE},
    "additionalProperties": False,
}
_ACCOUNT: Schema = {
    "type": "object",
    "required": ["external_id", "status"],
    "properties": {
        "external_id": _TEXT,
        "username": _MAYBE,
        "email": _MAYBE,
        "display_name": _MAYBE,
        "status": {"enum": ["active", "inactive", "removed"]},
        "person_id": _MAYBE,
        "kind": {"enum": ["service", "system", None]},
    },
    "additionalProperties": False,
}
_GRANT: Schema = {
    "type": "object",
    "required": ["account", "type", "entitlement_id"],
    "properties": {
        "account": _TEXT,
        "type": {"enum": ["group", "admin", "role"]},
        "entitlement_id": _TEXT,
        "name": _MAYBE,
        "scope": _MAYBE,
        "scope_name": _MAYBE,
    },
    "additionalProperties": False,
}
_OPTIONAL = frozenset({("Person", "by")})
"""What a family's details may have and need not: of a person only what we wrote ourselves."""
_ERROR: Schema = {"type": ["object", "null"]}


def _families() -> Mapping[str, Mapping[str, Schema]]:
    """The properties of a type's detail, by the word that the type begins with."""
    of_integration = {"integration_id": _TEXT}
    return {
        "Person": {
            "person_id": _TEXT,
            "person": {"type": "object"},
            "version": _VERSION,
            "changes": _CHANGES,
            "by": _BY,
        },
        "Account": {
            **of_integration,
            "account": _ACCOUNT,
            "person_id": _MAYBE,
            "version": _VERSION,
            "by": _BY,
            "changes": _CHANGES,
        },
        "Application": {
            **of_integration,
            "application": _TEXT,
            "person_id": _TEXT,
            "account": _ACCOUNT,
            "version": _VERSION,
            "by": _BY,
        },
        "Grant": {**of_integration, "grant": _GRANT, "version": _VERSION, "by": _BY},
        "Sync": {
            **of_integration,
            "run_id": _TEXT,
            "trigger": _TEXT,
            "status": _TEXT,
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "error": _ERROR,
            "started_at": _MAYBE,
            "finished_at": _MAYBE,
        },
        "Reconnect": {
            **of_integration,
            "name": _TEXT,
            "connector": _TEXT,
            "application": _TEXT,
            "owner": _TEXT,
            "credential_id": _TEXT,
        },
        "Action": {
            **of_integration,
            "action_id": _TEXT,
            "preset": _TEXT,
            "actor": _TEXT,
            "external_id": _MAYBE,
            "person_id": _MAYBE,
            "outcome": _MAYBE,
            "error": _ERROR,
            "batch_id": _MAYBE,
        },
    }


def schema_of(kind: str) -> Schema:
    """The JSON Schema (2020-12) of the detail of events of that type."""
    family = kind.split(" ", maxsplit=1)[0]
    own = _families()[family]
    head: Mapping[str, Schema] = {
        "schema": {"const": SCHEMA},
        "id": {"type": "string", "description": "The same when an event is delivered again"},
        "at": {"type": "string", "format": "date-time"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind,
        "type": "object",
        "required": [*head, *(name for name in own if (family, name) not in _OPTIONAL)],
        "properties": {
            **head,
            **own,
            "truncated": {"const": True, "description": "The largest of `changes` are left out"},
        },
        "additionalProperties": False,
    }


def file_name(kind: str) -> str:
    """The schema's file in docs/events."""
    return f"{kind.lower().replace(' ', '-')}.v{SCHEMA}.json"


def files() -> dict[str, Schema]:
    """Every schema by its file's name."""
    return {file_name(kind): schema_of(kind) for kind in TYPES}
