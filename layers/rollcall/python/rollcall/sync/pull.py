"""The pull: pages are fetched with several in flight, each is saved, and the plan goes on.

A lap stops when its time runs short, when the app fails or asks for a pause, or at the end. The
state machine starts the next one with nothing but the run's id: what was saved tells where it was.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from rollcall.connectors.answers import Failure
from rollcall.connectors.complete import row_id
from rollcall.connectors.engine import App, Page, Tested
from rollcall.connectors.records import Account, Grant, Reader, Unreadable
from rollcall.directory.accounts import take
from rollcall.directory.grants import hold, take_groups
from rollcall.directory.rehearsal import Rehearsal
from rollcall.directory.source import Source
from rollcall.stamps import now
from rollcall.sync.joined import JoinedLists, TooManyRows
from rollcall.sync.kept import Kept
from rollcall.sync.listing import CursorCameBack
from rollcall.sync.plan import (
    MEMBERS,
    ORDER,
    USERS,
    Plan,
    Task,
    loaded,
    place,
    refusal,
)
from rollcall.sync.runs import Run, RunOver, Runs
from rollcall.sync.seen import LEFT_OUT, Sight, grant_mark
from rollcall.sync.telling import Filtered, Read, Telling, mark, placed
from rollcall.tables import Table

if TYPE_CHECKING:
    from rollcall.mapping.conditions import Conditions
    from rollcall.mapping.mapper import Mapper

RESERVE_MS = 35_000
"""No call starts with less time left: it may take 25 s, and then its page is saved."""
_SAVERS = 3
_UNSAVED = 8
"""Pages fetched and not yet saved, at most, so that a fast app cannot fill the memory."""


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
    failed_at: Task | None
    """The page that the failure is of; None where it is of none."""


class Lap:
    """One lap of one run's pull.

    `mapper` makes people of records; `conditions` are the integration's filter, None: everybody.
    A `directory` that is a Rehearsal stores nothing, and what it would is kept below the run.
    """

    def __init__(
        self,
        app: App,
        runs: Runs,
        directory: Table,
        run: Run,
        source: Source,
        mapper: "Mapper",
        conditions: "Conditions | None" = None,
    ) -> None:
        self._app = app
        self._manifest = app.manifest
        self._runs = runs
        self._directory = directory
        self._run = run
        self._source = source
        self._mapper = mapper
        self._conditions = conditions
        self._moment = datetime.fromisoformat(run.started_at or source.now)
        self._reader = reader(app, source, mapper)
        joined = app.manifest.users.joined
        self._telling = Telling(source, mapper, app.secrets)
        self._joined = JoinedLists(runs.table, runs.kept, run.id, run.phase, joined)
        self.own_id: str | None = None
        """The id of the user whose key it is, where this lap came to ask the app."""
        self._saved = 0
        self._stopped = False
        self._failure: Failure | None = None
        self._failed_at: Task | None = None
        # Only who is on the roster holds anything, so where records may be left out everybody is
        # read before the members of groups are.
        self._picks = conditions is not None or source.picks
        self._taken: set[str] = set()
        load, picks = source.load, self._picks
        try:
            self._plan = loaded(app.manifest, run.again, self._sights(), load, members_last=picks)
        except CursorCameBack as error:
            self._plan = Plan(app.manifest, run.again, load, members_last=picks)
            self._stop(Failure("vendor-broken", str(error)))
        if picks and run.again and USERS not in run.again:
            for item in runs.kept.pages(run.id, f"pull#{USERS}"):
                self._taken.update(Sight.from_item(item).taken)

    def _sights(self) -> Iterator[Sight]:
        """What the phase's pages saw before this lap."""
        for name in ORDER:
            for item in self._runs.kept.pages(self._run.id, f"{self._run.phase}#{name}"):
                sight = Sight.from_item(item)
                self._note_taken(sight)
                yield sight

    def _note_taken(self, sight: Sight) -> None:
        if self._picks and sight.list == USERS:
            self._taken.update(sight.taken)

    def pull(self, remaining_ms: Callable[[], int]) -> Pulled:
        """Pull until the end, a failure, or too little time. Raises RunOver."""
        in_flight = self._manifest.rate_limit.in_flight
        reserve = RESERVE_MS + self._app.page_seconds * 1000
        fetching: dict[Future[Page | Failure], Task] = {}
        saving: dict[Future[Sight], Task] = {}
        with ThreadPoolExecutor(in_flight) as fetchers, ThreadPoolExecutor(_SAVERS) as savers:
            while True:
                if remaining_ms() < reserve:
                    self._stopped = True
                room = min(in_flight - len(fetching), _UNSAVED - len(fetching) - len(saving))
                for task in self._next(room, (*fetching.values(), *saving.values())):
                    fetching[fetchers.submit(self._fetched, task)] = task
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
                    task = saving.pop(saved)
                    try:
                        self._add(saved.result())
                    except TooManyRows as error:
                        self._stop(Failure("vendor-rejected", str(error)), task)
        finished = not self._plan.unfinished and not self._stopped
        differing = tuple(self._plan.differing)
        return Pulled(finished, self._saved, self._failure, differing, self._failed_at)

    def _next(self, room: int, under_way: Iterable[Task]) -> list[Task]:
        if self._stopped or room < 1:
            return []
        return list(islice(self._plan.wanted({place(task) for task in under_way}), room))

    def _fetched(self, task: Task) -> Page | Failure:
        asked_at = now()
        page = self._fetch(task)
        return page if isinstance(page, Failure) else replace(page, asked_at=asked_at)

    def _fetch(self, task: Task) -> Page | Failure:  # noqa: PLR0911 - one a list
        manifest, position = self._manifest, task.page.position
        match task.list:
            case "test":
                tested = self._app.test()
                if isinstance(tested, Tested):
                    self.own_id = tested.id
                    return Page(({"identity": tested.identity},), None, None)
                return tested
            case "users":
                return self._users_page(position)
            case "joined":
                joined = next(one for one in manifest.users.joined if one.into == task.owner)
                return self._app.page(joined, position)
            case "groups" if manifest.groups is not None:
                return self._app.page(manifest.groups, position)
            case "members" if manifest.memberships is not None and task.owner is not None:
                return self._app.page(manifest.memberships, position, task.owner)
            case "groups_of" if task.owner is not None:
                rows = self._app.groups_of(task.owner)
                return rows if isinstance(rows, Failure) else Page(rows, None, None)
            case _:
                raise ValueError(f"{manifest.key} has no list for {task}")

    def _users_page(self, position: int | str | None) -> Page | Failure:
        page = self._app.page(self._manifest.users, position)
        if isinstance(page, Failure):
            return page
        records = self._app.detailed(page.records)
        return records if isinstance(records, Failure) else replace(page, records=records)

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
        self._stop(result, task)
        return None

    def _stop(self, failure: Failure, task: Task | None = None) -> None:
        """Fetch nothing more. A refusal tells more than a pause does."""
        self._stopped = True
        if self._failure is None or self._failure.passing:
            self._failure, self._failed_at = failure, task

    def _add(self, sight: Sight) -> None:
        self._saved += 1
        self._note_taken(sight)
        try:
            self._plan.add(sight)
        except CursorCameBack as error:
            self._stop(Failure("vendor-broken", str(error)))

    def _save(self, task: Task, page: Page) -> Sight:
        """Store what the page tells, then what it saw: in that order nothing is ever lost.

        Raises RunOver before anything is stored. That is asked, and no condition of the writes:
        pages are saved several at once, and transactions that check one item refuse each other.
        """
        if not self._runs.under_way(self._run.id):
            raise RunOver(self._run.id)
        match task.list:
            case "users":
                sight = self._save_users(task, page)
            case "joined":
                self._joined.save(
                    task.owner or "", task.pass_number, task.page.number, page.records
                )
                sight = _sight(task, page, [row_id(row) for row in page.records])
            case "groups":
                sight = self._save_groups(task, page)
            case "members" | "groups_of":
                sight = self._save_memberships(task, page)
            case _:
                sight = _sight(task, page, [str(page.records[0]["identity"])])
        self._keep(sight)
        return sight

    def _keep(self, sight: Sight) -> None:
        keep_changes(self._runs.kept, self._run.id, self._directory)
        self._runs.kept.save(self._run.id, [(sight.sort_key(self._run.phase), sight.item())])

    def _save_users(self, task: Task, page: Page) -> Sight:
        records = self._joined.complete(page.records)
        read = [self._read(record) for record in records]
        accounts = [one for one in read if isinstance(one, Account)]
        source = replace(self._source, asked_at=page.asked_at)
        outcomes = take(self._directory, source, self._mapper, accounts)
        self._save_errors(task, list(self._telling.errors(records, read, outcomes)))
        marks = [mark(one, outcomes) for one in read]
        told = self._source.load != "people"
        return _sight(
            task,
            page,
            [one.external_id for one in read],
            marks="".join(marks),
            grants=[
                grant_mark(grant)
                for one, its in zip(read, marks, strict=True)
                if told and isinstance(one, Account) and its not in LEFT_OUT
                for grant in one.grants
            ],
            skips=[said for one in read if (said := self._telling.skip(one, outcomes))],
            load=None if told else "people",
        )

    def _read(self, record: Mapping[str, Any]) -> Read:
        account = self._reader.account(record)
        if self._conditions is None or isinstance(account, Unreadable):
            return account
        verdict = self._conditions.verdict(record, self._mapper.sources(record), self._moment)
        if verdict.passed:
            return account
        return Filtered(account, f"{verdict.path}: {verdict.reason}".removeprefix(": "))

    def _save_errors(self, task: Task, errors: Sequence[Mapping[str, Any]]) -> None:
        self._runs.kept.save_errors(self._run.id, list(placed(task.list, task.page.number, errors)))

    def _save_groups(self, task: Task, page: Page) -> Sight:
        read = [self._reader.group(record) for record in page.records]
        groups = [group for group in read if not isinstance(group, Unreadable)]
        take_groups(self._directory, self._source, groups)
        self._save_errors(task, list(self._telling.errors(page.records, read, {})))
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
            if told and self._picks and told[0].account not in self._taken:
                ids.append(told[0].account)
                continue
            ids.append(told[0].account if told else None)
            grants += told
        hold(self._directory, replace(self._source, asked_at=page.asked_at), grants)
        return _sight(task, page, ids, grants=[grant_mark(grant) for grant in grants])


def reader(app: App, source: Source, mapper: "Mapper") -> Reader:
    """How a run reads the app's records: another mapping or load makes every record new."""
    return Reader(app.manifest, mapper.version + source.load.encode())


def keep_changes(kept: Kept, run_id: str, directory: Table) -> None:
    """Keep below the run what a rehearsal would have changed since this was last called.

    Before what a page saw is stored, so that no page counts as read whose changes are not told.
    """
    if isinstance(directory, Rehearsal):
        with directory.drained() as changes:
            kept.save(run_id, ((f"CHANGE#{change.place}", change.item()) for change in changes))


def _sight(
    task: Task,
    page: Page,
    ids: list[str | None] | list[str],
    *,
    marks: str = "",
    grants: list[str] | None = None,
    groups: list[tuple[str, str | None, bool]] | None = None,
    skips: Sequence[Sequence[str | None]] = (),
    load: str | None = None,
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
        skips=skips,
        load=load,
    )
