"""Executions over HTTP: asked for, and tested. Functions raise Problem.

Everything is checked before anything is kept. An execution is begun by `beginning`, as those are
that begin by themselves; for a day an Idempotency-Key leads to its execution, and goes on with it
where its state machine was not started.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rollcall.access.problems import Problem
from rollcall.api.services import Services
from rollcall.events.model import LARGEST
from rollcall.stamps import new_id
from rollcall.workflows import life
from rollcall.workflows.beginning import Cause, Refused, Subject, id_of, subject_of
from rollcall.workflows.document import Begin, CallTrigger, Document, EventTrigger, parsed
from rollcall.workflows.executions import Execution
from rollcall.workflows.inputs import Faults, input_faults
from rollcall.workflows.matching import synthetic
from rollcall.workflows.shapes import AccountKey
from rollcall.workflows.store import Version, Workflow
from rollcall.workflows.subjects import Row, account_row, person_row

_KEPT = timedelta(hours=24)
"""An Idempotency-Key means the same execution for so long."""
_TELLING: Mapping[str, tuple[str, ...]] = {
    "account": ("Account", "Application"),
    "person": ("Person",),
}
"""What tells of each part of a row: the words that types of events begin with."""


@dataclass(frozen=True, slots=True)
class StartCall:
    """A call for an execution, as it came in. `key` is its Idempotency-Key with whose it is."""

    actor: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    person_id: str | None = None
    account: AccountKey | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TestCall:
    """A call for a test, as it came in."""

    __test__ = False
    actor: str
    person_ids: tuple[str, ...] = ()
    accounts: tuple[AccountKey, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] | None = None
    approves: bool = True


def start(services: Services, workflow_id: str, call: StartCall) -> Execution:
    """An execution that somebody asks for; it may be held. Raises Problem: 404, 409 where the
    workflow is not active or begins by itself, 422, 503.
    """
    workflow = life.found_workflow(services, workflow_id)
    if workflow.trigger not in ("call", "hand"):
        said = f"it begins by itself ({workflow.trigger}): POST /workflows/{workflow.id}/test"
        raise Problem(409, f"{said} tries it")
    if workflow.status != "active":
        raise Problem(409, f"it is not active: it is {workflow.status}")
    version = life.found_version(services, workflow, workflow.active_version or 0)
    begin = _begin(version)
    faults = _input_faults(begin, call.inputs)
    subject = _subject(services, call, faults)
    if faults:
        raise Problem(422, errors=faults)
    cause = Cause(workflow.trigger, call.key or new_id(), call.actor, inputs=call.inputs)
    earlier = services.executions.get(id_of(workflow.id, cause))
    if earlier is not None and _old(earlier):
        cause = Cause(workflow.trigger, new_id(), call.actor, inputs=call.inputs)
    elif earlier is not None and not _same(earlier, call, subject):
        raise Problem(422, errors=[("Idempotency-Key", "was used before with another body")])
    return _begun(services, workflow, version, cause, subject)


def test(services: Services, workflow_id: str, call: TestCall) -> list[Execution]:
    """Executions of the latest version that change nothing, one for each whom it is about; it is
    deployed if it was not. Raises Problem: 404, 409, 422, 503.
    """
    written = life.latest(services, workflow_id)
    begin = _begin(written.version)
    faults = [*_input_faults(begin, call.inputs), *_event_faults(begin, call.event)]
    rows: list[Row | None] = [*_rows(services, call, faults)]
    if not faults and not rows and isinstance(begin, EventTrigger) and call.event is None:
        faults.append(("person_ids", "are required: say whom it is about, or give the event"))
    if faults:
        raise Problem(422, errors=faults)
    if written.version.machine_arn is None:
        written = life.validate(services, workflow_id, call.actor)
    return [
        _begun(
            services,
            written.workflow,
            written.version,
            Cause(
                begin.trigger,
                new_id(),
                call.actor,
                event=_event(begin, call.event, row),
                inputs=call.inputs,
                mode="test",
                approves=call.approves,
            ),
            subject_of(row) if row is not None else _told_subject(call.event),
        )
        for row in rows or [None]
    ]


def _begun(
    services: Services, workflow: Workflow, version: Version, cause: Cause, subject: Subject
) -> Execution:
    try:
        begun = services.beginner.begin(workflow, version, cause, subject)
    except (ClientError, BotoCoreError) as error:
        raise Problem(503, "the state machine could not be started: try again") from error
    if isinstance(begun, Refused):
        raise Problem(409, begun.detail)
    return begun


def _begin(version: Version) -> Begin:
    document = parsed(version.document)
    if not isinstance(document, Document):
        raise Problem(409, errors=[(one.path, one.message) for one in document])
    return document.begin


def _input_faults(begin: Begin, given: Mapping[str, Any]) -> Faults:
    return input_faults(begin.inputs if isinstance(begin, CallTrigger) else [], given)


def _subject(services: Services, call: StartCall, faults: Faults) -> Subject:
    """Whom it is about: the account's person, unless another one is said."""
    row: Row | None = None
    if call.account is not None:
        row = _account(services, call.account, "account", faults)
    person = None
    if call.person_id is not None:
        person = _person(services, call.person_id, "person_id", faults)
    subject = subject_of(row) if row is not None else Subject()
    if person is None:
        return subject
    return Subject(person["person"]["id"], subject.integration_id, subject.external_id)


