"""The page on manifests has every key of the schema, with its type and its default."""

import re
from collections.abc import Mapping as AnyMapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from rollcall.connectors import manifest, presets

PAGE = Path(__file__).resolve().parents[3] / "docs/guide/add-an-app.md"
PARTS = {
    "Manifest": "The manifest",
    "Address": "address",
    "Auth": "auth",
    "Rate": "rate_limit",
    "Probe": "test",
    "Users": "users",
    "Paging": "paging",
    "One": "one and detail",
    "Find": "find",
    "Joined": "joined",
    "Columns": "columns",
    "Listed": "listed",
    "Flagged": "flagged",
    "Groups": "groups",
    "Admins": "admins",
    "Memberships": "memberships",
    "ByUser": "by_user",
    "Error": "errors",
    "Field": "fields",
    "Target": "mapping",
    "Preset": "presets",
    "Input": "inputs",
    "Read": "reads",
    "Said": "says",
    "Rows": "rows",
    "Protected": "protected",
}
"""The title of each part of the schema on the page."""
SCHEMA = {
    name: kind
    for name, kind in {**vars(manifest), **vars(presets)}.items()
    if isinstance(kind, type) and is_dataclass(kind)
}
WORDS: dict[Any, str] = {str: "text", int: "number", float: "number", bool: "true or false"}


def keys_of(kind: Any) -> list[str]:
    return [one.name for one in fields(kind)]


def kind_of(kind: Any, key: str) -> str:
    return said(get_type_hints(kind)[key])


def said(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner if one)
    if origin is tuple:
        return f"list of {said(inner[0])}"
    if origin in (Union, UnionType):
        parts = dict.fromkeys(said(part) for part in inner if part is not type(None))
        return ", ".join(parts)
    if origin is AnyMapping:
        return "object"
    if is_dataclass(hint):
        title = PARTS[hint.__name__]  # type: ignore[union-attr]
        return f"[{title}](#{title.lower().replace(' ', '-')})"
    return WORDS[hint]


def default_of(kind: Any, key: str) -> str:
    field = next(one for one in fields(kind) if one.name == key)
    default = field.default
    if default is MISSING:
        return "needed" if field.default_factory is MISSING else "none"
    if is_dataclass(default) or default in (None, "", ()):
        return "none"
    return f"`{default}`" if isinstance(default, str) else f"`{default}`".lower()


@pytest.mark.parametrize("name", PARTS)
def test_every_key_is_on_the_page_with_its_type_and_default(name: str) -> None:
    title = re.escape(PARTS[name])
    found = re.search(
        rf"^### {title}\n(.*?)(?=^##|\Z)",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in found[1].splitlines()
        if line.startswith("| `")
    ]
    kind = SCHEMA[name]
    wanted = [[f"`{key}`", kind_of(kind, key), default_of(kind, key)] for key in keys_of(kind)]
    assert [row[:3] for row in rows] == wanted
    assert all(row[3] for row in rows)


def test_every_part_of_the_schema_has_a_title() -> None:
    assert set(SCHEMA) == set(PARTS)
