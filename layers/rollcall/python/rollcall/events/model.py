"""An event: a thing that changed, as it goes onto the bus."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SOURCE = "rollcall"
SCHEMA = 1
"""The version of every event's schema; see docs/events."""
LARGEST = 200_000
"""Bytes of one event's detail: 256 KB go into one call, with everything around it."""

TYPES = (
    "Person Created", "Person Updated", "Person Removed", "Person Restored",
    "Account Created", "Account Updated", "Account Removed", "Account Restored",
    "Application Associated", "Grant Added", "Grant Revoked",
    "Sync Started", "Sync Succeeded", "Sync Failed", "Sync Held", "Sync Cancelled",
    "Reconnect Needed", "Action Succeeded", "Action Failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `detail` has no secret in it, and `id` is the same whenever the change is read."""

    id: str
    type: str
    at: str
    detail: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The detail as it goes onto the bus; what changed is left out where it is too large."""
        head = {"schema": SCHEMA, "id": self.id, "at": self.at}
        text = json.dumps({**head, **self.detail}, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) <= LARGEST:
            return text
        return json.dumps({**head, **self.detail, "changes": {}, "truncated": True})


def event_id(change_id: str, kind: str) -> str:
    """The id of the event of that type that one stored change makes."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{change_id}#{kind}").hex
