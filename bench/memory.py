"""The memory of a pull that finds nothing new, of a tenant and of one ten times its size."""

from collections.abc import Mapping

from bench.figures import Figure, reported, times_floor
from bench.preload import preload
from bench.processes import vendor
from bench.progress import Progress
from bench.syncs import Tenant, calls_needed, members_of_groups
from rollcall.aws import Aws

FACTOR = 10
LOOKS = 2 * 5 * 265
"""Looks at the clock in a lap: the pull looks about twice a page, and in the 265 s that it uses of
the function's time an app that takes 5 calls a second answers 5 a second. A larger tenant takes
several laps, and the later ones begin by reading what was saved."""


def measure(
    users: int, groups: int, environment: Mapping[str, str], progress: Progress
) -> list[Figure]:
    """The peak of the larger pull against that of the smaller one."""
    aws = Aws()
    peaks = []
    for size in (users, FACTOR * users):
        with vendor(size, groups) as app:
            tenant = Tenant(aws, environment, app)
            with progress.stage(f"filling the directory with {size:,} accounts", size) as watch:
                preload(tenant, watch)
            app.take_log()
            needed = calls_needed(size, members_of_groups(size, groups))
            with progress.stage(f"memory of a pull of {size:,} users", needed) as watch:
                run = tenant.sync(watch, until="pull", looks=LOOKS).run
        assert run["directory_writes"] == 0, run
        peaks.append(run)
    small, large = peaks
    name = f"peak memory of a pull, {FACTOR * users:,} against {users:,} users (MB)"
    return [
        times_floor(name, large["peak_mb"], small["peak_mb"], 1.2),
        reported(f"laps of the pull of {FACTOR * users:,} users", large["laps"]),
    ]
