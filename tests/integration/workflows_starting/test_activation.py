"""Events while a workflow is activated: what changed is begun by its event or by the look, once."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from local import furnish
from rollcall.stamps import instant
from rollcall.workflows.store import Workflow
from tests.integration.workflows_starting.conftest import (
    CountingAws,
    Hall,
    Json,
    Killed,
    left,
    message,
    on,
)

INACTIVE = {"field": "changes.status.new", "op": "equals", "value": "inactive"}


def waiting(hall: Hall, begin: Json | None = None) -> Workflow:
    """Active, with those who match to be started by a look that has not begun."""
    begin = begin or on("Person Created", "Person Updated", when=INACTIVE)
    workflow = hall.workflow(begin)
    assert hall.house.config.update("WORKFLOW", workflow.id, {"matching": "start"})
    return workflow


def look(hall: Hall, workflow: Workflow, aws: CountingAws | None = None) -> None:
    event = {"step": "activated", "workflow_id": workflow.id, "matching": "start"}
    answer = hall.starter(aws).activated({**event, "version": workflow.active_version})
    assert answer["complete"]


def tell(hall: Hall, event: Json, aws: CountingAws | None = None) -> None:
    assert hall.starter(aws).events([message(event)]) == {"batchItemFailures": []}


def began(hall: Hall, workflow: Workflow) -> list[str]:
    return [one.began for one in hall.of(workflow)]


def at(workflow: Workflow, seconds: float) -> str:
    """So long after the workflow was activated."""
    assert workflow.active_since is not None
    since = datetime.fromisoformat(workflow.active_since).replace(microsecond=0)
    return instant(since + timedelta(seconds=seconds))


def test_what_changed_before_is_not_begun_by_its_event(hall: Hall) -> None:
    workflow = hall.workflow(on())
    tell(hall, left("p1", at=at(workflow, -0.001)))
    assert hall.of(workflow) == []
    tell(hall, left("p1", at=at(workflow, 0)))  # in the same second nobody knows
    assert began(hall, workflow) == ["event"]


def test_what_changed_while_it_was_paused_is_not_begun(hall: Hall) -> None:
    workflow = hall.workflow(on())
    event = left("p1", at=at(workflow, 0))
    paused = hall.workflows.paused(workflow, "ann")
    assert paused is not None
    assert hall.house.config.update(
        "WORKFLOW", workflow.id, {"active_since": at(workflow, -3600)}
    ), "it was active for an hour"
    again = hall.workflows.get(workflow.id)
    assert again is not None
    active = hall.activate(again, on())
    assert active.active_since != again.active_since
    tell(hall, {**event, "at": at(active, -60)})
    assert hall.of(active) == []


def test_a_version_that_follows_another_takes_what_changed_before(hall: Hall) -> None:
    workflow = hall.workflow(on())
    hour_ago = {"active_since": at(workflow, -3600)}
    assert hall.house.config.update("WORKFLOW", workflow.id, hour_ago)
    now_is = hall.workflows.get(workflow.id)
    assert now_is is not None
    event = left("p1", at=at(workflow, -5))
    document = {**hall.version(workflow).document, "name": "Second"}
    saved = hall.workflows.save(now_is, document, "ann")
    assert saved is not None
    second = hall.activate(hall.validate(saved), on())
    tell(hall, event)
    (execution,) = hall.of(second)
    assert execution.version == 2


def test_one_that_began_by_a_schedule_listens_from_its_activation_on(hall: Hall) -> None:
    by_time = {"trigger": "schedule", "schedule": {"expression": "rate(1 day)", "timezone": "UTC"}}
    workflow = hall.workflow(by_time)
    hour_ago = {"active_since": at(workflow, -3600)}
    assert hall.house.config.update("WORKFLOW", workflow.id, hour_ago)
    now_is = hall.workflows.get(workflow.id)
    assert now_is is not None
    document = {**hall.version(workflow).document, "begin": on()}
    saved = hall.workflows.save(now_is, document, "ann")
    assert saved is not None
    second = hall.activate(hall.validate(saved), on())
    tell(hall, left("p1", at=at(second, -5)))
    assert hall.of(second) == []
    tell(hall, left("p1", at=at(second, 0)))
    assert began(hall, second) == ["event"]


def test_what_the_look_has_begun_only_a_newer_event_begins_again(hall: Hall) -> None:
    workflow = waiting(hall)
    hall.person("p1", status="inactive", version=2)
    look(hall, workflow)
    for _ in range(2):
        tell(hall, left("p1", id="older", version=1))
        tell(hall, left("p1", id="same", version=2))
    assert began(hall, workflow) == ["activation"]
    for _ in range(2):
        tell(hall, left("p1", id="newer", version=3))
    assert sorted(began(hall, workflow)) == ["activation", "event"]
    assert hall.all_started_once(workflow)


def test_what_an_event_has_begun_the_look_passes_over(hall: Hall) -> None:
    workflow = waiting(hall)
    hall.person("p1", status="inactive", version=2)
    hall.person("p2", status="inactive", version=2)
    tell(hall, left("p1", id="first", version=2))
    look(hall, workflow)
    tell(hall, left("p1", id="first", version=2))
    assert sorted(began(hall, workflow)) == ["activation", "event"]
    assert {one.person_id for one in hall.of(workflow)} == {"p1", "p2"}
    tell(hall, left("p1", id="second", version=3))
    assert sorted(began(hall, workflow)) == ["activation", "event", "event"]


def test_every_kind_of_row_is_known_by_its_event(hall: Hall) -> None:
    of = furnish.integrate(hall.house.aws, hall.settings, "aha", "http://a", "token").id
    account: Json = {"external_id": "7/a#b", "status": "active", "kind": "person"}
    head = {"integration_id": of, "account": account, "version": 1}
    grant: Json = {"account": "7/a#b", "type": "group", "entitlement_id": "3", "scope": "9"}
    kept = {"pk": f"I#{of}", "integration_id": of, "version": 1}
    item = {**kept, **account, "sk": "ACCOUNT#7%2Fa%23b", "attributes": "{}", "person_id": "p1"}
    assert hall.house.directory.put(item)
    item = {**kept, **grant, "sk": "GRANT#7%2Fa%23b#group#3#9", "status": "held"}
    assert hall.house.directory.put(item)
    hall.person("p1")
    for event in (
        {"type": "Account Created", **head},
        {"type": "Application Associated", "person_id": "p1", **head},
        {"type": "Grant Added", "integration_id": of, "grant": grant, "version": 1},
        {"type": "Person Created", "person_id": "p1", "person": {}, "version": 1},
    ):
        workflow = waiting(hall, on(str(event["type"])))
        look(hall, workflow)
        assert began(hall, workflow) == ["activation"], event["type"]
        tell(hall, {"id": "one", "at": at(workflow, 0), **event})
        assert began(hall, workflow) == ["activation"], event["type"]
        other = waiting(hall, on(str(event["type"])))
        tell(hall, {"id": "one", "at": at(other, 0), **event})
        look(hall, other)
        assert began(hall, other) == ["event"], event["type"]


def test_the_look_and_the_events_at_once_begin_for_each_once(hall: Hall) -> None:
    workflow = waiting(hall)
    people = [f"p{number}" for number in range(12)]
    for person in people:
        hall.person(person, status="inactive", version=2)
    events = [left(one, version=2) for one in people]
    with ThreadPoolExecutor(5) as pool:
        looks = [pool.submit(look, hall, workflow) for _ in range(2)]
        told = [
            pool.submit(hall.starter().events, [message(one) for one in some])
            for some in (events[::-1], events, events[6:])
        ]
        for one in looks:
            one.result()
        assert [one.result() for one in told] == [{"batchItemFailures": []}] * 3
    assert sorted(str(one.person_id) for one in hall.of(workflow)) == sorted(people)
    assert hall.all_started_once(workflow)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("first", ["event", "activation"])
def test_a_starter_that_dies_at_any_write_begins_once(
    hall: Hall, first: str, *, after: bool
) -> None:
    hall.person("p1", status="inactive", version=2)
    for lives in itertools.count():
        workflow = waiting(hall)
        event = left("p1", version=2)
        mortal = CountingAws(lives, after=after)
        try:
            if first == "event":
                tell(hall, event, mortal)
            else:
                look(hall, workflow, mortal)
            died = False
        except Killed:
            died = True
        tell(hall, event)
        look(hall, workflow)
        (mine,) = hall.of(workflow)
        assert mine.started
        assert hall.workflows.paused(workflow, "ann")
        if not died:
            break
    assert lives > 1, "it died at each of its writes"
