"""A workflow that starts itself is refused, and one that starts too much is held."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollcall.aws import Aws
from rollcall.stamps import instant, now
from rollcall.workflows.beginning import Cause, Refused, Subject
from rollcall.workflows.children import cause_of
from rollcall.workflows.executions import Execution
from rollcall.workflows.guards import DEEPEST
from rollcall.workflows.holding import tell_held
from rollcall.workflows.store import Workflow
from tests.integration.workflows_starting.conftest import (
    GRANT,
    CountingAws,
    Hall,
    Killed,
    Passing,
    left,
    message,
    on,
    waiting_for,
)

EVENTS = ("Person Updated", "Account Updated", "Grant Added", "Action Succeeded")


def errors(hall: Hall, workflow: Workflow) -> list[Any]:
    return [(one.error or {}).get("code") for one in hall.of(workflow)]


def by_action(hall: Hall, execution: Execution, kind: str) -> dict[str, Any]:
    """An event of a change that an action of the execution made."""
    action = hall.action(execution.id)
    about: dict[str, Any] = {
        "Person Updated": left(),
        "Account Updated": {"integration_id": "i1", "account": {"external_id": "7"}},
        "Grant Added": {"integration_id": "i1", "grant": GRANT},
        "Action Succeeded": {"integration_id": "i1", "action_id": action, "external_id": "7"},
    }
    by = {} if kind == "Action Succeeded" else {"by": {"kind": "action", "id": action}}
    return {**about[kind], "type": kind, "id": f"{kind} {action}", "at": now(), **by}


@pytest.mark.parametrize("kind", EVENTS)
def test_what_a_workflows_own_action_changed_does_not_begin_it_again(hall: Hall, kind: str) -> None:
    workflow = hall.workflow(on(*EVENTS))
    hall.starter().events([message(left())])
    (first,) = hall.of(workflow)
    event = by_action(hall, first, kind)
    for _ in range(2):
        hall.starter().events([message(event)])
    _, refused = hall.of(workflow)
    assert (refused.status, errors(hall, workflow)) == ("failed", [None, "loop"])
    assert (refused.depth, refused.lineage, refused.started) == (1, (workflow.id,), False)
    assert hall.all_started_once(workflow)
    assert [one.id for one in hall.executions.open()] == [first.id]


def test_a_person_whom_an_execution_wrote_does_not_begin_its_workflow_again(hall: Hall) -> None:
    workflow = hall.workflow(on())
    hall.starter().events([message(left())])
    (first,) = hall.of(workflow)
    hall.starter().events([message(left(by={"kind": "workflow", "id": first.id}))])
    assert errors(hall, workflow) == [None, "loop"]


def test_two_workflows_that_start_each_other_are_stopped(hall: Hall) -> None:
    ping, pong = hall.workflow(on("Person Updated")), hall.workflow(on("Account Updated"))
    hall.starter().events([message(left())])
    (first,) = hall.of(ping)
    hall.starter().events([message(by_action(hall, first, "Account Updated"))])
    (second,) = hall.of(pong)
    assert (second.status, second.depth, second.lineage) == ("running", 1, (ping.id,))
    hall.starter().events([message(by_action(hall, second, "Person Updated"))])
    assert errors(hall, ping) == [None, "loop"]
    assert errors(hall, pong) == [None]


def test_a_chain_of_workflows_ends_at_a_depth(hall: Hall) -> None:
    chain = [hall.workflow({"trigger": "call"}) for _ in range(DEEPEST + 2)]
    by: Execution | None = None
    begun: list[Execution | Refused] = []
    for number, workflow in enumerate(chain):
        cause = Cause("workflow", f"{number}", "ann", by=by)
        result = hall.starter().begin(workflow, hall.version(workflow), cause, Subject())
        begun.append(result)
        by = result if isinstance(result, Execution) else by
    *good, last = begun
    assert [one.depth for one in good if isinstance(one, Execution)] == list(range(DEEPEST + 1))
    assert isinstance(last, Refused)
    assert last.code == "too-deep"
    assert errors(hall, chain[-1]) == ["too-deep"]


def test_what_somebody_did_is_no_loop(hall: Hall) -> None:
    workflow = hall.workflow(on(*EVENTS))
    by = {"kind": "action", "id": hall.action(None)}
    unknown = {"kind": "action", "id": "expired"}
    sync = {"kind": "sync", "id": "r1"}
    hall.starter().events([message(left(by=one)) for one in (by, unknown, sync)])
    assert hall.statuses(workflow) == {"running": 3}


def test_more_than_its_share_is_held_and_the_contacts_are_told_once(hall: Hall) -> None:
    contacts = ["ann@example.com"]
    workflow = hall.workflow(on(most=3), contacts=contacts)
    events = [message(left(f"p{number}")) for number in range(6)]
    for _ in range(2):
        hall.starter().events(events)
    assert hall.statuses(workflow) == {"running": 3, "held": 3}
    assert hall.all_started_once(workflow)
    (told,) = hall.post.read(hall.everything)
    assert "Leavers" in told["Subject"]
    assert f"/v1/workflows/{workflow.id}/held/approve" in told["Message"]
    assert told["MessageAttributes"]["kind"]["Value"] == "held"
    assert told["MessageAttributes"]["contacts"]["Value"] == '["ann@example.com"]'
    hour = hall.rate.hour(workflow.id)
    assert hour is not None
    assert hour.told


def test_many_at_once_are_held_beyond_the_share_and_told_once(hall: Hall) -> None:
    workflow = hall.workflow(on(most=4))
    events = [[message(left(f"p{n}"))] for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: hall.starter().events(one), events))
    assert answers == [{"batchItemFailures": []}] * 12
    assert hall.statuses(workflow) == {"running": 4, "held": 8}
    assert hall.all_started_once(workflow)
    assert len(hall.post.read(hall.everything)) == 1


def decide(hall: Hall, workflow: Workflow, decision: str, **more: Any) -> dict[str, Any]:
    event = {"step": "held", "workflow_id": workflow.id, "decision": decision, "actor": "ann"}
    return hall.starter(**more).held(event)


def test_approved_ones_start_and_the_hour_begins_anew(hall: Hall) -> None:
    workflow = hall.workflow(on(most=2))
    hall.starter().events([message(left(f"p{number}")) for number in range(5)])
    assert decide(hall, workflow, "approve") == {"count": 3, "complete": True}
    assert hall.statuses(workflow) == {"running": 5}
    assert all(one.started_at for one in hall.of(workflow))
    assert decide(hall, workflow, "approve") == {"count": 0, "complete": True}
    hall.starter().events([message(left(f"q{number}")) for number in range(3)])
    assert hall.statuses(workflow) == {"running": 7, "held": 1}
    assert hall.all_started_once(workflow)
    assert len(hall.post.read(hall.everything)) == 2, "another trip is told again"
    audit = list(hall.house.config.query(f"AUDIT#{instant(datetime.now(UTC))[:7]}"))
    assert [one["actor"] for one in audit if one["verb"] == "approve"] == ["ann"]


def test_rejected_ones_are_cancelled(hall: Hall) -> None:
    workflow = hall.workflow(on(most=1))
    hall.starter().events([message(left(f"p{number}")) for number in range(3)])
    assert decide(hall, workflow, "reject") == {"count": 2, "complete": True}
    assert hall.statuses(workflow) == {"running": 1, "cancelled": 2}
    assert hall.all_started_once(workflow)
    hall.starter().events([message(left("next"))])
    assert hall.statuses(workflow) == {"running": 2, "cancelled": 2}


def test_whoever_waits_for_one_that_is_rejected_goes_on(hall: Hall) -> None:
    workflow = hall.workflow({"trigger": "call", "most_per_hour": 1})
    starter, version = hall.starter(), hall.version(workflow)
    step = waiting_for(hall, workflow)
    parent = {"parent_id": "parent", "parent_at": "", "parent_block": "run"}
    for key in ("1", cause_of("parent", "", "run")):
        starter.begin(workflow, version, Cause("workflow", key, "ann", parent=parent), Subject())
    assert hall.statuses(workflow) == {"running": 1, "held": 1}
    decide(hall, workflow, "reject")
    ended = hall.executions.step("parent", step.at, step.block)
    assert ended is not None
    assert (ended.status, ended.output["status"]) == ("failed", "cancelled")


@pytest.mark.parametrize("after", [False, True])
def test_an_approval_that_dies_at_any_write_is_gone_on_with(hall: Hall, *, after: bool) -> None:
    workflow = hall.workflow(on(most=1))
    hall.starter().events([message(left(f"p{number}")) for number in range(4)])
    for lives in itertools.count():
        try:
            decide(hall, workflow, "approve", aws=CountingAws(lives, after=after))
            break
        except Killed:
            assert lives < 40
    decide(hall, workflow, "approve")
    assert hall.statuses(workflow) == {"running": 4}
    assert hall.all_started_once(workflow)
    assert hall.rate.pending(workflow.id) is None


def test_what_comes_while_held_ones_are_let_go_waits_for_a_decision_of_its_own(
    hall: Hall,
) -> None:
    workflow = hall.workflow(on(most=1))
    hall.starter().events([message(left(f"p{number}")) for number in range(3)])
    trip = hall.rate.pending(workflow.id)
    starter = hall.starter()
    event = {"step": "held", "workflow_id": workflow.id, "decision": "approve", "actor": "ann"}
    answer = starter.held(event, lambda: False)
    assert answer == {"count": 0, "complete": False}
    hall.starter().events([message(left(f"q{number}")) for number in range(2)])
    assert hall.rate.pending(workflow.id) == trip
    assert hall.starter().held(event) == {"count": 2, "complete": True}
    assert hall.statuses(workflow) == {"running": 4, "held": 1}
    later = hall.rate.pending(workflow.id)
    assert later is not None
    assert later != trip


def test_an_hour_ends_unless_it_tripped(hall: Hall) -> None:
    calm, full = hall.workflow(on(most=2)), hall.workflow(on(most=1))
    hall.starter().events([message(left(f"p{number}")) for number in range(2)])
    past = instant(datetime.now(UTC) - timedelta(minutes=61))
    for workflow in (calm, full):
        hall.house.runs.table.update(f"WORKFLOW#{workflow.id}", "RATE", {"window_start": past})
    hall.starter().events([message(left("later"))])
    assert hall.statuses(calm) == {"running": 3}
    assert hall.statuses(full) == {"running": 1, "held": 2}


def test_tests_are_not_counted_and_calls_are(hall: Hall) -> None:
    workflow = hall.workflow({"trigger": "call", "most_per_hour": 1})
    starter, version = hall.starter(), hall.version(workflow)
    for number in range(3):
        cause = Cause("hand", f"test {number}", "ann", mode="test")
        begun = starter.begin(workflow, version, cause, Subject("p1"))
        assert isinstance(begun, Execution)
        assert (begun.status, begun.mode) == ("running", "test")
    calls = [
        starter.begin(workflow, version, Cause("call", f"{n}", "ann"), Subject()) for n in "ab"
    ]
    assert [one.status for one in calls if isinstance(one, Execution)] == ["running", "held"]
    again = starter.begin(workflow, version, Cause("call", "a", "ann"), Subject())
    assert again == calls[0]


def test_a_version_that_is_not_deployed_begins_nothing(hall: Hall) -> None:
    workflow = hall.workflow({"trigger": "call"}, active=False)
    begun = hall.starter().begin(
        workflow, hall.version(workflow), Cause("call", "1", "a"), Subject()
    )
    assert isinstance(begun, Refused)
    assert begun.code == "not-deployed"


def test_a_state_machine_that_is_gone_ends_the_execution(hall: Hall) -> None:
    workflow = hall.workflow({"trigger": "call"})
    version = replace(hall.version(workflow), machine_arn=f"{hall.machine}gone")
    begun = hall.starter().begin(workflow, version, Cause("call", "1", "ann"), Subject())
    assert isinstance(begun, Execution)
    assert begun.status == "failed"
    assert errors(hall, workflow) == ["not-started"]


def test_contacts_who_could_not_be_told_are_told_later(hall: Hall) -> None:
    workflow = hall.workflow(on(most=1))
    deaf = replace(hall.settings, notice_topic="arn:aws:sns:us-east-1:000000000000:gone")
    starter = type(hall.starter())(deaf, Aws(), hall.starter()._log, Passing(Aws()))
    starter.events([message(left(f"p{number}")) for number in range(3)])
    assert hall.statuses(workflow) == {"running": 1, "held": 2}
    trip = hall.rate.untold(workflow.id)
    assert trip is not None
    notices = hall.starter()._beginner._notices
    tell_held(notices, hall.rate, workflow, hall.version(workflow), trip)
    assert hall.rate.untold(workflow.id) is None
    assert len(hall.post.read(hall.everything)) == 1
