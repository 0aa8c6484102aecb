"""Documents become state machines that AWS takes, and that cost what they should."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.states import faults, lint, machines
from local.stack import ROOT
from rollcall.workflows.compile import TASK_SECONDS, compiled
from rollcall.workflows.document import Document
from tests.documents import SIMPLE, Json, block, document, each, parallel

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:rollcall-test-workflows"
CFN_LINT = ROOT / ".venv-sam" / "bin" / "cfn-lint"
MOST_CHARACTERS = 1_048_576
"""Of a definition: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""


def machine(*blocks: Json) -> Json:
    return compiled(document(*blocks), FUNCTION)


def everything() -> Document:
    """Every kind of block in every kind of list, each with every way that it can go on."""

    def ways(name: str) -> list[Json]:
        simple = [
            block(f"{name}_{kind}", kind) for kind in SIMPLE if kind not in ("end", "decision")
        ]
        return [
            block(
                f"{name}_which", "decision",
                branches=[
                    {"when": {}, "go_to": f"{name}_stop"},
                    {"when": {}, "go_to": f"{name}_last"},
                    {"when": {}, "go_to": "end"},
                ],
            ),
            *simple,
            block(f"{name}_a", on_error="continue"),
            block(f"{name}_b", on_error={"go_to": f"{name}_last"}),
            block(f"{name}_c", on_error={"go_to": "end"}),
            block(
                f"{name}_d", "approval",
                on_deny={"go_to": f"{name}_last"}, on_deadline={"go_to": f"{name}_last"},
            ),
            block(f"{name}_e", "approval", on_deny="continue", on_deadline="approve"),
            block(f"{name}_f", "workflow", wait=False, next=f"{name}_last"),
            block(f"{name}_stop", "end", next=None),
            block(f"{name}_last", "end", result="failed"),
        ]  # fmt: skip

    return document(
        each("rows", *ways("rows"), over={"of": "people"}),
        each(
            "accounts",
            each("inner", block("within"), over="{{ item.groups }}"),
            on_error="continue",
        ),
        parallel("both", ways("one"), [parallel("more", ways("two"), [block("last")])]),
        *ways("top"),
    )


def states(definition: Json) -> Iterator[tuple[str, Json]]:
    for one in machines(definition):
        yield from one["States"].items()


def test_every_way_of_every_block_is_sound() -> None:
    definition = compiled(everything(), FUNCTION)
    assert list(faults(definition)) == []
    names = Counter(name for name, _ in states(definition))
    assert set(names.values()) == {1}, "AWS wants a name once in the whole machine"
    assert max(map(len, names)) <= 80
    kinds = {state["Type"] for _, state in states(definition)}
    assert kinds == {"Task", "Choice", "Wait", "Map", "Parallel", "Pass", "Fail"}


@pytest.mark.slow
@pytest.mark.skipif(not CFN_LINT.exists(), reason="`make check` installs cfn-lint")
def test_the_linter_finds_nothing() -> None:
    assert lint(str(CFN_LINT), compiled(everything(), FUNCTION)) == ""


@pytest.mark.slow
@pytest.mark.skipif(not CFN_LINT.exists(), reason="`make check` installs cfn-lint")
def test_the_linter_would_find_something() -> None:
    definition = machine(block("a"))
    definition["States"]["a"]["Retries"] = []
    assert "Retries" in lint(str(CFN_LINT), definition)


def test_the_longest_names_and_the_most_blocks_are_taken() -> None:
    long = "l" * 40
    names = [name for name, _ in states(machine(each(long, block("a"), over={"of": "people"})))]
    names += [
        name for name, _ in states(machine(parallel(long, *([block(f"b{n}")] for n in range(10)))))
    ]
    assert max(map(len, names)) <= 80
    most = machine(*(block(f"{number:02}".translate(LETTERS) + "x" * 38) for number in range(100)))
    assert len(json.dumps(most)) < MOST_CHARACTERS


LETTERS = str.maketrans("0123456789", "abcdefghij")


def test_it_says_what_it_is_and_ends_within_a_year() -> None:
    found = machine(block("a"))
    assert (found["QueryLanguage"], found["Comment"]) == ("JSONata", "Test")
    assert found["TimeoutSeconds"] == 365 * 24 * 3600
    assert found["StartAt"] == "a"
    named = document(block("a")).model_copy(update={"name": "Départs"})
    assert compiled(named, FUNCTION)["Comment"].isascii()


TASKS = [
    pytest.param(state, id=name)
    for name, state in states(compiled(everything(), FUNCTION))
    if state["Type"] == "Task"
]


