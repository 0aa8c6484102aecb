"""Which requests are never made: those that take the access of an owner, or of the key's own user.

What is judged is the request as it would be sent, whatever preset or override it comes from. Pure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from posixpath import normpath
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
    users = _users(manifest, request)
    if not users:
        return None
    for owner in manifest.users.owners:
        if any(_same(user, owner) for user in users):
            return Forbidden(f"user {owner} owns the account and is never deleted or deactivated")
    own = own_id()
    if isinstance(own, Failure):
        return own
    if own is not None and any(_same(user, own) for user in users):
        return Forbidden(
            f"user {own} is whose key the integration uses: without them it could not go on"
        )
    return None


def _users(manifest: Manifest, request: Request) -> list[str]:
    """The ids of the users whose access the request may take, as an app may read its path: some
    take apart what is quoted.
    """
    path, _, query = request.url.partition("?")
    params = {**dict(parse_qsl(query, keep_blank_values=True)), **request.params}
    context = {"body": request.body, "params": params}
    readings = (_parts(path), _parts(normpath(unquote(path))))
    methods = {request.method, *_methods(params), *_methods(request.body)}
    rules = [rule for rule in manifest.protected if rule.method in methods]
    found = ((rule, _id(rule.path, parts)) for rule in rules for parts in readings)
    return [
        user
        for rule, user in found
        if user is not None and (not rule.when or _holds(rule.when, context))
    ]


def _methods(said: Any) -> list[str]:
    """The methods that a `_method` there makes of a POST, for the frameworks that read it."""
    named = said.get("_method") if isinstance(said, Mapping) else None
    return [named.strip().upper()] if isinstance(named, str) else []


def _id(path: str, parts: list[str]) -> str | None:
    """What stands in place of the `{id}` of a protected path, where the rest is as it says."""
    wanted = _parts(path)
    if len(wanted) != len(parts):
        return None
    pairs = list(zip(wanted, parts, strict=True))
    if any(want.casefold() not in ("{id}", part.casefold()) for want, part in pairs):
        return None
    return next(part for want, part in pairs if want == "{id}")


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


def _parts(path: str) -> list[str]:
    return [unquote(part).strip() for part in path.split("/") if part]


def _holds(source: str, context: Mapping[str, Any]) -> bool:
    template = compile_template(source, WHEN)
    if isinstance(template, Refused):
        raise TypeError(f"{source}: {template.message}")  # a checked manifest has none such
    return template.value(context) is True
