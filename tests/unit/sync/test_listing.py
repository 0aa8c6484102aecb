"""A list is read to its end, each page once, whatever the order pages come in."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollcall.connectors.manifest import Paging
from rollcall.sync.listing import CursorCameBack, Reading, Wanted
from tests.manifests import PAGES

OFFSET, PAGE, CURSOR, NONE = (
    Paging(**PAGES[style]) for style in ("offset", "page", "cursor", "none")
)
TOO_MANY = 500


@dataclass
class Listed:
    """An app's list. `cap` is the most it gives a page, `announces` its total (None: none)."""

    ids: list[str]
    paging: Paging
    cap: int = 100
    announces: int | None = None
    asked: list[Any] = field(default_factory=list)

    def page(self, position: Any) -> tuple[list[str | None], int | None, str | None]:
        self.asked.append(position)
        size = min(self.paging.size or self.cap, self.cap)
        match self.paging.style:
            case "none":
                return [*self.ids], self.announces, None
            case "page":
                start = (position - self.paging.first) * size
            case "cursor":
                start = int((position or "c0")[1:])
            case _:
                start = position
        following = f"c{start + size}" if start + size < len(self.ids) else None
        cursor = following if self.paging.style == "cursor" else None
        return [*self.ids[start : start + size]], self.announces, cursor


def read(reading: Reading, app: Listed) -> None:
    """The pages one after the other."""
    for _ in range(TOO_MANY):
        wanted = next(reading.wanted(), None)
        if wanted is None:
            return
        reading.add(wanted.number, *app.page(wanted.position))
    raise AssertionError("the list has no end")


def names(count: int) -> list[str]:
    return [f"id-{number}" for number in range(count)]


def test_a_cursor_that_comes_back_is_refused() -> None:
    reading = Reading("users", CURSOR)
    reading.add(0, ["1"], None, "a")
    reading.add(1, ["2"], None, "b")
    with pytest.raises(CursorCameBack, match="'a' twice"):
        reading.add(2, ["3"], None, "a")


def test_a_cursor_that_leads_to_its_own_page_is_refused() -> None:
    reading = Reading("users", CURSOR)
    reading.add(0, ["1"], None, "a")
    with pytest.raises(CursorCameBack):
        reading.add(1, ["2"], None, "a")


def test_a_page_saved_twice_is_no_cursor_that_came_back() -> None:
    reading = Reading("users", CURSOR)
    reading.add(0, ["1"], None, "a")
    reading.add(0, ["1"], None, "a")
    assert list(reading.wanted()) == [Wanted(1, "a")]


@pytest.mark.parametrize("paging", [OFFSET, PAGE])
def test_an_app_that_lists_fewer_than_it_announces_differs(paging: Paging) -> None:
    reading = Reading("users", paging)
    read(reading, Listed(names(7), paging, announces=10))
    assert reading.verdict() == "differs"
    assert (reading.unique, reading.total) == (7, 10)


@pytest.mark.parametrize("paging", [OFFSET, PAGE])
def test_an_app_that_ignores_paging_and_announces_its_total_differs(paging: Paging) -> None:
    reading = Reading("users", paging)
    while (wanted := next(reading.wanted(), None)) is not None:
        reading.add(wanted.number, ["1", "2", "3"], 9, None)
    assert reading.verdict() == "differs"
    assert reading.unique == 3


@pytest.mark.parametrize("count", [3, 4, 50])
@pytest.mark.parametrize("paging", [OFFSET, PAGE])
def test_an_app_that_ignores_paging_and_announces_nothing_comes_to_an_end(
    paging: Paging, count: int
) -> None:
    reading = Reading("users", paging)
    pages = 0
    while (wanted := next(reading.wanted(), None)) is not None:
        reading.add(wanted.number, names(count), None, None)
        pages += 1
    assert pages <= 2
    assert reading.unique == count


@pytest.mark.parametrize("paging", [OFFSET, PAGE])
def test_everything_on_one_page_is_whole_if_the_total_says_so(paging: Paging) -> None:
    reading = Reading("users", paging)
    reading.add(0, names(50), 50, None)
    assert reading.verdict() == "whole"


def test_a_total_that_moves_meanwhile_differs_even_if_the_numbers_agree_in_the_end() -> None:
    reading = Reading("users", PAGE)
    reading.add(0, ["1", "2", "3"], 5, None)
    reading.add(1, ["4", "5", "6"], 6, None)
    assert reading.verdict() == "differs"
    assert reading.total == 6


def test_somebody_on_two_pages_is_one_and_the_missing_one_shows() -> None:
    reading = Reading("users", OFFSET)
    reading.add(0, ["1", "2", "3"], 6, None)
    reading.add(1, ["3", "4", "5"], 6, None)
    assert reading.unique == 5
    assert reading.verdict() == "differs"


def test_a_total_that_only_some_pages_announce_still_counts() -> None:
    first = Reading("users", PAGE)
    first.add(0, ["1", "2", "3"], 9, None)
    first.add(1, [], None, None)
    first.add(2, [], None, None)
    assert first.verdict() == "differs"
    assert first.total == 9
    last = Reading("users", PAGE)
    last.add(0, ["1", "2", "3"], None, None)
    last.add(1, ["4"], 4, None)
    assert last.verdict() == "whole"


def test_an_empty_first_page_of_a_list_with_a_total_differs() -> None:
    reading = Reading("users", OFFSET)
    reading.add(0, [], 10, None)
    assert list(reading.wanted()) == []
    assert reading.verdict() == "differs"


def test_a_record_without_an_id_counts_towards_the_total() -> None:
    reading = Reading("users", PAGE)
    reading.add(0, ["1", None, None], 3, None)
    assert reading.verdict() == "whole"
    assert reading.unique == 3


