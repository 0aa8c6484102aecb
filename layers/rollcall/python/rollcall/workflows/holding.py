"""Executions that the rate guard holds: telling of them, and what becomes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from rollcall.access.audit import Change, recording
from rollcall.aws import Client
from rollcall.notices.workflow_notice import WorkflowNotices
from rollcall.tables import transact
from rollcall.workflows.children import tell_parent
from rollcall.workflows.guards import RateGuard
from rollcall.workflows.store import Version, Workflow

if TYPE_CHECKING:
    from rollcall.workflows.beginning import Beginner

Decision = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class LetGo:
    """How many executions were let go, and whether time ran out before all were."""

    count: int
    left: bool


def tell_held(
    notices: WorkflowNotices, rate: RateGuard, workflow: Workflow, version: Version, trip: str
) -> None:
    """Tell the contacts that executions are held. Where that fails the sweeper tells them."""
    document = version.document
    most = int(document["begin"].get("most_per_hour", 100))
    subject = f"Rollcall: executions of {workflow.name} wait for a decision"
    place = f"/v1/workflows/{workflow.id}"
    body = (
        f"The workflow {workflow.name} would begin more than {most} executions in an hour. Those "
        f"beyond are held, and so is every other one until you decide. See which with GET "
        f"{place}/executions?status=held, then POST {place}/held/approve starts them, or POST "
        f"{place}/held/reject cancels them."
    )
    if notices.tell("held", workflow.id, subject, body, document.get("contacts", [])):
        rate.told(workflow.id, trip)


class Holding:
    """Lets executions go that are held."""

    def __init__(self, beginner: "Beginner", stepfunctions: Client) -> None:
        self._beginner = beginner
        self._stepfunctions = stepfunctions

    def decide(
        self,
        workflow_id: str,
        trip: str,
        decision: Decision,
        actor: str,
        has_time: Callable[[], bool],
    ) -> LetGo:
        """Start what the trip holds, or cancel it. From the first call on the hour begins anew, so
        what comes meanwhile begins. Doing it again goes on with what is left.
        """
        self._open(workflow_id, trip, decision, actor)
        count = 0
        for execution_id in self._beginner.rate.held(workflow_id, trip):
            if not has_time():
                return LetGo(count, left=True)
            count += self._let_go(execution_id, decision, actor)
            self._beginner.rate.let_go(workflow_id, trip, execution_id)
        return LetGo(count, left=False)

    def _open(self, workflow_id: str, trip: str, decision: Decision, actor: str) -> None:
        """Begin the hour anew, with its audit entry; once."""
        beginner = self._beginner
        change = Change(actor, decision, "workflow", workflow_id, {"held": trip}, {})
        anew = beginner.rate.beginning_anew(workflow_id, trip, datetime.now(UTC))
        transact(beginner.runs.client, [anew, recording(beginner.config, change)])

    def _let_go(self, execution_id: str, decision: Decision, actor: str) -> bool:
        executions = self._beginner.executions
        execution = executions.get(execution_id)
        if execution is None:
            return False
        if decision == "approve":
            released = executions.release(execution)
            current = executions.get(execution_id)
            if current is not None:
                self._beginner.ensure_started(current)
            return released
        cancelled = execution.status == "held" and executions.cancel(execution, actor)
        current = executions.get(execution_id)
        if current is not None and current.status == "cancelled":
            tell_parent(executions, self._stepfunctions, current)
        return cancelled
