"""An app that is broken is asked less and less often, until it works again. Pure.

What an integration's STATE holds: `failures`, how many runs failed in a row, and from the third
one on `quarantine`: `{"since", "until", "failures", "reason"}`. Until then its scheduled runs are
dropped; the first one after is tried. A run that works, by whomever, ends it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rollcall.stamps import instant

FROM = 3
"""Failures in a row from which on the schedule rests."""
SHORTEST = timedelta(minutes=15)
LONGEST = timedelta(days=7)
EXCUSED = frozenset({"vendor-unauthorized", "not-started", "execution-gone"})
"""Failures that are not the app's: its key was refused, or our own machinery was at fault."""


def pause(failures: int, every: timedelta) -> timedelta:
    """How long the schedule rests after that many failures in a row, of one that runs so often.

    The schedule's own interval after the third failure, and twice as long after each further one.
    """
    doublings = min(max(failures - FROM, 0), 20)
    interval = min(max(every, SHORTEST), LONGEST)
    return min(interval * (1 << doublings), LONGEST)


def after_failure(
    state: Mapping[str, Any], code: str, detail: str, moment: datetime, every: timedelta
) -> dict[str, Any]:
    """What a failed run changes in the STATE; nothing where the app is not to blame.

    `every` is the time that the schedule leaves between two runs, as seen from `moment`.
    """
    if code in EXCUSED:
        return {}
    failures = state.get("failures", 0) + 1
    if failures < FROM:
        return {"failures": failures}
    began = (state.get("quarantine") or {}).get("since") or instant(moment)
    return {
        "failures": failures,
        "quarantine": {
            "since": began,
            "until": instant(moment + pause(failures, every)),
            "failures": failures,
            "reason": f"{code}: {detail}",
        },
    }


OVER: Mapping[str, Any] = {"failures": None, "quarantine": None}
"""What a run that worked changes in the STATE."""


def rests(state: Mapping[str, Any], moment: datetime) -> str | None:
    """Why no scheduled run is to be made at `moment`, or None."""
    quarantine = state.get("quarantine")
    if quarantine is None or moment >= datetime.fromisoformat(quarantine["until"]):
        return None
    return f"it is in quarantine until {quarantine['until']}: {quarantine['reason']}"
