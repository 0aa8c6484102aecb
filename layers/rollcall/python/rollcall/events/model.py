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
        """The detail as it goes onto the bus; where it is too large, without its largest changes:
        what a condition asks for is small.
        """
        text = _written(self._whole)
        if len(text.encode()) <= LARGEST:
            return text
        changes = dict(self.detail.get("changes", {}))
        sizes = {name: len(_written(change).encode()) for name, change in changes.items()}
        over = len(text.encode()) + len(_TRUNCATED) - LARGEST
        for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
            if over <= 0:
                break
            over -= sizes[name]
            del changes[name]
        return _written({**self._whole, "changes": changes, "truncated": True})

    @property
    def _whole(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "id": self.id, "at": self.at, **self.detail}


_TRUNCATED = ',"truncated":true'


def _written(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def event_id(change_id: str, kind: str) -> str:
    """The id of the event of that type that one stored change makes."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{change_id}#{kind}").hex
