"""Groups and grants in the directory: held while the app says so, revoked when it stops."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rollcall.connectors.records import Grant, Group
from rollcall.directory import keys
from rollcall.directory.source import Source
from rollcall.tables import Table

_COMPARED = ("status", "name", "scope_name", "by", "revoked_at")


def hold(directory: Table, source: Source, grants: Collection[Grant]) -> None:
    """Store the grants that are not held yet, or whose name changed; but none that an action has
    revoked since the app was asked. One run writes at a time, and actions beside it.
    """
    pk = keys.integration(source.integration_id)
    by_key = {keys.grant(grant): grant for grant in grants}
    stored = directory.get_many(((pk, sk) for sk in by_key), _COMPARED)
    wanted = {
        sk: grant
        for sk, grant in by_key.items()
        if not _holds(old := stored.get((pk, sk)), grant)
        and (old is None or not source.knows_less(old, "revoked_at"))
    }
    before = directory.get_many(
        ((pk, sk) for sk in wanted), ("status", "version", "name", "scope_name", "granted_at")
    )
    directory.write_many(
        _grant_item(source, pk, sk, grant, before.get((pk, sk))) for sk, grant in wanted.items()
    )


def _holds(stored: Mapping[str, Any] | None, grant: Grant) -> bool:
    """A name that the app leaves out this time is no change."""
    return (
        stored is not None
        and stored["status"] == "held"
        and grant.name in (None, stored.get("name"))
        and grant.scope_name in (None, stored.get("scope_name"))
    )


def _grant_item(
    source: Source, pk: str, sk: str, grant: Grant, old: Mapping[str, Any] | None
) -> dict[str, Any]:
    held_before = old is not None and old["status"] == "held"
    item = {
        "pk": pk,
        "sk": sk,
        "gsi1pk": keys.entitlement(source.integration_id, grant.type, grant.id),
        "gsi1sk": f"{keys.escaped(grant.account)}#{keys.escaped(grant.scope or '')}",
        "integration_id": source.integration_id,
        "account": grant.account,
        "type": grant.type,
        "entitlement_id": grant.id,
        "name": grant.name or (old or {}).get("name"),
        "scope": grant.scope,
        "scope_name": grant.scope_name or (old or {}).get("scope_name"),
        "told_by": grant.told_by,
        "status": "held",
        "granted_at": old["granted_at"] if old and held_before else source.now,
        "version": old["version"] + 1 if old else 1,
        "run_id": source.run_id,
        "by": source.by,
    }
    return {name: value for name, value in item.items() if value is not None}


def take_groups(directory: Table, source: Source, groups: Sequence[Group]) -> None:
    """Store the groups that are new, changed or back."""
    pk = keys.integration(source.integration_id)
    by_key = {keys.group(group.external_id): group for group in groups}
    stored = directory.get_many(
        ((pk, sk) for sk in by_key), ("hash", "status", "version", "first_seen_at")
    )
    items = []
    for sk, group in by_key.items():
        old = stored.get((pk, sk))
        if old is not None and old["status"] == "held" and old["hash"] == group.hash:
            continue
        item = {
            "pk": pk,
            "sk": sk,
            "integration_id": source.integration_id,
            "external_id": group.external_id,
            "name": group.name,
            "is_admin": group.is_admin,
            "attributes": group.attributes,
            "hash": group.hash,
            "status": "held",
            "first_seen_at": old["first_seen_at"] if old else source.now,
            "last_changed_at": source.now,
            "version": old["version"] + 1 if old else 1,
            "run_id": source.run_id,
        }
        items.append({name: value for name, value in item.items() if value is not None})
    directory.write_many(items)
