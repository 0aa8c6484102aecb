"""Connectors of a customer's own: made, changed and deleted at run time, every version kept.

| item          | pk            | sk                | holds                               |
|---------------|---------------|-------------------|-------------------------------------|
| the connector | CONNECTOR     | key               | manifest (JSON text), version, link |
| a version     | CONNECTOR#key | version, 6 digits | manifest, created_at, actor         |

Every change is one transaction with its audit entry and its version. What comes to use a connector
changes `link` in its own transaction (`linking`), so that the connector can neither be deleted nor
be given a version that its users were not asked about in the same moment. Versions stay when the
connector is deleted; one that gets its key later counts on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.connectors import catalog
from rollcall.connectors.catalog import KIND, Entry
from rollcall.items import Item
from rollcall.stamps import new_id, now
from rollcall.tables import ABSENT, PRESENT, Action, Condition, Table, equals, transact

_TYPE = "connector"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a connector's manifest, and who made it when."""

    version: int
    created_at: str
    actor: str


@dataclass(frozen=True, slots=True)
class Users:
    """Who uses a connector: (id, name) of integrations, credentials and presets of one's own."""

    integrations: tuple[tuple[str, str], ...]
    credentials: tuple[tuple[str, str], ...]
    presets: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.integrations or self.credentials or self.presets)


def linking(config: Table, key: str) -> list[Action]:
    """For the transaction of what comes to use the connector: it must still be there.

    Nothing is needed for a connector that comes with Rollcall.
    """
    if catalog.find(key) is not None:
        return []
    return [config.updating(KIND, key, {"link": new_id()}, PRESENT)]


class Connectors:
    """The store. Manifests that come in have passed `check.problems`."""

    def __init__(self, config: Table) -> None:
        self._config = config

    def create(self, data: Mapping[str, Any], actor: str) -> Entry | None:
        """Keep a new connector; None where its key is taken."""
        key = data["key"]
        if catalog.find(key) is not None or self._config.get(KIND, key) is not None:
            return None
        last, _ = self._config.page(_history(key), limit=1, backwards=True)
        moment = now()
        item = _item(data, last[0]["version"] + 1 if last else 1, moment, moment)
        return self._store("create", item, ABSENT, {}, actor)

    def replace(
        self, seen: "Seen", data: Mapping[str, Any], actor: str
    ) -> Entry | Literal["changed"]:
        """Make `data` the connector's next version; one that says the same stays as it is.

        "changed": the connector, or who uses it, is no longer what `seen` was.
        """
        before = seen.item
        item = _item(data, before["version"] + 1, before["created_at"], now())
        if item["manifest"] == before["manifest"]:
            return Entry.from_item(before)
        stored = self._store("update", item, _unlinked(before), _audited(before), actor)
        return stored or "changed"

    def _store(
        self, verb: str, item: Item, condition: Condition, before: Mapping[str, Any], actor: str
    ) -> Entry | None:
        key = item["sk"]
        version = {name: item[name] for name in ("manifest", "version")}
        refused = transact(
            self._config.client,
            [
                self._config.putting(item, condition),
                self._config.putting(
                    {
                        "pk": _history(key),
                        "sk": f"{item['version']:06d}",
                        "created_at": item["updated_at"],
                        "actor": actor,
                        **version,
                    },
                    ABSENT,
                ),
                recording(self._config, Change(actor, verb, _TYPE, key, before, _audited(item))),
            ],
        )
        return Entry.from_item(item) if refused is None else None

    def seen(self, key: str) -> "Seen | None":
        """The connector of the customer's own as it is now, to be changed or deleted; or None."""
        item = self._config.get(KIND, key)
        return Seen(item) if item is not None else None

    def delete(self, seen: "Seen", actor: str) -> bool:
        """Delete a connector that nobody used when it was seen; False if it changed since."""
        item = seen.item
        refused = transact(
            self._config.client,
            [
                self._config.deleting(KIND, item["sk"], _unlinked(item)),
                recording(
                    self._config, Change(actor, "delete", _TYPE, item["sk"], _audited(item), {})
                ),
            ],
        )
        return refused is None

    def users(self, key: str) -> Users:
        """Who uses the connector."""
        found = {
            kind: tuple(
                (item["id"], item["name"])
                for item in self._config.query(
                    kind, where=equals("connector", key), attributes=("id", "name")
                )
            )
            for kind in ("INTEGRATION", "CREDENTIAL")
        }
        saved = self._config.query(f"PRESET#{key}", attributes=("sk", "name"))
        presets = tuple((item["sk"], item["name"]) for item in saved)
        return Users(found["INTEGRATION"], found["CREDENTIAL"], presets)

    def versions(
        self, key: str, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Version], Item | None]:
        """The connector's versions, newest first, and the key to go on after."""
        items, last = self._config.page(_history(key), limit=limit, after=after, backwards=True)
        return [Version(one["version"], one["created_at"], one["actor"]) for one in items], last

    def manifest(self, key: str, version: int | None = None) -> dict[str, Any] | None:
        """The manifest of the connector's own, as it is or as a version had it; or None."""
        place = (KIND, key) if version is None else (_history(key), f"{version:06d}")
        item = self._config.get(*place)
        if item is None:
            return None
        data: dict[str, Any] = json.loads(item["manifest"])
        return data


@dataclass(frozen=True, slots=True)
class Seen:
    """A connector's item as it was read: what is decided by it holds only while it is so."""

    item: Item

    @property
    def entry(self) -> Entry:
        """The connector as it was."""
        return Entry.from_item(self.item)


def _item(data: Mapping[str, Any], version: int, created_at: str, updated_at: str) -> Item:
    return {
        "pk": KIND,
        "sk": data["key"],
        "manifest": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        "version": version,
        "link": new_id(),
        "created_at": created_at,
        "updated_at": updated_at,
    }


def _unlinked(item: Item) -> Condition:
    return equals("link", item["link"])


def _history(key: str) -> str:
    return f"{KIND}#{key}"


def _audited(item: Item) -> dict[str, Any]:
    """What the log says of a connector; its versions hold the manifests."""
    text: str = item["manifest"]
    return {
        "name": json.loads(text)["name"],
        "version": item["version"],
        "digest": blake2b(text.encode(), digest_size=12).hexdigest(),
    }
