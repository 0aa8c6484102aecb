"""The form of every value in a manifest: what it may be by itself, whoever wrote it.

`FORMS` has one entry for each value that no type says all about; a test holds that none is missing.
A form gives what is wrong, in words that follow the value's path, or None.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import unquote

from rollcall.connectors import manifest as m
from rollcall.connectors import paths
from rollcall.connectors import presets as p
from rollcall.integrations.variables import is_name

Form = Callable[[Any], str | None]

RESERVED_KEYS = frozenset({"connectors", "manifest", "versions", "new", "none", "null"})
MOST_FIELDS = 200
MOST_ROWS = 50
"""Entries of every other list."""
_LONGEST_PATH = 300
_LONGEST_TEMPLATE = 4000
_LARGEST_NUMBER = 10**15

_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")
_FIELD_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FIELD_KEY_SAYS = "must be lower case letters, digits and _, a letter first, at most 64"
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
_PARAMETER = re.compile(r"[A-Za-z0-9_$@.:\[\]-]{1,100}")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@{}-]|%[0-9A-Fa-f]{2})+")


def _text(most: int, *, least: int = 1) -> Form:
    def form(value: str) -> str | None:
        if not least <= len(value) <= most:
            return f"must have {least} to {most} characters"
        return None if value.isprintable() else "must not hold a control character"

    return form


def _number(least: int, most: int) -> Form:
    def form(value: int) -> str | None:
        return None if least <= value <= most else f"must be {least} to {most}"

    return form


def _matching(pattern: re.Pattern[str], says: str, *, optional: bool = False) -> Form:
    def form(value: str) -> str | None:
        return None if pattern.fullmatch(value) or (optional and not value) else says

    return form


def _data_path(*, optional: bool = False) -> Form:
    def form(value: str) -> str | None:
        if not value:
            return None if optional else "must not be empty"
        if not value.isprintable():
            return "must not hold a control character"
        bad = paths.parse(value)
        if not isinstance(bad, paths.BadPath):
            return None
        return f"is no path: at character {bad.position} it {bad.message}"

    return form


def _url_path(placeholder: str = "", *, optional: bool = False) -> Form:
    """A path below the API's; `placeholder` must be in it once."""

    def form(value: str) -> str | None:
        if optional and not value:
            return None
        if not value.startswith("/"):
            return "must start with /"
        if placeholder and value.count(placeholder) != 1:
            return f"must hold {placeholder} once"
        if "{" in (rest := value.replace(placeholder, "") if placeholder else value) or "}" in rest:
            return "must not hold { or }" + (f" but in {placeholder}" if placeholder else "")
        return _segments(value)

    return form


def _segments(path: str) -> str | None:
    segments = path[1:].removesuffix("/").split("/") if path != "/" else []
    if len(path) > _LONGEST_PATH or not all(map(_SEGMENT.fullmatch, segments)):
        return f"must be a URL's path without a query, {_LONGEST_PATH} characters at most, no //"
    if any(unquote(segment) in (".", "..") for segment in segments):
        return "must not lead upwards"
    return None


def _api_path(value: str) -> str | None:
    if value.endswith("/"):
        return "must not end with /: every other path begins with one"
    return _url_path(optional=True)(value)


def _connector_key(value: str) -> str | None:
    if value in RESERVED_KEYS:
        return f"must not be {value!r}"
    return _matching(_KEY, "must be lower case letters, digits and _, at most 41")(value)


def _variable(value: str) -> str | None:
    if not value or is_name(value):
        return None
    return "must be letters, digits, _ . and -, a letter first, at most 100"


def _template(value: str) -> str | None:
    if len(value) > _LONGEST_TEMPLATE:
        return f"must have at most {_LONGEST_TEMPLATE} characters"
    plain = value.replace("\n", "").replace("\t", "")
    return None if plain.isprintable() else "must not hold a control character"


