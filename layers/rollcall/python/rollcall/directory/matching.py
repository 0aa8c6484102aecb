"""Whose account it is, and whether the integration's choices let it be taken. Pure functions.

What a hand has decided comes first: an account linked by hand stays with its person, one that was
unlinked, and a service or system account, belongs to nobody. Then the sync keys decide, and what
they say must not be two people.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rollcall.connectors.records import Account
from rollcall.directory import keys
from rollcall.directory.people import Person, Write, merged, writer
from rollcall.directory.source import Source
from rollcall.mapping.mapper import Fault, Mapped

Change = Literal["added", "updated", "unchanged", "restored", "skipped"]
Stored = Mapping[str, Any]
_SHOWN = 80
"""Characters of a value in a sentence."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a record was left out: a code, and a sentence that says what would have been done.

    `exists-already`: the account is on the roster and stays as it is. All other skipped accounts
    are not on it.
    """

    code: Literal["person-missing", "person-exists", "exists-already", "stays-removed"]
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one account. `sync_key` is the first sync key's value, where it is told."""

    change: Change
    skip: Skip | None = None
    faults: tuple[Fault, ...] = ()
    sync_key: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Whom the account belongs to; `person_id` None: nobody, or with `creates` somebody new.

    `writes`: its values may be written to the person. `skip`: the record is left out.
    """

    person_id: str | None = None
    creates: bool = False
    writes: bool = False
    faults: tuple[Fault, ...] = ()
    skip: Skip | None = None


def key_of(source: Source, mapped: Mapped) -> str | None:
    """The first sync key's value as text, or None."""
    value = mapped.values.get(source.sync_keys[0]) if source.sync_keys else None
    return None if value is None else str(value)


def named(account: Account) -> str:
    """What a person calls the account, in up to 80 characters."""
    name = account.display_name or account.email or account.username or account.external_id
    return name[:_SHOWN]


def by_hand(old: Stored | None) -> bool:
    """Has a hand decided whom the account belongs to?"""
    return old is not None and (old.get("kind", "person") != "person" or "link" in old)


def on_roster(old: Stored | None) -> bool:
    """Is the account that was stored there now?"""
    return old is not None and old["status"] != "removed"


def match(
    source: Source,
    account: Account,
    old: Stored | None,
    mapped: Mapped,
    found: Mapping[str, str],
) -> Match:
    """Whom the account belongs to. `old` is what is stored of it, `found` person ids by key item.

    An account whose record has faults keeps the person it had, and nothing is written there.
    """
    if old is not None and old["status"] == "removed" and source.on_return == "ignore":
        return Match(
            skip=Skip(
                "stays-removed",
                f"{named(account)} was removed and has come back; on_return ignore: "
                "the account would have been restored",
            )
        )
    had = old.get("person_id") if old is not None else None
    matched = _by_hand(old, had, mapped) if by_hand(old) else _by_keys(source, had, mapped, found)
    if source.preference == "update_only":
        return _update_only(source, account, old, mapped, matched)
    if source.preference == "create_only":
        return _create_only(account, old, matched)
    return matched


def _by_hand(old: Stored | None, had: str | None, mapped: Mapped) -> Match:
    if old is None or old.get("kind", "person") != "person" or old.get("link") == "none":
        return Match()
    return Match(had, writes=not mapped.faults, faults=mapped.faults)


def _by_keys(source: Source, had: str | None, mapped: Mapped, found: Mapping[str, str]) -> Match:
    values = mapped.values
    leads = {
        field: person_id
        for field in source.sync_keys
        if field in values
        and (person_id := found.get(keys.sync_key(field, values[field]))) is not None
    }
    if mapped.faults:
        return Match(had, faults=mapped.faults)
    if len(set(leads.values())) > 1:
        return Match(had, faults=(_disagreement(leads, values, had),))
    if leads:
        return Match(next(iter(leads.values())), writes=True)
    if source.sync_keys[0] in values:
        return Match(had, creates=had is None, writes=True)
    first = source.sync_keys[0]
    whose = "belongs to nobody" if had is None else "stays with the person it had"
    fault = Fault(
        first,
        "sync-key-missing",
        f"the account is on the roster and {whose}: it has no usable {first}",
    )
    return Match(had, writes=had is not None, faults=(fault,))


