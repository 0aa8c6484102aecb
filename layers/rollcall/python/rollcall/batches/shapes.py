"""Batches as the API takes and shows them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rollcall.actions.shapes import ActionError, Outcome, Overrides
from rollcall.api.paging import Page
from rollcall.api.routing import Body
from rollcall.batches.files import LARGEST_UPLOAD
from rollcall.batches.reading import MOST_ROWS
from rollcall.batches.store import Batch

RowStatus = Literal["not_begun", "running", "succeeded", "failed"]


class StartBatch(Body):
    """A preset for many users."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"rows": [{"external_id": "24"}, {"external_id": "25"}], "confirm_count": 2}
            ]
        }
    )
    rows: list[dict[str, Any]] | None = Field(
        default=None,
        max_length=MOST_ROWS,
        description="The preset's inputs, flat, with `external_id` or `person_id`",
    )
    upload_id: str | None = Field(
        default=None, pattern="^[0-9a-f]{1,64}$", description="In place of `rows`: of an upload"
    )
    confirm_count: int | None = Field(
        default=None, description="How many rows there are: nothing is started unless it is right"
    )
    overrides: Overrides = Overrides()
    response_field: str | None = Field(
        default=None, max_length=100, description="The person's field that keeps each response"
    )

    @model_validator(mode="after")
    def _one_source(self) -> "StartBatch":
        if (self.rows is None) == (self.upload_id is None):
            raise ValueError("give either rows or upload_id")
        return self


class RetryBatch(Body):
    """What to do again."""

    not_begun: bool = Field(
        default=False, description="Also the rows that were not begun, of a batch that was stopped"
    )


class Upload(BaseModel):
    """Where to put a CSV file: its first line names the inputs."""

    upload_id: str
    method: Literal["PUT"]
    url: str = Field(description=f"Takes up to {LARGEST_UPLOAD} bytes; it needs no token")
    headers: dict[str, str] = Field(description="To be sent with it")
    expires_in: int = Field(description="Seconds")


class Counts(BaseModel):
    """The rows, each counted once."""

    rows: int
    succeeded: int
    failed: int
    running: int
    not_begun: int


class BatchProgress(BaseModel):
    """How far it is."""

    done: int
    total: int


class BatchError(BaseModel):
    """Why it broke off."""

    code: str
    detail: str


class ShownBatch(BaseModel):
    """One preset for many rows."""

    id: str
    integration_id: str
    preset: str
    actor: str
    status: Literal["running", "succeeded", "succeeded_with_errors", "failed", "stopped"]
    counts: Counts
    progress: BatchProgress
    attempt: int = Field(description="1, and one more with each retry")
    retryable: bool = Field(description="Its rows and their secrets are kept for 7 days at most")
    overrides: dict[str, Any]
    response_field: str | None
    created_at: str
    started_at: str | None = Field(description="When this attempt began")
    finished_at: str | None
    error: BatchError | None


class BatchPage(Page[ShownBatch]):
    """A page of batches."""


class RowResult(BaseModel):
    """What came of a row; the first one is 0."""

    row: int
    status: RowStatus
    outcome: Outcome | None
    external_id: str | None
    person_id: str | None
    error: ActionError | None
    roster: str | None
    inputs: dict[str, Any] | None = Field(description="What is secret in them is masked")
    action_id: str | None = Field(description="Its whole story: GET /actions/{action_id}")
    started_at: str | None
    finished_at: str | None


class RowPage(Page[RowResult]):
    """A page of rows."""


def shown(batch: Batch) -> ShownBatch:
    """The batch as the API shows it."""
    counts = {name: getattr(batch, name) for name in ("rows", "succeeded", "failed", "running")} | {
        "not_begun": batch.not_begun
    }
    left = batch.rows - batch.succeeded
    names = ("id", "integration_id", "preset", "actor", "status", "attempt", "overrides")
    more = ("response_field", "created_at", "started_at", "finished_at", "error")
    return ShownBatch.model_validate(
        {
            **{name: getattr(batch, name) for name in (*names, *more)},
            "counts": counts,
            "progress": {"done": batch.succeeded + batch.failed, "total": batch.rows},
            "retryable": batch.status != "running" and left > 0 and batch.kept and not batch.old,
        }
    )
