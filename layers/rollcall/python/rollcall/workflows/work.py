"""What a workflow's state machine has the workflows function do: a block, or the end of a list.

An event is `{"execution", "at", "attempt", "step"}`, with `block`, `token` and `lost` where there
are such: `step` is `block` (do it), `late` (an approval's deadline has passed), `end` and `fail`
(the execution is over), or `note` (the list of a row or a branch has failed). Every answer has
`execution`, `at` and `attempt` of the event, and `outcome`: see `rollcall.workflows.compile`. Where
there is a token the answer is sent with it, now or later.

Whatever is done twice acts once: a step that has ended answers from its record.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.stamps import instant, now
from rollcall.workflows import approvals, tokens
from rollcall.workflows.blocks.approval import approval, late
from rollcall.workflows.blocks.decision import decision
from rollcall.workflows.blocks.for_each import for_each
from rollcall.workflows.blocks.notification import notification
from rollcall.workflows.blocks.preset import preset, roles
from rollcall.workflows.blocks.report import report
from rollcall.workflows.blocks.update import update
from rollcall.workflows.blocks.wait import wait
from rollcall.workflows.blocks.workflow import workflow
from rollcall.workflows.document import ApprovalBlock, Document, EndBlock, ParallelBlock, parsed
from rollcall.workflows.ending import Ending
from rollcall.workflows.executions import LARGEST, OVER, Execution, Step
from rollcall.workflows.graph import Graph
from rollcall.workflows.place import Came, Place, failed, not_later, ours, shortened
from rollcall.workflows.tools import Tools, WorkSettings

__all__ = ["WorkSettings", "Worker"]

Answer = dict[str, Any]
Event = Mapping[str, Any]
BLOCKS: Mapping[str, Callable[[Place, Any], Came]] = {
    "preset": preset,
    "roles": roles,
    "update": update,
    "decision": decision,
    "approval": approval,
    "notification": notification,
    "wait": wait,
    "for_each": for_each,
    "workflow": workflow,
    "report": report,
}
"""By the type of the block. A parallel block is the state machine's own, and an end is the
execution's: see `Ending`.
"""
INNER = "inner"
"""What `lost` says of a block of which some rows or branches have failed."""
_MOST_GRAPHS = 200
"""Documents that a warm function keeps at hand."""
_SOON = 1.0
"""Seconds that do not matter where something is waited for: clocks differ as much."""
_FRESH: Mapping[str, Any] = {
    "status": "running",
    "finished_at": None,
    "error": None,
    "branch": None,
    "until": None,
    "due": None,
    "token": None,
    "decided_by": None,
    "comment": None,
    "tries": 0,
    "counted": None,
    "notes": (),
}
"""What an earlier try of the execution noted of a step and the next does not take over."""


class Worker:
    """Does blocks; one for a warm function."""

    def __init__(self, settings: Settings, work: WorkSettings, aws: Aws, logger: Logger) -> None:
        self.tools = Tools(settings, work, aws, logger)
        self._ending = Ending(self.tools)
        self._graphs: dict[tuple[str, int], Graph] = {}

    def take(self, event: Event, claimant: str) -> Answer:
        """Do what the event asks for. `claimant` is this start of the function, and of no other.

        Raises LookupError for an execution that is not there.
        """
        execution = self.tools.executions.get(event["execution"])
        if execution is None:
            raise LookupError(f"there is no execution {event['execution']!r}")
        graph = self._graph(execution)
        answer = self._taken(event, execution, graph, claimant)
        echoed = {name: event[name] for name in ("execution", "at", "attempt") if name in event}
        if "token" not in event:
            return {**echoed, **answer}
        if answer["outcome"] != "waits":
            tokens.tell(self.tools.aws.stepfunctions, event["token"], {**echoed, **answer})
        return {**echoed, "outcome": answer["outcome"]}

    def _graph(self, execution: Execution) -> Graph | None:
        """The paths of the execution's document; None where that is gone."""
        key = (execution.workflow_id, execution.version)
        if key not in self._graphs:
            version = self.tools.workflows.version(*key)
            document = parsed(version.document) if version is not None else None
            if not isinstance(document, Document):
                return None
            if len(self._graphs) == _MOST_GRAPHS:
                self._graphs.clear()
            self._graphs[key] = Graph(document)
        return self._graphs[key]

    def _taken(
        self, event: Event, execution: Execution, graph: Graph | None, claimant: str
    ) -> Answer:
        if event.get("attempt", execution.attempt) != execution.attempt:
            return _over("a later try of the execution has begun")
        lost, going = event.get("lost"), execution.status not in OVER
        if lost is not None and graph is not None and going:
            self._note_lost(execution, graph, event["at"], lost)
        match event["step"]:
            case "end":
                return self._ending.of_the_execution(execution, graph, has_failed=False)
            case "fail":
                return self._ending.of_the_execution(execution, graph, lost, has_failed=True)
            case "note":
                return {"outcome": "failed"}
            case "block" | "late":
                return self._of_a_block(event, execution, graph, claimant)
            case step:
                raise ValueError(f"there is no step {step!r}")

    def _of_a_block(
        self, event: Event, execution: Execution, graph: Graph | None, claimant: str
    ) -> Answer:
        block = graph.block.get(event["block"]) if graph is not None else None
        if graph is not None and isinstance(block, EndBlock):
            return self._ending.of_a_block(execution, graph, block, event["at"])
        if execution.status in OVER:
            return _over(f"the execution is {execution.status}")
        if graph is None or block is None:
            return {"outcome": "failed"}  # the workflow was deleted: its end tells that
        return self._block(event, execution, graph, claimant)

    def _block(self, event: Event, execution: Execution, graph: Graph, claimant: str) -> Answer:
        block, at = graph.block[event["block"]], event["at"]
        before = self.tools.executions.step(execution.id, at, block.id)
        answer = _known(execution, graph, before)
        if answer is not None:
            return answer
        place = Place(
            self.tools,
            execution,
            graph,
            _begun(execution, block.id, block.type, at, before),
            before,
            claimant,
            event.get("token"),
        )
        if event["step"] == "late" and isinstance(block, ApprovalBlock):
            came = late(place, block)
        else:
            came = BLOCKS[block.type](place, block)
        return self._noted(place, came)

    def _noted(self, place: Place, came: Came) -> Answer:
        """The answer, when what came of the block is stored."""
        if came.status == "waiting":
            return {"outcome": "waits"}  # it is stored already
        execution, executions = place.execution, self.tools.executions
        step = _after(place, came)
        if not executions.save(step, ours(execution.attempt)):
            # Another function has it, or had it and was faster.
            there = executions.step(execution.id, step.at, step.block)
            if there is None or there.attempt > execution.attempt:
                return _over("a later try of the execution has begun")
            return _recorded(place.graph, there)
        if came.status == "running":
            return {"outcome": "wait", "wait_seconds": came.wait_seconds}
        return _recorded(place.graph, step)

    def _note_lost(
        self, execution: Execution, graph: Graph, at: str, lost: Mapping[str, Any]
    ) -> None:
        """Note on a block's step that rows of it failed, or that functions died over it."""
        block, name = graph.block.get(lost["block"]), str(lost["error"])
        if block is None:
            return
        before = self.tools.executions.step(execution.id, at, block.id)
        inner = name == INNER
        if before is not None and before.status in ("succeeded", "failed") and not inner:
            return  # its function ended it, and could not tell
        error = {"code": "function-failed", "detail": f"the function failed over it: {name}"}
        if inner:
            what = "branches" if isinstance(block, ParallelBlock) else "rows"
            error = {"code": "some-failed", "detail": f"some of its {what} failed"}
        began = before or _begun(execution, block.id, block.type, at, None)
        step = replace(
            began, status="failed", attempt=execution.attempt, error=error, finished_at=now()
        )
        self.tools.executions.save(step, not_later(execution.attempt))


