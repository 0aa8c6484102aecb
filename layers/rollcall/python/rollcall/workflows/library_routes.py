"""The workflows that come with Rollcall, over HTTP."""

from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rollcall.access.problems import Problem, unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Body, Id, Routes
from rollcall.workflows import life, shapes

routes = Routes("Workflows")


class WorkflowParameter(BaseModel):
    """What is asked when a workflow is installed."""

    key: str
    name: str
    type: Literal["integration", "integrations", "emails", "text", "choice", "json"]
    required: bool
    default: Any
    connector: str | None = Field(description="The one that integrations must be of")
    choices: list[str]


class WorkflowPreset(BaseModel):
    """A workflow that comes with Rollcall."""

    key: str
    name: str
    description: str
    parameters: list[WorkflowParameter]


class WorkflowPresetPage(Page[WorkflowPreset]):
    """A page of them."""


class InstallWorkflow(Body):
    """What a workflow that comes with Rollcall is installed with."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"parameters": {"tell": ["it@example.com"]}}]}
    )
    name: str | None = Field(default=None, min_length=1, max_length=200)
    parameters: dict[str, Any] = Field(default={}, description="By key")


@routes.on("GET /workflow-presets")
def list_workflow_presets(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> WorkflowPresetPage:
    """List the workflows that come with Rollcall, and what each asks when it is installed."""
    from rollcall.workflows import library  # noqa: PLC0415 - it reads YAML, and seldom

    key = key_of("workflow presets", after)
    found = [one for one in library.everything() if key is None or one.key > key["key"]]
    page, more = found[:limit], len(found) > limit
    return WorkflowPresetPage(
        items=[WorkflowPreset.model_validate(_fields(one)) for one in page],
        next_cursor=cursor("workflow presets", {"key": page[-1].key} if more else None),
    )


@routes.on("POST /workflow-presets/<key>", status=201)
def install_workflow_preset(key: Id, body: InstallWorkflow | None = None) -> shapes.WholeWorkflow:
    """Install a workflow that comes with Rollcall, as a draft that can be changed.

    Answers 422 with what is wrong with its parameters, and with the document that they make.
    """
    from rollcall.workflows import library  # noqa: PLC0415 - it reads YAML, and seldom

    if library.find(key) is None:
        raise unknown("workflow preset", key)
    asked = body or InstallWorkflow()
    document = library.installed(key, asked.parameters)
    if isinstance(document, list):
        raise Problem(422, errors=[(one.path, one.message) for one in document])
    named = {"name": asked.name} if asked.name is not None else {}
    written = life.create(routes.services, {**document, **named}, routes.actor)
    return shapes.whole(written.workflow, written.version)


def _fields(shipped: Any) -> dict[str, Any]:
    known = asdict(shipped)
    parameters = [{**one, "choices": list(one["choices"])} for one in known["parameters"]]
    return {**known, "parameters": parameters}
