"""What the templates and conditions of a block see. What none of them speaks of is not read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rollcall.connectors.manifest import Manifest
from rollcall.directory import keys, read
from rollcall.directory.read import Origin
from rollcall.integrations.variables import KIND as VARIABLE
from rollcall.services import Services
from rollcall.workflows import approvals
from rollcall.workflows.document import ForEachBlock, Query
from rollcall.workflows.executions import Execution, Executions, Step
from rollcall.workflows.graph import Graph

NAMES = frozenset(
    {"person", "account", "event", "inputs", "variables", "steps", "item", "execution"}
)
"""What a template of a workflow may use."""
_ACCOUNT = (
    "integration_id", "external_id", "username", "email", "display_name", "status", "person_id",
    "kind", "last_active_at",
)  # fmt: skip
_STEP = re.compile(r"""\bsteps\b(?:\s*\.\s*([a-z][a-z0-9_]*)|\s*\[\s*['"]([a-z][a-z0-9_]*)['"])?""")


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a block is about: the person, the account, or both."""

    person_id: str | None = None
    integration_id: str | None = None
    external_id: str | None = None


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
    def whom(self) -> Whom:
        """Whom the block is about: the innermost row's, or else the execution's."""
        for owner, row in self._rows():
            if owner.over == "accounts" or isinstance(owner.over, Query):
                account, person = row.get("account") or {}, row.get("person") or {}
                person_id = person.get("id") or account.get("person_id")
                external_id = account.get("external_id")
                integration_id = row.get("integration_id") if external_id is not None else None
                return Whom(person_id, integration_id, external_id)
        execution = self._execution
        return Whom(execution.person_id, execution.integration_id, execution.external_id)

    @cached_property
    def person(self) -> dict[str, Any] | None:
        """The person at hand as they are now: the one it is about, or whose the account is."""
        person_id = self.whom.person_id
        if person_id is None and self.whom.external_id is not None:
            person_id = (self.account or {}).get("person_id")
        if person_id is None:
            return None
        item = self._services.directory.get(keys.person(person_id), "PERSON")
        return seen_person(item) if item is not None else None

    @cached_property
    def account(self) -> dict[str, Any] | None:
        """The account at hand as it is now."""
        whom = self.whom
        if whom.integration_id is None or whom.external_id is None:
            return None
        integration = self._services.integrations.get(whom.integration_id)
        manifest = self._services.catalog.find(integration.connector) if integration else None
        origin = Origin(whom.integration_id, manifest)
        found = read.account(self._services.directory, origin, whom.external_id)
        if found is None:
            return None
        application = integration.application if integration is not None else None
        return seen_account(found, application, manifest)

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


def seen_person(item: Mapping[str, Any]) -> dict[str, Any]:
    """A person, as the directory has them, as templates see them."""
    return {**item["fields"], "id": item["id"]}


def seen_account(
    found: Mapping[str, Any], application: str | None, manifest: Manifest | None
) -> dict[str, Any]:
    """An account, as `directory.read` answers it, as templates see it."""
    own = {field.key for field in manifest.fields} if manifest is not None else set()
    return {
        **{name: found[name] for name in _ACCOUNT},
        "application": application,
        "attributes": found["attributes"],
        "fields": {name: value for name, value in found["fields"].items() if name in own},
    }
