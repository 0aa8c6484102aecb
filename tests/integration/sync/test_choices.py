"""What an integration chooses: preference, return, leaving, people only; and what a hand does."""

from typing import Any

import pytest

from rollcall.directory import keys, read
from rollcall.directory.links import Hand
from rollcall.directory.read import Origin, WantedAccounts
from rollcall.directory.removal import held
from rollcall.directory.source import OnLeave
from rollcall.fields.model import STANDARD
from rollcall.tables import Table
from tests.integration.sync.conftest import House
from tests.integration.sync.taker import TWO_KEYS, Taker, people, user, written


@pytest.fixture
def directory(house: House) -> Table:
    return house.directory


@pytest.fixture
def hand(house: House) -> Hand:
    return Hand(house.directory, house.config, "tester")


def taker(directory: Table, id: str = "newer", **choices: Any) -> Taker:  # noqa: A002
    return Taker(directory, id, TWO_KEYS, choices)


def skipped(outcome: Any) -> str:
    assert outcome.change == "skipped"
    return str(outcome.skip.code)


def test_update_only_makes_nobody_and_tells_who_would_have_been(directory: Table) -> None:
    updating = taker(directory, preference="update_only")
    for _ in range(2):
        outcome = updating.one(email="ann@x.test", firstName="Ann")
        assert skipped(outcome) == "person-missing"
        assert outcome.sync_key == "ann@x.test"
        assert outcome.skip is not None
        assert "Ann would have been created" in outcome.skip.message
        assert written(directory) == []


def test_update_only_adds_and_links_the_account_of_somebody_who_is_there(
    directory: Table,
) -> None:
    Taker(directory, "older", TWO_KEYS).one(email="ann@x.test")
    updating = taker(directory, preference="update_only")
    assert updating.one(email="ann@x.test", firstName="Ann").change == "added"
    (person,) = people(directory).values()
    assert updating.account("1")["person_id"] == person["id"]
    assert person["fields"]["title"] == "Ann"


def test_update_only_keeps_an_account_that_is_there_and_makes_nobody_of_it(
    directory: Table,
) -> None:
    updating = taker(directory)
    updating.one(email="", username="u")
    updating.choices["preference"] = "update_only"
    for change in ("updated", "unchanged"):
        outcome = updating.one(email="ann@x.test", username="u")
        assert outcome.change == change
        assert [fault.code for fault in outcome.faults] == ["person-missing"]
    assert people(directory) == {}
    Taker(directory, "older", TWO_KEYS).one(id="77", email="ann@x.test")
    linked = updating.one(email="ann@x.test", username="u")
    assert (linked.change, linked.faults) == ("updated", ())
    assert updating.account("1")["person_id"] in people(directory)


def test_update_only_leaves_out_a_record_that_nobody_can_be_found_by(directory: Table) -> None:
    outcome = taker(directory, preference="update_only").one(email="", username="u")
    assert skipped(outcome) == "person-missing"
    assert outcome.sync_key is None


def test_update_only_restores_a_removed_account_whose_person_is_there(directory: Table) -> None:
    updating = taker(directory)
    updating.one()
    updating.remove("1")
    updating.choices["preference"] = "update_only"
    assert updating.one().change == "restored"


def test_create_only_leaves_out_who_is_there(directory: Table) -> None:
    Taker(directory, "older", TWO_KEYS).one(email="ann@x.test")
    before = written(directory)
    creating = taker(directory, preference="create_only")
    outcome = creating.one(email="ann@x.test", firstName="Ann")
    assert skipped(outcome) == "person-exists"
    assert outcome.skip is not None
    assert "would have been updated" in outcome.skip.message
    assert written(directory) == before


def test_create_only_leaves_an_account_as_it_was_made(directory: Table) -> None:
    creating = taker(directory, preference="create_only")
    assert creating.one(firstName="Ann").change == "added"
    before = written(directory)
    assert creating.one(firstName="Ann").change == "unchanged"
    for _ in range(2):
        assert skipped(creating.one(firstName="Changed")) == "exists-already"
    assert written(directory) == before


