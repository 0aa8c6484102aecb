"""What contacts are to be told of a run that ended: each thing once. Pure.

`told` is what an integration's contacts know already: kinds of notice, each with the run it was
about. What is wrong is told once, however many nights it stays wrong; the run that succeeds after
it is told as a recovery, and from then on everything is news again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["failure", "time-limit", "hold", "reconnect", "quarantine", "recovery"]
KINDS: Mapping[str, Kind] = {"vendor-unauthorized": "reconnect", "time-limit": "time-limit"}
"""The kinds of the codes that have one of their own; all others are a failure."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `code` says why it failed; `quarantined`: its schedule rests from now on."""

    run_id: str
    outcome: Literal["good", "held", "failed"]
    code: str | None = None
    quarantined: bool = False


def due(told: Mapping[str, str], event: Ended) -> tuple[tuple[Kind, ...], dict[str, str]]:
    """The kinds of notice to send, in order, and what the contacts know then."""
    match event.outcome:
        case "good":
            return ("recovery",) if set(told) - {"hold"} else (), {}
        case "held":
            news: tuple[Kind, ...] = () if told.get("hold") == event.run_id else ("hold",)
        case "failed":
            kinds: list[Kind] = [KINDS.get(event.code or "", "failure")]
            if event.quarantined:
                kinds.append("quarantine")
            news = tuple(kind for kind in kinds if kind not in told)
    return news, {**told, **dict.fromkeys(news, event.run_id)}
