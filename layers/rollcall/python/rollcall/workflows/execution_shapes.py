"""Executions, their steps and what waits for a decision, as the API takes and shows them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rollcall.api.paging import Page
from rollcall.api.routing import Body
from rollcall.workflows.executions import Began, Execution, Mode, Status, Step, StepStatus
from rollcall.workflows.shapes import AccountKey, execution_url

MOST_TESTED = 20
"""People and accounts of one test."""

Decision = Literal["approve", "deny"]


class StartExecution(Body):
    """An execution that somebody asks for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": {"team": "Sales"}}]})
    inputs: dict[str, Any] = Field(default={}, description="What the workflow's `begin` asks for")
    person_id: str | None = Field(default=None, min_length=1, max_length=200)
    account: AccountKey | None = None


class StartTest(Body):
    """A test about chosen people and accounts: one execution each, and none of them changes
    anything.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"person_ids": ["0198"]}]})
    person_ids: list[str] = Field(default=[], max_length=MOST_TESTED)
    accounts: list[AccountKey] = Field(default=[], max_length=MOST_TESTED)
    inputs: dict[str, Any] = Field(default={}, description="What `begin` asks for")
    event: dict[str, Any] | None = Field(
        default=None,
        description="The event that began it: its detail with `type`. Left out: one that says no "
        "more than whom it is about",
    )
    approve: bool = Field(default=True, description="What its approvals come to")


class Decide(Body):
    """A decision about an approval that waits."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"decision": "approve"}]})
    decision: Decision
    comment: str | None = Field(default=None, max_length=4000)
    at: str = Field(
        default="", max_length=2000, description="The row it is in, as the step says: `each.3`"
    )


class Comment(Body):
    """What somebody says beside a decision."""

    comment: str | None = Field(default=None, max_length=4000)


class ExecutionError(BaseModel):
    """Why an execution, or a step of it, failed."""

    model_config = ConfigDict(extra="allow")
    code: str
    detail: str = ""


class ShownStep(BaseModel):
    """What one block did, once; for a block within a for-each, for one row."""

    block: str
    at: str = Field(description="The rows of the for-each blocks that it is in; empty: in none")
    type: str
    status: StepStatus
    attempt: int = Field(description="The try of the execution that did it last")
    started_at: str
    finished_at: str | None
    duration_ms: int | None
    input: Any = Field(description="What it was done with, rendered")
    output: Any = Field(description="What later blocks see of it")
    error: ExecutionError | None
    branch: str | None = Field(description="Where it led, if not to the next block")
    until: str | None = Field(description="How long it waits at most")
    decided_by: str | None
    comment: str | None
    notes: list[str]


class StepPage(Page[ShownStep]):
    """A page of steps."""


class ShownExecution(BaseModel):
    """One execution of one version of a workflow, in short."""

    id: str
    workflow_id: str
    version: int
    status: Status
    mode: Mode
    approves: bool = Field(description="What the approvals of a test come to")
    began: Began
    actor: str
    person_id: str | None
    integration_id: str | None
    external_id: str | None
    event_type: str | None = Field(description="Of the event that began it")
    depth: int = Field(description="How many executions led to it")
    lineage: list[str] = Field(description="Their workflows, the oldest first")
    parent_id: str | None = Field(description="The execution whose block it was begun by")
    attempt: int = Field(description="1, and one more with each redrive")
    created_at: str
    started_at: str | None
    finished_at: str | None
    duration_ms: int | None = Field(description="Of its last try")
    error: ExecutionError | None
    message: str | None
    console_url: str | None = Field(description="Its last try in the AWS console")


class WholeExecution(ShownExecution):
    """An execution with what began it, and its steps."""

    event: dict[str, Any] | None
    inputs: dict[str, Any]
    steps: list[ShownStep]
    steps_complete: bool = Field(
        description="False where there are more: GET /executions/{execution_id}/steps has all"
    )


class ExecutionPage(Page[ShownExecution]):
    """A page of executions."""


class Begun(BaseModel):
    """The executions of a test."""

    items: list[ShownExecution]


class Waiting(BaseModel):
    """An approval that waits for a decision."""

    execution_id: str
    workflow_id: str
    block: str
    at: str
    message: str | None
    person_id: str | None
    integration_id: str | None
    external_id: str | None
    since: str
    until: str | None


class WaitingPage(Page[Waiting]):
    """A page of approvals."""


class Report(BaseModel):
    """Where a report can be fetched."""

    url: str = Field(description="Of a CSV file; it needs no token")
    expires_in: int = Field(description="Seconds")


def shown(execution: Execution) -> ShownExecution:
    """The execution as the API shows it."""
    return ShownExecution.model_validate(_fields(execution))


def whole(execution: Execution, steps: Sequence[Step], *, complete: bool) -> WholeExecution:
    """The execution with its steps."""
    return WholeExecution.model_validate(
        {
            **_fields(execution),
            "steps": [shown_step(step) for step in steps],
            "steps_complete": complete,
        }
    )


def shown_step(step: Step) -> ShownStep:
    """The step as the API shows it; its token is nobody's."""
    duration = _duration(step.started_at, step.finished_at)
    known = {**asdict(step), "notes": list(step.notes), "duration_ms": duration}
    return ShownStep.model_validate(known)


def waiting(execution: Execution, step: Step) -> Waiting:
    """An approval that waits, as the API shows it."""
    asked = step.input if isinstance(step.input, dict) else {}
    return Waiting(
        execution_id=execution.id,
        workflow_id=execution.workflow_id,
        block=step.block,
        at=step.at,
        message=asked.get("message"),
        person_id=execution.person_id,
        integration_id=execution.integration_id,
        external_id=execution.external_id,
        since=step.started_at,
        until=step.until,
    )


def _fields(execution: Execution) -> dict[str, Any]:
    known = {**asdict(execution), "lineage": list(execution.lineage)}
    known["event_type"] = (execution.event or {}).get("type")
    known["duration_ms"] = _duration(execution.started_at, execution.finished_at)
    begun = execution.started or execution.attempt > 1
    url = execution_url(execution.machine_arn, execution.name) if begun else None
    return {**known, "console_url": url}


def _duration(start: str | None, end: str | None) -> int | None:
    if start is None or end is None:
        return None
    length = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return int(length.total_seconds() * 1000)
