"""A run that is cancelled stops within a page, removes nothing, and is in nobody's way."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Fault, Vendor, serve
from local.vendors.seed import seed_activecampaign
from rollcall.access.audit import Filter, entries
from rollcall.aws import Aws
from rollcall.integrations.model import Integration, RemovalGuard
from rollcall.sync.runs import Run
from tests.integration.sync.conftest import MINUTES, House

USERS = 200


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    """An ActiveCampaign of 40 pages of users."""
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 5
        yield vendor


def found(house: House, run_id: str) -> Run:
    run = house.runs.get(run_id)
    assert run is not None
    return run


def cancel(house: House, run_id: str) -> bool:
    return house.runs.cancel(found(house, run_id), "somebody")


def removed(house: House, integration: Integration) -> int:
    stored = house.stored(integration, "ACCOUNT#").values()
    return sum(item["status"] == "removed" for item in stored)


def after(pages: int, house: House, run_id: str, saved: list[int]) -> Callable[[], int]:
    """Time enough; but once the run has saved so many pages it is cancelled.

    How many they are by then is added to `saved`.
    """

    def remaining() -> int:
        if len(list(house.runs.kept.pages(run_id))) >= pages and cancel(house, run_id):
            saved.append(len(list(house.runs.kept.pages(run_id))))
        return MINUTES

    return remaining


def test_a_run_in_the_middle_of_many_pages_stops_and_the_next_one_ends_right(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    answer = house.start(integration)
    run_id = answer["run_id"]
    saved: list[int] = []
    assert house.sync.pull(answer, after(5, house, run_id, saved))["next"] == "dropped"
    cancelled = found(house, run_id)
    assert cancelled.status == "cancelled"
    more = len(list(house.runs.kept.pages(run_id))) - saved[0]
    savers = 3
    assert more <= savers, "only what was being saved is saved to its end"
    assert 0 < cancelled.counts["added"] < USERS
    assert cancelled.seconds is not None
    again = house.run(integration)
    assert again.status == "succeeded", again.error
    assert again.counts["pulled"] == USERS
    assert again.counts["added"] + again.counts["unchanged"] == USERS
    assert again.counts["unchanged"] >= cancelled.counts["added"] > 0
    assert len(house.people()) == USERS


def test_the_next_run_need_not_wait_for_the_cancelled_one_to_notice(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    old = house.start(integration, "one")
    assert cancel(house, old["run_id"])
    new = house.finish(house.start(integration, "two"))
    assert new.status == "succeeded"
    vendor.log.clear()
    assert house.sync.pull(old, lambda: MINUTES)["next"] == "dropped"
    assert vendor.log == [], "it does not even call the app"
    state = house.runs.state(integration.id)
    assert (state["last_run_id"], state["last_status"]) == (new.id, "succeeded")


def test_a_run_that_waits_for_a_throttled_app_is_cancelled_at_once(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    vendor.switches.faults = [Fault(kind="status", status=429, retry_after=55, after=3)]
    integration = house.integrate(vendor)
    waiting = house.sync.pull(house.start(integration, "one"), lambda: MINUTES)
    assert waiting["wait_seconds"] == 55
    assert cancel(house, waiting["run_id"])
    vendor.switches.faults = []
    assert house.finish(house.start(integration, "two")).status == "succeeded"
    assert house.sync.pull(waiting, lambda: MINUTES)["next"] == "dropped"


def test_a_run_that_is_cancelled_before_it_begins_never_does(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    assert house.runs.queue(integration.id, "manual", "queued") == "queued"
    assert cancel(house, "queued")
    assert house.start(integration, run_id="queued")["next"] == "dropped"
    assert found(house, "queued").seconds is None
    assert house.runs.running(integration.id) is None


@pytest.mark.parametrize("step", ["reconcile", "finish", "fail"])
def test_whatever_step_comes_next_leaves_it_cancelled_and_the_execution_ends_well(
    house: House, vendor: "Vendor[ActiveCampaign]", step: str
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    for number in range(10, 13):
        del vendor.tenant.users[str(number)]
    answer = house.sync.pull(house.start(integration, "two"), lambda: MINUTES)
    assert answer["next"] == "reconcile"
    assert cancel(house, answer["run_id"])
    event = {**answer, "error": {"code": "execution-error", "detail": "it broke"}}
    match step:
        case "reconcile":
            assert house.sync.reconcile(event, lambda: MINUTES)["next"] == "dropped"
        case "finish":
            house.sync.finish(event)
        case "fail":
            assert house.sync.fail(event)["next"] == "dropped"
    run = found(house, answer["run_id"])
    assert (run.status, run.error) == ("cancelled", None)
    assert removed(house, integration) == 0
    assert house.run(integration).counts["removed"] == 3


def test_a_run_is_cancelled_once(house: House, vendor: "Vendor[ActiveCampaign]") -> None:
    integration = house.integrate(vendor)
    run = house.run(integration)
    assert not house.runs.cancel(run, "somebody")
    answer = house.start(integration, "two")
    assert cancel(house, answer["run_id"])
    assert not cancel(house, answer["run_id"])
    audited, _ = entries(house.config, Filter(object_type="run"), 10, None)
    assert [(one["verb"], one["actor"]) for one in audited] == [("cancel", "somebody")]


def test_an_approval_that_is_cancelled_removes_nobody_and_the_next_run_asks_again(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    for number in range(10, 80):
        del vendor.tenant.users[str(number)]
    held = house.run(integration)
    assert held.status == "held"
    assert house.runs.reopen(held, "somebody")
    answer = house.start(integration, "approval", run_id=held.id)
    assert cancel(house, held.id)
    assert house.sync.reconcile(answer, lambda: MINUTES)["next"] == "dropped"
    assert removed(house, integration) == 0
    assert house.runs.state(integration.id).get("held_run_id") is None
    assert house.run(integration).status == "held"


class Watching(Aws):
    """Calls `meanwhile` when so many items of the directory were updated."""

    def __init__(self, updates: int, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._left = updates
        self._meanwhile = meanwhile

    def _client(self, service: str) -> Any:
        client = super()._client(service)
        client.meta.events.register("before-call.dynamodb.UpdateItem", self._count)
        return client

    def _count(self, params: Any, **_: Any) -> None:
        if "DirectoryTable" in str(params["body"]):
            self._left -= 1
            if self._left == 0:
                self._meanwhile()


def test_a_run_that_is_cancelled_while_it_removes_goes_no_further(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor, removal_guard=RemovalGuard(1, 10_000))
    house.run(integration)
    leaving = [str(number) for number in range(10, 190)]
    for number in leaving:
        del vendor.tenant.users[number]
    answer = house.sync.pull(house.start(integration, "two"), lambda: MINUTES)
    watching = Watching(30, lambda: cancel(house, answer["run_id"]))
    assert House(house.settings, watching).sync.reconcile(answer, lambda: MINUTES) == {
        **answer, "next": "dropped"
    }  # fmt: skip
    assert found(house, answer["run_id"]).status == "cancelled"
    assert 30 <= removed(house, integration) <= 100
    again = house.run(integration)
    assert again.status == "succeeded"
    assert removed(house, integration) == len(leaving)


def test_a_cancelled_run_leaves_the_last_outcome_and_no_baseline(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.users_refused = True
    house.run(integration)
    vendor.switches.users_refused = False
    answer = house.start(integration, "two")
    cancel(house, answer["run_id"])
    state = house.runs.state(integration.id)
    assert (state["last_status"], state["error"]["code"]) == ("failed", "vendor-forbidden")
    assert state["failures"] == 1
    assert state.get("baseline") is None
