"""What the templates and conditions of a block see. What none of them speaks of is not read."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from rollcall.integrations.variables import KIND as VARIABLE
from rollcall.services import Services
from rollcall.workflows import approvals
from rollcall.workflows.beginning import Subject, subject_of
from rollcall.workflows.document import ForEachBlock, Query
from rollcall.workflows.executions import Execution, Executions, Step
from rollcall.workflows.graph import Graph
from rollcall.workflows.subjects import Row, account_row, person_row

_STEP = re.compile(r"""\bsteps\b(?:\s*\.\s*([a-z][a-z0-9_]*)|\s*\[\s*['"]([a-z][a-z0-9_]*)['"])?""")


class Scene:
    """Where a block is done: the execution, the row it is in, and whoever is at hand there.

    What is read is read once, so a Scene is for one block.
    """

    def __init__(
        self,
        services: Services,
        executions: Executions,
        execution: Execution,
        graph: Graph,
        at: str,
    ) -> None:
        self._services = services
        self._executions = executions
        self._execution = execution
        self._graph = graph
        self._at = at

    def context(self, spoken: str, block_id: str) -> dict[str, Any]:
        """The data by their names. `spoken` is the text of everything that may speak of them;
        `block_id` the block whose they are.
        """
        execution = self._execution
        context: dict[str, Any] = {
            "event": execution.event,
            "inputs": dict(execution.inputs),
            "execution": {
                "id": execution.id,
                "workflow_id": execution.workflow_id,
                "workflow": self._graph.document.name,
                "trigger": execution.began,
                "mode": execution.mode,
                "started_at": execution.started_at or execution.created_at,
            },
            "person": self.person if "person" in spoken else None,
            "account": self.account if "account" in spoken else None,
            "item": self._item if "item" in spoken else None,
            "steps": self._steps(spoken, block_id),
            "variables": {},
        }
        if "variables" in spoken:
            found = self._services.config.query(VARIABLE)
            context["variables"] = {one["name"]: one["value"] for one in found}
        return context

    @cached_property
    def whom(self) -> Subject:
        """Whom the block is about: the innermost row's, or else the execution's."""
        for owner, row in self._rows():
            if owner.over == "accounts" or isinstance(owner.over, Query):
                return subject_of(row)
        execution = self._execution
        return Subject(execution.person_id, execution.integration_id, execution.external_id)

    @cached_property
    def person(self) -> Row | None:
        """The person at hand as they are now: the one it is about, or whose the account is."""
        person_id = self.whom.person_id
        row = person_row(self._services, person_id) if person_id is not None else self._row
        person: Row | None = (row or {}).get("person")
        return person

    @cached_property
    def account(self) -> Row | None:
        """The account at hand as it is now."""
        account: Row | None = (self._row or {}).get("account")
        return account

    @cached_property
    def _row(self) -> Row | None:
        whom = self.whom
        if whom.integration_id is None or whom.external_id is None:
            return None
        return account_row(self._services, whom.integration_id, whom.external_id)

    @cached_property
    def _item(self) -> Any:
        return next((row for _, row in self._rows()), None)

    def _rows(self) -> Iterator[tuple[ForEachBlock, Any]]:
        """The rows that the block is in, the innermost first, each with what goes through them."""
        parts = self._at.split("/") if self._at else []
        for depth in range(len(parts), 0, -1):
            block_id, _, number = parts[depth - 1].rpartition(".")
            owner = self._graph.block[block_id]
            if not isinstance(owner, ForEachBlock):
                raise TypeError(f"{block_id} of {self._at!r} is no for_each")
            outer = "/".join(parts[: depth - 1])
            yield owner, self._executions.row(self._execution.id, outer, block_id, int(number))

    def _steps(self, spoken: str, block_id: str) -> dict[str, Any]:
        found = [one[1] or one[2] for one in _STEP.finditer(spoken)]
        wanted = {name for name in found if name in self._graph.block}
        if "" in found or None in found:
            wanted |= self._graph.before(block_id)
        parts = self._at.split("/") if self._at else []
        places = []
        for name in wanted:
            rows = self._graph.scope_of[name].rows
            if list(rows) == [part.rpartition(".")[0] for part in parts[: len(rows)]]:
                places.append(("/".join(parts[: len(rows)]), name))
        steps = self._executions.some_steps(self._execution.id, places)
        return {step.block: seen_step(step) for step in steps.values()}


def seen_step(step: Step) -> dict[str, Any]:
    """A step as templates see it; of a workflow that was run, `status` is how that ended."""
    output, status = step.output, step.status
    if step.type == "approval" and step.branch is not None:
        # Decided: the state machine may have been told before that was noted.
        output, status = approvals.output(step), "succeeded"
    told = output if isinstance(output, Mapping) else {}
    return {"status": status, "error": step.error, **told}
