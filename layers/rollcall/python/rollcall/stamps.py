"""Ids and times as Rollcall writes them: both sort as text in the order they were made."""

import secrets
import time
from datetime import UTC, datetime


def new_id() -> str:
    """28 hexadecimal digits: the milliseconds of now, then 64 random bits."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"


def now() -> str:
    """The moment in UTC to the millisecond, such as `2026-11-22T15:04:05.678Z`."""
    return instant(datetime.now(UTC))


def instant(moment: datetime) -> str:
    """An aware moment in the form of `now`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
