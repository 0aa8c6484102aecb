"""From a stored change to the events it makes. Pure: the images of an item in, events out.

Every write of an account makes an event, so that its versions have no gaps; a consumer drops what
is older than it has seen.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollcall.events.model import Event, event_id
from rollcall.items import from_item
from rollcall.stamps import instant
from rollcall.sync.masking import without_secrets

Item = Mapping[str, Any]
_ACCOUNT = ("external_id", "username", "email", "display_name", "status", "person_id", "kind")
_ACCOUNT_CHANGES = (*_ACCOUNT[1:], "last_active_at", "left_at", "link")
_GRANT = ("account", "type", "entitlement_id", "name", "scope", "scope_name")
_RUN_EVENTS = {
    "running": "Sync Started", "succeeded": "Sync Succeeded",
    "succeeded_with_errors": "Sync Succeeded", "failed": "Sync Failed", "held": "Sync Held",
    "cancelled": "Sync Cancelled",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One stored change: the item before and after, None where it was or is not there."""

    id: str
    at: str
    old: Item | None
    new: Item | None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Change":
        """Read a record of a table's stream, as Lambda is given it."""
        stored = record["dynamodb"]
        images = [stored.get(name) for name in ("OldImage", "NewImage")]
        old, new = (from_item(image) if image else None for image in images)
        moment = datetime.fromtimestamp(float(stored["ApproximateCreationDateTime"]), UTC)
        return cls(record["eventID"], instant(moment), old, new)

    @property
    def either(self) -> Item:
        """The item, after if it is there, else before."""
        item = self.new if self.new is not None else self.old
        if item is None:
            raise ValueError(f"change {self.id} has no image")
        return item

    def event(self, kind: str, detail: Mapping[str, Any]) -> Event:
        """An event of this change."""
        return Event(event_id(self.id, kind), kind, self.at, detail)


def events_of(change: Change) -> list[Event]:
    """The events that a change makes; most kinds of items make none."""
    item = change.either
    sort_key = str(item["sk"])
    if item.get("load") == "people":
        return []
    kind = "INTEGRATION" if item["pk"] == "INTEGRATION" else sort_key.partition("#")[0]
    make = _KINDS.get(kind)
    return list(make(change)) if make is not None else []


def _account(change: Change) -> Iterator[Event]:
    old, new, item = change.old, change.new, change.either
    detail = {
        "integration_id": item["integration_id"],
        "account": {name: item.get(name) for name in _ACCOUNT},
        "person_id": item.get("person_id"),
        "version": item["version"] + (new is None),
        "by": _by(item),
        "changes": {
            **_differences(_parts(old, _ACCOUNT_CHANGES), _parts(new, _ACCOUNT_CHANGES)),
            **_differences(_attributes(old), _attributes(new)),
        },
    }
    kind = _became(old, new)
    if kind is not None:
        yield change.event(f"Account {kind}", detail)


def _became(old: Item | None, new: Item | None) -> str | None:
    """What happened to an account or, by its marks, to anything like it."""
    was, now = (one is not None and one["status"] != "removed" for one in (old, new))
    if was and now:
        return "Updated"
    if now:
        return "Created" if old is None else "Restored"
    if was:
        return "Removed"
    return None if new is None else "Updated"


def associated(change: Change) -> str | None:
    """The person whom an account has just come to belong to, or None."""
    old, new = change.old, change.new
    if new is None or not str(new["sk"]).startswith("ACCOUNT#") or new.get("load") == "people":
        return None
    person_id: str | None = new.get("person_id")
    if person_id is None or new["status"] == "removed":
        return None
    had = old is not None and old["status"] != "removed" and old.get("person_id") == person_id
    return None if had else person_id


def association(change: Change, application: str) -> Event:
    """A person has their first account in an application."""
    item = change.either
    return change.event(
        "Application Associated",
        {
            "integration_id": item["integration_id"],
            "application": application,
            "person_id": item["person_id"],
            "account": {name: item.get(name) for name in _ACCOUNT},
            "version": item["version"],
            "by": _by(item),
        },
    )


