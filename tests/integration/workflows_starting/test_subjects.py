"""Rows of the roster, as syncs have left it."""

import tracemalloc
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from local import furnish, ministack
from local.ministack import Ministack
from local.vendors import serve
from local.vendors.seed import seed_activecampaign, seed_aha
from rollcall.aws import Aws
from rollcall.connectors import catalog
from rollcall.directory import read
from rollcall.directory.read import Origin
from rollcall.integrations.model import Integration
from rollcall.mapping.conditions import Conditions
from rollcall.tables import Table
from rollcall.workflows.document import Query, parsed
from rollcall.workflows.matching import matches, standing
from rollcall.workflows.subjects import (
    Row,
    account_row,
    accounts_of,
    person_row,
    rows,
)
from tests.integration.sync.conftest import House
from tests.integration.workflows_starting.conftest import BLOCKS, CountingAws, Json, on

USERS = 110


@dataclass
class Stores:
    """What rows are read from, with a count of what that costs."""

    aws: CountingAws
    config: Table
    directory: Table

    def find(self, of: str, when: Json | None = None, **more: Any) -> list[Row]:
        query = Query.model_validate({"of": of, "when": when, **more})
        self.aws.calls.clear()
        return list(rows(self, query))


@dataclass
class Roster:
    """Two apps that were synced."""

    house: House
    stores: Stores
    campaign: Integration
    aha: Integration

    def accounts(self) -> dict[str, Any]:
        """ActiveCampaign's accounts as they are stored."""
        return self.house.stored(self.campaign, "ACCOUNT#")

    def person(self, person_id: str) -> Any:
        return self.house.directory.get(f"PERSON#{person_id}", "PERSON")


