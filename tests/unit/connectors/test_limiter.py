"""Turns are even, ahead by a second at most, and one host's turns are never given out twice."""

import random
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from moto import mock_aws

from local.vendors.limit import Window
from rollcall.aws import Aws
from rollcall.connectors.limiter import _LIVE, LATE_MS, MARGIN, QUEUE_MS, Limiter, interval_ms
from rollcall.integrations.model import RateLimit
from rollcall.tables import Table

FIVE = RateLimit(5, 1)
FAST = RateLimit(1000, 1)


class Counting:
    """A DynamoDB client that counts the writes that were taken."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.exceptions = client.exceptions
        self.taken: list[int] = []
        self.asked = 0

    def update_item(self, **request: Any) -> Any:
        self.asked += 1
        answer = self._client.update_item(**request)
        self.taken.append(int(answer["Attributes"]["next_at"]["N"]))
        return answer


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = Aws().dynamodb
        client.create_table(
            TableName="runs",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        yield Table(Counting(client), "runs")


def stored(runs: Table) -> int:
    taken: list[int] = runs.client.taken
    return taken[-1]


def test_turns_beyond_the_horizon_are_not_given_out(runs: Table) -> None:
    # Somebody has every turn of the next hour.
    busy = Limiter(runs, "app:443", RateLimit(1, 3600), ahead=1)
    assert busy._reserve() > 0
    waiting = Limiter(runs, "app:443", FAST, ahead=1)
    now = int(time.time() * 1000)
    live = {":now": now, ":horizon": now + QUEUE_MS, ":span": 1}
    assert waiting._move("next_at + :span", _LIVE, live) is None
    assert stored(runs) > time.time() * 1000 + QUEUE_MS


def test_who_takes_many_turns_does_not_stand_in_line_behind_who_takes_many(runs: Table) -> None:
    """So that who takes one turn finds a line of about a second, however many runs there are."""
    first = Limiter(runs, "app:443", FIVE)
    first._reserve()
    second, single = Limiter(runs, "app:443", FIVE), Limiter(runs, "app:443", FIVE, ahead=1)
    now = int(time.time() * 1000)
    assert (
        second._move("next_at", _LIVE, {":now": now, ":horizon": now + second._horizon_ms}) is None
    )
    assert single._reserve() < time.time() * 1000 + 1100


def test_a_turn_that_passed_unused_is_given_up(runs: Table) -> None:
    limiter = Limiter(runs, "app:443", FAST, ahead=5)
    limiter.wait()
    time.sleep(0.1)
    limiter.wait()
    assert len(runs.client.taken) == 2


def test_turns_are_even_and_a_little_wider_apart_than_the_limit_asks(runs: Table) -> None:
    limiter = Limiter(runs, "app:443", FIVE)
    first = limiter._reserve()
    second = limiter._reserve()
    assert limiter._ahead == 5
    assert second - first >= 5 * 1000 / 5
    assert second - first == pytest.approx(5 * 1000 / 5 * MARGIN, abs=1)


@pytest.mark.parametrize(
    ("rate", "ahead"),
    [(RateLimit(1, 10), 1), (RateLimit(1, 1), 1), (RateLimit(4, 1), 4), (RateLimit(20, 1), 19)],
)
def test_about_a_second_of_turns_is_reserved_in_one_write(
    runs: Table, rate: RateLimit, ahead: int
) -> None:
    limiter = Limiter(runs, "app:443", rate)
    start = limiter._reserve()
    assert limiter._ahead == ahead
    assert len(runs.client.taken) == 1
    span = ahead * rate.seconds * 1000 * MARGIN / rate.requests
    assert stored(runs) - start == pytest.approx(span, abs=1)


@pytest.mark.parametrize("rate", [FIVE, RateLimit(1, 1), RateLimit(20, 1), RateLimit(300, 60)])
def test_calls_of_many_functions_may_come_late_by_a_moment(rate: RateLimit) -> None:
    chance = random.Random(1)  # noqa: S311 - no secret
    turns = [number * interval_ms(rate, single=True) for number in range(5000)]
    came = sorted(turn + chance.uniform(0, LATE_MS) for turn in turns)
    window = Window()
    quotas = [window.take((rate.requests, rate.seconds), at / 1000) for at in came]
    assert not [one for one in quotas if one is None or one.refused]
    assert interval_ms(rate, single=True) >= interval_ms(rate, single=False)


def test_a_hundred_calls_take_as_many_writes_as_there_are_reservations(runs: Table) -> None:
    limiter = Limiter(runs, "app:443", FAST, ahead=50)
    for _ in range(100):
        limiter.wait()
    # A turn that passes while the machine is busy costs another one.
    assert 2 <= len(runs.client.taken) < 100


def test_two_limiters_of_one_host_never_give_out_the_same_turn(runs: Table) -> None:
    limiters = [Limiter(runs, "app:443", FAST, ahead=ahead) for ahead in (3, 1, 5)]
    spans = []
    for number in range(30):
        limiter = limiters[number % 3]
        start = limiter._reserve()
        spans.append((start, start + limiter._ahead * limiter._interval_ms))
    for (_, end), (start, _) in pairwise(sorted(spans)):
        assert start >= end


def test_hosts_do_not_wait_for_each_other(runs: Table) -> None:
    Limiter(runs, "one:443", RateLimit(1, 3600)).wait()
    Limiter(runs, "two:443", RateLimit(1, 3600)).wait()
    assert len(runs.client.taken) == 2


def test_turns_given_back_are_there_for_the_next(runs: Table) -> None:
    limiter = Limiter(runs, "app:443", RateLimit(1, 100), ahead=10)
    limiter.wait()
    before = stored(runs)
    limiter.release()
    assert stored(runs) == pytest.approx(before - 9 * 100_000 * MARGIN, abs=2)


def test_turns_are_not_given_back_when_somebody_has_turns_after_them(runs: Table) -> None:
    limiter = Limiter(runs, "app:443", RateLimit(10, 1), ahead=9)
    limiter.wait()
    other = Limiter(runs, "app:443", RateLimit(10, 1), ahead=1)
    other._reserve()
    after = stored(runs)
    limiter.release()
    assert stored(runs) == after


def test_threads_in_one_function_share_its_turns(runs: Table) -> None:
    limiter = Limiter(runs, "app:443", FAST, ahead=100)
    threads = [threading.Thread(target=limiter.wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(limiter._left) == 20
    assert list(limiter._left) == sorted(limiter._left)
    assert len(runs.client.taken) < 20


def test_no_window_holds_more_calls_than_the_limit_however_late_they_leave(runs: Table) -> None:
    rate = RateLimit(3, 0.2)
    limiter = Limiter(runs, "app:443", rate, ahead=3)
    left = []
    for number in range(9):
        limiter.wait()
        left.append(limiter._left[-1])
        if number == 2:
            time.sleep(0.05)
    for earlier, later in zip(left, left[rate.requests :], strict=False):
        assert later - earlier >= rate.seconds * 1000
