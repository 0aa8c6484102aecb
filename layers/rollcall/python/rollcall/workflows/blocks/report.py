"""A query's rows as a file for a spreadsheet, in the bucket."""

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from rollcall.connectors.templated import Fault, Tree, compiled_tree
from rollcall.sync import csv_file
from rollcall.workflows.document import NAMES, ReportBlock
from rollcall.workflows.place import Came, Place, done, failed, wrong
from rollcall.workflows.report_files import report_key
from rollcall.workflows.subjects import Row, rows

ROW_NAMES = frozenset({"person", "account", "grant", "integration_id", "application"})
"""What a column may use beside NAMES: the parts of its row, which is `item`."""
_IN_MEMORY = 8_000_000
"""Bytes of a file that are kept in memory while it is written."""
_SAMPLE = 5
"""Rows that a test shows."""


def report(at: Place, block: ReportBlock) -> Came:
    """Write the file, whole or not at all; one that is there is replaced."""
    shown = {"query": block.query.model_dump(), "columns": [one.name for one in block.columns]}
    trees: list[Tree] = []
    for number, column in enumerate(block.columns):
        tree = compiled_tree(column.value, f"columns.{number}.value", NAMES | ROW_NAMES)
        if isinstance(tree, Fault):
            return wrong(tree, shown)
        trees.append(tree)
    if at.rehearses:
        return _sampled(at, block, trees, shown)
    count = 0
    # A file that is not whole never gets its name.
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        file.write(csv_file.line(shown["columns"]).encode())
        for cells in _lines(at, block, trees):
            if isinstance(cells, Fault):
                return failed("template-failed", f"{cells.field}: {cells.message}", shown)
            file.write(csv_file.line(cells).encode())
            count += 1
        file.seek(0)
        at.tools.aws.s3.put_object(
            Bucket=at.tools.work.report_bucket,
            Key=report_key(report_id(at)),
            Body=file,
            ContentType="text/csv; charset=utf-8",
        )
    return done({"report_id": report_id(at), "rows": count}, shown)


def report_id(at: Place) -> str:
    """The report's id: of the execution and the block, and of the row where there are several."""
    row = f".{at.at.replace('/', '_')}" if at.at else ""
    return f"{at.execution.id}.{at.step.block}{row}"


def _lines(at: Place, block: ReportBlock, trees: list[Tree]) -> Iterator[list[Any] | Fault]:
    for row in rows(at.tools, block.query):
        context = _context(at.context, row)
        cells = [tree.value(context) for tree in trees]
        yield next((one for one in cells if isinstance(one, Fault)), cells)


def _context(outer: Mapping[str, Any], row: Row) -> dict[str, Any]:
    return {**outer, **{name: row.get(name) for name in ROW_NAMES}, "item": row}


def _sampled(at: Place, block: ReportBlock, trees: list[Tree], shown: dict[str, Any]) -> Came:
    """How many rows there would be, and the first of them."""
    sample: list[list[Any]] = []
    count = 0
    for cells in _lines(at, block, trees):
        if isinstance(cells, Fault):
            return failed("template-failed", f"{cells.field}: {cells.message}", shown)
        count += 1
        if len(sample) < _SAMPLE:
            sample.append(cells)
    return done({"report_id": None, "rows": count, "sample": sample}, shown)
