"""How the blocks of an execution follow one another, and how it ends."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollcall.workflows.document import Document, parsed
from rollcall.workflows.executions import Execution
from rollcall.workflows.graph import Graph
from rollcall.workflows.place import Place
from rollcall.workflows.work import WorkSettings
from tests.integration.workflows.conftest import Json, Shop, attributes


def wait(block: str = "rest", **more: Any) -> Json:
    return {"id": block, "type": "wait", "for": "1h", **more}


def breaks(block: str = "breaks", **more: Any) -> Json:
    """A block that fails: there is nobody at hand."""
    return {"id": block, "type": "update", "target": "person", "set": {"title": "x"}, **more}


def end(shop: Shop, execution: Execution, step: str, at: str = "", **more: Any) -> Json:
    said = {"execution": execution.id, "at": at, "step": step, **more}
    return shop.worker.take(said, uuid.uuid4().hex)


def test_a_decision_goes_on_with_the_first_branch_that_holds(shop: Shop) -> None:
    def over(most: int) -> Json:
        return {"field": "inputs.seats", "op": "matches", "value": f"^[{most}-9]$"}

    branches = [{"when": over(7), "go_to": "many"}, {"when": over(3), "go_to": "some"}]
    way = {"id": "way", "type": "decision", "branches": branches}
    blocks = [way, wait("few", next="end"), wait("some", next="end"), wait("many")]
    for seats, outcome, number in (
        ("9", "branch-0", 0),
        ("4", "branch-1", 1),
        ("1", "done", None),
    ):
        execution = shop.of(*blocks, inputs={"seats": seats})
        assert shop.take(execution, "way")["outcome"] == outcome
        assert shop.step(execution, "way").output == {"branch": number}
        assert shop.take(execution, "way")["outcome"] == outcome


def test_a_wait_keeps_its_first_time(shop: Shop) -> None:
    execution = shop.of(wait())
    first = shop.take(execution, "rest")
    left = datetime.fromisoformat(first["until"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert first["until"].endswith("Z")
    assert shop.take(execution, "rest") == first
    redriven = _redriven(shop, execution)
    assert shop.take(redriven, "rest")["until"] == first["until"]


def test_a_wait_until_a_time_that_a_template_makes(shop: Shop) -> None:
    until = {"id": "rest", "type": "wait", "until": "{{ inputs.day | shift_date(days=1) }}"}
    execution = shop.of(until, inputs={"day": "2026-11-30T10:00:00+01:00"})
    assert shop.take(execution, "rest")["until"] == "2026-12-01T09:00:00.000Z"
    for wrong in ("soon", "", None, "2999-01-01"):
        ended = shop.run(shop.of({**until, "until": "{{ inputs.day }}"}, inputs={"day": wrong}))
        assert ended.status == "failed", wrong
        assert ended.error is not None
        assert ended.error["code"] == "invalid-input"


def test_a_test_waits_for_nothing(shop: Shop) -> None:
    execution = shop.of(wait(), mode="test")
    until = datetime.fromisoformat(shop.take(execution, "rest")["until"])
    assert until <= datetime.now(UTC)


def test_an_execution_that_went_well_has_succeeded(shop: Shop) -> None:
    ended = shop.run(shop.of(wait()))
    assert (ended.status, ended.error) == ("succeeded", None)
    assert ended.finished_at is not None
    assert list(shop.executions.open()) == []
    assert shop.topic.published == []


def test_an_end_says_how_it_ended(shop: Shop) -> None:
    well = shop.run(shop.of({"id": "over", "type": "end", "message": "all done"}, mode="test"))
    assert (well.status, well.message) == ("succeeded", "all done")
    bad = {"id": "over", "type": "end", "result": "failed", "message": "nobody was there"}
    execution = shop.of(bad)
    answer = shop.take(execution, "over")
    assert answer == {
        "execution": execution.id,
        "at": "",
        "attempt": 1,
        "outcome": "failed",
        "code": "ended",
        "detail": "over: nobody was there",
    }
    ended = shop.now(execution)
    assert (ended.status, ended.message) == ("failed", "nobody was there")
    assert shop.take(execution, "over") == answer
    after = shop.run(shop.of(breaks(on_error={"go_to": "over"}), bad))
    assert after.error is not None
    assert (after.error["block"], after.error["code"]) == ("breaks", "not-found")


def test_the_error_is_that_of_the_first_step_that_nothing_caught(shop: Shop) -> None:
    execution = shop.of(breaks("caught", on_error="continue"), breaks())
    ended = shop.run(execution)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["block"] == "breaks"
    told = end(shop, execution, "fail")
    assert (told["outcome"], told["code"]) == ("failed", "not-found")
    assert told["detail"] == "breaks: there is no person at hand"


def test_contacts_are_told_that_an_execution_failed(shop: Shop) -> None:
    workflow = shop.workflow(breaks(), contacts=["it@northwind.example"])
    execution = shop.begin(workflow)
    shop.run(execution)
    (message,) = shop.topic.published
    told = attributes(message)
    assert json.loads(told["contacts"]) == ["it@northwind.example"]
    assert told["workflow_id"] == workflow.id
    assert "there is no person at hand" in message["Message"]
    assert f"/v1/executions/{execution.id}/redrive" in message["Message"]
    shop.run(shop.begin(workflow, mode="test"))
    assert len(shop.topic.published) == 1


def test_a_cancelled_execution_does_nothing_more(shop: Shop) -> None:
    execution = shop.of(wait(), breaks())
    assert shop.executions.cancel(execution, "tests")
    for said in ("rest", "breaks"):
        assert shop.take(execution, said)["outcome"] == "failed"
    assert end(shop, execution, "end")["outcome"] == "failed"
    assert end(shop, execution, "fail")["code"] == "cancelled"
    assert shop.now(execution).status == "cancelled"
    assert shop.executions.steps(execution.id, 10, None)[0] == []
    assert shop.topic.published == []


def test_an_event_of_an_earlier_try_does_nothing(shop: Shop) -> None:
    execution = shop.of(wait())
    assert shop.take(execution, "rest", attempt=2)["outcome"] == "failed"
    assert shop.executions.step(execution.id, "", "rest") is None
    assert shop.take(execution, "rest", attempt=1)["outcome"] == "done"


def test_what_a_dead_function_was_about_is_noted(shop: Shop) -> None:
    execution = shop.of(wait(), wait("after"))
    lost = {"block": "rest", "error": "Sandbox.Timedout"}
    told = end(shop, execution, "fail", lost=lost)
    assert told["code"] == "function-failed"
    step = shop.step(execution, "rest")
    assert (step.status, step.error) == (
        "failed",
        {"code": "function-failed", "detail": "the function failed over it: Sandbox.Timedout"},
    )
    ended = shop.now(execution)
    assert ended.error is not None
    assert ended.error["block"] == "rest"


def test_a_step_that_ended_before_its_function_died_stays_as_it_is(shop: Shop) -> None:
    execution = shop.of(wait(), wait("after"))
    shop.take(execution, "rest")
    step = shop.step(execution, "rest")
    lost = {"block": "rest", "error": "Sandbox.Timedout"}
    assert shop.take(execution, "after", lost=lost)["outcome"] == "done"
    assert shop.step(execution, "rest") == step
    told = end(shop, execution, "fail", lost=lost)
    assert told["detail"] == "rest: the function failed over it: Sandbox.Timedout"


def test_a_branch_that_fails_fails_the_parallel_block(shop: Shop) -> None:
    both = {
        "id": "both",
        "type": "parallel",
        "branches": [{"blocks": [wait("left")]}, {"blocks": [breaks("right")]}],
    }
    execution = shop.of(both, wait("after"))
    ended = shop.run(execution)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["block"] == "right"
    assert shop.step(execution, "left").status == "succeeded"
    assert shop.step(execution, "both").error is not None
    assert shop.executions.step(execution.id, "", "after") is None


def test_a_workflow_that_was_deleted_meanwhile_ends_as_failed(shop: Shop) -> None:
    workflow = shop.workflow(wait())
    execution = shop.begin(workflow)
    assert shop.workflows.delete(workflow, "tests")
    assert shop.take(execution, "rest")["outcome"] == "failed"
    assert end(shop, execution, "fail")["code"] == "workflow-gone"
    assert shop.now(execution).status == "failed"


def test_a_step_of_a_later_try_is_not_overwritten_by_a_function_of_an_earlier_one(
    shop: Shop,
) -> None:
    execution = shop.of(wait())
    shop.take(execution, "rest")
    later = replace(shop.step(execution, "rest"), attempt=2, status="running")
    assert shop.executions.save(later)
    assert shop.take(execution, "rest")["outcome"] == "failed"
    assert shop.step(execution, "rest") == later


@pytest.mark.parametrize("meanwhile", [{"attempt": 2, "status": "waiting"}, {}])
def test_a_slow_function_notes_nothing_over_what_another_one_did(
    shop: Shop, meanwhile: Json
) -> None:
    execution = shop.of({"id": "ask", "type": "approval", "message": "?", "deadline": "1h"})
    shop.take(execution, "ask", token="t")
    seen = shop.step(execution, "ask")
    other = replace(seen, **{"status": "succeeded", "branch": "approve", "token": "u", **meanwhile})
    assert shop.executions.save(other)
    version = shop.workflows.version(execution.workflow_id, 1)
    assert version is not None
    document = parsed(version.document)
    assert isinstance(document, Document)
    slow = Place(shop.worker.tools, execution, Graph(document), seen, None, "slow", "t")
    with pytest.raises(RuntimeError, match="another function has done ask"):
        slow.keep(status="waiting", token="t")
    assert shop.step(execution, "ask") == other


def test_a_result_that_is_too_large_is_a_failure(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollcall.workflows.work.LARGEST", 10)
    execution = shop.of(wait())
    assert shop.take(execution, "rest")["outcome"] == "failed"
    step = shop.step(execution, "rest")
    assert step.error is not None
    assert (step.error["code"], step.output) == ("too-large", None)


def test_of_a_large_input_what_is_small_is_kept(shop: Shop) -> None:
    tell = {"id": "tell", "type": "notification", "subject": "s", "message": "{{ inputs.text }}"}
    execution = shop.of(tell, inputs={"text": "x" * 90_000})
    assert shop.run(execution).status == "succeeded"
    kept = shop.step(execution, "tell").input
    assert (kept["subject"], kept["message"]) == ("s", "(too large to be kept)")
    assert len(shop.topic.published[0]["Message"]) == 90_000


def test_an_execution_that_is_not_there_is_an_error(shop: Shop) -> None:
    with pytest.raises(LookupError):
        shop.worker.take({"execution": "none", "at": "", "step": "end"}, "me")


def test_a_setting_that_is_missing_is_named() -> None:
    whole = {"API_URL": "https://x/", "LINK_SECRET_ARN": "arn", "REPORT_BUCKET": "bucket"}
    assert WorkSettings.from_environment(whole).api_url == "https://x"
    for name in whole:
        with pytest.raises(KeyError, match=name):
            WorkSettings.from_environment({n: v for n, v in whole.items() if n != name})


def _redriven(shop: Shop, execution: Execution) -> Execution:
    assert shop.executions.end(shop.now(execution), "failed")
    redriven = shop.executions.reopen(shop.now(execution), "tests")
    assert redriven is not None
    return redriven
