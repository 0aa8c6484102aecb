"""Finding the rows that other blocks are done for. They are kept: a row stays the same row."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rollcall.connectors.templated import Fault
from rollcall.mapping import values
from rollcall.workflows.document import ForEachBlock, Query
from rollcall.workflows.executions import LARGEST
from rollcall.workflows.place import Came, Place, done, failed, wrong
from rollcall.workflows.subjects import accounts_of, rows

MOST_ROWS = 10_000


def for_each(at: Place, block: ForEachBlock) -> Came:
    """Keep the rows, and answer how many there are."""
    if at.step.output is not None:  # found by an earlier try, in which some of them failed
        return done(at.step.output, at.step.input)
    shown: dict[str, Any] = {}
    found = _found(at, block, shown)
    if isinstance(found, Came):
        return found
    kept = list(islice(found, MOST_ROWS + 1))
    if len(kept) > MOST_ROWS:
        return failed("too-large", f"there are more than {MOST_ROWS} rows", shown)
    if any(len(values.written(row).encode()) > LARGEST for row in kept):
        return failed("too-large", f"a row has more than {LARGEST} bytes", shown)
    at.tools.executions.save_rows(at.execution.id, at.at, block.id, kept)
    return done({"count": len(kept)}, shown)


def _found(at: Place, block: ForEachBlock, shown: dict[str, Any]) -> Iterator[Any] | Came:
    """The rows that there are now; `shown` is told what they are rows of."""
    if isinstance(block.over, Query):
        shown["over"] = block.over.model_dump()
        return rows(at.tools, block.over)
    if block.over == "accounts":
        shown["over"] = "accounts"
        if at.scene.person is None:
            return failed("not-found", "there is no person at hand", shown)
        return iter(accounts_of(at.tools, at.scene.person["id"]))
    made = at.made(block.over, "over")
    if isinstance(made, Fault):
        return wrong(made)
    if not isinstance(made, list):
        return failed("invalid-input", "over: its template makes no list", shown)
    return iter(made)
