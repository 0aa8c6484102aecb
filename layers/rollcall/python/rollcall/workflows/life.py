"""The life of a workflow over HTTP: written, checked, deployed, armed, paused, deleted.

What is done in several places is done in an order that loses nothing: a state machine before the
record that names it; a schedule before the record that says it is active, since the starter begins
nothing for one that is not; and the record before the starter is told what becomes of those who
match already, which the record says until the starter has done it.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.api.services import Services
from rollcall.mapping.problems import Problem as Fault
from rollcall.notices import subscriptions
from rollcall.workflows import check, matching
from rollcall.workflows.compile import compiled
from rollcall.workflows.document import (
    Document,
    EventTrigger,
    ScheduleTrigger,
    WorkflowBlock,
    addresses,
    every_block,
    parsed,
)
from rollcall.workflows.holding import Decision, Holding, LetGo
from rollcall.workflows.known import known
from rollcall.workflows.matching import Matches
from rollcall.workflows.store import Matching, Version, Workflow

logger = Logger()
LARGEST = 300_000
"""Bytes of a document as JSON: an item of a table takes 400 KB."""
DEEPEST = 60
"""Objects and lists of a document within each other."""
MOST_MATCHES = 1000
MATCH_SECONDS = 15.0
"""A look at who matches may take so long: the caller waits 29 s at most."""
_HELD_SECONDS = 10.0
_ID = re.compile(r"[0-9a-f]{28}")
"""What `new_id` makes."""


@dataclass(frozen=True, slots=True)
class Written:
    """A workflow with its latest version."""

    workflow: Workflow
    version: Version


def found_workflow(services: Services, workflow_id: str) -> Workflow:
    """The workflow as it is now. Raises Problem (404)."""
    workflow = services.workflows.get(workflow_id)
    if workflow is None:
        raise unknown("workflow", workflow_id)
    return workflow


def found_version(services: Services, workflow: Workflow, number: int) -> Version:
    """One version of it. Raises Problem (404)."""
    version = services.workflows.version(workflow.id, number)
    if version is None:
        raise Problem(404, f"the workflow has no version {number}")
    return version


def latest(services: Services, workflow_id: str) -> Written:
    """The workflow with its latest version. Raises Problem (404)."""
    workflow = found_workflow(services, workflow_id)
    return Written(workflow, found_version(services, workflow, workflow.version))


def checked(
    services: Services, data: Mapping[str, Any], workflow_id: str | None = None
) -> Document:
    """The document that this JSON is, of that workflow if it is not new. Raises Problem (422) with
    everything wrong, by path.
    """
    unkept = _unkept(data)
    if unkept is not None:
        raise invalid("document", unkept)
    document = parsed(data)
    if isinstance(document, list):
        raise _refused(document)
    faults = check.problems(document, known(services.config), workflow_id)
    if faults:
        raise _refused(faults)
    return document


def create(services: Services, data: Mapping[str, Any], actor: str) -> Written:
    """Keep a new document, as a draft. Raises Problem (422)."""
    checked(services, data)
    workflow = services.workflows.create(data, actor)
    return Written(workflow, found_version(services, workflow, 1))


def save(
    services: Services,
    workflow_id: str,
    data: Mapping[str, Any],
    actor: str,
    expected: int | None = None,
) -> Written:
    """Keep the next version, unless the latest says the same. Raises Problem: 404, 409, 422.

    `expected`: the version that the caller has changed.
    """
    before = latest(services, workflow_id)
    if expected not in (None, before.workflow.version):
        raise Problem(409, f"the latest version is {before.workflow.version}, not {expected}")
    checked(services, data, workflow_id)
    if _text(data) == _text(before.version.document):
        return before
    workflow = _or_conflict(services.workflows.save(before.workflow, data, actor))
    return Written(workflow, found_version(services, workflow, workflow.version))


def definition(services: Services, workflow_id: str, number: int | None) -> Mapping[str, Any]:
    """The state machine of a version, of the latest unless one is said. Raises Problem: 404, 409
    where an earlier Rollcall took what this one does not.
    """
    workflow = found_workflow(services, workflow_id)
    version = found_version(services, workflow, number or workflow.version)
    document = parsed(version.document)
    if isinstance(document, list):
        raise Problem(409, errors=[(one.path, one.message) for one in document])
    return compiled(document, services.api.workflows_function_arn)


def validate(services: Services, workflow_id: str, actor: str) -> Written:
    """Check the latest version against what there is today, and deploy it. Raises Problem: 404,
    409, 422, 503.
    """
    workflow, _ = _deployed(services, latest(services, workflow_id), actor)
    return Written(workflow, found_version(services, workflow, workflow.version))


def who_matches(services: Services, workflow_id: str) -> Matches:
    """Whom the latest version would begin for if it were activated now. Raises Problem: 404, 422
    where it is not in order any more.
    """
    written = latest(services, workflow_id)
    return _matches(services, checked(services, written.version.document, written.workflow.id))


def activate(services: Services, workflow_id: str, chosen: Matching | None, actor: str) -> Workflow:
    """Have the latest version begin from now on. Raises Problem: 404, 409, 422, 503.

    `chosen` is what becomes of those who match already; 422 where somebody does and nothing is
    chosen. One that is active in this version stays so, and the starter is told what it was not.
    """
    written = latest(services, workflow_id)
    workflow = written.workflow
    if workflow.status == "active" and workflow.active_version == workflow.version:
        return _told(services, workflow)
    document = checked(services, written.version.document, written.workflow.id)
    begin = document.begin
    if chosen is None and (found := _matches(services, document)).count:
        count = found.count if found.complete else f"at least {found.count}"
        listed = f"GET /workflows/{workflow.id}/matches lists them"
        raise invalid("matching", f"is required: {count} match now ({listed})")
    if workflow.validated_version != workflow.version:
        workflow, document = _deployed(services, written, actor)
    if isinstance(begin, ScheduleTrigger):
        _arm(services, workflow.id, begin)
    events = tuple(begin.events) if isinstance(begin, EventTrigger) else ()
    kept = chosen if _needs_telling(document, chosen) else None
    activated = services.workflows.activated(workflow, begin.trigger, events, actor, kept)
    if activated is None:
        now = services.workflows.get(workflow_id)
        if now is None or now.status != "active":
            services.workflow_schedules.remove(workflow_id)
        raise _conflict()
    if not isinstance(begin, ScheduleTrigger):
        services.workflow_schedules.remove(workflow_id)
    return _told(services, activated)


def _arm(services: Services, workflow_id: str, begin: ScheduleTrigger) -> None:
    """Have EventBridge call the starter at its times. Raises Problem (422)."""
    if services.workflow_schedules.ensure(workflow_id, begin.schedule) is None:
        raise invalid("begin.schedule.expression", "EventBridge Scheduler refuses it")


def pause(services: Services, workflow_id: str, actor: str) -> Workflow:
    """Have it begin no more; what was begun goes on. Raises Problem: 404, 409."""
    workflow = found_workflow(services, workflow_id)
    if workflow.status not in ("active", "paused"):
        raise Problem(409, f"it is not active: it is a {workflow.status} workflow")
    if workflow.status == "active":
        workflow = _or_conflict(services.workflows.paused(workflow, actor))
    services.workflow_schedules.remove(workflow_id)
    return workflow


def delete(services: Services, workflow_id: str, actor: str) -> None:
    """Forget it, with its versions and its state machine. Its executions stay, to be read.

    Raises Problem: 404; 409 while it is active, while executions are under way, and while another
    workflow runs it. One that is gone may have left a schedule and a state machine behind, where
    a call was cut off: they go too.
    """
    workflow = services.workflows.get(workflow_id)
    if workflow is not None:
        _require_idle(services, workflow)
        if not services.workflows.delete(workflow, actor):
            raise _conflict()
    if workflow is not None or _ID.fullmatch(workflow_id):
        services.workflow_schedules.remove(workflow_id)
        services.machines.delete(workflow_id)
    if workflow is None:
        raise unknown("workflow", workflow_id)


def decide_held(services: Services, workflow_id: str, decision: Decision, actor: str) -> LetGo:
    """Start what the rate guard holds of it, or cancel it; what there is no time for, the starter
    does. Raises Problem: 404, 409 where nothing is held, 503.
    """
    workflow = found_workflow(services, workflow_id)
    trip = services.beginner.rate.pending(workflow.id)
    if trip is None:
        raise Problem(409, "nothing of it is held")
    until = time.monotonic() + _HELD_SECONDS
    holding = Holding(services.beginner, services.aws.stepfunctions)
    again = "not all of them could be let go: try again"
    try:
        done = holding.decide(workflow.id, trip, decision, actor, lambda: time.monotonic() < until)
    except (ClientError, BotoCoreError) as error:
        raise Problem(503, again) from error
    if done.left:
        rest = {"workflow_id": workflow.id, "trip": trip, "decision": decision, "actor": actor}
        _hand_to_starter(services, {"step": "held", **rest}, again)
    return done


def _require_idle(services: Services, workflow: Workflow) -> None:
    if workflow.status == "active":
        raise Problem(409, "it is active: pause it first")
    going = sum(one.workflow_id == workflow.id for one in services.executions.open())
    if going:
        said = f"{going} executions are" if going > 1 else "1 execution is"
        raise Problem(409, f"{said} under way: cancel them, or wait for their end")
    for other in services.workflows.everything():
        if other.id != workflow.id and workflow.id in _runs(services, other):
            raise Problem(409, f"the workflow {other.name!r} ({other.id}) runs it")


def _runs(services: Services, workflow: Workflow) -> Iterator[str]:
    """The workflows that its latest and its active version run."""
    for number in {workflow.version, workflow.active_version or workflow.version}:
        version = services.workflows.version(workflow.id, number)
        document = parsed(version.document) if version is not None else None
        if isinstance(document, Document):
            for _, block in every_block(document.blocks):
                if isinstance(block, WorkflowBlock):
                    yield block.workflow


def _deployed(services: Services, written: Written, actor: str) -> tuple[Workflow, Document]:
    document = checked(services, written.version.document, written.workflow.id)
    try:
        machine_arn, version_arn = services.machines.deploy(written.workflow, document)
    except (ClientError, BotoCoreError) as error:
        logger.exception("a state machine could not be deployed", workflow_id=written.workflow.id)
        why = error.response["Error"]["Code"] if isinstance(error, ClientError) else "no answer"
        said = f"the state machine could not be deployed (Step Functions: {why}): try again"
        raise Problem(503, said) from error
    validated = services.workflows.validated(written.workflow, machine_arn, version_arn, actor)
    subscriptions.ask(services.aws.sns, services.settings.notice_topic, addresses(document))
    return _or_conflict(validated), document


def _matches(services: Services, document: Document) -> Matches:
    return matching.matches(services, document.begin, MOST_MATCHES, MATCH_SECONDS)


def _needs_telling(document: Document, chosen: Matching | None) -> bool:
    """Must the starter know the choice? Of an event, those who are left out are left out."""
    match document.begin:
        case EventTrigger():
            return chosen == "start"
        case ScheduleTrigger(query=query, repeat=repeat):
            return query is not None and (chosen == "start" or not repeat)
        case _:
            return False


def _told(services: Services, workflow: Workflow) -> Workflow:
    """The workflow, once the starter knows its choice about who matches. Raises Problem (503)."""
    if workflow.matching is None:
        return workflow
    request = {
        "step": "activated",
        "workflow_id": workflow.id,
        "version": workflow.active_version,
        "matching": workflow.matching,
    }
    said = "it is active, but those who match could not be seen to: activate it again"
    _hand_to_starter(services, request, said)
    return workflow


def _hand_to_starter(services: Services, request: Mapping[str, Any], otherwise: str) -> None:
    try:
        services.aws.functions.invoke(
            FunctionName=services.api.starter_function,
            InvocationType="Event",
            Payload=json.dumps(request),
        )
    except (ClientError, BotoCoreError) as error:
        raise Problem(503, otherwise) from error


def _refused(faults: Sequence[Fault]) -> Problem:
    return Problem(422, errors=[(one.path, one.message) for one in faults])


def _unkept(data: Mapping[str, Any]) -> str | None:
    """Why it cannot be kept, whatever it says."""
    try:
        size = len(json.dumps(data, allow_nan=False).encode())
    except ValueError:
        return "has a number that is too large"
    if size > LARGEST:
        return f"has {size} bytes, and may have {LARGEST}"
    level: list[Any] = [data]
    for _ in range(DEEPEST):
        level = [below for one in level for below in _below(one)]
    return f"is nested more than {DEEPEST} deep" if level else None


def _below(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, sort_keys=True)


def _or_conflict(workflow: Workflow | None) -> Workflow:
    if workflow is None:
        raise _conflict()
    return workflow


def _conflict() -> Problem:
    return Problem(409, "somebody else changes the workflow at this moment: read it again")
