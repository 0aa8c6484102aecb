"""From a preset and what is overridden of it to the exact request. Pure.

Compiling refuses what no data could mend, with its place; rendering says which input is at fault
for these data. Beside the request stands what may be shown of it: where a template speaks of a
secret, there is `(secret)`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rollcall.connectors.presets import Preset
from rollcall.mapping import values
from rollcall.mapping.templates import Failed, Refused, Template, compile_template
from rollcall.mapping.tokens import NotAllowedError, read
from rollcall.sync.masking import MASK

NAMES = frozenset({"inputs", "external_id", "reads", "person", "account", "variables"})
"""What a template of a request may use."""
ANSWER_NAMES = NAMES | {"response"}
LARGEST = 100_000
"""Bytes of a body as it is written, with its templates."""
_TEMPLATE = re.compile(r"\{[{%#]")
_NAMED = re.compile(r"\binputs\s*(?:\.\s*|\[\s*['\"])([a-z][a-z0-9_]*)")
_MAKES_SECRET = re.compile(r"\brandom_password\b")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "cookie", "authorization",
     "x-http-method-override", "x-http-method", "x-method-override"}
)  # fmt: skip
"""What HTTP itself or the credential says, and what makes another request of one."""

Made = tuple[Any, Any]
"""A value, and what may be shown of it. None is not sent."""
Render = Callable[[Mapping[str, Any]], Made]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: an input, or a place such as `overrides.body.user.email`."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the app; `url` is below the API's path, with its query in `params`."""

    method: str
    url: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Rendered:
    """A request, and what may be shown of it."""

    request: Request
    shown: Request


class Rejected(Exception):  # noqa: N818 - an outcome on its way
    """Carries a fault out of the walk, and no further than this module."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(field, message)


class Plan:
    """A preset, with what is overridden of it, ready to be rendered for many users."""

    def __init__(self, preset: Preset, overrides: Mapping[str, Any], origin: str) -> None:
        """Use `compiled`. Raises Rejected."""
        secrets = frozenset(one.key for one in preset.inputs if one.secret)
        compiler = _Compiler(secrets)

        def part(name: str, own: Any) -> tuple[Any, str]:
            return (overrides[name], f"overrides.{name}") if name in overrides else (own, name)

        self.method = _method(*part("method", preset.method))
        url, place = part("url", preset.path)
        self._url = compiler.url(_below(url, origin, place), place)
        headers, place = part("headers", preset.headers)
        self._headers = compiler.tree(_headers(headers, place), place)
        params, place = part("params", preset.params)
        self._params = compiler.tree(_mapping(params, place), place)
        body, place = part("body", preset.body)
        if len(json.dumps(body)) > LARGEST:
            raise Rejected(place, f"has more than {LARGEST} bytes")
        self._body = compiler.tree(body, place)
        self.fields = compiler.fields
        self._hides_headers = "headers" in overrides

    def render(self, context: Mapping[str, Any]) -> Rendered | Fault:
        """The request for these data: one value for each of NAMES."""
        try:
            url, shown_url = self._url(context)
            headers, shown_headers = self._headers(context)
            params, shown_params = self._params(context)
            body, shown_body = self._body(context)
        except Rejected as rejected:
            return rejected.fault
        if self._hides_headers:
            # What somebody wrote by hand into a header may be a key.
            shown_headers = dict.fromkeys(shown_headers, MASK)
        return Rendered(
            Request(self.method, url, _texts(headers), _texts(params), body),
            Request(
                self.method, shown_url, _texts(shown_headers), _texts(shown_params), shown_body
            ),
        )


def compiled(preset: Preset, overrides: Mapping[str, Any], origin: str) -> Plan | Fault:
    """The preset with these parts in place of its own: method, url, headers, params, body.

    A `url` is a path below the API's, or an address at `origin`, where the credential belongs.
    """
    try:
        return Plan(preset, overrides, origin)
    except Rejected as rejected:
        return rejected.fault


def rendered_path(path: str, context: Mapping[str, Any]) -> str | Fault:
    """A path with its expressions, each quoted and none of them empty."""
    try:
        return str(_Compiler(frozenset()).url(path, "path")(context)[0])
    except Rejected as rejected:
        return rejected.fault


def compiled_tree(data: Any, place: str, names: frozenset[str] = ANSWER_NAMES) -> "Tree | Fault":
    """JSON whose texts may be templates, such as a response mapping."""
    try:
        return Tree(_Compiler(frozenset(), names).tree(data, place))
    except Rejected as rejected:
        return rejected.fault


@dataclass(frozen=True, slots=True)
class Tree:
    """JSON with templates, compiled."""

    _render: Render

    def value(self, context: Mapping[str, Any]) -> Any:
        """The JSON for these data, or a Fault."""
        try:
            return self._render(context)[0]
        except Rejected as rejected:
            return rejected.fault


class _Compiler:
    def __init__(self, secrets: frozenset[str], names: frozenset[str] = NAMES) -> None:
        self._secrets = secrets
        self._names = names
        self.fields: dict[str, str] = {}
        """Inputs by the last key of where the body has them, to read an app's complaints by."""

    def tree(self, data: Any, place: str) -> Render:
        """JSON whose texts may be templates. An entry that comes out as null is left out."""
        if isinstance(data, str):
            return self._text(data, place)
        if isinstance(data, Mapping):
            parts = {key: self.tree(value, f"{place}.{key}") for key, value in data.items()}
            return lambda context: _together({key: one(context) for key, one in parts.items()})
        if isinstance(data, list | tuple):
            items = [self.tree(value, f"{place}.{index}") for index, value in enumerate(data)]

            def several(context: Mapping[str, Any]) -> Made:
                made = [one(context) for one in items]
                kept = [pair for pair in made if pair[0] is not None]
                return [real for real, _ in kept], [shown for _, shown in kept]

            return several
        return lambda _context: (data, data)

    def url(self, source: str, place: str) -> Render:
        """A path whose expressions are quoted, each of them, and never empty."""
        pieces = [self._piece(piece, place) for piece in _pieces(source, place)]

        def made(context: Mapping[str, Any]) -> Made:
            parts = [piece(context) for piece in pieces]
            return "".join(real for real, _ in parts), "".join(shown for _, shown in parts)

        return made

    def _piece(self, piece: str, place: str) -> Render:
        if not _TEMPLATE.search(piece):
            return lambda _context: (piece, piece)
        text = self._text(piece, place)
        field = _input_of(piece) or place

        def made(context: Mapping[str, Any]) -> Made:
            real, shown = text(context)
            real = values.text(real)
            if real.strip() in ("", ".", ".."):
                raise Rejected(field, f"{piece.strip()} is empty, and the path needs it")
            return quote(real, safe=""), MASK if shown == MASK else quote(real, safe="")

        return made

    def _text(self, source: str, place: str) -> Render:
        if not _TEMPLATE.search(source):
            return lambda _context: (source, source)
        template = _template(source, place, self._names)
        field = _input_of(source)
        if field is not None:
            self.fields.setdefault(place.rpartition(".")[2], field)
        named = set(_NAMED.findall(source))
        secret = bool(named & self._secrets or _MAKES_SECRET.search(source))

        def made(context: Mapping[str, Any]) -> Made:
            value = template.value(context)
            if isinstance(value, Failed):
                raise Rejected(field or place, value.message)
            return value, MASK if secret and value is not None else value

        return made


