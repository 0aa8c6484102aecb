"""The roster after an action: the user as the app has them now, with everything they hold.

It is taken as a run takes it, by the same rules, so that the next run finds nothing to change.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from rollcall.connectors import paths
from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App
from rollcall.connectors.records import Account, Grant, Group, Reader, Unreadable
from rollcall.directory import keys
from rollcall.directory.accounts import take
from rollcall.directory.grants import hold
from rollcall.directory.removal import remove
from rollcall.directory.source import Source
from rollcall.integrations.model import Integration
from rollcall.mapping.mapper import Mapper
from rollcall.stamps import now
from rollcall.sync.sample import completed
from rollcall.tables import Table

if TYPE_CHECKING:
    from rollcall.mapping.conditions import Conditions

Rules = tuple[Source, Mapper, "Conditions | None"]
Kept = Literal["updated", "unchanged", "left-out", "behind"]
"""`left-out`: the integration's filter or preference does not take the user. `behind`: the roster
could not follow now; the next run will.
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of the roster; `note` says why where it is not what one would expect."""

    kept: Kept
    person_id: str | None = None
    note: str | None = None


Groups = Future[tuple[Mapping[str, Any], ...] | Failure] | None
"""The rows of a user's groups, being asked for; None where the app does not list them by user."""


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is read while the user's record is."""

    groups: Groups
    held: Callable[[], Mapping[str, str]]


