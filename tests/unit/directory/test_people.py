"""Two sources of one person never overwrite each other in turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.directory.people import Person, Rank, linked, merged

FIELDS = ("email", "phone", "title")
TARGETS = frozenset(FIELDS)
RANKS: dict[str, Rank] = {
    "first": (0, "2026-01-02", "first"),
    "older": (1_000_000, "2026-01-01", "older"),
    "newer": (1_000_000, "2026-01-03", "newer"),
}
SOURCES = st.sampled_from(sorted(RANKS))
VALUES = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["a", "b", "c"]))
NOBODY = Person({}, {})


def write(person: Person, source: str, values: dict[str, str]) -> Person:
    return merged(person, values, TARGETS, source, RANKS)


@given(st.dictionaries(SOURCES, VALUES, min_size=1), st.lists(SOURCES), st.lists(SOURCES))
def test_sources_that_say_the_same_again_change_nothing_after_each_has_spoken(
    said: dict[str, dict[str, str]], before: list[str], after: list[str]
) -> None:
    person = NOBODY
    for source in [*before, *said]:
        person = write(person, source, said.get(source, {}))
    # Whoever ranks higher may still take over what a lower one wrote first.
    for source in sorted(said, key=RANKS.__getitem__):
        person = write(person, source, said[source])
    for source in after:
        if source in said:
            assert write(person, source, said[source]) == person


@given(st.lists(st.tuples(SOURCES, VALUES)))
def test_whatever_is_written_is_remembered_with_its_writer(
    steps: list[tuple[str, dict[str, str]]],
) -> None:
    person = NOBODY
    latest: dict[str, dict[str, str]] = {}
    for source, values in steps:
        person = write(person, source, values)
        latest[source] = values
        assert person.fields.keys() == person.sources.keys()
        for name, writer in person.sources.items():
            assert person.fields[name] == latest[writer][name]


@given(st.lists(st.tuples(SOURCES, VALUES)), SOURCES, VALUES)
def test_a_lower_source_never_changes_what_a_higher_one_wrote(
    steps: list[tuple[str, dict[str, str]]], source: str, values: dict[str, str]
) -> None:
    person = NOBODY
    for other, said in steps:
        person = write(person, other, said)
    after = write(person, source, values)
    for name, writer in person.sources.items():
        if RANKS[writer] < RANKS[source]:
            assert (after.fields[name], after.sources[name]) == (person.fields[name], writer)


@given(st.lists(st.tuples(SOURCES, VALUES)), SOURCES, VALUES)
def test_the_same_again_changes_nothing(
    steps: list[tuple[str, dict[str, str]]], source: str, values: dict[str, str]
) -> None:
    person = NOBODY
    for other, said in steps:
        person = write(person, other, said)
    once = write(person, source, values)
    assert write(once, source, values) == once


def test_priority_ranks_before_age_and_age_before_nothing() -> None:
    assert sorted(RANKS, key=RANKS.__getitem__) == ["first", "older", "newer"]
    person = write(NOBODY, "newer", {"email": "newer"})
    person = write(person, "older", {"email": "older"})
    assert person.fields == {"email": "older"}
    person = write(person, "first", {"email": "first"})
    for source in ("older", "newer"):
        person = write(person, source, {"email": source})
    assert person == Person({"email": "first"}, {"email": "first"})


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_field_is_anybodys(empty: str | None) -> None:
    person = Person({"email": empty}, {"email": "first"})
    assert write(person, "newer", {"email": "n"}) == Person({"email": "n"}, {"email": "newer"})


def test_what_an_integration_wrote_that_is_gone_may_be_written_by_all() -> None:
    person = Person({"email": "old"}, {"email": "deleted"})
    assert write(person, "newer", {"email": "n"}).fields == {"email": "n"}


def test_a_field_that_its_own_source_no_longer_has_is_emptied() -> None:
    person = write(NOBODY, "first", {"email": "e", "phone": "1"})
    assert write(person, "first", {"email": "e"}) == Person({"email": "e"}, {"email": "first"})
    assert write(person, "newer", {}) == person


def test_a_field_that_a_source_does_not_map_is_left_alone() -> None:
    person = Person({"email": "e", "manager": "m"}, {"email": "first", "manager": "first"})
    after = merged(person, {"email": "e"}, frozenset({"email"}), "first", RANKS)
    assert after == person


def test_merging_leaves_the_person_it_was_given_alone() -> None:
    fields = {"email": "e"}
    person = Person(fields, {"email": "newer"})
    write(person, "first", {"email": "x", "phone": "1"})
    assert fields == {"email": "e"}


def test_a_source_that_is_not_ranked_is_an_error() -> None:
    with pytest.raises(KeyError):
        write(NOBODY, "unknown", {"email": "e"})


@pytest.mark.parametrize(
    ("current", "found", "person"),
    [(None, None, None), ("had", None, "had"), (None, "has", "has"), ("had", "has", "has")],
)
def test_an_account_belongs_to_whom_its_key_leads_to_or_else_to_whom_it_had(
    current: str | None, found: str | None, person: str | None
) -> None:
    assert linked(current, found) == person
