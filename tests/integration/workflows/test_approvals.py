"""Approvals: asked for, decided once, and never lost."""

import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from rollcall.items import Item, from_item
from rollcall.workflows import approvals, links
from rollcall.workflows.approvals import Decision
from rollcall.workflows.executions import Execution
from rollcall.workflows.links import Link
from tests.integration.workflows.conftest import API, Json, Shop, attributes
from tests.integration.workflows.hook import Hook, listening

KEY = b"k" * 64


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as found:
        yield found


def ask(**more: Any) -> Json:
    return {
        "id": "ask",
        "type": "approval",
        "message": "Delete {{ inputs.who }}?",
        "deadline": "8h",
        "ask": {"email": ["boss@northwind.example"]},
        **more,
    }


AFTER = {"id": "after", "type": "wait", "for": "1s"}


def asked(shop: Shop, **more: Any) -> Execution:
    execution = shop.of(ask(**more), AFTER, inputs={"who": "Zed"})
    assert shop.take(execution, "ask", token="token")["outcome"] == "waits"
    return execution


def decide(shop: Shop, execution: Execution, decision: Decision, actor: str = "ann") -> Any:
    step = shop.step(execution, "ask")
    return approvals.decide(shop.executions, shop.steps, step, decision, actor, "fine")


def told(execution: Execution, outcome: str, attempt: int = 1) -> Json:
    return {"execution": execution.id, "at": "", "attempt": attempt, "outcome": outcome}


def late(shop: Shop, execution: Execution) -> str:
    said = {"execution": execution.id, "at": "", "step": "late", "block": "ask"}
    return str(shop.worker.take(said, uuid.uuid4().hex)["outcome"])


def in_mail(shop: Shop) -> dict[str, str]:
    """The two links of the last message."""
    text = shop.topic.published[-1]["Message"]
    return {name.lower(): url for name, url in re.findall(r"(Approve|Deny): (\S+)", text)}


@pytest.mark.parametrize(("decision", "outcome"), [("approve", "done"), ("deny", "deny")])
def test_a_decision_ends_the_wait(shop: Shop, decision: Decision, outcome: str) -> None:
    execution = asked(shop)
    step = shop.step(execution, "ask")
    assert (step.status, step.token) == ("waiting", "token")
    assert shop.steps.told == {}
    assert decide(shop, execution, decision) == "decided"
    assert shop.steps.told == {"token": told(execution, outcome)}
    step = shop.step(execution, "ask")
    assert step.status == "succeeded"
    assert step.output == {"decision": decision, "by": "ann", "comment": "fine"}
    audit = [one for one in _audit(shop, execution.id) if one["verb"] == "decide"]
    assert [one["actor"] for one in audit] == ["ann"]


def test_approvers_get_two_links_that_say_which_step_they_are_for(shop: Shop, hook: Hook) -> None:
    more = {"email": ["boss@northwind.example"], "webhook": f"{hook.url}/s3cret-path"}
    execution = asked(shop, ask=more)
    (message,) = shop.topic.published
    assert json.loads(attributes(message)["contacts"]) == ["boss@northwind.example"]
    assert attributes(message)["workflow_id"] == execution.workflow_id
    assert "Delete Zed?" in message["Message"]
    body = hook.bodies[0]
    for name, url in in_mail(shop).items():
        assert body[name] == url
        parts = urlsplit(url)
        assert url.startswith(f"{API}/v1/approvals/")
        assert parse_qs(parts.query) == {"decision": [name]}
        link = links.read(KEY, parts.path.rpartition("/")[2], datetime.now(UTC))
        assert isinstance(link, Link)
        assert (link.execution_id, link.at, link.block) == (execution.id, "", "ask")
        until = datetime.fromisoformat(link.until) - datetime.now(UTC)
        assert timedelta(hours=7) < until <= timedelta(hours=8)
    kept = shop.stored(execution)
    assert "s3cret-path" not in kept
    assert in_mail(shop)["approve"].rpartition("/")[2].partition(".")[0] not in kept


def test_deciding_twice_counts_once(shop: Shop) -> None:
    execution = asked(shop)
    assert decide(shop, execution, "deny") == "decided"
    assert decide(shop, execution, "deny", "bob") == "repeated"
    assert decide(shop, execution, "approve", "bob") == "decided-otherwise"
    step = shop.step(execution, "ask")
    assert (step.branch, step.decided_by) == ("deny", "ann")


def test_two_who_decide_in_the_same_moment(shop: Shop) -> None:
    execution = asked(shop)
    seen = shop.step(execution, "ask")
    assert decide(shop, execution, "approve") == "decided"
    stale = approvals.decide(shop.executions, shop.steps, seen, "deny", "bob")
    assert stale == "decided-otherwise"
    assert shop.steps.told == {"token": told(execution, "done")}


def test_nothing_is_decided_after_the_end(shop: Shop) -> None:
    execution = asked(shop)
    assert shop.executions.cancel(shop.now(execution), "tests")
    assert decide(shop, execution, "approve") == "over"
    assert shop.step(execution, "ask").branch is None
    assert shop.steps.told == {}


def test_what_was_decided_is_said_also_after_the_end(shop: Shop) -> None:
    execution = asked(shop)
    assert decide(shop, execution, "approve") == "decided"
    assert shop.executions.end(shop.now(execution), "succeeded")
    assert decide(shop, execution, "approve", "bob") == "repeated"
    assert decide(shop, execution, "deny", "bob") == "decided-otherwise"
    step = shop.step(execution, "ask")
    assert (step.branch, step.decided_by) == ("approve", "ann")


