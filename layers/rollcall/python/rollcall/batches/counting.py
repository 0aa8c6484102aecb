"""The rows of batches and their counts, written in the transactions of the rows' actions.

| item            | pk           | sk                     |
|-----------------|--------------|------------------------|
| the batch       | BATCH#id     | BATCH                  |
| a row of it     | BATCH#id     | ROW#row (five digits)  |

A row is there once it was begun, with its `status` and the last try of the batch that took it up.
So progress costs one read, and is true at every moment.
"""

from collections.abc import Mapping

from rollcall.items import to_item
from rollcall.tables import ABSENT, Action, Condition, Table, equals

ROW = "ROW#"


def batch_key(batch_id: str) -> str:
    """The partition of a batch."""
    return f"BATCH#{batch_id}"


def row_key(row: int) -> str:
    """The sort key of a row."""
    return f"{ROW}{row:05d}"


def begun(
    runs: Table, batch_id: str, row: int, action_id: str, attempt: int, expires_at: int
) -> list[Action]:
    """The row is begun; refused once that try of the batch does not go on."""
    item = {
        "pk": batch_key(batch_id),
        "sk": row_key(row),
        "row": row,
        "id": action_id,
        "status": "running",
        "attempt": attempt,
        "expires_at": expires_at,
    }
    counts = _counting(runs, batch_id, {"running": 1}, _going(attempt))
    return [runs.putting(item, ABSENT), counts]


def begun_again(runs: Table, batch_id: str, row: int, attempt: int) -> list[Action]:
    """The row failed in an earlier try; refused once this one does not go on."""
    earlier = Condition("attempt < :before", {}, {":before": attempt}) & equals("status", "failed")
    changes = {"status": "running", "attempt": attempt}
    return [
        runs.updating(batch_key(batch_id), row_key(row), changes, earlier),
        _counting(runs, batch_id, {"failed": -1, "running": 1}, _going(attempt)),
    ]


def ended(runs: Table, batch_id: str, row: int, status: str) -> list[Action]:
    """The row succeeded, or failed."""
    return [
        runs.updating(batch_key(batch_id), row_key(row), {"status": status}),
        _counting(runs, batch_id, {"running": -1, status: 1}),
    ]


def _counting(
    runs: Table, batch_id: str, amounts: Mapping[str, int], condition: Condition | None = None
) -> Action:
    """Add to the batch's counts."""
    own = Condition("") if condition is None else condition
    names = {f"#count_{name}": name for name in amounts}
    values = {f":count_{name}": amount for name, amount in amounts.items()}
    sums = ", ".join(f"#count_{name} :count_{name}" for name in amounts)
    update = {
        "TableName": runs.name,
        "Key": to_item({"pk": batch_key(batch_id), "sk": "BATCH"}),
        "UpdateExpression": f"ADD {sums}",
        "ExpressionAttributeNames": {**names, **own.names},
        "ExpressionAttributeValues": to_item({**values, **own.values}),
    }
    return {"Update": update | ({"ConditionExpression": own.expression} if condition else {})}


def _going(attempt: int) -> Condition:
    return equals("status", "running") & equals("attempt", attempt)
