"""The guard: when is too much gone?"""

import pytest

from rollcall.connectors.records import Grant
from rollcall.directory import keys
from rollcall.integrations.model import RemovalGuard
from rollcall.sync.gone import exceeds

DEFAULT = RemovalGuard(share=0.2, count=5)


def accounts(count: int) -> set[str]:
    return {keys.account(f"a{number}") for number in range(count)}


def groups(count: int) -> set[str]:
    return {keys.group(f"g{number}") for number in range(count)}


def grants(count: int, kind: str = "group") -> set[str]:
    return {
        keys.grant(Grant(f"a{number}", kind, "g1", None))  # type: ignore[arg-type]
        for number in range(count)
    }


@pytest.mark.parametrize(
    ("stored", "going", "held"),
    [
        (20, 6, True),
        (29, 6, True),
        (30, 6, False),
        (30, 7, True),
        (10, 5, False),
        (5, 5, False),
        (6, 6, True),
        (1000, 200, False),
        (1000, 201, True),
        (1000, 0, False),
    ],
)
@pytest.mark.parametrize("of", [accounts, groups, grants])
def test_more_than_the_share_and_the_number_is_too_much(
    of: object, stored: int, going: int, held: bool
) -> None:
    assert callable(of)
    assert exceeds(DEFAULT, of(stored), of(going)) is held


def test_each_kind_is_measured_against_its_own() -> None:
    stored = accounts(1000) | groups(6) | grants(100)
    assert exceeds(DEFAULT, stored, groups(6))
    assert exceeds(DEFAULT, stored, grants(21))
    assert not exceeds(DEFAULT, stored, accounts(6))


def test_the_grants_of_an_account_that_goes_are_no_loss_of_their_own() -> None:
    stored = accounts(100) | grants(10)
    assert exceeds(DEFAULT, stored, grants(10))
    assert not exceeds(DEFAULT, stored, accounts(10) | grants(10))


@pytest.mark.parametrize(
    ("guard", "held"),
    [
        (RemovalGuard(share=0, count=0), True),
        (RemovalGuard(share=1, count=0), False),
        (RemovalGuard(share=0, count=1000), False),
        (RemovalGuard(share=0.999, count=0), True),
    ],
)
def test_the_guard_is_what_the_integration_sets(guard: RemovalGuard, held: bool) -> None:
    assert exceeds(guard, accounts(10), accounts(10)) is held
