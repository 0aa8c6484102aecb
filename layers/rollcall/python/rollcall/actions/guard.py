"""Which requests are never made: those that take the access of an owner, or of the key's own user.

What is judged is the request as it would be sent, whatever preset or override it comes from. Pure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, unquote

from rollcall.actions.request import Request
from rollcall.connectors.answers import Failure
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.presets import WHEN
from rollcall.mapping.templates import Refused, compile_template


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Why the request is not made."""

    detail: str


def refusal(
    manifest: Manifest, request: Request, own_id: Callable[[], str | Failure | None]
) -> Forbidden | Failure | None:
    """Why the request is not to be made; None: it is. `own_id` is asked only where it matters.

    A Failure is the app's, which did not say whose the key is.
    """
    user = _user(manifest, request)
    if user is None:
        return None
    for owner in manifest.users.owners:
        if _same(user, owner):
            return Forbidden(f"user {owner} owns the account and is never deleted or deactivated")
    own = own_id()
    if isinstance(own, Failure):
        return own
    if own is not None and _same(user, own):
        return Forbidden(
            f"user {own} is whose key the integration uses: without them it could not go on"
        )
    return None


def _user(manifest: Manifest, request: Request) -> str | None:
    """The id of the user whose access the request takes."""
    path, _, query = request.url.partition("?")
    params = {**dict(parse_qsl(query, keep_blank_values=True)), **request.params}
    for rule, parts in product(manifest.protected, _readings(path)):
        wanted = rule.path.strip("/").split("/")
        if request.method != rule.method or len(wanted) != len(parts):
            continue
        pairs = list(zip(wanted, parts, strict=True))
        if any(want.casefold() not in ("{id}", part.casefold()) for want, part in pairs):
            continue
        if not rule.when or _holds(rule.when, {"body": request.body, "params": params}):
            return next(part for want, part in pairs if want == "{id}")
    return None


def _same(part: str, user: str) -> bool:
    """Might an app take this part of a path for the user?

    Apps read `01`, `1.json` and `1x` as 1 before they look whom it is about.
    """
    if user.isdecimal():
        return (
            re.fullmatch(rf"\+?0*{user.lstrip('0') or '0'}(?:\D.*)?", part, re.DOTALL) is not None
        )
    known, said = user.casefold(), part.casefold()
    return said == known or said.startswith(f"{known}.")


def _readings(path: str) -> list[list[str]]:
    """The parts of a path, as apps read it: taken apart before it is decoded, or after."""
    before = [unquote(part) for part in path.split("/")]
    several = (before, unquote(path).split("/"))
    return [[part.strip() for part in parts if part.strip()] for parts in several]


def _holds(source: str, context: Mapping[str, Any]) -> bool:
    template = compile_template(source, WHEN)
    if isinstance(template, Refused):
        raise TypeError(f"{source}: {template.message}")  # a checked manifest has none such
    return template.value(context) is True