def _parameter(value: Any) -> str | None:
    if isinstance(value, str):
        return _template(value)
    return "must be text, a number, true or false" if isinstance(value, Mapping | list) else None


def _any_json(_value: Any) -> None:
    """Of a body nothing is said but what its templates are: `check_presets` compiles them."""


def _default(value: Any) -> str | None:
    return None if value is None or isinstance(value, bool) else _constant(value)


def _constant(value: str | float) -> str | None:
    if isinstance(value, str):
        return _text(1000, least=0)(value)
    return None if abs(value) <= _LARGEST_NUMBER else f"must be at most {_LARGEST_NUMBER}"


_PATH, _MAYBE = _data_path(), _data_path(optional=True)
_LIST, _BY_ID = _url_path(), _url_path("{id}")
_QUERY_NAME = _matching(_PARAMETER, "must be the name of a parameter", optional=True)

FORMS: Mapping[tuple[type, str], Form] = {
    (m.Manifest, "key"): _connector_key,
    (m.Manifest, "name"): _text(100),
    (m.Manifest, "description"): _text(500, least=0),
    (m.Address, "path"): _api_path,
    (m.Address, "subdomain_url"): _text(300, least=0),
    (m.Address, "variable"): _variable,
    (m.Address, "base_url"): _text(300, least=0),
    (m.Auth, "name"): _text(100),
    (m.Rate, "requests"): _number(1, 10_000),
    (m.Rate, "seconds"): _number(1, 3600),
    (m.Rate, "in_flight"): _number(1, 20),
    (m.Probe, "path"): _LIST,
    (m.Probe, "identity"): _PATH,
    (m.Probe, "id"): _MAYBE,
    (m.Paging, "size"): _number(0, 1000),
    (m.Paging, "size_parameter"): _QUERY_NAME,
    (m.Paging, "position_parameter"): _QUERY_NAME,
    (m.Paging, "first"): _number(0, 1000),
    (m.Paging, "next"): _MAYBE,
    (m.One, "path"): _BY_ID,
    (m.One, "record"): _MAYBE,
    (m.Find, "path"): lambda value: (_url_path("{email}") if "{" in value else _LIST)(value),
    (m.Find, "record"): _MAYBE,
    (m.Find, "parameter"): _QUERY_NAME,
    (m.Joined, "into"): _matching(
        _PLAIN_KEY, "must be letters, digits and _, no digit first, at most 41"
    ),
    (m.Joined, "path"): _LIST,
    (m.Joined, "records"): _MAYBE,
    (m.Joined, "key"): _PATH,
    (m.Joined, "on"): _PATH,
    (m.Joined, "total"): _MAYBE,
    (m.Columns, "email"): _PATH,
    (m.Columns, "display_name"): _PATH,
    (m.Columns, "username"): _MAYBE,
    (m.Columns, "enabled"): _MAYBE,
    (m.Columns, "last_active_at"): _MAYBE,
    (m.Listed, "each"): _PATH,
    (m.Listed, "id"): _PATH,
    (m.Listed, "name"): _PATH,
    (m.Listed, "scope"): _MAYBE,
    (m.Listed, "scope_name"): _MAYBE,
    (m.Listed, "none"): _text(200),
    (m.Flagged, "when"): _PATH,
    (m.Flagged, "id"): _text(200),
    (m.Flagged, "name"): _text(200),
    (m.Users, "path"): _LIST,
    (m.Users, "records"): _MAYBE,
    (m.Users, "id"): _PATH,
    (m.Users, "total"): _MAYBE,
    (m.Users, "owners"): _text(200),
    (m.Admins, "ids"): _text(200),
    (m.Admins, "names"): _text(200),
    (m.Groups, "path"): _LIST,
    (m.Groups, "records"): _MAYBE,
    (m.Groups, "id"): _PATH,
    (m.Groups, "name"): _PATH,
    (m.Groups, "total"): _MAYBE,
    (m.ByUser, "path"): _BY_ID,
    (m.ByUser, "records"): _MAYBE,
    (m.Memberships, "path"): _BY_ID,
    (m.Memberships, "records"): _MAYBE,
    (m.Memberships, "account"): _PATH,
    (m.Memberships, "group"): _MAYBE,
    (m.Memberships, "total"): _MAYBE,
    (m.Error, "status"): _number(400, 599),
    (m.Error, "contains"): _text(300),
    (m.Field, "key"): _matching(_FIELD_KEY, _FIELD_KEY_SAYS),
    (m.Field, "name"): _text(100),
    (m.Field, "path"): _PATH,
    (m.Target, "target"): _text(100),
    (m.Target, "source"): _MAYBE,
    (m.Target, "template"): _template,
    (m.Target, "value"): _constant,
    (m.Target, "sync_key"): _number(0, 20),
    (p.Input, "key"): _matching(_FIELD_KEY, _FIELD_KEY_SAYS),
    (p.Input, "name"): _text(100),
    (p.Input, "default"): _default,
    (p.Input, "help"): _text(500, least=0),
    (p.Input, "choices"): _text(200),
    (p.Read, "name"): _matching(_FIELD_KEY, _FIELD_KEY_SAYS),
    (p.Read, "path"): _text(_LONGEST_PATH),
    (p.Read, "at"): _MAYBE,
    (p.Said, "status"): _number(400, 599),
    (p.Said, "contains"): _text(300),
    (p.Rows, "each"): _MAYBE,
    (p.Rows, "read"): _text(64, least=0),
    (p.Rows, "columns"): _PATH,
    (p.Rows, "constants"): _text(200, least=0),
    (p.Rows, "gathered"): _text(100),
    (p.Preset, "key"): _matching(_FIELD_KEY, _FIELD_KEY_SAYS),
    (p.Preset, "name"): _text(100),
    (p.Preset, "path"): _text(_LONGEST_PATH),
    (p.Preset, "description"): _text(500, least=0),
    (p.Preset, "headers"): _template,
    (p.Preset, "params"): _parameter,
    (p.Preset, "body"): _any_json,
    (p.Preset, "needless"): _template,
    (p.Preset, "expects"): _template,
    (p.Preset, "looks_for"): _template,
    (p.Preset, "id"): _MAYBE,
    (p.Preset, "response"): _MAYBE,
    (p.Protected, "path"): _BY_ID,
    (p.Protected, "when"): _template,
}

