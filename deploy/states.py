"""Check the state machines, which `sam validate --lint` does not look into.

cfn-lint knows the language, but only inside a plain AWS::StepFunctions::StateMachine, and it takes
a transition to nowhere. So each file is handed to it in such a template, and the transitions are
followed here.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ENDS = {"Succeed", "Fail"}


def machines(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The machine, and those within it that do the items of a Map, or a branch of a Parallel."""
    yield machine
    for state in machine["States"].values():
        inner = [state["ItemProcessor"]] if "ItemProcessor" in state else state.get("Branches", [])
        for one in inner:
            yield from machines(one)


def definitions(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Every state machine below statemachines/, by file name."""
    files = sorted((root / "statemachines").glob("*.asl.yaml"))
    return {file.name: yaml.safe_load(file.read_text()) for file in files}


def targets(state: dict[str, Any]) -> Iterator[str]:
    """The states that `state` can go to."""
    for transition in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        if "Next" in transition:
            yield transition["Next"]
    if "Default" in state:
        yield state["Default"]


def faults(machine: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the transitions of `machine`: to nowhere, out of nowhere, never ending."""
    for one in machines(machine):
        yield from _faults(one)


def _faults(machine: dict[str, Any]) -> Iterator[str]:
    states = machine["States"]
    reached: set[str] = set()
    todo = {machine["StartAt"]}
    while todo:
        name = todo.pop()
        reached.add(name)
        if name not in states:
            yield f"no state is called {name}"
            continue
        state = states[name]
        ends = state.get("End") is True or state["Type"] in ENDS
        if ends == ("Next" in state or state["Type"] == "Choice"):
            yield f"{name} must either end or go on"
        todo |= set(targets(state)) - reached
    for name in states.keys() - reached:
        yield f"{name} is never reached"


def lint(cfn_lint: str, machine: dict[str, Any]) -> str:
    """What cfn-lint says of `machine`; empty if nothing."""
    text = json.dumps(machine).replace(
        "${", "$("
    )  # substituted when deployed, not by CloudFormation
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/any", "DefinitionString": text}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"Resources": {"Machine": resource}}, file)
        file.flush()
        return subprocess.run(
            [cfn_lint, file.name], capture_output=True, text=True, check=False
        ).stdout


def main() -> int:
    """Print the faults of every state machine; 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cfn-lint", required=True, help="path of cfn-lint")
    cfn_lint = parser.parse_args().cfn_lint
    found = False
    for name, machine in definitions().items():
        for fault in [*faults(machine), *lint(cfn_lint, machine).splitlines()]:
            found = True
            print(f"{name}: {fault}")
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
