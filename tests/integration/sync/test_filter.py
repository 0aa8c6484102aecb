"""A filter leaves records out before anything is stored, and what leaves it is decided about."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from rollcall.integrations.model import Integration, RemovalGuard
from rollcall.sync.run import Run
from tests.integration.sync.conftest import House
from tests.integration.sync.test_removal import approve, leave, removed, revoked, status

USERS = 40
EVERYBODY = range(1, USERS + 1)


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    """An ActiveCampaign of four pages of users, half of whom are of another firm."""
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 10
        for number in EVERYBODY:
            firm = "other" if number > USERS // 2 else "own"
            vendor.tenant.put_user({"id": str(number), "email": f"user{number}@{firm}.test"})
        yield vendor


def only(domain: str) -> dict[str, Any]:
    return {"all": [{"field": "email", "op": "ends_with", "value": f"@{domain}.test"}]}


def change(house: House, integration: Integration, **changes: Any) -> None:
    changed = house.integrations.change(
        integration.id, "update", lambda current: replace(current, **changes), "tester"
    )
    assert changed is not None


def skips(house: House, run: Run) -> dict[str, dict[str, Any]]:
    found, _ = house.runs.kept.skipped(run.id, 1000, None)
    return {str(one["external_id"]): one for one in found}


def grants(house: House, integration: Integration) -> dict[str, str]:
    stored = house.stored(integration, "GRANT#").values()
    return {item["account"]: item["status"] for item in stored}


def test_who_fails_the_filter_is_skipped_with_a_reason_and_nowhere_stored(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor, filter=only("own"))
    for added in (20, 0):
        run = house.run(integration)
        assert run.status == "succeeded", run.error
        assert (run.counts["pulled"], run.counts["added"]) == (USERS, added)
        assert run.counts["skipped"] == 20
        told = skips(house, run)
        assert set(told) == {str(number) for number in range(21, 41)}
        assert told["30"]["sync_key"] == "user30@other.test"
        assert told["30"]["code"] == "filtered"
        assert "user30@other.test" in told["30"]["message"]
        assert told["30"]["name"]
    own = {str(number) for number in range(1, 21)}
    assert set(status(house, integration)) == own
    assert len(house.people()) == 20
    held = set(grants(house, integration))
    assert held, "members are held"
    assert held <= own, "nothing is held by somebody who is not on the roster"


def test_what_is_skipped_is_paged(house: House, vendor: "Vendor[ActiveCampaign]") -> None:
    run = house.run(house.integrate(vendor, filter=only("own")))
    seen: list[str] = []
    after = None
    while True:
        page, after = house.runs.kept.skipped(run.id, 7, after)
        seen += [str(one["external_id"]) for one in page]
        if after is None:
            break
    assert sorted(seen) == sorted(str(number) for number in range(21, 41))


def test_members_read_by_user_are_asked_only_of_those_who_pass(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    vendor.switches.group_members_refused = True
    integration = house.integrate(vendor, filter=only("own"))
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert set(grants(house, integration)) == {str(number) for number in range(1, 21)}
    asked = [call.path for call in vendor.log if call.path.endswith("/userGroup")]
    assert not any("/users/30/" in path for path in asked)


def test_a_filter_that_would_take_ninety_percent_off_is_held(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    before = grants(house, integration)
    narrow = {"field": "email", "op": "in", "value": [f"user{n}@own.test" for n in (1, 2, 3, 4)]}
    change(house, integration, filter=narrow)
    vendor.log.clear()
    run = house.run(integration)
    assert run.status == "held"
    assert not removed(house, integration)
    assert grants(house, integration) == before
    looks = {call.path for call in vendor.log if "/users/" in call.path}
    assert looks == {"/api/3/users/me"}, "the app has them, and need not be asked"
    candidates, _ = house.runs.kept.candidates(run.id, 1000, None)
    going = {one["external_id"] for one in candidates if one["kind"] == "account"}
    assert going == {str(number) for number in range(5, 41)}
    run = approve(house, run)
    assert run.status == "succeeded", run.error
    assert run.counts["removed"] == 36
    assert removed(house, integration) == going
    assert revoked(house, integration) == going
    again = house.run(integration)
    assert (again.status, again.counts["removed"]) == ("succeeded", 0)


def test_a_filter_that_leaves_nobody_is_held_and_no_empty_listing(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    change(house, integration, filter=only("nowhere"))
    run = house.run(integration)
    assert run.status == "held", run.error
    assert not removed(house, integration)


def test_approving_keeps_who_passes_the_filter_by_then(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    change(house, integration, filter=only("own"))
    run = house.run(integration)
    assert run.status == "held"
    vendor.tenant.put_user({"id": "30", "email": "user30@own.test"})
    run = approve(house, run)
    assert run.status == "succeeded", run.error
    assert removed(house, integration) == {str(number) for number in range(21, 41)} - {"30"}


def test_approving_after_the_filter_was_taken_away_removes_nobody(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    change(house, integration, filter=only("own"))
    run = house.run(integration)
    assert run.status == "held"
    change(house, integration, filter=None)
    run = approve(house, run)
    assert run.status == "succeeded", run.error
    assert not removed(house, integration)


def test_within_the_guard_who_fails_the_filter_goes_and_who_passes_again_is_restored(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    own = "own"
    integration = house.integrate(vendor, filter=only(own), removal_guard=RemovalGuard(0.9, 50))
    house.run(integration)
    vendor.tenant.put_user({"id": "3", "email": "user3@other.test"})
    run = house.run(integration)
    assert (run.status, run.counts["removed"], run.counts["skipped"]) == ("succeeded", 1, 21)
    assert removed(house, integration) == {"3"}
    assert revoked(house, integration) == {"3"}
    vendor.tenant.put_user({"id": "3", "email": "user3@own.test"})
    run = house.run(integration)
    assert run.counts["restored"] == 1
    assert not revoked(house, integration)


@pytest.mark.parametrize(("on_leave", "state"), [("keep", "active"), ("deactivate", "inactive")])
def test_who_leaves_the_app_and_who_leaves_the_filter_may_be_kept(
    house: House, vendor: "Vendor[ActiveCampaign]", on_leave: str, state: str
) -> None:
    integration = house.integrate(vendor, filter=only("own"), on_leave=on_leave)
    house.run(integration)
    before = grants(house, integration)
    vendor.tenant.put_user({"id": "3", "email": "user3@other.test"})
    leave(vendor, 7)
    vendor.log.clear()
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert run.counts["removed"] == 0
    for number in ("3", "7"):
        account = house.stored(integration, f"ACCOUNT#{number}")[f"ACCOUNT#{number}"]
        assert account["status"] == state
        assert account["left_by_run"] == run.id
    assert grants(house, integration) == before, "what they hold stays"
    looked = [call.path for call in vendor.log if call.path.endswith("/users/7")]
    assert len(looked) == (1 if on_leave == "deactivate" else 0)
    stored = house.stored(integration, "")
    for _ in range(2):
        again = house.run(integration)
        assert again.status == "succeeded"
        assert house.stored(integration, "") == stored, "they are no candidates any more"
    vendor.tenant.put_user({"id": "3", "email": "user3@own.test"})
    back = house.run(integration)
    assert back.counts["updated"] == 1
    account = house.stored(integration, "ACCOUNT#3")["ACCOUNT#3"]
    assert account["status"] == "active"
    assert "left_at" not in account


def test_who_was_kept_goes_once_the_choice_is_to_remove(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor, on_leave="keep")
    house.run(integration)
    leave(vendor, 7)
    for _ in range(2):
        assert house.run(integration).counts["removed"] == 0
    changed = house.integrations.change(
        integration.id, "update", lambda current: replace(current, on_leave="remove"), "somebody"
    )
    assert changed is not None
    run = house.run(integration)
    assert (run.status, run.counts["removed"]) == ("succeeded", 1)
    assert removed(house, integration) == revoked(house, integration) == {"7"}
    assert "left_at" not in house.stored(integration, "ACCOUNT#7")["ACCOUNT#7"]
    assert house.run(integration).counts["removed"] == 0


def test_keeping_has_no_guard_and_deactivating_has(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    keeping = house.integrate(vendor, on_leave="keep")
    making = house.integrate(vendor, on_leave="deactivate")
    for integration in (keeping, making):
        house.run(integration)
    leave(vendor, *range(10, 25))
    assert house.run(keeping).status == "succeeded"
    left = house.stored(keeping, "ACCOUNT#").values()
    assert sum("left_at" in item for item in left) == 15
    run = house.run(making)
    assert run.status == "held"
    assert set(status(house, making).values()) == {"active"}
    run = approve(house, run)
    assert run.status == "succeeded", run.error
    assert list(status(house, making).values()).count("inactive") == 15
    assert run.counts["removed"] == 0


def test_a_kept_account_does_not_keep_a_group_that_is_gone(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor, on_leave="keep")
    house.run(integration)
    user = vendor.tenant.users["9"]
    target = next(g for g in vendor.tenant.groups if g not in (user.group, "3"))
    vendor.tenant.put_user({"id": "9", "group": target})
    leave(vendor, 7)
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert revoked(house, integration) == {"9"}, "of those who stay grants are handled as ever"


def test_what_the_preference_leaves_out_holds_nothing(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor, preference="update_only")
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert (run.counts["pulled"], run.counts["skipped"]) == (USERS, USERS)
    assert {one["code"] for one in skips(house, run).values()} == {"person-missing"}
    assert house.people() == []
    assert house.stored(integration, "ACCOUNT#") == {}
    assert house.stored(integration, "GRANT#") == {}
    again = house.run(integration)
    assert again.status == "succeeded", again.error
    change(house, integration, preference="create_and_update")
    run = house.run(integration)
    assert (run.counts["added"], run.counts["skipped"]) == (USERS, 0)
    assert set(grants(house, integration)) >= {str(number) for number in EVERYBODY}


def test_people_only_reads_users_alone_and_back_again(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor, load="people")
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert run.counts["added"] == USERS
    assert len(house.people()) == USERS
    assert house.stored(integration, "GRANT#") == house.stored(integration, "GROUP#") == {}
    assert not any("group" in call.path.lower() for call in vendor.log)
    leave(vendor, 7)
    run = house.run(integration)
    assert run.counts["removed"] == 1
    gone = [person for person in house.people() if "removed_at" in person]
    assert [person["fields"]["email"] for person in gone] == ["user7@own.test"]
    change(house, integration, load="people_and_accounts")
    run = house.run(integration)
    assert (run.status, run.counts["updated"]) == ("succeeded", USERS - 1)
    held = grants(house, integration)
    assert set(held) == {str(number) for number in EVERYBODY} - {"7"}
    change(house, integration, load="people")
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert grants(house, integration) == held, "what is not read is not told to be gone"
    leave(vendor, 9)
    user = vendor.tenant.users["11"]
    vendor.tenant.put_user(
        {"id": "11", "group": next(g for g in vendor.tenant.groups if g not in (user.group, "3"))}
    )
    change(house, integration, load="people_and_accounts")
    run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert revoked(house, integration) == {"9", "11"}, "what was missed meanwhile is found"


def test_an_error_tells_its_field_its_key_and_the_record_without_secrets(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    vendor.tenant.put_user({"id": "3", "last_name": "Lee"})
    vendor.tenant.put_user({"id": "5", "email": "", "last_name": vendor.tenant.token})
    mapping = {
        "fields": [
            {"target": "email", "source": "email", "sync_key": 1},
            {"target": "employee_id", "source": "lastName"},
        ]
    }
    vendor.tenant.put_user({"id": "6", "last_name": "lee"})
    run = house.run(house.integrate(vendor, mapping=mapping))
    assert run.status == "succeeded_with_errors"
    errors, _ = house.runs.kept.errors(run.id, 1000, None)
    told = {(one["external_id"], one["code"]): one for one in errors}
    taken = told["6", "value-taken"]
    assert (taken["field"], taken["sync_key"]) == ("employee_id", "user6@own.test")
    assert taken["record"]["id"] == "6"
    nobody = told["5", "required-missing"]
    assert nobody.get("sync_key") is None
    assert vendor.tenant.token not in str(errors)
    assert run.counts["errors"] == len(errors)
