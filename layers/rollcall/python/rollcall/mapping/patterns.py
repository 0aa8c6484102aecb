"""Regular expressions that take a time in proportion to the text, whoever wrote them: RE2.

No pattern can hang a run; look-around and back-references, which could, do not exist. re2 is
imported with the first pattern.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rollcall.mapping.values import Unusable

LONGEST_PATTERN = 500
LONGEST_REPLACED = 20_000
"""Characters of a text in which something may be replaced."""
MOST_REPLACED = 1_000
"""Replacements in one text: each may look at the whole rest of it."""
LONGEST_RESULT = 100_000

_MEMORY = 1 << 20
_REFERENCE = re.compile(r"\\([0-9\\])")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern, for `search` and `replace`."""

    text: str
    groups: int
    compiled: Any = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class BadPattern:
    """Why a text is no pattern."""

    message: str


@lru_cache(maxsize=32)
def compile_pattern(text: str) -> Pattern | BadPattern:
    r"""A pattern of at most 500 characters; it matches anywhere unless ^ or $ bind it.

    The syntax is RE2's: `\d` and `\w` are of ASCII; `(?i)` at the beginning ignores case.
    https://github.com/google/re2/wiki/Syntax (2026-11)
    """
    import re2  # noqa: PLC0415 - only who uses a pattern waits for it

    if len(text) > LONGEST_PATTERN:
        return BadPattern(f"a pattern has at most {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled = re2.compile(text.encode(), options)
    except UnicodeEncodeError:
        return BadPattern("the pattern is no Unicode text")
    except re2.error as error:
        why = error.args[0] if error.args else b""
        return BadPattern(why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why))
    return Pattern(text, compiled.groups, compiled)


def search(pattern: Pattern, text: str) -> bool:
    """Whether the pattern matches somewhere in the text."""
    return pattern.compiled.search(_bytes(text)) is not None


def replace(pattern: Pattern, replacement: str, text: str) -> str:
    r"""The text with each match replaced; `\1` to `\9` are the groups, `\0` all, `\\` a backslash.

    Raises Unusable for a group that is not there, a text of more than 20,000 characters, more than
    1,000 matches or a result of more than 100,000 bytes.
    """
    literals = _REFERENCE.split(replacement)  # text, reference, text, …
    wanted = [int(mark) for mark in literals[1::2] if mark != "\\"]
    if max(wanted, default=0) > pattern.groups:
        raise Unusable(f"the pattern has no group {max(wanted)}")
    if len(text) > LONGEST_REPLACED:
        raise Unusable(f"the text has more than {LONGEST_REPLACED} characters")
    whole = _bytes(text)
    pieces: list[bytes] = []
    size = end = 0
    for count, match in enumerate(pattern.compiled.finditer(whole)):
        if count == MOST_REPLACED:
            raise Unusable(f"the pattern matches more than {MOST_REPLACED} times")
        pieces.append(whole[end : match.start()])
        pieces.extend(
            _bytes(one)
            if place % 2 == 0
            else (b"\\" if one == "\\" else match.group(int(one)) or b"")
            for place, one in enumerate(literals)
        )
        size += sum(map(len, pieces[-len(literals) - 1 :]))
        if size > LONGEST_RESULT:
            raise Unusable(f"the text grows beyond {LONGEST_RESULT} characters")
        end = match.end()
    return b"".join([*pieces, whole[end:]]).decode("utf-8", "replace")


def _bytes(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which JSON may hold, is a question mark."""
    return text.encode("utf-8", "replace")