def _template(source: str, place: str, names: frozenset[str]) -> Template:
    template = compile_template(source, names)
    if isinstance(template, Refused):
        at = f" (line {template.line}, column {template.column})"
        raise Rejected(place, template.message + at)
    return template


def _input_of(source: str) -> str | None:
    """The one input that a template speaks of."""
    named = set(_NAMED.findall(source))
    return named.pop() if len(named) == 1 else None


def _together(parts: Mapping[str, Made]) -> Made:
    kept = {key: pair for key, pair in parts.items() if pair[0] is not None}
    return {key: pair[0] for key, pair in kept.items()}, {
        key: pair[1] for key, pair in kept.items()
    }


def _pieces(source: str, place: str) -> list[str]:
    """Text and expressions by turns."""
    pieces: list[str] = []
    start = 0
    try:
        for at, kind, value in read(source):
            if kind == "variable_begin":
                start = at
            elif kind == "variable_end":
                pieces.append(source[start : at + len(value)])
            elif kind == "data":
                pieces.append(value)
            elif kind in ("block_begin", "comment_begin", "raw_begin"):
                raise Rejected(place, "may hold {{ expressions }} only")
    except NotAllowedError as error:
        raise Rejected(place, f"{error.message} (column {error.at + 1})") from None
    return pieces


def _method(value: Any, place: str) -> str:
    if value not in _METHODS:
        raise Rejected(place, f"must be one of {', '.join(sorted(_METHODS))}")
    return str(value)


def _below(url: Any, origin: str, place: str) -> str:
    """The path and query below the API's own path."""
    if not isinstance(url, str) or not url:
        raise Rejected(place, "must be text")
    path = url.removeprefix(origin) if url.startswith(f"{origin}/") else url
    literal = re.sub(r"\{\{.*?\}\}", "x", path, flags=re.DOTALL)
    if not path.startswith("/") or path.startswith("//"):
        raise Rejected(place, f"must begin with / or with {origin}/, where the credential belongs")
    if any(
        part in (".", "..") for part in re.split(r"[/?#\\]", literal.lower().replace("%2e", "."))
    ):
        raise Rejected(place, "must not lead upwards")
    if "#" in literal or "\\" in literal or not literal.isprintable() or " " in literal:
        raise Rejected(place, "must be a URL's path, with a query or without")
    return path


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Rejected(place, "must be an object")
    return value


def _headers(value: Any, place: str) -> Mapping[str, Any]:
    headers = _mapping(value, place)
    for name, inner in headers.items():
        if name.lower() in _OWN_HEADERS:
            raise Rejected(f"{place}.{name}", "is not to be overridden")
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", name):
            raise Rejected(f"{place}.{name}", "is no name of a header")
        if not isinstance(inner, str):
            raise Rejected(f"{place}.{name}", "must be text")
    return headers


def _texts(made: Mapping[str, Any]) -> dict[str, str]:
    return {name: values.text(value) for name, value in made.items()}
