"""What is stored of people: their fields, who wrote them, and the keys of their unique values.

A person and the keys of its unique values are written in one transaction, so that a value is
somebody's exactly if its key says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rollcall.directory import keys
from rollcall.directory.matching import Former, unique_key, value_taken, written
from rollcall.directory.people import Person, Write, Writer, writer
from rollcall.directory.source import Source
from rollcall.items import Item
from rollcall.mapping.mapper import Fault, Mapped
from rollcall.tables import ABSENT, Action, Table, equals, one_of


def former_of(old: Mapping[str, Any] | None) -> str | None:
    """Whom an account, as it is stored, belonged to before a run or a hand gives it away."""
    former: str | None = (old or {}).get("moved_from", (old or {}).get("person_id"))
    return former


class People:
    """The people as they were read, and what one source makes of them."""

    def __init__(
        self,
        directory: Table,
        source: Source,
        people: Mapping[str, Item],
        found: Mapping[str, str],
    ) -> None:
        self._directory = directory
        self._source = source
        self._people = people
        self._found = found

    def actions(
        self, person_id: str, account: Mapping[str, Any] | None, mapped: Mapped
    ) -> tuple[list[Action], tuple[Fault, ...]]:
        """What to store of the person that the account belongs to, and the faults of values that
        somebody else has. `account` is what is stored of it before.
        """
        source, old, values = self._source, self._people.get(person_id), mapped.values
        before = Person(old["fields"], old["sources"]) if old else Person({}, {})
        writes = _writes(source, account, before, values, new=old is None)
        left = self._people.get(former_of(account) or "")
        former = (
            Former(left["id"], Person(left["fields"], left["sources"]))
            if left is not None and left["id"] != person_id
            else None
        )
        result = written(source, person_id, before, values, writes, self._found, former)
        # A hand knows better than a key; of every other value the person must know.
        faults = tuple(
            value_taken(field, values[field], owner)
            for field, owner in result.taken.items()
            if not (field in source.sync_keys and (account or {}).get("link") == "manual")
        )
        back = old is not None and "removed_at" in old and source.load == "people"
        if result.person == before and not back:
            return [], faults
        actions = [self._putting(person_id, result.person, old, back=back)]
        if former is not None and result.given and left is not None:
            actions.append(self._putting(former.id, former.without(result.given), left))
        owners = [person_id, *([former.id] if former is not None else [])]
        actions += self._keys(owners, before, result.person)
        if old is None:
            actions += self._still_nobody(values, actions)
        return actions, faults

    def overwriting(
        self, old: Item, values: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> tuple[list[Action], tuple[Fault, ...]]:
        """What to store of somebody of whom these fields are said, whoever wrote them before; None
        empties one. No actions where they are so, and faults of values that somebody else has.

        `beside` are attributes that are stored with it.
        """
        person_id, mine = old["id"], Writer(self._source.integration_id).source
        before = Person(old["fields"], old["sources"])
        fields, sources = dict(before.fields), dict(before.sources)
        for name, value in values.items():
            if fields.get(name) == value:
                continue
            fields.pop(name, None)
            sources.pop(name, None)
            if value is not None:
                fields[name], sources[name] = value, mine
        after = Person(fields, sources)
        if fields == before.fields:
            return [], ()
        whose = {
            name: self._found.get(unique_key(after, name) or "", person_id)
            for name in sorted(self._source.unique & values.keys())
        }
        taken = {name: owner for name, owner in whose.items() if owner != person_id}
        faults = tuple(value_taken(name, values[name], owner) for name, owner in taken.items())
        putting = self._putting(person_id, after, old, beside=beside)
        return [putting, *self._keys([person_id], before, after)], faults

    def _putting(
        self,
        person_id: str,
        person: Person,
        old: Item | None,
        *,
        back: bool = False,
        beside: Mapping[str, Any] | None = None,
    ) -> Action:
        now = self._source.now
        item = {
            "pk": keys.person(person_id),
            "sk": "PERSON",
            "id": person_id,
            "fields": dict(person.fields),
            "sources": dict(person.sources),
            "version": old["version"] + 1 if old else 1,
            "created_at": old["created_at"] if old else now,
            "updated_at": now,
            **keys.person_index(person_id, person.fields),
            **(beside or {}),
        }
        if self._source.by == "action":
            item["written_by"] = {"action_id": self._source.run_id, "version": item["version"]}
        if old is not None and not back:
            item |= {name: old[name] for name in ("removed_at", "removed_by_run") if name in old}
        return self._directory.putting(item, equals("version", old["version"]) if old else ABSENT)

    def _keys(self, owners: Sequence[str], before: Person, after: Person) -> Iterator[Action]:
        """The keys of unique values follow the values, from whoever of `owners` has them to the
        first of these.
        """
        whose = one_of("person_id", owners)
        free = replace(whose, expression=f"attribute_not_exists(pk) OR {whose.expression}")
        for field in sorted(self._source.unique | set(self._source.sync_keys)):
            gone, now = unique_key(before, field), unique_key(after, field)
            if gone == now:
                continue
            if gone is not None:
                yield self._directory.deleting(gone, "KEY", free)
            if now is not None:
                key = {"pk": now, "sk": "KEY", "person_id": owners[0]}
                yield self._directory.putting(key, free)

    def _still_nobody(self, values: Mapping[str, Any], actions: Sequence[Action]) -> list[Action]:
        """Checks that nobody comes by another sync key while this one makes a person."""
        put = {partition(action) for action in actions}
        wanted = {
            keys.sync_key(field, values[field])
            for field in self._source.sync_keys
            if field in values
        }
        return [self._directory.checking(pk, "KEY", ABSENT) for pk in sorted(wanted - put)]


def partition(action: Action) -> str:
    """The partition that an action of a transaction is about."""
    (request,) = action.values()
    return str(request.get("Item", request.get("Key"))["pk"]["S"])


def _writes(
    source: Source,
    account: Mapping[str, Any] | None,
    person: Person,
    values: Mapping[str, Any],
    *,
    new: bool,
) -> Mapping[str, Write]:
    """The fields to write. Somebody new has the field they are found by; and a source that said
    somebody was inactive because they left says so no longer. An account that a hand gave to
    somebody fills what they lack: who they are, their own accounts tell.
    """
    if (account or {}).get("link") == "manual":
        mine = Writer(source.integration_id, weak=True).source
        told = {field for field in source.writes if person.sources.get(field) == mine}
        return dict.fromkeys(told | (source.writes.keys() & values.keys()), "if_empty")
    writes = dict(source.writes)
    if new:
        writes.setdefault(source.sync_keys[0], "always")
    by = writer(person.sources.get("status"))
    left = source.load == "people" and account is not None and "left_at" in account
    if left and by is not None and by.integration_id == source.integration_id:
        writes.setdefault("status", "always")
    return writes
