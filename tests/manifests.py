"""A connector that is not in the catalog, for tests that need one they can bend."""

from typing import Any

from rollcall.connectors.manifest import Manifest, build

GONE = object()
"""Stands for a key that is taken away."""
PAGES: dict[str, dict[str, Any]] = {
    "offset": {
        "style": "offset",
        "size": 3,
        "size_parameter": "limit",
        "position_parameter": "offset",
    },
    "page": {
        "style": "page",
        "size": 3,
        "size_parameter": "per_page",
        "position_parameter": "page",
        "first": 1,
    },
    "cursor": {
        "style": "cursor",
        "size": 3,
        "size_parameter": "limit",
        "position_parameter": "after",
        "next": "next",
    },
    "none": {"style": "none"},
}
"""One way of paging of each style."""


def plain(style: str = "page") -> dict[str, Any]:
    """The manifest's plain data, all of whose lists are paged in that style."""
    return {
        "key": "example",
        "name": "Example",
        "description": "An app that is nowhere.",
        "address": {
            "subdomain_url": "https://{subdomain}.example.com",
            "variable": "Example.Subdomain",
            "path": "/api",
        },
        "auth": {"type": "bearer"},
        "rate_limit": {"requests": 1000, "seconds": 1, "in_flight": 2},
        "test": {"path": "/me", "identity": "email"},
        "users": {
            "path": "/users",
            "records": "users",
            "total": "total",
            "id": "id",
            "paging": dict(PAGES[style]),
            "one": {"path": "/users/{id}", "record": "user"},
            "columns": {"email": "email", "display_name": ["name"], "enabled": "enabled"},
        },
        "groups": {
            "path": "/groups",
            "records": "groups",
            "total": "total",
            "id": "id",
            "name": "name",
            "paging": dict(PAGES[style]),
            "admins": {"names": ["Admins"]},
        },
        "memberships": {
            "path": "/groups/{id}/members",
            "records": "members",
            "total": "total",
            "account": "user",
            "group": "group",
            "paging": dict(PAGES[style]),
            "by_user": {"path": "/users/{id}/groups", "records": "groups"},
        },
        "errors": [{"status": [404], "contains": "no such", "means": "not-found"}],
        "fields": [{"key": "email", "name": "Email", "path": "email", "type": "text"}],
        "mapping": [{"target": "email", "source": "email", "sync_key": 1}],
    }


def bent(path: str, value: Any, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """The plain manifest, or another, with one value changed, or taken away."""
    data = data or plain()
    *before, last = path.split(".")
    place: Any = data
    for step in before:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is GONE:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return data


def joined(style: str = "page", **changes: Any) -> dict[str, Any]:
    """A second list, of profiles: their `user_id` is the user's id."""
    return {
        "into": "profile",
        "path": "/profiles",
        "records": "profiles",
        "paging": dict(PAGES[style]),
        "total": "total",
        "key": "user_id",
        "on": "id",
        **changes,
    }


def scattered(style: str = "page", *lists: dict[str, Any], detail: bool = True) -> dict[str, Any]:
    """The plain data of an app whose list of users does not tell all, and that has users only."""
    data = plain(style)
    del data["groups"], data["memberships"]
    if detail:
        data["users"]["detail"] = {"path": "/people/{id}", "record": "person"}
    data["users"]["joined"] = list(lists)
    return data


def manifest(style: str = "page") -> Manifest:
    """The manifest that the plain data is."""
    return build(plain(style))
