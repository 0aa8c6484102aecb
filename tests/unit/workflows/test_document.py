"""Documents are read strictly, and what is wrong with their form is named by its path."""

import json
from datetime import timedelta
from typing import Any

import pytest

from rollcall.workflows.document import Document, duration, every_block, parsed
from tests.documents import SIMPLE, Json, block, data, each, parallel


def faults(document: Any) -> list[str]:
    found = parsed(document)
    assert not isinstance(found, Document)
    return [one.path for one in found]


def of(*blocks: Json, **more: Any) -> list[str]:
    return faults(data(*blocks, **more))


def test_every_kind_of_block_is_read() -> None:
    blocks = [block(f"a{number}", kind) for number, kind in enumerate(SIMPLE)]
    found = parsed(
        data(*blocks, each("rows", block("x")), parallel("p", [block("y")], [block("z")]))
    )
    assert isinstance(found, Document)
    places = [place for place, _ in every_block(found.blocks)]
    assert places[len(SIMPLE) :] == [
        *("blocks.10", "blocks.10.blocks.0", "blocks.11"),
        *("blocks.11.branches.0.blocks.0", "blocks.11.branches.1.blocks.0"),
    ]


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_what_is_no_object_is_refused_as_a_whole(document: Any) -> None:
    assert faults(document) == ["document"]


def test_what_is_missing_unknown_or_of_another_type_is_named() -> None:
    assert faults({}) == ["name", "begin", "blocks"]
    assert of(block("a", colour="red")) == ["blocks.0.colour"]
    assert of(block("a", integration=3)) == ["blocks.0.integration"]
    assert of() == ["blocks"]
    assert of({"id": "a"}) == ["blocks.0"]
    assert of(block("a", "dance")) == ["blocks.0"]
    assert of(block("A b")) == ["blocks.0.id"]
    assert of(block("a"), contacts=["nobody"]) == ["contacts.0"]


def test_a_choice_of_forms_is_faulted_in_the_form_that_was_meant() -> None:
    assert of(block("a", on_error="perhaps")) == ["blocks.0.on_error"]
    assert of(block("a", on_error={"go": "b"})) == [
        "blocks.0.on_error.go_to",
        "blocks.0.on_error.go",
    ]
    assert of(block("a", "approval", on_deny=7)) == ["blocks.0.on_deny"]
    assert of(each("a", block("b"), over={"of": "cats"})) == ["blocks.0.over.of"]
    assert set(of(each("a", block("b"), over=""))) == {"blocks.0.over"}
    assert set(of(each("a", block("b"), over=5))) == {"blocks.0.over"}


def test_faults_within_blocks_have_the_whole_path() -> None:
    assert of(each("a", block("b"), block("c", preset=""))) == ["blocks.0.blocks.1.preset"]
    assert of(parallel("a", [block("b")], [block("c", "wait", **{"for": "soon"})])) == [
        "blocks.0.branches.1.blocks.0.for"
    ]
    assert of(parallel("a", [block("b")])) == ["blocks.0.branches"]
    assert of(block("a", "report", columns=[{"name": "x"}])) == ["blocks.0.columns.0.value"]
    assert of(block("a", "decision", branches=[{"when": []}])) == [
        "blocks.0.branches.0.when",
        "blocks.0.branches.0.go_to",
    ]


def test_an_approval_needs_a_deadline() -> None:
    assert of({"id": "a", "type": "approval", "message": "m"}) == ["blocks.0.deadline"]


def test_a_wait_has_one_end() -> None:
    assert of({"id": "a", "type": "wait"}) == ["blocks.0"]
    assert of(block("a", "wait", until="{{ event.at }}")) == ["blocks.0"]


def test_an_end_leads_nowhere() -> None:
    assert of(block("a", "end", next="b"), block("b")) == ["blocks.0.next"]
    assert of(block("a", "end", on_error="continue")) == ["blocks.0.on_error"]


@pytest.mark.parametrize(
    ("begin", "paths"),
    [
        ({"trigger": "moon"}, ["begin"]),
        ({"trigger": "event", "events": []}, ["begin.events"]),
        ({"trigger": "event", "events": ["Person Sneezed"]}, ["begin.events.0"]),
        ({"trigger": "schedule"}, ["begin.schedule"]),
        ({"trigger": "call", "inputs": [{"key": "X"}]}, ["begin.inputs.0.key"]),
        ({"trigger": "hand", "most_per_hour": 0}, ["begin.most_per_hour"]),
        ({"trigger": "hand", "when": {}}, ["begin.when"]),
    ],
)
def test_the_trigger_is_read_as_strictly(begin: Json, paths: list[str]) -> None:
    assert of(block("a"), begin=begin) == paths


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("8h", timedelta(hours=8)),
        ("365d", timedelta(days=365)),
        ("52w", timedelta(weeks=52)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "0d", "-1d", "1", "d", "1.5h", "1 d", "366d", "53w", "9999999w", "1D", "1d\n"],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        duration(text)


@pytest.mark.parametrize("depth", [50, 400])
def test_a_document_that_is_far_too_deep_is_refused_and_nothing_breaks(depth: int) -> None:
    nested = block("a")
    for number in range(depth):
        nested = each(f"b{number}", nested)
    found = parsed(data(nested))
    assert isinstance(found, Document) or found
    assert json.dumps(nested)
