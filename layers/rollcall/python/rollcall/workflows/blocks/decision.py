"""Going on by a condition."""

from rollcall.workflows.document import DecisionBlock
from rollcall.workflows.place import Came, Place


def decision(at: Place, block: DecisionBlock) -> Came:
    """The first branch whose condition holds, or else the next block."""
    for number, branch in enumerate(block.branches):
        if at.holds(branch.when):
            leads = f"branch-{number}"
            return Came("succeeded", leads, {"branch": number}, changes={"branch": leads})
    return Came("succeeded", output={"branch": None})
