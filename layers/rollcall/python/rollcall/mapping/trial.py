"""What would become of a record: read, filtered, mapped, matched and taken, with nothing stored.

The same parts as in a run, over a `Rehearsal`; what each of them says is kept apart, so that a
person can follow it step by step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from rollcall.connectors.records import Account, Reader, Unreadable
from rollcall.directory import keys
from rollcall.directory.accounts import Outcome, take
from rollcall.directory.matching import Match, by_hand, match, on_roster
from rollcall.directory.rehearsal import Change, Rehearsal
from rollcall.directory.source import Source
from rollcall.fields.model import PersonField
from rollcall.integrations.model import Integration
from rollcall.mapping.conditions import Conditions, Verdict
from rollcall.mapping.mapper import Fault, Mapped, Mapper
from rollcall.stamps import instant

Becomes = Literal["create", "update", "unchanged", "restore", "skip", "fail"]
PersonBecomes = Literal["create", "update", "none"]
_CHANGES: Mapping[str, Becomes] = {
    "created": "create", "updated": "update", "restored": "restore",
}  # fmt: skip
_TOLD_ONLY = frozenset({"value-taken"})
"""Faults that leave the rest of the person written."""
_RUN = "rehearsal"


@dataclass(frozen=True, slots=True)
class Matched:
    """Whom the account belongs to: by which key of what value, or by hand, and who that is.

    `person_id` None: nobody yet, or nobody at all.
    """

    match: Match
    key: str | None
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of one record, part by part; parts after one that ended it are None.

    `change` is the account's, and `person_change` its person's. `person_id` is somebody who is
    there now. `changes` is everything that would be stored, grants of the record too.
    """

    external_id: str | None
    change: Becomes
    reason: str
    errors: tuple[Fault, ...] = ()
    verdict: Verdict | None = None
    mapped: Mapped | None = None
    matched: Matched | None = None
    person_change: PersonBecomes = "none"
    person_id: str | None = None
    changes: tuple[Change, ...] = ()


class Trial:
    """Tries records of one integration, in order, as one run would take them."""

    def __init__(
        self,
        directory: Rehearsal,
        source: Source,
        reader: Reader,
        mapper: Mapper,
        conditions: Conditions,
        moment: datetime,
    ) -> None:
        self._directory = directory
        self._source = source
        self._reader = reader
        self._mapper = mapper
        self._conditions = conditions
        self._moment = moment

    def of(self, record: Mapping[str, Any]) -> Tried:
        """What would become of the record."""
        account = self._reader.account(record)
        verdict = self._conditions.verdict(record, self._mapper.sources(record), self._moment)
        mapped = self._mapper.mapped(record)
        if isinstance(account, Unreadable):
            fault = Fault("", account.code, account.message)
            return Tried(account.external_id, "fail", account.message, (fault,), verdict, mapped)
        if not verdict.passed:
            return Tried(account.external_id, "skip", verdict.reason, (), verdict, mapped)
        return self._taken(account, verdict, mapped)

    def _taken(self, account: Account, verdict: Verdict, mapped: Mapped) -> Tried:
        pk, sk = keys.integration(self._source.integration_id), keys.account(account.external_id)
        matched = self._matched(account, mapped, self._directory.get(pk, sk))
        with self._directory.drained():
            pass  # what earlier records changed is theirs
        outcome = take(self._directory, self._source, self._mapper, [account])[account.external_id]
        with self._directory.drained() as told:
            changes = tuple(told)
        stored = self._directory.get(pk, sk) or {}
        person = next((one for one in changes if one.kind == "person"), None)
        person_id = stored.get("person_id") or matched.match.person_id
        if person is not None and person.change == "created":
            person_id = None
        return Tried(
            account.external_id,
            _change(outcome, account, changes),
            _reason(outcome, verdict, matched),
            outcome.faults,
            verdict,
            mapped,
            matched,
            _person_change(person),
            person_id,
            changes,
        )

    def _matched(self, account: Account, mapped: Mapped, old: Mapping[str, Any] | None) -> Matched:
        values = {
            field: mapped.values[field]
            for field in self._source.sync_keys
            if field in mapped.values
        }
        items = self._directory.get_many((keys.sync_key(f, v), "KEY") for f, v in values.items())
        found = {pk: item["person_id"] for (pk, _), item in items.items()}
        its = match(self._source, account, old, mapped, found)
        if by_hand(old):
            return Matched(its, None, None, "a hand has decided whose the account is")
        for field, value in values.items():
            if its.person_id and found.get(keys.sync_key(field, value)) == its.person_id:
                return Matched(its, field, str(value), f"{field} leads to this person")
        first = self._source.sync_keys[0] if self._source.sync_keys else None
        value = values.get(first) if first else None
        shown = None if value is None else str(value)
        if its.person_id is not None:
            return Matched(
                its, first, shown, "no key leads to anybody: the account keeps its person"
            )
        if its.creates:
            return Matched(its, first, shown, "no key leads to anybody: the person would be new")
        if its.skip is not None:
            return Matched(its, first, shown, its.skip.message)
        said = "; ".join(fault.message for fault in its.faults) or "the account belongs to nobody"
        on = "" if on_roster(old) else " (the account comes to the roster all the same)"
        return Matched(its, first, shown, said + on)


def _change(outcome: Outcome, account: Account, changes: Sequence[Change]) -> Becomes:
    if outcome.skip is not None:
        return "skip"
    if any(fault.code not in _TOLD_ONLY for fault in outcome.faults):
        return "fail"
    own = (one for one in changes if one.kind == "account" and one.id == account.external_id)
    return next((_CHANGES[one.change] for one in own if one.change in _CHANGES), "unchanged")


def _person_change(change: Change | None) -> PersonBecomes:
    if change is None:
        return "none"
    return "create" if change.change == "created" else "update"


def _reason(outcome: Outcome, verdict: Verdict, matched: Matched) -> str:
    if outcome.skip is not None:
        return outcome.skip.message
    if outcome.faults:
        return "; ".join(fault.message for fault in outcome.faults)
    return f"{verdict.reason}; {matched.reason}"


def source_of(
    integration: Integration,
    mapper: Mapper,
    fields: Mapping[str, PersonField],
    integrations: Sequence[Integration],
    moment: datetime,
) -> Source:
    """Who would take, by the integration's choices, as a run has it."""
    return Source(
        integration_id=integration.id,
        run_id=_RUN,
        now=instant(moment),
        sync_keys=mapper.sync_keys,
        writes=mapper.writes,
        unique=frozenset(field.key for field in fields.values() if field.unique),
        ranks={one.id: one.rank for one in integrations},
        load=integration.load,
        preference=integration.preference,
        on_leave=integration.on_leave,
        on_return=integration.on_return,
    )