@pytest.mark.parametrize("paging", [OFFSET, PAGE, CURSOR, NONE])
@pytest.mark.parametrize("announces", [None, 0])
def test_an_empty_list_is_whole_after_one_page(paging: Paging, announces: int | None) -> None:
    app = Listed([], paging, announces=announces)
    reading = Reading("users", paging)
    assert reading.verdict() == "reading"
    read(reading, app)
    assert reading.verdict() == "whole"
    assert len(app.asked) == 1


def test_without_a_total_a_full_last_page_takes_one_more_call() -> None:
    app = Listed(names(6), OFFSET)
    read(Reading("users", OFFSET), app)
    assert app.asked == [0, 3, 6]


def test_with_a_total_no_call_is_made_beyond_it() -> None:
    app = Listed(names(6), OFFSET, announces=6)
    read(Reading("users", OFFSET), app)
    assert app.asked == [0, 3]


def test_an_app_that_gives_less_a_page_than_it_is_asked_for_is_followed_by_its_own_step() -> None:
    by_offset = Listed(names(7), OFFSET, cap=2, announces=7)
    reading = Reading("users", OFFSET)
    read(reading, by_offset)
    assert by_offset.asked == [0, 2, 4, 6]
    assert reading.verdict() == "whole"
    by_number = Listed(names(7), PAGE, cap=2, announces=7)
    reading = Reading("users", PAGE)
    read(reading, by_number)
    assert by_number.asked == [1, 2, 3, 4]
    assert reading.verdict() == "whole"


def test_one_page_at_a_time_is_wanted_where_no_total_is_announced() -> None:
    reading = Reading("users", PAGE)
    assert list(reading.wanted()) == [Wanted(0, 1)]
    reading.add(0, ["1", "2", "3"], None, None)
    assert list(reading.wanted()) == [Wanted(1, 2)]


def test_all_pages_that_the_total_implies_are_wanted_at_once() -> None:
    reading = Reading("users", OFFSET)
    reading.add(0, ["1", "2", "3"], 8, None)
    assert list(reading.wanted()) == [Wanted(1, 3), Wanted(2, 6)]
    reading.add(2, ["7", "8"], 8, None)
    assert list(reading.wanted()) == [Wanted(1, 3)]


@given(
    count=st.integers(0, 40),
    cap=st.integers(1, 8),
    size=st.integers(1, 8),
    style=st.sampled_from(["offset", "page", "cursor", "none"]),
    announced=st.booleans(),
)
def test_a_still_list_is_read_whole(
    count: int, cap: int, size: int, style: str, announced: bool
) -> None:
    # Without a total, an app that caps its pages below what is asked looks as if it ended.
    assume(announced or style == "cursor" or cap >= size)
    paging = Paging(**PAGES[style])
    if style != "none":
        paging = replace(paging, size=size)
    app = Listed(names(count), paging, cap, count if announced else None)
    reading = Reading("users", paging)
    read(reading, app)
    assert reading.verdict() == "whole"
    assert reading.unique == count
    assert len(app.asked) == len(set(app.asked))
    if announced and style in ("offset", "page"):
        assert len(app.asked) == max(1, -(-count // min(cap, size)))


@given(
    data=st.data(),
    count=st.integers(0, 60),
    cap=st.integers(1, 8),
    style=st.sampled_from(["offset", "page"]),
    in_flight=st.integers(1, 5),
    again=st.integers(0, 3),
)
def test_pages_in_flight_finish_in_any_order_and_each_is_read_exactly_once(
    data: st.DataObject, count: int, cap: int, style: str, in_flight: int, again: int
) -> None:
    paging = Paging(**PAGES[style])
    app = Listed(names(count), paging, cap, count)
    reading = Reading("users", paging, pass_number=1)
    flying: dict[int, Any] = {}
    saved: dict[int, Any] = {}
    restarts = again
    for _ in range(TOO_MANY):
        if restarts and data.draw(st.booleans()):
            # The function was killed: what flies is lost, what is saved is loaded in order.
            restarts -= 1
            flying = {}
            reading = Reading("users", paging, pass_number=1)
            for number in sorted(saved):
                reading.add(number, *saved[number])
        wanted = [page for page in reading.wanted() if page.number not in flying]
        pages = -(-count // min(cap, paging.size))
        assert all(page.number < max(1, pages) for page in wanted)
        assert not {page.number for page in wanted} & saved.keys()
        for page in wanted[: in_flight - len(flying)]:
            flying[page.number] = app.page(page.position)
        if not flying:
            break
        done = data.draw(st.sampled_from(sorted(flying)))
        assert done not in saved
        saved[done] = flying.pop(done)
        reading.add(done, *saved[done])
    assert reading.verdict() == "whole"
    assert reading.unique == count
    assert sorted(i for ids, _, _ in saved.values() for i in ids) == sorted(names(count))


@given(
    st.lists(
        st.tuples(st.lists(st.text(max_size=2), max_size=4), st.none() | st.integers(0, 9)),
        max_size=6,
    ),
    st.sampled_from([OFFSET, PAGE, CURSOR, NONE]),
)
def test_no_more_pages_are_wanted_than_the_first_total_implies(
    pages: list[tuple[list[str], int | None]], paging: Paging
) -> None:
    reading = Reading("users", paging)
    for ids, total in pages:
        wanted = list(reading.wanted())
        if not wanted:
            break
        reading.add(wanted[0].number, [*ids], total, f"c{wanted[0].number}")
        first_ids, first_total = pages[0]
        if paging.style in ("offset", "page") and first_total is not None:
            implied = -(-first_total // len(first_ids)) if first_ids else 1
            assert all(page.number < max(1, implied) for page in reading.wanted())
    assert reading.verdict() in ("reading", "whole", "differs")
