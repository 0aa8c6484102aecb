"""Is this manifest one? Every fault is told by its path, in a sentence an author can act on."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rollcall.connectors.manifest import Manifest, Paging, build
from rollcall.directory.people import STANDARD_FIELDS

_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")
_ADAPTER = TypeAdapter(Manifest)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is (`users.paging.style`) and what is wrong there."""

    path: str
    message: str


def problems(data: Mapping[str, Any]) -> list[Problem]:
    """Everything wrong with a manifest's plain data; empty when `manifest.build` may have it."""
    try:
        # As JSON, a list may stand for a tuple while a "5" still is no number.
        _ADAPTER.validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        return [
            Problem(".".join(map(str, fault["loc"])) or "manifest", fault["msg"])
            for fault in error.errors(include_url=False)
        ]
    return list(_contradictions(build(data)))


def _contradictions(manifest: Manifest) -> Iterator[Problem]:
    """What no type can say."""
    if not _KEY.fullmatch(manifest.key):
        yield Problem("key", "must be lower case letters, digits and underscores")
    if manifest.address.subdomain_url.count("{subdomain}") != 1:
        yield Problem("address.subdomain_url", "must hold {subdomain} once")
    if not manifest.address.subdomain_url.startswith("https://"):
        yield Problem("address.subdomain_url", "must start with https://")
    yield from _limits(manifest)
    yield from _paging("users.paging", manifest.users.paging)
    if manifest.groups is not None:
        yield from _paging("groups.paging", manifest.groups.paging)
    if manifest.memberships is not None:
        yield from _paging("memberships.paging", manifest.memberships.paging)
        if manifest.groups is None:
            yield Problem("memberships", "are listed by group, and there are no groups")
    yield from _paths(manifest)
    yield from _mapping(manifest)


def _limits(manifest: Manifest) -> Iterator[Problem]:
    for name in ("requests", "seconds", "in_flight"):
        if getattr(manifest.rate_limit, name) < 1:
            yield Problem(f"rate_limit.{name}", "must be 1 or more")
    for number, error in enumerate(manifest.errors):
        if not error.contains:
            yield Problem(f"errors.{number}.contains", "must not be empty: it would match anything")


def _paging(path: str, paging: Paging) -> Iterator[Problem]:
    if paging.style == "none":
        return
    if not paging.position_parameter:
        yield Problem(f"{path}.position_parameter", f"is needed where the style is {paging.style}")
    if paging.style in ("offset", "page") and paging.size < 1:
        yield Problem(f"{path}.size", f"must be 1 or more where the style is {paging.style}")
    if paging.style == "cursor" and not paging.next:
        yield Problem(f"{path}.next", "is needed where the style is cursor")


def _paths(manifest: Manifest) -> Iterator[Problem]:
    users, groups, memberships = manifest.users, manifest.groups, manifest.memberships
    lists = {
        "address.path": manifest.address.path,
        "test.path": manifest.test.path,
        "users.path": users.path,
        "groups.path": groups and groups.path,
    }
    by_id = {
        "users.one.path": users.one and users.one.path,
        "groups.one.path": groups and groups.one and groups.one.path,
        "memberships.path": memberships and memberships.path,
        "memberships.by_user.path": memberships
        and memberships.by_user
        and memberships.by_user.path,
    }
    for where, path in {**lists, **by_id}.items():
        if path and not path.startswith("/"):
            yield Problem(where, "must start with /")
    for where, path in by_id.items():
        if path and path.count("{id}") != 1:
            yield Problem(where, "must hold {id} once")


def _mapping(manifest: Manifest) -> Iterator[Problem]:
    sources = {field.key for field in manifest.fields} | {"display_name"}
    keys = [field.key for field in manifest.fields]
    yield from (Problem("fields", f"{key!r} is there twice") for key in _repeated(keys))
    targets = [rule.target for rule in manifest.mapping]
    yield from (Problem("mapping", f"{one!r} is there twice") for one in _repeated(targets))
    if [rule.sync_key for rule in manifest.mapping].count(1) != 1:
        yield Problem("mapping", "needs one field with sync_key = 1")
    for number, rule in enumerate(manifest.mapping):
        if rule.target not in STANDARD_FIELDS:
            yield Problem(f"mapping.{number}.target", f"{rule.target!r} is no field of a person")
        if bool(rule.source) == bool(rule.value):
            yield Problem(f"mapping.{number}", "needs a source or a value, and not both")
        if rule.source and rule.source not in sources:
            yield Problem(f"mapping.{number}.source", f"{rule.source!r} is no field of the app")


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
