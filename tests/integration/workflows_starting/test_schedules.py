"""A schedule begins once for a row as long as it is among the rows; and what an activation does."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local import furnish
from rollcall.aws import Aws
from rollcall.workflows.store import Workflow
from tests.integration.workflows_starting.conftest import (
    CountingAws,
    Hall,
    Invoked,
    Json,
    Killed,
    on,
)

MONDAY, TUESDAY, WEDNESDAY = (f"2026-11-{day}T06:00:00Z" for day in (23, 24, 25))
GONE: Json = {"field": "person.status", "op": "equals", "value": "inactive"}


def at_times(query: Json | None = None, **more: Any) -> Json:
    schedule = {"expression": "rate(1 day)", "timezone": "UTC"}
    return {"trigger": "schedule", "schedule": schedule, "query": query, **more}


def leavers(**more: Any) -> Json:
    return at_times({"of": "people", "when": GONE}, **more)


def fire(hall: Hall, workflow: Workflow, moment: str, aws: Aws | None = None) -> Json:
    event = {"step": "scheduled", "workflow_id": workflow.id, "scheduled_time": moment}
    return hall.starter(aws).scheduled(event)


def activated(hall: Hall, workflow: Workflow, matching: str, version: int = 1) -> Json:
    event = {"step": "activated", "workflow_id": workflow.id, "version": version}
    return hall.starter().activated({**event, "matching": matching})


def people(hall: Hall, workflow: Workflow) -> list[str]:
    return sorted(str(one.person_id) for one in hall.of(workflow))


def test_a_time_that_is_delivered_twice_begins_once(hall: Hall) -> None:
    workflow = hall.workflow(at_times())
    for _ in range(2):
        fire(hall, workflow, MONDAY)
    fire(hall, workflow, TUESDAY)
    assert [one.began for one in hall.of(workflow)] == ["schedule", "schedule"]
    assert hall.all_started_once(workflow)


def test_a_row_begins_once_while_it_is_there_and_anew_when_it_comes_back(hall: Hall) -> None:
    workflow = hall.workflow(leavers())
    hall.person("p1", status="inactive")
    hall.person("p2")
    for moment in (MONDAY, MONDAY, TUESDAY):
        fire(hall, workflow, moment)
    assert people(hall, workflow) == ["p1"]
    hall.person("p2", status="inactive")
    hall.person("p1")
    fire(hall, workflow, WEDNESDAY)
    assert people(hall, workflow) == ["p1", "p2"]
    hall.person("p1", status="inactive")
    assert fire(hall, workflow, "2026-11-26T06:00:00Z") == {"count": 1, "complete": True}
    assert people(hall, workflow) == ["p1", "p1", "p2"]
    assert hall.all_started_once(workflow)


def test_one_that_repeats_begins_at_every_time(hall: Hall) -> None:
    workflow = hall.workflow(leavers(repeat=True))
    hall.person("p1", status="inactive")
    for moment in (MONDAY, MONDAY, TUESDAY):
        fire(hall, workflow, moment)
    assert people(hall, workflow) == ["p1", "p1"]
    assert hall.remembered.seen(workflow.id) == {}


@pytest.mark.parametrize("after", [False, True])
def test_a_starter_that_dies_at_any_write_begins_each_row_once(hall: Hall, *, after: bool) -> None:
    workflow = hall.workflow(leavers())
    for number in range(3):
        hall.person(f"p{number}", status="inactive")
    for lives in itertools.count():
        try:
            fire(hall, workflow, MONDAY, CountingAws(lives, after=after))
            break
        except Killed:
            assert lives < 20
    assert people(hall, workflow) == ["p0", "p1", "p2"]
    assert hall.all_started_once(workflow)
    fire(hall, workflow, TUESDAY)
    assert len(hall.of(workflow)) == 3


def test_two_starters_at_once_and_two_times_at_once_begin_each_row_once(hall: Hall) -> None:
    workflow = hall.workflow(leavers())
    for number in range(4):
        hall.person(f"p{number}", status="inactive")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: fire(hall, workflow, one), [MONDAY, MONDAY, TUESDAY, TUESDAY]))
    assert people(hall, workflow) == ["p0", "p1", "p2", "p3"]
    assert hall.all_started_once(workflow)


def test_what_there_was_no_time_for_the_next_function_begins(hall: Hall) -> None:
    workflow = hall.workflow(leavers())
    for number in range(5):
        hall.person(f"p{number}", status="inactive")
    aws, invoked = Aws(), Invoked()
    aws.__dict__["functions"] = invoked
    event = {"step": "scheduled", "workflow_id": workflow.id, "scheduled_time": MONDAY}
    ticks = iter([True, True, True, False])
    answer = hall.starter(aws).scheduled(event, lambda: next(ticks))
    assert answer == {"count": 2, "complete": False}
    assert invoked.payloads == [event]
    assert hall.starter(aws).scheduled(event) == {"count": 3, "complete": True}
    assert len(people(hall, workflow)) == 5
    assert len(invoked.payloads) == 1
    stuck = hall.starter(aws).scheduled(event, lambda: False)
    assert stuck == {"count": 0, "complete": False}
    assert len(invoked.payloads) == 1, "who gets no further does not go on for ever"


def test_a_look_that_did_not_see_all_rows_forgets_none(hall: Hall) -> None:
    workflow = hall.workflow(leavers())
    hall.person("p1", status="inactive")
    fire(hall, workflow, MONDAY)
    hall.starter().scheduled(
        {"step": "scheduled", "workflow_id": workflow.id, "scheduled_time": TUESDAY},
        lambda: False,
    )
    assert list(hall.remembered.seen(workflow.id)) == ["person#p1"]
    fire(hall, workflow, WEDNESDAY)
    assert people(hall, workflow) == ["p1"]


def test_a_workflow_that_is_paused_begins_nothing_at_its_times(hall: Hall) -> None:
    workflow = hall.workflow(leavers())
    hall.person("p1", status="inactive")
    assert hall.workflows.paused(workflow, "ann")
    fire(hall, workflow, MONDAY)
    fire(hall, hall.workflow(on()), MONDAY)
    assert hall.of(workflow) == []
    assert hall.machines_started() == []


def test_an_account_and_a_grant_are_remembered_by_what_they_are(hall: Hall) -> None:
    integration = furnish.integrate(hall.house.aws, hall.settings, "aha", "http://a", "token")
    pk = f"I#{integration.id}"
    table = hall.house.directory
    account = {"integration_id": integration.id, "external_id": "7#a", "status": "active"}
    account |= {"pk": pk, "sk": "ACCOUNT#7%23a", "attributes": "{}", "person_id": "p1"}
    table.put({**account, "version": 1})
    for kind in ("role", "admin"):
        grant = {"pk": pk, "sk": f"GRANT#7%23a#{kind}#1#", "account": "7#a", "type": kind}
        table.put({**grant, "entitlement_id": "1", "status": "held", "version": 1})
    accounts = hall.workflow(at_times({"of": "accounts"}))
    grants = hall.workflow(at_times({"of": "grants"}))
    for moment in (MONDAY, TUESDAY):
        fire(hall, accounts, moment)
        fire(hall, grants, moment)
    (one,) = hall.of(accounts)
    assert (one.integration_id, one.external_id, one.person_id) == (integration.id, "7#a", "p1")
    first, second = hall.of(grants)
    assert (first.external_id, second.person_id) == ("7#a", "p1")
    told = [one.event["grant"]["type"] for one in (first, second) if one.event]
    assert sorted(told) == ["admin", "role"]


def test_who_matches_at_the_activation_is_skipped_until_they_come_back(hall: Hall) -> None:
    workflow = hall.workflow(leavers())
    hall.person("p1", status="inactive")
    for _ in range(2):
        assert activated(hall, workflow, "skip")["complete"]
    fire(hall, workflow, MONDAY)
    assert hall.of(workflow) == []
    hall.person("p2", status="inactive")
    hall.person("p1")
    fire(hall, workflow, TUESDAY)
    hall.person("p1", status="inactive")
    fire(hall, workflow, WEDNESDAY)
    assert people(hall, workflow) == ["p1", "p2"]


def test_who_matches_at_the_activation_is_begun_once(hall: Hall) -> None:
    workflow = hall.workflow(leavers())
    hall.person("p1", status="inactive")
    for _ in range(2):
        activated(hall, workflow, "start")
    fire(hall, workflow, MONDAY)
    (execution,) = hall.of(workflow)
    assert (execution.began, execution.person_id) == ("activation", "p1")
    assert hall.all_started_once(workflow)


def test_a_new_version_starts_those_who_match_anew(hall: Hall) -> None:
    workflow = hall.workflow(leavers())
    hall.person("p1", status="inactive")
    activated(hall, workflow, "start")
    current = hall.workflows.get(workflow.id)
    assert current is not None
    document = {"name": "Leavers", "begin": leavers(), "blocks": [{"id": "x", "type": "end"}]}
    saved = hall.workflows.save(current, document, "ann")
    assert saved is not None
    hall.activate(hall.validate(saved), leavers())
    activated(hall, workflow, "start", version=1)
    assert len(hall.of(workflow)) == 1, "that activation is over"
    activated(hall, workflow, "start", version=2)
    assert [one.version for one in hall.of(workflow)] == [1, 2]


def test_the_choice_of_the_activation_comes_before_the_schedules_first_time(hall: Hall) -> None:
    workflow = hall.workflow(leavers())
    hall.person("p1", status="inactive")
    hall.house.config.update("WORKFLOW", workflow.id, {"matching": "skip"})
    fire(hall, workflow, MONDAY)
    assert hall.of(workflow) == []
    assert "matching" not in (hall.house.config.get("WORKFLOW", workflow.id) or {})
    fire(hall, workflow, TUESDAY)
    assert hall.of(workflow) == []


def test_an_event_trigger_is_begun_for_those_who_match_by_an_event_of_now(hall: Hall) -> None:
    when = {"all": [{"field": "changes.status.new", "op": "equals", "value": "inactive"}]}
    when["all"].append({"field": "changes.status.old", "op": "equals", "value": "active"})
    workflow = hall.workflow(on("Sync Failed", "Person Removed", "Person Updated", when=when))
    hall.person("p1", status="inactive")
    hall.person("p2")
    activated(hall, workflow, "skip")
    assert hall.of(workflow) == []
    for _ in range(2):
        activated(hall, workflow, "start")
    (execution,) = hall.of(workflow)
    assert execution.began == "activation"
    event = json.loads(json.dumps(execution.event))
    assert event.pop("at")
    assert event == {
        "type": "Person Updated",
        "person_id": "p1",
        "person": {"email": "p1@example.com", "status": "inactive"},
        "version": 1,
    }


def test_an_activation_is_guarded_like_everything(hall: Hall) -> None:
    workflow = hall.workflow(leavers(most_per_hour=2))
    for number in range(5):
        hall.person(f"p{number}", status="inactive")
    activated(hall, workflow, "start")
    assert hall.statuses(workflow) == {"running": 2, "held": 3}
    fire(hall, workflow, MONDAY)
    assert hall.statuses(workflow) == {"running": 2, "held": 3}
