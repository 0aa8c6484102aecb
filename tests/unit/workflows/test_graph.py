"""The paths through a document, and what is wrong with them."""

from typing import Any

import pytest

from rollcall.workflows.document import DEEPEST, MOST_BLOCKS
from rollcall.workflows.graph import Graph
from tests.documents import Json, block, document, each, parallel


def graph(*blocks: Json) -> Graph:
    return Graph(document(*blocks))


def problems(*blocks: Json) -> list[tuple[str, str]]:
    return [(one.path, one.message) for one in graph(*blocks).problems()]


def decision(name: str, *places: str, **more: Any) -> Json:
    branches = [{"when": {}, "go_to": place} for place in places]
    return block(name, "decision", branches=branches, **more)


def test_a_block_is_followed_by_the_one_below_unless_it_says_otherwise() -> None:
    found = graph(block("a", next="c"), block("b"), block("c"))
    [scope] = found.scopes
    assert [scope.after(one) for one in scope.blocks] == ["c", "c", "end"]


def test_a_place_that_is_not_in_the_list_is_named_with_its_path() -> None:
    asking = block("ask", "approval", on_deny={"go_to": "x"}, on_deadline={"go_to": "y"})
    found = problems(
        decision("which", "gone", "inner"),
        block("a", on_error={"go_to": "z"}),
        asking,
        each("rows", block("inner", next="a")),
        block("b", next="nowhere"),
    )
    assert [path for path, _ in found] == [
        "blocks.0.branches.0.go_to",
        "blocks.0.branches.1.go_to",
        "blocks.1.on_error.go_to",
        "blocks.2.on_deny.go_to",
        "blocks.2.on_deadline.go_to",
        "blocks.4.next",
        "blocks.3.blocks.0.next",
    ]
    assert found[0][1] == "there is no block 'gone' here"


@pytest.mark.parametrize(
    "blocks",
    [
        [block("a", next="a")],
        [block("a"), block("b", next="a")],
        [block("a"), block("b", on_error={"go_to": "a"})],
        [block("a"), decision("b", "a")],
        [block("a"), block("b", "approval", on_deny={"go_to": "a"})],
        [block("a"), block("b", "approval", on_deadline={"go_to": "a"})],
    ],
)
def test_a_cycle_is_refused_however_it_is_closed(blocks: list[Json]) -> None:
    [(path, message)] = problems(*blocks)
    assert path == f"blocks.{len(blocks) - 1}"
    assert message.startswith("leads in a cycle: a → ")
    assert message.endswith(" → a")


def test_a_cycle_within_a_block_is_found_there() -> None:
    [(path, _)] = problems(each("rows", block("a"), block("b", next="a")))
    assert path == "blocks.0.blocks.1"
    [(path, _)] = problems(parallel("both", [block("a")], [block("b", next="b")]))
    assert path == "blocks.0.branches.1.blocks.0"


def test_ways_that_meet_again_are_no_cycle() -> None:
    assert problems(decision("a", "c", "d"), block("b", next="d"), block("c"), block("d")) == []


def test_a_block_that_no_path_leads_to_is_named() -> None:
    assert problems(block("a", next="c"), block("b"), block("c")) == [
        ("blocks.1", "no path leads to this block")
    ]
    assert problems(block("a", "end"), block("b")) == [("blocks.1", "no path leads to this block")]
    reached = problems(block("a", next="end", on_error={"go_to": "b"}), block("b"))
    assert reached == []


def test_an_id_is_there_once_in_the_whole_document() -> None:
    assert problems(block("a"), each("rows", block("a"))) == [
        ("blocks.1.blocks.0.id", "is that of blocks.0 too")
    ]
    [(path, _)] = problems(block("end"))
    assert path == "blocks.0.id"


def test_blocks_are_nested_so_deep_and_no_deeper() -> None:
    nested = block("a")
    for number in range(DEEPEST - 1):
        nested = each(f"rows{number}", nested)
    assert problems(nested) == []
    [(path, message)] = problems(each("more", nested))
    assert path == "blocks.0" + ".blocks.0" * DEEPEST
    assert message == f"is nested more than {DEEPEST} deep"


def test_so_many_blocks_and_no_more() -> None:
    most = [block(f"b{number}") for number in range(MOST_BLOCKS - 1)]
    assert problems(*most[:-1], each("rows", most[-1])) == []
    [(path, _)] = problems(*most, each("rows", block("last")))
    assert path == "blocks"


def test_a_long_chain_is_followed_to_its_end() -> None:
    blocks = [block(f"b{number}") for number in range(MOST_BLOCKS)]
    assert graph(*blocks).before(f"b{MOST_BLOCKS - 1}") == {one["id"] for one in blocks[:-1]}


def test_a_block_may_speak_of_those_that_may_have_been_done_before_it() -> None:
    found = graph(
        decision("which", "b"),
        block("a", next="c"),
        block("b"),
        each("c", block("inner1"), block("inner2")),
        parallel("d", [block("left")], [block("right"), block("below")]),
        block("e"),
    )
    assert found.before("which") == set()
    assert found.before("a") == {"which"}
    assert found.before("c") == {"which", "a", "b"}
    assert found.before("inner2") == {"which", "a", "b", "inner1"}
    assert found.before("below") == {"which", "a", "b", "c", "right"}
    assert found.before("e") == {"which", "a", "b", "c", "d", "left", "right", "below"}


def test_a_list_knows_the_rows_that_it_is_in() -> None:
    found = graph(each("outer", parallel("both", [each("inner", block("a"))], [block("b")])))
    assert found.scope_of["a"].rows == ("outer", "inner")
    assert found.scope_of["b"].rows == ("outer",)
    assert found.scope_of["b"].path == "blocks.0.blocks.0.branches.1.blocks"
