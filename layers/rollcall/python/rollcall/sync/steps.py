"""The steps of the Sync state machine. Each takes what the last one answered and can be repeated.

Every step answers `{"run_id", "integration_id", "next", "wait_seconds", "error"}`; the machine
waits first, where it is told to, and then takes the step named by `next`.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aws_lambda_powertools import Logger

from rollcall.aws import Aws
from rollcall.connectors import catalog
from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App
from rollcall.connectors.manifest import Manifest
from rollcall.credentials.store import CredentialMissing, Credentials
from rollcall.directory.source import Source
from rollcall.integrations import address
from rollcall.integrations.model import Integration
from rollcall.integrations.store import Integrations
from rollcall.integrations.variables import Variables
from rollcall.settings import Settings
from rollcall.stamps import now
from rollcall.sync.connect import connect
from rollcall.sync.pull import Lap, RunOver
from rollcall.sync.reconcile import Reconciler
from rollcall.sync.runs import UNDER_WAY, Run, Runs, Status
from rollcall.tables import Table

Remaining = Callable[[], int]
"""The milliseconds that this invocation has left."""

MOST_STALLED = {"vendor-throttled": 40, "vendor-broken": 4, "vendor-silent": 3}
"""Laps in a row without a page after which the run fails."""
_LONGEST_PAUSE = 60


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a run cannot go on, in the words of its `error`."""

    code: str
    detail: str


