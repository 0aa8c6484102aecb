"""A block that is to be done, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from rollcall.connectors.templated import Fault, compiled_tree
from rollcall.mapping import values
from rollcall.mapping.conditions import Conditions
from rollcall.sync.masking import texts
from rollcall.tables import Condition
from rollcall.workflows.context import Scene
from rollcall.workflows.document import NAMES, Block
from rollcall.workflows.executions import Execution, Step, StepStatus
from rollcall.workflows.graph import Graph
from rollcall.workflows.tools import Tools

_LARGEST_INPUT = 50_000
_LARGEST_PART = 5_000
"""Bytes of what a block's templates made, and of a part of that, that are kept with its step."""
_LEFT = "(too large to be kept)"
_NOT_DONE = Condition(
    "attribute_not_exists(#status) OR #status <> :done",
    {"#status": "status"},
    {":done": "succeeded"},
)
_NOT_OURS = {"blocks", "response"}
"""What of a block is no template over its context: other blocks, and what an app's answer is."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a block: how its step is now, and what the state machine is told.

    `running` is told to come again after `wait_seconds`; of a step that is `waiting`, the machine
    is told by a token, later. `changes` are other parts of the step.
    """

    status: StepStatus
    outcome: str = "done"
    output: Any = None
    input: Any = None
    error: Mapping[str, Any] | None = None
    wait_seconds: int | None = None
    notes: tuple[str, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)


def done(output: Any, shown: Any = None, notes: tuple[str, ...] = ()) -> Came:
    """The block has done what it is there for; `shown` is what its templates made."""
    return Came("succeeded", output=output, input=shown, notes=notes)


def failed(code: str, detail: str, shown: Any = None, **more: Any) -> Came:
    """The block cannot do it; `more` is added to the error."""
    return Came("failed", "failed", input=shown, error={"code": code, "detail": detail, **more})


def wrong(fault: Fault, shown: Any = None) -> Came:
    """A template of the block makes nothing of these data."""
    detail = f"{fault.field}: {fault.message}"
    return failed("template-failed", detail, shown, errors=[[fault.field, fault.message]])


def later(seconds: int, shown: Any = None, **changes: Any) -> Came:
    """The block is to be done again after so many seconds."""
    return Came("running", "wait", input=shown, wait_seconds=seconds, changes=changes)


class Place:
    """One block of one execution, in one row.

    `step` is what this try of the execution notes of it; `before` is what is stored, None where it
    was not begun: of this try, or of one that came before it. `claimant` is this start of the
    function, and of no other. `token` ends the wait of a block that waits for somebody.
    """

    def __init__(
        self,
        tools: Tools,
        execution: Execution,
        graph: Graph,
        step: Step,
        before: Step | None,
        claimant: str,
        token: str | None,
    ) -> None:
        self.tools = tools
        self.execution = execution
        self.graph = graph
        self.step = step
        self.before = before
        self.claimant = claimant
        self.token = token

    @property
    def at(self) -> str:
        """The row that it is in."""
        return self.step.at

    @property
    def block(self) -> Block:
        """The block as its document has it."""
        return self.graph.block[self.step.block]

    @property
    def actor(self) -> str:
        """Who does it, in the audit log."""
        return f"workflow:{self.graph.document.name}"

    @property
    def rehearses(self) -> bool:
        """Is nothing to be changed?"""
        return self.execution.mode == "test"

    @property
    def goes_on(self) -> bool:
        """Was the block begun in this try of the execution?"""
        return self.before is not None and self.before.attempt == self.execution.attempt

    @cached_property
    def scene(self) -> Scene:
        """Whoever is at hand."""
        tools = self.tools
        return Scene(tools, tools.executions, self.execution, self.graph, self.at)

    @cached_property
    def context(self) -> dict[str, Any]:
        """What the block's templates and conditions see."""
        said = self.block.model_dump(exclude=_NOT_OURS)
        return self.scene.context("\n".join(texts(said)), self.block.id)

    def made(self, data: Any, place: str) -> Any:
        """What the templates in this part of the block make, or a Fault."""
        tree = compiled_tree(data, place, NAMES)
        return tree if isinstance(tree, Fault) else tree.value(self.context)

    def holds(self, condition: Mapping[str, Any]) -> bool:
        """Is the condition true here and now?"""
        return Conditions(condition).verdict(self.context, {}, self.now).passed

    @cached_property
    def now(self) -> datetime:
        """When the block was taken up, this time."""
        return datetime.now(UTC)

    def keep(self, **changes: Any) -> None:
        """Note how far the block has come, before it goes on.

        Raises RuntimeError where somebody else has done it, or does it in a later try: whoever asks
        again is told what came of that.
        """
        step = replace(self.step, **changes)
        self.step = replace(step, input=shortened(step.input))
        if not self.tools.executions.save(self.step, ours(self.step.attempt)):
            raise RuntimeError(f"another function has done {self.step.block} meanwhile")


def not_later(attempt: int) -> Condition:
    """No later try of the execution has been at the step."""
    return Condition(
        "attribute_not_exists(attempt) OR attempt <= :attempt", {}, {":attempt": attempt}
    )


def ours(attempt: int) -> Condition:
    """The same, and nobody has done it meanwhile."""
    return not_later(attempt) & _NOT_DONE


def shortened(shown: Any) -> Any:
    """What templates made, as a step keeps it: what is large in it is not."""
    if not isinstance(shown, Mapping) or _size(shown) <= _LARGEST_INPUT:
        return shown
    return {name: one if _size(one) <= _LARGEST_PART else _LEFT for name, one in shown.items()}


def _size(data: Any) -> int:
    return len(values.written(data).encode())
