"""A plan tells every change that a sync would make, and makes none of them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from rollcall.directory.rehearsal import Rehearsal
from rollcall.integrations.model import Integration
from rollcall.stamps import new_id
from rollcall.sync.run import Run
from rollcall.tables import ABSENT, Refused, equals
from tests.integration.sync.conftest import MINUTES, House
from tests.integration.sync.taker import TWO_KEYS, Taker, people, user, written
from tests.integration.sync.test_interruption import DyingAws, Killed, short_of_time
from tests.integration.sync.test_removal import leave

USERS = 40


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    """An ActiveCampaign of four pages of users."""
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 10
        yield vendor


def begun(house: House, integration: Integration) -> dict[str, Any]:
    run_id = new_id()
    assert house.runs.queue(integration.id, "manual", run_id, mode="plan") == "queued"
    answer: dict[str, Any] = house.start(integration, f"plan-{run_id}", run_id=run_id)
    return answer


def plan(
    house: House, integration: Integration, remaining: Callable[[], int] = lambda: MINUTES
) -> Run:
    return house.finish(begun(house, integration), remaining)


def changes(house: House, run: Run) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found, after = house.runs.kept.changes(run.id, 100_000, None, {})
    assert after is None
    told: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in found:
        told.setdefault((one["kind"], one["change"]), []).append(one)
    return told


def test_a_plan_of_a_first_sync_tells_everything_and_stores_nothing(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run = plan(house, integration)
    assert run.status == "succeeded", run.error
    assert written(house.directory) == []
    assert run.counts["added"] == USERS
    told = changes(house, run)
    grants = house.run(integration)
    assert grants.status == "succeeded"
    expected = {
        ("account", "created"): USERS,
        ("person", "created"): len(house.people()),
        ("group", "created"): len(house.stored(integration, "GROUP#")),
        ("grant", "granted"): len(house.stored(integration, "GRANT#")),
    }
    assert {what: len(of) for what, of in told.items()} == expected
    account = next(one for one in told["account", "created"] if one["id"] == "7")
    assert account["after"]["email"]
    assert "before" not in account


def test_a_plan_tells_what_would_go_and_change_and_is_never_held(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    before = written(house.directory)
    leave(vendor, *range(10, 25))
    vendor.tenant.put_user({"id": "2", "first_name": "Renamed"})
    run = plan(house, integration)
    assert run.status == "succeeded", run.error
    assert written(house.directory) == before
    told = changes(house, run)
    assert {one["id"] for one in told["account", "removed"]} == {str(n) for n in range(10, 25)}
    (renamed,) = told["account", "updated"]
    assert renamed["before"]["attributes"]["firstName"] != "Renamed"
    assert renamed["after"]["attributes"] == {"firstName": "Renamed"}
    (person,) = told["person", "updated"]
    assert person["after"]["first_name"] == "Renamed"
    assert len(told["grant", "revoked"]) >= 15
    log, _ = house.runs.kept.log(run.id, 100, None)
    assert any("would be held" in line["message"] for line in log)


def test_a_plan_of_what_has_not_changed_tells_nothing(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    assert changes(house, plan(house, integration)) == {}


def test_a_plan_in_many_laps_tells_each_change_once(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run = plan(house, integration, short_of_time())
    assert run.status == "succeeded", run.error
    told = changes(house, run)
    assert len(told["account", "created"]) == len(told["person", "created"]) == USERS


@pytest.mark.parametrize("lives", [1, 2, 3, 5, 7, 9])
def test_a_plan_that_is_killed_goes_on_and_tells_each_change_once(
    house: House, vendor: "Vendor[ActiveCampaign]", lives: int
) -> None:
    integration = house.integrate(vendor)
    answer = begun(house, integration)
    dying = House(house.settings, DyingAws(lives))
    with pytest.raises(Killed):
        dying.finish(dict(answer))
    run = house.finish(answer)
    assert run.status == "succeeded", run.error
    told = changes(house, run)
    assert len(told["account", "created"]) == len(told["person", "created"]) == USERS
    assert written(house.directory) == []


def rehearsed(house: House) -> Rehearsal:
    return Rehearsal(house.aws.dynamodb, house.settings.directory_table)


def test_a_rehearsal_sees_what_it_wrote_and_judges_by_it(house: House) -> None:
    house.directory.put({"pk": "P", "sk": "1", "version": 1, "name": "stored"})
    table = rehearsed(house)
    assert table.put({"pk": "P", "sk": "2", "version": 1}, ABSENT)
    assert not table.put({"pk": "P", "sk": "2"}, ABSENT)
    assert table.update("P", "1", {"version": 2, "name": None}, equals("version", 1))
    assert not table.update("P", "1", {"version": 3}, equals("version", 1))
    assert table.get("P", "1") == {"pk": "P", "sk": "1", "version": 2}
    assert table.get_many([("P", "1"), ("P", "2")], ("version",)) == {
        ("P", "1"): {"pk": "P", "sk": "1", "version": 2},
        ("P", "2"): {"pk": "P", "sk": "2", "version": 1},
    }
    assert table.delete("P", "2", equals("version", 1))
    assert table.get("P", "2") is None
    put = table.putting({"pk": "P", "sk": "3"})
    refused = table.transact([put, table.checking("P", "2", equals("version", 1))])
    assert refused == Refused({1: "ConditionalCheckFailed"})
    assert table.get("P", "3") is None, "all or nothing"
    assert house.directory.get("P", "1") == {"pk": "P", "sk": "1", "version": 1, "name": "stored"}
    assert len(written(house.directory)) == 1


def test_two_pages_of_a_rehearsal_make_somebody_once(house: House) -> None:
    table = rehearsed(house)
    taker = Taker(table, "older", TWO_KEYS)
    taker.take(user("1", "ann@x.test", username="ann"))
    rules = {"fields": [TWO_KEYS["fields"][0]]}
    other = Taker(table, "newer", rules)
    other.take(user("5", "ann@x.test"))
    told = [(one.kind, one.change) for one in table.changes()]
    assert sorted(told) == [("account", "created"), ("account", "created"), ("person", "created")]
    assert people(house.directory) == {}


def test_what_a_rehearsal_takes_back_is_no_change(house: House) -> None:
    taker = Taker(house.directory, "older", TWO_KEYS)
    taker.one(firstName="Ann")
    table = rehearsed(house)
    rehearsing = Taker(table, "older", TWO_KEYS, runs=5)
    rehearsing.one(firstName="Anna")
    assert {one.kind for one in table.changes()} == {"account", "person"}
    rehearsing.one(firstName="Ann")
    assert list(table.changes()) == []


def test_people_who_would_be_removed_are_told(house: House) -> None:
    taker = Taker(house.directory, "older", TWO_KEYS, {"load": "people"})
    taker.one()
    table = rehearsed(house)
    Taker(table, "older", TWO_KEYS, {"load": "people"}, runs=5).remove("1")
    told = {(one.kind, one.change) for one in table.changes()}
    assert told == {("account", "removed"), ("person", "removed")}


def test_changes_that_could_not_be_kept_are_told_again(house: House) -> None:
    table = rehearsed(house)
    Taker(table, "older", TWO_KEYS).one()
    with pytest.raises(RuntimeError), table.drained() as first:
        raise RuntimeError("the table is overloaded")
    with table.drained() as second:
        assert second == first
    with table.drained() as third:
        assert third == []