class Sync:
    """The steps, over the stores and the app of one integration."""

    def __init__(self, settings: Settings, aws: Aws, logger: Logger) -> None:
        self._settings = settings
        self._aws = aws
        self._log = logger

    @cached_property
    def runs(self) -> Runs:
        """The store of runs."""
        return Runs(self._aws.dynamodb, self._settings)

    @cached_property
    def _config(self) -> Table:
        return Table(self._aws.dynamodb, self._settings.config_table)

    @cached_property
    def _directory(self) -> Table:
        return Table(self._aws.dynamodb, self._settings.directory_table)

    @cached_property
    def _integrations(self) -> Integrations:
        return Integrations(self._config)

    def begin(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Make the run and take the lock, or drop the call: another run is under way, the
        scheduled time was seen before, or the integration is not to be run by its schedule.
        """
        integration_id = event["integration_id"]
        execution = event["execution_id"]
        run_id = event.get("run_id") or uuid.uuid5(uuid.NAMESPACE_URL, execution).hex
        integration = self._integrations.get(integration_id)
        if integration is None:
            return self._dropped(run_id, integration_id, "the integration is gone")
        scheduled = event["trigger"] == "schedule"
        if scheduled and integration.status != "active":
            return self._dropped(run_id, integration_id, f"it is {integration.status}")
        run = self.runs.get(run_id)
        if run is None:
            queued = self.runs.queue(
                integration_id,
                event["trigger"],
                run_id,
                scheduled_time=event.get("scheduled_time") if scheduled else None,
            )
            if queued != "queued":
                reason = {"busy": "a run is under way", "seen": "this time was seen"}[queued]
                return self._dropped(run_id, integration_id, reason)
            run = self.runs.get(run_id)
        if run is None or run.status not in UNDER_WAY:
            return self._dropped(run_id, integration_id, "the run is over")
        first = run.status == "queued"
        run = self.runs.start(run, execution)
        if first:
            self.runs.kept.note(run.id, f"begun by {run.trigger}")
        return _answer(run, "reconcile" if run.phase == "approval" else "pull")

    def _dropped(self, run_id: str, integration_id: str, reason: str) -> dict[str, Any]:
        self._log.info("run dropped", integration_id=integration_id, reason=reason)
        return {
            "run_id": run_id,
            "integration_id": integration_id,
            "next": "dropped",
            "wait_seconds": 0,
            "error": None,
        }

    def pull(self, event: Mapping[str, Any], remaining: Remaining) -> dict[str, Any]:
        """Take pages until the lists end, the app asks for a pause, or the time runs short."""
        run, integration = self._of(event)
        app = self._connected(integration)
        if isinstance(app, Trouble):
            return _answer(run, "fail", error=app)
        try:
            lap = Lap(
                app, self.runs, self._directory, run, self._source(run, integration, app.manifest)
            )
            pulled = lap.pull(remaining)
        except RunOver:
            return self._dropped(run.id, integration.id, "the run was closed while it pulled")
        finally:
            app.close()
        if pulled.failure is not None:
            return self._pause(run, integration, pulled.failure, "pull", moved=pulled.saved > 0)
        if not pulled.finished:
            return _answer(run, "pull")
        if pulled.differing:
            detail = "the app's count differs from what it lists: " + "; ".join(pulled.differing)
            return _answer(run, "fail", error=Trouble("count-mismatch", detail))
        self.runs.kept.note(run.id, "every list was read to its end")
        return _answer(run, "reconcile")

    def _pause(
        self, run: Run, integration: Integration, failure: Failure, step: str, *, moved: bool
    ) -> dict[str, Any]:
        """Wait and go on where it passes; end the run where it does not."""
        if failure.code == "vendor-unauthorized":
            self._integrations.set_status(integration.id, "needs_reconnect")
        if not failure.passing:
            return _answer(run, "fail", error=Trouble(failure.code, failure.detail))
        stalled = 0 if moved else run.stalled + 1
        if stalled > MOST_STALLED[failure.code]:
            detail = f"{failure.detail} ({stalled} times in a row)"
            return _answer(run, "fail", error=Trouble(failure.code, detail))
        pause = failure.wait_seconds or min(_LONGEST_PAUSE, 2 ** max(stalled, 1))
        self.runs.kept.note(run.id, f"waits {pause} s: {failure.detail}")
        if stalled != run.stalled:
            run = self.runs.change(run, {"stalled": stalled})
        return _answer(run, step, wait_seconds=pause)

    def reconcile(self, event: Mapping[str, Any], remaining: Remaining) -> dict[str, Any]:
        """Remove what is gone, or hold the run, or ask for lists to be read again."""
        run, integration = self._of(event)
        app = self._connected(integration)
        if isinstance(app, Trouble):
            return _answer(run, "fail", error=app)
        source = self._source(run, integration, app.manifest)
        try:
            done = Reconciler(app, self.runs, self._directory, integration, run, source).reconcile(
                remaining
            )
        finally:
            app.close()
        if done.failure is not None:
            return self._pause(run, integration, done.failure, "reconcile", moved=False)
        if done.error is not None:
            return _answer(run, "fail", error=Trouble(**done.error))
        return _answer(run, done.next)

    def finish(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Count, give the run its last status and release the lock."""
        run, integration = self._of(event)
        if run.status not in UNDER_WAY:
            return _answer(run, "done")
        counts, progress, pages = self.runs.counted(run)
        held = run.phase == "held"
        status: Status = "held" if held else "succeeded"
        if counts["errors"] and not held:
            status = "succeeded_with_errors"
        # After a hold the roster has more than the run saw; and since an approved run read the
        # app, others may have written.
        baseline = None if held or run.approved else {"run_id": run.id, "pages": pages}
        outcome = {
            "error": None,
            "last_good_at": now(),
            "last_sync_at": run.started_at,
            "held_run_id": run.id if held else None,
            "baseline": baseline,
        }
        older = self.runs.state(integration.id).get("held_run_id")
        self._integrations.set_status(integration.id, "active")
        self.runs.kept.note(
            run.id, f"{status}: " + ", ".join(f"{n} {name}" for name, n in counts.items() if n)
        )
        self.runs.end(
            run,
            status,
            changes={"counts": counts, "progress": progress, "error": None},
            state=outcome,
            supersede=older if older and older != run.id else None,
        )
        return _answer(run, "done")

    def fail(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Close the run as failed, with what it has counted so far; nothing is removed."""
        run = self.runs.get(event["run_id"])
        if run is None or run.status not in UNDER_WAY:
            return {"run_id": event["run_id"], "next": "done"}
        error = {"code": event["error"]["code"], "detail": event["error"]["detail"]}
        self.runs.kept.note(run.id, f"failed: {error['code']}: {error['detail']}")
        self.runs.abandon(run, **error)
        self._log.error("run failed", run_id=run.id, integration_id=run.integration_id, **error)
        return _answer(run, "done")

    def _of(self, event: Mapping[str, Any]) -> tuple[Run, Integration]:
        run = self.runs.get(event["run_id"])
        if run is None:
            raise LookupError(f"run {event['run_id']} is gone")
        integration = self._integrations.get(run.integration_id)
        if integration is None:
            raise LookupError(f"integration {run.integration_id} is gone")
        return run, integration

    def _connected(self, integration: Integration) -> App | Trouble:
        manifest = catalog.find(integration.connector)
        if manifest is None:
            return Trouble("connector-missing", f"there is no connector {integration.connector!r}")
        variable = Variables(self._config).value(manifest.address.variable)
        base_url = address.resolve(manifest, integration, variable)
        if base_url is None:
            return Trouble(
                "address-missing",
                f"give base_url, subdomain or the variable {manifest.address.variable}",
            )
        credentials = Credentials(
            self._config, self._aws.secretsmanager, self._settings.secret_prefix
        )
        credential = credentials.get(integration.credential_id)
        try:
            secret = credentials.secret(integration.credential_id)
        except CredentialMissing:
            credential = None
        if credential is None:
            return Trouble("credential-missing", "the integration's credential is gone")
        return connect(
            self._settings,
            self._aws,
            manifest,
            base_url,
            credential,
            secret,
            integration.rate_limit,
        )

    def _source(self, run: Run, integration: Integration, manifest: Manifest) -> Source:
        return Source(
            integration_id=integration.id,
            run_id=run.id,
            now=now(),
            sync_key=manifest.sync_key.target,
            targets=frozenset(rule.target for rule in manifest.mapping),
            ranks={one.id: one.rank for one in self._integrations.everything()},
        )


def _answer(
    run: Run, step: str, *, wait_seconds: int = 0, error: Trouble | None = None
) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "integration_id": run.integration_id,
        "next": step,
        "wait_seconds": wait_seconds,
        "error": {"code": error.code, "detail": error.detail} if error else None,
    }
