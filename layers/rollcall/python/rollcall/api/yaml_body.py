"""YAML as JSON has it: mappings with text for keys, lists, text, numbers, true, false and null.

Nothing is made of what is not written: no anchors and aliases, whose few lines may mean gigabytes,
no tags, no dates. What is not quoted means what JSON would read in its place, and is text
otherwise: `2026-01-31`, `yes`, `on` and `007` stay as they are.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from rollcall.mapping.comparing import cut

LONGEST = 1_000_000
"""Characters of a text."""
DEEPEST = 100
"""Mappings and lists within each other."""

_SHOWN = 60
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a text, in words that follow where; lines and columns begin at 1."""

    message: str
    line: int
    column: int


def read(text: str) -> Any:
    """The one value that the text says, or a Fault."""
    if len(text) > LONGEST:
        return Fault(f"has more than {LONGEST} characters", 1, 1)
    odd = _UNPRINTABLE.search(text)
    if odd is not None:
        before = text[: odd.start()]
        line, column = before.count("\n") + 1, odd.start() - before.rfind("\n")
        return Fault(
            f"has the character U+{ord(odd[0]):04X}: write it with an escape", line, column
        )
    tree = _Tree()
    try:
        # One at a time: what is too deep is refused before the parser is lost in it.
        for event in yaml.parse(text, Loader=_LOADER):
            fault = tree.take(event)
            if fault is not None:
                return fault
    except yaml.MarkedYAMLError as error:
        said = ", ".join(part for part in (error.context, error.problem) if part)
        return _fault(f"is no YAML: {said}", error.problem_mark or error.context_mark)
    except yaml.YAMLError:
        return Fault("is no YAML", 1, 1)
    return tree.root[0] if tree.root else None


def _fault(message: str, mark: Any) -> Fault:
    return Fault(message, mark.line + 1, mark.column + 1) if mark else Fault(message, 1, 1)


@dataclass
class _Tree:
    """The value so far: the mappings and lists that are open, each with the key that waits."""

    root: list[Any] = field(default_factory=list)
    open: list[tuple[Any, list[str]]] = field(default_factory=list)
    documents: int = 0

    def take(self, event: Any) -> Fault | None:
        """Go on with an event of the parser."""
        mark = event.start_mark
        refused = _refused(event)
        if refused is not None:
            return _fault(refused, mark)
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                return _fault("is a second document", mark) if self.documents > 1 else None
            case yaml.ScalarEvent():
                return self._scalar(event, mark)
            case yaml.CollectionStartEvent():
                return self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], mark)
            case yaml.CollectionEndEvent():
                self.open.pop()
        return None

    def _begin(self, collection: Any, mark: Any) -> Fault | None:
        if len(self.open) == DEEPEST:
            return _fault(f"is nested more than {DEEPEST} deep", mark)
        if self._wants_key:
            return _fault("has a key that is no text; a template must be in quotes", mark)
        self._put(collection)
        self.open.append((collection, []))
        return None

    def _scalar(self, event: Any, mark: Any) -> Fault | None:
        # Plain: not quoted, and no block of text.
        value = _plain(event.value) if event.implicit[0] else event.value
        if isinstance(value, Fault):
            return _fault(value.message, mark)
        if not self._wants_key:
            self._put(value)
            return None
        collection, waiting = self.open[-1]
        if not isinstance(value, str):
            return _fault(f"has the key {event.value or 'null'}, which is no text: quote it", mark)
        if value in collection:
            return _fault(f"has the key {cut(value, _SHOWN)!r} twice", mark)
        waiting.append(value)
        return None

    @property
    def _wants_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1][0], dict) and not self.open[-1][1]

    def _put(self, value: Any) -> None:
        if not self.open:
            self.root.append(value)
            return
        collection, waiting = self.open[-1]
        if isinstance(collection, dict):
            collection[waiting.pop()] = value
        else:
            collection.append(value)


def _refused(event: Any) -> str | None:
    """Why nothing is made of an event, whatever it is a part of."""
    match event:
        case yaml.AliasEvent():
            return "has an alias (*): write out what it stands for"
        case yaml.NodeEvent(anchor=str()):
            return "has an anchor (&): write out what it stands for"
        case yaml.ScalarEvent(tag=str()) | yaml.CollectionStartEvent(tag=str()):
            return "has a tag (!): quote what is text"
    return None


def _plain(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _NUMBER.fullmatch(text) is None:
        return text
    try:
        number = json.loads(text)
    except ValueError:  # Python reads whole numbers of 4,300 digits
        number = float("inf")
    too_large = number in (float("inf"), float("-inf"))
    return Fault("has a number that is too large", 0, 0) if too_large else number
