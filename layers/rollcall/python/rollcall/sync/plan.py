"""Which pages of which lists a run still wants, told by what it has saved. Pure.

First the test call, then users and groups, then the members of every group. A list that does not
make a whole is read a second time; if it still does not, it is remembered in `differing`. Where the
app refuses the members of a group, the groups of every user are read instead.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from rollcall.connectors.manifest import Manifest, Paging
from rollcall.connectors.records import Group
from rollcall.sync.listing import Reading, Wanted
from rollcall.sync.seen import Sight

TEST, USERS, GROUPS, MEMBERS, GROUPS_OF = "test", "users", "groups", "members", "groups_of"
ORDER = (TEST, "memberships", USERS, GROUPS, MEMBERS, GROUPS_OF)
"""The lists in the order in which saved pages are read again; the passes of one come in order."""
_ONCE = Paging(style="none")


@dataclass(frozen=True, slots=True)
class Task:
    """One page to fetch, of one pass over one list."""

    list: str
    owner: str | None
    pass_number: int
    page: Wanted


class Plan:
    """The lists of one phase. `again` names the lists of a look or an approval; empty: all."""

    def __init__(self, manifest: Manifest, again: Collection[str]) -> None:
        self._manifest = manifest
        self._whole_run = not again
        self._lists = frozenset(again or (USERS, GROUPS, MEMBERS))
        self._active: dict[tuple[str, str | None], Reading] = {}
        self._over: set[tuple[str, str | None]] = set()
        self._users: list[str] = []
        self.groups: dict[str, Group] = {}
        self.differing: list[str] = []
        self.refused = False
        if self._whole_run:
            self._open(TEST, _ONCE)
        else:
            self._open_lists()

    def _open_lists(self) -> None:
        # Groups first: their members can then be read while the users still are.
        if self._manifest.groups is not None and self._lists & {GROUPS, MEMBERS}:
            self._open(GROUPS, self._manifest.groups.paging)
        if USERS in self._lists:
            self._open(USERS, self._manifest.users.paging)

    def _open(
        self, name: str, paging: Paging, owner: str | None = None, pass_number: int = 0
    ) -> None:
        key = (name, owner)
        if key not in self._over:
            self._active[key] = Reading(name, paging, owner, pass_number)

    def add(self, sight: Sight) -> None:
        """A page was saved. Pages of one pass come in any order, the passes of a list do not.

        Raises listing.CursorCameBack.
        """
        if sight.refused is not None:
            self._fall_back()
            return
        if sight.list == USERS and self.refused:
            self._users += [external_id for external_id in sight.ids if external_id is not None]
        for group_id, name, is_admin in sight.groups:
            self.groups[group_id] = Group(group_id, name, is_admin, "", "")
        key = (sight.list, sight.owner)
        reading = self._active.get(key)
        if reading is None or reading.pass_number != sight.pass_number:
            return
        reading.add(sight.number, sight.ids, sight.total, sight.next)
        verdict = reading.verdict()
        if verdict == "reading":
            return
        if verdict == "differs" and reading.pass_number == 0:
            self._open(sight.list, self._paging(sight.list), sight.owner, 1)
            return
        del self._active[key]
        self._over.add(key)
        if verdict == "differs":
            of = f" of {sight.owner}" if sight.owner else ""
            self.differing.append(
                f"{sight.list}{of}: {reading.unique} different, {reading.total} announced"
            )
        self._follow(sight.list)

    def _paging(self, name: str) -> Paging:
        if name == USERS:
            return self._manifest.users.paging
        if name == GROUPS and self._manifest.groups is not None:
            return self._manifest.groups.paging
        if name == MEMBERS and self._manifest.memberships is not None:
            return self._manifest.memberships.paging
        return _ONCE

    def _follow(self, name: str) -> None:
        """What becomes possible when a list is over."""
        if name == TEST:
            self._open_lists()
        elif name == GROUPS and MEMBERS in self._lists and not self.refused:
            if self._manifest.memberships is not None:
                for group_id in self.groups:
                    self._open(MEMBERS, self._manifest.memberships.paging, group_id)
        elif name == USERS and self.refused:
            for user_id in self._users:
                self._open(GROUPS_OF, _ONCE, user_id)

    def _fall_back(self) -> None:
        self.refused = True
        for key in [key for key in self._active if key[0] == MEMBERS]:
            del self._active[key]
        if not self._whole_run:
            self._open(USERS, self._manifest.users.paging)

    def wanted(self, busy: Collection[tuple[str, str | None, int]]) -> Iterator[Task]:
        """The pages that can be fetched now, without those being fetched (see `place`)."""
        for (name, owner), reading in list(self._active.items()):
            for page in reading.wanted():
                if (name, owner, page.number) not in busy:
                    yield Task(name, owner, reading.pass_number, page)

    @property
    def unfinished(self) -> bool:
        """Whether any list is still being read."""
        return bool(self._active)


def place(task: Task) -> tuple[str, str | None, int]:
    """What tells a task from every other that may be under way."""
    return (task.list, task.owner, task.page.number)


def loaded(manifest: Manifest, again: Collection[str], sights: Iterable[Sight]) -> Plan:
    """The plan of a run that has saved these pages before; they come list by list, as in ORDER."""
    plan = Plan(manifest, again)
    for sight in sights:
        plan.add(sight)
    return plan


def refusal(detail: str) -> Sight:
    """What is saved when the app refuses the members of groups."""
    return Sight("memberships", None, 0, 0, None, None, ids=(), refused=detail)
