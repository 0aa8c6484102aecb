"""How executions end, and who is told: whoever waits for them, and where they fail the contacts.

What is told is told after it is stored: a function that is killed between is started again and
tells then, so that everything is told once at least.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rollcall.stamps import now
from rollcall.workflows import children
from rollcall.workflows.document import EndBlock
from rollcall.workflows.executions import OVER, Execution, Step
from rollcall.workflows.graph import Graph, Scope
from rollcall.workflows.tools import Tools

Answer = dict[str, Any]
_LONGEST_CODE = 256
_LONGEST_DETAIL = 2_000
"""Characters: the Fail state shows them, and mails do."""


class Ending:
    """Ends the executions of one deployment."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def of_the_execution(
        self,
        execution: Execution,
        graph: Graph | None,
        lost: Mapping[str, Any] | None = None,
        *,
        has_failed: bool,
    ) -> Answer:
        """Its paths have ended: well, or with the error of the step that failed first."""
        if execution.status == "cancelled":
            return _told({"code": "cancelled", "detail": "the execution was cancelled"})
        if not has_failed:
            self._end(execution, graph, None, None)
            return {"outcome": "done"}
        return _told(self._end(execution, graph, self._cause(execution, graph, lost), None))

    def of_a_block(self, execution: Execution, graph: Graph, block: EndBlock, at: str) -> Answer:
        """An end that the document says, of the execution or of what is done for a row."""
        if execution.status == "cancelled":
            return _told({"code": "cancelled", "detail": "the execution was cancelled"})
        told = {"outcome": "done"}
        error: Mapping[str, Any] | None = None
        if block.result == "failed":
            detail = block.message or "the workflow ends here as failed"
            error = {"code": "ended", "detail": detail, "block": block.id}
        if graph.scope_of[block.id].owner is None:
            if error is not None:
                error = self._first(execution) or error
            kept = self._end(execution, graph, error, block.message or None)
            if error is not None:
                told = _told(kept)
        step = Step(execution.id, block.id, at, block.type, "running", execution.attempt, now())
        step = replace(
            self._tools.executions.step(execution.id, at, block.id) or step,
            attempt=execution.attempt,
            status="succeeded" if error is None else "failed",
            output={"message": block.message},
            error=error,
            finished_at=now(),
        )
        self._tools.executions.save(step)
        return told

    def _end(
        self,
        execution: Execution,
        graph: Graph | None,
        error: Mapping[str, Any] | None,
        message: str | None,
    ) -> Mapping[str, Any]:
        """Store it, unless it has ended, and tell whoever is to know; the error it ended with."""
        executions = self._tools.executions
        if execution.status not in OVER:
            executions.end(execution, "failed" if error else "succeeded", error, message)
        over = executions.get(execution.id) or execution
        if over.status == "failed" and graph is not None:
            self._tell_contacts(over, graph)
        children.tell_parent(executions, self._tools.aws.stepfunctions, over)
        return over.error or error or {}

    def _tell_contacts(self, execution: Execution, graph: Graph) -> None:
        document, error = graph.document, execution.error or {}
        if execution.mode == "test":
            return
        at = f" at block {error['block']}" if error.get("block") else ""
        said = f"Execution {execution.id} of {document.name} failed{at}: {error.get('detail', '')}"
        text = (
            f"{said[:_LONGEST_DETAIL].rstrip('.')} (code {error.get('code')}). "
            f"GET /v1/executions/{execution.id}/steps tells what it did, and "
            f"POST /v1/executions/{execution.id}/redrive goes on from what failed."
        )
        subject = f"Rollcall: {document.name} failed"
        self._tools.notices.tell("failed", execution.workflow_id, subject, text, document.contacts)

    def _cause(
        self, execution: Execution, graph: Graph | None, lost: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """The error of the step that failed first, of those that no path leads on from."""
        if graph is None:
            return {"code": "workflow-gone", "detail": "the workflow was deleted"}
        found = self._first(execution, graph) or self._first(execution)
        if found is not None:
            return found
        if lost is not None:
            detail = f"the function failed over it: {lost['error']}"
            return {"code": "function-failed", "detail": detail, "block": lost["block"]}
        return {"code": "failed", "detail": "a block failed, and nothing is noted of it"}

    def _first(self, execution: Execution, graph: Graph | None = None) -> Mapping[str, Any] | None:
        """The error of the step of this try that failed first, with its block and row; with a
        graph, only of those that nothing in the document catches.
        """
        executions = self._tools.executions
        # What came of a child may be noted before its block's step has ended.
        told = map(children.ended, filter(_has_ended, executions.steps_in(execution.id, "waiting")))
        steps = [
            step
            for step in (*executions.steps_in(execution.id, "failed"), *told)
            if step.status == "failed"
            and step.attempt == execution.attempt
            and (graph is None or not _caught(graph, step))
        ]
        if not steps:
            return None
        first = min(steps, key=lambda step: step.finished_at or "")
        row = {"at": first.at} if first.at else {}
        return {**(first.error or {}), "block": first.block, **row}


def _has_ended(step: Step) -> bool:
    return step.type == "workflow" and step.output is not None


def _caught(graph: Graph, step: Step) -> bool:
    """Does the document say how to go on from the step, or from a block that it is in?"""
    block = graph.block.get(step.block)
    scope: Scope | None = graph.scope_of.get(step.block)
    while block is not None and scope is not None:
        if scope.on_error(block) is not None:
            return True
        block, scope = scope.owner, scope.outer
    return False


def _told(error: Mapping[str, Any]) -> Answer:
    """As the Fail state shows it."""
    block = f"{error['block']}: " if error.get("block") else ""
    detail = f"{block}{error.get('detail', '')}"[:_LONGEST_DETAIL]
    code = str(error.get("code", "failed"))[:_LONGEST_CODE]
    return {"outcome": "failed", "code": code, "detail": detail}
