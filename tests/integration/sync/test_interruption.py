"""A run that is killed anywhere goes on from there, and loses and doubles nothing."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from local.vendors import serve
from local.vendors.seed import seed_activecampaign, seed_aha
from rollcall.aws import Aws
from rollcall.sync.sweep import GRACE, sweep
from tests.integration.sync.conftest import MINUTES, House
from tests.integration.sync.taker import TWO_KEYS, people

USERS = 45


class Killed(BaseException):
    """The function is gone: nothing catches this."""


class DyingAws(Aws):
    """DynamoDB takes `lives` more writes, and then the function is dead."""

    def __init__(self, lives: int) -> None:
        super().__init__()
        self._lives = lives
        self._counting = threading.Lock()

    def _client(self, service: str) -> Any:
        client = super()._client(service)
        client.meta.events.register("before-call.dynamodb", self._count)
        return client

    def _count(self, model: Any, **_: Any) -> None:
        if model.name in ("PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"):
            with self._counting:
                self._lives -= 1
                if self._lives < 0:
                    raise Killed


@pytest.mark.parametrize("lives", [0, 1, 2, 3, 5, 8, 11, 14, 17, 20, 22, 24])
def test_a_function_killed_at_any_write_goes_on(house: House, lives: int) -> None:
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 10
        integration = house.integrate(vendor)
        run_id = house.start(integration)["run_id"]
        answer = {"run_id": run_id, "next": "pull", "wait_seconds": 0}
        dying = House(house.settings, DyingAws(lives))
        with pytest.raises(Killed):
            dying.finish(dict(answer))
        run = house.finish(answer)
        assert run.status == "succeeded", run.error
        assert run.counts["added"] == run.counts["pulled"] == USERS
        assert len(house.stored(integration, "ACCOUNT#")) == USERS
        assert len(house.people()) == USERS
        assert house.run(integration).counts["unchanged"] == USERS


@pytest.mark.parametrize("lives", [1, 2, 4, 6, 9, 13, 16])
def test_two_integrations_by_two_keys_one_of_them_killed_make_each_person_once(
    house: House, lives: int
) -> None:
    with (
        serve(seed_activecampaign(USERS, 4)) as vendor,
        serve(seed_activecampaign(USERS, 4)) as two,
    ):
        for one in (vendor, two):
            one.switches.page_cap = 10
        killed = house.integrate(vendor, mapping=TWO_KEYS)
        other = house.integrate(two, mapping=TWO_KEYS)
        answer = {"run_id": house.start(killed)["run_id"], "next": "pull", "wait_seconds": 0}
        dying = House(house.settings, DyingAws(lives))
        with pytest.raises(Killed):
            dying.finish(dict(answer))
        people(house.directory)
        assert house.run(other).status == "succeeded"
        run = house.finish(answer)
        assert run.status == "succeeded", run.error
        assert run.counts["added"] == run.counts["pulled"] == USERS
        assert len(people(house.directory)) == USERS
        for integration in (killed, other):
            assert house.run(integration).counts["unchanged"] == USERS


@pytest.mark.parametrize("lives", [1, 3, 6, 9, 12])
def test_a_function_killed_while_it_removes_goes_on(house: House, lives: int) -> None:
    with serve(seed_aha(40)) as vendor:
        integration = house.integrate(vendor)
        house.run(integration)
        for number in list(vendor.tenant.users)[10:14]:
            del vendor.tenant.users[number]
        answer = house.start(integration, "execution-2")
        run_id = answer["run_id"]
        answer = house.sync.pull(answer, lambda: MINUTES)
        dying = House(house.settings, DyingAws(lives))
        with pytest.raises(Killed):
            dying.finish(dict(answer))
        run = house.finish({"run_id": run_id, "next": "reconcile", "wait_seconds": 0})
        assert run.status == "succeeded", run.error
        assert run.counts["removed"] == 4


def test_a_pull_that_runs_short_of_time_goes_on_in_the_next_lap(house: House) -> None:
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 10
        integration = house.integrate(vendor)
        run = house.finish(house.start(integration), remaining=short_of_time())
        assert run.status == "succeeded", run.error
        assert run.counts["added"] == USERS
        calls = [f"{call.path}?{call.query}" for call in vendor.log]
        assert len(calls) == len(set(calls)), "no page is fetched twice"
        assert house.laps > 4


def test_a_change_counts_from_the_next_run_on(house: House) -> None:
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 5
        integration = house.integrate(vendor, on_leave="keep")
        house.run(integration)
        del vendor.tenant.users[list(vendor.tenant.users)[-1]]
        answer = house.start(integration, "under-way")
        answer = house.sync.pull(answer, short_of_time())
        assert answer["next"] == "pull", "it goes on in another lap"
        nobody = {"field": "email", "op": "ends_with", "value": "@nobody.example"}
        change: dict[str, Any] = {
            "filter": nobody,
            "on_leave": "remove",
            "base_url": "https://elsewhere.example",
        }
        house.integrations.change(
            integration.id, "update", lambda current: replace(current, **change), "somebody"
        )
        run = house.finish(answer)
        assert run.status == "succeeded", run.error
        assert (run.counts["skipped"], run.counts["removed"]) == (0, 0)
        back: dict[str, Any] = {"base_url": vendor.url}
        house.integrations.change(
            integration.id, "update", lambda current: replace(current, **back), "somebody"
        )
        following = house.run(integration)
        assert following.status == "held"
        assert following.counts["skipped"] == USERS - 1


def short_of_time() -> Callable[[], int]:
    """Enough for a few questions, then none for one, and so on."""
    asked = 0

    def remaining() -> int:
        nonlocal asked
        asked += 1
        return 0 if asked % 4 == 0 else MINUTES

    return remaining


def test_one_run_at_a_time(house: House) -> None:
    with serve(seed_aha(5)) as vendor:
        integration = house.integrate(vendor)
        first = house.start(integration, "one")
        assert house.start(integration, "two")["next"] == "dropped"
        assert house.start(integration, "one") == first, "the same execution goes on"
        assert house.finish(first).status == "succeeded"
        assert house.start(integration, "three")["next"] == "pull"


def test_a_scheduled_time_runs_once(house: House) -> None:
    with serve(seed_aha(5)) as vendor:
        integration = house.integrate(vendor)
        event = {"trigger": "schedule", "scheduled_time": "2026-11-22T00:00:00Z"}
        assert house.finish(house.start(integration, "one", **event)).status == "succeeded"
        assert house.start(integration, "two", **event)["next"] == "dropped"
        event["scheduled_time"] = "2026-11-23T00:00:00Z"
        assert house.start(integration, "three", **event)["next"] == "pull"


def test_a_run_that_was_closed_stops_within_a_page(house: House) -> None:
    with serve(seed_activecampaign(USERS, 4)) as vendor:
        vendor.switches.page_cap = 10
        integration = house.integrate(vendor)
        answer = house.start(integration)
        run = house.runs.get(answer["run_id"])
        assert run is not None
        assert house.runs.abandon(run, "execution-gone", "closed by the sweeper")
        vendor.log.clear()
        assert house.sync.pull(answer, lambda: MINUTES)["next"] == "dropped"
        assert len(vendor.log) <= 1
        assert house.start(integration, "two")["next"] == "pull"


class _States:
    """Step Functions, in which every execution has this status."""

    class exceptions:  # noqa: N801 - boto3's name
        class ExecutionDoesNotExist(Exception):  # noqa: N818
            pass

    def __init__(self, status: str | None) -> None:
        self._status = status

    def describe_execution(self, **_: str) -> dict[str, str]:
        if self._status is None:
            raise self.exceptions.ExecutionDoesNotExist
        return {"status": self._status}


@pytest.mark.parametrize(
    ("status", "closed"), [("RUNNING", False), ("TIMED_OUT", True), ("ABORTED", True), (None, True)]
)
def test_the_sweeper_closes_what_has_no_execution(
    house: House, status: str | None, closed: bool
) -> None:
    with serve(seed_aha(5)) as vendor:
        integration = house.integrate(vendor)
        run_id = house.start(integration)["run_id"]
        swept = sweep(house.runs, _States(status), datetime.now(UTC))
        assert swept == ([run_id] if closed else [])
        run = house.runs.get(run_id)
        assert run is not None
        assert run.status == ("failed" if closed else "running")
        assert (house.runs.running(integration.id) is None) == closed


def test_the_sweeper_closes_what_was_queued_and_never_begun(house: House) -> None:
    with serve(seed_aha(5)) as vendor:
        integration = house.integrate(vendor)
        house.runs.queue(integration.id, "manual", "never")
        moment = datetime.now(UTC)
        assert sweep(house.runs, _States("RUNNING"), moment) == []
        assert sweep(house.runs, _States("RUNNING"), moment + GRACE * 2) == ["never"]
