"""One run in a process of its own, as the sync function takes it: `python -m bench.function`.

Reads {"integration_id", "until", "looks"} from stdin and follows the answers of the real steps as
statemachines/sync.asl.yaml does; the function's settings are in the environment. `until` "pull"
stops when the pull is over. A step has the function's 300 s, or `looks` looks at its clock,
whichever ends first. Writes {"status", "counts", "seconds", "laps", "writes", "directory_writes",
"start_mb", "peak_mb"}: `seconds` from the call of begin, AWS clients not yet built, to the answer
of finish, waits included; the MB are of resident memory before begin, and at most until the pull
was over.
"""

import json
import os
import resource
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.sync.steps import Sync

FUNCTION_MS = 300_000
_PROC = Path("/proc/self/status")

_ITEMS = {"PutItem": 1, "UpdateItem": 1, "DeleteItem": 1}


def written(operation: str, request: Mapping[str, Any]) -> dict[str, int]:
    """How many items a DynamoDB request writes, by table. A condition check writes none."""
    tables: dict[str, int] = {}
    if operation in _ITEMS:
        tables[request["TableName"]] = _ITEMS[operation]
    elif operation == "BatchWriteItem":
        tables = {name: len(items) for name, items in request["RequestItems"].items()}
    elif operation == "TransactWriteItems":
        for action in request["TransactItems"]:
            (kind,) = action
            if kind != "ConditionCheck":
                name = action[kind]["TableName"]
                tables[name] = tables.get(name, 0) + 1
    return tables


class Writes:
    """Counts what one DynamoDB client writes, or tries to, from the moment it is watched."""

    def __init__(self, client: Any) -> None:
        self.tables: dict[str, int] = {}
        client.meta.events.register("provide-client-params.dynamodb", self._count)

    def _count(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        for name, number in written(model.name, params).items():
            self.tables[name] = self.tables.get(name, 0) + number


def clock(looks: int | None) -> Callable[[], int]:
    """The milliseconds that a step has left; none after so many looks, if a number is given."""
    end = time.monotonic() + FUNCTION_MS / 1000
    left = looks

    def remaining() -> int:
        nonlocal left
        if left is not None:
            left -= 1
            if left < 0:
                return 0
        return round((end - time.monotonic()) * 1000)

    return remaining


def follow(sync: Sync, job: Mapping[str, Any], pulled: Callable[[], None]) -> tuple[str, int]:
    """Take the steps to the end; the run's id and how many laps of the pull there were.

    `pulled` is called when the first pull is over.
    """
    answer = sync.begin(
        {
            "integration_id": job["integration_id"],
            "trigger": "manual",
            "execution_id": uuid.uuid4().hex,
        }
    )
    laps = 0
    while True:
        time.sleep(answer.get("wait_seconds", 0))
        step, looks = answer["next"], job["looks"]
        if laps and step != "pull":
            pulled()
            if job["until"] == "pull":
                return answer["run_id"], laps
        match step:
            case "pull":
                laps += 1
                answer = sync.pull(answer, clock(looks))
            case "reconcile":
                answer = sync.reconcile(answer, clock(None))
            case "finish":
                answer = sync.finish(answer)
            case "fail":
                answer = sync.fail(answer)
            case _:
                return answer["run_id"], laps


def peak_mb() -> float:
    """The most memory this process has had resident, in MB.

    Linux counts what the parent had into a child's `ru_maxrss`, so its own mark is read there.
    """
    if _PROC.exists():
        (line,) = (line for line in _PROC.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # macOS says bytes


def main() -> None:
    """Do one job."""
    job = json.load(sys.stdin)
    settings = Settings.from_environment(os.environ)
    start_mb, marks = peak_mb(), []
    started = time.monotonic()
    aws = Aws()
    writes = Writes(aws.dynamodb)
    sync = Sync(settings, aws, Logger(service="bench", stream=sys.stderr))
    run_id, laps = follow(sync, job, lambda: marks.append(peak_mb()))
    seconds = time.monotonic() - started
    run = sync.runs.get(run_id)
    answer = {
        "status": run.status if run else "dropped",
        "error": run.error if run else None,
        "counts": run.counts if run else {},
        "seconds": seconds,
        "laps": laps,
        "writes": sum(writes.tables.values()),
        "directory_writes": writes.tables.get(settings.directory_table, 0),
        "start_mb": start_mb,
        "peak_mb": marks[0] if marks else peak_mb(),
    }
    sys.stdout.write(f"{json.dumps(answer)}\n")


if __name__ == "__main__":
    main()
