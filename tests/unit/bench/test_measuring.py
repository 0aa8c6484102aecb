import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench import records
from bench.function import clock
from bench.house import manifest
from bench.processes import ROOT, WorkerFailed, worker
from local.vendors.seed import seed_activecampaign
from local.vendors.server import serve
from rollcall.connectors.records import Reader


def bodies(users: int) -> list[bytes]:
    with serve(seed_activecampaign(users, 3)) as vendor:
        headers = {"Api-Token": vendor.tenant.token}
        return [
            httpx.get(
                f"{vendor.url}/api/3/users",
                params={"limit": 100, "offset": offset},
                headers=headers,
                trust_env=False,
            ).content
            for offset in range(0, users, 100)
        ]


def test_every_record_is_compared_and_found_unchanged() -> None:
    bench = records.prepare(bodies(250))
    assert bench.round() == 250


def test_the_items_compared_with_have_only_the_attributes_the_product_asks_for() -> None:
    (page,) = bodies(3)
    reader = Reader(manifest())
    accounts = [records._account(reader, record) for record in json.loads(page)["users"]]
    items = records._answer(accounts)["Responses"]["directory"]
    assert len(items) == 3
    assert {"pk", "sk", "hash"} <= items[0].keys()
    assert "attributes" not in items[0]


def test_records_that_were_not_found_unchanged_are_no_figure() -> None:
    pages = bodies(250)
    two_of_three = replace(records.prepare(pages), pages=2)
    with pytest.raises(AssertionError, match="50 records were not unchanged"):
        records.measure(two_of_three, pages, rounds=1)


def test_a_clock_with_a_number_of_looks_has_no_time_after_them() -> None:
    remaining = clock(2)
    assert remaining() > 0
    assert remaining() > 0
    assert remaining() == 0


def test_a_process_that_breaks_is_no_figure() -> None:
    with pytest.raises(WorkerFailed, match=r"bench\.floor"):
        worker("bench.floor", {"nothing": "of use"}, {})


@pytest.mark.slow
def test_the_bench_measures_every_figure_and_its_exit_code_says_whether_all_are_kept(
    tmp_path: Path,
) -> None:
    results = tmp_path / "results.json"
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "--users", "150", "--groups", "3", "--rounds", "1"),
            *("--executions", "5", "--results", str(results)),
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert results.exists(), ran.stderr
    figures: list[dict[str, Any]] = json.loads(results.read_text())
    assert ran.returncode == (0 if all(figure["ok"] for figure in figures) else 1), ran.stdout
    by_name = {figure["name"]: figure for figure in figures}
    assert {tuple(figure) for figure in figures} == {
        ("name", "value", "floor", "ratio", "limit", "ok")
    }
    # What depends on no clock is right at any size.
    for name in (
        "app calls, first sync",
        "app calls, unchanged sync",
        "answers 429, 5 calls a second",
        "answers 429 to workflows, 5 calls a second",
        "app calls of workflows",
        "writes to accounts and grants, no limit",
        "modules of pydantic and the API in it",
    ):
        assert by_name[name]["ok"], by_name[name]
    for name in by_name:
        assert name.split(" (")[0] in ran.stdout
    assert "first sync" in ran.stderr
