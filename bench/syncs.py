"""Whole syncs of one tenant: calls, time, writes, and what a rate limit makes of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench import house
from bench.figures import Figure, at_most, reported, times_floor
from bench.processes import SampleVendor, Watch, worker
from bench.progress import Progress
from local.vendors.seed import seed_activecampaign
from rollcall.aws import Aws

PAGE = 100
LATENCY_MS = 100
LIMITED_LATENCY_MS = 30
LIMIT = (5, 1)
ROUNDS = 2
"""The unchanged sync and its floor take turns so often; the best of each counts."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run, and the calls that reached the app meanwhile."""

    run: Mapping[str, Any]
    log: tuple[Mapping[str, Any], ...]

    @property
    def seconds(self) -> float:
        """From begin to the end of finish."""
        return float(self.run["seconds"])

    @property
    def calls(self) -> int:
        """Calls that reached the app."""
        return len(self.log)


def calls_needed(users: int, members: Iterable[int]) -> int:
    """The test call and the pages of users, of groups, and of each group's members."""
    numbers = list(members)
    pages = [pages_of(users), pages_of(len(numbers)), *(max(1, pages_of(n)) for n in numbers)]
    return 1 + sum(pages)


def pages_of(records: int) -> int:
    """How many pages of 100 hold so many records."""
    return -(-records // PAGE)


def members_of_groups(users: int, groups: int) -> list[int]:
    """How many members each group of the sample account has, from its seed and from no listing."""
    tenant = seed_activecampaign(users, groups)
    return [tenant.users.count(f"group:{group}") for group in tenant.groups]


class Tenant:
    """An integration with a sample vendor, in a deployment of its own."""

    def __init__(self, aws: Aws, environment: Mapping[str, str], vendor: SampleVendor) -> None:
        self.vendor = vendor
        self.aws = aws
        self.settings = house.build(aws)
        self.integration = house.integrate(aws, self.settings, vendor)
        self._environment = {**environment, **house.variables(self.settings)}

    def sync(self, watch: Watch, *, until: str = "end", looks: int | None = None) -> Measured:
        """One run in a process of its own (see bench.function); an AssertionError if it fails."""
        job = {"integration_id": self.integration.id, "until": until, "looks": looks}
        run = worker("bench.function", job, self._environment, lambda: watch(self.vendor.calls()))
        wanted = "succeeded" if until == "end" else "running"
        assert run["status"] == wanted, f"the run ended {run['status']}: {run['error']}"
        return Measured(run, tuple(self.vendor.take_log()))

    def floor(self, log: Iterable[Mapping[str, Any]]) -> float:
        """Seconds that the bare loop takes for the calls of a log."""
        job = {
            "urls": [f"{self.vendor.url}{one['path']}?{one['query']}" for one in log],
            "token": self.vendor.token,
            "in_flight": house.manifest().rate_limit.in_flight,
        }
        seconds = float(worker("bench.floor", job, {})["seconds"])
        self.vendor.take_log()
        return seconds


def measure(tenant: Tenant, users: int, groups: int, progress: Progress) -> list[Figure]:
    """The figures of a first sync, of unchanged ones, and of an unchanged one under the limit."""
    needed = calls_needed(users, members_of_groups(users, groups))
    every = f"{users:,} users, {LATENCY_MS} ms a call"
    tenant.vendor.switch(latency_ms=LATENCY_MS, rate_limit=None)
    with progress.stage(f"first sync, {every}", needed) as watch:
        first = tenant.sync(watch)
    assert first.run["counts"]["added"] == users, first.run
    unchanged, floors = [], []
    for turn in range(1, ROUNDS + 1):
        with progress.stage(f"bare loop, {every} ({turn} of {ROUNDS})", None):
            floors.append(tenant.floor(first.log))
        with progress.stage(f"unchanged sync, {every} ({turn} of {ROUNDS})", needed) as watch:
            unchanged.append(tenant.sync(watch))
    house.limit_as_connector(tenant.aws, tenant.settings, tenant.integration)
    tenant.vendor.switch(latency_ms=LIMITED_LATENCY_MS, rate_limit=LIMIT)
    with progress.stage("unchanged sync, 5 calls a second", needed) as watch:
        limited = tenant.sync(watch)
    for one in (*unchanged, limited):
        assert one.run["counts"]["unchanged"] == users, one.run
    return figures(first, unchanged, limited, min(floors), needed)


def figures(
    first: Measured, unchanged: list[Measured], limited: Measured, floor: float, needed: int
) -> list[Figure]:
    """What the runs come to, against the bare loop's `floor` and the calls `needed`."""
    rate = LIMIT[0] / LIMIT[1]
    best = min(unchanged, key=lambda one: one.seconds)
    last = unchanged[-1]
    throttled = sum(call["status"] == 429 for call in limited.log)  # noqa: PLR2004
    return [
        at_most("app calls, first sync", first.calls, needed, "what the pages need", needed),
        at_most("app calls, unchanged sync", last.calls, needed, "what the pages need", needed),
        reported("first sync, 100 ms a call (s)", first.seconds, floor),
        times_floor("unchanged sync, 100 ms a call (s)", best.seconds, floor, 1.5),
        at_most("answers 429, 5 calls a second", throttled, 0, "none"),
        times_floor("unchanged sync, 5 calls a second (s)", limited.seconds, needed / rate, 1.1),
        *writes("no limit", last, needed),
        *writes("5 calls a second", limited, needed),
    ]


def writes(name: str, unchanged: Measured, needed: int) -> list[Figure]:
    """What an unchanged sync writes; its floor is a write for each page."""
    most = needed + needed / 5 + 20
    total = unchanged.run["writes"]
    in_directory = unchanged.run["directory_writes"]
    return [
        at_most(f"writes, unchanged sync, {name}", total, most, "pages + calls/5 + 20", needed),
        at_most(f"writes to accounts and grants, {name}", in_directory, 0, "none"),
    ]
