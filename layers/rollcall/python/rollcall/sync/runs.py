"""Runs, one at a time for an integration, in the runs table. `kept` is what they keep below them.

| item                | pk       | sk                         |
|---------------------|----------|----------------------------|
| run                 | RUN#id   | RUN                        |
| the lock            | LOCK     | integration                |
| a scheduled time    | SCHEDULED#integration | time          |

A run and its lock appear together, and its last status and the release of the lock are one
transaction, so a lock always has a run that is under way. All but locks expire.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.aws import Client
from rollcall.items import Item
from rollcall.settings import Settings
from rollcall.stamps import new_id, now
from rollcall.sync.kept import Kept, expiry
from rollcall.sync.run import COUNTS, UNDER_WAY, Mode, Run, RunOver, Status
from rollcall.sync.seen import counted, final
from rollcall.tables import ABSENT, Action, Condition, Table, equals, one_of, transact

__all__ = ["COUNTS", "UNDER_WAY", "Run", "RunOver", "Runs", "Status"]

_NOTHING_WRITTEN = Condition("attribute_not_exists(written)")


class Runs:
    """The store of runs. `config` holds each integration's STATE, which a run's end updates."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._days = settings.run_days
        self.table = Table(client, settings.runs_table)
        self.kept = Kept(self.table, settings.run_days)
        self.config = Table(client, settings.config_table)

    def get(self, run_id: str) -> Run | None:
        """The run, or None."""
        item = self.table.get(f"RUN#{run_id}", "RUN")
        return Run.from_item(item) if item else None

    def of_integration(
        self, integration_id: str, limit: int, after: Item | None
    ) -> tuple[list[Run], Item | None]:
        """An integration's runs, the newest first."""
        items, last = self.table.page(
            f"INTEGRATION#{integration_id}", limit=limit, after=after, index="gsi1", backwards=True
        )
        return [Run.from_item(item) for item in items], last

    def running(self, integration_id: str) -> str | None:
        """The id of the run that is under way, or None."""
        lock = self.table.get("LOCK", integration_id)
        return str(lock["run_id"]) if lock else None

    def unlocked(self, integration_id: str) -> Action:
        """The check, for a transaction, that no run of the integration is under way."""
        return self.table.checking("LOCK", integration_id, ABSENT)

    def locks(self) -> Iterator[tuple[str, str]]:
        """Every (integration id, run id) that is under way."""
        return ((item["sk"], item["run_id"]) for item in self.table.query("LOCK"))

    def queue(
        self,
        integration_id: str,
        trigger: str,
        run_id: str,
        *,
        mode: Mode = "sync",
        scheduled_time: str | None = None,
    ) -> Literal["queued", "busy", "seen"]:
        """Make a run and take the integration's lock.

        "busy" while one runs, also if that is a new run of this id; "seen" where a run was made
        for this scheduled time before.
        """
        actions = self._making(integration_id, trigger, run_id, {"mode": mode})
        if scheduled_time is not None:
            seen = {
                "pk": f"SCHEDULED#{integration_id}",
                "sk": scheduled_time,
                "run_id": run_id,
                "expires_at": expiry(self._days),
            }
            actions.append(self.table.putting(seen, ABSENT))
        refused = transact(self._client, actions)
        if refused is None:
            return "queued"
        return "seen" if refused.reasons.get(2) == "ConditionalCheckFailed" else "busy"

    def apply(self, plan: Run, run_id: str, actor: str) -> Literal["queued", "busy", "written"]:
        """Make the sync that does what `plan` said, and take the lock.

        "busy" while a run is under way, "written" where one has begun to write since the plan
        began.
        """
        written = _NOTHING_WRITTEN if plan.after is None else equals("written", plan.after)
        actions = [
            *self._making(
                plan.integration_id, "plan", run_id, {"mode": "sync", "plan_id": plan.id}
            ),
            self.config.checking("STATE", plan.integration_id, written),
            self.table.updating(f"RUN#{plan.id}", "RUN", {"applied_by": run_id}),
            self._decided(plan, "apply", actor, run_id=run_id),
        ]
        refused = transact(self._client, actions)
        if refused is None:
            return "queued"
        return "busy" if refused.reasons.get(0) == "ConditionalCheckFailed" else "written"

    def _making(
        self, integration_id: str, trigger: str, run_id: str, what: Mapping[str, Any]
    ) -> list[Action]:
        """The lock, then the run."""
        moment = now()
        run = {
            "pk": f"RUN#{run_id}",
            "sk": "RUN",
            "gsi1pk": f"INTEGRATION#{integration_id}",
            "gsi1sk": f"{moment}#{run_id}",
            "id": run_id,
            "integration_id": integration_id,
            "status": "queued",
            "trigger": trigger,
            "queued_at": moment,
            "counts": dict.fromkeys(COUNTS, 0),
            "phase": "pull",
            "expires_at": expiry(self._days),
            **what,
        }
        return [self._lock(integration_id, run_id, moment), self.table.putting(run, ABSENT)]

    def _lock(self, integration_id: str, run_id: str, taken_at: str) -> Action:
        lock = {"pk": "LOCK", "sk": integration_id, "run_id": run_id, "taken_at": taken_at}
        return self.table.putting(lock, ABSENT)

    def reopen(self, run: Run, actor: str) -> bool:
        """Queue a held run again for its approval, with the lock; False if it cannot be (any more).

        It cannot while another run is under way, nor when it is no longer held.
        """
        moment = now()
        opened = {
            "status": "queued",
            "phase": "approval",
            "again": None,
            "stalled": None,
            "finished_at": None,
            "approved_at": moment,
        }
        actions = [
            self._lock(run.integration_id, run.id, moment),
            self.table.updating(f"RUN#{run.id}", "RUN", opened, equals("status", "held")),
            self._decided(run, "approve", actor),
        ]
        opening = transact(self._client, actions) is None
        if opening:
            self.kept.note(run.id, f"approved by {actor}")
        return opening

    def reject(self, run: Run, actor: str) -> bool:
        """End a held run without removing anybody; False if it is no longer held."""
        changes = {"status": "cancelled", "finished_at": now()}
        refused = transact(
            self._client,
            [
                self.table.updating(f"RUN#{run.id}", "RUN", changes, equals("status", "held")),
                self.config.updating("STATE", run.integration_id, {"held_run_id": None}),
                self._decided(run, "reject", actor),
            ],
        )
        if refused is None:
            self.kept.note(run.id, f"rejected by {actor}: nothing was removed")
        return refused is None

    def cancel(self, run: Run, actor: str) -> bool:
        """End a run that is under way, as it is; False if it is over already.

        Its lock is free at once; a step that is at it stops at its next page. What it has taken
        stays, and nothing is removed from here on.
        """
        counts, progress, _ = self.counted(run)
        cancelled = self.end(
            run,
            "cancelled",
            changes={"counts": counts, "progress": progress, "error": None},
            # As after an approval that failed: the next run asks again.
            state={"held_run_id": None} if run.approved else {},
            also=[self._decided(run, "cancel", actor)],
        )
        if cancelled:
            self.kept.note(run.id, f"cancelled by {actor}")
        return cancelled

    def _decided(self, run: Run, verb: str, actor: str, **more: str) -> Action:
        after = {"integration_id": run.integration_id, **more}
        return recording(self.config, Change(actor, verb, "run", run.id, {}, after))

    def start(self, run: Run, execution_arn: str, configuration: str | None = None) -> Run:
        """The run is under way in this execution.

        From then on a sync may write: no baseline holds until one ends well, and no older plan can
        be applied. A plan notes `configuration`, and who wrote last.

        Starting it again (the function was killed) changes nothing. Raises RunOver.
        """
        if run.status == "running" and run.execution_arn == execution_arn:
            return run
        state = self.state(run.integration_id)
        moment = now()
        changes = {
            "status": "running",
            "started_at": run.started_at or moment,
            "resumed_at": moment,
            "execution_arn": execution_arn,
            "baseline": _baseline(state),
        }
        if run.mode == "plan":
            changes |= {"configuration": configuration, "after": state.get("written")}
        actions = [
            self.table.updating(f"RUN#{run.id}", "RUN", changes, one_of("status", UNDER_WAY))
        ]
        if run.mode == "sync":
            writing = {"baseline": None, "written": new_id()}
            actions.append(self.config.updating("STATE", run.integration_id, writing))
        if transact(self._client, actions):
            raise RunOver(run.id)
        return self._again(run)

    def _again(self, run: Run) -> Run:
        fresh = self.get(run.id)
        if fresh is None:
            raise RuntimeError(f"run {run.id} is gone")
        return fresh

    def change(self, run: Run, changes: Mapping[str, Any]) -> Run:
        """Note something on a run that is under way. Raises RunOver."""
        if not self.table.update(f"RUN#{run.id}", "RUN", changes, equals("status", "running")):
            raise RunOver(run.id)
        return self._again(run)

    def under_way(self, run_id: str) -> bool:
        """Is the run still running, as far as anybody knows now?"""
        run = self.get(run_id)
        return run is not None and run.status == "running"

    def end(
        self,
        run: Run,
        status: Status,
        *,
        changes: Mapping[str, Any],
        state: Mapping[str, Any],
        supersede: str | None = None,
        also: Sequence[Action] = (),
    ) -> bool:
        """Give the run its last status and release its lock, in one transaction with `also`.

        `changes` are the run's (counts, progress, error), `state` the integration's, which a plan
        leaves alone; `supersede` is a held run that this one makes void. False if the run is over
        already.
        """
        moment = now()
        final = {"status": status, "finished_at": moment, **changes, "seconds": _took(run, moment)}
        actions = [
            self.table.updating(f"RUN#{run.id}", "RUN", final, one_of("status", UNDER_WAY)),
            self.table.deleting("LOCK", run.integration_id, equals("run_id", run.id)),
            *also,
        ]
        if run.mode == "sync":
            summary = {"last_run_id": run.id, "last_status": status, **state}
            if status == "cancelled":
                # It tells nothing of how the app does.
                del summary["last_status"]
            actions.append(self.config.updating("STATE", run.integration_id, summary))
        voided = self._voiding(supersede, run.id) if supersede else []
        refused = transact(self._client, [*actions, *voided])
        if refused and set(refused.reasons) == {len(actions)}:
            # Somebody rejected the held run meanwhile: there is nothing left to void.
            refused = transact(self._client, actions)
        return refused is None

    def _voiding(self, run_id: str, by: str) -> list[Action]:
        changes = {
            "status": "cancelled",
            "finished_at": now(),
            "error": {"code": "superseded", "detail": f"run {by} read the app after this one"},
        }
        return [self.table.updating(f"RUN#{run_id}", "RUN", changes, equals("status", "held"))]

    def abandon(
        self,
        run: Run,
        code: str,
        detail: str,
        *,
        place: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> bool:
        """Close a run as failed, wherever it was; False if it was over already.

        `place` says which page of what failed (`list`, `page`); `state` is what more is to be
        known of the integration.
        """
        error = {"code": code, "detail": detail, **(place or {})}
        counts, progress, _ = self.counted(run)
        return self.end(
            run,
            "failed",
            changes={"counts": counts, "progress": progress, "error": error},
            # An approval that failed holds nothing any more: the next run asks again.
            state={"error": error, **(state or {})}
            | ({"held_run_id": None} if run.approved else {}),
        )

    def counted(self, run: Run) -> tuple[dict[str, int], dict[str, Any], int]:
        """The run's counts and its progress, from what it keeps, and the number of its pages."""
        items = list(self.kept.pages(run.id))
        counts = {"skipped": 0, **counted(final(items))}
        totals = [item["total"] for item in items if item["list"] == "users" and "total" in item]
        errors = self.kept.count_errors(run.id)
        counts |= {"removed": run.removed, "errors": errors}
        progress = {"pulled": counts["pulled"], "total": totals[-1] if totals else None}
        return counts, progress, len(items)

    def state(self, integration_id: str) -> Item:
        """What runs left on the integration; empty before the first."""
        return self.config.get("STATE", integration_id) or {}

    def describe(self, run: Run) -> dict[str, Any]:
        """The run as the API shows it. While it is under way its pages tell the progress."""
        progress = run.progress or self._progress(run)
        return {
            "id": run.id,
            "integration_id": run.integration_id,
            "mode": run.mode,
            "status": run.status,
            "trigger": run.trigger,
            "progress": {"pulled": progress["pulled"], "total": progress["total"]},
            "counts": {name: run.counts[name] for name in COUNTS},
            "queued_at": run.queued_at,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "duration_seconds": run.seconds,
            "plan_id": run.plan_id,
            "applied_by": run.applied_by,
            "error": run.error,
        }

    def _progress(self, run: Run) -> dict[str, Any]:
        pages = self.table.query(
            f"RUN#{run.id}", "PAGE#pull#users#", attributes=("count", "total", "pass")
        )
        progress: dict[str, Any] = {"pulled": 0, "total": None}
        reading = 0
        for page in pages:
            if page["pass"] != reading:
                reading, progress["pulled"] = page["pass"], 0
            progress["pulled"] += page["count"]
            progress["total"] = page.get("total", progress["total"])
        return progress


def _baseline(state: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The state's, unless an action may have brought something to the roster since its run; one of
    before there were actions does not say when that was.
    """
    baseline: Mapping[str, Any] | None = state.get("baseline")
    if baseline is None or state.get("acting_until", "") >= baseline.get("at", ""):
        return None
    return baseline


def _took(run: Run, until: str) -> float | None:
    """The seconds of all its executions; None if it never began."""
    if run.resumed_at is None or run.status == "queued":
        return run.seconds
    took = datetime.fromisoformat(until) - datetime.fromisoformat(run.resumed_at)
    return round((run.seconds or 0.0) + took.total_seconds(), 3)
