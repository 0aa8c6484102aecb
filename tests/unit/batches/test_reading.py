"""Rows of a batch: read from a file, checked, split from what is secret."""

import json
from typing import Any

import pytest

from rollcall.batches.reading import (
    LARGEST_SECRET,
    MOST_FAULTS,
    Row,
    check,
    read_csv,
    secret_keys,
    secrets_of,
    told,
)
from rollcall.connectors.presets import Input, Preset

UPDATE = Preset(
    "update",
    "Update",
    "update",
    "PUT",
    "/users/{{ external_id }}",
    inputs=(
        Input("name", "Name", required=True),
        Input("group_id", "Group", type="id"),
        Input("admin", "Admin", type="boolean"),
        Input("seats", "Seats", type="number"),
        Input("more", "More", type="json"),
        Input("password", "Password", secret=True),
    ),
)
CREATE = Preset("create", "Create", "create", "POST", "/users", inputs=UPDATE.inputs)


def one(line: str, head: str = "external_id,name,group_id,admin,seats,more") -> dict[str, Any]:
    rows, faults = read_csv(f"{head}\r\n{line}\r\n", UPDATE)
    assert faults == []
    return rows[0]


def test_cells_are_read_as_what_their_inputs_are() -> None:
    assert one('007,Ann,0042,TRUE,1.5,"[1, {""a"": null}]"') == {
        "external_id": "007",
        "name": "Ann",
        "group_id": "0042",
        "admin": True,
        "seats": 1.5,
        "more": [1, {"a": None}],
    }
    assert one("7,Ann,,false,-3,x") == {
        "external_id": "7",
        "name": "Ann",
        "admin": False,
        "seats": -3,
        "more": "x",
    }


def test_an_empty_cell_says_nothing_and_a_short_line_says_less() -> None:
    assert one("7,Ann,,,,") == one("7,Ann") == {"external_id": "7", "name": "Ann"}


def test_blank_lines_a_byte_order_mark_and_line_breaks_in_cells_are_no_trouble() -> None:
    text = '\ufeffname , external_id\r\n\r\n"Ann\nof York",7\r\n\r\nBob,8'
    rows, faults = read_csv(text, UPDATE)
    assert faults == []
    names = [{"name": "Ann\nof York", "external_id": "7"}, {"name": "Bob", "external_id": "8"}]
    assert rows == names


@pytest.mark.parametrize("cell", ["yes", "1", "nan"])
def test_what_cannot_be_read_is_left_for_the_check_to_find(cell: str) -> None:
    rows, _ = read_csv(f"external_id,name,admin,seats\n7,Ann,{cell},{cell}x", UPDATE)
    _, faults = check(UPDATE, rows)
    assert faults == [
        ("rows.0.admin", "must be true or false"),
        ("rows.0.seats", "must be a number"),
    ]


def test_infinity_is_no_number() -> None:
    rows, _ = read_csv("external_id,name,seats\n7,Ann,inf", UPDATE)
    assert check(UPDATE, rows)[1] == [("rows.0.seats", "must be a number")]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", ["upload_id"]),
        ("\n", ["upload_id"]),
        ("name,nickname,name\nAnn,A,Ann", ["columns.name", "columns.nickname"]),
        ("external_id,name\n7,Ann,more", ["rows.0"]),
        ('external_id,name\n7,"Ann', ["upload_id"]),
        ('external_id,name\n7,"Ann"x', ["upload_id"]),
    ],
)
def test_a_file_that_is_wrong_is_told_where(text: str, fields: list[str]) -> None:
    assert [name for name, _ in read_csv(text, UPDATE)[1]] == fields


def test_every_row_is_checked_and_each_fault_has_its_place() -> None:
    rows, faults = check(
        UPDATE,
        [
            {"external_id": 7, "name": "Ann"},
            {"name": "Ann"},
            {"external_id": " ", "name": "", "nickname": "A"},
            {"person_id": "p1", "name": "Ann"},
            {"person_id": 5, "name": "Ann"},
        ],
    )
    assert rows[0] == Row({"name": "Ann"}, "7")
    assert rows[3] == Row({"name": "Ann"}, None, "p1")
    assert [name for name, _ in faults] == [
        "rows.1.external_id",
        "rows.2.nickname",
        "rows.2.name",
        "rows.2.external_id",
        "rows.4.person_id",
    ]


def test_who_is_made_needs_no_id_and_takes_none() -> None:
    rows, faults = check(CREATE, [{"name": "Ann"}, {"name": "Ann", "external_id": "7"}])
    assert rows[0] == Row({"name": "Ann"})
    assert [name for name, _ in faults] == ["rows.1.external_id"]


def test_a_row_too_large_for_an_execution_is_refused() -> None:
    given = {"external_id": "7", "name": "Ann", "more": ["x" * 1000] * 100}
    assert [name for name, _ in check(UPDATE, [given])[1]] == ["rows.0.more"]
    given = {"external_id": "7", "name": "Ann", "password": "\N{GRINNING FACE}" * 5001}
    assert [name for name, _ in check(UPDATE, [given])[1]] == ["rows.0.password"]


def test_fifty_faults_are_told_and_the_rest_is_counted() -> None:
    faults = [(f"rows.{number}.name", "is required") for number in range(73)]
    assert told(faults)[:MOST_FAULTS] == faults[:MOST_FAULTS]
    assert told(faults)[MOST_FAULTS:] == [("rows", "23 more are wrong")]
    assert told(faults[:50]) == faults[:50]


def test_what_is_secret_is_in_no_item_and_in_secrets_that_are_small_enough() -> None:
    secret = secret_keys(UPDATE.inputs)
    passwords = {number: f"pass\N{GREEK SMALL LETTER ALPHA}{number}" * 20 for number in range(2000)}
    del passwords[5]
    rows = [
        Row({"name": "Ann", **({"password": passwords[n]} if n in passwords else {})}, str(n))
        for n in range(2000)
    ]
    chunks = secrets_of(rows, secret)
    held: dict[str, Any] = {}
    for first, text in chunks:
        assert len(text.encode()) <= LARGEST_SECRET
        part = json.loads(text)
        assert min(map(int, part)) == first
        held |= part
    assert len(chunks) > 2
    assert held == {str(n): {"password": password} for n, password in passwords.items()}
    items = [row.item("b", 1, n, secret) for n, row in enumerate(rows)]
    assert "pass" not in json.dumps(items)
    place = {"batch_id": "b", "attempt": 1, "row": 7}
    said = {"inputs": {"name": "Ann"}, "external_id": "7", "person_id": None}
    assert items[7] == place | said
    assert secrets_of([Row({"name": "Ann"})], secret) == []