@pytest.mark.parametrize("state", TASKS)
def test_every_task_has_a_timeout_and_repeats_what_may_be_repeated(state: Json) -> None:
    assert state["Arguments"]["FunctionName"] == FUNCTION
    assert state["TimeoutSeconds"] >= TASK_SECONDS > 120, "the function must be able to end first"
    [never, busy, others] = state["Retry"]
    assert never["MaxAttempts"] == 0
    assert set(never["ErrorEquals"]) == {"States.QueryEvaluationError", "States.Timeout"}
    assert busy["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    assert 3 * busy["MaxAttempts"] < 25_000, "events of a history"
    assert (others["ErrorEquals"], others["MaxAttempts"]) == (["States.ALL"], 3)


def test_whoever_dies_over_a_block_is_told_of_in_the_next_task() -> None:
    for one in machines(compiled(everything(), FUNCTION)):
        for name, state in one["States"].items():
            for catch in state.get("Catch", []):
                if '"lost"' in catch["Output"]:
                    following = one["States"][catch["Next"]]
                    assert following["Type"] in ("Task", "Parallel"), name


def test_nothing_fails_within_a_block_so_that_its_rows_and_branches_go_on() -> None:
    _, *inner = machines(compiled(everything(), FUNCTION))
    assert inner
    for one in inner:
        for name, state in one["States"].items():
            assert state["Type"] != "Fail"
            if state["Type"] in ("Task", "Map", "Parallel"):
                assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
            if state.get("End"):
                assert re.search(r"[01]( : \$error\(.*\))?( %})?$", str(state["Output"])), name


def transitions(definition: Json, rows: int = 1) -> int:
    """The states that an untroubled pass enters."""
    count, name = 0, definition["StartAt"]
    while True:
        state = definition["States"][name]
        count += 1
        if "ItemProcessor" in state:
            count += rows * transitions(state["ItemProcessor"], rows)
        count += sum(transitions(branch, rows) for branch in state.get("Branches", []))
        if state["Type"] == "Choice":
            [done] = [way for way in state["Choices"] if '"done"' in way["Condition"]]
            name = done["Next"]
        elif "Next" in state:
            name = state["Next"]
        else:
            return count


ENDING = 1
"""The state that notes the end of an execution."""


@pytest.mark.parametrize("kind", SIMPLE)
def test_a_block_costs_two_transitions_at_most(kind: str) -> None:
    cost = transitions(machine(block("a", kind), block("b"))) - transitions(machine(block("b")))
    if kind == "end":
        cost = transitions(machine(block("a", "end")))
    two = ("decision", "approval", "wait")
    assert cost == (2 if kind in two else 1)


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_rows_and_branches_cost_two_transitions_a_block_at_most(rows: int) -> None:
    for over in ("accounts", {"of": "people"}):
        for inner in ([block("a")], [block("a", "wait")], [block("a"), block("b", "approval")]):
            cost = transitions(machine(each("rows", *inner, over=over)), rows) - ENDING
            assert cost <= 2 * (1 + rows * len(inner)), inner
    nested = machine(each("rows", each("inner", block("a"))))
    assert transitions(nested, rows) <= 2 * (1 + rows + rows * rows)
    branches = machine(parallel("both", *([block(f"b{n}")] for n in range(10))))
    assert transitions(branches) <= 2 * 11


@pytest.mark.parametrize(
    "blocks",
    [
        [block("a")],
        [block("a"), block("b", "approval"), block("c"), block("d", "notification")],
        [block("a", "decision"), block("b")],
        [block("a", "wait"), block("b", "end")],
        [each("a", block("b"))],
    ],
)
def test_the_end_is_within_two_transitions_a_block(blocks: list[Json]) -> None:
    count = sum(1 + len(one.get("blocks", [])) for one in blocks)
    assert transitions(machine(*blocks)) <= 2 * count


def test_what_waits_for_a_person_takes_no_longer_than_its_deadline() -> None:
    found = machine(block("ask", "approval", deadline="3d"))["States"]["ask"]
    assert found["Resource"].endswith(":lambda:invoke.waitForTaskToken")
    assert found["TimeoutSeconds"] == 3 * 24 * 3600
    assert "$states.context.Task.Token" in found["Arguments"]["Payload"]
    assert found["Catch"][0] == {
        "ErrorEquals": ["States.Timeout"],
        "Output": "{% $states.input %}",
        "Next": "ask late",
    }


@pytest.mark.parametrize(
    ("over", "mode"),
    [("accounts", "INLINE"), ({"of": "grants"}, "DISTRIBUTED"), ("{{ item }}", "DISTRIBUTED")],
)
def test_many_rows_have_histories_of_their_own(over: Any, mode: str) -> None:
    found = machine(each("rows", block("a"), over=over, at_once=7))["States"]["rows rows"]
    assert found["ItemProcessor"]["ProcessorConfig"]["Mode"] == mode
    assert found["MaxConcurrency"] == 7
    assert found.get("Label") == (None if mode == "INLINE" else "rows")
    assert found["ItemSelector"]["attempt"] == "{% $states.input.attempt %}"


def test_the_same_document_compiles_to_the_same_machine() -> None:
    assert json.dumps(compiled(everything(), FUNCTION)) == json.dumps(
        compiled(everything(), FUNCTION)
    )
