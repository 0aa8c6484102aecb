"""The steps of the Sync state machine. Each takes what the last one answered and can be repeated.

Every step answers `{"run_id", "integration_id", "next", "wait_seconds", "error"}`; the machine
waits first, where it is told to, and then takes the step named by `next`. A step that finds its run
over (cancelled, or closed by the sweeper) answers "dropped": the execution ends well.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from aws_lambda_powertools import Logger

from rollcall.aws import Aws
from rollcall.connectors.answers import Failure
from rollcall.connectors.catalog import Catalog
from rollcall.connectors.manifest import Manifest
from rollcall.directory.rehearsal import Rehearsal
from rollcall.fields.store import Fields
from rollcall.integrations.model import Integration
from rollcall.integrations.own_user import OwnUsers
from rollcall.integrations.store import Integrations
from rollcall.integrations.variables import Variables
from rollcall.notices.teller import Teller
from rollcall.settings import Settings
from rollcall.sync.applying import as_begun, configuration
from rollcall.sync.connect import Trouble, opened
from rollcall.sync.endings import Endings
from rollcall.sync.plan import Task
from rollcall.sync.pull import Lap
from rollcall.sync.quarantine import rests
from rollcall.sync.reconcile import Reconciler
from rollcall.sync.rules import rules_of
from rollcall.sync.run import UNDER_WAY, Run, RunOver
from rollcall.sync.runs import Runs
from rollcall.tables import Table

Remaining = Callable[[], int]
"""The milliseconds that this invocation has left."""
Step = Callable[[Run, Integration], dict[str, Any]]

MOST_STALLED = {"vendor-throttled": 40, "vendor-broken": 4, "vendor-silent": 3}
"""Laps in a row without a page after which the run fails."""
_LONGEST_PAUSE = 60


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

    def _directory(self, run: Run) -> Table:
        kind = Rehearsal if run.mode == "plan" else Table
        return kind(self._aws.dynamodb, self._settings.directory_table)

    @cached_property
    def _integrations(self) -> Integrations:
        return Integrations(self._config)

    @cached_property
    def _endings(self) -> Endings:
        teller = Teller(self._aws, self._settings.notice_topic, self._config, self._log)
        return Endings(self.runs, self._integrations, teller)

    def begin(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Make the run and take the lock, or drop the call: another run is under way, the
        scheduled time was seen before, or the integration is not to be run by its schedule, for
        its status or for a quarantine.
        """
        integration_id = event["integration_id"]
        execution = event["execution_id"]
        run_id = event.get("run_id") or uuid.uuid5(uuid.NAMESPACE_URL, execution).hex
        integration = self._integrations.get(integration_id)
        if integration is None:
            return self._dropped(run_id, integration_id, "the integration is gone")
        scheduled = event["trigger"] == "schedule"
        run = self.runs.get(run_id)
        unwanted = self._unwanted(integration, run) if scheduled else None
        if unwanted is not None:
            return self._dropped(run_id, integration_id, unwanted)
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
        try:
            return self._started(run, integration, execution)
        except RunOver:
            return self._dropped(run_id, integration_id, "the run is over")

    def _unwanted(self, integration: Integration, run: Run | None) -> str | None:
        """Why the schedule is not to run it now. What has begun goes on in a quarantine."""
        if integration.status != "active":
            return f"it is {integration.status}"
        return rests(self.runs.state(integration.id), datetime.now(UTC)) if run is None else None

    def _started(self, run: Run, integration: Integration, execution: str) -> dict[str, Any]:
        first = run.status == "queued"
        if first:
            self.runs.kept.save_terms(run.id, asdict(integration))
        run = self.runs.start(run, execution, self._configuration(run, integration))
        if first:
            by = "approval" if run.phase == "approval" else run.trigger
            self.runs.kept.note(run.id, f"begun by {by}")
        return _answer(run, "reconcile" if run.phase == "approval" else "pull")

    def _configuration(self, run: Run, integration: Integration) -> str | None:
        if run.mode == "sync":
            return None
        manifest, fields = self._manifest(integration), Fields(self._config)
        variable = Variables(self._config).value(manifest.address.variable) if manifest else None
        return configuration(integration, manifest, fields.everything(), fields.roles(), variable)

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
        return self._unless_over(event, lambda run, of: self._pull(run, of, remaining))

    def reconcile(self, event: Mapping[str, Any], remaining: Remaining) -> dict[str, Any]:
        """Remove what is gone, or hold the run, or ask for lists to be read again."""
        return self._unless_over(event, lambda run, of: self._reconcile(run, of, remaining))

    def _unless_over(self, event: Mapping[str, Any], step: Step) -> dict[str, Any]:
        """The step's answer; where the run is over, or is closed meanwhile, the step is dropped."""
        run, integration = self._of(event)
        if run.status == "running":
            try:
                return step(run, integration)
            except RunOver:
                pass
        return self._dropped(run.id, integration.id, "the run was closed meanwhile")

    def _pull(self, run: Run, integration: Integration, remaining: Remaining) -> dict[str, Any]:
        app = opened(self._settings, self._aws, integration)
        if isinstance(app, Trouble):
            return _answer(run, "fail", error=app)
        directory = self._directory(run)
        try:
            rules = rules_of(self._config, integration, app.manifest, run.id)
            lap = Lap(app, self.runs, directory, run, *rules)
            pulled = lap.pull(remaining)
        finally:
            app.close()
        OwnUsers(self.runs.table, self._settings.run_days).keep(
            integration.id, integration.credential_id, lap.own_id
        )
        moved = pulled.saved > 0
        refused = pulled.failure is not None and pulled.failure.code == "vendor-unauthorized"
        if moved and not refused and integration.status == "needs_reconnect":
            self._set_status(run, integration, "active")
        if pulled.failure is not None:
            trouble = _trouble(pulled.failure, pulled.failed_at)
            return self._pause(run, integration, pulled.failure, trouble, "pull", moved=moved)
        if not pulled.finished:
            return _answer(run, "pull")
        if pulled.differing:
            detail = "the app's count differs from what it lists: " + "; ".join(pulled.differing)
            return _answer(run, "fail", error=Trouble("count-mismatch", detail))
        self.runs.kept.note(run.id, "every list was read to its end")
        return _answer(run, "reconcile")

    def _pause(
        self,
        run: Run,
        integration: Integration,
        failure: Failure,
        trouble: Trouble,
        step: str,
        *,
        moved: bool,
    ) -> dict[str, Any]:
        """Wait and go on where it passes; end the run where it does not."""
        if failure.code == "vendor-unauthorized":
            self._set_status(run, integration, "needs_reconnect")
        if not failure.passing:
            return _answer(run, "fail", error=trouble)
        stalled = 0 if moved else run.stalled + 1
        if stalled > MOST_STALLED[failure.code]:
            detail = f"{trouble.detail} ({stalled} times in a row)"
            return _answer(run, "fail", error=replace(trouble, detail=detail))
        pause = failure.wait_seconds or min(_LONGEST_PAUSE, 2 ** max(stalled, 1))
        self.runs.kept.note(run.id, f"waits {pause} s: {trouble.detail}")
        if stalled != run.stalled:
            run = self.runs.change(run, {"stalled": stalled})
        return _answer(run, step, wait_seconds=pause)

    def _set_status(
        self, run: Run, integration: Integration, status: Literal["active", "needs_reconnect"]
    ) -> None:
        """As the app answers, under the integration's own name; a plan changes nothing."""
        if run.mode == "sync":
            actor = f"integration:{integration.name}"
            self._integrations.set_status(integration.id, status, actor)

    def _reconcile(
        self, run: Run, integration: Integration, remaining: Remaining
    ) -> dict[str, Any]:
        app = opened(self._settings, self._aws, integration)
        if isinstance(app, Trouble):
            return _answer(run, "fail", error=app)
        rules = rules_of(self._config, integration, app.manifest, run.id)
        directory = self._directory(run)
        try:
            done = Reconciler(app, self.runs, directory, integration, run, *rules).reconcile(
                remaining
            )
        finally:
            app.close()
        if done.failure is not None:
            trouble = _trouble(done.failure, None)
            return self._pause(run, integration, done.failure, trouble, "reconcile", moved=False)
        if done.error is not None:
            error = Trouble(done.error["code"], done.error["detail"])
            return _answer(run, "fail", error=error)
        return _answer(run, done.next)

    def finish(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Count, give the run its last status and release the lock; then tell its contacts."""
        run, integration = self._of(event)
        if run.status not in UNDER_WAY:
            self._endings.tell(integration)
            return _answer(run, "done")
        self._set_status(run, integration, "active")
        self._endings.succeed(run, integration, self._manifest(integration))
        return _answer(run, "done")

    def fail(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Close the run as failed, with what it has counted so far; nothing is removed.

        "dropped" where it was closed in another way before.
        """
        run = self.runs.get(event["run_id"])
        if run is None:
            return {"run_id": event["run_id"], "next": "done"}
        integration = self._integrations.get(run.integration_id)
        if run.status not in UNDER_WAY:
            if integration is not None:
                self._endings.tell(integration)
            return _answer(run, "done" if run.status == "failed" else "dropped")
        error = event["error"]
        code, detail = error["code"], error["detail"]
        place = {name: error[name] for name in ("list", "page") if error.get(name) is not None}
        manifest = self._manifest(integration) if integration is not None else None
        if not self._endings.fail(run, code, detail, place=place, manifest=manifest):
            return _answer(run, "dropped")
        self._log.error(
            "run failed",
            run_id=run.id,
            integration_id=run.integration_id,
            code=code,
            detail=detail,
            **place,
        )
        return _answer(run, "done")

    def _of(self, event: Mapping[str, Any]) -> tuple[Run, Integration]:
        run = self.runs.get(event["run_id"])
        if run is None:
            raise LookupError(f"run {event['run_id']} is gone")
        integration = self._integrations.get(run.integration_id)
        if integration is None:
            raise LookupError(f"integration {run.integration_id} is gone")
        terms = self.runs.kept.terms(run.id)
        return run, as_begun(integration, terms) if terms is not None else integration

    def _manifest(self, integration: Integration) -> Manifest | None:
        return Catalog(self._config).find(integration.connector)


def _answer(
    run: Run, step: str, *, wait_seconds: int = 0, error: Trouble | None = None
) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "integration_id": run.integration_id,
        "next": step,
        "wait_seconds": wait_seconds,
        "error": asdict(error) if error else None,
    }


def _trouble(failure: Failure, at: Task | None) -> Trouble:
    if at is None:
        return Trouble(failure.code, failure.detail)
    page = at.page.number + 1
    of = f" of {at.owner}" if at.owner else ""
    return Trouble(failure.code, f"{at.list}{of}, page {page}: {failure.detail}", at.list, page)
