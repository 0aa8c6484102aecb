"""Workflows over HTTP: written, validated, tested, activated, paused, deleted."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.workflows import life, shapes
from rollcall.workflows.holding import Decision

routes = Routes("Workflows")

Number = Annotated[int | None, Query(ge=1, le=999_999, alias="version")]
"""A version, where not the latest is meant."""
OneNumber = Annotated[int, Path(ge=1, le=999_999)]


@routes.on("POST /workflows", status=201)
def create_workflow(body: shapes.WorkflowDocument) -> shapes.WholeWorkflow:
    """Write a workflow. It is a draft: nothing begins it until it is activated.

    The body is the document, as JSON or as YAML (`Content-Type: application/yaml`). Answers 422
    with everything that is wrong with it, each by its path in the document.
    """
    written = life.create(routes.services, body.root, routes.actor)
    return shapes.whole(written.workflow, written.version)


@routes.on("GET /workflows")
def list_workflows(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> shapes.WorkflowPage:
    """List workflows in the order they were made."""
    page, last = routes.services.workflows.page(limit, key_of("workflows", after))
    items = [shapes.shown(workflow) for workflow in page]
    return shapes.WorkflowPage(items=items, next_cursor=cursor("workflows", last))


@routes.on("GET /workflows/<workflow_id>")
def get_workflow(workflow_id: Id) -> shapes.WholeWorkflow:
    """One workflow, with the latest version of its document."""
    written = life.latest(routes.services, workflow_id)
    return shapes.whole(written.workflow, written.version)


@routes.on("PUT /workflows/<workflow_id>", problems=(409,))
def change_workflow(
    workflow_id: Id, body: shapes.WorkflowDocument, version: Number = None
) -> shapes.WholeWorkflow:
    """Write the next version. One that is active goes on in its version until the new one is
    activated.

    A document that says the same makes no version. With `version`, answers 409 unless that is the
    latest one: nobody's change is overwritten unseen.
    """
    services = routes.services
    written = life.save(services, workflow_id, body.root, routes.actor, version)
    return shapes.whole(written.workflow, written.version)


@routes.on("DELETE /workflows/<workflow_id>", status=204, problems=(409,))
def delete_workflow(workflow_id: Id) -> None:
    """Delete a workflow with its versions and its state machine; its executions can still be read.

    Answers 409 while it is active, while executions of it are under way, and while another
    workflow runs it.
    """
    life.delete(routes.services, workflow_id, routes.actor)


@routes.on("GET /workflows/<workflow_id>/versions")
def list_workflow_versions(
    workflow_id: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> shapes.WorkflowVersionPage:
    """List the versions of a workflow, the newest first."""
    services = routes.services
    life.found_workflow(services, workflow_id)
    listing = f"versions of workflow {workflow_id}"
    page, last = services.workflows.versions(workflow_id, limit, key_of(listing, after))
    return shapes.WorkflowVersionPage(
        items=[shapes.shown_version(version) for version in page],
        next_cursor=cursor(listing, last),
    )


@routes.on("GET /workflows/<workflow_id>/versions/<version>")
def get_workflow_version(workflow_id: Id, version: OneNumber) -> shapes.WholeWorkflowVersion:
    """One version of a workflow, with its document."""
    services = routes.services
    workflow = life.found_workflow(services, workflow_id)
    return shapes.whole_version(life.found_version(services, workflow, version))


@routes.on("GET /workflows/<workflow_id>/definition", problems=(409,))
def get_workflow_definition(workflow_id: Id, version: Number = None) -> dict[str, Any]:
    """The state machine that a version becomes, in the Amazon States Language; of the latest one,
    unless another is meant.
    """
    return dict(life.definition(routes.services, workflow_id, version))


@routes.on("POST /workflows/<workflow_id>/validate", problems=(409, 503))
def validate_workflow(workflow_id: Id) -> shapes.WholeWorkflow:
    """Check the latest version against what there is today, and deploy its state machine.

    Answers 422 with everything that is wrong, and deploys nothing then.
    """
    written = life.validate(routes.services, workflow_id, routes.actor)
    return shapes.whole(written.workflow, written.version)


@routes.on("GET /workflows/<workflow_id>/matches", problems=(422,))
def list_workflow_matches(workflow_id: Id) -> shapes.ShownMatches:
    """Who matches the latest version now, and would be begun for at its activation, if wanted.

    Up to 1,000 are listed, of those that could be found in 15 s.
    """
    return shapes.shown_matches(life.who_matches(routes.services, workflow_id))


@routes.on("POST /workflows/<workflow_id>/activate", problems=(409, 503))
def activate_workflow(workflow_id: Id, body: shapes.Activate | None = None) -> shapes.ShownWorkflow:
    """Have the latest version begin from now on; it is validated first, if it was not.

    Where somebody matches already, `matching` must say what becomes of them: else 422.
    """
    chosen = body.matching if body is not None else None
    return shapes.shown(life.activate(routes.services, workflow_id, chosen, routes.actor))


@routes.on("POST /workflows/<workflow_id>/pause", problems=(409,))
def pause_workflow(workflow_id: Id) -> shapes.ShownWorkflow:
    """Begin no more. Executions that are under way go on."""
    return shapes.shown(life.pause(routes.services, workflow_id, routes.actor))


@routes.on("POST /workflows/<workflow_id>/held/approve", problems=(409, 503))
def approve_held(workflow_id: Id) -> shapes.Held:
    """Start the executions that the rate guard holds; the hour begins anew.

    `left` says that there were too many for one call: the others follow by themselves.
    """
    return _decide_held(workflow_id, "approve")


@routes.on("POST /workflows/<workflow_id>/held/reject", problems=(409, 503))
def reject_held(workflow_id: Id) -> shapes.Held:
    """Cancel the executions that the rate guard holds; the hour begins anew.

    `left` says that there were too many for one call: the others follow by themselves.
    """
    return _decide_held(workflow_id, "reject")


def _decide_held(workflow_id: str, decision: Decision) -> shapes.Held:
    done = life.decide_held(routes.services, workflow_id, decision, routes.actor)
    return shapes.Held(count=done.count, left=done.left)
