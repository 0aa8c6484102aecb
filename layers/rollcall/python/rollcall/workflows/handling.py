"""Executions over HTTP: cancelled, done again, decided about. Functions raise Problem.

The record comes first, then Step Functions is told. Where that did not come about the same call,
made again, does what is left: a cancel stops what is cancelled already, and a redrive starts a try
that was not started.
"""

from botocore.exceptions import BotoCoreError, ClientError

from rollcall.access.problems import Problem, unknown
from rollcall.api.services import Services
from rollcall.workflows import approvals, children
from rollcall.workflows.approvals import Decision
from rollcall.workflows.executions import Execution, Step

_NEVER_BEGUN = frozenset({"loop", "too-deep"})
"""Codes of executions that a guard refused."""
_LATER = "Step Functions could not be told: try again"


def found_execution(services: Services, execution_id: str) -> Execution:
    """The execution as it is now. Raises Problem (404)."""
    execution = services.executions.get(execution_id)
    if execution is None:
        raise unknown("execution", execution_id)
    return execution


def cancel(services: Services, execution_id: str, actor: str) -> Execution:
    """End it, and what it runs, as they are. Raises Problem: 404, 409 where it is over, 503."""
    execution = found_execution(services, execution_id)
    if not services.executions.cancel(execution, actor):
        execution = found_execution(services, execution_id)
        if execution.status != "cancelled":
            raise Problem(409, f"it is over: it {execution.status}")
    cancelled = found_execution(services, execution_id)
    try:
        _stop(services, cancelled, actor, list(services.executions.open()))
        children.tell_parent(services.executions, services.aws.stepfunctions, cancelled)
    except (ClientError, BotoCoreError) as error:
        raise Problem(503, _LATER) from error
    return cancelled


def _stop(services: Services, execution: Execution, actor: str, going: list[Execution]) -> None:
    services.machines.stop(execution)
    for child in going:
        if child.parent_id == execution.id:
            # Stopped first: as long as it is not cancelled, the same call comes by again.
            _stop(services, child, actor, going)
            services.executions.cancel(child, actor)


def redrive(services: Services, execution_id: str, actor: str) -> Execution:
    """Go on from where it failed: what was done stays done. Raises Problem: 404; 409 where it did
    not fail or cannot be begun; 503.
    """
    execution = found_execution(services, execution_id)
    if execution.status == "running" and execution.attempt > 1 and not execution.started:
        return _started(services, execution)
    if execution.status not in ("failed", "cancelled"):
        said = "goes on" if execution.status == "running" else f"is {execution.status}"
        raise Problem(409, f"only what failed or was cancelled is done again: it {said}")
    code = (execution.error or {}).get("code")
    if code in _NEVER_BEGUN:
        raise Problem(409, f"it was refused ({code}), and is not begun again")
    if services.workflows.get(execution.workflow_id) is None:
        raise Problem(409, "its workflow is gone")
    following = services.executions.reopen(execution, actor)
    if following is None:
        raise Problem(409, "somebody else does something to it at this moment: read it again")
    return _started(services, following)


def _started(services: Services, execution: Execution) -> Execution:
    """Start this try. Raises Problem (503): the same call goes on with it."""
    try:
        services.beginner.ensure_started(execution)
    except (ClientError, BotoCoreError) as error:
        raise Problem(503, "it could not be started: try again") from error
    return found_execution(services, execution.id)


def decide(
    services: Services, step: Step, decision: Decision, actor: str, comment: str | None
) -> Step:
    """Decide an approval that waits. Raises Problem: 409 where it was decided otherwise, or
    nothing waits for it any more.
    """
    stepfunctions = services.aws.stepfunctions
    decided = approvals.decide(
        services.executions, stepfunctions, step, decision, actor, comment or None
    )
    step = services.executions.step(step.execution_id, step.at, step.block) or step
    match decided:
        case "decided-otherwise":
            raise Problem(409, f"it was decided already: {step.branch}")
        case "over":
            raise Problem(409, "nothing waits for this decision any more")
        case _:
            return step


def found_approval(services: Services, execution_id: str, block: str, at: str) -> Step:
    """The approval, which may be over. Raises Problem (404)."""
    execution = found_execution(services, execution_id)
    step = services.executions.step(execution.id, at, block)
    if step is None or step.type != "approval":
        where = f" at {at!r}" if at else ""
        raise Problem(404, f"the execution has no approval {block!r}{where}")
    return step
