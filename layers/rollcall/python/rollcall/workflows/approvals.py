"""Deciding an approval: over the API, by a link, or because the deadline has passed.

A decision is kept first, with its audit entry, and only once; then the state machine is told. The
step `waits` until that is done, so where it could not be told, who looks after executions tells it
again: see `settle`.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from rollcall.aws import Client
from rollcall.stamps import now
from rollcall.tables import equals
from rollcall.workflows import tokens
from rollcall.workflows.document import ApprovalBlock, GoTo
from rollcall.workflows.executions import OVER, Executions, Step

Decision = Literal["approve", "deny"]
Decided = Literal["decided", "repeated", "decided-otherwise", "over"]
"""`repeated`: it had been decided so. `decided-otherwise`: it had been decided, and not so. `over`:
nothing waits for a decision (any more).
"""


def decide(
    executions: Executions,
    stepfunctions: Client,
    step: Step,
    decision: Decision,
    actor: str,
    comment: str | None = None,
) -> Decided:
    """Decide the approval. A decision that is kept counts, also if the state machine cannot be
    told at this moment; and it is what is answered, also after the execution has ended.
    """
    execution = executions.get(step.execution_id)
    if execution is None or (step.branch is None and execution.status in OVER):
        return "over"
    wanted = replace(step, branch=decision, decided_by=actor, comment=comment)
    kept = step.branch is None and executions.decide(wanted, actor)
    there = executions.step(step.execution_id, step.at, step.block)
    if there is None or there.type != "approval" or there.branch is None:
        return "over"
    with suppress(ClientError, BotoCoreError):  # then it stays to be settled
        settle(executions, stepfunctions, there)
    if kept:
        return "decided"
    return "repeated" if there.branch == decision else "decided-otherwise"


def settle(executions: Executions, stepfunctions: Client, step: Step) -> bool:
    """Tell the state machine of a decided approval, and end the step; False where it has ended.

    A token that is gone is as good as told: the state machine has read the decision itself, or is
    over. Raises botocore's errors where it cannot be told.
    """
    if step.status != "waiting" or step.branch is None:
        return False
    if step.token is not None:
        tokens.tell(stepfunctions, step.token, answer(step))
    return executions.save(ended(step), equals("status", "waiting"))


def answer(step: Step) -> dict[str, Any]:
    """What the state machine is told of somebody's decision."""
    outcome = "deny" if step.branch == "deny" else "done"
    return told(step, outcome)


def told(step: Step, outcome: str) -> dict[str, Any]:
    """What flows on through the state machine whose task waited for the step."""
    return {
        "execution": step.execution_id,
        "at": step.at,
        "attempt": step.attempt,
        "outcome": outcome,
    }


def ended(step: Step) -> Step:
    """The decided step as it ends."""
    return replace(
        step, status="succeeded", output=dict(output(step)), token=None, finished_at=now()
    )


def output(step: Step) -> Mapping[str, Any]:
    """What later blocks see of a decided step."""
    return {"decision": step.branch, "by": step.decided_by, "comment": step.comment}


def outcome(block: ApprovalBlock, step: Step) -> str:
    """Where a decided step leads."""
    if step.branch != "late":
        return "deny" if step.branch == "deny" else "done"
    if isinstance(block.on_deadline, GoTo):
        return "late"
    return "deny" if block.on_deadline == "deny" else "done"
