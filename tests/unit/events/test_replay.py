"""What was parked is published with one command."""

import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from rollcall.events import publishing
from rollcall.events.feed import Feed
from rollcall.events.model import Event
from rollcall.events.publishing import Publisher
from rollcall.events.replay import replay
from tests.unit.events.test_publishing import Bus

IMAGE: dict[str, Any] = {
    "pk": {"S": "PERSON#p1"},
    "sk": {"S": "PERSON"},
    "id": {"S": "p1"},
    "fields": {"M": {}},
    "version": {"N": "1"},
}


class Queue:
    """SQS: what is received is hidden, what is deleted is gone."""

    def __init__(self) -> None:
        self.messages: dict[str, tuple[int, str]] = {}
        self.hidden: set[str] = set()

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803
        assert QueueUrl == "parked"
        # The first messages are from long ago, what a replay parks again is not.
        sent = 10**15 if self.hidden else 0
        self.messages[f"{len(self.messages)}-{sent}"] = (sent, MessageBody)

    def receive_message(self, **_: Any) -> dict[str, Any]:
        seen = [handle for handle in self.messages if handle not in self.hidden][:10]
        self.hidden.update(seen)
        return {
            "Messages": [
                {
                    "ReceiptHandle": handle,
                    "Body": self.messages[handle][1],
                    "Attributes": {"SentTimestamp": str(self.messages[handle][0])},
                }
                for handle in seen
            ]
        }

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        assert QueueUrl == "parked"
        del self.messages[ReceiptHandle]


class NoTable:
    """A person's change needs nothing to be read."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_PAUSE", 0)


def parked(bus: Bus, queue: Queue) -> tuple[Publisher, Feed]:
    publisher = Publisher(bus, queue, "bus", "parked", Logger(service="test"))
    nothing: Any = NoTable()
    return publisher, Feed(publisher, nothing, nothing)


def test_parked_events_and_records_go_out_and_leave_the_queue() -> None:
    queue = Queue()
    publisher, feed = parked(Bus({"1": 99}), queue)
    publisher.publish([Event("1", "Sync Started", "now", {}), Event("2", "Sync Held", "now", {})])
    record = {
        "eventID": "c1",
        "dynamodb": {"NewImage": IMAGE, "ApproximateCreationDateTime": 1.0},
    }
    publisher.park({"record": record}, "ValueError: once")
    assert len(queue.messages) == 2
    bus = Bus()
    publisher, feed = parked(bus, queue)
    told = replay(queue, "parked", publisher, feed)
    assert (told.published, told.failed) == (2, 0)
    assert queue.messages == {}
    assert len(bus.taken) == 2


def test_what_fails_again_is_parked_again_and_tried_once() -> None:
    queue = Queue()
    publisher, feed = parked(Bus({"1": 99}), queue)
    publisher.publish([Event("1", "Sync Started", "now", {})])
    told = replay(queue, "parked", publisher, feed)
    assert (told.published, told.failed) == (0, 1)
    assert len(queue.messages) == 1


def test_a_record_of_which_no_event_can_be_made_is_parked_whole_and_the_rest_goes_on() -> None:
    queue, bus = Queue(), Bus()
    _, feed = parked(bus, queue)
    broken = {"eventID": "c0", "dynamodb": {"ApproximateCreationDateTime": 1.0}}
    good = {"eventID": "c1", "dynamodb": {"NewImage": IMAGE, "ApproximateCreationDateTime": 1.0}}
    assert feed.take([broken, good]) == 1
    assert len(bus.taken) == 1
    [(_, body)] = queue.messages.values()
    assert json.loads(body)["record"] == broken