@pytest.fixture(scope="module")
def roster(local_aws: Ministack) -> Iterator[Roster]:
    """Read by all tests, and changed by none."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ministack.CREDENTIALS.items():
            patch.setenv(name, value)
        patch.setenv("AWS_DEFAULT_REGION", ministack.REGION)
        patch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)
        yield from _synced(House(furnish.tables(Aws(), uuid.uuid4().hex[:8]), Aws()))


def _synced(house: House) -> Iterator[Roster]:
    with serve(seed_activecampaign(USERS, 4)) as first, serve(seed_aha(20)) as second:
        campaign, aha = house.integrate(first), house.integrate(second)
        for integration in (campaign, aha):
            assert house.run(integration).status == "succeeded"
        for number in ("5", "6"):
            first.tenant.users.pop(number)
        assert house.run(campaign).counts["removed"] == 2
    aws = CountingAws()
    config = Table(aws.dynamodb, house.settings.config_table)
    directory = Table(aws.dynamodb, house.settings.directory_table)
    yield Roster(house, Stores(aws, config, directory), campaign, aha)


def leaf(field: str, op: str = "equals", value: Any = None) -> Json:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


def test_every_account_that_is_there_is_a_row_with_its_person(roster: Roster) -> None:
    found = roster.stores.find("accounts")
    ids = {(one["integration_id"], one["account"]["external_id"]) for one in found}
    there = {
        (item["integration_id"], item["external_id"])
        for integration in (roster.campaign, roster.aha)
        for item in roster.house.stored(integration, "ACCOUNT#").values()
        if item["status"] != "removed"
    }
    assert ids == there
    assert len(found) == len(there) == USERS - 2 + 20
    for row in found:
        assert row["person"]["id"] == row["account"]["person_id"]
        assert row["person"]["email"] == row["account"]["email"].lower()
        assert row["grant"] is None
        assert row["application"] == row["account"]["application"]


def test_an_account_says_what_the_api_says_of_it(roster: Roster) -> None:
    origin = Origin(roster.aha.id, catalog.find(roster.aha.connector))
    (item,) = list(roster.house.stored(roster.aha, "ACCOUNT#").values())[:1]
    shown = read.account(roster.house.directory, origin, item["external_id"])
    row = account_row(roster.stores, roster.aha.id, item["external_id"])
    assert shown is not None
    assert row is not None
    same = ("external_id", "username", "email", "display_name", "status", "kind", "last_active_at")
    assert {name: row["account"][name] for name in same} == {name: shown[name] for name in same}
    assert row["account"]["attributes"] == shown["attributes"]
    assert row["account"]["fields"].items() <= shown["fields"].items()
    assert row["account"]["fields"]["email"] == shown["email"]
    assert row["account"]["last_active_at"] is not None


@pytest.mark.parametrize(
    ("of", "when"),
    [
        ("accounts", leaf("account.email", "contains", "a")),
        ("accounts", leaf("person.email", "starts_with", "m")),
        ("accounts", {"not": leaf("account.attributes.email", "starts_with", "m")}),
        ("accounts", leaf("integration_id", "is_not_empty")),
        ("grants", leaf("grant.type", value="admin")),
        ("grants", leaf("account.status", value="active")),
        ("grants", {"any": [leaf("person.email", "is_empty"), leaf("grant.type", value="role")]}),
        ("people", leaf("person.email", "contains", "o")),
    ],
)
def test_a_condition_leaves_the_rows_that_hold(roster: Roster, of: str, when: Json) -> None:
    judge = Conditions(when)
    everything = roster.stores.find(of)
    held = [one for one in everything if judge.verdict(one, {}, datetime.now(UTC)).passed]
    assert roster.stores.find(of, when) == held
    assert held


def test_every_grant_that_is_held_is_a_row_with_whose_it_is(roster: Roster) -> None:
    found = roster.stores.find("grants", integrations=[roster.campaign.id])
    held = [
        item
        for item in roster.house.stored(roster.campaign, "GRANT#").values()
        if item["status"] == "held"
    ]
    assert len(found) == len(held) > USERS
    assert all(one["account"]["external_id"] == one["grant"]["account"] for one in found)
    assert all(one["person"]["id"] == one["account"]["person_id"] for one in found)
    versions = {item["external_id"]: item["version"] for item in roster.accounts().values()}
    assert all(
        one["versions"]
        == {
            "grant": 1,
            "account": versions[one["grant"]["account"]],
            "person": roster.person(one["person"]["id"])["version"],
        }
        for one in found
    )


def test_people_are_rows_of_their_own(roster: Roster) -> None:
    found = roster.stores.find("people")
    assert sorted(one["person"]["id"] for one in found) == sorted(
        item["id"] for item in roster.house.people()
    )
    assert found[0] == person_row(roster.stores, found[0]["person"]["id"])
    assert all(one["account"] is None and one["integration_id"] is None for one in found)
    table = roster.house.directory
    gone = found[0]["person"]["id"]
    table.update(f"PERSON#{gone}", "PERSON", {"removed_at": "2026-11-26T00:00:00Z"})
    assert len(roster.stores.find("people")) == len(found) - 1
    assert person_row(roster.stores, gone) == found[0], "who was removed can still be spoken of"
    table.update(f"PERSON#{gone}", "PERSON", {"removed_at": None})
    of_aha = roster.stores.find("people", integrations=[roster.aha.id])
    accounts = roster.stores.find("accounts", integrations=[roster.aha.id])
    theirs = {one["account"]["person_id"] for one in accounts}
    assert {one["person"]["id"] for one in of_aha} == theirs


def test_the_accounts_of_a_person_are_those_they_have_now(roster: Roster) -> None:
    accounts = roster.stores.find("accounts")
    person_id = accounts[0]["account"]["person_id"]
    mine = [one for one in accounts if one["account"]["person_id"] == person_id]
    assert accounts_of(roster.stores, person_id) == mine
    removed = next(
        item
        for item in roster.house.stored(roster.campaign, "ACCOUNT#").values()
        if item["status"] == "removed"
    )
    left = accounts_of(roster.stores, removed["person_id"])
    assert roster.campaign.id not in [one["integration_id"] for one in left]
    row = account_row(roster.stores, roster.campaign.id, removed["external_id"])
    assert row is not None
    assert row["account"]["status"] == "removed"


def test_nobody_there_is_no_row(roster: Roster) -> None:
    assert person_row(roster.stores, "nobody") is None
    assert account_row(roster.stores, roster.aha.id, "nobody") is None
    assert roster.stores.find("accounts", integrations=["nothing"]) == []


def test_rows_are_read_a_hundred_at_a_time_and_no_more_than_is_asked_for(roster: Roster) -> None:
    stores = roster.stores
    stores.find("accounts", integrations=[roster.campaign.id])
    assert stores.aws.calls["GetItem"] == 0
    assert stores.aws.calls["BatchGetItem"] <= 2
    query = Query(of="accounts", integrations=[roster.campaign.id])
    stores.aws.calls.clear()
    found = list(rows(stores, query, frozenset()))
    assert len(found) == USERS - 2
    assert all(one["person"] is None for one in found)
    assert stores.aws.calls == {"Query": 2}, "the integrations, and their accounts"
    none = leaf("grant.type", value="nothing")
    assert stores.find("grants", none) == []
    assert stores.aws.calls["BatchGetItem"] == 0, "whose they are is read of those that hold"


def test_who_is_loaded_as_people_only_has_no_account_and_is_somebody(house: House) -> None:
    with serve(seed_aha(6)) as vendor:
        integration = house.integrate(vendor, load="people")
        assert house.run(integration).status == "succeeded"
    stores = Stores(CountingAws(), house.config, house.directory)
    assert stores.find("accounts") == []
    assert stores.find("grants") == []
    assert len(stores.find("people")) == len(stores.find("people", integrations=[integration.id]))
    assert len(stores.find("people")) == 6


@pytest.mark.slow
def test_a_hundred_times_as_many_rows_take_no_more_memory(house: House) -> None:
    """2,500 accounts of 6 KB each are 15 MB, and never all there at once."""
    with serve(seed_aha(1)) as vendor:
        integration = house.integrate(vendor)
    house.directory.write_many(
        {
            "pk": f"I#{integration.id}",
            "sk": f"ACCOUNT#{number:05}",
            "integration_id": integration.id,
            "external_id": f"{number:05}",
            "status": "active",
            "attributes": '{"note": "' + "x" * 6000 + '"}',
            "version": 1,
        }
        for number in range(2500)
    )
    stores = Stores(CountingAws(), house.config, house.directory)
    found = rows(stores, Query(of="accounts"))
    next(found)
    tracemalloc.start()
    assert sum(1 for _ in found) == 2499
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_who_matches_is_counted_and_some_are_shown(roster: Roster) -> None:
    leavers = on("Account Updated", when=leaf("changes.status.new", value="active"))
    document = parsed({"name": "x", "begin": leavers, "blocks": BLOCKS})
    assert not isinstance(document, list)
    active = [one for one in roster.stores.find("accounts") if one["account"]["status"] == "active"]
    found = matches(roster.stores, document.begin, 3, 60)
    assert (found.count, found.complete, len(found.items)) == (len(active), True, 3)
    assert found.items[0]["account"]["email"] == active[0]["account"]["email"]
    ticks = iter(range(0, 1000, 10))
    cut = matches(roster.stores, document.begin, 3, 5, lambda: next(ticks))
    assert not cut.complete
    assert 0 < cut.count < found.count


@pytest.mark.parametrize(
    ("kinds", "several"),
    [
        (("Sync Failed", "Reconnect Needed", "Action Failed"), False),
        (("Account Removed", "Person Removed", "Grant Revoked"), False),
        (("Account Created", "Application Associated"), True),
        (("Grant Added", "Person Updated", "Account Created"), True),
    ],
)
def test_of_what_is_over_nobody_is_left_to_match_and_nobody_matches_twice(
    roster: Roster, kinds: tuple[str, ...], *, several: bool
) -> None:
    document = parsed({"name": "x", "begin": on(*kinds), "blocks": BLOCKS})
    assert not isinstance(document, list)
    found = [row for batch in standing(roster.stores, document.begin) for row, _ in batch]
    wanted = {"Account Created": "accounts", "Grant Added": "grants", "Person Updated": "people"}
    expected = sum(len(roster.stores.find(wanted[one])) for one in kinds if one in wanted)
    assert len(found) == expected
    assert bool(found) is several


def test_a_look_at_who_matches_reads_no_table_for_what_matches_nobody(roster: Roster) -> None:
    document = parsed({"name": "x", "begin": {"trigger": "call"}, "blocks": BLOCKS})
    assert not isinstance(document, list)
    roster.stores.aws.calls.clear()
    assert matches(roster.stores, document.begin, 3, 60).count == 0
    assert roster.stores.aws.calls == {}
