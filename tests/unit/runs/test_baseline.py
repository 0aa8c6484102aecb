"""What a run may take for all that the roster had before it."""

from typing import Any

import pytest

from rollcall.sync.runs import _baseline

AT = {"run_id": "r", "pages": 2, "at": "2026-11-25T12:00:00.000Z"}


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ({}, False),
        ({"baseline": None}, False),
        ({"baseline": AT}, True),
        ({"baseline": AT, "acting_until": "2026-11-25T11:59:59.999Z"}, True),
        ({"baseline": AT, "acting_until": "2026-11-25T12:00:00.000Z"}, False),
        ({"baseline": {"run_id": "r", "pages": 2}}, False),
    ],
)
def test_only_what_no_action_can_have_added_to_counts(state: dict[str, Any], counts: bool) -> None:
    assert _baseline(state) == (state["baseline"] if counts else None)
