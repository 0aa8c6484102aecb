"""What the workflows function does for each kind of block: one module a kind."""

from collections.abc import Callable, Mapping
from typing import Any

from rollcall.workflows.blocks.approval import approval
from rollcall.workflows.blocks.decision import decision
from rollcall.workflows.blocks.for_each import for_each
from rollcall.workflows.blocks.notification import notification
from rollcall.workflows.blocks.preset import preset, roles
from rollcall.workflows.blocks.report import report
from rollcall.workflows.blocks.update import update
from rollcall.workflows.blocks.wait import wait
from rollcall.workflows.blocks.workflow import workflow
from rollcall.workflows.place import Came, Place

Do = Callable[[Place, Any], Came]

BLOCKS: Mapping[str, Do] = {
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
execution's: see `rollcall.workflows.work`.
"""
