"""The workflows that come with Rollcall: every file in `library/`, installed with one call.

A file has the document and its parameters. Where the document says `${tell}`, as a whole value and
never within a text, the parameter's value stands when it is installed; so nothing of it is taken
for a template. An entry of a list with `only_with: aha` is there only if that parameter is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from rollcall.mapping.problems import Problem, near
from rollcall.workflows.document import Document, parsed

_FOLDER = Path(__file__).parent / "library"
_ONLY_WITH = "only_with"

ParameterType = Literal["integration", "integrations", "emails", "text", "choice", "json"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What is asked when a workflow is installed.

    `connector` is the one that the integrations must be of. One that is neither required nor given
    is its `default`.
    """

    key: str
    name: str
    type: ParameterType
    required: bool = False
    default: Any = None
    connector: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shipped:
    """A workflow that comes with Rollcall; `document` still has its parameters' places."""

    key: str
    name: str
    description: str
    parameters: tuple[Parameter, ...]
    document: Mapping[str, Any]

    @classmethod
    def from_file(cls, file: Path) -> "Shipped":
        """Read a file; a TypeError or a KeyError names what is missing."""
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        parameters = tuple(
            Parameter(**{**one, "choices": tuple(one.get("choices", ()))})
            for one in data["parameters"]
        )
        document = {"name": data["name"], "description": data["description"], **data["document"]}
        return cls(file.stem, data["name"], data["description"], parameters, document)


@cache
def find(key: str) -> Shipped | None:
    """The workflow of that key, or None."""
    files = {file.stem: file for file in _FOLDER.glob("*.yaml")}
    return Shipped.from_file(files[key]) if key in files else None


def everything() -> list[Shipped]:
    """Every workflow that comes with Rollcall, by key."""
    found = (find(file.stem) for file in sorted(_FOLDER.glob("*.yaml")))
    return [shipped for shipped in found if shipped is not None]


def installed(key: str, parameters: Mapping[str, Any]) -> dict[str, Any] | list[Problem]:
    """The document with these parameters, to be kept as a draft; or everything wrong with them, by
    path (`parameters.tell`). Raises KeyError where `find` finds nothing.
    """
    shipped = find(key)
    if shipped is None:
        raise KeyError(key)
    values: dict[str, Any] = {}
    found = []
    known = {one.key: one for one in shipped.parameters}
    for name in parameters.keys() - known.keys():
        has = ", ".join(known)
        found.append(Problem(f"parameters.{name}", f"is none of {has}{near(name, known)}"))
    for name, one in known.items():
        value = parameters.get(name)
        values[name] = one.default if value is None else value
        fault = _fault(one, value)
        if fault is not None:
            found.append(Problem(f"parameters.{name}", fault))
    if found:
        return sorted(found, key=lambda problem: problem.path)
    document = {**_filled(shipped.document, values)}
    read = parsed(document)
    return document if isinstance(read, Document) else read


def _fault(one: Parameter, value: Any) -> str | None:
    """Why the parameter cannot be this."""
    if value is None:
        return "is required" if one.required else None
    match one.type:
        case "json":
            return None
        case "choice":
            fits = value in one.choices
            return None if fits else f"must be one of {', '.join(one.choices)}"
        case "integration" | "text":
            fits = isinstance(value, str) and bool(value.strip())
            return None if fits else "must be text, and not empty"
        case "integrations" | "emails":
            what = "ids" if one.type == "integrations" else "addresses"
            fits = isinstance(value, list) and all(isinstance(inner, str) for inner in value)
            if not fits or (one.required and not value):
                return f"must be a list of {what}"
            return None


def _filled(data: Any, values: Mapping[str, Any]) -> Any:
    """The data with each parameter in its place. What a parameter says is not looked into."""
    match data:
        case str() if data.startswith("${") and data.endswith("}"):
            return values[data[2:-1]]
        case Mapping():
            return {key: _filled(inner, values) for key, inner in data.items()}
        case list():
            return [
                _filled(_without_mark(inner), values) for inner in data if _is_there(inner, values)
            ]
        case _:
            return data


def _is_there(inner: Any, values: Mapping[str, Any]) -> bool:
    mark = inner.get(_ONLY_WITH) if isinstance(inner, Mapping) else None
    return mark is None or bool(values[mark])


def _without_mark(inner: Any) -> Any:
    if not isinstance(inner, Mapping):
        return inner
    return {key: value for key, value in inner.items() if key != _ONLY_WITH}
