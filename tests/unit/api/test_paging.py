"""Cursors are opaque, and bound to their list."""

import base64
import json

import pytest

from rollcall.access.problems import Problem
from rollcall.api.paging import cursor, key_of


def test_a_cursor_leads_back_to_its_key() -> None:
    key = {"pk": "RUN#1", "sk": "ERROR#ü#1", "n": 7}
    text = cursor("errors of 1", key)
    assert text is not None
    assert key_of("errors of 1", text) == key
    assert text.isascii()
    assert "=" not in text


def test_the_end_has_none_and_the_beginning_needs_none() -> None:
    assert cursor("any", None) is None
    assert key_of("any", None) is None


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "####", "ä", "e30", _encoded(None), _encoded([]), _encoded([1, 2, 3]),
        _encoded(["", {}]), _encoded([None, {"pk": "A"}]), _encoded([["deep"] * 9, [1]]),
        str(cursor("other", {"pk": "A"})), str(cursor("list", {"pk": "A"}))[:-2],
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        key_of("list", text)
    assert (refused.value.status, refused.value.errors[0][0]) == (422, "cursor")
