"""A user's record made whole: what a detail call says of it, and the rows of joined lists.

Pure: records and rows in, records out. `connectors.engine` makes the calls, `sync.joined` keeps the
rows of a run, `sync.sample` does both for a few records.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from rollcall.connectors import paths
from rollcall.connectors.manifest import Joined

Record = Mapping[str, Any]


def merged(record: Record, detail: Record, id_path: str) -> Record:
    """The list's record with the detail's keys over it: whole values, nothing is merged inside.

    Who it is, the list says: a profile may have an id of its own.
    """
    return {**record, **detail, **{k: record[k] for k in top_keys(id_path) if k in record}}


def top_keys(path: str) -> set[str]:
    """The keys of a record that a path begins with, one for each alternative."""
    options = paths.parse(path)
    if isinstance(options, paths.BadPath):
        return set()
    return {steps[0] for steps in options if isinstance(steps[0], str)}


class Rows:
    """The rows of one joined list, found by their key.

    They are kept as JSON text, a fraction of what they take as objects: `size` is its bytes.
    """

    def __init__(self, joined: Joined) -> None:
        self.joined = joined
        self.size = 0
        self._found: dict[str, list[bytes]] = {}

    def add(self, rows: Iterable[Record]) -> None:
        """Add rows in the app's order. One without a key belongs to nobody."""
        for row in rows:
            key = paths.text(paths.read(row, self.joined.key))
            if key is None or (key in self._found and not self.joined.many):
                continue
            text = json.dumps(row, separators=(",", ":")).encode()
            self.size += len(text)
            self._found.setdefault(key, []).append(text)

    def __contains__(self, key: str) -> bool:
        return key in self._found

    def of(self, record: Record) -> Any:
        """What the record has joined to it: a row or None, or with `many` a list of rows."""
        key = paths.text(paths.read(record, self.joined.on))
        rows = [json.loads(text) for text in self._found.get(key or "", ())]
        if self.joined.many:
            return rows
        return rows[0] if rows else None


def with_rows(record: Record, lists: Sequence[Rows]) -> Record:
    """The record with what each of the joined lists has for it, in the manifest's order."""
    for rows in lists:
        record = {**record, rows.joined.into: rows.of(record)}
    return record


def row_id(row: Record) -> str:
    """What tells a row from the others of its list: rows that are alike in everything are one.

    A row's key does not: somebody may have several rows, and a list may tell rows of nobody.
    """
    text = json.dumps(row, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=8).hexdigest()
