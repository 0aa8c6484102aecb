"""Running another workflow, about the same person and account."""

from typing import Any

from rollcall.connectors.templated import Fault
from rollcall.stamps import now
from rollcall.workflows import children
from rollcall.workflows.document import CallTrigger, Document, WorkflowBlock, parsed
from rollcall.workflows.executions import OVER, Execution, execution_id
from rollcall.workflows.place import Came, Place, done, failed, wrong
from rollcall.workflows.store import Version, Workflow

DEEPEST = 5
"""Executions that led to one another."""


def workflow(at: Place, block: WorkflowBlock) -> Came:
    """Start the workflow, and wait for its end where the block says so."""
    made = at.made(block.inputs, "inputs")
    if isinstance(made, Fault):
        return wrong(made)
    shown = {"workflow": block.workflow, "inputs": made}
    found = _checked(at, block, made, shown)
    if isinstance(found, Came):
        return found
    return _run(at, block, _child(at, block, found, made), shown)


def _checked(
    at: Place, block: WorkflowBlock, made: dict[str, Any], shown: dict[str, Any]
) -> Version | Came:
    """The version to be run, if it is one that these inputs can be given to here."""
    found = _found(at, block.workflow)
    if isinstance(found, str):
        return failed("not-found", found, shown)
    version = _version(at, found)
    document = parsed(version.document) if version is not None else None
    if version is None or not isinstance(document, Document):
        return failed("conflict", f"workflow {found.name!r} is not active", shown)
    if faults := _faults(document, made):
        detail = "; ".join(f"{name}: {message}" for name, message in faults)
        return failed("invalid-input", detail, shown, errors=faults)
    if found.id in (*at.execution.lineage, at.execution.workflow_id):
        return failed("loop", f"workflow {found.name!r} has led to this one", shown)
    if at.execution.depth + 1 > DEEPEST:
        return failed("too-deep", f"more than {DEEPEST} workflows would lead to it", shown)
    return version


def _run(at: Place, block: WorkflowBlock, child: Execution, shown: dict[str, Any]) -> Came:
    executions = at.tools.executions
    if block.wait and at.token is None:
        return failed("invalid-input", "what is waited for is started with a token", shown)
    there = executions.get(child.id)
    _begun(at, block, there, shown)
    if there is None:
        executions.begin(child)
        there = executions.get(child.id) or child
    elif there.status in ("failed", "cancelled") and there.finished_at == at.step.counted:
        # The execution is redriven, and so is what it has run.
        there = executions.reopen(there, at.actor) or executions.get(child.id) or there
    if there.status == "running" and not there.started:
        at.tools.starter.start(there)
    if not block.wait:
        return done({"execution_id": there.id, "status": "running", "message": None}, shown)
    if there.status in OVER:
        # It had ended before it could know of this token.
        children.tell_parent(executions, at.tools.aws.stepfunctions, there)
    return Came("waiting", "waits")


def _begun(at: Place, block: WorkflowBlock, there: Execution | None, shown: dict[str, Any]) -> None:
    """Note the token, before anything is started: it may end at once. A child that had failed
    before this try of the execution counts as one that is to be tried again.
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


def _found(at: Place, said: str) -> Workflow | str:
    """The workflow of that id or name, or why there is none."""
    found = at.tools.workflows.get(said)
    if found is not None:
        return found
    named = [
        one
        for one in at.tools.workflows.everything()
        if one.name.strip().casefold() == said.strip().casefold()
    ]
    if len(named) == 1:
        return named[0]
    return f"there {'are several workflows' if named else 'is no workflow'} {said!r}"


def _version(at: Place, found: Workflow) -> Version | None:
    """The version to be run; a test runs one that is not active yet too."""
    number = found.active_version if found.status == "active" else None
    if number is None and at.rehearses:
        number = found.validated_version
    version = at.tools.workflows.version(found.id, number) if number is not None else None
    return version if version is not None and version.machine_arn is not None else None


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


def _child(at: Place, block: WorkflowBlock, version: Version, inputs: dict[str, Any]) -> Execution:
    execution, whom = at.execution, at.scene.whom
    parent = (execution.id, at.at, block.id) if block.wait else (None, None, None)
    return Execution(
        id=execution_id(version.workflow_id, f"{execution.id}\n{at.at}\n{block.id}"),
        workflow_id=version.workflow_id,
        version=version.number,
        machine_arn=version.machine_arn or "",
        status="running",
        began="workflow",
        actor=at.actor,
        created_at=now(),
        started_at=now(),
        mode=execution.mode,
        approves=execution.approves,
        person_id=whom.person_id,
        integration_id=whom.integration_id,
        external_id=whom.external_id,
        event=execution.event,
        inputs=inputs,
        depth=execution.depth + 1,
        lineage=(*execution.lineage, execution.workflow_id),
        parent_id=parent[0],
        parent_at=parent[1],
        parent_block=parent[2],
    )
