"""An event begins one execution of each workflow that listens to it, whatever dies on the way."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from rollcall.aws import Aws
from rollcall.stamps import now
from rollcall.workflows.executions import Execution
from tests.integration.workflows_starting.conftest import (
    BLOCKS,
    GRANT,
    CountingAws,
    Hall,
    Killed,
    Passing,
    left,
    message,
    on,
)

GONE = {"field": "changes.status.new", "op": "equals", "value": "inactive"}
CAME = {"field": "changes.status.old", "op": "equals", "value": "inactive"}


def test_an_event_that_is_delivered_twice_begins_once(hall: Hall) -> None:
    workflow = hall.workflow(on(when={"all": [GONE, {"not": CAME}]}))
    other = hall.workflow(on(when=CAME))
    event = left()
    starter = hall.starter()
    for _ in range(2):
        answer = starter.events([message(event), message(event)])
        assert answer == {"batchItemFailures": []}
    (execution,) = hall.of(workflow)
    assert (execution.status, execution.began) == ("running", "event")
    assert (execution.person_id, execution.version) == ("p1", 1)
    assert execution.event == event
    assert hall.all_started_once(workflow)
    assert hall.of(other) == []


def test_each_workflow_that_listens_begins_once(hall: Hall) -> None:
    first, second = hall.workflow(on()), hall.workflow(on("Person Created", "Person Updated"))
    hall.starter().events([message(left())])
    assert (len(hall.of(first)), len(hall.of(second))) == (1, 1)
    assert len(hall.machines_started()) == 2


def test_two_starters_at_once_begin_once(hall: Hall) -> None:
    workflow = hall.workflow(on())
    events = [left(f"p{number}") for number in range(5)]
    with ThreadPoolExecutor(4) as pool:
        starters = [hall.starter() for _ in range(4)]
        answers = list(
            pool.map(lambda one: one.events([message(event) for event in events]), starters)
        )
    assert answers == [{"batchItemFailures": []}] * 4
    assert len(hall.of(workflow)) == 5
    assert hall.all_started_once(workflow)
    hour = hall.rate.hour(workflow.id)
    assert hour is not None
    assert hour.count == 5, "what is delivered again is not counted again"


@pytest.mark.parametrize("after", [False, True])
def test_a_starter_that_dies_at_any_write_loses_nothing_and_starts_nothing_twice(
    hall: Hall, *, after: bool
) -> None:
    workflow = hall.workflow(on(most=1000))
    begun = 0
    for lives in itertools.count():
        event = left(f"p{lives}")
        begun += 1
        try:
            hall.starter(CountingAws(lives, after=after)).events([message(event)])
            break
        except Killed:
            hall.starter().events([message(event)])
        assert len(hall.of(workflow)) == begun
        assert hall.all_started_once(workflow)
    assert begun > 3, "it died at each of its writes"
    hour = hall.rate.hour(workflow.id)
    assert hour is not None
    assert hour.count == begun


def test_what_could_not_be_started_is_delivered_again_and_the_others_go_on(hall: Hall) -> None:
    workflow = hall.workflow(on())
    broken = {"messageId": "broken", "body": json.dumps({"detail-type": "Person Updated"})}
    first, second = message(left("p1")), message(left("p2"))
    machines = Passing(Aws(), down=True)
    starter = hall.starter(machines=machines)
    failed = starter.events([first])["batchItemFailures"]
    assert failed == [{"itemIdentifier": first["messageId"]}]
    assert hall.machines_started() == []
    machines.down = False
    answer = starter.events([broken, first, second])
    assert answer == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    assert len(hall.of(workflow)) == 2
    assert hall.all_started_once(workflow)


def test_what_there_is_no_time_for_is_delivered_again(hall: Hall) -> None:
    workflow = hall.workflow(on())
    events = [message(left(f"p{number}")) for number in range(4)]
    ticks = iter([True, True, False, False])
    answer = hall.starter().events(events, lambda: next(ticks))
    late = [{"itemIdentifier": one["messageId"]} for one in events[2:]]
    assert answer == {"batchItemFailures": late}
    assert len(hall.of(workflow)) == 2


def test_a_workflow_that_is_paused_or_deleted_begins_nothing(hall: Hall) -> None:
    paused, deleted, draft = (hall.workflow(on()) for _ in range(3))
    assert hall.workflows.paused(paused, "ann")
    assert hall.workflows.delete(deleted, "ann")
    assert hall.workflows.save(draft, {"name": "x", "begin": on(), "blocks": []}, "ann")
    hall.starter().events([message(left())])
    assert (hall.of(paused), hall.of(deleted)) == ([], [])
    (execution,) = hall.of(draft)
    assert execution.version == 1, "it goes on in the version that was activated"


def test_a_workflow_that_is_paused_while_it_begins_does_not(hall: Hall) -> None:
    workflow = hall.workflow(on())
    starter = hall.starter()
    listening = starter._listening()
    assert hall.workflows.paused(workflow, "ann")
    event = left()
    starter._take(event, listening)
    assert hall.of(workflow) == []
    assert hall.machines_started() == []


def test_a_version_that_is_activated_while_it_begins_takes_the_event(hall: Hall) -> None:
    workflow = hall.workflow(on())
    starter = hall.starter()
    listening = starter._listening()
    document = {"name": "Leavers", "begin": on(), "blocks": BLOCKS}
    following = hall.workflows.save(workflow, document, "ann")
    assert following is not None
    hall.activate(hall.validate(following), on())
    event = left()
    starter._take(event, listening)
    starter._take(event, listening)
    (execution,) = hall.of(workflow)
    assert execution.version == 2


def test_a_workflow_that_cannot_begin_does_not_keep_the_event_from_others(hall: Hall) -> None:
    broken, whole = hall.workflow(on()), hall.workflow(on())

    class Picky(Passing):
        def start(self, execution: Execution) -> bool:
            if execution.workflow_id == broken.id:
                raise ConnectionError("Step Functions refuses it")
            return super().start(execution)

    starter = hall.starter(machines=Picky(Aws()))
    event = message(left())
    failed = starter.events([event])["batchItemFailures"]
    assert failed == [{"itemIdentifier": event["messageId"]}]
    assert len(hall.of(whole)) == 1
    assert hall.all_started_once(whole)


def test_whom_an_event_is_about_is_read_where_the_condition_asks_for_them(hall: Hall) -> None:
    hall.person("p1", department="IT")
    hall.account("7", "p1", last_active_at="2026-01-01T00:00:00Z")
    asked = {"all": [{"field": "person.department", "op": "equals", "value": "IT"}]}
    asked["all"].append({"field": "account.last_active_at", "op": "before", "value": "-30d"})
    workflow = hall.workflow(on("Grant Added", when=asked))
    head = {"type": "Grant Added", "integration_id": "i1", "at": now()}
    event = head | {"id": "e1", "grant": GRANT}
    unknown = head | {"id": "e2", "grant": GRANT | {"account": "8"}}
    hall.starter().events([message(event), message(unknown)])
    (execution,) = hall.of(workflow)
    assert (execution.person_id, execution.integration_id) == ("p1", "i1")
    assert execution.external_id == "7"


def test_an_action_and_a_sync_are_about_whom_they_name(hall: Hall) -> None:
    workflow = hall.workflow(on("Action Failed", "Sync Failed"))
    head = {"integration_id": "i1", "at": now()}
    action = head | {"type": "Action Failed", "id": "e1", "action_id": "a"}
    action |= {"external_id": "7", "person_id": "p1"}
    sync = head | {"type": "Sync Failed", "id": "e2", "run_id": "r"}
    hall.starter().events([message(action), message(sync)])
    about = {(one.person_id, one.integration_id, one.external_id) for one in hall.of(workflow)}
    assert about == {("p1", "i1", "7"), (None, None, None)}


def test_events_that_nobody_listens_to_cost_a_query_a_batch(hall: Hall) -> None:
    hall.workflow(on("Account Created"))
    hall.workflow({"trigger": "call"})
    aws = CountingAws()
    starter = hall.starter(aws)
    events = [message(left(f"p{number % 10}")) for number in range(10_000)]
    for start in range(0, len(events), 50):
        assert starter.events(events[start : start + 50]) == {"batchItemFailures": []}
    assert aws.calls == {"Query": 200}


def test_events_whose_condition_does_not_hold_read_nothing_of_the_roster(hall: Hall) -> None:
    hall.workflow(on(when=CAME))
    aws = CountingAws()
    starter = hall.starter(aws)
    for _ in range(3):
        starter.events([message(left(f"p{number}", at=now())) for number in range(50)])
    assert aws.calls == {"Query": 3, "GetItem": 1}
