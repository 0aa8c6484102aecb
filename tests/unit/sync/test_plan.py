"""Which pages a run still wants, told by those it has saved."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors import catalog
from rollcall.connectors.manifest import build
from rollcall.sync.listing import CursorCameBack
from rollcall.sync.plan import ORDER, Plan, loaded, place, refusal
from rollcall.sync.seen import Sight
from tests.manifests import joined, manifest, plain

EXAMPLE = manifest()
JOINED = build(
    {
        **plain(),
        "users": {**plain()["users"], "joined": [joined(), joined("cursor", into="seats")]},
    }
)
"""An app with everything, and two lists that are joined to its users."""
AHA = catalog.find("aha")
GROUPS = (("g1", "Sales", False), ("g2", "Admins", True))


def wanted(
    plan: Plan, *busy: tuple[str, str | None, int]
) -> list[tuple[str, str | None, int, int]]:
    tasks = plan.wanted(busy)
    return sorted((t.list, t.owner, t.pass_number, t.page.number) for t in tasks)


def sight(
    name: str,
    ids: Sequence[str | None],
    total: int | None = None,
    *,
    owner: str | None = None,
    number: int = 0,
    passed: int = 0,
    following: str | None = None,
) -> Sight:
    groups = [group for group in GROUPS if name == "groups" and group[0] in ids]
    return Sight(name, owner, passed, number, total, following, ids, groups=groups)


TEST = sight("test", ["me@example.test"])
USERS = sight("users", ["u1", "u2"], 2)
BOTH_GROUPS = sight("groups", ["g1", "g2"], 2)


def test_an_app_that_refuses_members_is_asked_for_the_groups_of_every_user() -> None:
    saved = [TEST, BOTH_GROUPS, sight("members", ["u1"], 1, owner="g1"), refusal("403"), USERS]
    plan = loaded(EXAMPLE, (), saved)
    assert wanted(plan) == [("groups_of", "u1", 0, 0), ("groups_of", "u2", 0, 0)]
    for user in ("u1", "u2"):
        plan.add(sight("groups_of", ["u1"], owner=user))
    assert not plan.unfinished
    assert plan.differing == []


def test_users_that_were_still_being_read_when_members_were_refused_are_waited_for() -> None:
    plan = loaded(
        EXAMPLE, (), [TEST, BOTH_GROUPS, refusal("403"), sight("users", ["a", "b", "c"], 4)]
    )
    assert wanted(plan) == [("users", None, 0, 1)]
    plan.add(sight("users", ["d"], 4, number=1))
    assert [owner for _, owner, _, _ in wanted(plan)] == ["a", "b", "c", "d"]


def test_a_look_whose_members_are_refused_reads_users_and_their_groups() -> None:
    plan = loaded(EXAMPLE, ("groups", "members"), [BOTH_GROUPS, refusal("403")])
    assert wanted(plan) == [("users", None, 0, 0)]
    plan.add(sight("users", ["u1"], 1))
    assert wanted(plan) == [("groups_of", "u1", 0, 0)]


def test_a_list_that_differs_is_read_once_more_and_then_remembered() -> None:
    plan = loaded(EXAMPLE, (), [TEST, sight("groups", [], 0), sight("users", ["u1"], 2)])
    plan.add(sight("users", [], 2, number=1))
    assert wanted(plan) == [("users", None, 1, 0)]
    assert plan.differing == []
    plan.add(sight("users", ["u1"], 1, passed=1))
    assert (plan.unfinished, plan.differing) == (False, [])


def test_a_list_that_differs_twice_is_named_with_both_numbers() -> None:
    plan = loaded(EXAMPLE, (), [TEST, sight("groups", [], 0)])
    for passed in (0, 1):
        plan.add(sight("users", ["a", "b", "c"], 5, passed=passed))
        plan.add(sight("users", [], 5, number=1, passed=passed))
    assert not plan.unfinished
    assert plan.differing == ["users: 3 different, 5 announced"]


def test_the_members_of_one_group_may_differ_while_others_are_whole() -> None:
    plan = loaded(EXAMPLE, (), [TEST, BOTH_GROUPS, USERS])
    plan.add(sight("members", ["u1"], 1, owner="g1"))
    for passed in (0, 1):
        plan.add(sight("members", [], 7, owner="g2", passed=passed))
    assert not plan.unfinished
    assert plan.differing == ["members of g2: 0 different, 7 announced"]


def test_a_page_of_a_pass_that_is_over_changes_nothing() -> None:
    plan = loaded(EXAMPLE, (), [TEST, sight("groups", [], 0), USERS])
    plan.add(sight("users", ["u9"], 9, passed=1))
    plan.add(USERS)
    assert not plan.unfinished


def test_a_cursor_that_comes_back_is_told_also_when_pages_are_loaded() -> None:
    saved = [
        TEST,
        sight("users", ["u1"], following="a"),
        sight("users", ["u2"], following="a", number=1),
    ]
    with pytest.raises(CursorCameBack):
        loaded(manifest("cursor"), (), saved)


def test_nothing_is_read_before_the_test_call() -> None:
    plan = Plan(EXAMPLE, ())
    assert wanted(plan) == [("test", None, 0, 0)]
    plan.add(TEST)
    assert wanted(plan) == [("groups", None, 0, 0), ("users", None, 0, 0)]


def test_where_only_people_are_loaded_groups_are_not_read() -> None:
    plan = loaded(EXAMPLE, (), [TEST], "people")
    assert wanted(plan) == [("users", None, 0, 0)]
    plan.add(USERS)
    assert not plan.unfinished


def test_users_wait_for_the_lists_that_are_joined_to_them_and_groups_do_not() -> None:
    plan = loaded(JOINED, (), [TEST])
    lists = [("joined", "profile", 0, 0), ("joined", "seats", 0, 0)]
    assert wanted(plan) == [("groups", None, 0, 0), *lists]
    plan.add(sight("joined", ["r1"], 1, owner="profile"))
    plan.add(sight("joined", ["r2"], owner="seats", following="a"))
    assert wanted(plan) == [("groups", None, 0, 0), ("joined", "seats", 0, 1)]
    plan.add(sight("joined", [], owner="seats", number=1))
    assert wanted(plan) == [("groups", None, 0, 0), ("users", None, 0, 0)]
    assert not plan.whole("users")
    plan.add(USERS)
    assert plan.whole("users")


@pytest.mark.parametrize("again", [("users",), ("users", "groups", "members")])
def test_a_look_at_users_reads_the_joined_lists_again(again: tuple[str, ...]) -> None:
    plan = Plan(JOINED, again)
    assert ("joined", "profile", 0, 0) in wanted(plan)
    assert ("users", None, 0, 0) not in wanted(plan)


def test_a_look_at_groups_reads_joined_lists_only_if_members_are_refused() -> None:
    plan = loaded(JOINED, ("groups", "members"), [BOTH_GROUPS])
    assert {name for name, *_ in wanted(plan)} == {"members"}
    plan.add(refusal("403"))
    assert {name for name, *_ in wanted(plan)} == {"joined"}


def test_joined_lists_whose_cursor_comes_back_are_told() -> None:
    plan = loaded(JOINED, (), [TEST, sight("joined", ["r1"], owner="seats", following="a")])
    with pytest.raises(CursorCameBack):
        plan.add(sight("joined", ["r2"], owner="seats", following="a", number=1))


def test_users_are_not_whole_where_a_joined_list_differs() -> None:
    plan = loaded(JOINED, (), [TEST, sight("joined", [], owner="seats")])
    for passed in (0, 1):
        plan.add(sight("joined", ["r1"], 2, owner="profile", passed=passed))
        plan.add(sight("joined", [], 2, owner="profile", passed=passed, number=1))
    plan.add(USERS)
    assert plan.differing == ["joined of profile: 1 different, 2 announced"]
    assert not plan.whole("users")


def test_the_members_of_every_group_are_read_when_the_groups_are_known() -> None:
    plan = loaded(EXAMPLE, (), [TEST, USERS, BOTH_GROUPS])
    assert wanted(plan) == [("members", "g1", 0, 0), ("members", "g2", 0, 0)]
    assert plan.groups["g2"].is_admin


@pytest.mark.parametrize("order", [("users", "groups"), ("groups", "users")])
def test_members_wait_for_the_users_where_some_may_be_left_out(order: tuple[str, str]) -> None:
    plan = loaded(EXAMPLE, (), [TEST], members_last=True)
    pages = {"users": USERS, "groups": BOTH_GROUPS}
    plan.add(pages[order[0]])
    assert not any(name == "members" for name, *_ in wanted(plan))
    plan.add(pages[order[1]])
    assert [(name, owner) for name, owner, *_ in wanted(plan)] == [
        ("members", "g1"), ("members", "g2")
    ]  # fmt: skip


def test_members_wait_for_nobody_where_users_are_not_read() -> None:
    plan = loaded(EXAMPLE, ("groups", "members"), [BOTH_GROUPS], members_last=True)
    assert {name for name, *_ in wanted(plan)} == {"members"}


def test_the_groups_of_who_was_left_out_are_not_asked_for() -> None:
    users = Sight("users", None, 0, 0, 3, None, ["a", "b", "c"], marks="=f-")
    plan = loaded(EXAMPLE, (), [TEST, refusal("403"), BOTH_GROUPS], members_last=True)
    plan.add(users)
    assert [(name, owner) for name, owner, *_ in wanted(plan)] == [("groups_of", "a")]


def test_pages_that_are_under_way_are_not_wanted_again() -> None:
    plan = loaded(EXAMPLE, (), [TEST, sight("users", ["a", "b", "c"], 9)])
    assert wanted(plan, ("users", None, 1)) == [("groups", None, 0, 0), ("users", None, 0, 2)]
    assert ("users", None, 1) in map(place, plan.wanted(()))


def test_an_app_without_groups_has_users_only() -> None:
    assert AHA is not None
    plan = loaded(AHA, (), [TEST])
    assert wanted(plan) == [("users", None, 0, 0)]
    plan.add(USERS)
    assert not plan.unfinished


@pytest.mark.parametrize(
    ("again", "first"),
    [
        (("users",), ["users"]),
        (("groups",), ["groups"]),
        (("groups", "members"), ["groups"]),
        (("users", "groups", "members"), ["groups", "users"]),
    ],
)
def test_a_look_reads_only_the_lists_it_needs(again: tuple[str, ...], first: list[str]) -> None:
    plan = Plan(EXAMPLE, again)
    assert [name for name, *_ in wanted(plan)] == first
    plan.add(BOTH_GROUPS)
    assert ("members" in [name for name, *_ in wanted(plan)]) == ("members" in again)


def as_read_again(sight: Sight) -> tuple[int, str]:
    return ORDER.index(sight.list), sight.sort_key("pull")


@given(st.data())
def test_a_run_goes_on_the_same_from_any_pages_that_were_saved(data: st.DataObject) -> None:
    everything = [
        TEST,
        sight("joined", ["r1", "r2", "r3"], 4, owner="profile"),
        sight("joined", ["r4"], 4, owner="profile", number=1),
        sight("joined", ["s1"], owner="seats", following="a"),
        sight("joined", ["s2"], owner="seats", number=1),
        sight("users", ["a", "b", "c"], 7),
        sight("users", ["d", "e", "f"], 7, number=1),
        sight("users", ["g"], 7, number=2),
        BOTH_GROUPS,
        sight("members", ["a"], 1, owner="g1"),
        sight("members", ["a", "b", "c"], 4, owner="g2"),
        sight("members", ["d"], 4, owner="g2", number=1),
    ]
    saved: list[Sight] = []
    live = Plan(JOINED, ())
    pages = {(one.list, one.owner, one.number): one for one in everything}
    while live.unfinished:
        tasks = list(live.wanted(()))
        assert tasks
        chosen = pages[place(data.draw(st.sampled_from(tasks)))]
        live.add(chosen)
        saved.append(chosen)
        resumed = loaded(JOINED, (), sorted(saved, key=as_read_again))
        assert wanted(resumed) == wanted(live)
    assert sorted(saved, key=str) == sorted(everything, key=str)
    assert live.differing == []
