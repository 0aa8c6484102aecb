"""Looking through all the rows of a workflow: at its schedule's times, and when it is activated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from rollcall.tables import Table
from rollcall.workflows.beginning import (
    Beginner,
    Cause,
    Refused,
    cause_at,
    id_of,
    key_of,
    subject_of,
)
from rollcall.workflows.document import Document
from rollcall.workflows.executions import Began
from rollcall.workflows.matching import OF, Event, standing
from rollcall.workflows.memory import Memory
from rollcall.workflows.store import Version, Workflow
from rollcall.workflows.subjects import Row

HasTime = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Listener:
    """A version of a workflow that is active, with its document."""

    workflow: Workflow
    version: Version
    document: Document


@dataclass(frozen=True, slots=True)
class Look:
    """One look at all the rows of a workflow. `moment` and a row make the cause.

    `remembers`: a row is begun for as long as it is not remembered; `anew`: also if it is.
    `skips`: nothing begins, and every row is remembered. `yields`: nothing begins for a row whose
    event has begun it meanwhile.
    """

    of: Listener
    moment: str
    began: Began
    remembers: bool = False
    anew: bool = False
    skips: bool = False
    yields: bool = False


@dataclass(slots=True)
class Done:
    """How far a look came: how many were begun or remembered, and whether it saw all rows."""

    count: int = 0
    complete: bool = False
    stopped: bool = False


class Looker:
    """Looks through rows and begins for them."""

    def __init__(self, beginner: Beginner, directory: Table) -> None:
        self.directory = directory
        self._beginner = beginner

    @property
    def config(self) -> Table:
        """Integrations."""
        return self._beginner.config

    @cached_property
    def _memory(self) -> Memory:
        return Memory(self._beginner.runs)

    def go_through(self, look: Look, has_time: HasTime) -> Done:
        """Go through the rows; what is gone from them is forgotten once all were seen."""
        workflow_id = look.of.workflow.id
        seen = self._memory.seen(workflow_id) if look.remembers else {}
        there: set[str] = set()
        done = Done()
        for batch in standing(self, look.of.document.begin):
            if not has_time():
                return done
            rows = {key_of(row): (row, event) for row, event in batch}
            there |= rows.keys()
            if look.skips:
                new = [one for one in rows if one not in seen]
                self._memory.remember(workflow_id, new, look.moment)
                done.count += len(new)
                continue
            if look.remembers and not look.anew:
                # What this very time has begun may not be started yet.
                rows = {
                    one: told
                    for one, told in rows.items()
                    if one not in seen or seen[one].at == look.moment
                }
            if not self._begin_all(look, rows, has_time, done):
                return done
        if look.remembers:
            gone = {one: known for one, known in seen.items() if one not in there}
            self._memory.forget(workflow_id, gone)
            self._memory.renew(workflow_id, seen, there)
        done.complete = True
        return done

    def _begin_all(
        self,
        look: Look,
        rows: Mapping[str, tuple[Row, Event | None]],
        has_time: HasTime,
        done: Done,
    ) -> bool:
        """Begin for each of these rows that was not yet; False where that is to go on no more."""
        workflow, version = look.of.workflow, look.of.version
        causes = {
            subject: Cause(
                look.began,
                cause_at(look.moment, subject),
                look.began,
                event=event if event is not None else _of_grant(row, look.moment),
            )
            for subject, (row, event) in rows.items()
        }
        there = self._beginner.executions.some(
            [id_of(workflow.id, cause) for cause in causes.values()]
        )
        for subject, cause in causes.items():
            known = there.get(id_of(workflow.id, cause))
            if known is not None and known != ("running", False):
                continue
            if not has_time():
                return False
            more = []
            memory = self._memory
            if look.remembers:
                more.append(memory.remembering(workflow.id, subject, look.moment, anew=look.anew))
            if look.yields:
                more.append(memory.untold(workflow.id, cause.key))
            begun = self._beginner.begin(
                workflow, version, cause, subject_of(rows[subject][0]), more
            )
            if isinstance(begun, Refused) and begun.code in ("not-active", "not-deployed"):
                done.complete = done.stopped = True
                return False
            done.count += 1
        return True


def key_of_event(event: Event) -> str | None:
    """The key of the row that an event tells of; None where an activation looks at no such rows."""
    row: Row = {"person": None, "account": None, "grant": None}
    match OF.get(event["type"]):
        case "people":
            return key_of({**row, "person": {"id": event["person_id"]}})
        case "accounts":
            account = {**event["account"], "integration_id": event["integration_id"]}
            return key_of({**row, "account": account})
        case "grants":
            grant = {"grant": event["grant"], "integration_id": event["integration_id"]}
            return key_of({**row, **grant})
        case None:
            return None


def _of_grant(row: Row, moment: str) -> Event | None:
    """What an execution is told of a grant that a schedule has found: it is about its account."""
    if row["grant"] is None:
        return None
    return {
        "type": "Schedule",
        "at": moment,
        "integration_id": row["integration_id"],
        "grant": row["grant"],
    }
