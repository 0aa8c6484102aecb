"""Actions in a process of its own, as a warm function takes them: `python -m bench.action`.

Reads {"connector", "url", "token", "rounds", "unlimited"} from stdin; the settings of a deployment
are in the environment. Begins each action as the API does, then measures what the function does,
from its event to its answer, beside its calls of the app as its client sees them. The first rounds
warm it up and do not count. Writes for each preset medians: {"ms": of the function, "app_ms": of
its calls, one after the other, "over_ms": what it took over them, "alone_ms": when no call was
under way, "calls": how many}.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aws_lambda_powertools import Logger

from local import furnish
from rollcall.actions.perform import Order, Performer
from rollcall.actions.store import Actions, Asked
from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.stamps import new_id, now
from rollcall.sync.steps import Sync
from rollcall.tables import Table

_WARM_UP = 3


@dataclass
class Clock:
    """When calls of the app were under way, seen at the client."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch every call that is made meanwhile."""
        send = httpx.Client.send

        def timed(client: httpx.Client, *given: Any, **named: Any) -> httpx.Response:
            started = time.perf_counter()
            answer = send(client, *given, **named)
            answer.read()
            self.spans.append((started, time.perf_counter()))
            return answer

        httpx.Client.send = timed  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            httpx.Client.send = send  # type: ignore[method-assign]

    def take(self) -> tuple[float, float, int]:
        """Since the last time: seconds of all calls together, seconds in which at least one was
        under way, and how many there were.
        """
        busy, end = 0.0, 0.0
        for start, stop in sorted(self.spans):
            busy += max(0.0, stop - max(start, end))
            end = max(end, stop)
        total = sum(stop - start for start, stop in self.spans)
        calls = len(self.spans)
        self.spans.clear()
        return total, busy, calls


class Bench:
    """One integration, whose presets are used again and again."""

    def __init__(self, settings: Settings, job: Mapping[str, Any]) -> None:
        self._aws = Aws()
        self._settings = settings
        changes = {} if job["unlimited"] else {"rate_limit": None}
        self.integration = furnish.integrate(
            self._aws, settings, job["connector"], job["url"], job["token"], **changes
        )
        config = Table(self._aws.dynamodb, settings.config_table)
        runs = Table(self._aws.dynamodb, settings.runs_table)
        self._actions = Actions(runs, config, settings.run_days)
        self._performer = Performer(settings, self._aws, Logger(service="bench", stream=sys.stderr))
        self._clock = Clock()

    def sync(self) -> None:
        """Have the app's users on the roster, as they would be."""
        sync = Sync(self._settings, self._aws, Logger(service="bench", stream=sys.stderr))
        event = {"integration_id": self.integration.id, "trigger": "manual"}
        answer = sync.begin(event | {"execution_id": new_id()})
        while answer["next"] not in ("done", "dropped"):
            step = getattr(sync, answer["next"])
            clock = [] if answer["next"] == "finish" else [lambda: 300_000]
            answer = step(answer, *clock)

    def use(self, preset: str, inputs: Mapping[str, Any], external_id: str | None) -> Any:
        """Seconds of the function, of the app, and the app's calls. AssertionError if it failed."""
        asked = Asked(
            id=new_id(),
            integration_id=self.integration.id,
            connector=self.integration.connector,
            preset=preset,
            actor="bench",
            at=now(),
            digest="",
            inputs={},
            overrides={},
            external_id=external_id,
        )
        assert self._actions.begin(asked)
        order = Order(asked.id, inputs, {}, self.integration.id)
        with self._clock.watching():
            started = time.perf_counter()
            action = self._performer.perform(order, asked.id)
            seconds = time.perf_counter() - started
        assert action is not None
        assert action.status == "succeeded", action.error
        return seconds, *self._clock.take()

    def median(self, preset: str, rounds: int, uses: Iterator[Any]) -> Mapping[str, float]:
        """The medians of so many uses."""
        found = [self.use(preset, *next(uses)) for _ in range(_WARM_UP + rounds)][_WARM_UP:]
        whole, app, busy, calls = zip(*found, strict=True)
        return {
            "over_ms": _median_ms(one - its for one, its in zip(whole, app, strict=True)),
            "alone_ms": _median_ms(one - its for one, its in zip(whole, busy, strict=True)),
            "app_ms": _median_ms(app),
            "ms": _median_ms(whole),
            "calls": statistics.median(calls),
        }


def _median_ms(seconds: Iterable[float]) -> float:
    return 1000 * statistics.median(seconds)


def uses_of(preset: str, ids: list[str]) -> Iterator[Any]:
    """Inputs and targets for a preset, each of which gives the app something to do."""
    for number in range(10_000):
        user = ids[number % len(ids)]
        name = f"Name {number}"
        match preset:
            case "create_user":
                email = f"new{number}@northwind.example"
                inputs = {"username": email, "email": email, "password": "p4ssw0rd"}
                yield inputs | {"group_id": "4", "first_name": name, "last_name": "Zorn"}, None
            case "update_user":
                yield {"first_name": name}, user
            case _:
                yield {}, user


def main() -> None:
    """Do one job."""
    job = json.load(sys.stdin)
    bench = Bench(Settings.from_environment(os.environ), job)
    bench.sync()
    answer = {
        preset: bench.median(preset, job["rounds"], uses_of(preset, job["ids"]))
        for preset in job["presets"]
    }
    sys.stdout.write(f"{json.dumps(answer)}\n")


if __name__ == "__main__":
    main()