def test_create_only_makes_the_person_that_an_account_on_the_roster_lacks(
    directory: Table,
) -> None:
    creating = taker(directory, preference="create_only")
    creating.one(email="", username="u")
    outcome = creating.one(email="ann@x.test", username="u")
    assert (outcome.change, outcome.faults) == ("updated", ())
    assert len(people(directory)) == 1


def test_a_preference_that_was_changed_takes_what_it_left_out(directory: Table) -> None:
    choosing = taker(directory, preference="update_only")
    skipped(choosing.one())
    choosing.choices["preference"] = "create_and_update"
    assert choosing.one().change == "added"
    choosing.choices["preference"] = "create_only"
    skipped(choosing.one(firstName="New"))
    choosing.choices["preference"] = "create_and_update"
    assert choosing.one(firstName="New").change == "updated"


def test_a_removed_account_stays_removed_where_that_is_chosen(directory: Table) -> None:
    ignoring = taker(directory, on_return="ignore")
    ignoring.one()
    ignoring.remove("1")
    before = written(directory)
    for _ in range(2):
        assert skipped(ignoring.one()) == "stays-removed"
    assert written(directory) == before
    ignoring.choices["on_return"] = "restore"
    assert ignoring.one().change == "restored"


@pytest.mark.parametrize(("on_leave", "status"), [("keep", "active"), ("deactivate", "inactive")])
def test_who_left_and_is_kept_is_no_candidate_again_and_comes_back(
    directory: Table, on_leave: OnLeave, status: str
) -> None:
    keeping = taker(directory, on_leave=on_leave)
    keeping.take(user("1"), user("2", "bob@x.test"))
    assert keeping.leave("1", "nobody") == 1
    account = keeping.account("1")
    assert account["status"] == status
    assert account["left_at"]
    assert account["left_by_run"] == "newer-2"
    assert keeping.leave("1") == 0, "doing it again changes nothing"
    assert keeping.account("1") == account
    assert held(directory, "newer", left=False) == {keys.account("2")}
    assert keeping.one(id="1").change == "updated"
    back = keeping.account("1")
    assert "left_at" not in back
    assert back["status"] == "active"
    assert held(directory, "newer", left=False) == {keys.account("1"), keys.account("2")}


def fields(directory: Table, person_id: str) -> dict[str, Any]:
    shown = read.person(directory, STANDARD, person_id)
    assert shown is not None
    return shown


def test_people_only_makes_people_and_shows_no_account(directory: Table) -> None:
    loading = taker(directory, load="people")
    assert loading.one(firstName="Ann").change == "added"
    (person,) = people(directory).values()
    assert fields(directory, person["id"])["accounts"] == []
    origin = Origin("newer", None)
    assert read.accounts(directory, origin, WantedAccounts(), 10, None) == ([], None)
    assert read.account(directory, origin, "1") is None
    assert read.count_accounts(directory, "newer") == 0
    assert loading.one(firstName="Ann").change == "unchanged"


def test_a_change_of_load_makes_every_record_new_and_back(directory: Table) -> None:
    loading = taker(directory)
    loading.one()
    loading.choices["load"] = "people"
    assert loading.one().change == "updated"
    assert read.count_accounts(directory, "newer") == 0
    loading.choices["load"] = "people_and_accounts"
    assert loading.one().change == "updated"
    assert read.count_accounts(directory, "newer") == 1
    (person,) = people(directory).values()
    assert [one["external_id"] for one in fields(directory, person["id"])["accounts"]] == ["1"]


def test_who_leaves_the_people_is_marked_and_unmarked_when_they_return(directory: Table) -> None:
    loading = taker(directory, load="people")
    loading.one()
    assert loading.remove("1") == 1
    (person,) = people(directory).values()
    assert person["removed_by_run"] == "newer-2"
    assert fields(directory, person["id"])["removed_at"] == person["removed_at"]
    Taker(directory, "older", TWO_KEYS).one(firstName="An account says nothing of it")
    (person,) = people(directory).values()
    assert "removed_at" in person, "an account brings nobody back to the people"
    assert loading.one().change == "restored"
    (person,) = people(directory).values()
    assert "removed_at" not in person
    assert "removed_by_run" not in person


