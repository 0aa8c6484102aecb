"""Onto the bus in order, again where it fails, and parked whole where it will not go."""

import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from rollcall.events import publishing
from rollcall.events.model import Event
from rollcall.events.publishing import Publisher


class Bus:
    """EventBridge: refuses each entry as often as `refusals` says of its id."""

    def __init__(self, refusals: dict[str, int] | None = None) -> None:
        self.refusals = dict(refusals or {})
        self.taken: list[str] = []
        self.calls = 0

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert 0 < len(Entries) <= 10
        assert sum(len(entry["Detail"].encode()) for entry in Entries) < 256_000
        self.calls += 1
        return {"Entries": [self._taken(entry) for entry in Entries]}

    def _taken(self, entry: dict[str, Any]) -> dict[str, str]:
        one = json.loads(entry["Detail"])["id"]
        if self.refusals.get(one, 0) > 0:
            self.refusals[one] -= 1
            return {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        self.taken.append(one)
        return {"EventId": one}


class Queue:
    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803
        assert QueueUrl == "parked"
        self.messages.append(json.loads(MessageBody))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_PAUSE", 0)


def publisher(bus: Bus, queue: Queue) -> Publisher:
    return Publisher(bus, queue, "bus", "parked", Logger(service="test"))


def events(count: int, size: int = 10) -> list[Event]:
    return [Event(f"{n}", "Account Updated", "now", {"x": "x" * size}) for n in range(count)]


def test_many_events_go_out_in_order() -> None:
    bus, queue = Bus(), Queue()
    assert publisher(bus, queue).publish(events(25)) == 0
    assert bus.taken == [f"{n}" for n in range(25)]
    assert bus.calls == 3


def test_large_events_share_no_call() -> None:
    bus = Bus()
    publisher(bus, Queue()).publish(events(4, size=150_000))
    assert (len(bus.taken), bus.calls) == (4, 4)


def test_what_a_call_did_not_take_is_sent_again_before_what_follows() -> None:
    bus, queue = Bus({"3": 2}), Queue()
    assert publisher(bus, queue).publish(events(12)) == 0
    assert sorted(bus.taken, key=int) == [f"{n}" for n in range(12)]
    assert bus.taken.index("3") < bus.taken.index("10")
    assert queue.messages == []


def test_what_the_bus_never_takes_is_parked_whole_and_the_rest_goes_on() -> None:
    bus, queue = Bus({"1": 99}), Queue()
    assert publisher(bus, queue).publish(events(12)) == 1
    assert len(bus.taken) == 11
    [message] = queue.messages
    assert json.loads(message["entry"]["Detail"])["id"] == "1"
    assert message["error"] == "ThrottlingException: slow down"


def test_what_is_larger_than_any_call_is_parked_and_stops_nothing() -> None:
    bus, queue = Bus(), Queue()
    large = Event("large", "Person Updated", "now", {"person": "x" * 300_000})
    assert publisher(bus, queue).publish([*events(2), large]) == 1
    assert bus.taken == ["0", "1"]
    assert len(queue.messages) == 1
