"""What came of each row of a batch: as a list, and as a file."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rollcall.batches.store import Batch, Batches
from rollcall.items import Item
from rollcall.sync import csv_file
from rollcall.tables import Table

_RESULT = (
    *("status", "outcome", "external_id", "person_id", "error", "inputs", "roster"),
    *("started_at", "finished_at"),
)
_COLUMNS = ("row", "status", "outcome", "external_id", "person_id", "error", "detail", "fields")
_AT_ONCE = 100

Result = dict[str, Any]
"""`row`, `status` and, of a row that was begun, `action_id` and what its action tells."""


class Results:
    """The results of one batch, read where they are."""

    def __init__(self, batches: Batches, runs: Table, batch: Batch) -> None:
        self._batches = batches
        self._runs = runs
        self._batch = batch

    def page(self, limit: int, after: int, status: str | None) -> tuple[list[Result], int | None]:
        """Up to `limit` results behind the row `after`; and the last row, where more come."""
        wanted = (row for row in self._rows(after) if status in (None, row["status"]))
        found = list(islice(wanted, limit + 1))
        last = found[limit - 1]["row"] if len(found) > limit else None
        return self._told(found[:limit]), last

    def table(self, after: int) -> tuple[str, int | None]:
        """As much of the file as one answer takes, and the last row in it where more come."""
        names = [name for name in self._batch.inputs if name not in _COLUMNS]
        columns = [*_COLUMNS, *names, "action_id"]
        return csv_file.table(((one["row"], _flat(one)) for one in self._every(after)), columns)

    def _every(self, after: int) -> Iterator[Result]:
        rows = self._rows(after)
        while some := list(islice(rows, _AT_ONCE)):
            yield from self._told(some)

    def _rows(self, after: int) -> Iterator[Item]:
        """Every row behind `after`, in order, also those that nobody began."""
        following = after + 1
        for row in self._batches.rows(self._batch.id, after):
            yield from map(_not_begun, range(following, row["row"]))
            yield row
            following = row["row"] + 1
        yield from map(_not_begun, range(following, self._batch.rows))

    def _told(self, rows: list[Item]) -> list[Result]:
        keys = {row["id"]: (f"ACTION#{row['id']}", "ACTION") for row in rows if "id" in row}
        items = self._runs.get_many(keys.values(), _RESULT)
        results = []
        for row in rows:
            item = items.get(keys[row["id"]], {}) if "id" in row else {}
            told = {name: item.get(name) for name in _RESULT}
            place = {"row": row["row"], "status": row["status"], "action_id": row.get("id")}
            results.append({**told, **place})
        return results


def _not_begun(row: int) -> Item:
    return {"row": row, "status": "not_begun"}


def _flat(result: Result) -> Result:
    error = result["error"] or {}
    fields = [f"{name}: {message}" for name, message in error.get("errors") or ()]
    told = {"error": error.get("code"), "detail": error.get("detail")}
    return {**(result["inputs"] or {}), **result, **told, "fields": "; ".join(fields)}
