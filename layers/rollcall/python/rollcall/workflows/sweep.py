"""Looking after executions: none stays under way for ever, and what was decided or ended is told.

What is done here was begun by a function that died over it, or that AWS refused in passing. Each of
it can be done twice.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from rollcall.aws import Client
from rollcall.notices.workflow_notice import WorkflowNotices
from rollcall.workflows import children
from rollcall.workflows.beginning import Beginner
from rollcall.workflows.executions import OVER, Execution, Step
from rollcall.workflows.holding import tell_held
from rollcall.workflows.store import Version, Workflow, Workflows

GRACE = timedelta(minutes=3)
"""Whoever has begun something may still be at it for so long."""
_GOES_ON = ("RUNNING", "PENDING_REDRIVE")


class WorkflowSweeper:
    """Sweeps the executions of one deployment.

    `status` is what Step Functions says of the try of an execution, None where it knows nothing;
    `settle` tells the state machine of a decided approval.
    """

    def __init__(
        self,
        beginner: Beginner,
        notices: WorkflowNotices,
        stepfunctions: Client,
        logger: Logger,
        status: Callable[[Execution], str | None],
        settle: Callable[[Step], Any],
    ) -> None:
        self._beginner = beginner
        self._executions = beginner.executions
        self._workflows = Workflows(beginner.config)
        self._notices = notices
        self._stepfunctions = stepfunctions
        self._log = logger
        self._status = status
        self._settle = settle

    def sweep(self, moment: datetime, has_time: Callable[[], bool]) -> list[str]:
        """Look after each as long as there is time; returns the ids of those that were closed since
        nothing drove them. What fails is logged, and tried the next time.
        """
        closed: list[str] = []
        holding: set[str] = set()
        for execution in self._open():
            if not has_time():
                self._log.warning("there was no time to look after every execution")
                break
            try:
                if execution.status == "held":
                    holding.add(execution.workflow_id)
                elif self._closed(execution, moment):
                    closed.append(execution.id)
            except (ClientError, BotoCoreError):
                self._log.exception("an execution is left", execution_id=execution.id)
        for workflow_id in sorted(holding):
            self._tell_held(workflow_id, moment)
        return closed

    def _open(self) -> Iterator[Execution]:
        """Those that are not over, beginning with another one each time."""
        return self._executions.open(random.random())  # noqa: S311 - not a secret

    def _closed(self, execution: Execution, moment: datetime) -> bool:
        """Do what is left to do; True where the execution had to be closed."""
        if execution.status in OVER:  # by now
            return False
        if not execution.started:
            if _old(execution.started_at, moment):
                self._beginner.ensure_started(execution)
            return False
        status = self._status(execution)
        if status is None and not _old(execution.started_at, moment):
            return False
        if status in _GOES_ON:
            self._go_on(execution, moment)
            return False
        return self._close(execution, status)

    def _close(self, execution: Execution, status: str | None) -> bool:
        """End one whose state machine ended without a word, unless it has just told."""
        if status == "SUCCEEDED":
            ended = self._executions.end(execution, "succeeded")
        else:
            said = f"is {status}" if status is not None else "does not exist"
            error = {"code": "execution-error", "detail": f"its Step Functions execution {said}"}
            ended = self._executions.end(execution, "failed", error)
            if ended:
                self._tell_failed(execution, error["detail"])
        self._tell_parent(execution.id)
        return ended

    def _go_on(self, execution: Execution, moment: datetime) -> None:
        """Tell its state machine what it waits for, where that is there and was not told."""
        for step in self._executions.steps_in(execution.id, "waiting"):
            if step.type == "approval" and step.branch is not None:
                self._settle(step)
            elif step.type == "workflow" and _old(step.started_at, moment):
                child = children.child_of(self._executions, step)
                if child is not None and child.status in OVER:
                    children.tell_parent(self._executions, self._stepfunctions, child)

    def _tell_parent(self, execution_id: str) -> None:
        over = self._executions.get(execution_id)
        if over is not None:
            children.tell_parent(self._executions, self._stepfunctions, over)

    def _tell_failed(self, execution: Execution, detail: str) -> None:
        found = self._version(execution.workflow_id, execution.version)
        if found is None or execution.mode == "test":
            return
        workflow, version = found
        subject = f"Rollcall: {workflow.name} failed"
        body = (
            f"Execution {execution.id} of {workflow.name} failed: {detail} (code execution-error). "
            f"GET /v1/executions/{execution.id}/steps tells what it did, and "
            f"POST /v1/executions/{execution.id}/redrive goes on from what failed."
        )
        contacts = version.document.get("contacts", [])
        self._notices.tell("failed", workflow.id, subject, body, contacts)

    def _tell_held(self, workflow_id: str, moment: datetime) -> None:
        """Tell the contacts of what is held if whoever tripped the guard could not."""
        trip = self._beginner.rate.untold(workflow_id)
        if trip is None or not _old(trip, moment):
            return
        workflow = self._workflows.get(workflow_id)
        number = workflow.active_version if workflow is not None else None
        found = self._version(workflow_id, number) if number is not None else None
        if found is not None:
            tell_held(self._notices, self._beginner.rate, *found, trip)

    def _version(self, workflow_id: str, number: int) -> tuple[Workflow, Version] | None:
        workflow = self._workflows.get(workflow_id)
        version = self._workflows.version(workflow_id, number)
        return (workflow, version) if workflow is not None and version is not None else None


def _old(stamp: str | None, moment: datetime) -> bool:
    """Is it so long ago that nobody is at it any more? What is missing is."""
    if stamp is None:
        return True
    return moment - datetime.fromisoformat(stamp).astimezone(UTC) > GRACE