def _disagreement(leads: Mapping[str, str], values: Mapping[str, Any], had: str | None) -> Fault:
    said = [f"{field} {_short(values[field])} is person {leads[field]}" for field in leads]
    whose = "belongs to nobody" if had is None else f"stays with person {had}"
    first = next(iter(leads.values()))
    other = next(field for field, person_id in leads.items() if person_id != first)
    return Fault(
        other, "sync-keys-disagree", f"{', '.join(said)}: nobody is written, the account {whose}"
    )


def _update_only(
    source: Source, account: Account, old: Stored | None, mapped: Mapped, matched: Match
) -> Match:
    """No person is made, and no account comes to the roster without one."""
    if matched.person_id is not None or by_hand(old):
        return matched
    if any(fault.code == "sync-keys-disagree" for fault in matched.faults):
        return matched
    first, key = source.sync_keys[0], key_of(source, mapped)
    nobody = f"nobody has {first} {_short(key)}" if key else f"it has no usable {first}"
    if not on_roster(old):
        message = f"{nobody}; update_only: {named(account)} would have been created"
        return Match(skip=Skip("person-missing", message))
    if not matched.creates:
        return matched
    message = f"{nobody}; update_only: the account is on the roster and belongs to nobody"
    return Match(faults=(Fault(first, "person-missing", message),))


def _create_only(account: Account, old: Stored | None, matched: Match) -> Match:
    """Nothing is written of whom there is already."""
    if on_roster(old) and (matched.person_id is not None or by_hand(old)):
        message = (
            f"the account of {named(account)} is on the roster; "
            "create_only: it would have been updated"
        )
        return Match(matched.person_id, faults=matched.faults, skip=Skip("exists-already", message))
    if matched.person_id is not None:
        message = (
            f"{named(account)} is person {matched.person_id} already; "
            "create_only: they would have been updated"
        )
        return Match(skip=Skip("person-exists", message))
    return matched


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Former:
    """The person that an account leaves for another one; what it wrote there goes with it."""

    id: str
    person: Person

    def gives(self, integration_id: str, field: str) -> bool:
        """Did the integration write the field there?"""
        by = writer(self.person.sources.get(field))
        return by is not None and by.integration_id == integration_id

    def without(self, fields: Collection[str]) -> Person:
        """The person without these fields."""
        return Person(
            {name: value for name, value in self.person.fields.items() if name not in fields},
            {name: by for name, by in self.person.sources.items() if name not in fields},
        )


@dataclass(frozen=True, slots=True)
class Written:
    """A person after a source's values.

    `taken` says whose the unique values are that somebody else has: they are not written, and what
    the person had there stays. `given` are fields whose value the former person gives up.
    """

    person: Person
    taken: Mapping[str, str]
    given: frozenset[str]


def written(
    source: Source,
    person_id: str,
    before: Person,
    values: Mapping[str, Any],
    writes: Mapping[str, Write],
    found: Mapping[str, str],
    former: Former | None,
) -> Written:
    """The person after the values; `found` are person ids by key item."""
    after = merged(before, values, writes, source.integration_id, source.ranks)
    taken: dict[str, str] = {}
    given: set[str] = set()
    for field in sorted(source.unique | set(source.sync_keys)):
        now = unique_key(after, field)
        if now is None or now == unique_key(before, field):
            continue
        owner = found.get(now, person_id)
        if former is not None and owner == former.id and former.gives(source.integration_id, field):
            given.add(field)
        elif owner != person_id:
            taken[field] = owner
    if taken:
        free = {field: write for field, write in writes.items() if field not in taken}
        after = merged(before, values, free, source.integration_id, source.ranks)
    return Written(after, taken, frozenset(given))


def unique_key(person: Person, field: str) -> str | None:
    """The key item's partition of what the person has in a unique field."""
    value = person.fields.get(field)
    return None if value in (None, "") else keys.sync_key(field, value)


def value_taken(field: str, value: Any, owner: str) -> Fault:
    """A unique value that somebody else has."""
    return Fault(
        field,
        "value-taken",
        f"{field} {_short(value)} is person {owner}'s: it is not written, the rest is",
    )
