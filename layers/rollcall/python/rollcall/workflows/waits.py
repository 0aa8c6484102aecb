"""Waits that have ended, of which the state machine does not know: it is told again."""

from rollcall.aws import Client
from rollcall.workflows import approvals, children
from rollcall.workflows.executions import Execution, Executions, execution_id


def tell_again(executions: Executions, stepfunctions: Client, execution: Execution) -> int:
    """Tell the execution's state machine of approvals that are decided, and of executions that are
    over, where its steps wait for them yet; how many those were. Raises botocore's errors.
    """
    told = 0
    for step in executions.steps_in(execution.id, "waiting"):
        if step.type == "approval":
            told += approvals.settle(executions, stepfunctions, step)
        elif step.type == "workflow" and step.input is not None:
            child_id = execution_id(step.input["workflow"], children.cause(step))
            child = executions.get(child_id)
            told += child is not None and children.tell_parent(executions, stepfunctions, child)
    return told
