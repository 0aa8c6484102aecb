"""From a write to its event on the bus, through the deployed template's stream and function."""

import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.figures import Figure, at_most, reported
from local import deployment
from local.stack import ROOT
from rollcall.aws import Aws
from rollcall.tables import Table

STACK = "bench"
MOST_SECONDS = 2
BURST = 500
_PATIENCE_SECONDS = 120
_WARMING = 3
"""Writes that start the function, and count for nothing."""


@dataclass
class Subscriber:
    """A queue with a rule on the bus, as another system has it."""

    sqs: Any
    queue: str

    def wait_for(self, wanted: set[str]) -> float:
        """The moment at which the last of these accounts was told of. Raises TimeoutError."""
        left = set(wanted)
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
            came = time.monotonic()
            for message in answer.get("Messages", []):
                account = json.loads(message["Body"])["detail"].get("account") or {}
                left.discard(account.get("external_id"))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            if not left:
                return came
            if not answer.get("Messages"):
                time.sleep(0.01)
        raise TimeoutError(f"{len(left)} events did not come")


def measure(rounds: int, endpoint: str) -> list[Figure]:
    """The figures of single writes, of which the slowest is limited, and of many at once."""
    outputs = deployment.deploy_source(endpoint, ROOT, STACK, {"AllowHosts": ""})
    directory = Table(Aws().dynamodb, outputs["DirectoryTable"])
    with _subscribed(endpoint, outputs["EventBus"]) as subscriber:
        took = [_one(directory, subscriber, number) for number in range(_WARMING + 3 * rounds)]
        names = {f"burst-{number}" for number in range(BURST)}
        began = time.monotonic()
        directory.write_many(_account(name) for name in names)
        written = time.monotonic()
        came = subscriber.wait_for(names)
    single = took[_WARMING:]
    return [
        reported("write to event on the bus, median (s)", statistics.median(single)),
        at_most("write to event on the bus, slowest (s)", max(single), MOST_SECONDS, "2 s"),
        reported(f"{BURST} writes to their last event (s)", came - began, written - began),
    ]


def _one(directory: Table, subscriber: Subscriber, number: int) -> float:
    name = f"single-{number}"
    began = time.monotonic()
    directory.put(_account(name))
    return subscriber.wait_for({name}) - began


def _account(name: str) -> dict[str, Any]:
    """An account as a sync stores it."""
    return {
        "pk": "I#bench",
        "sk": f"ACCOUNT#{name}",
        "integration_id": "bench",
        "external_id": name,
        "email": f"{name}@northwind.example",
        "status": "active",
        "attributes": json.dumps({"id": name, "firstName": "Sam"}),
        "version": 1,
        "run_id": "run",
        "by": "sync",
    }


@contextmanager
def _subscribed(endpoint: str, bus: str) -> Iterator[Subscriber]:
    sqs, events = (deployment.client(endpoint, name) for name in ("sqs", "events"))
    queue = sqs.create_queue(QueueName="bench-subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    pattern = json.dumps({"source": ["rollcall"]})
    events.put_rule(Name="bench", EventBusName=bus, EventPattern=pattern)
    target = {"Id": "queue", "Arn": arn["QueueArn"]}
    events.put_targets(Rule="bench", EventBusName=bus, Targets=[target])
    yield Subscriber(sqs, queue)
    events.remove_targets(Rule="bench", EventBusName=bus, Ids=["queue"])
    events.delete_rule(Name="bench", EventBusName=bus)