def _grant(change: Change) -> Iterator[Event]:
    held = [one is not None and one["status"] == "held" for one in (change.old, change.new)]
    if held[0] == held[1]:
        return
    item = change.either
    detail = {
        "integration_id": item["integration_id"],
        "grant": {name: item.get(name) for name in _GRANT},
        "version": item["version"] + (change.new is None),
        "by": _by(item),
    }
    yield change.event("Grant Added" if held[1] else "Grant Revoked", detail)


def _person(change: Change) -> Iterator[Event]:
    old, new, item = change.old, change.new, change.either
    before, after = ((one or {}).get("fields", {}) for one in (old, new))
    was, now = (one is not None and "removed_at" not in one for one in (old, new))
    if was and now:
        kind = "Updated"
    elif now:
        kind = "Created" if old is None else "Restored"
    elif was:
        kind = "Removed"
    else:
        kind = "Updated"
    detail = {
        "person_id": item["id"],
        "person": _masked(item["fields"]),
        "version": item["version"] + (new is None),
        "changes": _differences(_masked(before), _masked(after)),
        **_written_by(new),
    }
    if kind != "Updated" or detail["changes"]:
        yield change.event(f"Person {kind}", detail)


def _run(change: Change) -> Iterator[Event]:
    old, new = change.old, change.new
    if new is None or new.get("mode", "sync") == "plan":
        return
    kind = _RUN_EVENTS.get(new["status"])
    if kind is None or (old is not None and old["status"] == new["status"]):
        return
    names = ("trigger", "status", "counts", "error", "started_at", "finished_at")
    detail = {name: new.get(name) for name in names}
    yield change.event(
        kind, {"integration_id": new["integration_id"], "run_id": new["id"], **detail}
    )


def _action(change: Change) -> Iterator[Event]:
    old, new = change.old, change.new
    if new is None or new["status"] == "running":
        return
    if old is not None and old["status"] == new["status"]:
        return
    names = ("preset", "actor", "external_id", "person_id", "outcome", "error", "batch_id")
    detail = {name: new.get(name) for name in names}
    kind = "Action Succeeded" if new["status"] == "succeeded" else "Action Failed"
    yield change.event(
        kind, {"integration_id": new["integration_id"], "action_id": new["id"], **detail}
    )


def _integration(change: Change) -> Iterator[Event]:
    old, new = change.old, change.new
    if new is None or new.get("status") != "needs_reconnect":
        return
    if old is not None and old.get("status") == "needs_reconnect":
        return
    names = ("name", "connector", "application", "owner", "credential_id")
    detail = {name: new.get(name) for name in names}
    yield change.event("Reconnect Needed", {"integration_id": new["id"], **detail})


def _by(item: Item) -> dict[str, Any]:
    """Where a change comes from: an action of ours, a sync, or a hand that changed neither."""
    return {"kind": item.get("by", "sync"), "id": item.get("run_id")}


def _written_by(person: Item | None) -> dict[str, Any]:
    """Which execution or action made a person what they are. A later write of anybody else does
    not take the mark away, so it counts only for its own version.
    """
    written = (person or {}).get("written_by")
    if person is None or written is None or written["version"] != person["version"]:
        return {}
    if "execution_id" in written:
        return {"by": {"kind": "workflow", "id": written["execution_id"]}}
    return {"by": {"kind": "action", "id": written["action_id"]}}


def _parts(item: Item | None, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: item.get(name) for name in names} if item is not None else {}


def _attributes(item: Item | None) -> dict[str, Any]:
    """The app's own fields, as `attributes.<field>`, without what looks secret."""
    if item is None:
        return {}
    record = _masked(json.loads(item["attributes"]))
    return {f"attributes.{name}": value for name, value in record.items()}


def _masked(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as JSON without secrets; of one that is too large, the fields that are not."""
    whole = without_secrets(record, ())
    if whole is not None:
        return whole
    each = [without_secrets({name: value}, ()) for name, value in record.items()]
    return {name: value for one in each if one for name, value in one.items()}


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    names = sorted({*old, *new})
    return {
        name: {"old": old.get(name), "new": new.get(name)}
        for name in names
        if old.get(name) != new.get(name)
    }


_KINDS: Mapping[str, Callable[[Change], Iterator[Event]]] = {
    "ACCOUNT": _account,
    "GRANT": _grant,
    "PERSON": _person,
    "RUN": _run,
    "ACTION": _action,
    "INTEGRATION": _integration,
}
