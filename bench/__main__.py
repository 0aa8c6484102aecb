"""Measure Rollcall and hold it to its limits: `python -m bench`, about seven minutes.

Prints a table and writes bench/results.json: [{"name", "value", "floor", "ratio", "limit", "ok"}],
where `limit` is in the unit of the value. Exits 1 when a figure misses its limit.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from bench import actions, events, imports, memory, syncs
from bench.figures import Figure, at_most, exit_code, reported
from bench.processes import aws_environment, local_aws, vendor, worker
from bench.progress import Progress
from bench.report import show, write
from rollcall.aws import Aws

RESULTS = Path(__file__).with_name("results.json")
MICROSECONDS = 150
MAPPING_MICROSECONDS = 250
_WIDTH = 140
"""Characters of a line where nobody's window says it."""


def main(arguments: Sequence[str]) -> int:
    """Measure what the arguments choose; 0 when every limit is kept, else 1."""
    options = _options(arguments)
    progress = Progress(Console(stderr=True))
    figures: list[Figure] = []
    with local_aws() as endpoint:
        aws = aws_environment(endpoint)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(aws)
        for name in options.only:
            figures += PARTS[name](options, aws, progress)
    write(options.results, figures)
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    show(console, figures)
    return exit_code(figures)


def _syncs(options: argparse.Namespace, aws: Mapping[str, str], progress: Progress) -> list[Figure]:
    with vendor(options.users, options.groups) as app:
        tenant = syncs.Tenant(Aws(), aws, app)
        return syncs.measure(tenant, options.users, options.groups, progress)


def _records(
    options: argparse.Namespace, _aws: Mapping[str, str], progress: Progress
) -> list[Figure]:
    title = f"processor time of {options.users:,} unchanged records"
    with vendor(options.users, options.groups) as app, progress.stage(title, None):
        job = {"url": f"{app.url}/api/3/users", "token": app.token, "rounds": options.rounds}
        found = worker("bench.records", job, {})
    rule = f"{MICROSECONDS} microseconds"
    name = "work per unchanged record (us of CPU)"
    return [at_most(name, found["us"], MICROSECONDS, rule, found["floor_us"])]


def _mapping(
    options: argparse.Namespace, _aws: Mapping[str, str], progress: Progress
) -> list[Figure]:
    with progress.stage("processor time of mapping a record", None):
        found = worker("bench.mapping", {"rounds": options.rounds}, {})
    name = "mapping 20 fields, 5 of them templates (us of CPU)"
    rule = f"{MAPPING_MICROSECONDS} microseconds"
    return [
        at_most(name, found["us"], MAPPING_MICROSECONDS, rule, found["floor_us"]),
        reported("judging a record by 10 conditions (us of CPU)", found["filter_us"]),
    ]


def _memory(
    options: argparse.Namespace, aws: Mapping[str, str], progress: Progress
) -> list[Figure]:
    return memory.measure(options.users, options.groups, aws, progress)


def _imports(
    options: argparse.Namespace, aws: Mapping[str, str], progress: Progress
) -> list[Figure]:
    with progress.stage("imports in fresh processes", None):
        return imports.measure(options.rounds, aws)


def _actions(
    options: argparse.Namespace, aws: Mapping[str, str], progress: Progress
) -> list[Figure]:
    with progress.stage("actions in a warm function, 50 ms a call", None):
        return actions.measure(options.rounds, aws)


def _events(
    options: argparse.Namespace, aws: Mapping[str, str], progress: Progress
) -> list[Figure]:
    with progress.stage("from a write to its event on the bus", None):
        return events.measure(options.rounds, aws["AWS_ENDPOINT_URL"])


Part = Callable[[argparse.Namespace, Mapping[str, str], Progress], list[Figure]]
PARTS: dict[str, Part] = {
    "imports": _imports,
    "records": _records,
    "mapping": _mapping,
    "actions": _actions,
    "events": _events,
    "syncs": _syncs,
    "memory": _memory,
}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--users", type=int, default=10_000, help="memory: and ten times as many")
    parser.add_argument("--groups", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=9, help="of all but syncs and memory")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
