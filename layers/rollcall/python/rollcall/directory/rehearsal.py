"""The directory as a rehearsal sees it: everything is read, and nothing is written.

What would be written is remembered, `get` and `get_many` see it, conditions are judged by it, and
`changes` tells how it differs from what is stored. Queries and pages see what is stored.
"""

import json
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from rollcall.aws import Client
from rollcall.directory import conditions
from rollcall.items import Item
from rollcall.tables import Action, Condition, Refused, Table

Kind = Literal["account", "person", "group", "grant"]
Key = tuple[str, str]
_KINDS: Mapping[str, Kind] = {"ACCOUNT": "account", "GROUP": "group", "GRANT": "grant"}
_PLAIN: Mapping[str, tuple[str, ...]] = {
    "account": (
        "username", "email", "display_name", "status", "person_id", "last_active_at", "kind",
        "link", "left_at", "load",
    ),
    "group": ("name", "is_admin", "status"),
    "grant": ("account", "type", "entitlement_id", "name", "scope", "scope_name", "status"),
}  # fmt: skip
"""What a change tells of a thing, beside a person's fields and what differs in `attributes`."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be made, changed or taken off the roster.

    `id` is a person's id, the app's id of an account or a group, and of a grant the entitlement's.
    `before` and `after` are None where there is nothing; of an app's record they tell what differs.
    """

    kind: Kind
    id: str
    change: Literal["created", "updated", "removed", "restored", "granted", "revoked"]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    place: str
    """What tells the thing from all others of its integration, or of all people."""

    def item(self) -> dict[str, Any]:
        """The stored form."""
        told = {
            "kind": self.kind,
            "id": self.id,
            "change": self.change,
            "before": self.before,
            "after": self.after,
        }
        return {name: value for name, value in told.items() if value is not None}


