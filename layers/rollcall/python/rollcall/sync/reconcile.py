"""Reconcile: what the roster has and the run did not see goes, if three things agree.

The listing was complete (the pull saw to that), a confirming look finds each candidate gone, and
no more would go than the guard lets pass. The look is by id while there are few candidates and
the app can be asked so; otherwise the lists concerned are read once more.

Whom the filter left out was listed, so the app has them and need not be asked; the guard counts
them. Who leaves and is to be kept as they are is neither looked for nor counted.

Phases of a run, in this order: `pull`, `look` (lists are read again), then `removing` or `held`;
an approved run goes from `approval` to `removing`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from rollcall.connectors import paths
from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App, Record
from rollcall.connectors.records import Group
from rollcall.directory import keys
from rollcall.directory.removal import described, held, kind, leave, remove
from rollcall.directory.source import Source
from rollcall.integrations.model import Integration
from rollcall.sync.gone import accounts, exceeds, listed_by, number, seen_by, summary, with_grants
from rollcall.sync.plan import GROUPS, MEMBERS, USERS
from rollcall.sync.pull import RESERVE_MS, keep_changes, reader
from rollcall.sync.run import Run, RunOver
from rollcall.sync.runs import Runs
from rollcall.sync.sample import completed
from rollcall.sync.seen import final, sort_keys
from rollcall.tables import Table

if TYPE_CHECKING:
    from rollcall.mapping.conditions import Conditions
    from rollcall.mapping.mapper import Mapper

MOST_LOOKS = 500
"""Calls: with more to look at, reading the list again is cheaper and kinder to the app."""
_AT_A_TIME = 100
"""What is removed between two looks whether the run is still to remove."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What comes next: "finish", "pull" (lists are to be read again), "reconcile" (time is short),
    or "fail" with `error`. A `failure` of the app says how long to wait before it is asked again.
    """

    next: str
    error: Mapping[str, str] | None = None
    failure: Failure | None = None


class Reconciler:
    """One lap of one run's reconcile."""

    def __init__(
        self,
        app: App,
        runs: Runs,
        directory: Table,
        integration: Integration,
        run: Run,
        source: Source,
        mapper: "Mapper",
        conditions: "Conditions | None" = None,
    ) -> None:
        self._app = app
        self._runs = runs
        self._directory = directory
        self._integration = integration
        self._run = run
        self._source = source
        self._mapper = mapper
        self._conditions = conditions
        self._reader = reader(app, source, mapper)

    def reconcile(self, remaining_ms: Callable[[], int]) -> Reconciled:
        """Go on from the run's phase."""
        if self._run.phase in ("removing", "held"):
            return self._remove()
        if self._run.phase == "approval":
            return self._approved(remaining_ms)
        listed = listed_by(self._runs, self._run.id)
        stored = self._stored()
        if not listed.anybody and accounts(stored):
            detail = f"the app lists nobody where there were {len(accounts(stored))} accounts"
            return Reconciled("fail", {"code": "empty-listing", "detail": detail})
        candidates = self._staying(stored - listed.seen)
        if not candidates:
            return Reconciled("finish")
        if self._run.phase == "pull":
            unlisted = candidates - with_grants(listed.filtered, candidates)
            looked = self._look(unlisted, remaining_ms) if unlisted else set()
            if isinstance(looked, Reconciled):
                return looked
            candidates -= looked
        return self._guarded(stored, candidates)

    def _staying(self, candidates: set[str]) -> set[str]:
        """The candidates without what stays: of accounts that are kept or deactivated what they
        hold, and with "keep" they themselves, of whom it is noted that they have left.
        """
        if self._source.on_leave == "remove":
            return candidates
        leaving = set(accounts(candidates))
        candidates = candidates - (with_grants(leaving, candidates) - leaving)
        if self._source.on_leave == "deactivate":
            return candidates
        left, going = 0, sorted(leaving)
        for start in range(0, len(going), _AT_A_TIME):
            self._still_running()
            left += leave(self._directory, self._source, going[start : start + _AT_A_TIME])
        if left:
            keep_changes(self._runs.kept, self._run.id, self._directory)
            self._runs.kept.note(self._run.id, f"left and kept: {number(left, 'account')}")
        return candidates - leaving

    def _still_running(self) -> None:
        """Raises RunOver."""
        if not self._runs.under_way(self._run.id):
            raise RunOver(self._run.id)

    def _stored(self) -> set[str]:
        """What the roster held before this run.

        After a run that ended well that is what it saw, in a few reads; otherwise, or when its
        pages have expired, every item is asked for its status.
        """
        stored = self._baseline()
        if stored is None:
            stored = held(self._directory, self._integration.id, left=self._takes_left)
        # Groups and grants are not read for people, so they are not told to be gone either.
        return set(accounts(stored)) if self._source.load == "people" else stored

    @property
    def _takes_left(self) -> bool:
        """Do those go too who left while the choice was to keep them?"""
        return self._source.on_leave == "remove"

    def _baseline(self) -> set[str] | None:
        baseline = self._run.baseline
        if baseline is None:
            return None
        items = list(self._runs.kept.pages(baseline["run_id"]))
        if len(items) != baseline["pages"]:
            return None
        if self._takes_left and baseline.get("on_leave", "remove") != "remove":
            return None  # who was kept has left before it
        loads = {item.get("load") for item in items if item["list"] == USERS}
        if loads - {"people" if self._source.load == "people" else None}:
            return None  # it saw only a part of what there is
        seen = {sk for sight in final(items) for sk in sort_keys(sight)}
        return seen.union(*(look["still"] for look in self._runs.kept.looks(baseline["run_id"])))

    def _guarded(self, stored: set[str], missing: set[str]) -> Reconciled:
        """Remove what is missing and on the roster, or hold the run where that is too much."""
        candidates = dict(
            described(self._directory, self._integration.id, missing, left=self._takes_left)
        )
        if not candidates:
            return Reconciled("finish")
        self._runs.kept.save_candidates(self._run.id, candidates.items())
        much = exceeds(self._integration.removal_guard, stored, candidates)
        if much and self._run.mode == "plan":
            # A plan tells all of it, and is not to be decided about.
            self._runs.kept.note(self._run.id, f"a sync would be held: {summary(candidates)}")
        elif much:
            self._runs.kept.note(self._run.id, f"held: {summary(candidates)} would go")
            self._run = self._runs.change(self._run, {"phase": "held"})
            return Reconciled("finish")
        self._run = self._runs.change(self._run, {"phase": "removing"})
        return self._remove()

    def _remove(self) -> Reconciled:
        if self._run.phase == "held":
            return Reconciled("finish")
        going = sorted(self._runs.kept.every_candidate(self._run.id))
        removed = 0
        for start in range(0, len(going), _AT_A_TIME):
            self._run = self._runs.change(self._run, {"removed": removed})
            removed += self._take_off(going[start : start + _AT_A_TIME])
        self._run = self._runs.change(self._run, {"removed": removed})
        said = f"a sync would have {self._verb}" if self._run.mode == "plan" else self._verb
        self._runs.kept.note(self._run.id, f"{said}: {summary(going)}")
        return Reconciled("finish")

    @property
    def _verb(self) -> str:
        return "deactivated or revoked" if self._source.on_leave == "deactivate" else "removed"

    def _take_off(self, going: Collection[str]) -> int:
        """Remove these, or make their accounts inactive; how many accounts were removed."""
        leaving: list[str] = []
        if self._source.on_leave != "remove":
            leaving = accounts(going)
            leave(self._directory, self._source, leaving)
        removed = remove(self._directory, self._source, set(going) - set(leaving))
        keep_changes(self._runs.kept, self._run.id, self._directory)
        return removed

    def _approved(self, remaining_ms: Callable[[], int]) -> Reconciled:
        """Look again at everybody who was approved to go; who is back, stays."""
        candidates = self._runs.kept.every_candidate(self._run.id)
        if self._run.again:
            back = candidates & seen_by(self._runs, self._run.id, "approval")
        else:
            looked = self._look(candidates, remaining_ms)
            if isinstance(looked, Reconciled):
                return looked
            back = looked
        self._runs.kept.drop_candidates(self._run.id, back)
        self._run = self._runs.change(self._run, {"phase": "removing"})
        return self._remove()

    def _look(self, candidates: set[str], remaining_ms: Callable[[], int]) -> set[str] | Reconciled:
        """Those of the candidates that are still there; or what must come first."""
        units = self._units(candidates)
        if units is None or len(units) > MOST_LOOKS:
            return self._read_again(candidates)
        done = {look["unit"]: look for look in self._runs.kept.looks(self._run.id, self._run.phase)}
        for unit, wanted in units.items():
            if unit in done:
                continue
            if remaining_ms() < RESERVE_MS:
                return Reconciled("reconcile")
            still = self._still_there(unit, wanted)
            if isinstance(still, Failure):
                return Reconciled("reconcile", failure=still)
            if still is None:
                return self._read_again(candidates)
            done[unit] = self._runs.kept.save_look(self._run.id, self._run.phase, unit, still)
        found = {sk for look in done.values() for sk in look["still"]} & candidates
        self._runs.kept.note(
            self._run.id,
            f"looked at {summary(candidates)} that were not listed: {len(found)} are there",
        )
        return found

    def _units(self, candidates: set[str]) -> dict[str, set[str]] | None:
        """The calls that a look takes, with the candidates each decides; None: no call can.

        A grant of an account that is a candidate goes or stays with the account.
        """
        users, groups = self._app.manifest.users, self._app.manifest.groups
        memberships = self._app.manifest.memberships
        accounts = {keys.account_id(sk) for sk in candidates if kind(sk) == "account"}
        told_by = self._told_by(candidates)
        units: dict[str, set[str]] = {}
        for sk in sorted(candidates):
            account = keys.grant_account(sk) if kind(sk) == "grant" else None
            match kind(sk):
                case "account" if users.one is not None:
                    unit = f"USER#{keys.account_id(sk)}"
                case "group" if groups is not None and groups.one is not None:
                    unit = f"GROUP#{keys.group_id(sk)}"
                case "grant" if account in accounts and users.one is not None:
                    unit = f"USER#{account}"
                case "grant" if told_by[sk] == "memberships":
                    if memberships is None or memberships.by_user is None:
                        return None
                    unit = f"GROUPS_OF#{account}"
                case "grant" if users.one is not None:
                    unit = f"USER#{account}"
                case _:
                    return None
            units.setdefault(unit, set()).add(sk)
        return units

    def _told_by(self, candidates: Iterable[str]) -> dict[str, str]:
        pk = keys.integration(self._integration.id)
        grants = [(pk, sk) for sk in candidates if kind(sk) == "grant"]
        items = self._directory.get_many(grants, ("told_by",))
        return {sk: items[pk, sk]["told_by"] if (pk, sk) in items else "" for pk, sk in grants}

    def _still_there(self, unit: str, wanted: set[str]) -> set[str] | Failure | None:
        """Which of `wanted` the app still has; None where its answer cannot tell."""
        what, external_id = unit.split("#", 1)
        manifest = self._app.manifest
        if what == "GROUPS_OF":
            rows = self._app.groups_of(external_id)
            if isinstance(rows, Failure):
                return _worth_waiting(rows)
            told = (self._reader.membership(row, self._group(row)) for row in rows)
            return wanted & {keys.grant(grant) for grants in told for grant in grants}
        listing = manifest.users if what == "USER" else manifest.groups
        if listing is None or (one := listing.one) is None:
            raise ValueError(f"{manifest.key} cannot look at {unit}")
        record = self._app.one(one, external_id)
        if isinstance(record, Failure):
            return set() if self._app.gone(record) else _worth_waiting(record)
        return self._still_told(what, external_id, record, wanted)

    def _still_told(
        self, what: str, external_id: str, record: Record, wanted: set[str]
    ) -> set[str] | Failure | None:
        """Which of `wanted` the record tells of; see `_still_there`."""
        if what == "USER" and keys.account(external_id) in self._filtered_before:
            return self._wanted_again(record, wanted)
        if what == "GROUP" or any(kind(sk) == "account" for sk in wanted):
            # Its grants are read with it by the next run.
            return wanted
        told_by = self._told_by(wanted)
        if any(paths.read(record, told_by[sk]) is None for sk in wanted):
            return None
        return wanted & {keys.grant(grant) for grant in self._reader.grants(external_id, record)}

    @cached_property
    def _filtered_before(self) -> set[str]:
        """Who is to be approved because the filter left them out, not because they were gone."""
        if self._conditions is None or self._run.phase != "approval":
            return set()
        return listed_by(self._runs, self._run.id).filtered

    def _wanted_again(self, record: Record, wanted: set[str]) -> set[str] | Failure | None:
        """All of `wanted` if the filter lets the record pass now; see `_still_there`."""
        whole = completed(self._app, [record])
        if isinstance(whole, Failure):
            return _worth_waiting(whole)
        if self._conditions is None or whole.notes:
            return None
        (record,) = whole.records
        moment = datetime.fromisoformat(self._run.started_at or self._source.now)
        verdict = self._conditions.verdict(record, self._mapper.sources(record), moment)
        return wanted if verdict.passed else set()

    def _group(self, row: Record) -> Group | None:
        """The group of a membership row as this run stored it: it may give no right any more."""
        group_id = self._reader.member_group(row) or ""
        item = self._directory.get(keys.integration(self._integration.id), keys.group(group_id))
        return Group(group_id, item.get("name"), item["is_admin"], "", "") if item else None

    def _read_again(self, candidates: set[str]) -> Reconciled:
        """Have the pull read the lists that could show the candidates once more."""
        told_by = self._told_by(candidates)
        again: set[str] = set()
        for sk in candidates:
            match kind(sk):
                case "group":
                    again |= {GROUPS}
                case "grant" if told_by[sk] == "memberships":
                    again |= {GROUPS, MEMBERS}
                case _:
                    again |= {USERS}
        phase = "approval" if self._run.phase == "approval" else "look"
        self._runs.kept.note(
            self._run.id,
            f"{summary(candidates)} were not listed: reading {', '.join(sorted(again))} again",
        )
        self._runs.change(self._run, {"phase": phase, "again": sorted(again)})
        return Reconciled("pull")


def _worth_waiting(failure: Failure) -> Failure | None:
    """The failure, unless the app refuses this look for good: then the list must tell."""
    passing = failure.passing or failure.code in ("vendor-unauthorized", "address-refused")
    return failure if passing else None
