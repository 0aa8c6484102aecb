"""A sliding window over the calls a vendor has let through."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """Where one call stands: `wait` seconds until the next may come, 0 while some remain."""

    limit: int
    remaining: int
    wait: float
    refused: bool


class Window:
    """At most `requests` calls in any `seconds`; refused calls do not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._let_through: deque[float] = deque()

    def take(self, rate_limit: tuple[int, float] | None, now: float) -> Quota | None:
        """Take a place at the time `now` (seconds, any steady clock); None without a limit."""
        if rate_limit is None:
            return None
        requests, seconds = rate_limit
        with self._lock:
            while self._let_through and self._let_through[0] <= now - seconds:
                self._let_through.popleft()
            refused = len(self._let_through) >= requests
            if not refused:
                self._let_through.append(now)
            remaining = max(0, requests - len(self._let_through))
            oldest = self._let_through[0] if self._let_through else now
            wait = 0.0 if remaining else oldest + seconds - now
            return Quota(requests, remaining, wait, refused)
