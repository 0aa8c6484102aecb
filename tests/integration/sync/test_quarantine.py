"""An app that is broken night after night is asked less often, and recovers by itself."""

from collections.abc import Iterator

import pytest

from local.vendors import Aha, Vendor, serve
from local.vendors.seed import seed_aha
from rollcall.access.audit import Filter, entries
from rollcall.integrations.model import Integration
from tests.integration.sync.conftest import House


@pytest.fixture
def vendor() -> Iterator["Vendor[Aha]"]:
    """An Aha! whose users nobody may see."""
    with serve(seed_aha(5)) as vendor:
        vendor.switches.users_refused = True
        yield vendor


def fail(house: House, integration: Integration, times: int) -> None:
    for _ in range(times):
        assert house.run(integration).status == "failed"


def by_schedule(house: House, integration: Integration, time: str) -> str:
    event = {"trigger": "schedule", "scheduled_time": time}
    return str(house.start(integration, f"at {time}", **event)["next"])


def test_the_schedule_rests_after_three_failures_and_says_why(
    house: House, vendor: "Vendor[Aha]"
) -> None:
    integration = house.integrate(vendor)
    fail(house, integration, 2)
    assert "quarantine" not in house.runs.state(integration.id)
    fail(house, integration, 1)
    quarantine = house.runs.state(integration.id)["quarantine"]
    assert quarantine["failures"] == 3
    assert quarantine["reason"].startswith("vendor-forbidden: ")
    assert quarantine["until"] > quarantine["since"]
    assert by_schedule(house, integration, "t1") == "dropped"
    assert house.runs.running(integration.id) is None


def test_a_scheduled_run_is_tried_when_the_time_has_come_and_ends_it_if_it_works(
    house: House, vendor: "Vendor[Aha]"
) -> None:
    integration = house.integrate(vendor)
    fail(house, integration, 3)
    past = {**house.runs.state(integration.id)["quarantine"], "until": "2026-01-01T00:00:00.000Z"}
    house.config.update("STATE", integration.id, {"quarantine": past})
    vendor.switches.users_refused = False
    event = {"trigger": "schedule", "scheduled_time": "t1"}
    run = house.finish(house.start(integration, "by schedule", **event))
    assert run.status == "succeeded"
    state = house.runs.state(integration.id)
    assert not {"quarantine", "failures"} & set(state)
    assert by_schedule(house, integration, "t2") == "pull"


def test_a_run_by_hand_is_taken_at_any_time_and_ends_it_if_it_works(
    house: House, vendor: "Vendor[Aha]"
) -> None:
    integration = house.integrate(vendor)
    fail(house, integration, 4)
    assert house.runs.state(integration.id)["quarantine"]["failures"] == 4
    vendor.switches.users_refused = False
    assert house.run(integration).status == "succeeded"
    assert by_schedule(house, integration, "t1") == "pull"


def test_a_run_that_the_schedule_began_goes_on_although_it_rests_now(
    house: House, vendor: "Vendor[Aha]"
) -> None:
    integration = house.integrate(vendor)
    fail(house, integration, 2)
    event = {"trigger": "schedule", "scheduled_time": "t1"}
    answer = house.start(integration, "killed", **event)
    house.config.update(
        "STATE",
        integration.id,
        {"quarantine": {"until": "2999-01-01T00:00:00.000Z", "reason": "", "since": ""}},
    )
    assert house.start(integration, "killed", **event) == answer


def test_a_refused_key_is_no_broken_app(house: House, vendor: "Vendor[Aha]") -> None:
    vendor.switches.token_valid = False
    integration = house.integrate(vendor)
    fail(house, integration, 4)
    assert not {"quarantine", "failures"} & set(house.runs.state(integration.id))


def test_a_plan_that_fails_counts_for_nothing(house: House, vendor: "Vendor[Aha]") -> None:
    integration = house.integrate(vendor)
    for number in range(4):
        house.runs.queue(integration.id, "manual", f"plan-{number}", mode="plan")
        answer = house.start(integration, f"execution-{number}", run_id=f"plan-{number}")
        run = house.finish(answer)
        assert (run.mode, run.status) == ("plan", "failed")
    assert house.runs.state(integration.id) == {}
    assert by_schedule(house, integration, "t1") == "pull"


def test_what_a_run_changes_is_in_the_audit_log_under_the_integrations_name(
    house: House, vendor: "Vendor[Aha]"
) -> None:
    integration = house.integrate(vendor, name="Roadmaps")
    vendor.switches.token_valid = False
    fail(house, integration, 1)
    vendor.switches.token_valid = True
    vendor.switches.users_refused = False
    house.run(integration)
    audited, _ = entries(house.config, Filter(object_id=integration.id), 10, None)
    assert [(one["verb"], one["actor"]) for one in audited][:2] == [
        ("active", "integration:Roadmaps"),
        ("needs_reconnect", "integration:Roadmaps"),
    ]
