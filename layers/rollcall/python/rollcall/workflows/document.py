"""A workflow as it is written: where it begins, and its blocks. Data, read strictly.

What can be wrong with a document by itself is found here, by path; what it means in this deployment
is `check`'s.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from rollcall.events.model import TYPES
from rollcall.mapping.problems import Problem

MOST_BLOCKS = 100
"""Blocks of a document, those within others counted too."""
DEEPEST = 4
"""Blocks within each other."""
LONGEST_DEADLINE = timedelta(days=365)
NAMES = frozenset(
    {"person", "account", "event", "inputs", "variables", "steps", "item", "execution"}
)
"""What templates and conditions may speak of, where there is such a thing."""
END = "end"
"""Where a path may lead in place of a block."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhdw])")


def duration(text: str) -> timedelta:
    """A duration such as `30s`, `15m`, `8h`, `3d`, `2w`. Raises ValueError for anything else."""
    found = _DURATION.fullmatch(text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < length <= LONGEST_DEADLINE:
        raise ValueError("must be a duration such as 30m, 8h or 3d, of a year at most")
    return length


def _is_duration(text: str) -> str:
    duration(text)
    return text


def _is_event(kind: str) -> str:
    if kind not in TYPES:
        raise ValueError(f"must be one of {', '.join(TYPES)}")
    return kind


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""What a template can speak of: lower case, digits and _."""
Title = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
"""Text that may be a template."""
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
Duration = Annotated[str, AfterValidator(_is_duration)]
EventType = Annotated[str, AfterValidator(_is_event)]
Condition = dict[str, Any]
"""A filter, as `mapping.conditions` has it."""


class Part(BaseModel):
    """A part of a document: nothing unknown in it, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GoTo(Part):
    """Go on with that block, one of the same list; or `end`."""

    go_to: Name


OnError = Literal["stop", "continue"] | GoTo


class Query(Part):
    """Rows of the roster: what is there now, without what was removed or revoked."""

    of: Literal["people", "accounts", "grants"]
    integrations: list[str] = Field(default=[], max_length=100)
    when: Condition | None = None


class Input(Part):
    """Something that whoever starts the workflow says."""

    key: Name
    name: str = ""
    type: Literal["text", "number", "boolean", "json"] = "text"
    required: bool = False


MostPerHour = Annotated[int, Field(ge=1, le=10_000)]


class Schedule(Part):
    """When, as an integration's schedule has it."""

    expression: Title
    timezone: str = "UTC"


class EventTrigger(Part):
    """Begins when one of these events says what `when` asks for."""

    trigger: Literal["event"]
    events: list[EventType] = Field(min_length=1, max_length=len(TYPES))
    when: Condition | None = None
    most_per_hour: MostPerHour = 100


class ScheduleTrigger(Part):
    """Begins at its times: once for each row of the query, or once where there is none.

    A row begins once as long as it is among the rows; with `repeat` at every time.
    """

    trigger: Literal["schedule"]
    schedule: Schedule
    query: Query | None = None
    repeat: bool = False
    most_per_hour: MostPerHour = 100


class CallTrigger(Part):
    """Begins when a system (`call`) or somebody (`hand`) asks for it over the API."""

    trigger: Literal["call", "hand"]
    inputs: list[Input] = Field(default=[], max_length=50)
    most_per_hour: MostPerHour = 100


Begin = Annotated[EventTrigger | ScheduleTrigger | CallTrigger, Field(discriminator="trigger")]


class BlockPart(Part):
    """What every block says. `next` is the block after it; left out: the one below."""

    id: Name
    next: Name | None = None
    on_error: OnError = "stop"


class PresetBlock(BlockPart):
    """Uses a preset of an integration.

    It is about `external_id`, or `person` (an id); where neither is said, about the account at
    hand if that is of this integration, or else about the person at hand. `response` says what of
    the answer is kept, over `response`; `store_in` is a field of the person that keeps it too.
    """

    type: Literal["preset"]
    integration: Text
    preset: Text
    external_id: Text | None = None
    person: Text | None = None
    inputs: dict[str, Any] = {}
    response: Any = None
    store_in: Name | None = None


class RolesBlock(BlockPart):
    """Reads what a user may do in an app, a row a role, and stores it."""

    type: Literal["roles"]
    integration: Text
    external_id: Text | None = None
    person: Text | None = None
    store_in: Name | None = None


class UpdateBlock(BlockPart):
    """Changes fields of the person at hand, or what a hand may say of the account."""

    type: Literal["update"]
    target: Literal["person", "account"]
    set: dict[str, Any] = Field(min_length=1, max_length=100)


class Branch(Part):
    """Where to go on if a condition holds."""

    when: Condition
    go_to: Name


class DecisionBlock(BlockPart):
    """Goes on with the first branch whose condition holds, or else with the next block."""

    type: Literal["decision"]
    branches: list[Branch] = Field(min_length=1, max_length=20)


class Approvers(Part):
    """Who is asked: by mail, and at a webhook. Over the API anybody with a token can decide."""

    email: list[Email] = Field(default=[], max_length=20)
    webhook: Text | None = None


class ApprovalBlock(BlockPart):
    """Waits for somebody to approve or to deny, `deadline` at most."""

    type: Literal["approval"]
    message: Text
    deadline: Duration
    ask: Approvers = Approvers()
    on_deny: Literal["end", "continue"] | GoTo = "end"
    on_deadline: Literal["deny", "approve"] | GoTo = "deny"


class NotificationBlock(BlockPart):
    """Tells: the notice topic (SNS), those addresses by mail through it, a webhook."""

    type: Literal["notification"]
    subject: Title
    message: Text
    email: list[Email] = Field(default=[], max_length=20)
    webhook: Text | None = None


class WaitBlock(BlockPart):
    """Waits `for` a duration, or `until` a time: ISO 8601, or a template that makes one."""

    model_config = ConfigDict(populate_by_name=True)
    type: Literal["wait"]
    length: Duration | None = Field(default=None, alias="for")
    until: Text | None = None

    @model_validator(mode="after")
    def _has_one_end(self) -> Self:
        if (self.length is None) is (self.until is None):
            raise ValueError("needs one of for and until")
        return self


class ForEachBlock(BlockPart):
    """Does its blocks for each row, `at_once` at a time; the others go on where one fails.

    `over` is `accounts` (of the person at hand), a query, or a template that makes a list. The
    row is `item`, and it is the person or the account at hand.
    """

    type: Literal["for_each"]
    over: Literal["accounts"] | Query | Text
    at_once: int = Field(default=5, ge=1, le=40)
    blocks: "list[Block]" = Field(min_length=1, max_length=MOST_BLOCKS)


class ParallelBranch(Part):
    """Blocks that go on beside others."""

    blocks: "list[Block]" = Field(min_length=1, max_length=MOST_BLOCKS)


class ParallelBlock(BlockPart):
    """Does its branches at once, and goes on when all have ended."""

    type: Literal["parallel"]
    branches: list[ParallelBranch] = Field(min_length=2, max_length=10)


class WorkflowBlock(BlockPart):
    """Runs another workflow about the same person and account; with `wait`, to its end."""

    type: Literal["workflow"]
    workflow: Title
    inputs: dict[str, Any] = {}
    wait: bool = True


class Column(Part):
    """A column of a report: a template over the row."""

    name: Title
    value: Text


class ReportBlock(BlockPart):
    """Writes the rows of a query into a CSV file, to be fetched over the API."""

    type: Literal["report"]
    query: Query
    columns: list[Column] = Field(min_length=1, max_length=50)


class EndBlock(BlockPart):
    """Ends the execution; within another block, only what is done for this row or branch."""

    type: Literal["end"]
    next: None = None
    on_error: Literal["stop"] = "stop"
    result: Literal["succeeded", "failed"] = "succeeded"
    message: str = Field(default="", max_length=4000)


Block = Annotated[
    PresetBlock | RolesBlock | UpdateBlock | DecisionBlock | ApprovalBlock | NotificationBlock
    | WaitBlock | ForEachBlock | ParallelBlock | WorkflowBlock | ReportBlock | EndBlock,
    Field(discriminator="type"),
]  # fmt: skip
Blocks = Sequence[Block]


class Document(Part):
    """A workflow. `contacts` are told when an execution fails or is held."""

    name: Title
    description: str = Field(default="", max_length=4000)
    contacts: list[Email] = Field(default=[], max_length=20)
    begin: Begin
    blocks: list[Block] = Field(min_length=1, max_length=MOST_BLOCKS)


def parsed(data: Any) -> Document | list[Problem]:
    """The document that this JSON is, or everything wrong with its form, by path."""
    try:
        return Document.model_validate(data)
    except ValidationError as error:
        found = [
            Problem(path, str(one["msg"]).removeprefix("Value error, "))
            for one in error.errors(include_url=False, include_input=False)
            if (path := _path(data, one["loc"])) is not None
        ]
        return list(dict.fromkeys(found))


_FORMS = frozenset({"GoTo", "Query"})
"""Objects that a part may be in place of a text."""


def _path(data: Any, location: tuple[int | str, ...]) -> str | None:
    """The place in the data. pydantic also names which form of a part it was taken for; None: the
    part was meant in another form.
    """
    place: list[str] = []
    tag = None
    for part in location:
        if part == tag:
            tag = None
            continue
        name = str(part)
        if name in _FORMS or name.startswith(("literal[", "constrained-str")):
            if isinstance(data, dict) is not (name in _FORMS):
                return None
            continue
        place.append(name)
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
        tag = data.get("type", data.get("trigger")) if isinstance(data, dict) else None
    return ".".join(place) or "document"


def inner(block: Block) -> list[tuple[str, Blocks]]:
    """The lists of blocks within a block, each with its path below the block."""
    match block:
        case ForEachBlock():
            return [("blocks", block.blocks)]
        case ParallelBlock():
            return [
                (f"branches.{number}.blocks", branch.blocks)
                for number, branch in enumerate(block.branches)
            ]
        case _:
            return []


def every_block(blocks: Blocks, path: str = "blocks") -> Iterator[tuple[str, Block]]:
    """Every block with its path, those within others after the one they are in."""
    for number, block in enumerate(blocks):
        place = f"{path}.{number}"
        yield place, block
        for below, within in inner(block):
            yield from every_block(within, f"{place}.{below}")


def addresses(document: Document) -> frozenset[str]:
    """Everybody whom the workflow may write a mail to."""
    found = set(document.contacts)
    for _, block in every_block(document.blocks):
        match block:
            case NotificationBlock():
                found.update(block.email)
            case ApprovalBlock():
                found.update(block.ask.email)
            case _:
                pass
    return frozenset(found)
