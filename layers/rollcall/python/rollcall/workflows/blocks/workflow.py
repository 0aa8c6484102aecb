"""Running another workflow, about the same person and account."""

from typing import Any

from rollcall.connectors.templated import Fault
from rollcall.workflows import children
from rollcall.workflows.beginning import Cause, Refused, id_of
from rollcall.workflows.document import CallTrigger, Document, WorkflowBlock, parsed
from rollcall.workflows.executions import OVER, Execution
from rollcall.workflows.place import Came, Place, done, failed, wrong
from rollcall.workflows.store import Version, Workflow


def workflow(at: Place, block: WorkflowBlock) -> Came:
    """Start the workflow, and wait for its end where the block says so."""
    made = at.made(block.inputs, "inputs")
    if isinstance(made, Fault):
        return wrong(made)
    shown = {"workflow": block.workflow, "inputs": made}
    found = _checked(at, block, made, shown)
    if isinstance(found, Came):
        return found
    return _run(at, block, found, shown)


def _checked(
    at: Place, block: WorkflowBlock, made: dict[str, Any], shown: dict[str, Any]
) -> tuple[Workflow, Version] | Came:
    """The version to be run, if it is one that these inputs can be given to here."""
    found = at.tools.workflows.get(block.workflow)
    if found is None:
        return failed("not-found", f"there is no workflow {block.workflow!r}", shown)
    version = _version(at, found)
    document = parsed(version.document) if version is not None else None
    if version is None or not isinstance(document, Document):
        return failed("conflict", f"workflow {found.name!r} is not active", shown)
    if faults := _faults(document, made):
        detail = "; ".join(f"{name}: {message}" for name, message in faults)
        return failed("invalid-input", detail, shown, errors=faults)
    return found, version


def _run(
    at: Place, block: WorkflowBlock, found: tuple[Workflow, Version], shown: dict[str, Any]
) -> Came:
    if block.wait and at.token is None:
        return failed("invalid-input", "what is waited for is started with a token", shown)
    cause = _cause(at, block, shown["inputs"])
    there = at.tools.executions.get(id_of(found[0].id, cause))
    _note_token(at, block, there, shown)
    began = _begun(at, found, cause, there)
    if isinstance(began, Refused):
        at.keep(status="running", token=None)
        return failed(began.code, began.detail, shown)
    if not block.wait:
        told = {"execution_id": began.id, "status": "running", "message": None}
        return done(told, shown)
    if began.status in OVER:
        # It had ended before it could know of this token.
        children.tell_parent(at.tools.executions, at.tools.aws.stepfunctions, began)
    return Came("waiting", "waits")


def _begun(
    at: Place, found: tuple[Workflow, Version], cause: Cause, there: Execution | None
) -> Execution | Refused:
    """The execution that is run, on its way; where the one that waits for it is redriven, it is."""
    beginner, executions = at.tools.beginner, at.tools.executions
    if there is None:
        return beginner.begin(*found, cause, at.scene.whom)
    if there.status in ("failed", "cancelled") and there.finished_at == at.step.counted:
        there = executions.reopen(there, at.actor) or executions.get(there.id) or there
    return beginner.ensure_started(there)


def _cause(at: Place, block: WorkflowBlock, inputs: dict[str, Any]) -> Cause:
    execution = at.execution
    parent = {"parent_id": execution.id, "parent_at": at.at, "parent_block": block.id}
    return Cause(
        began="workflow",
        key=children.cause_of(execution.id, at.at, block.id),
        actor=at.actor,
        event=execution.event,
        inputs=inputs,
        mode=execution.mode,
        approves=execution.approves,
        by=execution,
        parent=parent if block.wait else {},
    )


def _note_token(
    at: Place, block: WorkflowBlock, there: Execution | None, shown: dict[str, Any]
) -> None:
    """Note the token, before anything is started: it may end at once. What had failed before this
    try of the execution counts as what is to be tried again.
    """
    counted = at.step.counted
    if not at.goes_on and there is not None:
        counted = there.finished_at
    if not block.wait:
        at.keep(counted=counted, input=shown)
        return
    if at.goes_on and at.step.status == "waiting":
        revised = at.tools.executions.revise(at.step, {"token": at.token})
        if revised is not None:
            at.step = revised
            return
    at.keep(status="waiting", token=at.token, counted=counted, input=shown, output=None)


def _version(at: Place, found: Workflow) -> Version | None:
    """The version to be run; a test runs one that is not active yet too."""
    number = found.active_version if found.status == "active" else None
    if number is None and at.rehearses:
        number = found.validated_version
    return at.tools.workflows.version(found.id, number) if number is not None else None


def _faults(document: Document, given: dict[str, Any]) -> list[list[str]]:
    """What is wrong with the inputs of a workflow that says which it takes."""
    if not isinstance(document.begin, CallTrigger):
        return []
    known = {one.key for one in document.begin.inputs}
    missing = [
        [one.key, "is required"]
        for one in document.begin.inputs
        if one.required and given.get(one.key) is None
    ]
    return missing + [[key, "is no input of the workflow"] for key in given if key not in known]
