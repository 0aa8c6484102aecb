"""Events onto the bus, in order; what cannot be published is parked whole, and nothing is lost."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from rollcall.aws import Client
from rollcall.events.model import SOURCE, Event

AT_ONCE = 10
_LARGEST_CALL = 240_000
_TRIES = 5
_PAUSE = 0.1

Entry = dict[str, Any]


class Publisher:
    """Puts events onto one bus. `parked` is the queue of those that the bus does not take."""

    def __init__(self, events: Client, sqs: Client, bus: str, parked: str, logger: Logger) -> None:
        self._events = events
        self._sqs = sqs
        self._bus = bus
        self._parked = parked
        self._log = logger

    def publish(self, events: Sequence[Event]) -> int:
        """Publish in order; how many had to be parked. Raises ClientError where not even that
        works: then nothing of the batch counts as done.
        """
        return self.send([self._entry(event) for event in events])

    def send(self, entries: Sequence[Entry]) -> int:
        """The same for entries as `park` keeps them."""
        parked = 0
        fit = [entry for entry in entries if _weight(entry) <= _LARGEST_CALL]
        for entry in entries:
            if _weight(entry) > _LARGEST_CALL:
                self.park({"entry": entry}, "it is larger than the bus takes")
                parked += 1
        for batch in _batches(fit):
            for entry, error in self._put(batch):
                self.park({"entry": entry}, error)
                parked += 1
        return parked

    def park(self, what: Mapping[str, Any], error: str) -> None:
        """Keep an entry, or a stored change that makes no events, to be replayed."""
        body = json.dumps({**what, "error": error}, default=str)
        self._sqs.send_message(QueueUrl=self._parked, MessageBody=body)
        self._log.error("an event was parked", error=error)

    def _entry(self, event: Event) -> Entry:
        return {
            "Source": SOURCE,
            "DetailType": event.type,
            "Time": event.at,
            "Detail": event.text,
            "EventBusName": self._bus,
        }

    def _put(self, batch: Sequence[Entry]) -> list[tuple[Entry, str]]:
        """The entries that the bus did not take in several tries, each with why."""
        waiting = list(batch)
        for attempt in range(_TRIES):
            answer = self._events.put_events(Entries=waiting)
            results = zip(waiting, answer["Entries"], strict=True)
            failed = [(entry, result) for entry, result in results if "ErrorCode" in result]
            if not failed:
                return []
            waiting = [entry for entry, _ in failed]
            time.sleep(_PAUSE * 2**attempt)
        return [
            (entry, f"{result['ErrorCode']}: {result.get('ErrorMessage', '')}")
            for entry, result in failed
        ]


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        heavy = _weight(entry)
        if batch and (len(batch) == AT_ONCE or size + heavy > _LARGEST_CALL):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += heavy
    if batch:
        yield batch


def _weight(entry: Entry) -> int:
    """Bytes of an entry in a call, with everything around its detail."""
    return len(entry["Detail"].encode()) + 300
