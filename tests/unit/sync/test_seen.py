"""What a page saw is stored small and comes back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors.records import Grant
from rollcall.directory import keys
from rollcall.items import from_item, to_item
from rollcall.sync.seen import MARKS, Sight, counted, grant_mark, sort_keys

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = TEXT | st.none()
SIGHTS = st.builds(
    Sight,
    list=st.sampled_from(["test", "users", "groups", "members", "groups_of"]),
    owner=NAMES,
    pass_number=st.integers(0, 1),
    number=st.integers(0, 999_999),
    total=st.none() | st.integers(0, 10**9),
    next=NAMES,
    ids=st.lists(NAMES, max_size=5),
    marks=st.text(alphabet="".join(MARKS.values()), max_size=5),
    grants=st.lists(TEXT, max_size=3),
    groups=st.lists(st.tuples(TEXT, NAMES, st.booleans()), max_size=3),
    refused=NAMES,
    skips=st.lists(st.lists(NAMES, min_size=5, max_size=5), max_size=2),
    load=st.sampled_from(["people", None]),
)


@given(SIGHTS)
def test_a_page_comes_back_from_the_table_as_it_was(sight: Sight) -> None:
    stored = to_item({"pk": "RUN#1", "sk": sight.sort_key("pull"), **sight.item()})
    assert Sight.from_item(from_item(stored)) == sight


@given(SIGHTS, SIGHTS)
def test_two_pages_never_have_the_same_place(one: Sight, other: Sight) -> None:
    def where(sight: Sight) -> tuple[str, str, int, int]:
        return sight.list, sight.owner or "", sight.pass_number, sight.number

    assert (one.sort_key("pull") == other.sort_key("pull")) == (where(one) == where(other))
    assert one.sort_key("pull") != one.sort_key("look")


def test_pages_are_in_order_below_their_run() -> None:
    pages = [
        Sight("users", None, passed, number, None, None, ()).sort_key("pull")
        for passed in (0, 1)
        for number in (0, 2, 9, 10, 11, 1000)
    ]
    assert pages == sorted(pages)
    assert all(key.startswith("PAGE#pull#users#") for key in pages)


def users(ids: list[str | None], marks: str, number: int = 0, name: str = "users") -> Sight:
    return Sight(name, None, 0, number, None, None, ids, marks)


def test_marks_that_do_not_fit_the_ids_are_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        counted([users(["1", "2"], "a")])


def test_an_account_on_two_pages_counts_once_as_what_it_was_first() -> None:
    sights = [users(["1", "2"], "a="), users(["2", "1"], "u=", 1)]
    assert counted(sights) == {
        "added": 1,
        "updated": 1,
        "unchanged": 0,
        "restored": 0,
        "skipped": 0,
        "pulled": 2,
    }


def test_records_in_error_are_pulled_and_are_no_change() -> None:
    assert counted([users(["1", None, None], "eee"), users(["1"], "a", 1)]) == {
        "added": 1,
        "updated": 0,
        "unchanged": 0,
        "restored": 0,
        "skipped": 0,
        "pulled": 3,
    }


def test_what_was_skipped_is_counted_once_and_only_where_nothing_else_became_of_it() -> None:
    sights = [users(["1", "2", "3", "4"], "fs-="), users(["1", "3", "2"], "faf", 1)]
    counts = counted(sights)
    assert (counts["pulled"], counts["skipped"], counts["added"]) == (4, 2, 1)
    assert counts["unchanged"] == 1


def test_who_was_left_out_is_not_there_and_who_stays_as_it_was_is() -> None:
    page = users(["1", "2", "3", "4", None], "f-se=")
    assert list(sort_keys(page)) == [keys.account("3"), keys.account("4")]
    assert list(page.filtered) == ["1"]
    assert list(page.taken) == ["3", "4"]


def test_only_users_are_counted() -> None:
    others = [users(["1"], "", name=name) for name in ("groups", "members", "groups_of", "test")]
    assert set(counted(others).values()) == {0}


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("123456"), st.sampled_from("au=re-fs")), max_size=6)
    )
)
def test_the_changes_never_add_up_to_more_than_was_pulled(
    pages: list[list[tuple[str, str]]],
) -> None:
    sights = [
        users([who for who, _ in page], "".join(mark for _, mark in page), number)
        for number, page in enumerate(pages)
    ]
    counts = counted(sights)
    pulled = counts.pop("pulled")
    assert pulled == len({who for page in pages for who, _ in page})
    assert sum(counts.values()) <= pulled


def test_everything_a_page_shows_has_its_sort_key_in_the_directory() -> None:
    grant = Grant("a#1", "role", "20", None, "7")
    page = Sight("users", None, 0, 0, None, None, ["a#1", None], "=e", [grant_mark(grant)])
    assert list(sort_keys(page)) == [keys.account("a#1"), keys.grant(grant)]
    groups = Sight("groups", None, 0, 0, None, None, ["g1", None])
    assert list(sort_keys(groups)) == [keys.group("g1")]
    members = Sight("members", "g1", 0, 0, None, None, ["a#1"], grants=[grant_mark(grant)])
    assert list(sort_keys(members)) == [keys.grant(grant)]
    assert list(sort_keys(Sight("test", None, 0, 0, None, None, ["me"]))) == []
