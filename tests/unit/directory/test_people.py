"""Two sources of one person never overwrite each other in turn."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.directory.people import Person, Rank, Write, Writer, merged, writer

FIELDS = ("email", "phone", "title")
ALWAYS: dict[str, Write] = dict.fromkeys(FIELDS, "always")
RANKS: dict[str, Rank] = {
    "first": (0, "2026-01-02", "first"),
    "older": (1_000_000, "2026-01-01", "older"),
    "newer": (1_000_000, "2026-01-03", "newer"),
}
SOURCES = st.sampled_from(sorted(RANKS))
VALUES = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["a", "b", "c"]))
NOBODY = Person({}, {})


WRITES = st.fixed_dictionaries({field: st.sampled_from(["always", "if_empty"]) for field in FIELDS})


def write(
    person: Person, source: str, values: dict[str, str], writes: dict[str, Write] | None = None
) -> Person:
    return merged(person, values, writes or ALWAYS, source, RANKS)


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
        for name, by in person.sources.items():
            assert person.fields[name] == latest[by][name]


@given(st.lists(st.tuples(SOURCES, VALUES)), SOURCES, VALUES)
def test_a_lower_source_never_changes_what_a_higher_one_wrote(
    steps: list[tuple[str, dict[str, str]]], source: str, values: dict[str, str]
) -> None:
    person = NOBODY
    for other, said in steps:
        person = write(person, other, said)
    after = write(person, source, values)
    for name, by in person.sources.items():
        if RANKS[by] < RANKS[source]:
            assert (after.fields[name], after.sources[name]) == (person.fields[name], by)


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
    after = merged(person, {"email": "e"}, {"email": "always"}, "first", RANKS)
    assert after == person


def test_merging_leaves_the_person_it_was_given_alone() -> None:
    fields = {"email": "e"}
    person = Person(fields, {"email": "newer"})
    write(person, "first", {"email": "x", "phone": "1"})
    assert fields == {"email": "e"}


def test_a_source_that_is_not_ranked_is_an_error() -> None:
    with pytest.raises(KeyError):
        write(NOBODY, "unknown", {"email": "e"})


@given(
    st.dictionaries(SOURCES, st.tuples(VALUES, WRITES), min_size=1),
    st.lists(SOURCES),
    st.lists(SOURCES, max_size=30),
)
def test_no_two_sources_ever_overwrite_each_other_in_turn(
    said: dict[str, tuple[dict[str, str], dict[str, Write]]], before: list[str], after: list[str]
) -> None:
    person = NOBODY
    for source in [*before, *said]:
        if source in said:
            person = write(person, source, *said[source])
    # A weak value gives way once, and whoever ranks higher takes over once: then nothing moves.
    for _ in range(2):
        for source in sorted(said, key=RANKS.__getitem__):
            person = write(person, source, *said[source])
    for source in after:
        if source in said:
            assert write(person, source, *said[source]) == person


@given(st.dictionaries(SOURCES, VALUES, min_size=1), st.randoms(use_true_random=False))
def test_where_ranks_decide_the_order_does_not(
    said: dict[str, dict[str, str]], random: Random
) -> None:
    def after(order: list[str]) -> Person:
        person = NOBODY
        for source in order:
            person = write(person, source, said[source])
        return person

    shuffled = list(said)
    random.shuffle(shuffled)
    assert after(shuffled) == after(list(said))


@given(st.permutations(sorted(RANKS)), SOURCES, st.sampled_from(["employee", "manager"]))
def test_a_value_that_stands_in_gives_way_to_the_real_one_whatever_the_order(
    order: list[str], constant: str, real: str
) -> None:
    others = [source for source in order if source != constant]
    person = NOBODY
    for source in [*order, *order]:
        if source == constant:
            person = write(person, source, {"title": "constant"}, {"title": "if_empty"})
        else:
            person = write(person, source, {"title": real}, {"title": "always"})
    assert person.fields == {"title": real}
    assert person.sources["title"] == min(others, key=RANKS.__getitem__)


def test_a_weak_value_is_its_own_writers_to_change_and_nobody_elses_weakly() -> None:
    weak: dict[str, Write] = {"title": "if_empty"}
    person = merged(NOBODY, {"title": "a"}, weak, "newer", RANKS)
    assert person == Person({"title": "a"}, {"title": "~newer"})
    assert merged(person, {"title": "b"}, weak, "first", RANKS) == person
    changed = merged(person, {"title": "b"}, weak, "newer", RANKS)
    assert changed == Person({"title": "b"}, {"title": "~newer"})
    assert merged(changed, {}, weak, "newer", RANKS) == NOBODY


def test_a_rule_that_now_writes_only_what_is_empty_lets_the_same_value_give_way() -> None:
    weak: dict[str, Write] = {"title": "if_empty"}
    person = Person({"title": "a"}, {"title": "first"})
    assert merged(person, {"title": "b"}, weak, "first", RANKS) == person, "it is not empty"
    same = merged(person, {"title": "a"}, weak, "first", RANKS)
    assert same.sources == {"title": "~first"}
    assert merged(same, {"title": "c"}, {"title": "always"}, "newer", RANKS).fields["title"] == "c"


@given(st.text(st.characters(exclude_characters="~")), st.booleans())
def test_who_wrote_comes_back_from_what_is_stored(integration_id: str, weak: bool) -> None:
    by = Writer(integration_id, weak)
    assert writer(by.source) == by
    assert writer(None) is None
