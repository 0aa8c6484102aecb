"""Beginning one execution: its record first, with all that guards it, then its state machine.

A cause begins one execution of a workflow, however often it comes: the execution's id is made of
both. Where there is a record already its state machine is started if nobody did, as after a
function that died in between; whoever starts it a second time is told that it runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from rollcall.aws import Aws
from rollcall.directory import keys
from rollcall.notices.workflow_notice import WorkflowNotices
from rollcall.settings import Settings
from rollcall.stamps import now
from rollcall.tables import Action, Table, absent, equals, transact
from rollcall.workflows import guards
from rollcall.workflows.executions import Began, Execution, Executions, Mode, execution_id
from rollcall.workflows.guards import Admission, RateGuard
from rollcall.workflows.holding import tell_held
from rollcall.workflows.store import KIND, Version, Workflow

_TRIES = 20
"""Others may begin executions of the workflow just then."""
_GONE = frozenset({"StateMachineDoesNotExist", "StateMachineDeleting"})
"""https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (2026-11):
what no second try will start.
"""
_BY_ITSELF: frozenset[Began] = frozenset({"event", "schedule", "activation"})
"""What begins only as long as the workflow is active in that version."""


class Machines(Protocol):
    """Starts state machines."""

    def start(self, execution: Execution) -> bool:
        """Start this try of the execution. False: it was started already, and is over.

        Raises botocore's errors.
        """


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an execution is about: a person, an account, both, or nobody."""

    person_id: str | None = None
    integration_id: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an execution begins. `key` tells this cause from all others: an event's id, a row at a
    scheduled time, a caller's key.

    `by` is the execution that led to it. `parent` has the fields of an Execution that say which
    block waits for it.
    """

    began: Began
    key: str
    actor: str
    event: Mapping[str, Any] | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    mode: Mode = "real"
    approves: bool = True
    by: Execution | None = None
    parent: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing begins: `loop` and `too-deep` (the execution is kept as failed), `not-active`,
    `not-deployed`, or `remembered` (the row was begun for, or its event was).
    """

    code: str
    detail: str
    execution: Execution | None = None


def id_of(workflow_id: str, cause: Cause) -> str:
    """The id of the execution that the cause begins."""
    return execution_id(workflow_id, cause.key)


def cause_at(moment: str, subject: str) -> str:
    """The key of the cause that a look at that moment has found in a row; see `key_of`."""
    return f"{moment}#{subject}"


def activation_of(version: int) -> str:
    """The moment at which a version is activated, as the key of a cause has it."""
    return f"activation#{version}"


def subject_of(row: Mapping[str, Any]) -> Subject:
    """Whom a row of the roster is about."""
    person, account, grant = row["person"], row["account"], row["grant"]
    person_id = person["id"] if person is not None else (account or {}).get("person_id")
    if account is not None:
        return Subject(person_id, account["integration_id"], account["external_id"])
    if grant is not None:
        return Subject(person_id, row["integration_id"], grant["account"])
    return Subject(person_id)


def key_of(row: Mapping[str, Any]) -> str:
    """What tells a row of the roster from all others, in the directory's own words."""
    person, account, grant = row["person"], row["account"], row["grant"]
    if grant is not None:
        parts = (grant["account"], grant["type"], grant["entitlement_id"], grant["scope"] or "")
        return f"grant#{row['integration_id']}#" + "#".join(keys.escaped(part) for part in parts)
    if account is not None:
        return f"account#{account['integration_id']}#{keys.escaped(account['external_id'])}"
    return f"person#{person['id']}"


