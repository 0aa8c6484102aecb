"""JSON, and paths of an app, that hold templates: read once, rendered for many users. Pure.

Reading refuses what no data could mend; rendering says which input is at fault for these data.
Both carry a Fault out with Rejected, which whoever reads or renders turns into a value.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, unquote

from rollcall.connectors.presets import ANSWER_NAMES, NAMES
from rollcall.mapping import values
from rollcall.mapping.templates import Failed, Refused, Template, compile_template
from rollcall.mapping.tokens import NotAllowedError, read
from rollcall.sync.masking import MASK

_TEMPLATE = re.compile(r"\{[{%#]")
_NAMED = r"\b%s\b(?:\s*\.\s*([A-Za-z_]\w*)|\s*\[\s*(['\"])([A-Za-z_]\w*)\2\s*\])?"
_USES = {name: re.compile(_NAMED % name) for name in ("inputs", "reads")}
_MAKES_SECRET = re.compile(r"\brandom_password\b")
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


class Rejected(Exception):  # noqa: N818 - an outcome on its way
    """Carries a fault out of the walk."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(field, message)


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


def compiled_tree(data: Any, place: str, names: frozenset[str] = ANSWER_NAMES) -> Tree | Fault:
    """JSON whose texts may be templates, such as a response mapping."""
    try:
        return Tree(Compiler(frozenset(), names).tree(data, place))
    except Rejected as rejected:
        return rejected.fault


def rendered_path(path: str, context: Mapping[str, Any]) -> str | Fault:
    """A path with its expressions, each quoted and none of them empty."""
    try:
        return str(Compiler(frozenset()).url(path, "path")(context)[0])
    except Rejected as rejected:
        return rejected.fault


def is_template(source: str) -> bool:
    """Does the text hold a template?"""
    return _TEMPLATE.search(source) is not None


def used(source: str, name: Literal["inputs", "reads"]) -> frozenset[str | None]:
    """The keys of `inputs` or `reads` that a template speaks of; None among them: all of them."""
    return frozenset(found[1] or found[3] for found in _USES[name].finditer(source))


class Compiler:
    """Reads the parts of one request. `secrets` are the inputs of which nothing may be shown."""

    def __init__(self, secrets: frozenset[str], names: frozenset[str] = NAMES) -> None:
        self._secrets = secrets
        self._names = names
        self.fields: dict[str, str] = {}
        """Inputs by the last key of where the body has them, those of the path by their own: to
        read an app's complaints by."""

    def tree(self, data: Any, place: str) -> Render:
        """JSON whose texts may be templates. An entry that comes out as null is left out."""
        if isinstance(data, str):
            if (field := _input_of(data)) is not None:
                self.fields.setdefault(place.rpartition(".")[2], field)
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
            url = "".join(real for real, _ in parts)
            if _leads_up(url):
                raise Rejected(place, "must not lead upwards")
            return url, "".join(shown for _, shown in parts)

        return made

    def _piece(self, piece: str, place: str) -> Render:
        if not is_template(piece):
            return lambda _context: (piece, piece)
        text = self._text(piece, place)
        named = _input_of(piece)
        field = named or place
        if named is not None:
            self.fields.setdefault(named, named)

        def made(context: Mapping[str, Any]) -> Made:
            real, shown = text(context)
            real = values.text(real)
            if real.strip() in ("", ".", ".."):
                raise Rejected(field, f"{piece.strip()} is empty, and the path needs it")
            return quote(real, safe=""), MASK if shown == MASK else quote(real, safe="")

        return made

    def _text(self, source: str, place: str) -> Render:
        if not is_template(source):
            return lambda _context: (source, source)
        template = _template(source, place, self._names)
        field = _input_of(source)
        secret = self._is_secret(source)

        def made(context: Mapping[str, Any]) -> Made:
            value = template.value(context)
            if isinstance(value, Failed):
                raise Rejected(field or place, value.message)
            return value, MASK if secret and value is not None else value

        return made

    def _is_secret(self, source: str) -> bool:
        named = used(source, "inputs")
        whole = None in named and bool(self._secrets)
        return whole or bool(named & self._secrets or _MAKES_SECRET.search(source))


def _template(source: str, place: str, names: frozenset[str]) -> Template:
    template = compile_template(source, names)
    if isinstance(template, Refused):
        at = f" (line {template.line}, column {template.column})"
        raise Rejected(place, template.message + at)
    return template


def _input_of(source: str) -> str | None:
    """The one input that a template speaks of."""
    if not is_template(source):
        return None
    named = used(source, "inputs")
    return next(iter(named)) if len(named) == 1 else None


def _together(parts: Mapping[str, Made]) -> Made:
    kept = {key: pair for key, pair in parts.items() if pair[0] is not None}
    return {key: pair[0] for key, pair in kept.items()}, {
        key: pair[1] for key, pair in kept.items()
    }


def _pieces(source: str, place: str) -> list[str]:
    """Text and expressions by turns."""
    pieces: list[str] = []
    begun: int | None = None
    try:
        for at, kind, value in read(source):
            if kind == "variable_begin":
                begun = at
            elif kind == "variable_end":
                pieces.append(source[begun : at + len(value)])
                begun = None
            elif kind == "data":
                pieces.append(value)
            elif kind in ("block_begin", "comment_begin", "raw_begin"):
                raise Rejected(place, "may hold {{ expressions }} only")
    except NotAllowedError as error:
        raise Rejected(place, f"{error.message} (column {error.at + 1})") from None
    if begun is not None:
        raise Rejected(place, f"has a {{{{ without its }}}} (column {begun + 1})")
    return pieces


def below(url: Any, origin: str, place: str) -> str:
    """The path and query below the API's own path, of a path or an address at `origin`.

    With an empty `origin` it must be a path. Raises Rejected.
    """
    if not isinstance(url, str) or not url:
        raise Rejected(place, "must be text")
    path = url.removeprefix(origin) if url.startswith(f"{origin}/") else url
    if not path.startswith("/") or path.startswith("//"):
        other = f" or with {origin}/, where the credential belongs" if origin else ""
        raise Rejected(place, f"must begin with /{other}")
    literal = "".join("x" if is_template(piece) else piece for piece in _pieces(path, place))
    if _leads_up(literal.lower().replace("%2f", "/").replace("%5c", "/")):
        raise Rejected(place, "must not lead upwards")
    if re.search(r"[#\\ ]|%(?![0-9A-Fa-f]{2})", literal) or not literal.isprintable():
        raise Rejected(place, "must be a URL's path, with a query or without")
    return path


def _leads_up(path: str) -> bool:
    parts = re.split(r"[/?#\\]", path)
    return any(unquote(part).strip() in (".", "..") for part in parts)


def mapping_of(value: Any, place: str) -> Mapping[str, Any]:
    """The object that it must be. Raises Rejected."""
    if not isinstance(value, Mapping):
        raise Rejected(place, "must be an object")
    return value


def headers_of(value: Any, place: str) -> Mapping[str, Any]:
    """Headers of text, none of which HTTP itself or the credential says. Raises Rejected."""
    headers = mapping_of(value, place)
    for name, inner in headers.items():
        if name.lower() in _OWN_HEADERS:
            raise Rejected(f"{place}.{name}", "is not to be overridden")
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", name):
            raise Rejected(f"{place}.{name}", "is no name of a header")
        if not isinstance(inner, str):
            raise Rejected(f"{place}.{name}", "must be text")
    return headers
