"""Publishing what was parked."""

import json
import time
from dataclasses import dataclass
from typing import Any

from rollcall.aws import Client
from rollcall.events.feed import Feed
from rollcall.events.publishing import Publisher


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many parked messages went out, and how many stay parked."""

    published: int
    failed: int


def replay(sqs: Client, queue: str, publisher: Publisher, feed: Feed) -> Replayed:
    """Publish everything that was parked until now, oldest first as far as the queue keeps order.

    What fails again is parked again, and not tried a second time here.
    """
    started = time.time() * 1000
    published = failed = 0
    while True:
        answer = sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        messages = [
            message
            for message in answer.get("Messages", [])
            if int(message["Attributes"]["SentTimestamp"]) < started
        ]
        if not messages:
            return Replayed(published, failed)
        for message in messages:
            parked = _sent(json.loads(message["Body"]), publisher, feed)
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            failed += bool(parked)
            published += not parked


def _sent(body: dict[str, Any], publisher: Publisher, feed: Feed) -> int:
    """Publish one message's entry, or the events of its record; how many were parked again."""
    if "record" in body:
        return feed.take([body["record"]])
    return publisher.send([body["entry"]])
