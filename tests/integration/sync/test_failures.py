"""What happens when an app lies, stalls or forgets: nobody is lost, nobody is removed."""

from collections.abc import Iterator

import pytest

from local.vendors import ActiveCampaign, Aha, Change, Fault, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from rollcall.integrations.model import Integration
from tests.integration.sync.conftest import House

USERS = 45


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    """An ActiveCampaign of five pages of users."""
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 10
        yield vendor


def active(house: House, integration: Integration) -> set[str]:
    stored = house.stored(integration, "ACCOUNT#").values()
    return {item["external_id"] for item in stored if item["status"] != "removed"}


def held_grants(house: House, integration: Integration) -> int:
    return sum(i["status"] == "held" for i in house.stored(integration, "GRANT#").values())


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=500, after=3, times=1),
        Fault(kind="status", status=503, after=3, times=1),
        Fault(kind="drop", after=3, times=1),
        Fault(kind="html", after=3, times=1),
        Fault(kind="not_json", after=3, times=1),
        Fault(kind="wrong_shape", after=3, times=1),
        Fault(kind="truncate", after=3, times=1),
        Fault(kind="truncated_json", after=3, times=1),
        Fault(kind="status", status=429, retry_after=7, after=3, times=1),
        Fault(kind="status", status=403, body="", after=3, times=1),
        Fault(kind="drop", times=1),
        Fault(kind="status", status=502, match="userGroups", times=2),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.match}",
)
def test_a_passing_fault_costs_a_pause_and_nobody(
    house: House, vendor: "Vendor[ActiveCampaign]", fault: Fault
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.faults = [fault]
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert run.counts["added"] == run.counts["pulled"] == USERS
    assert active(house, integration) == set(vendor.tenant.users)
    assert held_grants(house, integration) >= USERS


def test_the_pause_is_the_one_the_app_asks_for(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.faults = [Fault(kind="status", status=429, retry_after=7, after=3, times=1)]
    assert house.run(integration).status == "succeeded"
    assert house.waits == [7]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(kind="status", status=500, after=4), "vendor-broken"),
        (Fault(kind="truncated_json", after=4), "vendor-broken"),
        (Fault(kind="drop", after=4), "vendor-broken"),
        (Fault(kind="status", status=429, after=4), "vendor-throttled"),
        (Fault(kind="redirect", after=4), "vendor-broken"),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_a_lasting_fault_fails_the_run_and_removes_nobody(
    house: House, vendor: "Vendor[ActiveCampaign]", fault: Fault, code: str
) -> None:
    integration = house.integrate(vendor)
    assert house.run(integration).status == "succeeded"
    before, grants = active(house, integration), held_grants(house, integration)
    vendor.switches.faults = [fault]
    run = house.run(integration)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == code
    assert active(house, integration) == before
    assert held_grants(house, integration) == grants
    assert house.runs.running(integration.id) is None
    vendor.switches.faults = []
    again = house.run(integration)
    assert again.status == "succeeded"
    assert again.counts["unchanged"] == USERS


def test_a_revoked_key_asks_for_a_new_one_and_stops_the_schedule(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    vendor.switches.token_valid = False
    run = house.run(integration)
    assert run.error is not None
    assert run.error["code"] == "vendor-unauthorized"
    assert active(house, integration) == set(vendor.tenant.users)
    now = house.integrations.get(integration.id)
    assert now is not None
    assert now.status == "needs_reconnect"
    scheduled = house.start(integration, "by-schedule", trigger="schedule", scheduled_time="t1")
    assert scheduled["next"] == "dropped"
    vendor.switches.token_valid = True
    assert house.run(integration).status == "succeeded"
    again = house.integrations.get(integration.id)
    assert again is not None
    assert again.status == "active"
    resumed = house.start(integration, "by-schedule-2", trigger="schedule", scheduled_time="t2")
    assert resumed["next"] == "pull"


def test_a_key_that_works_again_is_reconnected_though_the_run_fails_for_another_reason(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.token_valid = False
    house.run(integration)
    vendor.switches.token_valid = True
    vendor.switches.faults = [Fault(kind="status", status=500, after=3)]
    run = house.run(integration)
    assert run.error is not None
    assert run.error["code"] == "vendor-broken"
    now = house.integrations.get(integration.id)
    assert now is not None
    assert now.status == "active"


def test_a_key_that_may_not_list_users_is_no_refused_key(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.users_refused = True
    run = house.run(integration)
    assert run.error is not None
    assert run.error["code"] == "vendor-forbidden"
    now = house.integrations.get(integration.id)
    assert now is not None
    assert now.status == "active"


@pytest.mark.parametrize(
    "switches",
    [{"rows_stop_at": 38}, {"announce_total": "wrong"}, {"announce_total": "moving"}],
    ids=str,
)
def test_a_count_that_differs_twice_is_a_failure_that_keeps_everybody(
    house: House, vendor: "Vendor[ActiveCampaign]", switches: dict[str, object]
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    vendor.switches.change(switches)
    vendor.tenant.put_user({"id": "5", "first_name": "Renamed"})
    run = house.run(integration)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == "count-mismatch"
    assert run.counts["updated"] == 1, "what was listed is taken all the same"
    assert active(house, integration) == set(vendor.tenant.users)
    assert held_grants(house, integration) >= USERS


def test_a_list_without_a_total_ends_at_a_short_page(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    vendor.switches.page_cap = None
    vendor.switches.announce_total = "missing"
    vendor.switches.group_members_total = False
    for number in range(1000, 1180):
        vendor.tenant.put_user({"id": str(number)})
    run = house.run(house.integrate(vendor))
    assert run.status == "succeeded"
    assert run.counts["added"] == USERS + 180


def test_an_empty_listing_removes_nobody_and_cannot_be_approved(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    vendor.switches.empty_listing = True
    run = house.run(integration)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == "empty-listing"
    assert active(house, integration) == set(vendor.tenant.users)
    assert not house.runs.reopen(run, "test")


def test_an_app_without_anybody_is_no_failure(house: House) -> None:
    with serve(seed_aha(3)) as vendor:
        vendor.switches.empty_listing = True
        run = house.run(house.integrate(vendor))
    assert run.status == "succeeded"
    assert run.counts["pulled"] == 0


def test_members_are_read_by_user_where_the_app_refuses_them_by_group(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    by_group = house.integrate(vendor)
    house.run(by_group)
    vendor.switches.group_members_refused = True
    by_user = house.integrate(vendor)
    run = house.run(by_user)
    assert run.status == "succeeded", run.error
    assert set(house.stored(by_user, "GRANT#")) == set(house.stored(by_group, "GRANT#"))
    assert house.run(by_user).counts["unchanged"] == USERS


def test_a_user_without_a_group_is_told_by_null_too(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    vendor.switches.group_members_refused = True
    nothing = Fault(kind="status", status=200, body='{"userGroup":null}', match="users/9/userGroup")
    vendor.switches.faults = [nothing]
    integration = house.integrate(vendor)
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert not house.stored(integration, "GRANT#9#")


def test_a_user_who_slips_between_two_pages_is_not_removed(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    """One leaves and one joins while the pages turn: the total is right and somebody is missed."""
    integration = house.integrate(vendor)
    house.run(integration)
    vendor.switches.changes = [Change(after=1, remove=["5"], add=[{"id": "900"}])]
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    listed = {k.removeprefix("ACCOUNT#") for k in house.stored(integration, "ACCOUNT#")}
    assert active(house, integration) >= set(vendor.tenant.users)
    assert listed >= set(vendor.tenant.users)
    run = house.run(integration)
    assert active(house, integration) == set(vendor.tenant.users)
    assert run.counts["removed"] <= 1


@pytest.mark.parametrize(
    "switches",
    [
        {"user_fields": "documented"},
        {"user_fields": "lang"},
        {"ids_as_ints": True},
        {"not_found_status": 403},
        {"group_members_total": False},
        {"group_members_total": False, "group_members_paging": False},
    ],
    ids=str,
)
def test_activecampaigns_contradictions_are_all_the_same_roster(
    house: House, vendor: "Vendor[ActiveCampaign]", switches: dict[str, object]
) -> None:
    plain = house.integrate(vendor)
    house.run(plain)
    vendor.switches.change(switches)
    other = house.integrate(vendor)
    run = house.run(other)
    assert run.status == "succeeded", run.error
    for prefix in ("ACCOUNT#", "GROUP#", "GRANT#"):
        assert set(house.stored(other, prefix)) == set(house.stored(plain, prefix))


@pytest.mark.parametrize(
    "switches",
    [
        {"user_shape": "2025"},
        {"paid_seat_group": "int"},
        {"paid_seat_group": "absent"},
        {"product_names_hidden": True},
        {"ids_as_ints": True},
    ],
    ids=str,
)
def test_ahas_contradictions_are_all_the_same_roster(
    house: House, switches: dict[str, object]
) -> None:
    with serve(seed_aha(40)) as vendor:
        vendor.switches.page_cap = 10
        plain = house.integrate(vendor)
        house.run(plain)
        vendor.switches.change(switches)
        other = house.integrate(vendor)
        run = house.run(other)
        assert run.status == "succeeded", run.error
        for prefix in ("ACCOUNT#", "GRANT#"):
            assert set(house.stored(other, prefix)) == set(house.stored(plain, prefix))
        _every_grant_is_told(house, other, vendor.tenant)


def _every_grant_is_told(house: House, integration: Integration, tenant: Aha) -> None:
    grants = house.stored(integration, "GRANT#").values()
    admins = {grant["account"] for grant in grants if grant["type"] == "admin"}
    assert admins == {number for number, user in tenant.users.items() if any(user.administers)}
    roles = [grant for grant in grants if grant["type"] == "role"]
    assert all(grant["scope"] for grant in roles)
    assert not any(grant["entitlement_id"] == "0" for grant in roles)
