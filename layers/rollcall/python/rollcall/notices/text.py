"""A notice in words: a subject of one line and a body of plain sentences. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollcall.notices.due import Kind

LONGEST_SUBJECT = 100
"""Characters, ASCII only: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html (2026-11)."""
_LONGEST_DETAIL = 1000

_HEADLINES: Mapping[Kind, str] = {
    "failure": "{name} could not be synced",
    "time-limit": "the sync of {name} ran out of time",
    "hold": "{name} waits for a decision",
    "reconnect": "{name} needs a new key",
    "quarantine": "the schedule of {name} rests",
    "recovery": "{name} is synced again",
}
_BODIES: Mapping[Kind, str] = {
    "failure": (
        "{What} failed: {why}. Nothing was removed. The schedule goes on; you are told when a run "
        "succeeds, and not of every failure until then. The guide explains the code and what to do."
    ),
    "time-limit": (
        "{What} was stopped at its time limit: {why}. Nothing was removed. Look at the run's log "
        "for what it waited for; a higher rate limit, or an app that answers faster, shortens it."
    ),
    "hold": (
        "{What} would remove more than the removal guard lets pass, so it removed nothing and is "
        "held; everything else is applied. See who would go with GET /v1/runs/{run_id}/candidates, "
        "then POST /v1/runs/{run_id}/approve or POST /v1/runs/{run_id}/reject."
    ),
    "reconnect": (
        "The app refused the credential: {why}. Scheduled runs rest until it works again. Give a "
        "new key with PUT /v1/credentials/{{id}}, then POST /v1/integrations/{integration_id}/test."
    ),
    "quarantine": (
        "Run after run failed, last because of {why}. Scheduled runs rest, at first for one "
        "interval and longer after each further failure, for seven days at most. A run by hand is "
        "taken at any time, and one that succeeds ends the rest."
    ),
    "recovery": "{What} succeeded. Scheduled runs go on as before.",
}


@dataclass(frozen=True, slots=True)
class Text:
    """What SNS is given to send."""

    subject: str
    body: str


def text(
    kind: Kind, integration_id: str, name: str, run_id: str, error: Mapping[str, Any] | None
) -> Text:
    """The notice of `kind` about one run of the integration of that name."""
    why = "no reason is known"
    if error is not None:
        detail = str(error["detail"]).rstrip(".")[:_LONGEST_DETAIL]
        why = f"{detail} (code {error['code']})"
    body = _BODIES[kind].format(
        What=f"Run {run_id} of {name}", why=why, run_id=run_id, integration_id=integration_id
    )
    subject = f"Rollcall: {_HEADLINES[kind]}"
    room = LONGEST_SUBJECT - len(subject.format(name=""))
    shown = _plain(name)
    short = shown if len(shown) <= room else f"{shown[: room - 3]}..."
    return Text(subject.format(name=short), body)


def plain_subject(said: str) -> str:
    """A subject that SNS takes: what is too long for it ends with dots."""
    shown = " ".join(_plain(said).split()) or "Rollcall"
    return shown if len(shown) <= LONGEST_SUBJECT else f"{shown[: LONGEST_SUBJECT - 3]}..."


def _plain(name: str) -> str:
    """The name in printable ASCII, on one line; a letter that has none is a question mark."""
    spaced = "".join(letter if letter.isprintable() else " " for letter in name)
    return spaced.encode("ascii", "replace").decode()
