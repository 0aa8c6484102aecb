"""The pull: pages are fetched with several in flight, each is saved, and the plan goes on.

A lap stops when its time runs short, when the app fails or asks for a pause, or at the end. The
state machine starts the next one with nothing but the run's id: what was saved tells where it was.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App, Page, Tested
from rollcall.connectors.records import Grant, Reader, Unreadable
from rollcall.directory import keys
from rollcall.directory.accounts import take
from rollcall.directory.grants import hold, take_groups
from rollcall.directory.source import Source
from rollcall.sync.listing import CursorCameBack
from rollcall.sync.plan import (
    MEMBERS,
    ORDER,
    Plan,
    Task,
    loaded,
    place,
    refusal,
)
from rollcall.sync.runs import Run, Runs
from rollcall.sync.seen import MARKS, Sight, grant_mark
from rollcall.tables import Table

RESERVE_MS = 35_000
"""No call starts with less time left: it may take 25 s, and then its page is saved."""
_SAVERS = 3
_UNSAVED = 8
"""Pages fetched and not yet saved, at most, so that a fast app cannot fill the memory."""


class RunOver(Exception):  # noqa: N818 - nobody made an error
    """The run was closed while it pulled, which a lap sees within a second: it stops there."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """How a lap ended: with a `failure` of the app, or `finished`, or short of time.

    `saved` counts the lap's pages. `differing` says of which lists the app's own count differs
    from what it showed, twice.
    """

    finished: bool
    saved: int
    failure: Failure | None
    differing: tuple[str, ...]


class Lap:
    """One lap of one run's pull."""

    def __init__(self, app: App, runs: Runs, directory: Table, run: Run, source: Source) -> None:
        self._app = app
        self._manifest = app.manifest
        self._runs = runs
        self._directory = directory
        self._run = run
        self._source = source
        self._reader = Reader(app.manifest)
        self._saved = 0
        self._check_at = 0.0
        self._stopped = False
        self._failure: Failure | None = None
        sights = (
            Sight.from_item(item)
            for name in ORDER
            for item in runs.kept.pages(run.id, f"{run.phase}#{name}")
        )
        try:
            self._plan = loaded(app.manifest, run.again, sights)
        except CursorCameBack as error:
            self._plan = Plan(app.manifest, run.again)
            self._stop(Failure("vendor-broken", str(error)))

    def pull(self, remaining_ms: Callable[[], int]) -> Pulled:
        """Pull until the end, a failure, or too little time. Raises RunOver."""
        in_flight = self._manifest.rate_limit.in_flight
        fetching: dict[Future[Page | Failure], Task] = {}
        saving: dict[Future[Sight], Task] = {}
        with ThreadPoolExecutor(in_flight) as fetchers, ThreadPoolExecutor(_SAVERS) as savers:
            while True:
                if remaining_ms() < RESERVE_MS:
                    self._stopped = True
                room = min(in_flight - len(fetching), _UNSAVED - len(fetching) - len(saving))
                for task in self._next(room, (*fetching.values(), *saving.values())):
                    fetching[fetchers.submit(self._fetch, task)] = task
                if not fetching and not saving:
                    break
                under_way: list[Future[Any]] = [*fetching, *saving]
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for fetched in done & fetching.keys():
                    task = fetching.pop(fetched)
                    page = self._accepted(task, fetched.result())
                    if page is not None:
                        saving[savers.submit(self._save, task, page)] = task
                for saved in done & saving.keys():
                    del saving[saved]
                    self._add(saved.result())
        finished = not self._plan.unfinished and not self._stopped
        return Pulled(finished, self._saved, self._failure, tuple(self._plan.differing))

    def _next(self, room: int, under_way: Iterable[Task]) -> list[Task]:
        if self._stopped or room < 1:
            return []
        return list(islice(self._plan.wanted({place(task) for task in under_way}), room))

    def _fetch(self, task: Task) -> Page | Failure:
        manifest, position = self._manifest, task.page.position
        match task.list:
            case "test":
                tested = self._app.test()
                if isinstance(tested, Tested):
                    return Page(({"identity": tested.identity},), None, None)
                return tested
            case "users":
                return self._app.page(manifest.users, position)
            case "groups" if manifest.groups is not None:
                return self._app.page(manifest.groups, position)
            case "members" if manifest.memberships is not None and task.owner is not None:
                return self._app.page(manifest.memberships, position, task.owner)
            case "groups_of" if task.owner is not None:
                rows = self._app.groups_of(task.owner)
                return rows if isinstance(rows, Failure) else Page(rows, None, None)
            case _:
                raise ValueError(f"{manifest.key} has no list for {task}")

    def _accepted(self, task: Task, result: Page | Failure) -> Page | None:
        """The page to save; None where there is none and the lap ends."""
        if isinstance(result, Page):
            return result
        if task.list == MEMBERS and self._app.gone(result):
            return Page((), None, None)
        memberships = self._manifest.memberships
        by_user = memberships is not None and memberships.by_user is not None
        if task.list == MEMBERS and by_user and self._app.refuses_list(result):
            # The next lap plans anew, from this and from the users that were saved.
            self._stopped = True
            self._keep(refusal(result.detail))
            self._runs.kept.note(
                self._run.id, f"members are listed by user instead: {result.detail}"
            )
            return None
        self._stop(result)
        return None

    def _stop(self, failure: Failure) -> None:
        """Fetch nothing more. A refusal tells more than a pause does."""
        self._stopped = True
        if self._failure is None or self._failure.passing:
            self._failure = failure

    def _add(self, sight: Sight) -> None:
        self._saved += 1
        try:
            self._plan.add(sight)
        except CursorCameBack as error:
            self._stop(Failure("vendor-broken", str(error)))

    def _save(self, task: Task, page: Page) -> Sight:
        """Store what the page tells, then what it saw: in that order nothing is ever lost."""
        match task.list:
            case "users":
                sight = self._save_users(task, page)
            case "groups":
                sight = self._save_groups(task, page)
            case "members" | "groups_of":
                sight = self._save_memberships(task, page)
            case _:
                sight = _sight(task, page, [str(page.records[0]["identity"])])
        self._keep(sight)
        return sight

    def _keep(self, sight: Sight) -> None:
        # Not in the write itself: pages are saved several at once, and transactions that check
        # one item refuse each other. A page that a closed run has one too many harms nobody.
        if time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + 1
            if not self._runs.under_way(self._run.id):
                raise RunOver(self._run.id)
        self._runs.kept.save(self._run.id, [(sight.sort_key(self._run.phase), sight.item())])

    def _save_users(self, task: Task, page: Page) -> Sight:
        read = [self._reader.account(record) for record in page.records]
        accounts = [account for account in read if not isinstance(account, Unreadable)]
        changes = take(self._directory, self._source, accounts)
        faults = [one for one in read if isinstance(one, Unreadable)]
        faults += [
            Unreadable(
                account.external_id,
                "sync-key-missing",
                "the account is on the roster and belongs to nobody: it has no usable "
                f"{self._source.sync_key}",
            )
            for account in accounts
            if self._source.sync_key not in account.person
        ]
        self._save_faults(task, faults)
        return _sight(
            task,
            page,
            [one.external_id for one in read],
            marks="".join(
                MARKS["error" if isinstance(one, Unreadable) else changes[one.external_id]]
                for one in read
            ),
            grants=[grant_mark(grant) for account in accounts for grant in account.grants],
        )

    def _save_faults(self, task: Task, faults: list[Unreadable]) -> None:
        """An account that is met twice has its error once."""
        errors = []
        for number, fault in enumerate(faults):
            who = keys.escaped(fault.external_id or "") or f"{task.page.number:06d}-{number:04d}"
            error = {
                "external_id": fault.external_id,
                "sync_key": None,
                "code": fault.code,
                "message": fault.message,
            }
            errors.append((f"{task.list}#{who}#{fault.code}", error))
        self._runs.kept.save_errors(self._run.id, errors)

    def _save_groups(self, task: Task, page: Page) -> Sight:
        read = [self._reader.group(record) for record in page.records]
        groups = [group for group in read if not isinstance(group, Unreadable)]
        take_groups(self._directory, self._source, groups)
        self._save_faults(task, [one for one in read if isinstance(one, Unreadable)])
        return _sight(
            task,
            page,
            [one.external_id for one in read],
            groups=[(group.external_id, group.name, group.is_admin) for group in groups],
        )

    def _save_memberships(self, task: Task, page: Page) -> Sight:
        ids: list[str | None] = []
        grants: list[Grant] = []
        for row in page.records:
            # A row among a group's members need not say again whose they are.
            named = self._reader.member_group(row) or (task.owner if task.list == MEMBERS else None)
            group = self._plan.groups.get(named or "")
            told = self._reader.membership(row, group)
            ids.append(told[0].account if told else None)
            grants += told
        hold(self._directory, self._source, grants)
        return _sight(task, page, ids, grants=[grant_mark(grant) for grant in grants])


def _sight(
    task: Task,
    page: Page,
    ids: list[str | None] | list[str],
    *,
    marks: str = "",
    grants: list[str] | None = None,
    groups: list[tuple[str, str | None, bool]] | None = None,
) -> Sight:
    return Sight(
        list=task.list,
        owner=task.owner,
        pass_number=task.pass_number,
        number=task.page.number,
        total=page.total,
        next=page.next,
        ids=ids,
        marks=marks,
        grants=grants or [],
        groups=groups or [],
    )
