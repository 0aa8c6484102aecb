"""The two sample apps, each a process of its own on a port that was free."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.run import RunError
from local.stack import ROOT

LATENCY_MS = 30
PAGE = 30
"""Users a page, whatever is asked for: so that there is something to follow."""
_START_SECONDS = 20
_STOP_SECONDS = 10


@dataclass(frozen=True)
class Sample:
    """An app to start: its limit is what the vendor says, in calls/seconds."""

    name: str
    connector: str
    users: int
    rate_limit: str

    def __str__(self) -> str:
        return f"{self.name} with {self.users} users"


SAMPLES = (
    Sample("ActiveCampaign", "activecampaign", 250, "5/1"),
    Sample("Aha!", "aha", 180, "300/60"),
)


@dataclass(frozen=True)
class Samples:
    """The running apps: addresses and keys by connector."""

    urls: dict[str, str]
    tokens: dict[str, str]

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> Iterator["Samples"]:
        """Serve both for the length of a with block; what they complain of is in `folder`."""
        with ExitStack() as started:
            log = started.enter_context((folder / "samples.log").open("wb"))
            processes = [(one, started.enter_context(_process(one, log))) for one in SAMPLES]
            ready = {one.connector: _ready(one, process, folder) for one, process in processes}
            yield cls(
                urls={connector: said["url"] for connector, said in ready.items()},
                tokens={connector: said["token"] for connector, said in ready.items()},
            )


@contextmanager
def _process(sample: Sample, log: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "local.vendors", sample.connector),
            *("--users", str(sample.users)),
            *("--latency-ms", str(LATENCY_MS), "--rate-limit", sample.rate_limit),
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,  # Ctrl-C reaches us only, and we stop it in order
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _ready(sample: Sample, process: subprocess.Popen[str], folder: Path) -> dict[str, str]:
    """What the app says when it answers: `url` and `token`. Its pages are made short then."""
    if process.stdout is None:
        raise ValueError("the process has no standard output")
    answered, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
    line = process.stdout.readline() if answered else ""
    if not line:
        raise RunError(f"The sample app {sample.name} did not start; see {folder}/samples.log")
    said: dict[str, str] = json.loads(line)
    httpx.put(
        f"{said['url']}/_control", json={"page_cap": PAGE}, trust_env=False
    ).raise_for_status()
    return said
