"""Finding the rows that other blocks are done for. They are kept: a row stays the same row."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rollcall.connectors.templated import Fault
from rollcall.directory import keys, read
from rollcall.directory.read import Origin
from rollcall.mapping import values
from rollcall.workflows.context import seen_account
from rollcall.workflows.document import ForEachBlock, Query
from rollcall.workflows.executions import LARGEST
from rollcall.workflows.place import Came, Place, done, failed, wrong

MOST_ROWS = 10_000


def for_each(at: Place, block: ForEachBlock) -> Came:
    """Keep the rows, and answer how many there are."""
    if at.step.output is not None:  # found by an earlier try, in which some of them failed
        return done(at.step.output, at.step.input)
    shown: dict[str, Any] = {}
    found = _found(at, block, shown)
    if isinstance(found, Came):
        return found
    rows = list(islice(found, MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        return failed("too-large", f"there are more than {MOST_ROWS} rows", shown)
    if any(len(values.written(row).encode()) > LARGEST for row in rows):
        return failed("too-large", f"a row has more than {LARGEST} bytes", shown)
    at.tools.executions.save_rows(at.execution.id, at.at, block.id, rows)
    return done({"count": len(rows)}, shown)


def _found(at: Place, block: ForEachBlock, shown: dict[str, Any]) -> Iterator[Any] | Came:
    """The rows that there are now; `shown` is told what they are rows of."""
    if isinstance(block.over, Query):
        shown["over"] = block.over.model_dump()
        return at.tools.rows(block.over)
    if block.over == "accounts":
        shown["over"] = "accounts"
        if at.scene.person is None:
            return failed("not-found", "there is no person at hand", shown)
        return _accounts(at, at.scene.person)
    made = at.made(block.over, "over")
    if isinstance(made, Fault):
        return wrong(made)
    if not isinstance(made, list):
        return failed("invalid-input", "over: its template makes no list", shown)
    return iter(made)


def _accounts(at: Place, person: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The person's accounts that were not removed, as rows of a query are."""
    directory = at.tools.directory
    index = directory.query(
        keys.person(person["id"]), "ACCOUNT#", index="gsi1", attributes=("pk", "sk")
    )
    for one in index:
        integration_id = one["pk"].removeprefix("I#")
        integration = at.tools.integrations.get(integration_id)
        manifest = at.tools.catalog.find(integration.connector) if integration else None
        origin = Origin(integration_id, manifest)
        found = read.account(directory, origin, keys.account_id(one["sk"]))
        # The index lags a little.
        if found is None or found["status"] == "removed" or found["person_id"] != person["id"]:
            continue
        application = integration.application if integration is not None else None
        yield {
            "person": person,
            "account": seen_account(found, application, manifest),
            "grant": None,
            "integration_id": integration_id,
            "application": application,
        }
