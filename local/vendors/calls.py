"""What goes in and out of a sample vendor: a call, an answer, and the table of routes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from local.vendors.switches import Switches


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. `path` is as sent (still percent-encoded), header names are lower case."""

    method: str
    path: str
    raw_query: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def target(self) -> str:
        """What the rules of Switches match: "GET /api/3/users?limit=100&offset=0"."""
        query = f"?{self.raw_query}" if self.raw_query else ""
        return f"{self.method} {self.path}{query}"

    def parts(self, base: str) -> list[str] | None:
        """Split the path after `base`, decoded; None when the path lies outside it."""
        if not self.path.startswith(f"{base}/"):
            return None
        return [unquote(part) for part in self.path[len(base) + 1 :].split("/")]

    def number(self, name: str, default: int) -> int:
        """Read a query parameter as a whole number; what is not one counts as absent."""
        text = self.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else default

    def object(self, name: str) -> dict[str, Any] | None:
        """Read the JSON object under `name` in the body; None when the body has no such thing."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        inner = found.get(name) if isinstance(found, dict) else None
        return inner if isinstance(inner, dict) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response. `content_type` None sends no Content-Type header at all."""

    status: int
    body: bytes = b""
    content_type: str | None = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """A call that found its route. `parts` are the segments that stood where the route has `*`."""

    call: Call
    switches: Switches
    parts: tuple[str, ...]


class Route(NamedTuple):
    """`handler` takes the tenant and the Visit."""

    method: str
    pattern: tuple[str, ...]
    handler: Callable[[Any, Visit], Answer]


def routes(table: Iterable[tuple[str, Callable[[Any, Visit], Answer]]]) -> list[Route]:
    """Read lines such as ("GET users/*", Tenant.show_user); the first that fits wins."""
    read = []
    for line, handler in table:
        method, _, path = line.partition(" ")
        read.append(Route(method, tuple(path.split("/")), handler))
    return read


def find(
    table: list[Route], method: str, parts: list[str]
) -> tuple[Callable[[Any, Visit], Answer], tuple[str, ...]] | None:
    """Return the handler and the segments at its stars, or None when nothing is routed there."""
    for route in table:
        if route.method != method or len(route.pattern) != len(parts):
            continue
        pairs = list(zip(route.pattern, parts, strict=True))
        if all(want in ("*", got) for want, got in pairs):
            return route.handler, tuple(got for want, got in pairs if want == "*")
    return None
