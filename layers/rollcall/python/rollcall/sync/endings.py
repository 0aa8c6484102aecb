"""How a run ends: what it leaves on its integration, and who is told.

The run's last status, the integration's STATE with what is to be told, and the release of the lock
are one transaction; telling comes after it, and again when a step is repeated (see
`notices.teller`). A plan leaves nothing and tells nobody.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rollcall.connectors.manifest import Manifest
from rollcall.integrations.cron import until_next
from rollcall.integrations.model import Integration
from rollcall.integrations.store import Integrations
from rollcall.notices.due import Ended
from rollcall.notices.teller import Teller
from rollcall.stamps import instant
from rollcall.sync.health import measured
from rollcall.sync.quarantine import LONGEST, OVER, after_failure
from rollcall.sync.run import Run, Status
from rollcall.sync.runs import Runs


class Endings:
    """Ends runs."""

    def __init__(self, runs: Runs, integrations: Integrations, teller: Teller) -> None:
        self._runs = runs
        self._integrations = integrations
        self._teller = teller

    def succeed(self, run: Run, integration: Integration, manifest: Manifest | None) -> Status:
        """Count, and end the run as succeeded, with errors or without, or held."""
        moment = datetime.now(UTC)
        counts, progress, pages = self._runs.counted(run)
        held = run.phase == "held" and run.mode == "sync"
        status: Status = "succeeded_with_errors" if counts["errors"] else "succeeded"
        if held:
            status = "held"
        state = self._runs.state(integration.id)
        # After a hold the roster has more than the run saw; and since an approved run read the
        # app, others may have written.
        seen = {"run_id": run.id, "pages": pages, "at": run.started_at}
        baseline = None if held or run.approved else seen
        left = {
            "error": None,
            "last_good_at": instant(moment),
            "last_sync_at": run.started_at,
            "held_run_id": run.id if held else None,
            "baseline": baseline and {**baseline, "on_leave": integration.on_leave},
            **OVER,
            **self._health(state, run, integration, manifest, moment, complete=True),
            **self._teller.noted(state, Ended(run.id, "held" if held else "good"), None),
        }
        older = state.get("held_run_id")
        ended = self._runs.end(
            run,
            status,
            changes={"counts": counts, "progress": progress, "error": None},
            state=left,
            supersede=older if older and older != run.id and run.mode == "sync" else None,
        )
        if ended:
            told = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
            self._runs.kept.note(run.id, f"{status}: {told}")
        self.tell(integration)
        return status

    def fail(
        self,
        run: Run,
        code: str,
        detail: str,
        *,
        place: Mapping[str, Any] | None = None,
        manifest: Manifest | None = None,
    ) -> bool:
        """Close the run as failed, with what it has counted so far; False if it was over already.

        `place` says which page of what failed: `list`, `page`.
        """
        moment = datetime.now(UTC)
        integration = self._integrations.get(run.integration_id)
        left: dict[str, Any] = {}
        if integration is not None and run.mode == "sync":
            state = self._runs.state(integration.id)
            every = until_next(integration.schedule, moment) or LONGEST
            resting = after_failure(state, code, detail, moment, every)
            event = Ended(run.id, "failed", code, quarantined="quarantine" in resting)
            error = {"code": code, "detail": detail}
            left = {
                **resting,
                **self._health(state, run, integration, manifest, moment, complete=False),
                **self._teller.noted(state, event, error),
            }
        closed = self._runs.abandon(run, code, detail, place=place, state=left)
        if closed:
            self._runs.kept.note(run.id, f"failed: {code}: {detail}")
        if integration is not None:
            self.tell(integration)
        return closed

    def tell(self, integration: Integration) -> None:
        """Tell what is untold, of this run or of an earlier one."""
        self._teller.tell(integration)

    def _health(
        self,
        state: Mapping[str, Any],
        run: Run,
        integration: Integration,
        manifest: Manifest | None,
        moment: datetime,
        *,
        complete: bool,
    ) -> dict[str, Any]:
        # An approved run has read the lists before it was held, and said so then.
        if manifest is None or run.approved or run.mode == "plan":
            return {}
        kept, load = self._runs.kept, integration.load
        read = measured(kept, run.id, manifest, load, instant(moment), complete=complete)
        return {"health": {**(state.get("health") or {}), **read}}