KEYS: Mapping[tuple[type, str], Form] = {
    (p.Preset, "params"): _matching(_PARAMETER, "must be the name of a parameter"),
    (p.Preset, "body"): _text(100),
    (p.Rows, "columns"): _text(100),
    (p.Rows, "constants"): _text(100),
    (p.Rows, "gathered"): _text(100),
}
"""The form of the keys where a value has names of its own."""


def faults(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The path of every value in a manifest, or a part of one, that has not its form, and why."""
    for field in fields(value):
        place = f"{path}.{field.name}" if path else field.name
        inner = getattr(value, field.name)
        kind = (type(value), field.name)
        most = MOST_FIELDS if kind == (m.Manifest, "fields") else MOST_ROWS
        if isinstance(inner, tuple | Mapping) and len(inner) > most:
            yield place, f"must have at most {most} entries"
            continue
        form = FORMS.get(kind)
        for where, row in _rows(inner, place):
            if is_dataclass(row):
                yield from faults(row, where)
            elif form is not None and (fault := form(row)) is not None:
                yield where, fault
        if kind in KEYS:
            for key in inner or ():
                if (fault := KEYS[kind](key)) is not None:
                    yield place, f"{key!r} {fault}"


def _rows(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The values that a value has inside, or itself, each with its path."""
    if isinstance(value, tuple):
        yield from ((f"{place}.{number}", row) for number, row in enumerate(value))
    elif isinstance(value, Mapping):
        yield from ((f"{place}.{key}", row) for key, row in value.items())
    else:
        yield place, value