def _rows(services: Services, call: TestCall, faults: Faults) -> list[Row]:
    found = [
        _person(services, one, f"person_ids.{number}", faults)
        for number, one in enumerate(call.person_ids)
    ]
    found += [
        _account(services, one, f"accounts.{number}", faults)
        for number, one in enumerate(call.accounts)
    ]
    return [row for row in found if row is not None]


def _person(services: Services, person_id: str, field_name: str, faults: Faults) -> Row | None:
    row = person_row(services, person_id)
    if row is None:
        faults.append((field_name, f"there is no person {person_id!r}"))
    return row


def _account(services: Services, one: AccountKey, field_name: str, faults: Faults) -> Row | None:
    row = account_row(services, one.integration_id, one.external_id)
    if row is None:
        said = f"integration {one.integration_id!r} has no account {one.external_id!r}"
        faults.append((field_name, said))
    return row


def _event_faults(begin: Begin, event: Mapping[str, Any] | None) -> Faults:
    if event is None:
        return []
    if not isinstance(begin, EventTrigger):
        return [("event", f"is none that it begins with: its trigger is {begin.trigger}")]
    if event.get("type") not in begin.events:
        return [("event.type", f"must be one of {', '.join(begin.events)}")]
    try:
        size = len(json.dumps(event, allow_nan=False).encode())
    except ValueError:
        return [("event", "has a number that is too large")]
    return [("event", f"has more than {LARGEST} bytes")] if size > LARGEST else []


def _event(
    begin: Begin, given: Mapping[str, Any] | None, row: Row | None
) -> Mapping[str, Any] | None:
    """The event that is given, or one that says no more than whom it is about."""
    if given is not None or not isinstance(begin, EventTrigger) or row is None:
        return given
    # Of an account whose events there are none, its person's will do.
    for part, families in _TELLING.items():
        for kind in begin.events:
            if row[part] is not None and kind.partition(" ")[0] in families:
                event = synthetic(kind, row, datetime.now(UTC))
                if event is not None:
                    return event
    subject = subject_of(row)
    told = {"person_id": subject.person_id, "integration_id": subject.integration_id}
    return {"type": begin.events[0], **{name: said for name, said in told.items() if said}}


def _told_subject(event: Mapping[str, Any] | None) -> Subject:
    """Whom an event is about, as it says itself."""
    told = event or {}
    account, grant = (told.get(name) for name in ("account", "grant"))
    external_id = account.get("external_id") if isinstance(account, dict) else None
    if external_id is None and isinstance(grant, dict):
        external_id = grant.get("account")
    ids = (told.get("person_id"), told.get("integration_id"), external_id)
    person_id, integration_id, external_id = (
        one if isinstance(one, str) and one else None for one in ids
    )
    if integration_id is None or external_id is None:
        return Subject(person_id)
    return Subject(person_id, integration_id, external_id)


def _old(execution: Execution) -> bool:
    return datetime.now(UTC) - datetime.fromisoformat(execution.created_at) > _KEPT


def _same(earlier: Execution, call: StartCall, subject: Subject) -> bool:
    about = Subject(earlier.person_id, earlier.integration_id, earlier.external_id)
    return (dict(earlier.inputs), about) == (dict(call.inputs), subject)
