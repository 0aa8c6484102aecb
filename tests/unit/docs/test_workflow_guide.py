"""Every YAML in the guide to workflows is right, and becomes a state machine."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from deploy.states import faults, machines
from rollcall.fields.model import PersonField
from rollcall.workflows import document as documents
from rollcall.workflows.check import problems
from rollcall.workflows.check_shapes import output
from rollcall.workflows.compile import compiled
from rollcall.workflows.document import NAMES, Document, Input, every_block, parsed
from rollcall.workflows.known import Known, KnownIntegration, KnownWorkflow
from rollcall.workflows.library import everything
from tests.unit.workflows.samples import KNOWN

PAGE = Path(__file__).resolve().parents[3] / "docs/guide/workflows.md"
TEXT = PAGE.read_text(encoding="utf-8")
TYPES = [
    get_args(kind.model_fields["type"].annotation)[0]
    for kind in get_args(get_args(documents.Block)[0])
]
TRIGGERS = ("event", "schedule", "call", "hand")
ASKED = {
    "trigger": "call",
    "inputs": [{"key": key} for key in ("reason", "last_day", "products")],
}
"""What the examples of single blocks begin with: anybody may be at hand."""
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:rollcall-test-workflows"


def known() -> Known:
    """A deployment with what the page speaks of."""
    card = PersonField("mail_card", "Mail card", "json", unique=False)
    return replace(
        KNOWN,
        integrations={
            "{integration_id}": KnownIntegration("ActiveCampaign", "activecampaign"),
            "{aha_integration_id}": KnownIntegration("Aha!", "aha"),
        },
        fields={**KNOWN.fields, "mail_card": card},
        variables=frozenset({"Sales.Manager", "ActiveCampaign.Subdomain"}),
        workflows={
            "{workflow_id}": KnownWorkflow("Title", "call", (Input(key="title", required=True),))
        },
    )


def examples() -> Iterator[tuple[int, dict[str, Any]]]:
    """Every document of the page with its line; blocks alone are made one."""
    for block in re.finditer(r"^```(yaml|http)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        line = TEXT[: block.start()].count("\n") + 2
        text = block[2]
        if block[1] == "http":
            if "application/yaml" not in text:
                continue
            text = text.partition("\n\n")[2]
        data = yaml.safe_load(text)
        if isinstance(data, list):
            data = {"name": "Example", "begin": ASKED, "blocks": data}
        yield line, data


EXAMPLES = dict(examples())


def read(data: dict[str, Any]) -> Document:
    found = parsed(data)
    assert isinstance(found, Document), found
    return found


@pytest.mark.parametrize("line", EXAMPLES, ids=lambda line: f"line{line}")
def test_every_example_is_right_and_becomes_a_state_machine(line: int) -> None:
    example = read(EXAMPLES[line])
    assert problems(example, known()) == []
    assert list(faults(compiled(example, FUNCTION))) == []


def test_every_block_and_every_trigger_has_an_example_under_its_name() -> None:
    shown = [read(data) for data in EXAMPLES.values()]
    blocks = {block.type for one in shown for _, block in every_block(one.blocks)}
    assert blocks == set(TYPES)
    assert {one.begin.trigger for one in shown} == set(TRIGGERS)
    for kind in TYPES:
        section = re.search(rf"^### {kind}\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)
        assert section is not None, kind
        assert f"type: {kind}\n" in section[1]


def rows(title: str) -> dict[str, str]:
    """The rows of a table by the names in their first cell."""
    table = re.search(rf"^\| {title} \|.*?(?=\n\n)", TEXT, re.MULTILINE | re.DOTALL)
    assert table is not None, title
    return {
        name: cells[1]
        for line in table[0].splitlines()[2:]
        for cells in [line.strip("|").split("|")]
        for name in re.findall(r"`(\w+)`", cells[0])
    }


def test_every_name_and_what_every_step_has_is_told() -> None:
    assert rows("name").keys() == NAMES
    told = rows("block")
    for kind in TYPES:
        example = next(
            block
            for data in EXAMPLES.values()
            for _, block in every_block(read(data).blocks)
            if block.type == kind
        )
        has = (output(example).keys or {}).keys() - {"status", "error"}
        assert has - {"message"} <= set(re.findall(r"`(\w+)`", told.get(kind, ""))), kind


def test_every_shipped_workflow_is_told() -> None:
    assert rows("key").keys() == {shipped.key for shipped in everything()}


def states_of(kind: str) -> list[str]:
    """The states that are passed for such a block where nothing is wrong."""
    for data in EXAMPLES.values():
        example = read(data)
        for _, block in every_block(example.blocks):
            if block.type == kind:
                states = {
                    name: state
                    for one in machines(compiled(example, FUNCTION))
                    for name, state in one["States"].items()
                }
                passed = [block.id]
                while True:
                    state = states[passed[-1]]
                    following = state.get("Next", state.get("Default", ""))
                    if not following.startswith(f"{block.id} "):
                        return passed
                    passed.append(following)
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", TYPES)
def test_the_transitions_of_a_block_are_those_of_its_state_machine(kind: str) -> None:
    said = re.match(r"\d", transitions()[kind])
    assert said is not None
    assert len(states_of(kind)) == int(said[0]) <= 2


def transitions() -> dict[str, str]:
    table = re.search(r"^\| block \| transitions \|.*?(?=\n\n)", TEXT, re.MULTILINE | re.DOTALL)
    assert table is not None
    found: dict[str, str] = {}
    for line in table[0].splitlines()[2:]:
        cells = line.strip("|").split("|")
        found |= dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), cells[1].strip())
    return found