def test_a_decision_that_could_not_be_told_is_told_later(shop: Shop) -> None:
    execution = asked(shop)
    shop.steps.down = True
    assert decide(shop, execution, "approve") == "decided"
    step = shop.step(execution, "ask")
    assert (step.status, step.branch) == ("waiting", "approve")
    shop.steps.down = False
    # Whoever looks after executions, or decides again, tells it.
    assert approvals.settle(shop.executions, shop.steps, step)
    assert shop.steps.told == {"token": told(execution, "done")}
    assert shop.step(execution, "ask").status == "succeeded"
    assert not approvals.settle(shop.executions, shop.steps, shop.step(execution, "ask"))


def test_a_token_that_timed_out_is_no_error(shop: Shop) -> None:
    execution = asked(shop)
    shop.steps.gone.add("token")
    assert decide(shop, execution, "approve") == "decided"
    assert shop.step(execution, "ask").status == "succeeded"
    # The state machine has taken the way of the deadline, and is told the decision there.
    assert late(shop, execution) == "done"


def test_a_function_that_is_started_again_has_the_wait_end_by_its_own_token(shop: Shop) -> None:
    execution = asked(shop)
    assert shop.take(execution, "ask", token="another")["outcome"] == "waits"
    assert len(shop.topic.published) == 1, "nobody is asked twice"
    assert decide(shop, execution, "approve") == "decided"
    assert shop.steps.told == {"another": told(execution, "done")}


def test_a_function_that_comes_after_the_decision_is_told_it(shop: Shop) -> None:
    execution = asked(shop)
    shop.steps.down = True
    decide(shop, execution, "deny")
    shop.steps.down = False
    shop.take(execution, "ask", token="another")
    assert shop.steps.told == {"another": told(execution, "deny")}
    shop.take(execution, "ask", token="third")
    assert shop.steps.told["third"] == told(execution, "deny")


@pytest.mark.parametrize(
    ("said", "outcome"),
    [("deny", "deny"), ("approve", "done"), ({"go_to": "after"}, "late")],
)
def test_a_deadline_that_passes_decides(shop: Shop, said: Any, outcome: str) -> None:
    execution = asked(shop, on_deadline=said)
    assert late(shop, execution) == outcome
    assert late(shop, execution) == outcome, "and does so again"
    step = shop.step(execution, "ask")
    assert (step.status, step.output["decision"], step.output["by"]) == (
        "succeeded",
        "late",
        "deadline",
    )
    assert decide(shop, execution, "approve") == "decided-otherwise"


def test_a_decision_that_is_kept_wins_over_a_deadline_that_passes(shop: Shop) -> None:
    execution = asked(shop)
    shop.steps.down = True
    assert decide(shop, execution, "approve") == "decided"
    assert late(shop, execution) == "done"
    assert shop.step(execution, "ask").output["decision"] == "approve"


def test_a_redriven_execution_keeps_its_decision(shop: Shop) -> None:
    execution = shop.of(ask(), {"id": "set", "type": "update", "target": "person", "set": {"a": 1}})
    shop.take(execution, "ask", token="token")
    decide(shop, execution, "approve")
    assert shop.take(execution, "set")["outcome"] == "failed"
    assert shop.executions.end(shop.now(execution), "failed")
    redriven = shop.executions.reopen(shop.now(execution), "tests")
    assert redriven is not None
    shop.take(redriven, "ask", token="second")
    assert shop.steps.told["second"] == told(execution, "done", 2)
    assert len(shop.topic.published) == 1


def test_whoever_cannot_be_told_is_noted_and_it_waits_all_the_same(shop: Shop, hook: Hook) -> None:
    shop.topic.down = True
    hook.answers = [500, 500]
    execution = asked(
        shop, ask={"email": ["boss@northwind.example"], "webhook": f"{hook.url}/x?key=s3cret"}
    )
    notes = shop.step(execution, "ask").notes
    assert [note.partition(":")[0] for note in notes] == [
        "could not ask boss@northwind.example by mail",
        "could not ask 127.0.0.1",
    ]
    assert "s3cret" not in shop.stored(execution)
    assert decide(shop, execution, "approve") == "decided"


@pytest.mark.parametrize(("approves", "outcome"), [(True, "done"), (False, "deny")])
def test_a_test_is_decided_at_once_and_asks_nobody(
    shop: Shop, approves: bool, outcome: str
) -> None:
    execution = shop.of(ask(), AFTER, mode="test", approves=approves)
    shop.take(execution, "ask", token="token")
    assert shop.steps.told == {"token": told(execution, outcome)}
    assert shop.topic.published == []


def test_later_blocks_see_the_decision(shop: Shop) -> None:
    holds = {"field": "steps.ask.decision", "op": "equals", "value": "approve"}
    way = {"id": "way", "type": "decision", "branches": [{"when": holds, "go_to": "after"}]}
    execution = shop.of(ask(), way, {**AFTER, "id": "other"}, AFTER)
    shop.take(execution, "ask", token="token")
    shop.steps.down = True
    decide(shop, execution, "approve")
    shop.steps.down = False
    assert shop.take(execution, "way")["outcome"] == "branch-0"


def test_a_message_that_cannot_be_made_is_a_failure(shop: Shop) -> None:
    execution = shop.of(ask(message="{{ inputs.who | number }}"), inputs={"who": "x"})
    shop.take(execution, "ask", token="token")
    assert shop.steps.told == {"token": told(execution, "failed")}
    assert shop.step(execution, "ask").status == "failed"


def _audit(shop: Shop, object_id: str) -> list[Item]:
    found = shop.house.config.client.scan(TableName=shop.house.config.name)["Items"]
    return [item for item in map(from_item, found) if item.get("object_id") == object_id]
