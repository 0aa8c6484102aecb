"""Is this manifest one? Every fault is told by its path, in a sentence an author can act on.

A manifest may come from anybody who may configure: nothing in one that passes leads a call to
another host than its author names, to another path than it shows, or takes more than it says.
The form of single values is in `connectors.shapes`; here is what one value means for another.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rollcall.connectors import shapes
from rollcall.connectors.catalog import CONNECT_FIELDS
from rollcall.connectors.check_presets import preset_problems
from rollcall.connectors.complete import top_keys
from rollcall.connectors.engine import LONGEST_PAGE
from rollcall.connectors.limiter import MARGIN
from rollcall.connectors.manifest import Address, Manifest, Paging, Users, build, plain
from rollcall.connectors.signing import unfit_header
from rollcall.fields.model import STANDARD
from rollcall.fields.store import ROLES
from rollcall.integrations.address import Unusable, origin
from rollcall.mapping.check import mapping_problems

LARGEST = 100_000
"""Bytes of a manifest as JSON."""
RESERVED_FIELDS = frozenset({"display_name", "response", *(one["key"] for one in CONNECT_FIELDS)})
"""Names that sources have already."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is (`users.paging.style`) and what is wrong there."""

    path: str
    message: str


@cache
def adapter() -> TypeAdapter[Manifest]:
    """The schema, as pydantic has it: made when it is first needed."""
    return TypeAdapter(Manifest)


def problems(
    data: Mapping[str, Any], allow_hosts: Collection[str] = (), roles: Sequence[str] = ROLES
) -> list[Problem]:
    """Everything wrong with a manifest's plain data; empty when `manifest.build` may have it.

    `allow_hosts` are those that the deployment lets be private and without https, `roles` those
    that it gives people.
    """
    try:
        # As JSON, a list may stand for a tuple while a "5" still is no number.
        text = json.dumps(data, default=str)
        if len(text) > LARGEST:
            return [Problem("manifest", f"has {len(text)} bytes as JSON; {LARGEST} may be")]
        adapter().validate_json(text)
    except RecursionError:
        return [Problem("manifest", "nests too deeply")]
    except ValidationError as error:
        told = (_told(fault["loc"], fault["msg"]) for fault in error.errors(include_url=False))
        return list(dict.fromkeys(told))
    manifest = build(json.loads(text))
    found = [Problem(path, message) for path, message in shapes.faults(manifest)]
    at_fault = {problem.path for problem in found}
    more = _contradictions(manifest, allow_hosts, roles)
    return found + [problem for problem in more if problem.path not in at_fault]


def _told(place: tuple[str | int, ...], message: str) -> Problem:
    if place[-1:] in (("str",), ("int",), ("float",), ("bool",)):
        place, message = place[:-1], "must be text, a number, true or false"
    return Problem(".".join(map(str, place)) or "manifest", message)


def _contradictions(
    manifest: Manifest, allow_hosts: Collection[str], roles: Sequence[str]
) -> Iterator[Problem]:
    """What no single value says."""
    yield from _address(manifest.address, allow_hosts)
    auth = manifest.auth
    if auth.add_to == "header" and (fault := unfit_header(auth.name)):
        yield Problem("auth.name", fault)
    users, groups, memberships = manifest.users, manifest.groups, manifest.memberships
    yield from _paging("users.paging", users.paging)
    for number, joined in enumerate(users.joined):
        yield from _paging(f"users.joined.{number}.paging", joined.paging)
    yield from _joined(users)
    yield from _detail(manifest)
    if users.find is not None and ("{email}" in users.find.path) == bool(users.find.parameter):
        yield Problem("users.find", "needs {email} in its path or a parameter, and not both")
    if groups is not None:
        yield from _paging("groups.paging", groups.paging)
    if memberships is not None:
        yield from _paging("memberships.paging", memberships.paging)
        if groups is None:
            yield Problem("memberships", "are listed by group, and there are no groups")
    for number, error in enumerate(manifest.errors):
        if not error.contains.strip():
            yield Problem(f"errors.{number}.contains", "must not be empty: it would match anything")
    yield from _fields(manifest)
    yield from _mapping(manifest, roles)
    yield from (Problem(path, message) for path, message in preset_problems(manifest))