def test_a_person_whom_another_source_of_people_has_is_not_removed(directory: Table) -> None:
    one, other = taker(directory, load="people"), taker(directory, "older", load="people")
    one.one()
    other.one()
    one.remove("1")
    (person,) = people(directory).values()
    assert "removed_at" not in person
    other.remove("1")
    (person,) = people(directory).values()
    assert person["removed_by_run"] == "older-2"


def test_an_account_that_goes_removes_no_person(directory: Table) -> None:
    accounts = taker(directory)
    accounts.one()
    accounts.remove("1")
    (person,) = people(directory).values()
    assert "removed_at" not in person


def test_deactivating_people_says_so_until_they_return(directory: Table) -> None:
    loading = taker(directory, load="people", on_leave="deactivate")
    loading.one()
    loading.leave("1")
    (person,) = people(directory).values()
    assert (person["fields"]["status"], person["sources"]["status"]) == ("inactive", "newer")
    loading.one()
    (person,) = people(directory).values()
    assert "status" not in person["fields"]


def test_what_a_higher_source_says_of_somebodys_status_stays(directory: Table) -> None:
    mapping = {"fields": [*TWO_KEYS["fields"], {"target": "status", "value": "active"}]}
    Taker(directory, "older", mapping).one()
    loading = taker(directory, load="people", on_leave="deactivate")
    loading.one()
    loading.leave("1")
    (person,) = people(directory).values()
    assert person["fields"]["status"] == "active"


def test_a_link_by_hand_wins_over_the_keys_in_every_run(directory: Table, hand: Hand) -> None:
    accounts = taker(directory)
    Taker(directory, "older", TWO_KEYS).one(id="9", email="real@x.test")
    accounts.one(email="alias@x.test", firstName="Ann", username="ann")
    real = Taker(directory, "older").account("9")["person_id"]
    said = hand.link("newer", "1", real)
    assert isinstance(said, dict)
    assert said["person_id"] == real
    linked = accounts.one(email="alias@x.test", firstName="Ann", username="ann")
    assert (linked.change, linked.faults) == ("updated", ())
    person = people(directory)[real]
    assert person["fields"]["title"] == "Ann", "the next run merges the values"
    assert person["fields"]["username"] == "ann"
    assert person["fields"]["email"] == "real@x.test"
    for name in ("Anna", "Anne"):
        outcome = accounts.one(email="alias@x.test", firstName=name, username="ann")
        assert (outcome.change, outcome.faults) == ("updated", ())
        assert accounts.account("1")["person_id"] == real
        assert accounts.account("1")["link"] == "manual"
    assert (
        accounts.one(email="alias@x.test", firstName="Anne", username="ann").change == "unchanged"
    )


def test_a_link_by_hand_takes_nothing_from_two_people_of_one_app(
    directory: Table, hand: Hand
) -> None:
    Taker(directory, "older", TWO_KEYS).one(id="9", email="ann@x.test")
    accounts = taker(directory)
    both = (
        user("1", "ann@x.test", firstName="Ann", username="ann"),
        user("2", "bob@x.test", firstName="Bob", username="bob"),
    )
    accounts.take(*both)
    ann, bob = (accounts.account(number)["person_id"] for number in ("1", "2"))
    before = {one: people(directory)[one]["fields"] for one in (ann, bob)}
    assert isinstance(hand.link("newer", "1", bob), dict)
    for _ in range(2):
        accounts.take(*both)
        assert {one: people(directory)[one]["fields"] for one in (ann, bob)} == before
    accounts.take(user("1", "ann@x.test", firstName="Anna", username="ann"), both[1])
    assert people(directory)[bob]["fields"] == before[bob]
    hand.release("newer", "1")
    accounts.take(*both)
    assert accounts.account("1")["person_id"] == ann
    assert {one: people(directory)[one]["fields"] for one in (ann, bob)} == before


def test_an_unlinked_account_stays_nobodys_without_an_error(directory: Table, hand: Hand) -> None:
    accounts = taker(directory)
    accounts.one()
    count = len(people(directory))
    hand.unlink("newer", "1")
    for name in ("Ann", "Anna"):
        outcome = accounts.one(firstName=name)
        assert outcome.faults == ()
        assert "person_id" not in accounts.account("1")
        assert accounts.account("1")["link"] == "none"
    assert len(people(directory)) == count


