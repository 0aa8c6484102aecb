"""Workflows as the API takes and shows them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, RootModel
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue

from rollcall.api.paging import Page
from rollcall.api.routing import Body
from rollcall.workflows.document import Document
from rollcall.workflows.matching import Matches
from rollcall.workflows.store import Matching, Status, Trigger, Version, Workflow

EXAMPLE: JsonDict = {
    "name": "Offboard",
    "begin": {
        "trigger": "event",
        "events": ["Person Updated"],
        "when": {"field": "changes.status.new", "op": "equals", "value": "inactive"},
    },
    "blocks": [
        {
            "id": "ask",
            "type": "approval",
            "message": "{{ person.display_name }} has left. Tell IT?",
            "deadline": "3d",
        },
        {
            "id": "tell",
            "type": "notification",
            "subject": "{{ person.display_name }} has left",
            "message": "Collect the laptop.",
            "email": ["it@example.com"],
        },
    ],
}


class WorkflowDocument(RootModel[dict[str, Any]]):
    """A workflow as plain data. What it must be is documented; the faults are told by path."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(Document.__pydantic_core_schema__)
        return {"allOf": [found], "examples": [EXAMPLE]} if "$ref" in found else found


class Activate(Body):
    """What becomes of those who match already."""

    matching: Matching | None = Field(
        default=None,
        description="Wanted where somebody matches now: `start` begins it for all of them too, "
        "`skip` only for whom it comes to match from now on",
    )


class AccountKey(Body):
    """An account, by its integration and the app's id."""

    integration_id: str = Field(min_length=1, max_length=200)
    external_id: str = Field(min_length=1, max_length=1000)


class ShownWorkflow(BaseModel):
    """A workflow as it is now."""

    id: str
    name: str
    status: Status
    trigger: Trigger = Field(description="What begins it")
    events: list[str] = Field(description="Those that an active one begins with")
    version: int = Field(description="The latest; every change makes one")
    validated_version: int | None = Field(description="The latest that has a state machine")
    active_version: int | None = Field(description="The one that is begun, or was until a pause")
    created_at: str
    created_by: str
    updated_at: str
    machine_arn: str | None
    console_url: str | None = Field(description="Its state machine in the AWS console")


class WholeWorkflow(ShownWorkflow):
    """A workflow with the latest version of its document."""

    document: dict[str, Any]


class WorkflowPage(Page[ShownWorkflow]):
    """A page of workflows."""


class ShownWorkflowVersion(BaseModel):
    """One version of a workflow."""

    version: int
    created_at: str
    created_by: str
    validated: bool = Field(description="It has a state machine")


class WholeWorkflowVersion(ShownWorkflowVersion):
    """One version of a workflow, with its document."""

    document: dict[str, Any]


class WorkflowVersionPage(Page[ShownWorkflowVersion]):
    """A page of versions."""


class Match(BaseModel):
    """Somebody whom an activation would be about, in short; what is not there is null."""

    person: dict[str, Any] | None
    account: dict[str, Any] | None
    grant: dict[str, Any] | None


class ShownMatches(BaseModel):
    """Whom an activation would be about."""

    count: int = Field(description="At least so many, where it is not complete")
    complete: bool = Field(description="The whole roster was looked through")
    items: list[Match]


class Held(BaseModel):
    """What became of the executions that were held."""

    count: int = Field(description="Those that this call started or cancelled")
    left: bool = Field(description="There are more, which follow by themselves")


def shown(workflow: Workflow) -> ShownWorkflow:
    """The workflow as the API shows it."""
    return ShownWorkflow.model_validate(_fields(workflow))


def whole(workflow: Workflow, version: Version) -> WholeWorkflow:
    """The workflow with its latest document."""
    return WholeWorkflow.model_validate({**_fields(workflow), "document": dict(version.document)})


def shown_version(version: Version) -> ShownWorkflowVersion:
    """A version as lists show it."""
    return ShownWorkflowVersion.model_validate(_version(version))


def whole_version(version: Version) -> WholeWorkflowVersion:
    """A version with its document."""
    return WholeWorkflowVersion.model_validate(
        {**_version(version), "document": dict(version.document)}
    )


def shown_matches(matches: Matches) -> ShownMatches:
    """Who matches, as the API shows it."""
    return ShownMatches.model_validate(asdict(matches))


def console_url(machine_arn: str | None) -> str | None:
    """Where the AWS console shows a state machine."""
    return _console("statemachines/view", machine_arn)


def execution_url(machine_arn: str, name: str) -> str | None:
    """Where the AWS console shows an execution of that name, of a state machine's version."""
    parts = machine_arn.split(":")
    if len(parts) < _ARN_PARTS:
        return None
    parts[5] = "execution"
    return _console("v2/executions/details", ":".join([*parts[:_ARN_PARTS], name]))


_ARN_PARTS = 7
"""Of a state machine; a version of one has eight."""
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def _console(what: str, arn: str | None) -> str | None:
    if arn is None:
        return None
    _, partition, _, region, *_ = arn.split(":")
    host = _CONSOLES.get(partition)
    return f"https://{region}.{host}/states/home?region={region}#/{what}/{arn}" if host else None


def _fields(workflow: Workflow) -> Mapping[str, Any]:
    known = asdict(workflow)
    events = list(workflow.events)
    return {**known, "events": events, "console_url": console_url(workflow.machine_arn)}


def _version(version: Version) -> Mapping[str, Any]:
    return {
        "version": version.number,
        "created_at": version.created_at,
        "created_by": version.created_by,
        "validated": version.machine_arn is not None,
    }
