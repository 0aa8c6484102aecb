"""The line before an app: where many want the same app at once, each is told when it is its turn.

The app's own limiter paces calls that are made now; a function that waits there costs money, and a
thousand of them cost the limiter its table. So whoever comes takes a place in line by moving the
line's end on by the calls that it will make, and comes back then. How many those are is a guess: if
the limiter has more to do than a moment's work by then, one stands in line once more.
"""

import math
import random
import time

import httpx

from rollcall.connectors.limiter import interval_ms
from rollcall.connectors.presets import CHANGING, Preset
from rollcall.integrations.model import RateLimit
from rollcall.items import to_item
from rollcall.tables import Table

NEAR_SECONDS = 5.0
"""Whose turn comes so soon goes on at once: the limiter has room for that."""
_KEPT_SECONDS = 86_400


def calls_of(preset: Preset) -> int:
    """About how many calls one use of a preset makes: what it reads first, its request, the look
    for somebody it is to make, whose the key is, and the look at somebody it has changed.
    """
    asks = preset.does in ("create", "delete", "deactivate")
    return len(preset.reads) + 1 + asks + (preset.does in CHANGING)


def seconds_until_turn(
    runs: Table, base_url: str, rate: RateLimit, calls: int, *, waited: bool = False
) -> float:
    """How long it is until so many calls can be made; 0: now. Whoever has `waited` so long has had
    their place in line.
    """
    host = httpx.URL(base_url).netloc.decode()
    crowded = _limiter_seconds(runs, host) > NEAR_SECONDS
    if waited and not crowded:
        return 0.0
    turn = _place(runs, host, math.ceil(calls * interval_ms(rate, single=True)))
    if crowded:
        return max(turn, NEAR_SECONDS) + random.uniform(0, NEAR_SECONDS)  # noqa: S311 - no secret
    return turn if turn > NEAR_SECONDS else 0.0


def _limiter_seconds(runs: Table, host: str) -> float:
    """How far ahead the app's limiter has given away its turns."""
    item = runs.get("LIMIT", host)
    return (item["next_at"] - _now()) / 1000 if item is not None else 0.0


def _place(runs: Table, host: str, span: int) -> float:
    """Take a place in line for so many milliseconds; the seconds until they begin."""
    while True:
        now = _now()
        for value, condition, moved in (
            ("next_at + :by", "next_at > :now", span),
            (":by", "attribute_not_exists(next_at) OR next_at <= :now", now + span),
        ):
            end = _moved(runs, host, value, condition, {":by": moved, ":now": now})
            if end is not None:
                return max(0.0, (end - span - now) / 1000)


def _moved(
    runs: Table, host: str, value: str, condition: str, values: dict[str, int]
) -> int | None:
    expires = values[":now"] // 1000 + _KEPT_SECONDS
    try:
        answer = runs.client.update_item(
            TableName=runs.name,
            Key=to_item({"pk": "LINE", "sk": host}),
            UpdateExpression=f"SET next_at = {value}, expires_at = :expires",
            ConditionExpression=condition,
            ExpressionAttributeValues=to_item({**values, ":expires": expires}),
            ReturnValues="UPDATED_NEW",
        )
    except runs.client.exceptions.ConditionalCheckFailedException:
        return None
    return int(answer["Attributes"]["next_at"]["N"])


def _now() -> int:
    return time.time_ns() // 1_000_000
