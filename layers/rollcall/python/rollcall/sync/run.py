"""One run, as it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal[
    "queued", "running", "succeeded", "succeeded_with_errors", "failed", "held", "cancelled"
]
Mode = Literal["sync", "plan"]
"""A plan stores nothing in the directory: it keeps every change that a sync would make."""
UNDER_WAY: tuple[Status, ...] = ("queued", "running")
ENDED_WELL: tuple[Status, ...] = ("succeeded", "succeeded_with_errors")
COUNTS = (
    "pulled", "added", "updated", "unchanged", "skipped", "removed", "restored", "errors",
)  # fmt: skip


class RunOver(Exception):  # noqa: N818 - nobody made an error
    """The run was closed (cancelled, swept) while a step was at it: the step stops there."""


@dataclass(frozen=True, slots=True)
class Run:
    """One sync, or one plan, of one integration, as it is stored."""

    id: str
    integration_id: str
    mode: Mode
    status: Status
    trigger: str
    queued_at: str
    started_at: str | None
    finished_at: str | None
    resumed_at: str | None
    """When its present execution began: an approved run has one for the pull, one for the rest."""
    seconds: float | None
    """How long its executions took; None until one has ended."""
    execution_arn: str | None
    counts: Mapping[str, int]
    error: Mapping[str, Any] | None
    phase: str
    """What the pull is reading: the lists (`pull`), or some of them again (`look`, `approval`)."""
    again: tuple[str, ...]
    """The lists that a `look` or `approval` reads once more: `users`, `groups`, `memberships`."""
    baseline: Mapping[str, Any] | None
    """The last run after which the roster held exactly what it had seen, and how many pages."""
    stalled: int
    """Laps of the pull in a row that got no page."""
    approved: bool
    """It was held, and somebody approved the removals."""
    removed: int
    """How many accounts the run has taken off the roster."""
    progress: Mapping[str, Any] | None
    """Set when the run ends; while it is under way its pages tell."""
    plan_id: str | None
    """The plan that this run applies."""
    applied_by: str | None
    """The last run that was started to apply this plan."""
    configuration: str | None
    """A plan's digest of what decides its outcome, see `sync.applying`."""
    after: str | None
    """The STATE's `written` when a plan began: who wrote last."""

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Run":
        """Read the runs table's item."""
        return cls(
            id=item["id"],
            integration_id=item["integration_id"],
            mode=item.get("mode", "sync"),
            status=item["status"],
            trigger=item["trigger"],
            queued_at=item["queued_at"],
            started_at=item.get("started_at"),
            finished_at=item.get("finished_at"),
            resumed_at=item.get("resumed_at"),
            seconds=item.get("seconds"),
            execution_arn=item.get("execution_arn"),
            counts=item["counts"],
            error=item.get("error"),
            phase=item["phase"],
            again=tuple(item.get("again", ())),
            baseline=item.get("baseline"),
            stalled=item.get("stalled", 0),
            approved="approved_at" in item,
            removed=item.get("removed", 0),
            progress=item.get("progress"),
            plan_id=item.get("plan_id"),
            applied_by=item.get("applied_by"),
            configuration=item.get("configuration"),
            after=item.get("after"),
        )
