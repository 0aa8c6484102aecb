"""What is known of each list of an app, and where a run failed."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Fault, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from rollcall.integrations.model import Integration
from rollcall.sync.health import health
from tests.integration.sync.conftest import House

USERS = 45


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    """An ActiveCampaign of five pages of users."""
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 10
        yield vendor


def broken(match: str) -> Fault:
    return Fault(kind="status", status=500, match=match)


def told(house: House, integration: Integration) -> Any:
    return health(house.runs.state(integration.id))


def test_nothing_is_known_before_the_first_run() -> None:
    assert health({}) == {"users": None, "groups": None, "grants": None}


def test_a_whole_run_tells_when_each_list_was_good_and_how_long(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run = house.run(integration)
    known = told(house, integration)
    assert known["users"]["count"] == USERS
    assert known["groups"]["count"] == len(vendor.tenant.groups)
    grants = house.stored(integration, "GRANT#").values()
    assert known["grants"]["count"] == sum(item["status"] == "held" for item in grants)
    assert run.started_at is not None
    for name in ("users", "groups", "grants"):
        assert known[name]["last_good_at"] > run.started_at


def test_an_app_without_groups_has_none_to_be_healthy(house: House) -> None:
    with serve(seed_aha(7)) as vendor:
        integration = house.integrate(vendor)
        house.run(integration)
    known = told(house, integration)
    assert known["users"]["count"] == 7
    assert known["groups"] is None
    assert known["grants"]["count"] > 0


def test_a_run_that_fails_at_the_members_has_still_read_users_and_groups(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    before = told(house, integration)
    vendor.tenant.put_user({"id": "950"})
    vendor.switches.faults = [broken("userGroups")]
    run = house.run(integration)
    assert run.status == "failed"
    after = told(house, integration)
    assert after["users"]["count"] == USERS + 1
    assert after["users"]["last_good_at"] > before["users"]["last_good_at"]
    assert after["groups"]["last_good_at"] > before["groups"]["last_good_at"]
    assert after["grants"] == before["grants"]


def test_a_run_that_fails_at_the_users_leaves_what_was_known(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    before = told(house, integration)
    vendor.switches.faults = [broken(r"/users\?.*offset=20")]
    assert house.run(integration).status == "failed"
    after = told(house, integration)
    assert after["users"] == before["users"]
    assert after["grants"] == before["grants"]


def test_a_list_whose_count_differs_twice_was_not_read_whole(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.rows_stop_at = 38
    assert house.run(integration).status == "failed"
    known = told(house, integration)
    assert known["users"] is None
    assert known["groups"]["count"] == len(vendor.tenant.groups)


@pytest.mark.parametrize(
    ("match", "place"),
    [
        (r"/users\?.*offset=20", {"list": "users", "page": 3}),
        ("/groups", {"list": "groups", "page": 1}),
        ("/users/me", {"list": "test", "page": 1}),
        ("userGroups", {"list": "members", "page": 1}),
    ],
)
def test_a_run_that_fails_says_at_which_page_of_what(
    house: House, vendor: "Vendor[ActiveCampaign]", match: str, place: dict[str, Any]
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.faults = [broken(match)]
    run = house.run(integration)
    assert run.error is not None
    assert run.error["code"] == "vendor-broken"
    assert {name: run.error.get(name) for name in place} == place
    assert run.error["detail"].startswith(place["list"])
    assert f"page {place['page']}: " in run.error["detail"]
    assert house.runs.state(integration.id)["error"] == run.error


def test_what_is_no_page_has_none(house: House, vendor: "Vendor[ActiveCampaign]") -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    vendor.switches.empty_listing = True
    run = house.run(integration)
    assert run.error is not None
    assert set(run.error) == {"code", "detail"}
