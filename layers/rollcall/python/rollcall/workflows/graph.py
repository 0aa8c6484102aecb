"""Which block follows which: the paths through a document. Pure.

A document's blocks, and those of each for-each and each branch, are a list of their own: a path
stays in its list until it ends there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from rollcall.mapping.problems import Problem
from rollcall.workflows.document import (
    DEEPEST,
    END,
    MOST_BLOCKS,
    ApprovalBlock,
    Block,
    Blocks,
    DecisionBlock,
    Document,
    EndBlock,
    ForEachBlock,
    GoTo,
    every_block,
    inner,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A list of blocks: its path, the block it is in, and how many for-each blocks that is below.

    `rows` are the ids of those for-each blocks, the outermost first.
    """

    path: str
    blocks: Blocks
    owner: Block | None = None
    outer: "Scope | None" = None
    rows: tuple[str, ...] = ()

    def after(self, block: Block) -> str:
        """The id of the block that follows, or `end`."""
        if isinstance(block, EndBlock):
            return END
        if block.next is not None:
            return block.next
        place = next(n for n, one in enumerate(self.blocks) if one is block)
        return self.blocks[place + 1].id if place + 1 < len(self.blocks) else END

    def on_error(self, block: Block) -> str | None:
        """Where the path goes when the block fails; None: nowhere."""
        match block.on_error:
            case GoTo(go_to=place):
                return place
            case "continue":
                return self.after(block)
            case _:
                return None

    def targets(self, block: Block) -> Iterator[tuple[str, str]]:
        """Every place that the path may go on to, each with what says so below the block."""
        if not isinstance(block, EndBlock):
            yield "next", self.after(block)
        failed = self.on_error(block)
        if failed is not None:
            yield "on_error.go_to" if isinstance(block.on_error, GoTo) else "on_error", failed
        if isinstance(block, DecisionBlock):
            for number, branch in enumerate(block.branches):
                yield f"branches.{number}.go_to", branch.go_to
        if isinstance(block, ApprovalBlock):
            for name, said in (("on_deny", block.on_deny), ("on_deadline", block.on_deadline)):
                if isinstance(said, GoTo):
                    yield f"{name}.go_to", said.go_to


class Graph:
    """The paths through one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.scopes = list(_scopes(Scope("blocks", document.blocks)))

    @cached_property
    def scope_of(self) -> Mapping[str, Scope]:
        """The list that each block is in, by the block's id."""
        return {block.id: scope for scope in self.scopes for block in scope.blocks}

    @cached_property
    def block(self) -> Mapping[str, Block]:
        """Every block by its id."""
        return {block.id: block for _, block in every_block(self.document.blocks)}

    def problems(self) -> list[Problem]:
        """Everything wrong with the paths: a place that is not there, a cycle, a block that no
        path leads to, an id that is there twice.
        """
        found = list(self._ids())
        if not found:
            for scope in self.scopes:
                found += _paths(scope)
        return found

    def _ids(self) -> Iterator[Problem]:
        seen: dict[str, str] = {}
        for number, (path, block) in enumerate(every_block(self.document.blocks)):
            if block.id == END:
                yield Problem(f"{path}.id", "must not be end: that is where every path leads")
            if block.id in seen:
                yield Problem(f"{path}.id", f"is that of {seen[block.id]} too")
            seen.setdefault(block.id, path)
            if path.count(".blocks.") >= DEEPEST:
                yield Problem(path, f"is nested more than {DEEPEST} deep")
            if number == MOST_BLOCKS:
                yield Problem("blocks", f"are more than {MOST_BLOCKS}, with those within others")

    def before(self, block_id: str) -> frozenset[str]:
        """The blocks that may have been done, and can be spoken of, when this one is begun."""
        scope: Scope | None = self.scope_of[block_id]
        found: set[str] = set()
        at = block_id
        while scope is not None:
            found |= _seen(_ancestors(scope, at), scope)
            if scope.owner is None:
                break
            at, scope = scope.owner.id, scope.outer
        return frozenset(found)


def _scopes(scope: Scope) -> Iterator[Scope]:
    yield scope
    for number, block in enumerate(scope.blocks):
        rows = (*scope.rows, block.id) if isinstance(block, ForEachBlock) else scope.rows
        for below, blocks in inner(block):
            path = f"{scope.path}.{number}.{below}"
            yield from _scopes(Scope(path, blocks, block, scope, rows))


def _paths(scope: Scope) -> Iterator[Problem]:
    ids = {block.id for block in scope.blocks}
    lost = False
    for number, block in enumerate(scope.blocks):
        for said, place in scope.targets(block):
            if place not in ids and place != END:
                lost = True
                yield Problem(f"{scope.path}.{number}.{said}", f"there is no block {place!r} here")
    if lost:
        return
    following = {b.id: [p for _, p in scope.targets(b) if p != END] for b in scope.blocks}
    numbers = {block.id: number for number, block in enumerate(scope.blocks)}
    cycle = _cycle(following, scope.blocks[0].id)
    if cycle:
        way = " → ".join(cycle)
        yield Problem(f"{scope.path}.{numbers[cycle[-2]]}", f"leads in a cycle: {way}")
        return
    reached = _reached(following, scope.blocks[0].id)
    for block in scope.blocks:
        if block.id not in reached:
            yield Problem(f"{scope.path}.{numbers[block.id]}", "no path leads to this block")


def _cycle(following: Mapping[str, list[str]], first: str) -> list[str]:
    """A way that comes back to where it was, if there is one."""
    done: set[str] = set()
    way: list[str] = []

    def walk(place: str) -> list[str]:
        if place in way:
            return [*way[way.index(place) :], place]
        if place in done:
            return []
        way.append(place)
        for following_place in following[place]:
            found = walk(following_place)
            if found:
                return found
        done.add(way.pop())
        return []

    return walk(first)


def _reached(following: Mapping[str, list[str]], first: str) -> set[str]:
    reached: set[str] = set()
    todo = [first]
    while todo:
        place = todo.pop()
        if place not in reached:
            reached.add(place)
            todo += following[place]
    return reached


def _ancestors(scope: Scope, block_id: str) -> set[str]:
    """The blocks of the list from which a path leads to this one."""
    leading: dict[str, set[str]] = {}
    for block in scope.blocks:
        for _, place in scope.targets(block):
            leading.setdefault(place, set()).add(block.id)
    found: set[str] = set()
    todo = [block_id]
    while todo:
        for place in leading.get(todo.pop(), ()):
            if place not in found:
                found.add(place)
                todo.append(place)
    return found


def _seen(ids: set[str], scope: Scope) -> set[str]:
    """Those blocks, with the ones in the branches of those that did several at once: of a
    for-each nobody outside could say which row is meant.
    """
    found = set(ids)
    for block in scope.blocks:
        if block.id in ids and not isinstance(block, ForEachBlock):
            for _, blocks in inner(block):
                inside = Scope("", blocks, block, scope)
                found |= _seen({one.id for one in blocks}, inside)
    return found
