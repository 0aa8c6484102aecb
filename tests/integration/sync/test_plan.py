"""A plan reads everything, stores nothing, tells every change, and can be applied."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from rollcall.integrations.model import Integration
from rollcall.items import Item
from rollcall.sync.runs import Run
from tests.integration.sync.conftest import MINUTES, House
from tests.integration.sync.test_interruption import short_of_time

USERS = 45


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    """An ActiveCampaign of five pages of users."""
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 10
        yield vendor


def begin(house: House, integration: Integration, run_id: str = "plan") -> Any:
    assert house.runs.queue(integration.id, "manual", run_id, mode="plan") == "queued"
    return house.start(integration, f"execution of {run_id}", run_id=run_id)


def plan(house: House, integration: Integration, run_id: str = "plan") -> Run:
    return house.finish(begin(house, integration, run_id))


def apply(house: House, planned: Run) -> Run:
    assert house.runs.apply(planned, f"apply {planned.id}", "somebody") == "queued"
    run = house.runs.get(f"apply {planned.id}")
    assert run is not None
    integration = house.integrations.get(run.integration_id)
    assert integration is not None
    return house.finish(house.start(integration, f"execution of {run.id}", run_id=run.id))


def changes(house: House, run: Run, kind: str, change: str | None = None) -> dict[str, Item]:
    wanted = {"kind": kind} if change is None else {"kind": kind, "change": change}
    found, _ = house.runs.kept.changes(run.id, 10_000, None, wanted)
    return {item["id"]: item for item in found}


def everything(house: House) -> list[Item]:
    """What the directory holds, of whomever."""
    pages = house.aws.dynamodb.get_paginator("scan").paginate(
        TableName=house.settings.directory_table
    )
    return sorted((item for page in pages for item in page["Items"]), key=str)


def log(house: House, run: Run) -> str:
    lines, _ = house.runs.kept.log(run.id, 100, None)
    return "\n".join(line["message"] for line in lines)


def test_a_plan_of_a_new_integration_tells_everybody_and_stores_nobody(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run = plan(house, integration)
    assert (run.mode, run.status) == ("plan", "succeeded"), run.error
    assert run.counts["pulled"] == run.counts["added"] == USERS
    assert everything(house) == []
    assert house.runs.state(integration.id) == {}
    assert house.runs.running(integration.id) is None
    assert set(changes(house, run, "account", "created")) == set(vendor.tenant.users)
    assert len(changes(house, run, "person", "created")) == USERS


def test_a_plan_tells_who_would_come_change_and_go_and_applying_it_does_so(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    before, state = everything(house), house.runs.state(integration.id)
    vendor.tenant.put_user({"id": "950"})
    vendor.tenant.put_user({"id": "2", "first_name": "Renamed"})
    del vendor.tenant.users["7"]
    planned = plan(house, integration)
    assert planned.status == "succeeded", planned.error
    told = {name: planned.counts[name] for name in ("added", "updated", "removed")}
    assert told == {"added": 1, "updated": 1, "removed": 1}
    assert everything(house) == before
    assert house.runs.state(integration.id) == state
    assert set(changes(house, planned, "account", "created")) == {"950"}
    assert set(changes(house, planned, "account", "updated")) == {"2"}
    assert set(changes(house, planned, "account", "removed")) == {"7"}
    applied = apply(house, planned)
    assert applied.status == "succeeded"
    assert applied.counts == planned.counts
    assert (applied.plan_id, applied.trigger) == (planned.id, "plan")
    again = house.runs.get(planned.id)
    assert again is not None
    assert again.applied_by == applied.id


def test_a_plan_of_what_is_as_it_should_be_tells_nothing(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    run = plan(house, integration)
    assert run.counts["unchanged"] == USERS
    found, _ = house.runs.kept.changes(run.id, 100, None, {})
    assert found == []


def test_a_plan_of_a_mass_removal_tells_it_and_the_guard_holds_what_applies_it(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    for number in range(10, 30):
        del vendor.tenant.users[str(number)]
    planned = plan(house, integration)
    assert planned.status == "succeeded"
    assert len(changes(house, planned, "account", "removed")) == 20
    assert "would be held" in log(house, planned)
    assert house.runs.state(integration.id).get("held_run_id") is None
    assert apply(house, planned).status == "held"


def test_a_plan_makes_no_held_run_void(house: House, vendor: "Vendor[ActiveCampaign]") -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    for number in range(10, 30):
        del vendor.tenant.users[str(number)]
    held = house.run(integration)
    assert held.status == "held"
    plan(house, integration)
    again = house.runs.get(held.id)
    assert again is not None
    assert again.status == "held"
    assert house.runs.state(integration.id)["held_run_id"] == held.id


def test_a_plan_of_several_laps_tells_each_change_once(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run = house.finish(begin(house, integration), remaining=short_of_time())
    assert run.status == "succeeded", run.error
    assert run.counts["added"] == USERS
    assert set(changes(house, run, "account", "created")) == set(vendor.tenant.users)
    assert len(changes(house, run, "person", "created")) == USERS
    assert everything(house) == []


def test_a_plan_whose_key_is_refused_fails_and_leaves_the_integration_as_it_was(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.token_valid = False
    run = plan(house, integration)
    assert run.error is not None
    assert (run.status, run.error["code"]) == ("failed", "vendor-unauthorized")
    now = house.integrations.get(integration.id)
    assert now is not None
    assert now.status == "active"


def test_a_plan_that_succeeds_reconnects_nothing(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.integrations.set_status(integration.id, "needs_reconnect", "test")
    assert plan(house, integration).status == "succeeded"
    now = house.integrations.get(integration.id)
    assert now is not None
    assert now.status == "needs_reconnect"


def test_a_plan_can_be_cancelled(house: House, vendor: "Vendor[ActiveCampaign]") -> None:
    integration = house.integrate(vendor)
    answer = begin(house, integration)
    run = house.runs.get("plan")
    assert run is not None
    assert house.runs.cancel(run, "somebody")
    assert house.sync.pull(answer, lambda: MINUTES)["next"] == "dropped"
    assert house.runs.state(integration.id) == {}
    assert house.run(integration).status == "succeeded"


def test_a_sync_that_has_begun_makes_older_plans_void(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    planned = plan(house, integration)
    answer = house.start(integration, "sync")
    run = house.runs.get(answer["run_id"])
    assert run is not None
    assert house.runs.apply(planned, "too soon", "somebody") == "busy"
    house.runs.cancel(run, "somebody")
    assert house.runs.apply(planned, "too late", "somebody") == "written"
    fresh = plan(house, integration, "fresh")
    assert apply(house, fresh).status == "succeeded"


def test_an_approval_makes_older_plans_void(house: House, vendor: "Vendor[ActiveCampaign]") -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    for number in range(10, 30):
        del vendor.tenant.users[str(number)]
    held = house.run(integration)
    planned = plan(house, integration)
    assert house.runs.reopen(held, "somebody")
    approved = house.finish(house.start(integration, "approval", run_id=held.id))
    assert approved.status == "succeeded"
    assert house.runs.apply(planned, "too late", "somebody") == "written"
