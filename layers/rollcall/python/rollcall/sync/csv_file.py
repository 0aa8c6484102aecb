"""Lists as a file for a spreadsheet (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180).

A cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return would be taken for a formula:
it gets an apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection, 2026-11).
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

COLUMNS = ("external_id", "sync_key", "field", "code", "message", "record")
MOST_ROWS = 10_000
MOST_BYTES = 5_000_000
"""As the answer travels: inside JSON, where every quotation mark takes two. Lambda answers 6 MB."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")

Key = TypeVar("Key")


def table(
    rows: Iterable[tuple[Key, Mapping[str, Any]]], columns: Sequence[str] = COLUMNS
) -> tuple[str, Key | None]:
    """A head and a line a row, as many as one answer takes, and the key of the last one in it.

    The key is None where all of them are in it. The columns are those of record errors.
    """
    lines = [line(columns)]
    size = _size(lines[0])
    last: Key | None = None
    for key, row in rows:
        following = line([row.get(name) for name in columns])
        size += _size(following)
        if len(lines) > MOST_ROWS or (size > MOST_BYTES and last is not None):
            return "".join(lines), last
        lines.append(following)
        last = key
    return "".join(lines), None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def line(values: Iterable[Any]) -> str:
    """A line of a file: any JSON, of which nothing is taken for a formula."""
    file = io.StringIO()
    csv.writer(file).writerow(map(_cell, values))
    return file.getvalue()


def _size(text: str) -> int:
    return len(json.dumps(text)) - 2
