"""Runs over HTTP: start one, follow it, cancel it, decide about one that is held, apply a plan.

What a run says of single records is in `sync.finding_routes`.
"""

import json
from datetime import UTC, datetime
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, Field

from rollcall.access.problems import Problem, unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Body, Id, Routes
from rollcall.integrations import lookup
from rollcall.integrations.model import Integration
from rollcall.stamps import new_id
from rollcall.sync.applying import configuration, refusal
from rollcall.sync.run import Mode, Run, Status

routes = Routes("Runs")


class Progress(BaseModel):
    """How many accounts were read, of how many the app announced (null: it does not say)."""

    pulled: int
    total: int | None


class Counts(BaseModel):
    """What became of the accounts."""

    pulled: int
    added: int
    updated: int
    unchanged: int
    skipped: int
    removed: int
    restored: int
    errors: int


class RunError(BaseModel):
    """Why the run ended as it did."""

    code: str
    detail: str
    list: Literal["test", "joined", "users", "groups", "members", "groups_of"] | None = Field(
        default=None, description="The list that could not be read on"
    )
    page: int | None = Field(default=None, description="At which page of it, from 1")


class ShownRun(BaseModel):
    """One sync of one integration."""

    id: str
    integration_id: str
    mode: Mode
    status: Status
    trigger: str
    progress: Progress
    counts: Counts
    queued_at: str
    started_at: str | None
    finished_at: str | None
    duration_seconds: float | None = Field(
        description="Of its executions, without the time that it was held"
    )
    plan_id: str | None = Field(description="The plan that this run applies")
    applied_by: str | None = Field(description="The run that was started to apply this plan")
    error: RunError | None


class RunPage(Page[ShownRun]):
    """A page of runs."""


class StartRun(Body):
    """What kind of run."""

    mode: Mode = Field(
        default="sync", description="`plan` stores nothing and tells every change it would make"
    )


def _shown(run: Run) -> ShownRun:
    return ShownRun.model_validate(routes.services.runs.describe(run))


def found(run_id: str) -> Run:
    """The run of that id. Raises Problem (404)."""
    run = routes.services.runs.get(run_id)
    if run is None:
        raise unknown("run", run_id)
    return run


@routes.on("POST /integrations/<integration_id>/runs", status=202, problems=(409, 503))
def start_run(integration_id: Id, body: StartRun | None = None) -> ShownRun:
    """Sync now, or plan: read everything, store nothing, and tell what a sync would change.

    Answers 409 while a run of the integration is under way, and where something is missing to
    call the app. A draft and a paused integration can be synced by hand too.
    """
    services = routes.services
    integration = lookup.found(services, integration_id)
    lookup.require(services, integration)
    run_id = new_id()
    mode = body.mode if body is not None else "sync"
    if services.runs.queue(integration_id, "manual", run_id, mode=mode) != "queued":
        raise Problem(409, "a run of the integration is under way")
    run = found(run_id)
    _start(run, run_id, "manual")
    return _shown(run)


def _start(run: Run, execution: str, trigger: Literal["manual", "approval", "plan"]) -> None:
    """Start the state machine; where that fails the run is closed and Problem (503) raised."""
    services = routes.services
    request: dict[str, Any] = {
        "integration_id": run.integration_id,
        "trigger": trigger,
        "run_id": run.id,
    }
    try:
        services.aws.stepfunctions.start_execution(
            stateMachineArn=services.api.sync_state_machine_arn,
            name=execution,
            input=json.dumps(request),
        )
    except (ClientError, BotoCoreError) as error:
        services.runs.abandon(run, "not-started", "the state machine could not be started")
        raise Problem(503, "the run could not be started: try again") from error


@routes.on("GET /integrations/<integration_id>/runs")
def list_runs(integration_id: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> RunPage:
    """List the integration's runs, the newest first."""
    lookup.found(routes.services, integration_id)
    listing = f"runs of {integration_id}"
    page, last = routes.services.runs.of_integration(integration_id, limit, key_of(listing, after))
    return RunPage(items=[_shown(run) for run in page], next_cursor=cursor(listing, last))


@routes.on("GET /runs/<run_id>")
def get_run(run_id: Id) -> ShownRun:
    """One run, with its progress while it is under way."""
    return _shown(found(run_id))


@routes.on("POST /runs/<run_id>/cancel", problems=(409,))
def cancel_run(run_id: Id) -> ShownRun:
    """End a run that is queued or under way.

    Its integration is free for the next run at once; the run itself stops at its next page. What it
    has taken stays taken, and it removes nothing more. A held run is rejected instead.
    """
    run = found(run_id)
    if not routes.services.runs.cancel(run, routes.actor):
        status = found(run_id).status
        advice = "reject it instead" if status == "held" else "it is over"
        raise Problem(409, f"the run is {status}: {advice}")
    return _shown(found(run_id))


@routes.on("POST /runs/<run_id>/apply", status=202, problems=(409, 503))
def apply_plan(run_id: Id) -> ShownRun:
    """Sync, as a plan said it would change the roster.

    The app is read again: what has changed there meanwhile counts, and the confirming look and the
    removal guard protect as in every run. Answers 409 unless the run is a plan that ended well
    within the last 24 hours, and neither the configuration has changed nor another run of the
    integration has written since.
    """
    services = routes.services
    plan = found(run_id)
    integration = lookup.found(services, plan.integration_id)
    lookup.require(services, integration)
    reason = refusal(plan, _configuration(integration), datetime.now(UTC))
    if reason is not None:
        raise Problem(409, reason)
    applying = new_id()
    match services.runs.apply(plan, applying, routes.actor):
        case "busy":
            raise Problem(409, "a run of the integration is under way")
        case "written":
            raise Problem(409, "another run has written since the plan: make a new one")
    run = found(applying)
    _start(run, applying, "plan")
    return _shown(run)


def _configuration(integration: Integration) -> str:
    services = routes.services
    manifest = lookup.manifest_of(services, integration)
    return configuration(
        integration,
        manifest,
        services.fields.everything(),
        services.fields.roles(),
        services.variables.value(manifest.address.variable),
    )


@routes.on("POST /runs/<run_id>/approve", status=202, problems=(409, 503))
def approve_run(run_id: Id) -> ShownRun:
    """Let a held run remove what is still gone when it looks again."""
    run = found(run_id)
    lookup.require(routes.services, lookup.found(routes.services, run.integration_id))
    if not routes.services.runs.reopen(run, routes.actor):
        raise Problem(409, _why_not(run_id))
    reopened = found(run_id)
    # The run's own id may have been an execution's name before, and names are used once.
    _start(reopened, f"{run_id}-{new_id()}", "approval")
    return _shown(reopened)


@routes.on("POST /runs/<run_id>/reject", problems=(409,))
def reject_run(run_id: Id) -> ShownRun:
    """End a held run without removing anybody."""
    run = found(run_id)
    if not routes.services.runs.reject(run, routes.actor):
        raise Problem(409, _why_not(run_id))
    return _shown(found(run_id))


def _why_not(run_id: str) -> str:
    run = found(run_id)
    if run.status != "held":
        return f"the run is {run.status}; only a held one waits for a decision"
    return "another run of the integration is under way"
