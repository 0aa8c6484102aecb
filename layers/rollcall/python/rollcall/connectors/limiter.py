"""The app's rate limit, kept before the app has to say so.

Everything that calls one host shares one item in the runs table: the moment the next call may
start. A caller moves that moment on by as many calls as about a second holds and then has those
slots to itself, so there is one write a second and an action waits little longer than that.
Slots are even: no burst when a function starts, none when it wakes up late.
"""

import math
import threading
import time
from collections import deque

from rollcall.integrations.model import RateLimit
from rollcall.items import to_item
from rollcall.tables import Table

MARGIN = 1.04
"""Slots are this much further apart than the limit asks, because calls do not arrive as evenly
as they leave."""
LATE_MS = 150
"""Who takes a single turn shares the line with other functions, and each opens a connection first:
one call may come so much later after its turn than the next one does."""
LEAD_MS = 20
"""The first of several slots lies this far ahead, so that it has not passed when the reservation
returns. Who takes a single turn of an idle line goes at once: the margin has room for the moment
that a reservation takes."""
QUEUE_MS = 10_000
"""Who takes a single turn may stand in line this far ahead of now. Who takes a second's worth at
a time may not begin one before the last is nearly over, so the line is about a second long."""

_LIVE = "next_at > :now AND next_at <= :horizon"
_IDLE = "attribute_not_exists(next_at) OR next_at <= :now"


def interval_ms(rate: RateLimit, *, single: bool) -> float:
    """Milliseconds from one turn to the next, for who takes a `single` one or a second's worth."""
    window = rate.seconds * 1000
    return max(window * MARGIN, window + LATE_MS if single else 0) / rate.requests


class Limiter:
    """Turns for calls to `host`, at `rate`; `ahead` turns are reserved at a time. Thread-safe."""

    def __init__(self, runs: Table, host: str, rate: RateLimit, ahead: int | None = None) -> None:
        self._runs = runs
        self._key = to_item({"pk": "LIMIT", "sk": host})
        self._rate = rate
        self._interval_ms = interval_ms(rate, single=ahead == 1)
        self._ahead = ahead or max(1, round(1000 / self._interval_ms))
        self._horizon_ms = math.ceil(1.2 * self._interval_ms) + (
            50 if self._ahead > 1 else QUEUE_MS
        )
        self._lead_ms = LEAD_MS if self._ahead > 1 else 0
        self._slack_ms = rate.seconds * 1000 * (MARGIN - 1)
        self._slots: deque[float] = deque()
        self._end = 0
        self._left: deque[float] = deque(maxlen=rate.requests)
        self._turn = threading.Lock()

    @property
    def interval(self) -> float:
        """Seconds from one turn to the next."""
        return self._interval_ms / 1000

    def wait(self) -> None:
        """Return when it is this call's turn. Callers wait in line, so turns stay in order."""
        with self._turn:
            # A slot that passed unused is given up: a call that leaves later than the margin has
            # room for would come too close to those of others.
            while self._slots and self._slots[0] + self._slack_ms < _now_ms():
                self._slots.popleft()
            if not self._slots:
                start = self._reserve()
                self._slots.extend(start + i * self._interval_ms for i in range(self._ahead))
            turn = self._slots.popleft()
            if len(self._left) == self._rate.requests:
                # A call that left late must not find the next ones too close behind it.
                turn = max(turn, self._left[0] + self._rate.seconds * 1000 * MARGIN)
            _sleep_until(turn)
            self._left.append(_now_ms())

    def release(self) -> None:
        """Give back the turns that were not taken, unless somebody has turns after them."""
        with self._turn:
            back = math.ceil(max(self._slots[0], _now_ms())) if self._slots else self._end
            if back < self._end:
                self._move(":back", "next_at = :end", {":back": back, ":end": self._end})
            self._slots.clear()

    def _reserve(self) -> float:
        """The first of the slots that are now ours, in ms since the epoch."""
        span = math.ceil(self._ahead * self._interval_ms)
        while True:
            now = int(_now_ms())
            live = {":now": now, ":horizon": now + self._horizon_ms, ":span": span}
            idle = {":now": now, ":end": now + self._lead_ms + span}
            moves = [("next_at + :span", _LIVE, live), (":end", _IDLE, idle)]
            if self._ahead == 1:  # more often than not nobody else calls at the moment
                moves.reverse()
            end = self._move(*moves[0]) or self._move(*moves[1])
            if end is not None:
                self._end = end
                return float(end - span)
            # Somebody has slots beyond the horizon: let those come closer.
            time.sleep(self._interval_ms / 1000)

    def _move(self, value: str, condition: str, places: dict[str, int]) -> int | None:
        client = self._runs.client
        try:
            answer = client.update_item(
                TableName=self._runs.name,
                Key=self._key,
                UpdateExpression=f"SET next_at = {value}",
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item(places),
                ReturnValues="UPDATED_NEW",
            )
        except client.exceptions.ConditionalCheckFailedException:
            return None
        return int(answer["Attributes"]["next_at"]["N"])


def _now_ms() -> float:
    return time.time() * 1000


def _sleep_until(moment_ms: float) -> None:
    while (left := moment_ms - _now_ms()) > 0:
        time.sleep(left / 1000)
