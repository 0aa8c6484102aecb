"""Closing runs whose execution is gone, so that nothing stays under way for ever."""

from datetime import UTC, datetime, timedelta

from rollcall.aws import Client
from rollcall.sync.endings import Endings
from rollcall.sync.run import Run
from rollcall.sync.runs import Runs

GRACE = timedelta(minutes=10)
"""A run that is queued this long was never begun."""


def sweep(
    runs: Runs, stepfunctions: Client, moment: datetime, endings: Endings | None = None
) -> list[str]:
    """Close what is under way without an execution; returns the ids of the closed runs.

    `endings` closes them so that their integrations and contacts know of it.
    """
    closed = []
    close = endings.fail if endings is not None else runs.abandon
    for _, run_id in runs.locks():
        run = runs.get(run_id)
        reason = None if run is None else _reason(run, stepfunctions, moment)
        if run is not None and reason is not None and close(run, *reason):
            closed.append(run.id)
    return closed


def _reason(run: Run, stepfunctions: Client, moment: datetime) -> tuple[str, str] | None:
    """Why the run cannot go on, as a code and a sentence, or None while it can."""
    if run.execution_arn is None or run.status == "queued":
        waited = moment - datetime.fromisoformat(run.queued_at).astimezone(UTC)
        gone = ("execution-gone", f"it was queued and never begun in {GRACE}")
        return gone if waited > GRACE else None
    try:
        execution = stepfunctions.describe_execution(executionArn=run.execution_arn)
    except stepfunctions.exceptions.ExecutionDoesNotExist:
        return "execution-gone", "its execution does not exist"
    match execution["status"]:
        case "RUNNING":
            return None
        case "TIMED_OUT":
            return "time-limit", "its execution took longer than its six hours"
        case status:
            return "execution-gone", f"its execution is {status}"
