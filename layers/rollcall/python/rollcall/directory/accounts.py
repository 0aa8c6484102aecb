"""Taking accounts into the directory: a page of records in, what became of each out.

Only what changed is written. A new account, its new person and the item that makes the person's
sync key unique are one transaction, so two integrations that bring the same person in the same
second make one person. Grants told in a record are stored before the account whose hash says that
they were, so that a function killed in between does both again.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rollcall.connectors.records import Account
from rollcall.directory import keys
from rollcall.directory.grants import hold
from rollcall.directory.people import Person, linked, merged
from rollcall.directory.source import Source
from rollcall.tables import ABSENT, TRANSACTION, Action, Item, Table, equals, transact

Change = Literal["added", "updated", "unchanged", "restored"]
_ROUNDS = 8
_WEIGHT = 2_000_000
"""Bytes of records in one transaction, which may hold 4 MB with everything around them."""
_COMPARED = ("hash", "status", "run_id", "change")
_CONTINUED = ("person_id", "version", "first_seen_at", "status")
"""What the next version of a changed account takes over from the one before."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """What must be stored together for one account, and the items it touches beside it."""

    account: Account
    actions: list[Action]
    touched: frozenset[str]


def take(directory: Table, source: Source, accounts: Sequence[Account]) -> dict[str, Change]:
    """Store what changed; returns what became of each account, by its external id.

    An account that this run has taken before (a function was killed, or the app showed it on two
    pages) is what it was then. Raises RuntimeError when others keep changing the same items.
    """
    pk = keys.integration(source.integration_id)
    changes: dict[str, Change] = {}
    pending = {account.external_id: account for account in accounts}
    for round_number in range(_ROUNDS):
        stored = directory.get_many(
            ((pk, keys.account(external_id)) for external_id in pending), _COMPARED
        )
        written: dict[str, Change] = {}
        for account in pending.values():
            change, write = compare(
                stored.get((pk, keys.account(account.external_id))), account.hash, source.run_id
            )
            changes[account.external_id] = change
            if write:
                written[account.external_id] = change
        if not written:
            return changes
        before = directory.get_many(
            ((pk, keys.account(external_id)) for external_id in written), _CONTINUED
        )
        changed = [
            (pending[external_id], before.get((pk, keys.account(external_id))), change)
            for external_id, change in written.items()
        ]
        hold(directory, source, [g for account, _, _ in changed for g in account.grants])
        units, clashing = _units(directory, source, changed)
        refused = _store(directory, units, one_by_one=round_number > 0)
        pending = {account.external_id: account for account in (*clashing, *refused)}
        if not pending:
            return changes
    raise RuntimeError(f"{len(pending)} accounts could not be stored in {_ROUNDS} rounds")


def compare(old: Mapping[str, Any] | None, new_hash: str, run_id: str) -> tuple[Change, bool]:
    """What became of an account, and whether that is still to be written."""
    if old is None:
        return "added", True
    if old["status"] == "removed":
        return "restored", True
    taken_already: Change | None = old["change"] if old["run_id"] == run_id else None
    if old["hash"] == new_hash:
        return taken_already or "unchanged", False
    return taken_already or "updated", True


def _units(
    directory: Table, source: Source, changed: Sequence[tuple[Account, Item | None, Change]]
) -> tuple[list[_Unit], list[Account]]:
    """What to store for each account; those that touch what another one touches come later."""
    found = _found(directory, source, [account for account, _, _ in changed])
    linked_now = (old["person_id"] for _, old, _ in changed if old and old.get("person_id"))
    people = directory.get_many(
        (keys.person(person_id), "PERSON") for person_id in {*found.values(), *linked_now}
    )
    units: list[_Unit] = []
    clashing: list[Account] = []
    used: set[str] = set()
    # Who stays comes before who joins somebody else: an address may be handed on within a page.
    joining = [
        (_joins(source, account, old, found), account, old, change)
        for account, old, change in changed
    ]
    for _, account, old, change in sorted(joining, key=lambda one: one[0]):
        key = account.person.get(source.sync_key)
        person_id = linked(
            old.get("person_id") if old else None,
            found.get(keys.sync_key(source.sync_key, key)) if key else None,
        )
        person = people.get((keys.person(person_id), "PERSON")) if person_id else None
        if person_id is None and key is not None:
            person_id = uuid.uuid4().hex
        actions = []
        if person_id is not None:
            actions = list(_person_actions(directory, source, account, person_id, person))
        touched = frozenset(_pk(action) for action in actions)
        if touched & used:
            clashing.append(account)
            continue
        used |= touched
        actions.append(_account_action(directory, source, account, old, change, person_id))
        units.append(_Unit(account, actions, touched))
    return units, clashing


def _joins(source: Source, account: Account, old: Item | None, found: Mapping[str, str]) -> bool:
    """Would the account leave its person, or come to one that somebody else made?"""
    key = account.person.get(source.sync_key)
    person_id = found.get(keys.sync_key(source.sync_key, key)) if key else None
    return person_id is not None and person_id != (old or {}).get("person_id")


def _found(directory: Table, source: Source, accounts: Collection[Account]) -> dict[str, str]:
    """Person ids by the sync key items of these accounts."""
    values = (account.person.get(source.sync_key) for account in accounts)
    wanted = {keys.sync_key(source.sync_key, value) for value in values if value}
    items = directory.get_many((pk, "KEY") for pk in wanted)
    return {pk: item["person_id"] for (pk, _), item in items.items()}


def _pk(action: Action) -> str:
    (request,) = action.values()
    return str(request.get("Item", request.get("Key"))["pk"]["S"])


def _person_actions(
    directory: Table, source: Source, account: Account, person_id: str, old: Item | None
) -> Iterator[Action]:
    before = Person(old["fields"], old["sources"]) if old else Person({}, {})
    after = merged(before, account.person, source.targets, source.integration_id, source.ranks)
    if after == before:
        return
    pk = keys.person(person_id)
    item = {
        "pk": pk,
        "sk": "PERSON",
        "id": person_id,
        "fields": dict(after.fields),
        "sources": dict(after.sources),
        "version": old["version"] + 1 if old else 1,
        "created_at": old["created_at"] if old else source.now,
        "updated_at": source.now,
        **keys.person_index(person_id, after.fields),
    }
    yield directory.putting(item, equals("version", old["version"]) if old else ABSENT)
    key_before = before.fields.get(source.sync_key)
    key_after = after.fields.get(source.sync_key)
    moved_from = keys.sync_key(source.sync_key, key_before) if key_before else None
    moved_to = keys.sync_key(source.sync_key, key_after) if key_after else None
    if moved_from == moved_to:
        return
    if moved_from is not None:
        yield directory.deleting(moved_from, "KEY", equals("person_id", person_id))
    if moved_to is not None:
        yield directory.putting({"pk": moved_to, "sk": "KEY", "person_id": person_id}, ABSENT)


def _account_action(
    directory: Table,
    source: Source,
    account: Account,
    old: Item | None,
    change: Change,
    person_id: str | None,
) -> Action:
    item = {
        "pk": keys.integration(source.integration_id),
        "sk": keys.account(account.external_id),
        "integration_id": source.integration_id,
        "external_id": account.external_id,
        "username": account.username,
        "email": account.email,
        "display_name": account.display_name,
        "status": account.status,
        "person_id": person_id,
        "last_active_at": account.last_active_at,
        "attributes": account.attributes,
        "hash": account.hash,
        "version": old["version"] + 1 if old else 1,
        "run_id": source.run_id,
        "change": change,
        "first_seen_at": old["first_seen_at"] if old else source.now,
        "last_changed_at": source.now,
    }
    if person_id is not None:
        item["gsi1pk"] = keys.person(person_id)
        item["gsi1sk"] = f"ACCOUNT#{source.integration_id}#{keys.escaped(account.external_id)}"
    present = {name: value for name, value in item.items() if value is not None}
    return directory.putting(present, equals("version", old["version"]) if old else ABSENT)


def _store(directory: Table, units: Sequence[_Unit], *, one_by_one: bool) -> list[Account]:
    """Store the units, many in a transaction; returns the accounts of those that were refused."""
    refused: list[Account] = []
    for batch in _batches(units, 1 if one_by_one else len(units)):
        if transact(directory.client, [action for unit in batch for action in unit.actions]):
            refused += [unit.account for unit in batch]
    return refused


def _batches(units: Sequence[_Unit], most: int) -> Iterator[list[_Unit]]:
    batch: list[_Unit] = []
    size = weight = 0
    for unit in units:
        heavy = len(unit.account.attributes.encode())
        full = size + len(unit.actions) > TRANSACTION or weight + heavy > _WEIGHT
        if batch and (len(batch) == most or full):
            yield batch
            batch, size, weight = [], 0, 0
        batch.append(unit)
        size += len(unit.actions)
        weight += heavy
    if batch:
        yield batch
