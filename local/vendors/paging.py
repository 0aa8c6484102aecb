"""Which rows of a list a page holds and what number stands next to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.vendors.switches import Switches


@dataclass(frozen=True, slots=True)
class Page:
    """Rows `start` to `stop` of a list; `size` fit. `total` is announced, None: it is not."""

    start: int
    stop: int
    size: int
    total: int | None


def page_of(name: str, count: int, start: int, size: int, switches: Switches) -> Page:
    """Lay out a page of the list `name` of `count` rows, as the switches for that list have it.

    A page cap shortens an offset page; a caller that counts in page numbers must apply
    `capped` first, so that its pages still meet.
    """
    if name not in switches.lists:
        return Page(start, start + size, size, count)
    if switches.empty_listing:
        count = 0
    size = capped(name, size, switches)
    stop = min(start + size, count)
    if switches.rows_stop_at is not None:
        stop = min(stop, switches.rows_stop_at)
    total: int | None = count
    if switches.announce_total == "missing":
        total = None
    elif switches.announce_total == "wrong":
        total = count + switches.total_wrong_by
    elif switches.announce_total == "moving":
        total = count + switches.total_wrong_by * (start // size)
    return Page(start, max(start, stop), size, total)


def capped(name: str, size: int, switches: Switches) -> int:
    """Return the page size after the switch that caps it."""
    if name not in switches.lists or switches.page_cap is None:
        return size
    return min(size, switches.page_cap)
