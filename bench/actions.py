"""What an action takes over the app's own time, in a warm function."""

from collections.abc import Mapping
from typing import Any

from bench import house
from bench.figures import Figure, at_most, reported
from bench.processes import worker
from local.vendors import serve
from local.vendors.seed import seed_activecampaign, seed_aha
from rollcall.aws import Aws

LATENCY_MS = 50
MOST_MS = 20
USED = {
    "activecampaign": ("get_user", "update_user", "create_user"),
    "aha": ("deactivate_user",),
}
_USERS = 60


def measure(rounds: int, environment: Mapping[str, str]) -> list[Figure]:
    """The figures of each preset: the function's whole time, without the app's, at the median.

    The app takes 50 ms a call, and its limit is far away: a call's turn is reserved all the same.
    """
    figures: list[Figure] = []
    for connector, presets in USED.items():
        for preset, found in _measured(connector, presets, rounds, environment).items():
            name = f"{connector} {preset}"
            calls = round(found["calls"])
            over = f"{name} over its {calls} calls (ms)"
            figures += [
                at_most(over, found["over_ms"], MOST_MS, f"{MOST_MS} ms"),
                reported(f"{name} while no call was under way (ms)", found["alone_ms"]),
                reported(f"{name} against its calls in turn (ms)", found["ms"], found["app_ms"]),
            ]
    return figures


def _measured(
    connector: str, presets: tuple[str, ...], rounds: int, environment: Mapping[str, str]
) -> dict[str, Any]:
    settings = house.build(Aws())
    aha = connector == "aha"
    tenant = seed_aha(_USERS) if aha else seed_activecampaign(_USERS, 6)
    with serve(tenant) as app:
        app.switches.latency_ms = LATENCY_MS
        fresh = [one.id for one in tenant.users.values() if getattr(one, "enabled", True)]
        job = {
            "connector": connector,
            "url": app.url,
            "token": tenant.token,
            "rounds": rounds,
            "unlimited": True,
            "presets": presets,
            "ids": [one for one in fresh if one != tenant.me],
        }
        return worker("bench.action", job, {**environment, **house.variables(settings)})
