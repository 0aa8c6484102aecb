"""Runs over HTTP: start one, follow it, decide about one that is held."""

import json
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, Field

from rollcall.access.problems import Problem, unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.integrations import lookup
from rollcall.stamps import new_id
from rollcall.sync.runs import Run

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


class ShownRun(BaseModel):
    """One sync of one integration."""

    id: str
    integration_id: str
    status: Literal[
        "queued", "running", "succeeded", "succeeded_with_errors", "failed", "held", "cancelled"
    ]
    trigger: str
    progress: Progress
    counts: Counts
    queued_at: str
    started_at: str | None
    finished_at: str | None
    error: RunError | None


class RunPage(Page[ShownRun]):
    """A page of runs."""


class RecordError(BaseModel):
    """A record that could not be taken."""

    external_id: str | None = None
    sync_key: str | None = None
    code: str
    message: str


class RecordErrorPage(Page[RecordError]):
    """A page of record errors."""


class LogLine(BaseModel):
    """A step of the run."""

    at: str
    message: str


class LogPage(Page[LogLine]):
    """A page of the log."""


class Candidate(BaseModel):
    """Who or what a held run would remove."""

    kind: str
    external_id: str
    name: str | None = None
    account: str | None = Field(default=None, description="The account, where it is a grant")
    scope: str | None = Field(default=None, description="Where a role that goes was held")


class CandidatePage(Page[Candidate]):
    """A page of candidates."""


def _shown(run: Run) -> ShownRun:
    return ShownRun.model_validate(routes.services.runs.describe(run))


def _found(run_id: str) -> Run:
    run = routes.services.runs.get(run_id)
    if run is None:
        raise unknown("run", run_id)
    return run


@routes.on("POST /integrations/<integration_id>/runs", status=202, problems=(409, 503))
def start_run(integration_id: Id) -> ShownRun:
    """Sync now.

    Answers 409 while a run of the integration is under way, and where something is missing to
    call the app. A draft and a paused integration can be synced by hand too.
    """
    services = routes.services
    integration = lookup.found(services, integration_id)
    lookup.require(services, integration)
    run_id = new_id()
    if services.runs.queue(integration_id, "manual", run_id) != "queued":
        raise Problem(409, "a run of the integration is under way")
    run = _found(run_id)
    _start(run, run_id, "manual")
    return _shown(run)


def _start(run: Run, execution: str, trigger: Literal["manual", "approval"]) -> None:
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
    return _shown(_found(run_id))


@routes.on("GET /runs/<run_id>/errors")
def list_run_errors(
    run_id: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> RecordErrorPage:
    """List the records that could not be taken."""
    _found(run_id)
    listing = f"errors of {run_id}"
    page, last = routes.services.runs.kept.errors(run_id, limit, key_of(listing, after))
    return RecordErrorPage(
        items=[RecordError.model_validate(item) for item in page],
        next_cursor=cursor(listing, last),
    )


@routes.on("GET /runs/<run_id>/log")
def list_run_log(run_id: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> LogPage:
    """What the run did, step by step."""
    _found(run_id)
    listing = f"log of {run_id}"
    page, last = routes.services.runs.kept.log(run_id, limit, key_of(listing, after))
    return LogPage(
        items=[LogLine.model_validate(item) for item in page], next_cursor=cursor(listing, last)
    )


@routes.on("GET /runs/<run_id>/candidates")
def list_run_candidates(
    run_id: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> CandidatePage:
    """List who and what a held run would remove."""
    _found(run_id)
    listing = f"candidates of {run_id}"
    page, last = routes.services.runs.kept.candidates(run_id, limit, key_of(listing, after))
    return CandidatePage(
        items=[Candidate.model_validate(item) for item in page],
        next_cursor=cursor(listing, last),
    )


@routes.on("POST /runs/<run_id>/approve", status=202, problems=(409, 503))
def approve_run(run_id: Id) -> ShownRun:
    """Let a held run remove what is still gone when it looks again."""
    run = _found(run_id)
    lookup.require(routes.services, lookup.found(routes.services, run.integration_id))
    if not routes.services.runs.reopen(run, routes.actor):
        raise Problem(409, _why_not(run_id))
    reopened = _found(run_id)
    # The run's own id may have been an execution's name before, and names are used once.
    _start(reopened, f"{run_id}-{new_id()}", "approval")
    return _shown(reopened)


@routes.on("POST /runs/<run_id>/reject", problems=(409,))
def reject_run(run_id: Id) -> ShownRun:
    """End a held run without removing anybody."""
    run = _found(run_id)
    if not routes.services.runs.reject(run, routes.actor):
        raise Problem(409, _why_not(run_id))
    return _shown(_found(run_id))


def _why_not(run_id: str) -> str:
    run = _found(run_id)
    if run.status != "held":
        return f"the run is {run.status}; only a held one waits for a decision"
    return "another run of the integration is under way"
