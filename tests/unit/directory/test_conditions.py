"""A condition judged by hand is judged as DynamoDB does."""

import pytest

from rollcall.directory.conditions import holds
from rollcall.tables import ABSENT, PRESENT, Condition, absent, equals, one_of, present

ITEM = {"pk": "P", "status": "held", "version": 2}
OWN = Condition(
    "attribute_not_exists(pk) OR #person_id IN (:one)", {"#person_id": "person_id"}, {":one": "me"}
)


@pytest.mark.parametrize(
    ("condition", "there", "nothing"),
    [
        (None, True, True),
        (ABSENT, False, True),
        (PRESENT, True, False),
        (absent("left_at"), True, True),
        (present("status"), True, False),
        (equals("version", 2), True, False),
        (equals("version", 3), False, False),
        (one_of("status", ["held", "queued"]), True, False),
        (one_of("status", ["queued"]), False, False),
        (equals("version", 2) & equals("status", "held"), True, False),
        (equals("version", 2) & equals("status", "gone"), False, False),
        (absent("left_at") & equals("version", 2) & present("pk"), True, False),
        (Condition("#s <> :s", {"#s": "status"}, {":s": "gone"}), True, True),
        (
            Condition("(#s = :s) OR (#s = :t)", {"#s": "status"}, {":s": 1, ":t": "held"}),
            True,
            False,
        ),
        (OWN, False, True),
    ],
)
def test_a_condition_holds_or_not(condition: Condition | None, there: bool, nothing: bool) -> None:
    assert holds(condition, ITEM) is there
    assert holds(condition, None) is nothing


@pytest.mark.parametrize(
    "expression",
    ["size(pk) > :n", "NOT attribute_exists(pk)", "(attribute_exists(pk)", "", "#a = :b #a = :b"],
)
def test_what_nobody_uses_is_refused_and_not_guessed(expression: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        holds(Condition(expression), ITEM)