class Rehearsal(Table):
    """A table that takes every write and stores none. Thread-safe."""

    def __init__(self, client: Client, name: str) -> None:
        super().__init__(client, name)
        self._written: dict[Key, Item | None] = {}
        self._untold: dict[Key, None] = {}
        self._lock = threading.RLock()

    def new_id(self, seed: str) -> str:
        """The same for the same seed, so that what is rehearsed again is the same change."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"rehearsal:{seed}").hex

    def get(self, pk: str, sk: str) -> Item | None:
        """The item as it would be now."""
        with self._lock:
            if (pk, sk) in self._written:
                item = self._written[pk, sk]
                return dict(item) if item is not None else None
        return super().get(pk, sk)

    def get_many(self, keys: Iterable[Key], attributes: Sequence[str] = ()) -> dict[Key, Item]:
        """The items as they would be now."""
        wanted = list(dict.fromkeys(keys))
        with self._lock:
            known = {key: self._written[key] for key in wanted if key in self._written}
        found = super().get_many((key for key in wanted if key not in known), attributes)
        names = {"pk", "sk", *attributes}
        for key, item in known.items():
            if item is not None:
                shown = item.items()
                found[key] = {n: value for n, value in shown if not attributes or n in names}
        return found

    def put(self, item: Mapping[str, Any], condition: Condition | None = None) -> bool:
        """As if it were stored."""
        return self.transact([self.putting(item, condition)]) is None

    def delete(self, pk: str, sk: str, condition: Condition | None = None) -> bool:
        """As if it were deleted."""
        return self.transact([self.deleting(pk, sk, condition)]) is None

    def update(
        self, pk: str, sk: str, changes: Mapping[str, Any], condition: Condition | None = None
    ) -> bool:
        """As if it were updated."""
        return self.transact([self.updating(pk, sk, changes, condition)]) is None

    def write_many(self, puts: Iterable[Mapping[str, Any]], deletes: Iterable[Key] = ()) -> None:
        """As if they were stored and deleted."""
        with self._lock:
            for item in puts:
                self._note((item["pk"], item["sk"]), item)
            for key in deletes:
                self._note(key, None)

    def putting(self, item: Mapping[str, Any], condition: Condition | None = None) -> Action:
        """A put, for a rehearsed transaction."""
        return _with(super().putting(item, condition), condition, dict(item))

    def deleting(self, pk: str, sk: str, condition: Condition | None = None) -> Action:
        """A delete, for a rehearsed transaction."""
        return _with(super().deleting(pk, sk, condition), condition, None)

    def checking(self, pk: str, sk: str, condition: Condition) -> Action:
        """A check, for a rehearsed transaction."""
        return _with(super().checking(pk, sk, condition), condition, None)

    def updating(
        self, pk: str, sk: str, changes: Mapping[str, Any], condition: Condition | None = None
    ) -> Action:
        """An update, for a rehearsed transaction."""
        action = super().updating(pk, sk, changes, condition)
        return _with(action, condition, {"pk": pk, "sk": sk, **changes})

    def transact(self, actions: Sequence[Action]) -> Refused | None:
        """As if all of it were stored, if every condition holds."""
        with self._lock:
            keys = [_key(action) for action in actions]
            now = self.get_many(keys)
            refused = {
                place: "ConditionalCheckFailed"
                for place, (key, action) in enumerate(zip(keys, actions, strict=True))
                if not conditions.holds(_request(action)["condition"], now.get(key))
            }
            if refused:
                return Refused(refused)
            for key, action in zip(keys, actions, strict=True):
                values = _request(action)["values"]
                match next(iter(action)):
                    case "Put" | "Delete":
                        self._note(key, values)
                    case "Update":
                        whole = {**now.get(key, {}), **values}
                        self._note(key, {n: v for n, v in whole.items() if v is not None})
            return None

    def _note(self, key: Key, item: Mapping[str, Any] | None) -> None:
        self._written[key] = dict(item) if item is not None else None
        self._untold[key] = None

    def changes(self) -> Iterator[Change]:
        """What would be changed, thing by thing, against what is stored."""
        with self._lock:
            written = {key: self._written[key] for key in self._written}
        yield from self._compared(written)

    @contextmanager
    def drained(self) -> Iterator[list[Change]]:
        """The changes since the last time; they count as told when the block ends well."""
        with self._lock:
            told = list(self._untold)
            yield list(self._compared({key: self._written[key] for key in told}))
            for key in told:
                self._untold.pop(key, None)

    def _compared(self, written: Mapping[Key, Item | None]) -> Iterator[Change]:
        shown = {key: item for key, item in written.items() if key[1] != "KEY"}
        stored = super().get_many(shown)
        for key, after in shown.items():
            change = _change(key, stored.get(key), after)
            if change is not None:
                yield change


def _with(action: Action, condition: Condition | None, values: Any) -> Action:
    _request(action).update(condition=condition, values=values)
    return action


def _request(action: Action) -> dict[str, Any]:
    (request,) = action.values()
    found: dict[str, Any] = request
    return found


def _key(action: Action) -> Key:
    request = _request(action)
    key = request["Item"] if "Item" in request else request["Key"]
    return key["pk"]["S"], key["sk"]["S"]


def _change(key: Key, before: Item | None, after: Item | None) -> Change | None:
    kind = "person" if key[1] == "PERSON" else _KINDS.get(key[1].split("#", 1)[0])
    item = after or before
    if kind is None or item is None:
        return None
    was, now = _shown(kind, before, after), _shown(kind, after, before)
    what = _what(kind, before, after)
    if what == "updated" and was == now:
        return None
    if kind == "person":
        return Change(kind, item["id"], what, was, now, f"{kind}#{item['id']}")
    told = item["entitlement_id" if kind == "grant" else "external_id"]
    return Change(kind, told, what, was, now, f"{kind}#{key[1]}")


def _what(kind: Kind, before: Item | None, after: Item | None) -> Any:
    was, now = _is_there(before), _is_there(after)
    if kind == "grant":
        return "updated" if was and now else "granted" if now else "revoked"
    if was and not now:
        return "removed"
    if now and not was:
        return "created" if before is None else "restored"
    return "updated"


def _is_there(item: Item | None) -> bool:
    if item is None or "removed_at" in item:
        return False
    return item.get("status") not in ("removed", "revoked")


def _shown(kind: Kind, item: Item | None, other: Item | None) -> dict[str, Any] | None:
    if item is None:
        return None
    if kind == "person":
        marks = {n: item[n] for n in ("removed_at", "removed_by_run") if n in item}
        return {**item["fields"], **marks}
    shown = {name: item[name] for name in _PLAIN[kind] if name in item}
    attributes = _differing(item, other) if kind != "grant" else {}
    return {**shown, "attributes": attributes} if attributes else shown


def _differing(item: Item, other: Item | None) -> dict[str, Any]:
    """What is in the app's record and differs from the other's."""
    mine, others = (json.loads((one or {}).get("attributes", "{}")) for one in (item, other))
    return {name: value for name, value in mine.items() if others.get(name, ...) != value}
