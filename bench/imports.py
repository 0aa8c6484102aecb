"""What importing the pull handler costs, beside the libraries that no handler of ours is without.

Each is imported by a fresh interpreter, in turns, with bytecode present; interpreter start is not
in it. `bare` makes a DynamoDB client, an HTTP client, a Logger and a Metrics. `handler` is
functions/sync/app.py alone; `ready` is the handler with the first clients a pull makes.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from bench.figures import Figure, at_most, times_floor
from bench.processes import ROOT, environment

_TIMED = """
import time
_started = time.perf_counter()
{body}
_ms = 1000 * (time.perf_counter() - _started)
import json, sys
print(json.dumps({{"ms": _ms, "modules": sorted(sys.modules)}}))
"""
_BARE = """
import boto3
boto3.Session().client("dynamodb")
import httpx
httpx.Client()
from aws_lambda_powertools import Logger, Metrics
Logger(), Metrics(namespace="bench")
"""
_HANDLER = "import app"
_READY = """
import app
app._sync().runs
from rollcall.connectors.client import Client
Client(frozenset(), 4)
"""
_PROGRAMS = {"bare": _BARE, "handler": _HANDLER, "ready": _READY}
_UNWANTED = ("pydantic", "pydantic_core", "aws_lambda_powertools.event_handler", "rollcall.api")
_SETTINGS = ("STACK_NAME", "CONFIG_TABLE", "DIRECTORY_TABLE", "RUNS_TABLE", "SECRET_PREFIX")


def unwanted(modules: list[str]) -> list[str]:
    """Which of these modules the pull must not have."""
    return [one for one in modules for bad in _UNWANTED if one == bad or one.startswith(f"{bad}.")]


def measure(rounds: int, aws: Mapping[str, str]) -> list[Figure]:
    """The best of `rounds` of each program, after one that leaves the bytecode behind."""
    settings = dict.fromkeys(_SETTINGS, "bench") | {"ALLOW_HOSTS": "", "RUN_DAYS": "30"}
    variables = environment({**aws, **settings, "POWERTOOLS_SERVICE_NAME": "bench"})
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in _PROGRAMS}
    for turn in range(rounds + 1):
        for name, body in _PROGRAMS.items():
            ran = _run(body, variables)
            if turn:
                runs[name].append(ran)
    best = {name: min(run["ms"] for run in each) for name, each in runs.items()}
    found = unwanted(runs["ready"][0]["modules"])
    label = "import of the pull handler"
    return [
        times_floor(f"{label} (ms)", best["handler"], best["bare"], 1.25),
        times_floor(f"{label}, its clients made (ms)", best["ready"], best["bare"], 1.25),
        at_most("modules of pydantic and the API in it", len(found), 0, "none"),
    ]


def _run(body: str, variables: Mapping[str, str]) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-c", _TIMED.format(body=body)],
        cwd=ROOT / "functions" / "sync",
        env=dict(variables),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answer
