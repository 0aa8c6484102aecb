"""A bad manifest is told by the path of each fault; a good one becomes what the engine runs."""

import datetime as dt
from typing import Any

import pytest

from rollcall.connectors import catalog
from rollcall.connectors.check import problems
from rollcall.connectors.manifest import Admins, build
from tests.manifests import PAGES, plain

GONE = object()


def bent(path: str, value: Any) -> dict[str, Any]:
    """The plain manifest with one value changed, or taken away."""
    data = plain()
    *before, last = path.split(".")
    place: Any = data
    for step in before:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("changed", "value", "path", "says"),
    [
        ("users", GONE, "users", "required"),
        ("users.columns.email", GONE, "users.columns.email", "required"),
        ("users.paging.style", "scroll", "users.paging.style", "'offset', 'page', 'cursor'"),
        ("users.paging.size", "100", "users.paging.size", "integer"),
        ("users.paging.size", 1.5, "users.paging.size", "integer"),
        ("users.paging.sise", 100, "users.paging.sise", "nexpected"),
        ("users.columns.display_name", "name", "users.columns.display_name", "array"),
        ("users.listed", [{"type": "seat"}], "users.listed.0.type", "'group', 'admin' or 'role'"),
        ("users.one", {"path": "/users/{id}"}, "users.one.record", "required"),
        ("groups.admins.ids", [3], "groups.admins.ids.0", "string"),
        ("auth.type", "oauth1", "auth.type", "'api_key', 'bearer' or 'basic'"),
        ("auth.add_to", "body", "auth.add_to", "'header' or 'query'"),
        ("rate_limit.requests", True, "rate_limit.requests", "integer"),
        ("fields.0.type", "number", "fields.0.type", "'text', 'boolean' or 'datetime'"),
        ("errors.0.means", "fine", "errors.0.means", "'not-found'"),
        ("errors.0.status", ["404"], "errors.0.status.0", "integer"),
        ("name", dt.date(2026, 11, 22), "", ""),
        ("key", "Aha!", "key", "lower case"),
        ("key", "../aha", "key", "lower case"),
        ("address.subdomain_url", "https://app.example.com", "address.subdomain_url", "once"),
        (
            "address.subdomain_url",
            "http://{subdomain}.example.com",
            "address.subdomain_url",
            "https://",
        ),
        ("rate_limit.requests", 0, "rate_limit.requests", "1 or more"),
        ("rate_limit.seconds", 0, "rate_limit.seconds", "1 or more"),
        ("rate_limit.in_flight", -1, "rate_limit.in_flight", "1 or more"),
        ("users.paging.size", 0, "users.paging.size", "1 or more"),
        (
            "users.paging.position_parameter",
            "",
            "users.paging.position_parameter",
            "style is page",
        ),
        (
            "groups.paging",
            {"style": "cursor", "position_parameter": "after"},
            "groups.paging.next",
            "style is cursor",
        ),
        ("memberships.paging", {"style": "offset"}, "memberships.paging.size", "1 or more"),
        ("groups", GONE, "memberships", "no groups"),
        ("users.one.path", "/users/1", "users.one.path", "{id} once"),
        ("memberships.path", "/members", "memberships.path", "{id} once"),
        (
            "memberships.by_user.path",
            "/users/{id}/{id}",
            "memberships.by_user.path",
            "{id} once",
        ),
        ("mapping.0.sync_key", 0, "mapping", "sync_key = 1"),
        ("mapping.0.target", "mail", "mapping.0.target", "'mail'"),
        ("mapping.0.source", "mail", "mapping.0.source", "'mail'"),
        ("mapping.0.source", "", "mapping.0", "source or a value"),
        ("mapping.0.value", "x@example.com", "mapping.0", "not both"),
    ],
)
def test_every_fault_is_told_by_its_path(changed: str, value: Any, path: str, says: str) -> None:
    told = problems(bent(changed, value))
    if not path:
        assert told == []  # a date in TOML stands for its text
        return
    assert path in {problem.path for problem in told}
    assert any(says in problem.message for problem in told if problem.path == path)


def test_all_faults_are_told_at_once() -> None:
    data = bent("auth.type", "oauth1")
    data["users"]["paging"]["style"] = "scroll"
    del data["test"]
    assert {problem.path for problem in problems(data)} == {
        "auth.type",
        "users.paging.style",
        "test",
    }


def test_what_is_no_manifest_at_all_is_told() -> None:
    assert problems({}) != []
    assert problems({"name": float("nan")}) != []


@pytest.mark.parametrize("style", sorted(PAGES))
def test_each_way_of_paging_passes(style: str) -> None:
    assert problems(plain(style)) == []


def test_lists_become_tuples_and_what_is_left_out_has_its_default() -> None:
    manifest = build(bent("groups.admins", GONE))
    assert manifest.users.columns.display_name == ("name",)
    assert manifest.groups is not None
    assert manifest.groups.admins == Admins()
    assert manifest.users.columns.last_active_at == ""
    assert manifest.sync_key.target == "email"
    assert hash(manifest)


@pytest.mark.parametrize(
    "key", ["", "nobody", "../manifest", "aha.toml", "AHA", "aha/../aha", "a" * 200, "中" * 200]
)
def test_a_connector_that_is_not_there_is_none(key: str) -> None:
    assert catalog.find(key) is None


def test_the_catalog_is_in_the_order_of_its_keys() -> None:
    found = [manifest.key for manifest in catalog.everything()]
    assert found == sorted(found)
    assert {"activecampaign", "aha"} <= set(found)


@pytest.mark.parametrize("without", ["groups", "memberships"])
def test_what_an_app_lacks_is_no_capability(without: str) -> None:
    data = bent("memberships", GONE)
    if without == "groups":
        del data["groups"]
    shown = catalog.describe(build(data))["capabilities"]
    assert ("groups" in shown) == (without != "groups")
    assert "users" in shown
