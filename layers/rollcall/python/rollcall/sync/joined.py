"""The rows of a run's joined lists: kept below the run, page by page, and read when users are.

| item            | pk       | sk                              |
|-----------------|----------|---------------------------------|
| a part of rows  | RUN#id   | ROWS#phase#into#pass#page#part  |

A page's rows are stored before what it saw, so a page that counts as read has its rows. They are
beside what pages saw, which is read far more often.
"""

import json
import threading
import zlib
from collections.abc import Iterator, Sequence
from itertools import groupby

from rollcall.connectors.complete import Record, Rows, with_rows
from rollcall.connectors.manifest import Joined
from rollcall.items import Item
from rollcall.sync.kept import Kept
from rollcall.tables import Table

MOST_BYTES = 64 * 1024 * 1024
"""Bytes of JSON that all joined lists of a run may have: they are in the memory while users are
read. 100,000 rows of 500 bytes take 50 MB."""
_PART = 300_000
"""Bytes: a DynamoDB item holds 400 KB."""


class TooManyRows(ValueError):  # noqa: N818 - the app's doing
    """Joined lists have more bytes than can be kept in the memory."""


class JoinedLists:
    """The joined lists of one phase of one run, in the runs table. Thread-safe."""

    def __init__(
        self, table: Table, kept: Kept, run_id: str, phase: str, lists: Sequence[Joined]
    ) -> None:
        self._table = table
        self._kept = kept
        self._run_id = run_id
        self._phase = phase
        self._lists = lists
        self._lock = threading.Lock()
        self._rows: list[Rows] | None = None

    def save(self, into: str, pass_number: int, page: int, rows: Sequence[Record]) -> None:
        """Store a page's rows; storing it again replaces them."""
        text = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)
        parts = [text[start : start + _PART] for start in range(0, len(text), _PART)]
        place = f"{self._place(into)}{pass_number}#{page:06d}"
        items = (
            (f"{place}#{number:03d}", {"rows": part, "of": len(parts)})
            for number, part in enumerate(parts)
        )
        self._kept.save(self._run_id, items)

    def _place(self, into: str) -> str:
        return f"ROWS#{self._phase}#{into}#"

    def complete(self, records: Sequence[Record]) -> list[Record]:
        """Users' records with their rows. Every joined list must have been read to its end.

        Raises TooManyRows.
        """
        if not self._lists:
            return list(records)
        with self._lock:
            if self._rows is None:
                self._rows = self._read()
        return [with_rows(record, self._rows) for record in records]

    def _read(self) -> list[Rows]:
        found = []
        left = MOST_BYTES
        for joined in self._lists:
            rows = Rows(joined)
            for page in self._pages(joined.into):
                rows.add(page)
                if rows.size > left:
                    mib = MOST_BYTES // 1024 // 1024
                    raise TooManyRows(f"the joined lists have more than {mib} MiB of rows")
            left -= rows.size
            found.append(rows)
        return found

    def _pages(self, into: str) -> Iterator[Sequence[Record]]:
        """The pages of the last pass, in order."""
        pk, place = f"RUN#{self._run_id}", self._place(into)
        last, _ = self._table.page(pk, place, limit=1, backwards=True)
        if not last:
            return
        of_last_pass = last[0]["sk"].rsplit("#", 2)[0] + "#"
        for _, parts in groupby(self._table.query(pk, of_last_pass), key=_page):
            whole = list(parts)
            # A page that was fetched again may have left parts that it has no longer.
            text = b"".join(part["rows"] for part in whole[: whole[0]["of"]])
            yield json.loads(zlib.decompress(text))


def _page(item: Item) -> str:
    page: str = item["sk"].rsplit("#", 1)[0]
    return page