def test_an_account_that_is_given_back_is_its_keys_again(directory: Table, hand: Hand) -> None:
    accounts, other = taker(directory), Taker(directory, "older", TWO_KEYS)
    other.one(id="9", email="real@x.test")
    accounts.one(email="alias@x.test", username="ann")
    hand.link("newer", "1", other.account("9")["person_id"])
    accounts.one(email="alias@x.test", username="ann")
    hand.release("newer", "1")
    assert not {"person_id", "link"} & accounts.account("1").keys(), "nobody's until the next run"
    outcome = accounts.one(email="alias@x.test", username="ann")
    assert (outcome.change, outcome.faults) == ("updated", ())
    own = people(directory)[accounts.account("1")["person_id"]]
    assert (own["fields"]["email"], own["fields"]["username"]) == ("alias@x.test", "ann")
    real = people(directory)[other.account("9")["person_id"]]
    assert real["id"] != own["id"]
    assert real["fields"]["email"] == "real@x.test"
    assert "username" not in real["fields"], "what it wrote there goes with it"
    hand.unlink("newer", "1")
    hand.release("newer", "1")
    accounts.one(email="alias@x.test", username="ann")
    assert accounts.account("1")["person_id"] == own["id"]
    before = written(directory)
    hand.release("newer", "1")
    assert written(directory) == before, "there is nothing to forget"


@pytest.mark.parametrize("kind", ["service", "system"])
def test_an_account_of_no_person_makes_none_and_is_no_error(
    directory: Table, hand: Hand, kind: Any
) -> None:
    accounts = taker(directory)
    assert accounts.one(email="", username="u").faults
    hand.set_kind("newer", "1", kind)
    settled = accounts.one(email="", username="u")
    assert settled.faults == ()
    assert accounts.one(email="bot@x.test", username="u").faults == ()
    assert people(directory) == {}
    assert accounts.account("1")["kind"] == kind
    hand.set_kind("newer", "1", "person")
    assert accounts.one(email="bot@x.test", username="u").change == "updated"
    assert len(people(directory)) == 1


def test_what_a_hand_says_outlasts_removal_and_return(directory: Table, hand: Hand) -> None:
    accounts = taker(directory)
    accounts.one()
    hand.set_kind("newer", "1", "service")
    accounts.remove("1")
    assert accounts.one().change == "restored"
    assert accounts.account("1")["kind"] == "service"
    assert "person_id" not in accounts.account("1")


def test_what_cannot_be_linked_is_refused_and_changes_nothing(directory: Table, hand: Hand) -> None:
    accounts = taker(directory)
    accounts.take(user("1"), user("2", "bob@x.test"))
    bob = accounts.account("2")["person_id"]
    hand.set_kind("newer", "1", "service")
    taker(directory, "older", load="people").one(id="5", email="rec@x.test")
    before = written(directory)
    assert hand.link("newer", "1", bob) == "no-persons-account"
    assert hand.link("newer", "1", "nobody") == "no-person"
    assert hand.link("newer", "77", bob) == "no-account"
    assert hand.link("older", "5", bob) == "no-account", "a record of people is no account"
    assert hand.unlink("newer", "77") == "no-account"
    assert hand.release("newer", "77") == "no-account"
    assert hand.set_kind("newer", "77", "service") == "no-account"
    assert written(directory) == before


def test_every_change_by_hand_is_in_the_audit_log_once(house: House, hand: Hand) -> None:
    accounts = taker(house.directory)
    accounts.take(user("1"), user("2", "bob@x.test"))
    bob = accounts.account("2")["person_id"]
    for _ in range(2):
        hand.link("newer", "1", bob)
    for _ in range(2):
        hand.unlink("newer", "1")
    for _ in range(2):
        hand.set_kind("newer", "1", "system")
    items = house.aws.dynamodb.scan(TableName=house.settings.config_table)["Items"]
    entries = [item["verb"]["S"] for item in items if item["pk"]["S"].startswith("AUDIT#")]
    assert sorted(entries) == ["link", "mark", "unlink"]
