"""The roster as the API shows it: people, accounts, groups and grants.

Every list answers (objects, key to go on after); the key is None at the end. What an account's
integration and its last run tell (`Connect: …`, `Connector Sync Time`) is filled in here and
stored nowhere.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rollcall.connectors.manifest import Manifest
from rollcall.connectors.records import read_fields
from rollcall.directory import keys
from rollcall.items import Item
from rollcall.tables import Condition, Table, absent, equals, present

Found = tuple[list[dict[str, Any]], Item | None]

Kind = Literal["person", "service", "system"]
"""Whose account it is: a person's, or nobody's."""

_SEARCHED = ("email", "username", "display_name", "first_name", "last_name")
_SEARCH_AT_MOST = 3000
"""People that one call of a search reads; the caller goes on with the cursor."""
_SEARCH_PAGE = 100


@dataclass(frozen=True, slots=True)
class Origin:
    """What an account shows of the integration that brought it; None where that is gone."""

    integration_id: str
    manifest: Manifest | None
    credential: str | None = None
    subdomain: str | None = None
    synced_at: str | None = None


@dataclass(frozen=True, slots=True)
class WantedAccounts:
    """Which accounts: in one status, with a person or without, of one kind; None is any."""

    status: str | None = None
    linked: bool | None = None
    kind: Kind | None = None

    @property
    def condition(self) -> Condition:
        """As a condition of the table. Records of people-only integrations are no accounts."""
        found = [absent("load")]
        if self.status is not None:
            found.append(equals("status", self.status))
        if self.linked is not None:
            found.append(present("person_id") if self.linked else absent("person_id"))
        if self.kind == "person":
            found.append(absent("kind"))
        elif self.kind is not None:
            found.append(equals("kind", self.kind))
        whole = _all(found)
        if whole is None:
            raise ValueError("there is always a condition")
        return whole


def accounts(
    directory: Table, origin: Origin, wanted: WantedAccounts, limit: int, after: Item | None
) -> Found:
    """An integration's accounts by their ids."""
    items, last = directory.page(
        keys.integration(origin.integration_id),
        "ACCOUNT#",
        limit=limit,
        after=after,
        where=wanted.condition,
    )
    return [_account(item, origin) for item in items], last


def account(directory: Table, origin: Origin, external_id: str) -> dict[str, Any] | None:
    """One account, or None."""
    item = directory.get(keys.integration(origin.integration_id), keys.account(external_id))
    return _account(item, origin) if item is not None and "load" not in item else None


def count_accounts(directory: Table, integration_id: str) -> int:
    """How many accounts are not removed. Reads them all (the table counts nothing for us)."""
    there = Condition("#status <> :removed", {"#status": "status"}, {":removed": "removed"})
    found = directory.query(
        keys.integration(integration_id),
        "ACCOUNT#",
        attributes=("sk",),
        where=there & absent("load"),
    )
    return sum(1 for _ in found)


def _account(item: Item, origin: Origin) -> dict[str, Any]:
    attributes = json.loads(item["attributes"])
    own = read_fields(origin.manifest, attributes) if origin.manifest else {}
    return {
        **_summary(item),
        "attributes": attributes,
        "fields": {
            **own,
            "connect_credentials": origin.credential,
            "connect_subdomain": origin.subdomain,
            "connector_sync_time": item.get("removed_at") or origin.synced_at,
        },
        "first_seen_at": item["first_seen_at"],
        "last_changed_at": item["last_changed_at"],
        "removed_at": item.get("removed_at"),
        "removed_by_run": item.get("removed_by_run"),
        "left_at": item.get("left_at"),
        "version": item["version"],
    }


def _summary(item: Item) -> dict[str, Any]:
    return {
        "integration_id": item["integration_id"],
        "external_id": item["external_id"],
        "username": item.get("username"),
        "email": item.get("email"),
        "display_name": item.get("display_name"),
        "status": item["status"],
        "person_id": item.get("person_id"),
        "kind": item.get("kind", "person"),
        "link": item.get("link"),
        "last_active_at": item.get("last_active_at"),
    }


def groups(
    directory: Table, integration_id: str, status: str | None, limit: int, after: Item | None
) -> Found:
    """An integration's groups by their ids, each with how many accounts hold it now."""
    items, last = directory.page(
        keys.integration(integration_id),
        "GROUP#",
        limit=limit,
        after=after,
        where=equals("status", status) if status else None,
    )
    return [_group(directory, integration_id, item) for item in items], last


