"""A file of record errors opens in a spreadsheet, tells all, and runs nothing."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rollcall.sync.csv_file import COLUMNS, MOST_BYTES, MOST_ROWS, table


def error(**changes: Any) -> dict[str, Any]:
    return {"external_id": "7", "code": "convert-failed", "message": "is no number", **changes}


def read(text: str) -> list[dict[str, str]]:
    csv.field_size_limit(MOST_BYTES * 2)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_run_without_errors_has_a_head_and_nothing_below() -> None:
    assert table(iter(())) == (",".join(COLUMNS) + "\r\n", None)


def test_what_is_not_known_is_empty_and_a_record_is_json() -> None:
    record = {"name": 'Ann "the\nboss", PhD', "tags": ["a", "b"]}
    text, _ = table([(1, error(record=record, sync_key=None, field="title"))])
    (row,) = read(text)
    assert row["sync_key"] == ""
    assert row["field"] == "title"
    assert json.loads(row["record"]) == record


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_would_be_a_formula_is_text(start: str) -> None:
    (row,) = read(table([(1, error(external_id=f"{start}1+1", message=f"{start}cmd"))])[0])
    assert row["external_id"] == f"'{start}1+1"
    assert row["message"] == f"'{start}cmd"


@given(some.lists(some.text(), min_size=1, max_size=3))
def test_whatever_an_app_says_is_read_again_as_it_was(messages: list[str]) -> None:
    text, last = table([(number, error(message=said)) for number, said in enumerate(messages)])
    assert last is None
    told = [row["message"] for row in read(text)]
    assert [one.removeprefix("'") for one in told] == [one.removeprefix("'") for one in messages]


def test_an_answer_ends_after_its_rows_and_says_where_to_go_on() -> None:
    everything = [(number, error(external_id=str(number))) for number in range(MOST_ROWS + 5)]
    text, last = table(everything)
    assert (text.count("\r\n") - 1, last) == (MOST_ROWS, MOST_ROWS - 1)
    rest, last = table(everything[MOST_ROWS:])
    assert (rest.count("\r\n") - 1, last) == (5, None)


def test_as_many_rows_as_there_may_be_are_all_there_is() -> None:
    _, last = table((number, error()) for number in range(MOST_ROWS))
    assert last is None


@pytest.mark.parametrize("filler", ['"', "x", "\N{SNOWMAN}", "\n"])
def test_an_answer_stays_below_what_a_function_can_give(filler: str) -> None:
    rows = [(number, error(record={"much": filler * 100_000})) for number in range(200)]
    found, last = [], -1
    while True:
        text, further = table(rows[last + 1 :])
        assert len(json.dumps({"body": text})) <= MOST_BYTES + 100
        found += read(text)
        if further is None:
            break
        last = further
    assert len(found) == len(rows)


def test_one_row_that_is_too_large_is_given_all_the_same() -> None:
    text, last = table([(1, error(message="x" * MOST_BYTES)), (2, error())])
    assert (len(read(text)), last) == (1, 1)
