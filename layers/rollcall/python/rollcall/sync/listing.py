"""Reading one list to its end: which pages are wanted, and whether they make a whole. Pure.

A list is followed to the end that its total implies, or, where the app announces none, until a
short page. If the unique ids do not match the last page's total, or the total moved meanwhile,
it is read once more: that is a second `pass`.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from rollcall.connectors.manifest import Paging

Position = int | str | None
Verdict = Literal["reading", "whole", "differs"]


class CursorCameBack(ValueError):  # noqa: N818 - the app's doing
    """The app answers a cursor that it has given before: following it would never end."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page to fetch: its number from 0, and the position the app is asked for."""

    number: int
    position: Position


@dataclass(frozen=True, slots=True)
class _Seen:
    count: int
    total: int | None
    next: str | None
    ids: bytes
    """A digest of the ids, to tell when the app answers two positions alike."""


class Reading:
    """One pass over one list. `owner` is the group or the user that the list belongs to."""

    def __init__(
        self, name: str, paging: Paging, owner: str | None = None, pass_number: int = 0
    ) -> None:
        self.name = name
        self.owner = owner
        self.pass_number = pass_number
        self._paging = paging
        self._pages: dict[int, _Seen] = {}
        self._saved_below = 0
        # Eight bytes a record, so that a list of 100,000 takes no more room than its pages.
        self._ids = array("Q")
        self._nameless = 0

    def add(
        self, number: int, ids: Sequence[str | None], total: int | None, next_cursor: str | None
    ) -> None:
        """Page `number` was saved: its ids in the app's order (None: a record without one).

        Raises CursorCameBack.
        """
        if next_cursor is not None and any(
            page.next == next_cursor for place, page in self._pages.items() if place != number
        ):
            raise CursorCameBack(f"{self.name} answers the cursor {next_cursor!r} twice")
        self._pages[number] = _Seen(len(ids), total, next_cursor, _digest("\n".join(map(str, ids))))
        while self._saved_below in self._pages:
            self._saved_below += 1
        for external_id in ids:
            if external_id is None:
                self._nameless += 1
            else:
                self._ids.append(int.from_bytes(_digest(external_id), "big"))

    @property
    def total(self) -> int | None:
        """What the last page that announces a total says; None where none does."""
        announced = [n for n, page in self._pages.items() if page.total is not None]
        return self._pages[max(announced)].total if announced else None

    @property
    def unique(self) -> int:
        """How many different records were seen."""
        # A sixteenth at a time: a set of all takes ten times the room of the digests.
        parts = (len({i for i in self._ids if i % 16 == part}) for part in range(16))
        return sum(parts) + self._nameless

    def wanted(self) -> Iterator[Wanted]:
        """The pages that can be fetched now and are not saved yet, in order."""
        length = self._length() if 0 in self._pages else 1
        for number in range(self._saved_below, length):
            if number not in self._pages:
                yield Wanted(number, self._position(number))

    def _length(self) -> int:
        """How many pages there are, as far as the saved ones tell."""
        first = self._pages[0]
        match self._paging.style:
            case "none":
                return 1
            case "cursor":
                return self._saved_below + (self._last.next is not None)
        if first.total is None:
            return self._saved_below + self._goes_on()
        # An app that gives less a page than it is asked for does so on every page.
        return -(-first.total // first.count) if first.count else 1

    @property
    def _last(self) -> _Seen:
        return self._pages[self._saved_below - 1]

    def _goes_on(self) -> bool:
        """Without a total, a page that is short is the last, and so is one that repeats the one
        before it or is longer than was asked: then the app turns no pages here.
        """
        repeated = (
            self._saved_below > 1 and self._pages[self._saved_below - 2].ids == self._last.ids
        )
        return self._last.count == self._paging.size and not repeated

    def _position(self, number: int) -> Position:
        match self._paging.style:
            case "none":
                return None
            case "cursor":
                return self._pages[number - 1].next if number else None
            case "page":
                return self._paging.first + number
            case "offset":
                first = self._pages.get(0)
                step = first.count if first and first.total is not None else self._paging.size
                return number * step

    def verdict(self) -> Verdict:
        """Whether every page is there, and if so, whether they make a whole."""
        if next(self.wanted(), None) is not None:
            return "reading"
        announced = {page.total for page in self._pages.values()} - {None}
        return "whole" if announced <= {self.unique} else "differs"


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()
