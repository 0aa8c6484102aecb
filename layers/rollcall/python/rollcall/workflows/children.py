"""Executions that a block of another one waits for: what comes of them goes back to that block.

What came of a child is noted on the block's step first, and then the state machine is told. The
step `waits` until that is done; who looks after executions can do it again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rollcall.aws import Client
from rollcall.stamps import now
from rollcall.tables import equals
from rollcall.workflows import approvals, tokens
from rollcall.workflows.executions import OVER, Execution, Executions, Step, execution_id


def tell_parent(executions: Executions, stepfunctions: Client, child: Execution) -> bool:
    """Have the block go on that waits for an execution that is over; False where none does.

    Raises botocore's errors where Step Functions cannot be told at the moment.
    """
    if child.parent_id is None or child.parent_block is None or child.status not in OVER:
        return False
    step = executions.step(child.parent_id, child.parent_at or "", child.parent_block)
    if step is None:
        return False
    noted = executions.revise(step, {"output": dict(output(child))})
    if noted is None:
        return False
    if noted.token is not None:
        tokens.tell(stepfunctions, noted.token, answer(noted))
    return executions.save(ended(noted), equals("status", "waiting"))


def cause_of(execution_id: str, at: str, block: str) -> str:
    """What tells the child that this block runs from all others."""
    return f"{execution_id}\n{at}\n{block}"


def child_of(executions: Executions, step: Step) -> Execution | None:
    """The execution that this step of a workflow block waits for, if it was begun."""
    cause = cause_of(step.execution_id, step.at, step.block)
    return executions.get(execution_id(step.input["workflow"], cause))


def output(child: Execution) -> Mapping[str, Any]:
    """What later blocks see of the child."""
    return {"execution_id": child.id, "status": child.status, "message": child.message}


def answer(step: Step) -> dict[str, Any]:
    """What the parent's state machine is told."""
    outcome = "done" if step.output["status"] == "succeeded" else "failed"
    return approvals.told(step, outcome)


def ended(step: Step) -> Step:
    """The step of a child that is over as it ends."""
    status = step.output["status"]
    if status == "succeeded":
        return replace(step, status="succeeded", token=None, finished_at=now())
    error = {"code": "child-failed", "detail": f"the workflow that it ran was {status}"}
    if status == "failed":
        error["detail"] = "the workflow that it ran failed"
    return replace(step, status="failed", error=error, token=None, finished_at=now())
