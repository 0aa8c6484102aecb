"""Runs, from the request to their end, with their progress shown meanwhile."""

import threading
import time
from typing import Any

from local.run import RunError, Stopped
from local.run.caller import Caller, Refused
from local.run.connecting import ANEW, Connected
from local.run.screen import Bars, Screen

_POLL_SECONDS = 0.3
_STALLED_SECONDS = 90
_CONFLICT = 409
_UNDER_WAY = ("queued", "running")
_GOOD = ("succeeded", "succeeded_with_errors", "held")


def start(caller: Caller, integration: Connected) -> str:
    """The id of a new run, or of the one that its schedule or an earlier start has under way."""
    try:
        return str(caller.post(f"integrations/{integration.id}/runs")["id"])
    except Refused as refused:
        if refused.status != _CONFLICT:
            raise
        newest = caller.get(f"integrations/{integration.id}/runs?limit=1")["items"]
        if not newest or newest[0]["status"] not in _UNDER_WAY:
            raise
        return str(newest[0]["id"])


def follow(
    caller: Caller, runs: list[tuple[str, str]], screen: Screen, told: threading.Event
) -> None:
    """Show the runs, given as (integration's name, run's id), until all have ended well.

    Raises RunError when one does not, or does not move any more; Stopped when told to stop.
    """
    shown: dict[str, dict[str, Any]] = {}
    moved = time.monotonic()
    with screen.bars([name for name, _ in runs]) as bars:
        while True:
            for name, run_id in runs:
                if name in shown and shown[name]["status"] not in _UNDER_WAY:
                    continue
                run = caller.get(f"runs/{run_id}")
                if run != shown.get(name):
                    shown[name] = run
                    moved = time.monotonic()
                    _draw(bars, name, run)
            if all(run["status"] not in _UNDER_WAY for run in shown.values()):
                break
            if time.monotonic() - moved > _STALLED_SECONDS:
                raise RunError(f"No run has moved for {_STALLED_SECONDS} s: {ANEW}")
            if told.wait(_POLL_SECONDS):
                raise Stopped
    for name, run in shown.items():
        if run["status"] not in _GOOD:
            error = run["error"] or {"code": run["status"], "detail": "it was ended by somebody"}
            raise RunError(
                f"The run of {name} {run['status']}: {error['code']}: {error['detail']}"
                f" (what it did: GET /v1/runs/{run['id']}/log); to try again, {ANEW}"
            )


def _draw(bars: Bars, name: str, run: dict[str, Any]) -> None:
    progress, counts = run["progress"], run["counts"]
    said = str(run["status"]).replace("_", " ")
    if run["status"] in _UNDER_WAY:
        if progress["total"] and progress["pulled"] >= progress["total"]:
            said = "accounts are read, the rest follows"
    else:
        told = [f"{counts[what]} {what}" for what in counts if what != "pulled" and counts[what]]
        said = f"{said}: {', '.join(told) or 'nobody there'}"
    bars.set(
        name, progress["pulled"], progress["total"], said, over=run["status"] not in _UNDER_WAY
    )
