"""Actions as the API takes and shows them."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from rollcall.access.problems import FieldError
from rollcall.actions.rehearsing import Rehearsal
from rollcall.actions.store import Action
from rollcall.api.paging import Page
from rollcall.api.routing import Body

Outcome = Literal["done", "already-so", "already-gone", "adopted", "differs"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Inputs(RootModel[dict[str, Any]]):
    """A preset's inputs, flat: see the connector's `presets`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "sam@example.com", "first_name": "Sam", "last_name": "Doe"}]
        }
    )


class Overrides(Body):
    """Parts that take the place of the preset's own. Texts in them may be templates."""

    method: Method | None = None
    url: str | None = Field(
        default=None,
        max_length=4000,
        description="A path below the API's, or an address that begins with the API's",
    )
    headers: dict[str, str] | None = None
    params: dict[str, Any] | None = None
    body: dict[str, Any] | None = None
    response: Any = Field(default=None, description="What is wanted of the answer, over `response`")


class UsePreset(Body):
    """A use of a preset."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"inputs": {"external_id": "24"}, "dry_run": True}]}
    )
    inputs: dict[str, Any] = Field(
        default={}, description="`external_id` among them, where the preset is about one user"
    )
    person_id: str | None = Field(
        default=None, max_length=200, description="Whom it is about, in place of an id"
    )
    overrides: Overrides = Overrides()
    response_field: str | None = Field(
        default=None, max_length=100, description="The person's field that keeps the response"
    )
    dry_run: bool = Field(default=False, description="Answer with the request, and send nothing")


class Done(BaseModel):
    """An action as it is, or ended."""

    action_id: str
    status: Literal["running", "succeeded"] = Field(
        description="`running`: ask GET /actions/{action_id} how it ended"
    )
    external_id: str | None
    response: Any = Field(description="What the app answered, as the preset wants it")
    outcome: Outcome | None = Field(
        description="`adopted`: made by this action, though the app did not say so. "
        "`differs`: made, and not as was asked: see `response`"
    )
    roster: Literal["updated", "unchanged", "left-out", "behind"] | None = Field(
        description="`behind`: the roster could not follow at once; the next run will"
    )
    notes: list[str]


class SentRequest(BaseModel):
    """A request of the app, without what is secret."""

    method: Method
    url: str
    headers: dict[str, str]
    params: dict[str, str]
    body: Any


class DryRun(BaseModel):
    """What would be sent."""

    dry_run: Literal[True]
    external_id: str | None
    request: SentRequest | None = Field(description="Null where there is nothing to be done")
    notes: list[str]


class ActionError(BaseModel):
    """Why an action failed."""

    code: str
    detail: str
    errors: list[FieldError] = Field(default=[], description="The inputs that are at fault")
    wait_seconds: int | None = None

    @field_validator("errors", mode="before")
    @classmethod
    def _named(cls, kept: Sequence[Any]) -> list[Any]:
        """As problem documents have them; what is kept are pairs."""
        return [
            {"field": one[0], "message": one[1]} if isinstance(one, list | tuple) else one
            for one in kept
        ]


class ShownAction(BaseModel):
    """One use of a preset."""

    id: str
    integration_id: str
    connector: str
    preset: str
    actor: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    duration_ms: int | None
    status: Literal["running", "succeeded", "failed"]
    outcome: Outcome | None
    external_id: str | None
    person_id: str | None
    inputs: dict[str, Any] = Field(description="What is secret in them is masked")
    overrides: dict[str, Any]
    response_field: str | None
    request: SentRequest | None
    response: Any
    error: ActionError | None
    roster: str | None
    notes: list[str]
    batch_id: str | None
    row: int | None
    execution_id: str | None = Field(description="The execution of a workflow that asked for it")


class ActionPage(Page[ShownAction]):
    """A page of actions."""


def shown(action: Action) -> ShownAction:
    """The action as the API shows it."""
    asked = action.asked
    return ShownAction.model_validate(
        {
            "id": asked.id,
            "integration_id": asked.integration_id,
            "connector": asked.connector,
            "preset": asked.preset,
            "actor": asked.actor,
            "created_at": asked.at,
            "started_at": action.started_at,
            "finished_at": action.finished_at,
            "duration_ms": action.duration_ms,
            "status": action.status,
            "outcome": action.outcome,
            "external_id": asked.external_id,
            "person_id": asked.person_id,
            "inputs": asked.inputs,
            "overrides": asked.overrides,
            "response_field": asked.response_field,
            "request": action.request,
            "response": action.response,
            "error": action.error,
            "roster": action.roster,
            "notes": list(action.notes),
            "batch_id": asked.batch_id,
            "row": asked.row,
            "execution_id": asked.execution_id,
        }
    )


def done(action: Action) -> Done:
    """The action as the call for it is answered."""
    return Done.model_validate(
        {
            "action_id": action.asked.id,
            "status": action.status,
            "external_id": action.asked.external_id,
            "response": action.response,
            "outcome": action.outcome,
            "roster": action.roster,
            "notes": list(action.notes),
        }
    )


def dry_run(made: Rehearsal) -> DryRun:
    """A dry run as it is answered."""
    request = None if made.request is None else SentRequest.model_validate(made.request)
    return DryRun(
        dry_run=True, external_id=made.external_id, request=request, notes=list(made.notes)
    )
