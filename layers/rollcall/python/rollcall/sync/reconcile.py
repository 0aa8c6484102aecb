"""Reconcile: what the roster has and the run did not see goes, if three things agree.

The listing was complete (the pull saw to that), a confirming look finds each candidate gone, and
no more would go than the guard lets pass. The look is by id while there are few candidates and
the app can be asked so; otherwise the lists concerned are read once more.

Phases of a run, in this order: `pull`, `look` (lists are read again), then `removing` or `held`;
an approved run goes from `approval` to `removing`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from rollcall.connectors import paths
from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App, Record
from rollcall.connectors.records import Group, Reader
from rollcall.directory import keys
from rollcall.directory.removal import described, held, kind, remove
from rollcall.directory.source import Source
from rollcall.integrations.model import Integration, RemovalGuard
from rollcall.sync.plan import GROUPS, MEMBERS, USERS
from rollcall.sync.pull import RESERVE_MS
from rollcall.sync.runs import Run, Runs
from rollcall.sync.seen import final, sort_keys
from rollcall.tables import Table

MOST_LOOKS = 500
"""Calls: with more to look at, reading the list again is cheaper and kinder to the app."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What comes next: "finish", "pull" (lists are to be read again), "reconcile" (time is short),
    or "fail" with `error`. A `failure` of the app says how long to wait before it is asked again.
    """

    next: str
    error: Mapping[str, str] | None = None
    failure: Failure | None = None


def seen_by(runs: Runs, run_id: str, phase: str = "") -> set[str]:
    """The sort keys of everything that the run's pages and looks showed to be there."""
    seen: set[str] = set()
    for sight in final(runs.kept.pages(run_id, phase)):
        seen.update(sort_keys(sight))
    for look in runs.kept.looks(run_id, phase):
        seen.update(look["still"])
    return seen


def exceeds(guard: RemovalGuard, stored: Collection[str], going: Collection[str]) -> bool:
    """Would more go, of accounts, groups or grants, than both the share and the number?

    The grants of an account that goes are no loss of their own.
    """
    accounts = {keys.account_id(sk) for sk in going if kind(sk) == "account"}
    counted = [sk for sk in going if kind(sk) != "grant" or keys.grant_account(sk) not in accounts]
    for what in ("account", "group", "grant"):
        number = sum(kind(sk) == what for sk in counted)
        whole = sum(kind(sk) == what for sk in stored)
        if number > guard.count and number > guard.share * whole:
            return True
    return False


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
    ) -> None:
        self._app = app
        self._runs = runs
        self._directory = directory
        self._integration = integration
        self._run = run
        self._source = source
        self._reader = Reader(app.manifest)

    def reconcile(self, remaining_ms: Callable[[], int]) -> Reconciled:
        """Go on from the run's phase."""
        if self._run.phase in ("removing", "held"):
            return self._remove()
        if self._run.phase == "approval":
            return self._approved(remaining_ms)
        seen = seen_by(self._runs, self._run.id)
        stored = self._stored()
        if not _accounts(seen) and _accounts(stored):
            detail = f"the app lists nobody where there were {len(_accounts(stored))} accounts"
            return Reconciled("fail", {"code": "empty-listing", "detail": detail})
        candidates = stored - seen
        if not candidates:
            return Reconciled("finish")
        if self._run.phase == "pull":
            looked = self._look(candidates, remaining_ms)
            if isinstance(looked, Reconciled):
                return looked
            candidates -= looked
        return self._guarded(stored, candidates)

    def _stored(self) -> set[str]:
        """What the roster held before this run.

        After a run that ended well that is what it saw, in a few reads; otherwise, or when its
        pages have expired, every item is asked for its status.
        """
        baseline = self._run.baseline
        if baseline is not None:
            items = list(self._runs.kept.pages(baseline["run_id"]))
            if len(items) == baseline["pages"]:
                seen = {sk for sight in final(items) for sk in sort_keys(sight)}
                return seen.union(
                    *(look["still"] for look in self._runs.kept.looks(baseline["run_id"]))
                )
        return held(self._directory, self._integration.id)

    def _guarded(self, stored: set[str], missing: set[str]) -> Reconciled:
        """Remove what is missing and on the roster, or hold the run where that is too much."""
        candidates = dict(described(self._directory, self._integration.id, missing))
        if not candidates:
            return Reconciled("finish")
        self._runs.kept.save_candidates(self._run.id, candidates.items())
        if exceeds(self._integration.removal_guard, stored, candidates):
            self._runs.kept.note(self._run.id, f"held: {_summary(candidates)} would go")
            self._run = self._runs.change(self._run, {"phase": "held"})
            return Reconciled("finish")
        self._run = self._runs.change(self._run, {"phase": "removing"})
        return self._remove()

    def _remove(self) -> Reconciled:
        if self._run.phase == "held":
            return Reconciled("finish")
        going = self._runs.kept.every_candidate(self._run.id)
        removed = remove(self._directory, self._source, sorted(going))
        self._run = self._runs.change(self._run, {"removed": removed})
        self._runs.kept.note(self._run.id, f"removed: {_summary(going)}")
        return Reconciled("finish")

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
            f"looked at {_summary(candidates)} that were not listed: {len(found)} are there",
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
        if what == "GROUP" or any(kind(sk) == "account" for sk in wanted):
            # Its grants are read with it by the next run.
            return wanted
        told_by = self._told_by(wanted)
        if any(paths.read(record, told_by[sk]) is None for sk in wanted):
            return None
        return wanted & {keys.grant(grant) for grant in self._reader.grants(external_id, record)}

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
            f"{_summary(candidates)} were not listed: reading {', '.join(sorted(again))} again",
        )
        self._runs.change(self._run, {"phase": phase, "again": sorted(again)})
        return Reconciled("pull")


def _accounts(sort_keys_: Iterable[str]) -> list[str]:
    return [sk for sk in sort_keys_ if kind(sk) == "account"]


def _worth_waiting(failure: Failure) -> Failure | None:
    """The failure, unless the app refuses this look for good: then the list must tell."""
    passing = failure.passing or failure.code in ("vendor-unauthorized", "address-refused")
    return failure if passing else None


def _summary(sort_keys_: Collection[str]) -> str:
    numbers = {
        what: sum(kind(sk) == what for sk in sort_keys_) for what in ("account", "group", "grant")
    }
    parts = [f"{n} {what}{'s' * (n != 1)}" for what, n in numbers.items() if n]
    return ", ".join(parts) or "nothing"