def _group(directory: Table, integration_id: str, item: Item) -> dict[str, Any]:
    partition = keys.entitlement(integration_id, "group", item["external_id"])
    members = directory.query(partition, index="gsi1", attributes=("pk", "sk"))
    grants = directory.get_many(((member["pk"], member["sk"]) for member in members), ("status",))
    return {
        "external_id": item["external_id"],
        "name": item.get("name"),
        "is_admin": item["is_admin"],
        "member_count": sum(1 for grant in grants.values() if grant["status"] == "held"),
        "status": item["status"],
        "attributes": json.loads(item["attributes"]),
    }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which grants: of one account, on one group, in one status; None is any."""

    account: str | None = None
    group: str | None = None
    status: Literal["held", "revoked"] | None = None


def grants(
    directory: Table, integration_id: str, wanted: Wanted, limit: int, after: Item | None
) -> Found:
    """An integration's grants by account."""
    if wanted.group is not None and wanted.account is None:
        return _grants_on(directory, integration_id, wanted, limit, after)
    conditions = [equals("status", wanted.status)] if wanted.status else []
    if wanted.group is not None:
        conditions += [equals("type", "group"), equals("entitlement_id", wanted.group)]
    items, last = directory.page(
        keys.integration(integration_id),
        keys.grants_of(wanted.account) if wanted.account is not None else "GRANT#",
        limit=limit,
        after=after,
        where=_all(conditions),
    )
    return [_grant(item) for item in items], last


def _grants_on(
    directory: Table, integration_id: str, wanted: Wanted, limit: int, after: Item | None
) -> Found:
    """By the index of entitlements, which holds keys only: the status is read from the grants."""
    partition = keys.entitlement(integration_id, "group", wanted.group or "")
    found: list[dict[str, Any]] = []
    while True:
        index, after = directory.page(
            partition, limit=limit - len(found), after=after, index="gsi1"
        )
        found += [
            _grant(item)
            for item in _in_order(directory, index)
            if wanted.status in (None, item["status"])
        ]
        if after is None or len(found) == limit:
            return found, after


def _grant(item: Item) -> dict[str, Any]:
    return {
        "account": item["account"],
        "entitlement": {
            "type": item["type"],
            "id": item["entitlement_id"],
            "name": item.get("name"),
            "scope": item.get("scope"),
            "scope_name": item.get("scope_name"),
        },
        "status": item["status"],
        "granted_at": item["granted_at"],
        "revoked_at": item.get("revoked_at"),
    }


def people(
    directory: Table,
    fields: Collection[str],
    email: str | None,
    search: str | None,
    limit: int,
    after: Item | None,
) -> Found:
    """People by email; those with exactly this one, or whose names hold what is searched for.

    `fields` are the keys of all columns: a person shows each, null where there is nothing. A
    search reads 3,000 people in a call, so its page may be short before the end.
    """
    prefix = f"{email.strip().lower()}#" if email is not None else ""
    found: list[dict[str, Any]] = []
    read = 0
    while read < _SEARCH_AT_MOST:
        size = _SEARCH_PAGE if search else limit - len(found)
        index, last = directory.page(keys.PEOPLE, prefix, limit=size, after=after, index="gsi1")
        batch = _in_order(directory, index)
        for number, item in enumerate(batch, 1):
            if _matches(item, email, search):
                found.append(_person(directory, fields, item))
            if len(found) == limit:
                return found, last if number == len(batch) else _index_key(item)
        if last is None:
            return found, None
        read += len(index)
        after = last
    return found, after


def _index_key(item: Item) -> Item:
    return {name: item[name] for name in ("pk", "sk", "gsi1pk", "gsi1sk")}


def _matches(person: Item, email: str | None, search: str | None) -> bool:
    fields = person["fields"]
    if email is not None and str(fields.get("email", "")).lower() != email.strip().lower():
        return False
    if search is None:
        return True
    words = search.strip().lower()
    return any(words in str(fields.get(name, "")).lower() for name in _SEARCHED)


def person(directory: Table, fields: Collection[str], person_id: str) -> dict[str, Any] | None:
    """One person with each of `fields`, or None."""
    item = directory.get(keys.person(person_id), "PERSON")
    return _person(directory, fields, item) if item is not None else None


def _person(directory: Table, fields: Collection[str], item: Item) -> dict[str, Any]:
    linked = directory.query(keys.person(item["id"]), "ACCOUNT#", index="gsi1")
    return {
        **dict.fromkeys(fields),
        **item["fields"],
        "id": item["id"],
        "accounts": [_summary(one) for one in _in_order(directory, list(linked))],
        "created_at": item["created_at"],
        "updated_at": item["updated_at"],
        "removed_at": item.get("removed_at"),
    }


def _in_order(directory: Table, index: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The items that keys from the index lead to, in their order; the index lags a little."""
    items = directory.get_many((key["pk"], key["sk"]) for key in index)
    places = ((key["pk"], key["sk"]) for key in index)
    return [items[place] for place in places if place in items]


def _all(conditions: Sequence[Condition]) -> Condition | None:
    whole: Condition | None = None
    for condition in conditions:
        whole = condition if whole is None else whole & condition
    return whole
