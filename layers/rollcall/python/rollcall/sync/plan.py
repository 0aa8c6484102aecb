"""Which pages of which lists a run still wants, told by what it has saved. Pure.

First the test call, then users and groups, then the members of every group; lists that are joined
to users come before them. Where only people are loaded, groups are not read. A list that does not
make a whole is read a second time; if it still does not, it is remembered in `differing`. Where the
app refuses the members of a group, the groups of every user are read instead.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from rollcall.connectors.manifest import Manifest, Paging
from rollcall.connectors.records import Group
from rollcall.directory.source import Load
from rollcall.sync.listing import Reading, Wanted
from rollcall.sync.seen import Sight

TEST, JOINED, USERS = "test", "joined", "users"
GROUPS, MEMBERS, GROUPS_OF = "groups", "members", "groups_of"
ORDER = (TEST, "memberships", JOINED, USERS, GROUPS, MEMBERS, GROUPS_OF)
"""The lists in the order in which saved pages are read again; the passes of one come in order."""
_ONCE = Paging(style="none")


@dataclass(frozen=True, slots=True)
class Task:
    """One page to fetch, of one pass over one list.

    `owner` is the group of MEMBERS, the user of GROUPS_OF, and what a JOINED list goes `into`.
    """

    list: str
    owner: str | None
    pass_number: int
    page: Wanted


class Plan:
    """The lists of one phase. `again` names the lists of a look or an approval; empty: all.

    With `members_last` the members of groups are read when all users were.
    """

    def __init__(
        self,
        manifest: Manifest,
        again: Collection[str],
        load: Load = "people_and_accounts",
        *,
        members_last: bool = False,
    ) -> None:
        self._manifest = manifest
        self._members_last = members_last
        self._whole_run = not again
        everything = (USERS,) if load == "people" else (USERS, GROUPS, MEMBERS)
        self._lists = frozenset(again or everything)
        self._active: dict[tuple[str, str | None], Reading] = {}
        self._over: set[tuple[str, str | None]] = set()
        self._users: list[str] = []
        self.groups: dict[str, Group] = {}
        self.differing: list[str] = []
        self._differing_lists: set[str] = set()
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
            self._open_users()

    def _open_users(self) -> None:
        """The users, or while lists that are joined to them are not over, those."""
        joined = [
            one for one in self._manifest.users.joined if (JOINED, one.into) not in self._over
        ]
        for one in joined:
            if (JOINED, one.into) not in self._active:
                self._open(JOINED, one.paging, one.into)
        if not joined and (USERS, None) not in self._active:
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
            self._users += sight.taken
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
            self._open(sight.list, self._paging(sight.list, sight.owner), sight.owner, 1)
            return
        del self._active[key]
        self._over.add(key)
        if verdict == "differs":
            self._differing_lists.add(sight.list)
            of = f" of {sight.owner}" if sight.owner else ""
            self.differing.append(
                f"{sight.list}{of}: {reading.unique} different, {reading.total} announced"
            )
        self._follow(sight.list)

    def _paging(self, name: str, owner: str | None) -> Paging:
        if name == JOINED:
            return next(one.paging for one in self._manifest.users.joined if one.into == owner)
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
        elif name == JOINED:
            self._open_users()
        elif name in (GROUPS, USERS) and not self.refused:
            self._open_members(name)
        elif name == USERS and self.refused:
            for user_id in self._users:
                self._open(GROUPS_OF, _ONCE, user_id)

    def _open_members(self, over: str) -> None:
        """The members of every group, when the groups are over; with `members_last` when the users
        are too.
        """
        memberships = self._manifest.memberships
        if memberships is None or MEMBERS not in self._lists or (GROUPS, None) not in self._over:
            return
        waits = self._members_last and USERS in self._lists
        if (USERS, None) in self._over if waits else over == GROUPS:
            for group_id in self.groups:
                self._open(MEMBERS, memberships.paging, group_id)

    def _fall_back(self) -> None:
        self.refused = True
        for key in [key for key in self._active if key[0] == MEMBERS]:
            del self._active[key]
        if not self._whole_run:
            self._open_users()

    def wanted(self, busy: Collection[tuple[str, str | None, int]]) -> Iterator[Task]:
        """The pages that can be fetched now, without those being fetched (see `place`)."""
        detailed = self._manifest.users.detail is not None
        users_busy = any(name == USERS for name, _, _ in busy)
        for (name, owner), reading in list(self._active.items()):
            pages = reading.wanted()
            if name == USERS and detailed:
                # Its detail calls keep the app busy: a second page would only make both late.
                pages = islice(pages, 0 if users_busy else 1)
            for page in pages:
                if (name, owner, page.number) not in busy:
                    yield Task(name, owner, reading.pass_number, page)

    def whole(self, name: str) -> bool:
        """Whether that list (of MEMBERS: every one of them) was read and agrees with its count."""
        if name == USERS and JOINED in self._differing_lists:
            return False
        if name != MEMBERS:
            return (name, None) in self._over and name not in self._differing_lists
        told_by, owned = GROUPS, {(MEMBERS, group_id) for group_id in self.groups}
        if self.refused:
            told_by, owned = USERS, {(GROUPS_OF, user_id) for user_id in self._users}
        agree = not {MEMBERS, GROUPS_OF} & self._differing_lists
        return self.whole(told_by) and owned <= self._over and agree

    @property
    def unfinished(self) -> bool:
        """Whether any list is still being read."""
        return bool(self._active)


def place(task: Task) -> tuple[str, str | None, int]:
    """What tells a task from every other that may be under way."""
    return (task.list, task.owner, task.page.number)


def loaded(
    manifest: Manifest,
    again: Collection[str],
    sights: Iterable[Sight],
    load: Load = "people_and_accounts",
    *,
    members_last: bool = False,
) -> Plan:
    """The plan of a run that has saved these pages before; they come list by list, as in ORDER."""
    plan = Plan(manifest, again, load, members_last=members_last)
    for sight in sights:
        plan.add(sight)
    return plan


def refusal(detail: str) -> Sight:
    """What is saved when the app refuses the members of groups."""
    return Sight("memberships", None, 0, 0, None, None, ids=(), refused=detail)
