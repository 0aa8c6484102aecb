"""Regular expressions whose time is linear in the text, whoever wrote them: RE2's syntax.

re2 is imported by the first pattern, not with this module.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LONGEST_PATTERN = 500
"""Characters of a pattern."""
LONGEST_REPLACEMENT = 1_000
"""Characters of a replacement."""
MOST_REPLACEMENTS = 10_000
"""Places that one call replaces."""
_MEMORY = 1 << 20
"""Bytes that RE2 may use for one pattern: it refuses those whose program would be larger."""
_REFERENCE = re.compile(r"\\(?:(\d)|g<(\w{1,50})>|(\\))", re.ASCII)


@dataclass(frozen=True, slots=True)
class BadPattern:
    """Why text is no pattern, or no replacement for one."""

    message: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. Half a character (a lone surrogate) in a text counts as `?`."""

    text: str
    _compiled: Any

    def search(self, text: str) -> bool:
        """Whether it matches anywhere in the text."""
        return self._compiled.search(_whole(text)) is not None

    def replace(self, text: str, replacement: str, longest: int) -> str | BadPattern:
        r"""The text with every match replaced; `\\1` and `\\g<name>` are what a group matched.

        BadPattern where the replacement names no group, where the result would have more than
        `longest` characters, or where there are more than MOST_REPLACEMENTS matches.
        """
        parts = self._parts(replacement)
        if isinstance(parts, BadPattern):
            return parts
        text = _whole(text)
        pieces: list[str] = []
        end = size = 0
        for count, match in enumerate(self._compiled.finditer(text)):
            if count >= MOST_REPLACEMENTS:
                return BadPattern(f"matches in more than {MOST_REPLACEMENTS} places")
            made = [part if isinstance(part, str) else match[part] or "" for part in parts]
            pieces.append(text[end : match.start()])
            pieces += made
            size += len(pieces[-len(made) - 1]) + sum(map(len, made))
            end = match.end()
            if size > longest:
                return BadPattern(f"makes a text of more than {longest} characters")
        pieces.append(text[end:])
        if size + len(pieces[-1]) > longest:
            return BadPattern(f"makes a text of more than {longest} characters")
        return "".join(pieces)

    def _parts(self, replacement: str) -> list[str | int] | BadPattern:
        """Text, and the numbers of the groups that come between."""
        if len(replacement) > LONGEST_REPLACEMENT:
            return BadPattern(f"has a replacement of more than {LONGEST_REPLACEMENT} characters")
        parts: list[str | int] = []
        end = 0
        for found in _REFERENCE.finditer(replacement):
            parts.append(replacement[end : found.start()])
            end = found.end()
            if found[3]:
                parts.append("\\")
                continue
            named = found[1] or found[2]
            number = int(named) if named.isdecimal() else self._compiled.groupindex.get(named)
            if number is None or number > self._compiled.groups:
                return BadPattern(f"has no group {named!r}")
            parts.append(number)
        parts.append(replacement[end:])
        return [part for part in parts if part != ""]


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern | BadPattern:
    """The pattern that this text is. Look-around and back-references are none: RE2 has neither."""
    if len(text) > LONGEST_PATTERN:
        return BadPattern(f"has {len(text)} characters; {LONGEST_PATTERN} may be")
    import re2  # noqa: PLC0415 - only those who use patterns pay for it

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return Pattern(text, re2.compile(text, options))
    except re2.error as error:
        said = error.args[0] if error.args else ""
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return BadPattern(f"is no pattern: {reason}")
    except UnicodeEncodeError:
        return BadPattern("is no pattern: it holds half a character (a lone surrogate)")


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
