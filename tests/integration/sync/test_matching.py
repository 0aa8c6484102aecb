"""Several sync keys: one person is found by all of them, or it is said why not."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rollcall.tables import Table
from tests.integration.sync.conftest import House
from tests.integration.sync.taker import TWO_KEYS, Taker, people, user, written


@pytest.fixture
def directory(house: House) -> Table:
    return house.directory


def codes(outcome: Any) -> list[str]:
    return [fault.code for fault in outcome.faults]


def test_two_integrations_that_bring_the_same_people_by_two_keys_at_once_make_each_once(
    directory: Table,
) -> None:
    records = [user(str(n), f"ann{n}@x.test", username=f"ann{n}") for n in range(60)]
    takers = [Taker(directory, name, TWO_KEYS) for name in ("older", "newer", "newest")]
    with ThreadPoolExecutor(3) as at_once:
        outcomes = list(at_once.map(lambda taker: taker.take(*records), takers))
    assert len(people(directory)) == 60
    for told in outcomes:
        assert {one.change for one in told.values()} == {"added"}
        assert not any(one.faults for one in told.values())
    for taker in takers:
        again = taker.take(*records)
        assert {one.change for one in again.values()} == {"unchanged"}


def test_people_who_come_by_one_key_each_at_once_are_one_person_or_said_to_disagree(
    directory: Table,
) -> None:
    by_number = {"fields": [
        {"target": "employee_id", "source": "id", "sync_key": 1},
        {"target": "email", "source": "email", "sync_key": 2, "write": "always"},
    ]}  # fmt: skip
    records = [user(str(n), f"ann{n}@x.test") for n in range(40)]
    takers = [Taker(directory, "older", TWO_KEYS), Taker(directory, "newer", by_number)]
    with ThreadPoolExecutor(2) as at_once:
        list(at_once.map(lambda taker: taker.take(*records), takers))
    assert len(people(directory)) == 40


def test_the_second_key_finds_who_has_a_new_address(directory: Table) -> None:
    older, newer = Taker(directory, "older", TWO_KEYS), Taker(directory, "newer", TWO_KEYS)
    older.one(email="ann@x.test")
    assert newer.one(email="ann@x.test").change == "added"
    assert older.one(email="new@x.test").change == "updated"
    (person,) = people(directory).values()
    assert person["fields"]["email"] == "new@x.test"
    assert newer.account("1")["person_id"] == person["id"]


def test_two_keys_of_two_people_are_an_error_and_no_merge(directory: Table) -> None:
    other = Taker(directory, "older", TWO_KEYS)
    other.take(user("1", "ann@x.test"), user("2", "bob@x.test"))
    before = people(directory)
    taker = Taker(directory, "newer", TWO_KEYS)
    for change in ("added", "unchanged"):
        outcome = taker.one(id="1", email="bob@x.test")
        assert outcome.change == change
        assert codes(outcome) == ["sync-keys-disagree"]
        assert outcome.faults[0].field == "employee_id"
        assert all(person in outcome.faults[0].message for person in before)
        assert outcome.sync_key == "bob@x.test"
    assert people(directory) == before, "nothing is written to anybody"
    account = taker.account("1")
    assert "person_id" not in account
    assert account["unsettled"] is True


def test_an_account_whose_keys_come_to_disagree_keeps_its_person(directory: Table) -> None:
    taker = Taker(directory, "older", TWO_KEYS)
    taker.take(user("1", "ann@x.test"), user("2", "bob@x.test"))
    ann = taker.account("1")["person_id"]
    before = people(directory)
    outcome = taker.one(id="1", email="bob@x.test")
    assert codes(outcome) == ["sync-keys-disagree"]
    assert taker.account("1")["person_id"] == ann
    assert taker.account("1")["email"] == "bob@x.test", "the roster says what the app says"
    assert people(directory) == before
    settled = taker.one(id="1", email="ann@x.test")
    assert (settled.change, settled.faults) == ("updated", ())
    assert "unsettled" not in taker.account("1")


def test_keys_that_disagree_no_longer_settle_without_a_change_of_the_record(
    directory: Table,
) -> None:
    other = Taker(directory, "older", TWO_KEYS)
    other.take(user("1", "ann@x.test"), user("2", "bob@x.test"))
    taker = Taker(directory, "newer", TWO_KEYS)
    assert codes(taker.one(id="1", email="bob@x.test")) == ["sync-keys-disagree"]
    other.one(id="2", email="robert@x.test")
    settled = taker.one(id="1", email="bob@x.test")
    assert (settled.change, settled.faults) == ("updated", ())
    assert taker.account("1")["person_id"] == other.account("1")["person_id"]


def test_a_value_that_somebody_has_is_not_written_and_the_rest_is(directory: Table) -> None:
    older, newer = Taker(directory, "older", TWO_KEYS), Taker(directory, "newer", TWO_KEYS)
    older.one(id="1", email="ann@x.test", username="Boss")
    owner = older.account("1")["person_id"]
    for change in ("added", "unchanged", "unchanged"):
        outcome = newer.one(id="2", email="bob@x.test", username=" boss", firstName="Bob")
        assert outcome.change == change
        assert codes(outcome) == ["value-taken"]
        assert outcome.faults[0].field == "username"
        assert owner in outcome.faults[0].message
    person = people(directory)[newer.account("2")["person_id"]]
    assert person["fields"]["title"] == "Bob"
    assert "username" not in person["fields"]


def test_a_value_that_was_taken_is_written_when_it_is_free(directory: Table) -> None:
    older, newer = Taker(directory, "older", TWO_KEYS), Taker(directory, "newer", TWO_KEYS)
    older.one(id="1", email="ann@x.test", username="boss")
    newer.one(id="2", email="bob@x.test", username="boss")
    older.one(id="1", email="ann@x.test", username="ann")
    freed = newer.one(id="2", email="bob@x.test", username="boss")
    assert (freed.change, freed.faults) == ("updated", ())
    assert people(directory)[newer.account("2")["person_id"]]["fields"]["username"] == "boss"
    assert "unsettled" not in newer.account("2")
    assert newer.one(id="2", email="bob@x.test", username="boss").change == "unchanged"


def test_what_the_person_had_stays_where_the_new_value_is_taken(directory: Table) -> None:
    taker = Taker(directory, "older", TWO_KEYS)
    taker.take(user("1", "ann@x.test", username="ann"), user("2", "bob@x.test", username="bob"))
    assert codes(taker.one(id="2", email="bob@x.test", username="ann")) == ["value-taken"]
    assert people(directory)[taker.account("2")["person_id"]]["fields"]["username"] == "bob"


def test_a_username_that_is_handed_on_within_a_page_is_no_error(directory: Table) -> None:
    taker = Taker(directory, "older", TWO_KEYS)
    taker.take(
        user("1", "ann@x.test", username="first"), user("2", "bob@x.test", username="second")
    )
    for order in (1, -1):
        name = f"third{order}"
        page = [
            user("1", "ann@x.test", username="second"), user("2", "bob@x.test", username=name)
        ]  # fmt: skip
        outcomes = taker.take(*page[::order])
        assert not any(one.faults for one in outcomes.values())
        people(directory)
        taker.take(user("2", "bob@x.test", username="free"))
        taker.take(user("1", "ann@x.test", username="first"))
        taker.take(user("2", "bob@x.test", username="second"))


def test_what_an_account_wrote_goes_with_it_to_another_person(directory: Table) -> None:
    taker = Taker(directory, "older", TWO_KEYS)
    one_key = {"fields": [rule | {"sync_key": 0} if rule["target"] == "employee_id" else rule
                          for rule in TWO_KEYS["fields"]]}  # fmt: skip
    taker.mapping = one_key
    taker.take(user("1", "ann@x.test", username="ann"))
    other = Taker(directory, "newer", one_key)
    other.one(id="9", email="real@x.test")
    outcome = taker.one(id="1", email="real@x.test", username="ann")
    assert (outcome.change, outcome.faults) == ("updated", ())
    person = people(directory)[other.account("9")["person_id"]]
    assert taker.account("1")["person_id"] == person["id"]
    assert person["fields"]["username"] == "ann"


def test_an_account_without_the_first_key_is_found_by_the_second(directory: Table) -> None:
    older, newer = Taker(directory, "older", TWO_KEYS), Taker(directory, "newer", TWO_KEYS)
    older.one(id="1", email="ann@x.test")
    outcome = newer.one(id="1", email="", username="ann")
    assert outcome.faults == ()
    assert newer.account("1")["person_id"] == older.account("1")["person_id"]
    assert people(directory)[older.account("1")["person_id"]]["fields"]["email"] == "ann@x.test"


def test_an_account_that_no_key_finds_and_that_has_no_first_one_belongs_to_nobody(
    directory: Table,
) -> None:
    taker = Taker(directory, "older", TWO_KEYS)
    outcome = taker.one(id="1", email="", username="ann")
    assert (outcome.change, codes(outcome), outcome.sync_key) == (
        "added", ["sync-key-missing"], None
    )  # fmt: skip
    assert people(directory) == {}
    assert "belongs to nobody" in outcome.faults[0].message
    assert taker.one(id="1", email="ann@x.test", username="ann").faults == ()
    assert len(people(directory)) == 1


def test_a_key_that_only_finds_is_not_written(directory: Table) -> None:
    finds = {
        "fields": [TWO_KEYS["fields"][0], {"target": "employee_id", "source": "id", "sync_key": 2}]
    }
    taker = Taker(directory, "older", finds)
    taker.one(id="1", email="ann@x.test")
    (person,) = people(directory).values()
    assert "employee_id" not in person["fields"]


def test_somebody_made_on_this_very_page_is_found_by_a_key_that_only_finds(
    directory: Table,
) -> None:
    rules = {"fields": [
        {"target": "email", "source": "email", "sync_key": 1},
        {"target": "username", "source": "username", "sync_key": 2, "write": "always"},
    ]}  # fmt: skip
    taker = Taker(directory, "older", rules)
    outcomes = taker.take(
        user("1", "ann@x.test", username="ann"), user("2", "ann@y.test", username="ann")
    )
    assert not any(one.faults for one in outcomes.values())
    assert len(people(directory)) == 1


def test_more_accounts_of_one_person_than_there_are_rounds_are_taken(directory: Table) -> None:
    taker = Taker(directory, "older")
    records = [user(str(n), "shared@x.test", firstName=f"Bot {n}") for n in range(30)]
    outcomes = taker.take(*records)
    assert {one.change for one in outcomes.values()} == {"added"}
    assert len(people(directory)) == 1
    assert {one.change for one in taker.take(*records).values()} == {"unchanged"}


def test_a_record_with_a_fault_is_on_the_roster_and_writes_to_nobody(directory: Table) -> None:
    taker = Taker(directory, "older", TWO_KEYS)
    long = "x" * 300 + "@x.test"
    taker.one(id="1", email="ann@x.test", firstName="Ann")
    before = people(directory)
    outcome = taker.one(id="1", email=long, username="ann", firstName="Other")
    assert codes(outcome) == ["sync-key-unusable"]
    assert people(directory) == before
    assert taker.account("1")["person_id"] in before
    assert taker.account("1")["email"] == long


def test_an_unsettled_account_tells_its_fault_in_every_run_and_writes_nothing(
    directory: Table,
) -> None:
    taker = Taker(directory, "older", TWO_KEYS)
    taker.one(id="1", email="", username="u")
    before = written(directory)
    for _ in range(2):
        outcome = taker.one(id="1", email="", username="u")
        assert outcome.change == "unchanged"
        assert "sync-key-missing" in codes(outcome)
        assert written(directory) == before


def test_the_same_run_again_tells_the_fault_again_and_what_it_did_before(
    directory: Table,
) -> None:
    taker = Taker(directory, "older", TWO_KEYS)
    for _ in range(2):
        (outcome,) = taker.take(user("1", "", username="u"), run="same").values()
        assert (outcome.change, codes(outcome)) == ("added", ["sync-key-missing"])


def test_only_what_is_new_changed_or_unsettled_is_mapped(directory: Table) -> None:
    taker = Taker(directory, "older", TWO_KEYS)
    page = [user(str(n), f"ann{n}@x.test") for n in range(20)] + [user("99", "", username="u")]
    first = taker.mapper
    taker.take(*page, mapper=first)
    assert first.count == 21
    again = taker.mapper
    taker.take(*page, mapper=again)
    assert again.count == 1, "the one without an address"
    page[0] = user("0", "ann0@x.test", firstName="Changed")
    third = taker.mapper
    taker.take(*page, mapper=third)
    assert third.count == 2


def test_a_constant_stands_in_until_the_real_value_is_known(directory: Table) -> None:
    weak = {
        "fields": [
            TWO_KEYS["fields"][0],
            {"target": "title", "value": "Staff", "write": "if_empty"},
        ]
    }
    strong = {"fields": [TWO_KEYS["fields"][0], {"target": "title", "source": "firstName"}]}
    older, newer = Taker(directory, "older", weak), Taker(directory, "newer", strong)
    older.one()
    (person,) = people(directory).values()
    assert person["fields"]["title"] == "Staff"
    newer.one(firstName="Director")
    for _ in range(2):
        older.one(lastName="changed so that it is merged again")
        newer.one(firstName="Director", lastName="too")
        (person,) = people(directory).values()
        assert person["fields"]["title"] == "Director"
