"""What is wrong with a mapping or a filter, and where: values that the checks hand back."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from rollcall.connectors import paths
from rollcall.mapping.comparing import cut

_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is (`mapping.fields.0.target`) and what is wrong there, in words that
    follow the path.
    """

    path: str
    message: str


def unknown_properties(
    data: Mapping[str, Any], known: Collection[str], path: str
) -> Iterator[Problem]:
    """The properties that mean nothing here."""
    for name in data:
        if name not in known:
            said = f"is no property here; they are {', '.join(known)}"
            yield Problem(f"{path}.{cut(str(name), _LONGEST_SHOWN)}", said + near(name, known))


def added_sources(mapping_data: Any) -> set[str]:
    """The keys of the sources that a mapping adds, whatever JSON it is."""
    added = mapping_data.get("sources") if isinstance(mapping_data, dict) else None
    keys = (
        source.get("key") if isinstance(source, dict) else None
        for source in (added if isinstance(added, list) else ())
    )
    return {key for key in keys if isinstance(key, str)}


def gone_problem(source: Any, where: str) -> Problem:
    """A source that the mapping added until now: as a path, it would lead nowhere unnoticed."""
    said = f"{source!r} is no source any more: add it, or write response.{source} for the path"
    return Problem(where, said)


def path_problem(path: Any, where: str) -> Problem | None:
    """Why text is no path into the app's record. A template would be one, and lead nowhere."""
    if not isinstance(path, str):
        return Problem(where, "must be text")
    if "{{" in path or "{%" in path:
        return Problem(
            where, "is a template, and a path is wanted: a template has a property of its own"
        )
    bad = paths.parse(path)
    if isinstance(bad, paths.BadPath):
        return Problem(where, f"is no path: it {bad.message} (at character {bad.position})")
    return None


def near(name: Any, known: Collection[str]) -> str:
    """`; did you mean email?` where a known name is like this one."""
    if not isinstance(name, str) or len(name) > _LONGEST_SHOWN:
        return ""
    found = get_close_matches(name, known, n=1, cutoff=0.75)
    return f"; did you mean {found[0]}?" if found else ""


def shown(value: Any) -> str:
    """A value in a message: text quoted and short, what is large only by its kind."""
    match value:
        case str():
            return repr(cut(value, _LONGEST_SHOWN))
        case dict():
            return "an object"
        case list():
            return "a list"
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case _:
            return cut(str(value), _LONGEST_SHOWN)
