"""The line before an app: where many want the same app at once, each is told when it is its turn.

The app's own limiter paces calls that are made now; a function that waits there costs money, and a
thousand of them cost the limiter its table. So whoever comes takes a place in line by moving the
line's end on by the calls that it will make; if that is far off, it comes back then.
"""

import math
import time

import httpx

from rollcall.connectors.limiter import MARGIN
from rollcall.connectors.presets import CHANGING, Preset
from rollcall.integrations.model import RateLimit
from rollcall.items import to_item
from rollcall.tables import Table

NEAR_SECONDS = 5.0
"""Whose turn comes so soon goes on at once: the limiter has room for that."""
_KEPT_SECONDS = 86_400


def calls_of(preset: Preset) -> int:
    """About how many calls one use of a preset makes: what it reads first, its request, the look
    for somebody it is to make, and the look at somebody it has changed.
    """
    return len(preset.reads) + 1 + (preset.does == "create") + (preset.does in CHANGING)


def seconds_until_turn(runs: Table, base_url: str, rate: RateLimit, calls: int) -> float:
    """Take a place in line for so many calls; how long it is until then."""
    host = httpx.URL(base_url).netloc.decode()
    span = math.ceil(calls * rate.seconds * 1000 * MARGIN / rate.requests)
    while True:
        now = time.time_ns() // 1_000_000
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
    try:
        answer = runs.client.update_item(
            TableName=runs.name,
            Key=to_item({"pk": "LINE", "sk": host}),
            UpdateExpression=f"SET next_at = {value}, expires_at = :expires",
            ConditionExpression=condition,
            ExpressionAttributeValues=to_item(
                {**values, ":expires": values[":now"] // 1000 + _KEPT_SECONDS}
            ),
            ReturnValues="UPDATED_NEW",
        )
    except runs.client.exceptions.ConditionalCheckFailedException:
        return None
    return int(answer["Attributes"]["next_at"]["N"])
