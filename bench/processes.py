"""The processes beside the bench: the local AWS, a sample vendor, and what is measured.

What is measured runs in a process of its own, as the function would: neither the servers nor the
bench are in its memory or its processor time.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local import ministack

ROOT = Path(__file__).parents[1]
LAYER = ROOT / "layers" / "rollcall" / "python"
_LOOK_SECONDS = 0.5

Watch = Callable[[int], None]
"""Told how many calls the vendor has had so far."""


class WorkerFailed(Exception):  # noqa: N818 - says what happened
    """A process that was measured broke; its own words are on the terminal."""


@contextmanager
def local_aws() -> Iterator[str]:
    """A local AWS of our own; yields its endpoint."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        aws = ministack.start(ministack.free_port(), Path(folder))
        try:
            yield aws.endpoint
        finally:
            aws.kill()


def aws_environment(endpoint: str) -> dict[str, str]:
    """The variables that lead boto3 to the local AWS and nowhere else."""
    return {
        **ministack.CREDENTIALS,
        "AWS_DEFAULT_REGION": ministack.REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that is measured: our code, and nothing of the user's AWS."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(LAYER), str(ROOT)]), **extra}


@dataclass(frozen=True, slots=True)
class SampleVendor:
    """An ActiveCampaign account served by another process."""

    url: str
    token: str

    def switch(self, **switches: Any) -> None:
        """Set switches; see local.vendors.switches."""
        answer = httpx.put(f"{self.url}/_control", json=switches, trust_env=False)
        answer.raise_for_status()

    def calls(self) -> int:
        """How many calls it has logged."""
        counts = httpx.get(f"{self.url}/_control", trust_env=False).json()["counts"]
        return int(counts["calls"])

    def take_log(self) -> list[dict[str, Any]]:
        """The calls since the last time, which the vendor then forgets."""
        found = httpx.get(f"{self.url}/_control/log", trust_env=False, timeout=60).json()["log"]
        httpx.delete(f"{self.url}/_control/log", trust_env=False).raise_for_status()
        return list(found)


@contextmanager
def vendor(users: int, groups: int) -> Iterator[SampleVendor]:
    """An account with so many users and groups, for the length of a with block."""
    arguments = ["--users", str(users), "--groups", str(groups)]
    process = subprocess.Popen(
        [sys.executable, "-m", "local.vendors", "activecampaign", *arguments],
        cwd=ROOT,
        env=environment({}),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise WorkerFailed("the sample vendor did not start")
        ready = json.loads(line)
        yield SampleVendor(ready["url"], ready["token"])
    finally:
        process.terminate()
        process.communicate()


def worker(
    module: str,
    job: Mapping[str, Any],
    extra: Mapping[str, str],
    look: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """What `python -m module` answers to a job, both in JSON. `look` is called while it works.

    Raises WorkerFailed.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=environment(extra),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    said: str | None = None
    given: str | None = json.dumps(job)
    try:
        while said is None:
            try:
                said, _ = process.communicate(given, timeout=_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                given = None
                look()
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise WorkerFailed(f"{module} ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer
