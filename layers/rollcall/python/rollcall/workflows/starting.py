"""What begins executions: events from the bus, schedules, and the activation of a workflow.

All of it is delivered at least once, and begins once: an execution's id is made of its workflow and
of what caused it. What changed before a workflow was active is not begun by its event: the
activation looks at all the rows, and does what was chosen for them. A schedule remembers the rows
that it has begun for as long as they are among its rows (see `memory`). What one function has no
time for is gone on with by another one, which goes through the rows from the first one on and
passes over what was begun.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from aws_lambda_powertools import Logger

from rollcall.actions.store import Actions
from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.tables import Action, Table, equals
from rollcall.workflows import guards
from rollcall.workflows.beginning import (
    Beginner,
    Cause,
    Machines,
    Refused,
    Subject,
    activation_of,
    cause_at,
)
from rollcall.workflows.document import Document, EventTrigger, ScheduleTrigger, parsed
from rollcall.workflows.executions import Execution, execution_id
from rollcall.workflows.holding import Holding
from rollcall.workflows.looking import Done, HasTime, Listener, Look, Looker, key_of_event
from rollcall.workflows.matching import begins, needs_row
from rollcall.workflows.memory import Memory
from rollcall.workflows.store import KIND, Version, Workflow, Workflows
from rollcall.workflows.subjects import Row, account_row, person_row

Event = Mapping[str, Any]
Answer = dict[str, Any]
_MOST_VERSIONS = 200
"""Versions that a warm function keeps at hand."""


def always() -> bool:
    """There is time."""
    return True


class Starter:
    """Begins the executions of one deployment.

    `function` is the function that goes on where time runs out; without one nobody does before the
    next time.
    """

    def __init__(
        self,
        settings: Settings,
        aws: Aws,
        logger: Logger,
        machines: Machines,
        function: str = "",
    ) -> None:
        self._settings = settings
        self._aws = aws
        self._log = logger
        self._function = function
        self._beginner = Beginner(settings, aws, logger, machines)
        self._versions: dict[tuple[str, int], tuple[Version, Document] | None] = {}

    @property
    def config(self) -> Table:
        """Workflows and integrations."""
        return self._beginner.config

    @cached_property
    def directory(self) -> Table:
        """The roster."""
        return Table(self._aws.dynamodb, self._settings.directory_table)

    @cached_property
    def _workflows(self) -> Workflows:
        return Workflows(self.config)

    @cached_property
    def _actions(self) -> Actions:
        return Actions(self._beginner.runs, self.config, self._settings.run_days)

    @cached_property
    def _memory(self) -> Memory:
        return Memory(self._beginner.runs)

    @cached_property
    def _looker(self) -> Looker:
        return Looker(self._beginner, self.directory)

    def begin(
        self,
        workflow: Workflow,
        version: Version,
        cause: Cause,
        subject: Subject,
        more: Sequence[Action] = (),
    ) -> Execution | Refused:
        """Begin one execution, or find it; see `Beginner.begin`."""
        return self._beginner.begin(workflow, version, cause, subject, more)

    # ---------------------------------------------------------------- events

    def events(self, records: Sequence[Event], has_time: HasTime = always) -> Answer:
        """Take messages that each hold one event of the bus; those that could not be taken are to
        be delivered again. Where no workflow listens that costs one query.
        """
        failures: list[Answer] = []
        listening: Mapping[str, list[Workflow]] | None = None
        for record in records:
            try:
                if not has_time():
                    raise TimeoutError("the function has no time left")  # noqa: TRY301
                if listening is None:
                    listening = self._listening()
                self._take(_event_in(record), listening)
            except Exception:  # noqa: BLE001 - one event must not stop the others
                self._log.exception("an event is left", message_id=record["messageId"])
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}

    def _listening(self) -> Mapping[str, list[Workflow]]:
        """The active workflows by the type of event that begins them."""
        found: dict[str, list[Workflow]] = {}
        for workflow in self._workflows.everything():
            if workflow.status == "active" and workflow.trigger == "event":
                for kind in workflow.events:
                    found.setdefault(kind, []).append(workflow)
        return found

    def _take(self, event: Event, listening: Mapping[str, list[Workflow]]) -> None:
        told = _Told(event, self)
        trouble: Exception | None = None
        for workflow in listening.get(event["type"], ()):
            try:
                self._begin_for(told, event, workflow)
            except Exception as error:  # noqa: BLE001 - one workflow must not stop the others
                trouble = error
        if trouble is not None:
            raise trouble

    def _begin_for(self, told: "_Told", event: Event, workflow: Workflow) -> None:
        """Begin this workflow if the event concerns it, in the version that is active then."""
        while (listener := self._listener(workflow)) is not None:
            trigger = listener.document.begin
            if not isinstance(trigger, EventTrigger) or _was_before(event, workflow):
                return
            row = told.row if needs_row(trigger, event["type"]) else None
            if not begins(trigger, event, row, datetime.now(UTC)):
                return
            more = self._beside_the_activation(workflow, listener.version, event)
            if more is None:
                return
            by = guards.cause_of(event, self._beginner.executions, self._actions)
            cause = Cause("event", event["id"], "event", event=event, by=by)
            begun = self.begin(workflow, listener.version, cause, told.subject, more)
            if not isinstance(begun, Refused):
                return
            if begun.code == "remembered":  # by the activation, in this moment
                continue
            if begun.code != "not-active":
                return
            now_is = self._workflows.get(workflow.id)
            if now_is is None or now_is.status != "active" or now_is == workflow:
                return
            workflow = now_is

    def _beside_the_activation(
        self, workflow: Workflow, version: Version, event: Event
    ) -> list[Action] | None:
        """What is to be stored with an execution that the event begins, so that the look at the
        activation does not begin it too; None where that look has, or has seen something newer.
        """
        subject = key_of_event(event)
        if subject is None:
            return []
        key = cause_at(activation_of(version.number), subject)
        activation = execution_id(workflow.id, key)
        looked = self._beginner.executions.get(activation)
        if looked is not None and event["version"] <= (looked.event or {})["version"]:
            return None
        if workflow.matching != "start":
            return []
        telling = self._memory.telling(workflow.id, key)
        unlooked = [self._beginner.executions.absent(activation)] if looked is None else []
        return [telling, *unlooked]

    def row_of(self, event: Event) -> Row | None:
        """Whom the event is about, as the roster has them now; None where that is nobody."""
        account = event.get("account") or {}
        external_id = account.get("external_id") or event.get("external_id")
        if external_id is None and "grant" in event:
            external_id = event["grant"]["account"]
        if external_id is not None:
            row = account_row(self, event["integration_id"], external_id)
            if row is not None:
                return row
        person_id = event.get("person_id")
        return person_row(self, person_id) if person_id is not None else None

    def _listener(self, workflow: Workflow) -> Listener | None:
        """Its active version; None where that is gone, or is none that this Rollcall takes."""
        number = workflow.active_version or 0
        key = (workflow.id, number)
        if key not in self._versions:
            if len(self._versions) >= _MOST_VERSIONS:
                self._versions.clear()
            self._versions[key] = self._read(workflow.id, number)
        found = self._versions[key]
        return Listener(workflow, *found) if found is not None else None

    def _read(self, workflow_id: str, number: int) -> tuple[Version, Document] | None:
        version = self._workflows.version(workflow_id, number)
        document = parsed(version.document) if version is not None else None
        if version is None or not isinstance(document, Document):
            self._log.error("an active version is no document", workflow_id=workflow_id)
            return None
        return version, document

    # ---------------------------------------------------------------- schedules

    def scheduled(self, event: Event, has_time: HasTime = always) -> Answer:
        """Begin what a workflow's schedule begins at `scheduled_time`: `workflow_id`."""
        listener = self._active(event["workflow_id"], "schedule")
        if listener is None or not isinstance(listener.document.begin, ScheduleTrigger):
            return _answer(Done(complete=True))
        begin = listener.document.begin
        moment = event["scheduled_time"]
        if begin.query is None:
            cause = Cause("schedule", moment, "schedule")
            self.begin(listener.workflow, listener.version, cause, Subject())
            return _answer(Done(1, complete=True))
        choice = (self.config.get(KIND, listener.workflow.id) or {}).get("matching")
        if choice is not None:  # its activation comes first
            done = self._activate(listener, choice, has_time)
            if not done.complete:
                return self._gone_on_with(event, done)
        look = Look(listener, moment, "schedule", remembers=not begin.repeat)
        return self._gone_on_with(event, self._looker.go_through(look, has_time))

    def activated(self, event: Event, has_time: HasTime = always) -> Answer:
        """Do what was chosen for those who match at the activation: `workflow_id`, `version`,
        `matching` (`start` or `skip`).
        """
        listener = self._active(event["workflow_id"], None)
        if listener is None or listener.version.number != event["version"]:
            return _answer(Done(complete=True))
        done = self._activate(listener, event["matching"], has_time)
        return self._gone_on_with(event, done)

    def _activate(self, listener: Listener, matching: str, has_time: HasTime) -> Done:
        begin = listener.document.begin
        by_time = isinstance(begin, ScheduleTrigger)
        remembers = isinstance(begin, ScheduleTrigger) and not begin.repeat
        done = Done(complete=True)
        if matching == "start" or remembers:
            look = Look(
                listener,
                activation_of(listener.version.number),
                "activation",
                remembers=remembers,
                anew=by_time,
                skips=matching == "skip",
                yields=isinstance(begin, EventTrigger),
            )
            done = self._looker.go_through(look, has_time)
        if done.complete and not done.stopped:
            mine = equals("active_version", listener.version.number)
            self.config.update(KIND, listener.workflow.id, {"matching": None}, mine)
        return done

    def _active(self, workflow_id: str, trigger: str | None) -> Listener | None:
        workflow = self._workflows.get(workflow_id)
        if workflow is None or workflow.status != "active":
            return None
        return self._listener(workflow) if trigger in (None, workflow.trigger) else None

    # ---------------------------------------------------------------- held

    def held(self, event: Event, has_time: HasTime = always) -> Answer:
        """Let go what a trip of the rate guard holds: `workflow_id`, `trip` (left out: the one that
        is pending), `decision` (`approve` or `reject`), `actor`.
        """
        workflow_id = event["workflow_id"]
        trip = event.get("trip") or self._beginner.rate.pending(workflow_id)
        if trip is None:
            return _answer(Done(complete=True))
        holding = Holding(self._beginner, self._aws.stepfunctions)
        let_go = holding.decide(workflow_id, trip, event["decision"], event["actor"], has_time)
        done = Done(let_go.count, complete=not let_go.left)
        return self._gone_on_with({**event, "step": "held", "trip": trip}, done)

    def _gone_on_with(self, event: Event, done: Done) -> Answer:
        """Hand what is left to the next function, unless this one came no step further.

        AWS ends a chain of some 16 functions that call themselves
        (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html, 2026-11); what is
        left then is begun at the schedule's next time.
        """
        if not done.complete:
            self._log.warning("time ran out", step=event["step"], done=done.count)
            if done.count and self._function:
                self._aws.functions.invoke(
                    FunctionName=self._function,
                    InvocationType="Event",
                    Payload=json.dumps(event),
                )
        return _answer(done)


