"""What a page saw, kept small: the record that is also the run's cursor and its progress.

Everything the directory holds has a sort key there, so what a run saw is a set of sort keys, and
who is missing is a difference of two sets.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rollcall.connectors.records import Grant
from rollcall.directory import keys

MARKS = {
    "added": "a",
    "updated": "u",
    "unchanged": "=",
    "restored": "r",
    "stays": "s",  # skipped, and on the roster as it was
    "skipped": "-",  # by the preference: not on the roster
    "filtered": "f",
    "error": "e",
}
"""What became of a record, in a letter."""
LEFT_OUT = frozenset({MARKS["skipped"], MARKS["filtered"]})
_CHANGES = {mark: change for change, mark in MARKS.items()}
_PRECEDENCE = (
    "added", "restored", "updated", "unchanged", "stays", "skipped", "filtered", "error",
)  # fmt: skip
_COUNTED = {"stays": "skipped", "filtered": "skipped"}
Said = Sequence[str | None]
"""Why a record was skipped: its id, sync key's value, name, a code, a sentence."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One page of one list, as it is stored.

    `ids` are the records' in the app's order (None: a record without one), `marks` what became
    of each account, `grants` the sort keys of the grants that the page tells, `groups` the id, name
    and admin right of each group, `skips` why records were left out. `load` is what the run loads,
    where that is people only.
    """

    list: str
    owner: str | None
    pass_number: int
    number: int
    total: int | None
    next: str | None
    ids: Sequence[str | None]
    marks: str = ""
    grants: Sequence[str] = ()
    groups: Sequence[tuple[str, str | None, bool]] = ()
    refused: str | None = None
    skips: Sequence[Said] = ()
    load: str | None = None

    @property
    def taken(self) -> Iterator[str]:
        """The ids of what is on the roster now, or would be if its record could be read."""
        marks = self.marks or "=" * len(self.ids)
        for external_id, mark in zip(self.ids, marks, strict=True):
            if external_id is not None and mark not in LEFT_OUT:
                yield external_id

    @property
    def filtered(self) -> Iterator[str]:
        """The ids of what the filter left out."""
        for external_id, mark in zip(self.ids, self.marks, strict=False):
            if external_id is not None and mark == MARKS["filtered"]:
                yield external_id

    def sort_key(self, phase: str) -> str:
        """Where the page is stored below its run."""
        owner = keys.escaped(self.owner or "")
        return f"PAGE#{phase}#{self.list}#{owner}#{self.pass_number}#{self.number:06d}"

    def item(self) -> dict[str, Any]:
        """The stored form."""
        seen: dict[str, Any] = {"ids": self.ids, "grants": self.grants, "groups": self.groups}
        if self.skips:
            seen["skips"] = self.skips
        item = {
            "list": self.list,
            "owner": self.owner,
            "pass": self.pass_number,
            "number": self.number,
            "count": len(self.ids),
            "total": self.total,
            "next": self.next,
            "marks": self.marks,
            "refused": self.refused,
            "load": self.load,
            "seen": zlib.compress(json.dumps(seen, separators=(",", ":")).encode(), 1),
        }
        return {name: value for name, value in item.items() if value is not None}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Sight":
        """Read the stored form."""
        seen = json.loads(zlib.decompress(item["seen"]))
        return cls(
            list=item["list"],
            owner=item.get("owner"),
            pass_number=item["pass"],
            number=item["number"],
            total=item.get("total"),
            next=item.get("next"),
            ids=seen["ids"],
            marks=item["marks"],
            grants=seen["grants"],
            groups=[(group_id, name, admin) for group_id, name, admin in seen["groups"]],
            refused=item.get("refused"),
            skips=seen.get("skips", []),
            load=item.get("load"),
        )


def grant_mark(grant: Grant) -> str:
    """A grant's sort key without what all of them begin with."""
    return keys.grant(grant).removeprefix("GRANT#")


def sort_keys(sight: Sight) -> Iterator[str]:
    """The directory's sort keys of everything that the page shows to be there.

    Accounts that the filter or the preference left out are not.
    """
    place = {"users": keys.account, "groups": keys.group}.get(sight.list)
    if place is not None:
        yield from map(place, sight.taken)
    yield from (f"GRANT#{mark}" for mark in sight.grants)


def final(pages: Iterable[Mapping[str, Any]]) -> Iterator[Sight]:
    """The pages, in the order of their sort keys, of the last pass over each list."""
    for _, passes in groupby(pages, key=lambda page: page["sk"].rsplit("#", 2)[0]):
        of_one_list = list(passes)
        last = of_one_list[-1]["pass"]
        yield from (Sight.from_item(page) for page in of_one_list if page["pass"] == last)


def counted(sights: Iterable[Sight]) -> dict[str, int]:
    """How many accounts there are of each change, an account on two pages counting once."""
    best: dict[str, int] = {}
    nameless = 0
    for sight in sights:
        if sight.list != "users":
            continue
        for external_id, mark in zip(sight.ids, sight.marks, strict=True):
            rank = _PRECEDENCE.index(_CHANGES[mark])
            if external_id is None:
                nameless += 1
            else:
                best[external_id] = min(rank, best.get(external_id, rank))
    counts = dict.fromkeys(("added", "updated", "unchanged", "restored", "skipped"), 0)
    for rank in best.values():
        change = _COUNTED.get(_PRECEDENCE[rank], _PRECEDENCE[rank])
        if change in counts:
            counts[change] += 1
    return {**counts, "pulled": len(best) + nameless}
