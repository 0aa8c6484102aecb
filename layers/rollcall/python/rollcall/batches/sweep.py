"""Looking after batches: none stays under way for ever, and no secret longer than it is of use."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rollcall.actions.store import CLAIM_SECONDS, Actions
from rollcall.aws import Client
from rollcall.batches.files import BatchSecrets
from rollcall.batches.store import Batch, Batches

GRACE = timedelta(minutes=10)
"""A batch whose state machine was not started for so long never will be by itself."""
_CUT_OFF = {"code": "unavailable", "detail": "the batch was over before the row was: retry it"}


class BatchSweeper:
    """Sweeps the batches of one deployment; `machine` is the state machine's ARN."""

    def __init__(
        self,
        batches: Batches,
        actions: Actions,
        secrets: BatchSecrets,
        stepfunctions: Client,
        machine: str,
    ) -> None:
        self._batches = batches
        self._actions = actions
        self._secrets = secrets
        self._stepfunctions = stepfunctions
        self._machine = machine

    def sweep(self, moment: datetime) -> list[str]:
        """Look after each; returns the ids of those that were closed since nothing drove them."""
        closed = []
        for batch in self._batches.open():
            if batch.status == "running":
                error = self._broken(batch, moment)
                if error is not None and self._batches.finish(batch, error):
                    closed.append(batch.id)
            elif batch.running and _since(batch.finished_at, moment) > CLAIM_SECONDS:
                self._close_rows(batch)
            elif not batch.running and (batch.succeeded == batch.rows or batch.old):
                self._secrets.delete(batch)
                self._batches.forget(batch)
        return closed

    def _broken(self, batch: Batch, moment: datetime) -> Mapping[str, Any] | None:
        arn = f"{self._machine.replace(':stateMachine:', ':execution:')}:{batch.execution}"
        try:
            execution = self._stepfunctions.describe_execution(executionArn=arn)
        except self._stepfunctions.exceptions.ExecutionDoesNotExist:
            if _since(batch.started_at, moment) < GRACE.total_seconds():
                return None
            return {"code": "not-started", "detail": "its state machine was never started"}
        if execution["status"] == "RUNNING":
            return None
        return {"code": "execution-gone", "detail": f"its execution is {execution['status']}"}

    def _close_rows(self, batch: Batch) -> None:
        """Rows that nobody does any more have failed, so that they can be retried."""
        for row in self._batches.rows(batch.id):
            if row["status"] == "running":
                self._actions.cut_off(row["id"], f"sweeper of {batch.execution}", _CUT_OFF)


def _since(stamp: str | None, moment: datetime) -> float:
    """Seconds; a time that is missing is long ago."""
    if stamp is None:
        return float("inf")
    return (moment - datetime.fromisoformat(stamp).astimezone(UTC)).total_seconds()
