"""Who leaves is marked, after a look and within the guard; who comes back is restored."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from local.vendors import ActiveCampaign, Change, Fault, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from rollcall.integrations.model import Integration, RemovalGuard
from rollcall.sync.runs import Run
from tests.integration.sync.conftest import House

USERS = 40


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    """An ActiveCampaign of four pages of users."""
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 10
        yield vendor


def leave(vendor: "Vendor[ActiveCampaign]", *numbers: int) -> None:
    for number in numbers:
        del vendor.tenant.users[str(number)]


def status(house: House, integration: Integration) -> dict[str, str]:
    stored = house.stored(integration, "ACCOUNT#").values()
    return {item["external_id"]: item["status"] for item in stored}


def removed(house: House, integration: Integration) -> set[str]:
    return {number for number, state in status(house, integration).items() if state == "removed"}


def revoked(house: House, integration: Integration) -> set[str]:
    grants = house.stored(integration, "GRANT#").values()
    return {grant["account"] for grant in grants if grant["status"] == "revoked"}


def test_who_leaves_is_marked_with_when_and_by_which_run(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    leave(vendor, 7, 21)
    vendor.log.clear()
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert run.counts["removed"] == 2
    assert run.counts["unchanged"] == USERS - 2
    account = house.stored(integration, "ACCOUNT#7")["ACCOUNT#7"]
    assert account["status"] == "removed"
    assert account["removed_by_run"] == run.id
    assert account["removed_at"]
    assert revoked(house, integration) == {"7", "21"}
    looks = [call.path for call in vendor.log if call.path.endswith(("/users/7", "/users/21"))]
    assert len(looks) == 2, "each is looked at once"
    again = house.run(integration)
    assert again.counts["removed"] == 0
    assert again.counts["pulled"] == USERS - 2


def test_who_comes_back_is_restored_and_not_doubled(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    before = house.stored(integration, "ACCOUNT#7")["ACCOUNT#7"]
    gone = vendor.tenant.users["7"]
    leave(vendor, 7)
    house.run(integration)
    vendor.tenant.users["7"] = gone
    run = house.run(integration)
    assert run.counts["restored"] == 1
    assert run.counts["added"] == 0
    after = house.stored(integration, "ACCOUNT#7")["ACCOUNT#7"]
    assert after["status"] == "active"
    assert "removed_at" not in after
    assert after["person_id"] == before["person_id"]
    assert after["first_seen_at"] == before["first_seen_at"]
    assert not revoked(house, integration)


def held_run(house: House, vendor: "Vendor[ActiveCampaign]", integration: Integration) -> Run:
    house.run(integration)
    leave(vendor, *range(10, 25))
    vendor.tenant.put_user({"id": "2", "first_name": "Renamed"})
    vendor.tenant.put_user({"id": "950"})
    return house.run(integration)


def test_a_mass_removal_is_held_with_everything_else_applied(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run = held_run(house, vendor, integration)
    assert run.status == "held"
    assert run.counts["updated"] == 1
    assert run.counts["added"] == 1
    assert run.counts["removed"] == 0
    assert not removed(house, integration)
    assert not revoked(house, integration)
    candidates, _ = house.runs.kept.candidates(run.id, 100, None)
    accounts = {one["external_id"] for one in candidates if one["kind"] == "account"}
    assert accounts == {str(number) for number in range(10, 25)}
    assert house.runs.running(integration.id) is None, "no lock is kept"


def approve(house: House, run: Run) -> Run:
    assert house.runs.reopen(run, "test")
    answer = house.sync.begin(
        {
            "integration_id": run.integration_id,
            "trigger": "approval",
            "run_id": run.id,
            "execution_id": f"approval-{run.id}",
        }
    )
    return house.finish(answer)


def test_approving_removes_only_what_is_still_gone(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run = held_run(house, vendor, integration)
    vendor.tenant.put_user({"id": "12"})
    run = approve(house, run)
    assert run.status == "succeeded", run.error
    assert run.counts["removed"] == 14
    assert removed(house, integration) == {str(n) for n in range(10, 25) if n != 12}
    assert house.run(integration).status == "succeeded"


def test_approving_looks_again_also_where_the_hold_had_read_the_lists_again(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    gone = {number: vendor.tenant.users[str(number)] for number in range(10, 25)}
    leave(vendor, *gone)
    other_words = '{"errors":[{"status":404,"title":"Not Found"}]}'
    pattern = r"GET /api/3/users/(1\d|2[0-4])$"
    vendor.switches.faults = [Fault(kind="status", status=404, body=other_words, match=pattern)]
    run = house.run(integration)
    assert (run.status, run.again) == ("held", ("groups", "members", "users"))
    vendor.switches.faults = []
    for number, user in gone.items():
        vendor.tenant.users[str(number)] = user
    vendor.log.clear()
    run = approve(house, run)
    assert run.status == "succeeded", run.error
    assert run.counts["removed"] == 0
    assert not removed(house, integration)
    assert vendor.log, "the app was asked"


def test_an_approval_that_fails_holds_nothing_any_more(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run = held_run(house, vendor, integration)
    assert house.runs.state(integration.id)["held_run_id"] == run.id
    vendor.switches.token_valid = False
    run = approve(house, run)
    assert run.status == "failed"
    assert "held_run_id" not in house.runs.state(integration.id)
    assert not removed(house, integration)


def test_who_leaves_while_the_list_is_read_is_removed_by_the_same_run(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    vendor.switches.changes = [Change(after=2, remove=["5"])]
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert run.progress == {"pulled": USERS - 1, "total": USERS - 1}
    assert (run.counts["pulled"], run.counts["removed"]) == (USERS - 1, 1)
    assert removed(house, integration) == {"5"}
    assert revoked(house, integration) == {"5"}


def test_rejecting_removes_nobody(house: House, vendor: "Vendor[ActiveCampaign]") -> None:
    integration = house.integrate(vendor)
    run = held_run(house, vendor, integration)
    assert house.runs.reject(run, "test")
    after = house.runs.get(run.id)
    assert after is not None
    assert after.status == "cancelled"
    assert not removed(house, integration)
    assert not house.runs.reject(run, "test")
    assert not house.runs.reopen(run, "test")
    assert house.run(integration).status == "held", "the next run asks again"


def test_a_newer_complete_run_makes_a_hold_void(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run = held_run(house, vendor, integration)
    newer = house.run(integration)
    assert newer.status == "held"
    after = house.runs.get(run.id)
    assert after is not None
    assert after.status == "cancelled"
    assert after.error is not None
    assert after.error["code"] == "superseded"
    assert not house.runs.reopen(run, "test")


def test_few_may_go_however_large_their_share(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    leave(vendor, *range(11, USERS + 1))
    integration = house.integrate(vendor)
    house.run(integration)
    leave(vendor, 6, 7, 8, 9, 10)
    run = house.run(integration)
    assert run.status == "succeeded"
    assert run.counts["removed"] == 5


def test_more_than_500_are_confirmed_by_reading_the_list_again(house: House) -> None:
    with serve(seed_activecampaign(560, 2)) as vendor:
        integration = house.integrate(vendor)
        house.run(integration)
        leave(vendor, *range(30, 555))
        vendor.log.clear()
        run = house.run(integration)
        assert run.status == "held"
        listings = [call for call in vendor.log if call.path.endswith("/users")]
        assert len(vendor.log) < 40, "nobody is fetched one by one"
        assert len(listings) == 2, "one page of users, read twice"
        run = approve(house, run)
        assert run.status == "succeeded", run.error
        assert run.counts["removed"] == 525


def test_a_member_who_changes_group_loses_one_grant_and_gets_another(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    user = vendor.tenant.users["9"]
    target = next(g for g in vendor.tenant.groups if g not in (user.group, "3"))
    vendor.tenant.put_user({"id": "9", "group": target})
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    grants = house.stored(integration, "GRANT#9#")
    held = {g["entitlement_id"] for g in grants.values() if g["status"] == "held"}
    assert held == {target}
    lost = [g for g in grants.values() if g["status"] == "revoked"]
    assert {g["entitlement_id"] for g in lost} >= {user.group}
    assert all(g["revoked_by_run"] == run.id for g in lost)


def test_a_role_that_is_taken_away_in_aha_is_revoked(house: House) -> None:
    with serve(seed_aha(40)) as vendor:
        vendor.switches.page_cap = 10
        integration = house.integrate(vendor)
        house.run(integration)
        number, _ = next((n, u) for n, u in vendor.tenant.users.items() if any(u.administers))
        vendor.tenant.put_user({"id": number, "administers": (False, False, False)})
        run = house.run(integration)
        assert run.status == "succeeded", run.error
        grant = house.stored(integration, f"GRANT#{number}#admin")
        assert [g["status"] for g in grant.values()] == ["revoked"]
        assert run.counts["updated"] == 1


def test_the_admin_right_of_a_group_ends_when_it_is_no_longer_the_admins_group(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    groups = vendor.tenant.groups
    other = next(number for number in groups if number != "3")
    groups[other] = replace(groups[other], title="Admin")
    integration = house.integrate(vendor, removal_guard=RemovalGuard(0.9, 50))
    house.run(integration)

    def admins() -> set[str]:
        grants = house.stored(integration, "GRANT#").values()
        return {
            grant["account"]
            for grant in grants
            if (grant["type"], grant["entitlement_id"], grant["status"]) == ("admin", other, "held")
        }

    assert admins()
    groups[other] = replace(groups[other], title="Renamed")
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert not admins()


def test_a_wrong_path_is_no_proof_that_somebody_is_gone(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    """The look meets a page instead of the app's own words: the list decides."""
    integration = house.integrate(vendor)
    house.run(integration)
    leave(vendor, 7)
    page = Fault(kind="html", status=404, match=r"GET /api/3/users/7\b")
    vendor.switches.faults = [page]
    vendor.log.clear()
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert removed(house, integration) == {"7"}
    listings = [call for call in vendor.log if call.path.endswith("/users")]
    assert len(listings) == 2 * 4, "the list was read once more"