def _known(execution: Execution, graph: Graph, step: Step | None) -> Answer | None:
    """What can be answered without doing anything; None: the block is to be done."""
    if step is None:
        return None
    ours = step.attempt == execution.attempt
    if step.status == "succeeded" or (step.status == "failed" and ours):
        return _recorded(graph, step)
    left = _seconds_left(step) if ours else 0
    return {"outcome": "wait", "wait_seconds": left} if left > 0 else None


def _begun(execution: Execution, block_id: str, kind: str, at: str, before: Step | None) -> Step:
    """The step that this try of the execution works on."""
    if before is None:
        return Step(execution.id, block_id, at, kind, "running", execution.attempt, now())
    if before.attempt == execution.attempt:
        return before
    return replace(before, attempt=execution.attempt, started_at=now(), **_FRESH)


def _seconds_left(step: Step) -> int:
    """Until a block that waits is to be done again; 0: now. A state machine may ask at once."""
    if step.status != "running" or step.due is None:
        return 0
    left = (datetime.fromisoformat(step.due) - datetime.now(UTC)).total_seconds()
    return math.ceil(left) if left > _SOON else 0


def _after(place: Place, came: Came) -> Step:
    """The step with what came of it."""
    step = place.step
    if came.wait_seconds is not None:
        due = datetime.now(UTC) + timedelta(seconds=came.wait_seconds)
        step = replace(step, due=instant(due))
    output = came.output if came.output is not None else step.output
    size = len(json.dumps(output))
    if size > LARGEST:
        detail = f"its result of {size} bytes is too large to be handed on"
        came, output = failed("too-large", detail, came.input), None
    step = replace(
        step,
        status=came.status,
        input=shortened(came.input if came.input is not None else step.input),
        output=output,
        error=came.error,
        finished_at=now() if came.status != "running" else None,
        notes=came.notes,
    )
    return replace(step, **came.changes)


def _recorded(graph: Graph, step: Step) -> Answer:
    """What the state machine is told of a step that has ended."""
    if step.status == "failed":
        return {"outcome": "failed"}
    block, output = graph.block[step.block], step.output
    if isinstance(block, ApprovalBlock):
        return {"outcome": approvals.outcome(block, step)}
    answer: Answer = {"outcome": step.branch or "done"}
    if step.type == "wait":
        answer["until"] = step.until
    if step.type == "for_each":
        answer["count"] = output["count"]
    return answer


def _over(detail: str) -> Answer:
    """Nothing is done for it any more, though a function may be under way."""
    return {"outcome": "failed", "code": "over", "detail": detail}
