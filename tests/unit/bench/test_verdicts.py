"""Each limit is missed by a run that is a little worse than one that keeps it."""

from typing import Any

import pytest

from bench.function import written
from bench.imports import unwanted
from bench.syncs import Measured, calls_needed, figures, members_of_groups

NEEDED = 219
WRITES = 282


def measured(
    seconds: float,
    *,
    calls: int = NEEDED,
    throttled: int = 0,
    writes: int = WRITES,
    roster: int = 0,
) -> Measured:
    run = {"seconds": seconds, "writes": writes, "directory_writes": roster}
    log = [{"status": 429 if number < throttled else 200} for number in range(calls)]
    return Measured(run, tuple(log))


def missed(**worse: Any) -> list[str]:
    runs: dict[str, Any] = {
        "first": measured(60),
        "unchanged": [measured(9), measured(7.4)],
        "limited": measured(48.0),
    } | worse
    found = figures(floor=5.0, needed=NEEDED, **runs)
    return [figure.name for figure in found if not figure.ok]


def test_a_run_within_every_limit_misses_none() -> None:
    assert missed() == []


@pytest.mark.parametrize(
    ("worse", "name"),
    [
        ({"first": measured(60, calls=NEEDED + 1)}, "app calls, first sync"),
        ({"unchanged": [measured(7, calls=NEEDED + 1)]}, "app calls, unchanged sync"),
        ({"unchanged": [measured(7.6), measured(9)]}, "unchanged sync, 100 ms a call (s)"),
        ({"unchanged": [measured(7, writes=283)]}, "writes, unchanged sync, no limit"),
        ({"unchanged": [measured(7, roster=1)]}, "writes to accounts and grants, no limit"),
        ({"limited": measured(46, throttled=1)}, "answers 429, 5 calls a second"),
        ({"limited": measured(48.3)}, "unchanged sync, 5 calls a second (s)"),
        ({"limited": measured(46, writes=283)}, "writes, unchanged sync, 5 calls a second"),
        (
            {"limited": measured(46, roster=1)},
            "writes to accounts and grants, 5 calls a second",
        ),
    ],
)
def test_a_run_that_is_a_little_worse_misses_that_limit(worse: dict[str, Any], name: str) -> None:
    assert missed(**worse) == [name]


def test_the_calls_needed_are_full_pages_and_one_for_each_empty_group() -> None:
    assert calls_needed(users=250, members=[0, 100, 101]) == 1 + 3 + 1 + (1 + 1 + 2)
    assert calls_needed(users=0, members=[]) == 1


def test_every_member_of_the_sample_account_is_in_one_of_its_groups() -> None:
    members = members_of_groups(users=300, groups=20)
    assert (len(members), sum(members)) == (20, 300)


@pytest.mark.parametrize(
    ("operation", "request_", "items"),
    [
        ("PutItem", {"TableName": "t"}, {"t": 1}),
        ("UpdateItem", {"TableName": "t"}, {"t": 1}),
        ("DeleteItem", {"TableName": "t"}, {"t": 1}),
        ("BatchWriteItem", {"RequestItems": {"t": [{}, {}], "u": [{}]}}, {"t": 2, "u": 1}),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t"}},
                    {"ConditionCheck": {"TableName": "t"}},
                    {"Delete": {"TableName": "u"}},
                    {"Update": {"TableName": "t"}},
                ]
            },
            {"t": 2, "u": 1},
        ),
        ("BatchGetItem", {"RequestItems": {"t": {}}}, {}),
        ("Query", {"TableName": "t"}, {}),
    ],
)
def test_every_item_that_a_request_writes_counts(
    operation: str, request_: dict[str, Any], items: dict[str, int]
) -> None:
    assert written(operation, request_) == items


def test_modules_of_pydantic_and_of_the_api_are_unwanted_wherever_they_are() -> None:
    modules = ["boto3", "pydantic", "pydantic.main", "rollcall.api.app", "rollcall.apiary"]
    assert unwanted(modules) == ["pydantic", "pydantic.main", "rollcall.api.app"]
