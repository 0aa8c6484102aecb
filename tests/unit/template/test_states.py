"""The state machine files: reachable, complete, and substituted as the template says."""

import copy
import re
from typing import Any

import pytest

from deploy.states import definitions, faults, machines
from local.stack import ROOT

MACHINES = definitions()
SYNC = MACHINES["sync.asl.yaml"]
LONGEST = {"sync.asl.yaml": 6 * 3600, "batch.asl.yaml": 48 * 3600}
"""10,000 rows of five calls each take 14 hours at one call a second."""
TASKS = [
    pytest.param(state, id=f"{machine}-{name}")
    for machine, definition in MACHINES.items()
    for one in machines(definition)
    for name, state in one["States"].items()
    if state["Type"] == "Task"
]


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_is_reached_and_every_way_ends(machine: str) -> None:
    assert list(faults(MACHINES[machine])) == []


def broken(name: str, **changes: Any) -> list[str]:
    machine = copy.deepcopy(SYNC)
    machine["States"][name] |= changes
    return list(faults(machine))


def test_a_transition_to_nowhere_is_found() -> None:
    assert "no state is called Gone" in broken("Next?", Default="Gone")


def test_a_state_that_nothing_leads_to_is_found() -> None:
    assert broken("Next?", Default="Done") == ["Unknown answer is never reached"]


def test_a_state_that_neither_ends_nor_goes_on_is_found() -> None:
    assert "Done must either end or go on" in broken("Done", Type="Pass")


@pytest.mark.parametrize("machine", MACHINES)
def test_machines_speak_jsonata_and_end_in_time(machine: str) -> None:
    assert MACHINES[machine]["QueryLanguage"] == "JSONata"
    assert 0 < MACHINES[machine]["TimeoutSeconds"] <= LONGEST[machine]


@pytest.mark.parametrize("state", TASKS)
def test_every_task_has_a_timeout_repeats_and_catches(state: dict[str, Any]) -> None:
    # By States.ALL: the local AWS reports every exception under one name.
    [busy, retry] = state["Retry"]
    assert busy["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    assert (
        busy["MaxAttempts"] * busy["MaxDelaySeconds"]
        > MACHINES["sync.asl.yaml"]["TimeoutSeconds"] / 2
    )
    assert retry["ErrorEquals"] == ["States.ALL"]
    assert retry["MaxAttempts"] == 3
    assert retry["JitterStrategy"] == "FULL"
    [catch] = state["Catch"]
    assert catch["ErrorEquals"] == ["States.ALL"]
    assert state["TimeoutSeconds"] > 300, "the function must be able to end first"


def test_every_substitution_is_given_and_used(resources: dict[str, Any]) -> None:
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            properties = resource["Properties"]
            text = (ROOT / properties["DefinitionUri"]).read_text()
            used = set(re.findall(r"\$\{(\w+)\}", text))
            assert used == set(properties["DefinitionSubstitutions"])


def test_executions_show_nothing_of_what_they_carry(resources: dict[str, Any]) -> None:
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            logging = resource["Properties"]["Logging"]
            assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
            assert resource["Properties"]["Tracing"] == {"Enabled": True}


def test_a_fault_within_a_map_is_found() -> None:
    machine = copy.deepcopy(MACHINES["batch.asl.yaml"])
    machine["States"]["Rows"]["ItemProcessor"]["States"]["Wait"]["Next"] = "Gone"
    assert list(faults(machine)) == ["no state is called Gone"]


def test_a_fault_within_a_branch_is_found() -> None:
    end = {"Type": "Pass", "End": True}
    branches = [{"StartAt": "A", "States": {"A": end}}, {"StartAt": "B", "States": {"C": end}}]
    both = {"Type": "Parallel", "Branches": branches, "End": True}
    machine = {"StartAt": "Both", "States": {"Both": both}}
    assert list(faults(machine)) == ["no state is called B", "C is never reached"]


def test_a_state_that_ends_may_be_left_by_an_error() -> None:
    caught = {"ErrorEquals": ["States.ALL"], "Next": "B"}
    first = {"Type": "Task", "End": True, "Catch": [caught]}
    machine: dict[str, Any] = {"StartAt": "A", "States": {"A": first, "B": {"Type": "Fail"}}}
    assert list(faults(machine)) == []
    first["Next"] = "B"
    assert list(faults(machine)) == ["A must either end or go on"]


def test_rows_fail_for_themselves_and_their_results_fit_into_a_state() -> None:
    rows = MACHINES["batch.asl.yaml"]["States"]["Rows"]
    assert rows["ToleratedFailurePercentage"] == 100
    assert rows["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert rows["ItemProcessor"]["States"]["Done"]["Output"] == {}
    assert 0 < rows["MaxConcurrency"] <= 10
