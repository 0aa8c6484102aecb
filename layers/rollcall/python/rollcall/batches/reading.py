"""The rows of a batch: read from a CSV file, checked, and split from what is secret. Pure."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.actions.inputs import EXTERNAL_ID, Faults, checked, id_fault
from rollcall.actions.target import PERSON_ID
from rollcall.connectors.presets import Input, Preset

MOST_ROWS = 10_000
MOST_FAULTS = 50
"""More than these are counted, not told."""
LARGEST_SECRET = 60_000
"""Bytes of a secret: Secrets Manager takes 64 KiB."""
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is in order: its inputs, what is secret among them, and whom it is about."""

    inputs: Mapping[str, Any]
    external_id: str | None = None
    person_id: str | None = None

    def item(self, batch_id: str, attempt: int, row: int, secret: frozenset[str]) -> dict[str, Any]:
        """What the state machine is given of it: nothing secret."""
        inputs = {key: value for key, value in self.inputs.items() if key not in secret}
        item = {"batch_id": batch_id, "attempt": attempt, "row": row, "inputs": inputs}
        return item | {"external_id": self.external_id, "person_id": self.person_id}


def read_csv(text: str, preset: Preset) -> tuple[list[dict[str, Any]], Faults]:
    """The rows of a file whose first line names the inputs, and what is wrong with the file.

    An empty cell says nothing. A cell of a number, a boolean or a JSON input is read as such; what
    cannot be stays text, for `check` to find. Blank lines are no rows.
    """
    lines = csv.reader(io.StringIO(text.removeprefix("\N{BYTE ORDER MARK}")), strict=True)
    try:
        head = [name.strip() for name in next(lines, [])]
        faults = _head_faults(head, preset)
        if faults:
            return [], faults
        kinds = {one.key: one.type for one in preset.inputs}
        rows: list[dict[str, Any]] = []
        for cells in lines:
            if not cells:
                continue
            if len(cells) > len(head):
                more = f"has {len(cells)} cells, and the first line {len(head)}"
                faults.append((f"rows.{len(rows)}", more))
            told = zip(head, cells, strict=False)
            rows.append({key: _value(kinds.get(key, "text"), cell) for key, cell in told if cell})
    except csv.Error as error:
        return [], [("upload_id", f"is no CSV: line {lines.line_num}: {error}")]
    return rows, faults


def _head_faults(head: Sequence[str], preset: Preset) -> Faults:
    if not any(head):
        return [("upload_id", "the file is empty: its first line must name the inputs")]
    known = [one.key for one in preset.inputs] + [EXTERNAL_ID, PERSON_ID]
    faults = []
    for column in dict.fromkeys(head):
        if column not in known:
            faults.append((f"columns.{column}", f"is no input: there are {', '.join(known)}"))
        elif head.count(column) > 1:
            faults.append((f"columns.{column}", "is there more than once"))
    return faults


def _value(kind: str, cell: str) -> Any:
    text = cell.strip()
    match kind:
        case "boolean":
            return _BOOLEANS.get(text.lower(), cell)
        case "number":
            try:
                number = float(text)
            except ValueError:
                return cell
            whole = text.lstrip("+-").isdecimal()
            return int(text) if whole else number if math.isfinite(number) else cell
        case "json":
            try:
                return json.loads(text)
            except ValueError:
                return cell
        case _:
            return cell


def check(preset: Preset, given: Sequence[Mapping[str, Any]]) -> tuple[list[Row], Faults]:
    """The rows in order, and everything that is wrong: `rows.3.email`."""
    rows, faults = [], Faults()
    for number, one in enumerate(given):
        row, wrong = _checked(preset, one)
        faults += [
            (f"rows.{number}.{name}" if name else f"rows.{number}", why) for name, why in wrong
        ]
        rows.append(row)
    return rows, faults


def _checked(preset: Preset, given: Mapping[str, Any]) -> tuple[Row, Faults]:
    rest = dict(given)
    external_id = rest.pop(EXTERNAL_ID, None) if preset.about_user else None
    person_id = rest.pop(PERSON_ID, None)
    inputs, faults = checked(preset.inputs, rest)
    if external_id is not None and (fault := id_fault(external_id)):
        faults.append((EXTERNAL_ID, fault))
    if person_id is not None and (not isinstance(person_id, str) or id_fault(person_id)):
        faults.append((PERSON_ID, "must be the id of a person"))
    if preset.about_user and external_id is None and person_id is None:
        faults.append((EXTERNAL_ID, "is required, or a person_id"))
    secret = _secret_of(inputs, secret_keys(preset.inputs))
    if not faults and len(json.dumps(secret)) > LARGEST_SECRET - 100:
        faults.append(("", f"has more than {LARGEST_SECRET} bytes of secrets"))
    whom = str(external_id).strip() if external_id is not None else None
    return Row(inputs, whom, person_id), faults


def told(faults: Faults) -> Faults:
    """As many faults as one answer holds."""
    rest = len(faults) - MOST_FAULTS
    return [*faults[:MOST_FAULTS], ("rows", f"{rest} more are wrong")] if rest > 0 else faults


def secret_keys(inputs: Sequence[Input]) -> frozenset[str]:
    """The inputs that are secret."""
    return frozenset(one.key for one in inputs if one.secret)


def secrets_of(rows: Sequence[Row], secret: frozenset[str]) -> list[tuple[int, str]]:
    """What is secret in the rows, as (first row, JSON by row number), each small enough to keep.

    Empty where nothing is.
    """
    chunks: list[tuple[int, str]] = []
    parts: list[str] = []
    first, size = 0, 2
    for number, part in _parts(rows, secret):
        if parts and size + len(part) + 2 > LARGEST_SECRET:
            chunks.append((first, f"{{{', '.join(parts)}}}"))
            first, size, parts = number, 2, []
        parts.append(part)
        size += len(part) + 2
    return [*chunks, (first, f"{{{', '.join(parts)}}}")] if parts else []


def _parts(rows: Sequence[Row], secret: frozenset[str]) -> Iterator[tuple[int, str]]:
    for number, row in enumerate(rows):
        held = _secret_of(row.inputs, secret)
        if held:
            yield number, f'"{number}": {json.dumps(held)}'


def _secret_of(inputs: Mapping[str, Any], secret: frozenset[str]) -> dict[str, Any]:
    return {key: inputs[key] for key in secret if key in inputs}
