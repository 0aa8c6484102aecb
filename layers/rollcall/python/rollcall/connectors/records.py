"""From an app's record to what the roster keeps of it. Pure: a record in, a value out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

from rollcall.connectors import paths
from rollcall.connectors.manifest import Field, Manifest

LONGEST_KEY = 250
"""Characters of an id or of a sync key's value: DynamoDB's sort keys end at 1,024 bytes."""
LARGEST_RECORD = 300_000
"""Bytes of one record: a DynamoDB item holds 400 KB with everything else that is in it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One account's hold on one entitlement. Two scopes of one role are two grants."""

    account: str
    type: Literal["group", "admin", "role"]
    id: str
    name: str | None
    scope: str | None = None
    scope_name: str | None = None
    told_by: str = "memberships"
    """The list or flag of the user's record that tells of it, or "memberships"."""


@dataclass(frozen=True, slots=True)
class Account:
    """One user's record, read. `hash` covers the whole record and how it is read and mapped."""

    external_id: str
    username: str | None
    email: str | None
    display_name: str | None
    status: Literal["active", "inactive"]
    last_active_at: str | None
    attributes: str
    hash: str
    record: Mapping[str, Any]
    """The record itself, which a mapping reads when there is something to do."""
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One group's record, read."""

    external_id: str
    name: str | None
    is_admin: bool
    attributes: str
    hash: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be taken, and why."""

    external_id: str | None
    code: str
    message: str


class Reader:
    """Reads the records of one connector.

    `version` stands for everything else that decides what becomes of a record (how it is mapped,
    what is loaded): a new one makes every record new, as a new way of reading does.
    """

    def __init__(self, manifest: Manifest, version: bytes = b"") -> None:
        self._manifest = manifest
        users = manifest.users
        way = repr((users.columns, users.listed, users.flagged, manifest.fields, version))
        self._version = blake2b(way.encode(), digest_size=8).digest()

    def account(self, record: Mapping[str, Any]) -> Account | Unreadable:
        """The account that a user's record tells of, with the grants told in it."""
        users = self._manifest.users
        columns = users.columns
        external_id = paths.text(paths.read(record, users.id))
        if external_id is None:
            return Unreadable(None, "id-missing", f"the record has no id at {users.id}")
        if unusable := _unusable(external_id):
            return unusable
        attributes = _canonical(record)
        if (size := len(attributes.encode())) > LARGEST_RECORD:
            message = f"the record has {size} bytes; {LARGEST_RECORD} can be kept"
            return Unreadable(external_id, "record-too-large", message)
        names = (paths.text(paths.read(record, path)) for path in columns.display_name)
        display_name = " ".join(name for name in names if name) or None
        enabled = paths.truth(paths.read(record, columns.enabled)) if columns.enabled else True
        return Account(
            external_id=external_id,
            username=paths.text(paths.read(record, columns.username)) if columns.username else None,
            email=paths.text(paths.read(record, columns.email)),
            display_name=display_name,
            status="inactive" if enabled is False else "active",
            last_active_at=paths.moment(paths.read(record, columns.last_active_at))
            if columns.last_active_at
            else None,
            attributes=attributes,
            hash=blake2b(attributes.encode(), key=self._version, digest_size=12).hexdigest(),
            record=record,
            grants=tuple(self.grants(external_id, record)),
        )

    def grants(self, account: str, record: Mapping[str, Any]) -> Iterator[Grant]:
        """The grants told in a user's record."""
        for listed in self._manifest.users.listed:
            rows = paths.read(record, listed.each)
            for row in rows if isinstance(rows, list) else ():
                entitlement = paths.text(paths.read(row, listed.id))
                if entitlement is None or entitlement in listed.none:
                    continue
                yield Grant(
                    account=account,
                    type=listed.type,
                    id=entitlement,
                    name=paths.text(paths.read(row, listed.name)),
                    scope=paths.text(paths.read(row, listed.scope)) if listed.scope else None,
                    scope_name=paths.text(paths.read(row, listed.scope_name))
                    if listed.scope_name
                    else None,
                    told_by=listed.each,
                )
        for flagged in self._manifest.users.flagged:
            if paths.truth(paths.read(record, flagged.when)):
                yield Grant(account, flagged.type, flagged.id, flagged.name, told_by=flagged.when)

    def group(self, record: Mapping[str, Any]) -> Group | Unreadable:
        """The group that a record tells of."""
        groups = self._manifest.groups
        if groups is None:
            raise ValueError(f"{self._manifest.key} has no groups")
        external_id = paths.text(paths.read(record, groups.id))
        if external_id is None:
            return Unreadable(None, "id-missing", f"the group has no id at {groups.id}")
        if unusable := _unusable(external_id):
            return unusable
        name = paths.text(paths.read(record, groups.name))
        attributes = _canonical(record)
        return Group(
            external_id=external_id,
            name=name,
            is_admin=external_id in groups.admins.ids or name in groups.admins.names,
            attributes=attributes,
            hash=blake2b(attributes.encode(), digest_size=12).hexdigest(),
        )

    def membership(self, record: Mapping[str, Any], group: Group | None) -> tuple[Grant, ...]:
        """The grants of one membership row: the group, and the admin right where it gives one.

        `group` is the one whose members are listed or that the row names; None where the list of
        groups has none such. Empty where there is no account, or no group at all.
        """
        memberships = self._manifest.memberships
        if memberships is None:
            raise ValueError(f"{self._manifest.key} has no memberships")
        account = paths.text(paths.read(record, memberships.account))
        group_id = group.external_id if group else self.member_group(record)
        if account is None or group_id is None:
            return ()
        name = group.name if group else None
        held = Grant(account, "group", group_id, name)
        if group is None or not group.is_admin:
            return (held,)
        return (held, Grant(account, "admin", group_id, name))

    def member_group(self, record: Mapping[str, Any]) -> str | None:
        """The group's id in a membership row."""
        memberships = self._manifest.memberships
        return paths.text(paths.read(record, memberships.group)) if memberships else None


def _unusable(external_id: str) -> Unreadable | None:
    """An id that no key and no path can hold: `..` in a path leads elsewhere."""
    if len(external_id) > LONGEST_KEY or external_id in (".", ".."):
        message = f"no id like {external_id[:40]!r} of {len(external_id)} characters can be kept"
        return Unreadable(None, "id-unusable", message)
    return None


def _canonical(record: Mapping[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def read_fields(manifest: Manifest, record: Mapping[str, Any]) -> dict[str, str | bool | None]:
    """The connector's standard fields of one record, by key."""
    return {field.key: read_field(field, record) for field in manifest.fields}


def read_field(field: Field, record: Mapping[str, Any]) -> str | bool | None:
    """One of the connector's standard fields, as its type has it."""
    value = paths.read(record, field.path)
    if field.type == "boolean":
        return paths.truth(value)
    return paths.moment(value) if field.type == "datetime" else paths.text(value)
