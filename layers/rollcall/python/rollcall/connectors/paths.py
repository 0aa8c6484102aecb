r"""Reading a value out of an app's JSON: `meta.total`, `emails[0].value`, `groupid | group`.

A path is keys joined by dots. `[0]` takes an item of a list, from its end where it is negative;
`["odd key"]` or `['a.b']` takes a key that holds a dot, a bracket or a bar (`\` escapes a quote).
Alternatives are separated by ` | `, and the first that leads to a value other than null is taken.
Vendors rename and retype; a path that leads nowhere, or is no path, is None.

A leading `response.` or `response[` stands for the value that is read, as `response` does in
templates, and is dropped: `response.email` is `email`. A key of that name is reached by
`response.response`, or by `response` alone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LONGEST_PATH = 300
"""Characters of a path."""

_PLAIN = re.compile(r"[^.\[\]|\s]+(?: +[^.\[\]|\s]+)*")
_KEY = re.compile(r"[^.\[\]|]+")
_INDEX = re.compile(r"\[\s*(-?[0-9]{1,6})\s*\]")
_QUOTED = re.compile(r"""\[\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*\]""", re.DOTALL)
_SPACES = re.compile(r"\s*")

Steps = tuple[str | int, ...]
"""Keys and indexes, one after the other."""


@dataclass(frozen=True, slots=True)
class BadPath:
    """Why text is no path, and at which of its characters, counted from 1."""

    message: str
    position: int


@lru_cache(maxsize=4096)
def parse(path: str) -> tuple[Steps, ...] | BadPath:
    """The alternatives of a path, each with the steps that lead to its value."""
    if len(path) > LONGEST_PATH:
        return BadPath(f"has {len(path)} characters; {LONGEST_PATH} may be", LONGEST_PATH + 1)
    options: list[Steps] = []
    at = 0
    while True:
        read_to = _option(path, at)
        if isinstance(read_to, BadPath):
            return read_to
        steps, at = read_to
        options.append(steps)
        if at == len(path):
            return tuple(options)
        at += 1  # the bar


def written(steps: Steps) -> str:
    """The path whose steps these are: keys that need it are quoted."""
    said: list[str] = []
    for step in steps:
        if isinstance(step, int):
            said.append(f"[{step}]")
        elif _PLAIN.fullmatch(step):
            said.append(f".{step}" if said else step)
        else:
            text = step.replace("\\", "\\\\").replace('"', '\\"')
            said.append(f'["{text}"]')
    prefixed = len(steps) > 1 and said[0] == "response"
    return "response." * prefixed + "".join(said)


def _option(path: str, start: int) -> tuple[Steps, int] | BadPath:
    """The steps of the alternative that begins at `start`, and where its bar or the end is."""
    at = _after_spaces(path, start)
    first = at
    steps: list[str | int] = []
    while True:
        step = _step(path, at, after_key=bool(steps))
        if isinstance(step, BadPath):
            return step
        key, at = step
        steps.append(key)
        end = _after_spaces(path, at)
        if end == len(path) or path[end] == "|":
            if len(steps) > 1 and path.startswith(("response.", "response["), first):
                del steps[0]
            return tuple(steps), end


def _step(path: str, at: int, *, after_key: bool) -> tuple[str | int, int] | BadPath:
    """The key or index at this character, and where it ends."""
    if path.startswith("[", at):
        return _bracketed(path, at)
    if path.startswith("]", at):
        return BadPath("has a ] without its [", at + 1)
    if after_key and not path.startswith(".", at):
        return BadPath("needs a dot before the next key", at + 1)
    at += after_key
    key = _KEY.match(path, at)
    if key is None or not key[0].strip():
        return BadPath("needs a key here", at + 1)
    end = key.end()
    last = end == len(path) or path[end] == "|"
    return key[0].rstrip() if last else key[0], end


def _bracketed(path: str, at: int) -> tuple[str | int, int] | BadPath:
    if index := _INDEX.match(path, at):
        return int(index[1]), index.end()
    if quoted := _QUOTED.match(path, at):
        text = quoted[1] if quoted[1] is not None else quoted[2]
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL), quoted.end()
    return BadPath('needs a whole number or a quoted key in [ ], such as [0] or ["a b"]', at + 1)


def _after_spaces(path: str, at: int) -> int:
    spaces = _SPACES.match(path, at)
    return spaces.end() if spaces else at


@lru_cache(maxsize=4096)
def _alternatives(path: str) -> tuple[Steps, ...]:
    parsed = parse(path)
    return () if isinstance(parsed, BadPath) else parsed


def read(value: Any, path: str) -> Any:
    """The value at `path` in decoded JSON, or None where nothing is there."""
    for steps in _alternatives(path):
        found = value
        for step in steps:
            found = found.get(step) if isinstance(found, dict) else _inside(found, step)
            if found is None:
                break
        if found is not None:
            return found
    return None


def _inside(value: Any, step: str | int) -> Any:
    """What a step finds in a value that is no dict."""
    if isinstance(step, int):
        inside = isinstance(value, list) and -len(value) <= step < len(value)
        return value[step] if inside else None
    return value.get(step) if isinstance(value, Mapping) else None


def text(value: Any) -> str | None:
    """An id or a name as text: vendors send the same one as a string or as a number.

    Empty text, objects, lists and booleans name nothing and are None.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def number(value: Any) -> int | None:
    """A total as a whole number of 0 or more, from `21` or `"21"`; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return None


def truth(value: Any) -> bool | None:
    """A yes or no from true, 1, "1", "true" and their opposites; None for anything else."""
    if isinstance(value, str):
        return {"1": True, "true": True, "0": False, "false": False}.get(value.strip().lower())
    if isinstance(value, bool | int):
        return {0: False, 1: True}.get(int(value))
    return None


def moment(value: Any) -> str | None:
    """A point in time as the app sent it; MySQL's zero date (`0000-00-00 …`) is no time at all."""
    if not isinstance(value, str) or not value.strip() or value.startswith("0000-00-00"):
        return None
    return value
