"""Taking accounts into the directory: a page of records in, what became of each out.

Only what changed is written, and only what is new, changed or unsettled is mapped. A new account,
its new person and the items that make the person's unique values unique are one transaction, so two
integrations that bring the same person in the same second make one person. Grants told in a record
are stored before the account whose hash says that they were, so that a function killed in between
does both again.

An account is `unsettled` while there is something about it to be told or done again: its record had
a fault, or a hand changed whom it belongs to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollcall.connectors.records import Account
from rollcall.directory import keys
from rollcall.directory.grants import hold
from rollcall.directory.matching import Change, Match, Outcome, Skip, key_of, match
from rollcall.directory.source import Source
from rollcall.directory.writing import People, former_of, partition
from rollcall.items import Item
from rollcall.mapping.mapper import Mapped
from rollcall.tables import ABSENT, TRANSACTION, Action, Table, equals

if TYPE_CHECKING:
    from rollcall.mapping.mapper import Mapper

__all__ = ["Change", "Outcome", "Skip", "compare", "take"]

_ROUNDS = 8
"""Rounds in a row that may store nothing."""
_WEIGHT = 2_000_000
"""Bytes of records in one transaction, which may hold 4 MB with everything around them."""
_COMPARED = (
    "hash", "status", "run_id", "change", "unsettled", "left_at", "by", "last_changed_at",
)  # fmt: skip
_CONTINUED = (
    "person_id", "version", "first_seen_at", "status", "kind", "link", "unsettled", "left_at",
    "moved_from",
)  # fmt: skip
"""What the next version of a changed account is made from, with the record."""
_BY_HAND = ("kind", "link")
_STAYS = "exists-already"
_SAME: Mapping[str, Outcome] = {
    change: Outcome(change) for change in ("added", "updated", "unchanged", "restored")
}


@dataclass(frozen=True, slots=True)
class _Work:
    """An account that is to be looked at closely, and what is stored of it."""

    account: Account
    old: Item | None
    change: Change
    changed: bool
    mapped: Mapped


@dataclass(frozen=True, slots=True)
class _Unit:
    """What must be stored together for one account, and the partitions that decided it."""

    account: Account
    outcome: Outcome
    actions: list[Action]
    touched: frozenset[str]

    @property
    def told(self) -> bool:
        """Are the grants that the record tells to be held? They follow the app also where the
        account itself stays as it is.
        """
        skip = self.outcome.skip
        return bool(self.actions) or (skip is not None and skip.code == _STAYS)


def take(
    directory: Table, source: Source, mapper: "Mapper", accounts: Sequence[Account]
) -> dict[str, Outcome]:
    """Store what changed; returns what became of each account, by its external id.

    An account that this run has taken before (a function was killed, or the app showed it on two
    pages) is what it was then; one that an action has changed since the app was asked stays as the
    action left it. Raises RuntimeError when others keep changing the same items.
    """
    taking = _Taking(directory, source, mapper)
    pending = {account.external_id: account for account in accounts}
    first, stalled = True, 0
    while pending:
        left = taking.round(pending, one_by_one=not first)
        first, stalled = False, stalled + 1 if len(left) == len(pending) else 0
        if stalled == _ROUNDS:
            raise RuntimeError(f"{len(left)} accounts could not be stored in {_ROUNDS} rounds")
        pending = left
    return taking.outcomes


def compare(old: Mapping[str, Any] | None, new_hash: str, run_id: str) -> tuple[Change, bool]:
    """What became of an account, and whether that is still to be written."""
    if old is None:
        return "added", True
    if old["status"] == "removed":
        return "restored", True
    taken_already: Change | None = old["change"] if old["run_id"] == run_id else None
    if old["hash"] == new_hash and "left_at" not in old:
        return taken_already or "unchanged", False
    return taken_already or "updated", True


class _Taking:
    """The accounts of one page on their way into the directory."""

    def __init__(self, directory: Table, source: Source, mapper: "Mapper") -> None:
        self._directory = directory
        self._source = source
        self._mapper = mapper
        self._pk = keys.integration(source.integration_id)
        self._mapped: dict[str, Mapped] = {}
        self.outcomes: dict[str, Outcome] = {}

    def round(self, pending: Mapping[str, Account], *, one_by_one: bool) -> dict[str, Account]:
        """Store what can be stored at once; returns the accounts that must be looked at again."""
        work = self._work(pending)
        if not work:
            return {}
        units, again = self._units(work)
        if self._source.load != "people":
            told = (unit.account.grants for unit in units if unit.told)
            hold(self._directory, self._source, [grant for grants in told for grant in grants])
        again += self._store([unit for unit in units if unit.actions], one_by_one=one_by_one)
        return {account.external_id: account for account in again}

    def _work(self, pending: Mapping[str, Account]) -> list[_Work]:
        """What is new, changed or unsettled. Of the rest the outcome is plain."""
        stored = self._directory.get_many(
            ((self._pk, keys.account(external_id)) for external_id in pending), _COMPARED
        )
        wanted: dict[str, tuple[Change, bool]] = {}
        for external_id, account in pending.items():
            old = stored.get((self._pk, keys.account(external_id)))
            if old is not None and self._source.knows_less(old, "last_changed_at"):
                self.outcomes[external_id] = _SAME["unchanged"]
                continue
            change, changed = compare(old, account.hash, self._source.run_id)
            self.outcomes[external_id] = _SAME[change]
            if changed or (old is not None and old.get("unsettled")):
                wanted[external_id] = (change, changed)
        if not wanted:
            return []
        before = self._directory.get_many(
            ((self._pk, keys.account(external_id)) for external_id in wanted), _CONTINUED
        )
        return [
            _Work(
                pending[external_id],
                before.get((self._pk, keys.account(external_id))),
                change,
                changed,
                self._map(pending[external_id]),
            )
            for external_id, (change, changed) in wanted.items()
        ]

    def _map(self, account: Account) -> Mapped:
        if account.external_id not in self._mapped:
            self._mapped[account.external_id] = self._mapper.mapped(account.record)
        return self._mapped[account.external_id]

    def _units(self, work: Sequence[_Work]) -> tuple[list[_Unit], list[Account]]:
        """What to store for each account; those that touch what another one touches come later."""
        found = self._found(work)
        matched = [
            (one, match(self._source, one.account, one.old, one.mapped, found)) for one in work
        ]
        people = People(self._directory, self._source, self._people(matched), found)
        units: list[_Unit] = []
        clashing: list[Account] = []
        used: set[str] = set()
        for one, its in sorted(matched, key=lambda of: self._turn(of[0], of[1], found)):
            unit = self._unit(one, its, people)
            if unit.touched & used:
                clashing.append(one.account)
                continue
            self.outcomes[one.account.external_id] = unit.outcome
            used |= {partition(action) for action in unit.actions}
            units.append(unit)
        return units, clashing

    def _turn(self, one: _Work, its: Match, found: Mapping[str, str]) -> int:
        """Who stays comes first, then who joins somebody that another account made, and then who
        wants what somebody else has: a value may be handed on within a page.
        """
        if any(found.get(pk, its.person_id) != its.person_id for pk in self._keys(one)):
            return 2
        had = (one.old or {}).get("person_id")
        return int(its.person_id is not None and its.person_id != had)

    def _keys(self, one: _Work) -> set[str]:
        """The key items that decide about the account."""
        fields = {*self._source.sync_keys, *(self._source.unique & self._source.writes.keys())}
        values = one.mapped.values
        return {keys.sync_key(field, values[field]) for field in fields if field in values}

    def _found(self, work: Sequence[_Work]) -> dict[str, str]:
        """Person ids by the key items of these accounts' values."""
        wanted = {pk for one in work for pk in self._keys(one)}
        items = self._directory.get_many((pk, "KEY") for pk in wanted)
        return {pk: item["person_id"] for (pk, _), item in items.items()}

    def _people(self, matched: Sequence[tuple[_Work, Match]]) -> dict[str, Item]:
        wanted = {its.person_id for _, its in matched if its.person_id and its.writes}
        wanted |= {
            former
            for one, its in matched
            if its.writes and (former := former_of(one.old)) not in (None, its.person_id)
        }
        items = self._directory.get_many((keys.person(one), "PERSON") for one in wanted)
        return {item["id"]: item for item in items.values()}

    def _unit(self, one: _Work, its: Match, people: People) -> _Unit:
        """What to store for the account: no actions where there is nothing to store."""
        source, account = self._source, one.account
        key = key_of(source, one.mapped)
        read = self._keys(one) | ({keys.person(its.person_id)} if its.person_id else set())
        if its.skip is not None:
            settled = its.skip.code == _STAYS and not one.changed
            outcome = (
                Outcome(one.change, None, its.faults, key)
                if settled
                else Outcome("skipped", its.skip, sync_key=key)
            )
            return _Unit(account, outcome, [], frozenset(read))
        person_id, faults = its.person_id, its.faults
        if person_id is None and its.creates:
            person_id = self._directory.new_id(f"{source.integration_id}#{account.external_id}")
        actions: list[Action] = []
        if person_id is not None and its.writes:
            actions, taken = people.actions(person_id, one.old, one.mapped)
            faults += taken
        unsettled = bool(faults)
        if not one.changed and one.old is not None and not actions:
            same = (one.old.get("person_id"), one.old.get("unsettled", False))
            if same == (person_id, unsettled):
                outcome = Outcome(one.change, None, faults, key)
                return _Unit(account, outcome, [], frozenset(read))
        change: Change = "updated" if one.change == "unchanged" else one.change
        actions.append(
            _account_action(self._directory, source, one, change, person_id, unsettled=unsettled)
        )
        touched = frozenset({partition(action) for action in actions[:-1]} | read)
        return _Unit(account, Outcome(change, None, faults, key), actions, touched)

    def _store(self, units: Sequence[_Unit], *, one_by_one: bool) -> list[Account]:
        """Store them, many in a transaction; returns the accounts of those that were refused."""
        refused: list[Account] = []
        for batch in _batches(units, 1 if one_by_one else len(units)):
            if self._directory.transact([action for unit in batch for action in unit.actions]):
                refused += [unit.account for unit in batch]
        return refused


def _account_action(
    directory: Table,
    source: Source,
    one: _Work,
    change: Change,
    person_id: str | None,
    *,
    unsettled: bool,
) -> Action:
    account, old = one.account, one.old
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
        "by": source.by,
        "change": change,
        "first_seen_at": old["first_seen_at"] if old else source.now,
        "last_changed_at": source.now,
        "load": "people" if source.load == "people" else None,
        "unsettled": unsettled or None,
        **{name: (old or {}).get(name) for name in _BY_HAND},
    }
    if person_id is not None:
        item["gsi1pk"] = keys.person(person_id)
        item["gsi1sk"] = keys.owned(source.load, source.integration_id, account.external_id)
    present = {name: value for name, value in item.items() if value is not None}
    return directory.putting(present, equals("version", old["version"]) if old else ABSENT)


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