class Beginner:
    """Begins executions of one deployment."""

    def __init__(self, settings: Settings, aws: Aws, logger: Logger, machines: Machines) -> None:
        self.runs = Table(aws.dynamodb, settings.runs_table)
        self.config = Table(aws.dynamodb, settings.config_table)
        self.executions = Executions(self.runs, self.config, settings.run_days)
        self.rate = RateGuard(self.runs, settings.run_days)
        self._machines = machines
        self._notices = WorkflowNotices(aws, settings.notice_topic, logger)
        self._log = logger

    def begin(
        self,
        workflow: Workflow,
        version: Version,
        cause: Cause,
        subject: Subject,
        more: Sequence[Action] = (),
    ) -> Execution | Refused:
        """Begin the execution, or find it. It may be held.

        `more` is stored in the same transaction, and nothing begins where it refuses. Raises
        botocore's errors where the record is kept and its state machine could not be started: who
        asks again, and the sweeper, start it.
        """
        if version.machine_arn is None:
            return Refused("not-deployed", f"version {version.number} has no state machine")
        execution = _execution(workflow, version, cause, subject)
        refusal = guards.refused(workflow.id, cause.by)
        if refusal is not None:
            error = asdict(refusal)
            execution = replace(execution, status="failed", error=error, finished_at=now())
        kept = self._kept(workflow, version, execution, cause.began, more)
        if isinstance(kept, Refused):
            return kept
        return self.ensure_started(kept)

    def ensure_started(self, execution: Execution) -> Execution | Refused:
        """Start its state machine if it goes on and nobody did. Raises botocore's errors."""
        if execution.status == "failed" and (error := execution.error or {}).get("code") in (
            "loop",
            "too-deep",
        ):
            return Refused(error["code"], error["detail"], execution)
        if execution.status != "running" or execution.started:
            return execution
        try:
            self._machines.start(execution)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            why = {"code": "not-started", "detail": "there is no such state machine any more"}
            self.executions.end(execution, "failed", why)
            return replace(execution, status="failed", error=why)
        self.executions.started(execution)
        return replace(execution, started=True)

    def _kept(
        self,
        workflow: Workflow,
        version: Version,
        execution: Execution,
        began: Began,
        more: Sequence[Action],
    ) -> Execution | Refused:
        """The execution as its record has it, by now or already."""
        counts = execution.status == "running" and execution.mode == "real"
        most = int(version.document["begin"].get("most_per_hour", 100))
        guarded = [("remembered", one) for one in more]
        if began in _BY_ITSELF and execution.mode == "real":
            active = equals("status", "active") & equals("active_version", version.number)
            if began == "event":  # what the activation leaves to events is another then
                chosen = workflow.matching
                active &= equals("matching", chosen) if chosen else absent("matching")
            guarded.append(("active", self.config.checking(KIND, workflow.id, active)))
        for _ in range(_TRIES):
            admission = None
            if counts:
                admission = self.rate.admission(workflow.id, most, datetime.now(UTC))
            kept, refusing = self._stored(execution, admission, guarded)
            if not refusing:
                if admission is not None and admission.trips and admission.trip is not None:
                    tell_held(self._notices, self.rate, workflow, version, admission.trip)
                return kept
            if "record" in refusing:
                found = self.executions.get(execution.id)
                return found or Refused("not-active", "its record has just expired")
            if "active" in refusing:
                return Refused("not-active", f"version {version.number} is not active any more")
            if "remembered" in refusing:
                return Refused("remembered", "the row was begun for")
        raise RuntimeError(f"executions of workflow {workflow.id} begin all the time")

    def _stored(
        self,
        execution: Execution,
        admission: Admission | None,
        guarded: Sequence[tuple[str, Action]],
    ) -> tuple[Execution, set[str]]:
        """The execution as it was stored, or what refused."""
        more = list(guarded)
        if admission is not None:
            more.append(("rate", admission.action))
            if admission.trip is not None:
                execution = replace(execution, status="held", started_at=None)
                more.append(("held", self.rate.holding(execution, admission.trip)))
        asked = execution.mode == "test" or execution.began not in _BY_ITSELF
        audited = "begin" if asked and execution.began != "workflow" else None
        writes = [("", one) for one in self.executions.beginning(execution, audited)]
        writes[0] = ("record", writes[0][1])
        labelled = [*writes, *more]
        refused = transact(self.runs.client, [action for _, action in labelled])
        if refused is None:
            return execution, set()
        failed = {n for n, why in refused.reasons.items() if why == "ConditionalCheckFailed"}
        return execution, {labelled[place][0] for place in failed}


def _execution(workflow: Workflow, version: Version, cause: Cause, subject: Subject) -> Execution:
    moment = now()
    return Execution(
        id=id_of(workflow.id, cause),
        workflow_id=workflow.id,
        version=version.number,
        machine_arn=version.machine_arn or "",
        status="running",
        began=cause.began,
        actor=cause.actor,
        created_at=moment,
        mode=cause.mode,
        approves=cause.approves,
        **asdict(subject),
        event=cause.event,
        inputs=cause.inputs,
        depth=guards.depth(cause.by),
        lineage=guards.lineage(cause.by),
        started_at=moment,
        **cause.parent,
    )