class Follower:
    """Brings one integration's roster up to what the app says of single users."""

    def __init__(
        self, directory: Table, integration: Integration, app: App, rules: Future[Rules]
    ) -> None:
        self._directory = directory
        self._app = app
        self._rules = rules.result
        self._load = integration.load
        self._pk = keys.integration(integration.id)

    def gone(self, external_id: str) -> Followed:
        """The app has no such user any more."""
        return _followed(lambda: self._gone(external_id))

    def changed(self, external_id: str, email: str | None) -> Followed:
        """The user was made or changed; `email` is the one to look for them by."""
        return _followed(lambda: self._changed(external_id, email))

    def _rules_now(self) -> Rules:
        """The rules, for what the app has just told: they were read before it was asked."""
        source, mapper, conditions = self._rules()
        return replace(source, now=now()), mapper, conditions

    def _gone(self, external_id: str) -> Followed:
        source, _, _ = self._rules_now()
        removed = remove(self._directory, source, [keys.account(external_id)])
        return Followed("updated" if removed else "unchanged", self._person(external_id))

    def _changed(self, external_id: str, email: str | None) -> Followed:
        beside = _Beside(
            self._groups_of(external_id), self._app.beside(self._held, external_id).result
        )
        record = self._record(external_id, email)
        if isinstance(record, Failure):
            if self._app.gone(record):
                return self._gone(external_id)
            return Followed("behind", note=record.detail)
        source, mapper, conditions = self._rules_now()
        if conditions is not None:
            verdict = conditions.verdict(record, mapper.sources(record), datetime.now(UTC))
            if not verdict.passed:
                return Followed("left-out", note=f"the filter: {verdict.reason}")
        reader = Reader(self._app.manifest, mapper.version + source.load.encode())
        account = reader.account(record)
        if isinstance(account, Unreadable):
            return Followed("behind", note=account.message)
        return self._taken(source, mapper, reader, account, beside)

    def _taken(
        self, source: Source, mapper: Mapper, reader: Reader, account: Account, beside: "_Beside"
    ) -> Followed:
        outcome = take(self._directory, source, mapper, [account])[account.external_id]
        person_id = self._person(account.external_id)
        if outcome.skip is not None and outcome.skip.code != "exists-already":
            return Followed("left-out", person_id, outcome.skip.message)
        note = "; ".join(fault.message for fault in outcome.faults) or None
        grants = self._grants(reader, account, beside.groups)
        if isinstance(grants, Failure):
            return Followed("behind", person_id, grants.detail)
        moved = source.load != "people" and self._hold(
            source, account.record, grants, beside.held()
        )
        changed = moved or outcome.change != "unchanged"
        return Followed("updated" if changed else "unchanged", person_id, note)

    def _record(self, external_id: str, email: str | None) -> Mapping[str, Any] | Failure:
        """The user's record as the list has it, which may say more than the one read by its id:
        by the search where there is one, for the email that was said, the roster's, the app's.
        """
        users = self._app.manifest.users
        known = self._directory.get(self._pk, keys.account(external_id)) or {}
        tried = list(dict.fromkeys((email, known.get("email"))))
        record = self._found(external_id, tried)
        if record is None and users.one is not None:
            record = self._app.one(users.one, external_id)
            if isinstance(record, Mapping):
                told = paths.text(paths.read(record, users.columns.email))
                record = self._found(external_id, [told] if told not in tried else []) or record
        if record is None:
            return Failure("vendor-not-found", f"{self._app.manifest.key} tells of no single user")
        if isinstance(record, Failure):
            return record
        whole = completed(self._app, [record])
        return whole if isinstance(whole, Failure) else whole.records[0]

    def _found(
        self, external_id: str, emails: Sequence[str | None]
    ) -> Mapping[str, Any] | Failure | None:
        """The user by one of the emails; None where none of them leads to that user."""
        users = self._app.manifest.users
        for email in emails if users.find is not None else ():
            record = self._app.find(email) if email and "@" in email else None
            if isinstance(record, Failure):
                return record
            if record is not None and paths.text(paths.read(record, users.id)) == external_id:
                return record
        return None

    def _groups_of(self, external_id: str) -> Groups:
        memberships = self._app.manifest.memberships
        if self._load == "people" or memberships is None or memberships.by_user is None:
            return None
        return self._app.beside(self._app.groups_of, external_id)

    def _grants(self, reader: Reader, account: Account, asked: Groups) -> list[Grant] | Failure:
        """Everything the account holds: as its record tells, and by the groups it is in."""
        if asked is None:
            return list(account.grants)
        rows = asked.result()
        if isinstance(rows, Failure):
            return rows
        named = [(row, reader.member_group(row)) for row in rows]
        groups = self._groups({group for _, group in named if group is not None})
        told = [reader.membership(row, groups.get(group or "")) for row, group in named]
        return [*account.grants, *(grant for grants in told for grant in grants)]

    def _groups(self, ids: set[str]) -> dict[str, Group]:
        items = self._directory.get_many((self._pk, keys.group(one)) for one in ids)
        return {
            item["external_id"]: Group(
                item["external_id"], item.get("name"), item["is_admin"], "", item["hash"]
            )
            for item in items.values()
        }

    def _hold(
        self,
        source: Source,
        record: Mapping[str, Any],
        grants: list[Grant],
        before: Mapping[str, str],
    ) -> bool:
        """Hold what the app tells, revoke every other that it would tell; True: there was any."""
        wanted = {keys.grant(grant) for grant in grants}
        hold(self._directory, source, grants)
        gone = {sk: told_by for sk, told_by in before.items() if sk not in wanted}
        going = [sk for sk, told_by in gone.items() if self._told(record, told_by)]
        remove(self._directory, source, going)
        return bool(going) or not wanted <= before.keys()

    def _told(self, record: Mapping[str, Any], told_by: str) -> bool:
        """Does what was read tell of this grant's kind? Memberships only where the app lists them
        by user, and what the record has no place for not at all.
        """
        memberships = self._app.manifest.memberships
        if told_by == "memberships":
            return memberships is not None and memberships.by_user is not None
        return paths.read(record, told_by) is not None

    def _held(self, external_id: str) -> dict[str, str]:
        """The grants that are held now, by what tells of them."""
        found = self._directory.query(
            self._pk, keys.grants_of(external_id), attributes=("sk", "status", "told_by")
        )
        return {
            item["sk"]: item.get("told_by", "memberships")
            for item in found
            if item["status"] == "held"
        }

    def _person(self, external_id: str) -> str | None:
        item = self._directory.get(self._pk, keys.account(external_id))
        return item.get("person_id") if item is not None else None


def _followed(follow: Callable[[], Followed]) -> Followed:
    """What became of the roster; the app has done its part, so where it lags that is told."""
    try:
        return follow()
    except RuntimeError as error:  # others write the same items all the time
        return Followed("behind", note=str(error))
