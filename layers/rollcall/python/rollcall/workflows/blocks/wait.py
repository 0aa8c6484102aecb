"""Waiting. The time is found once: a block that is done again waits until the same moment."""

from datetime import timedelta

from rollcall.connectors.templated import Fault
from rollcall.mapping import comparing
from rollcall.stamps import instant
from rollcall.workflows.compile import LONGEST_SECONDS
from rollcall.workflows.document import WaitBlock, duration
from rollcall.workflows.place import Came, Place, failed, wrong


def wait(at: Place, block: WaitBlock) -> Came:
    """Until when; a test waits for nothing."""
    shown: dict[str, str] = {}
    if block.length is not None:
        until = at.now + duration(block.length)
        shown["for"] = block.length
    else:
        made = at.made(block.until, "until")
        if isinstance(made, Fault):
            return wrong(made)
        moment = comparing.moment(made)
        if moment is None:
            return failed("invalid-input", "until: its template makes no time", {"until": made})
        until = moment
        shown["until"] = instant(until)
    if until - at.now > timedelta(seconds=LONGEST_SECONDS):
        return failed("invalid-input", "until: is more than a year away", shown)
    told = instant(at.now if at.rehearses else until)
    return Came("succeeded", output={"until": instant(until)}, input=shown, changes={"until": told})
