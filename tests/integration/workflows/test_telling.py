"""Notifications: whom they reach, and that nobody is told twice."""

import json
import math
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.integration.workflows.conftest import Json, Killed, Shop, attributes
from tests.integration.workflows.hook import Hook, listening

MAIL = ["it@northwind.example"]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as found:
        yield found


def tell(**more: Any) -> Json:
    return {
        "id": "tell",
        "type": "notification",
        "subject": "{{ inputs.who }} leaves - Grüße",
        "message": "Please collect the badge of {{ inputs.who }}.",
        **more,
    }


ZED = {"inputs": {"who": "Zed"}}


def test_the_topic_the_addresses_and_the_webhook_are_told(shop: Shop, hook: Hook) -> None:
    execution = shop.of(tell(email=MAIL, webhook=f"{hook.url}/s3cret"), **ZED)
    assert shop.run(execution).status == "succeeded"
    (message,) = shop.topic.published
    assert message["Subject"] == "Zed leaves - Gr??e"
    assert message["Message"] == "Please collect the badge of Zed."
    told = attributes(message)
    assert (told["kind"], told["workflow_id"]) == ("workflow", execution.workflow_id)
    assert json.loads(told["contacts"]) == MAIL
    assert hook.bodies == [
        {
            "subject": "Zed leaves - Grüße",
            "message": "Please collect the badge of Zed.",
            "workflow": "Leaving",
            "execution_id": execution.id,
        }
    ]
    assert shop.step(execution, "tell").output == {"sent": ["topic", *MAIL, "127.0.0.1"]}
    assert "s3cret" not in shop.stored(execution)


def test_a_webhook_that_fails_is_called_once_more_and_not_after_it_took_it(
    shop: Shop, hook: Hook
) -> None:
    hook.answers = [503]
    execution = shop.of(tell(webhook=hook.url), **ZED)
    assert shop.run(execution).status == "succeeded"
    assert len(hook.bodies) == 2


@pytest.mark.parametrize(("answers", "calls"), [([500, 500], 2), ([404], 1), ([302], 1)])
def test_a_webhook_that_does_not_take_it_is_a_failure(
    shop: Shop, hook: Hook, answers: list[int], calls: int
) -> None:
    hook.answers = list(answers)
    execution = shop.of(tell(webhook=f"{hook.url}/s3cret"), **ZED)
    ended = shop.run(execution)
    assert ended.error is not None
    assert ended.error["code"] == "not-told"
    assert str(answers[-1]) in ended.error["detail"]
    assert len(hook.bodies) == calls
    assert "s3cret" not in shop.stored(execution)


def test_a_redrive_tells_only_those_who_were_not_told(shop: Shop, hook: Hook) -> None:
    hook.answers = [404]
    execution = shop.of(tell(webhook=hook.url), **ZED)
    ended = shop.run(execution)
    assert ended.status == "failed"
    failures = len(shop.topic.published)
    redriven = shop.executions.reopen(ended, "tests")
    assert redriven is not None
    assert shop.run(redriven).status == "succeeded"
    assert len(shop.topic.published) == failures
    assert len(hook.bodies) == 2


@pytest.mark.parametrize(
    "address", ["http://example.com/x", "https://10.0.0.1/x", "https://localhost/x", "ftp://x", ""]
)
def test_only_public_https_is_called(shop: Shop, address: str) -> None:
    execution = shop.of(tell(webhook="{{ inputs.hook }}"), inputs={"who": "Zed", "hook": address})
    ended = shop.run(execution)
    assert ended.error is not None
    assert ended.error["code"] in ("not-told", "invalid-input")


def test_a_topic_that_cannot_be_reached_is_a_failure(shop: Shop) -> None:
    shop.topic.down = True
    ended = shop.run(shop.of(tell(), **ZED))
    assert ended.error is not None
    assert ended.error["code"] == "not-told"


def test_a_deployment_without_a_topic_says_so(shop: Shop, hook: Hook) -> None:
    shop.restart(notice_topic="")
    execution = shop.of(tell(email=MAIL, webhook=hook.url), **ZED)
    assert shop.run(execution).status == "succeeded"
    step = shop.step(execution, "tell")
    assert step.output == {"sent": ["127.0.0.1"]}
    assert "no notice topic" in step.notes[0]


def test_a_test_tells_nobody(shop: Shop, hook: Hook) -> None:
    execution = shop.of(tell(webhook=hook.url, email=MAIL), mode="test", **ZED)
    assert shop.run(execution).status == "succeeded"
    assert (shop.topic.published, hook.bodies) == ([], [])
    assert shop.step(execution, "tell").input["message"] == "Please collect the badge of Zed."


def test_a_function_killed_at_any_write_tells_the_webhook_no_more_than_twice(
    shop: Shop, hook: Hook
) -> None:
    for lives in count():
        execution = shop.of(tell(webhook=hook.url), **ZED)
        shop.aws.lives = lives
        mails, calls = len(shop.topic.published), len(hook.bodies)
        try:
            shop.take(execution, "tell")
        except Killed:
            shop.aws.lives = math.inf
            assert shop.take(execution, "tell")["outcome"] == "done"
        else:
            shop.aws.lives = math.inf
            break
        # Only a function that is killed between telling and noting it tells twice.
        assert 1 <= len(shop.topic.published) - mails <= 2
        assert 1 <= len(hook.bodies) - calls <= 2
        twice = len(shop.topic.published) - mails + len(hook.bodies) - calls
        assert twice <= 3
    assert lives > 3