def _address(address: Address, allow_hosts: Collection[str]) -> Iterator[Problem]:
    if address.subdomain_url:
        yield from _subdomain_url(address.subdomain_url)
    elif address.variable:
        yield Problem("address.variable", "holds a subdomain: it needs a subdomain_url")
    if address.base_url:
        if address.subdomain_url:
            yield Problem("address.base_url", "give it or subdomain_url, and not both")
        read = origin(address.base_url, "", allow_hosts)
        if isinstance(read, Unusable):
            yield Problem("address.base_url", read.message)
        elif read != address.base_url:
            yield Problem("address.base_url", f"must be written as {read}")


def _subdomain_url(text: str) -> Iterator[Problem]:
    where = "address.subdomain_url"
    if text.count("{subdomain}") != 1 or "{" in text.replace("{subdomain}", ""):
        yield Problem(where, "must hold {subdomain} once")
        return
    read = origin(text.replace("{subdomain}", "x"), "", ())
    if isinstance(read, Unusable):
        yield Problem(where, read.message)
    elif read != text.replace("{subdomain}", "x"):
        yield Problem(
            where, "must be the host only, in lower case, such as https://{subdomain}.app.io"
        )
    else:
        # What follows the subdomain must be a domain that is the app's, or anybody's would do.
        domain = text.partition("{subdomain}")[2].partition(":")[0].partition(".")[2]
        if "." not in domain:
            yield Problem(where, "must have the app's own domain after {subdomain}")


def _joined(users: Users) -> Iterator[Problem]:
    for number, joined in enumerate(users.joined):
        where = f"users.joined.{number}.into"
        if joined.into in [other.into for other in users.joined[:number]]:
            yield Problem(where, f"{joined.into!r} is there twice")
        if joined.into in {"response", *top_keys(users.id)}:
            yield Problem(where, f"{joined.into!r} is taken")


def _detail(manifest: Manifest) -> Iterator[Problem]:
    users, rate = manifest.users, manifest.rate_limit
    if users.detail is None:
        return
    if users.paging.size < 1:
        yield Problem("users.paging.size", "is needed where each user has a detail call")
    elif fault := too_slow(manifest, rate.requests, rate.seconds):
        yield Problem("users.paging.size", fault)


def too_slow(manifest: Manifest, requests: int, seconds: float) -> str | None:
    """Why a page of users cannot be completed at so many calls in so many seconds; None: it can."""
    size = manifest.users.paging.size
    took = size * seconds / requests * MARGIN
    if manifest.users.detail is None or took <= LONGEST_PAGE:
        return None
    most = int(LONGEST_PAGE * requests / seconds / MARGIN)
    said = f"a page of {size} users with a detail call each takes {took:.0f} s"
    return f"{said}; in {LONGEST_PAGE} s there is time for {most}"


def _paging(path: str, paging: Paging) -> Iterator[Problem]:
    if paging.size_parameter and paging.size < 1:
        yield Problem(f"{path}.size", "must be 1 or more where there is a size_parameter")
    if paging.size_parameter and paging.size_parameter == paging.position_parameter:
        yield Problem(f"{path}.size_parameter", "must not be the position_parameter")
    if paging.style == "none":
        return
    if not paging.position_parameter:
        yield Problem(f"{path}.position_parameter", f"is needed where the style is {paging.style}")
    if paging.style in ("offset", "page") and paging.size < 1:
        yield Problem(f"{path}.size", f"must be 1 or more where the style is {paging.style}")
    if paging.style == "cursor" and not paging.next:
        yield Problem(f"{path}.next", "is needed where the style is cursor")


def _fields(manifest: Manifest) -> Iterator[Problem]:
    keys = [field.key for field in manifest.fields]
    yield from (Problem("fields", f"{key!r} is there twice") for key in _repeated(keys))
    for number, key in enumerate(keys):
        if key in RESERVED_FIELDS:
            yield Problem(f"fields.{number}.key", f"{key!r} is the name of another source")


def _mapping(manifest: Manifest, roles: Sequence[str]) -> Iterator[Problem]:
    """As for an integration's mapping; but a source must be a field, which is easily added here."""
    rules = {"fields": plain(manifest.mapping)}
    for problem in mapping_problems(rules, manifest, STANDARD, roles):
        yield Problem(problem.path.replace("mapping.fields", "mapping"), problem.message)
    if 1 not in [rule.sync_key for rule in manifest.mapping]:
        yield Problem("mapping", "needs one field with sync_key = 1")
    sources = {"", "display_name", *(field.key for field in manifest.fields)}
    for number, rule in enumerate(manifest.mapping):
        if rule.source not in sources:
            yield Problem(f"mapping.{number}.source", f"{rule.source!r} is no field of the app")


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
