"""Which requests are never made: those that take the access of an owner, or of the key's own user.

What is judged is the request as it would be sent, whatever preset or override it comes from. Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from rollcall.actions.request import Request
from rollcall.connectors.answers import Failure
from rollcall.connectors.manifest import Manifest
from rollcall.mapping.templates import Refused, compile_template

WHEN = frozenset({"body"})
"""What a protected request's `when` may use."""


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
    if user in manifest.users.owners:
        return Forbidden(f"user {user} owns the account and is never deleted or deactivated")
    own = own_id()
    if isinstance(own, Failure):
        return own
    if user == own:
        return Forbidden(
            f"user {user} is whose key the integration uses: without them it could not go on"
        )
    return None


def _user(manifest: Manifest, request: Request) -> str | None:
    """The id of the user whose access the request takes."""
    parts = _parts(request.url)
    for rule in manifest.protected:
        wanted = _parts(rule.path)
        if request.method != rule.method or len(wanted) != len(parts):
            continue
        pairs = list(zip(wanted, parts, strict=True))
        if any(want not in ("{id}", part) for want, part in pairs):
            continue
        if not rule.when or _holds(rule.when, request.body):
            return next(part for want, part in pairs if want == "{id}")
    return None


def _parts(url: str) -> list[str]:
    path = url.partition("?")[0]
    return [unquote(part).strip() for part in path.split("/") if part]


def _holds(source: str, body: Any) -> bool:
    template = compile_template(source, WHEN)
    if isinstance(template, Refused):
        raise TypeError(f"{source}: {template.message}")  # a checked manifest has none such
    return template.value({"body": body}) is True