class _Told:
    """An event, with what is read for it at most once."""

    def __init__(self, event: Event, starter: Starter) -> None:
        self._event = event
        self._starter = starter

    @cached_property
    def row(self) -> Row | None:
        """Whom it is about."""
        return self._starter.row_of(self._event)

    @cached_property
    def subject(self) -> Subject:
        """The same in short; who holds a grant only the roster knows."""
        event = self._event
        if "grant" in event:
            person_id = ((self.row or {}).get("account") or {}).get("person_id")
            return Subject(person_id, event["integration_id"], event["grant"]["account"])
        account = event.get("account") or {}
        external_id = account.get("external_id") or event.get("external_id")
        integration_id = event["integration_id"] if external_id is not None else None
        return Subject(event.get("person_id"), integration_id, external_id)


def _was_before(event: Event, workflow: Workflow) -> bool:
    """Was this changed before the workflow was active? DynamoDB rounds the time of a change down to
    the second (ApproximateCreationDateTime, Amazon DynamoDB API Reference, StreamRecord, 2026-11).
    """
    if workflow.active_since is None:
        return False
    since = datetime.fromisoformat(workflow.active_since).replace(microsecond=0)
    return datetime.fromisoformat(event["at"]) < since


def _event_in(record: Event) -> Event:
    """The event of the bus that a message holds: its detail, and its type."""
    body = json.loads(record["body"])
    return {"type": body["detail-type"], **body["detail"]}


def _answer(done: Done) -> Answer:
    return {"count": done.count, "complete": done.complete}
