"""Closing runs whose execution is gone, so that nothing stays under way for ever."""

from datetime import UTC, datetime, timedelta

from rollcall.aws import Client
from rollcall.sync.runs import Run, Runs

GRACE = timedelta(minutes=10)
"""A run that is queued this long was never begun."""


def sweep(runs: Runs, stepfunctions: Client, moment: datetime) -> list[str]:
    """Close what is under way without an execution; returns the ids of the closed runs."""
    closed = []
    for _, run_id in runs.locks():
        run = runs.get(run_id)
        reason = None if run is None else _reason(run, stepfunctions, moment)
        if run is not None and reason is not None and runs.abandon(run, "execution-gone", reason):
            closed.append(run.id)
    return closed


def _reason(run: Run, stepfunctions: Client, moment: datetime) -> str | None:
    """Why the run cannot go on, or None while it can."""
    if run.execution_arn is None or run.status == "queued":
        waited = moment - datetime.fromisoformat(run.queued_at).astimezone(UTC)
        return f"it was queued and never begun in {GRACE}" if waited > GRACE else None
    try:
        execution = stepfunctions.describe_execution(executionArn=run.execution_arn)
    except stepfunctions.exceptions.ExecutionDoesNotExist:
        return "its execution does not exist"
    if execution["status"] == "RUNNING":
        return None
    return f"its execution is {execution['status']}"
