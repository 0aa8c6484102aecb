"""A bad manifest is told by the path of each fault; a good one becomes what the engine runs."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors import catalog
from rollcall.connectors.check import LARGEST, problems
from rollcall.connectors.manifest import Admins, Manifest, build
from rollcall.connectors.manifest import plain as as_data
from rollcall.connectors.shapes import FORMS
from tests.manifests import GONE, PAGES, bent, joined, plain, scattered


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
        ("auth.type", "oauth1", "auth.type", "'basic' or 'oauth2_client_credentials'"),
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
        ("address.subdomain_url", "", "address.variable", "needs a subdomain_url"),
        (
            "address.subdomain_url",
            "https://{subdomain}.example.com/{subdomain}",
            "address.subdomain_url",
            "once",
        ),
        (
            "address.subdomain_url",
            "https://example.com/{subdomain}",
            "address.subdomain_url",
            "host only",
        ),
        (
            "address.subdomain_url",
            "https://user@{subdomain}.example.com",
            "address.subdomain_url",
            "user name",
        ),
        (
            "address.subdomain_url",
            "https://{subdomain}.example.com?x={subdomain}",
            "address.subdomain_url",
            "once",
        ),
        ("address.subdomain_url", "https://{subdomain}", "address.subdomain_url", "public"),
        ("address.subdomain_url", "https://{subdomain}.com", "address.subdomain_url", "own domain"),
        (
            "address.subdomain_url",
            "https://acme.{subdomain}.com",
            "address.subdomain_url",
            "own domain",
        ),
        ("address.subdomain_url", "https://{subdomain}.app.127.1", "address.subdomain_url", "host"),
        ("address.base_url", "https://api.example.com", "address.base_url", "not both"),
        ("address.base_url", "https://10.0.0.1", "address.base_url", "private"),
        ("address.base_url", "http://api.example.com", "address.base_url", "https://"),
        ("address.base_url", "https://api.example.com/v1", "address.base_url", "host only"),
        ("address.variable", "1 x", "address.variable", "letters"),
        ("address.path", "api", "address.path", "start with /"),
        ("address.path", "/api/", "address.path", "end with /"),
        ("address.path", "/api/../admin", "address.path", "upwards"),
        ("address.path", "/api/%2e%2E", "address.path", "upwards"),
        ("users.path", "//evil.example", "users.path", "no //"),
        ("users.path", "/users?admin=1", "users.path", "query"),
        ("users.path", "/users#x", "users.path", "query"),
        ("users.path", "/users\\x", "users.path", "query"),
        ("users.path", "/users\r\nHost: x", "users.path", "query"),
        ("users.path", "/users/{id}", "users.path", "{ or }"),
        ("users.path", "https://evil.example/users", "users.path", "start with /"),
        ("users.one.path", "/users/{id}/{email}", "users.one.path", "but in {id}"),
        ("users.path", "/" + "u" * 300, "users.path", "300"),
        ("auth.name", "X Key", "auth.name", "header"),
        ("auth.name", "Host", "auth.name", "Host"),
        ("auth.name", "X-Key: a\r\nY", "auth.name", "control"),
        ("users.paging.size_parameter", "per page", "users.paging.size_parameter", "parameter"),
        ("users.paging.position_parameter", "a&b", "users.paging.position_parameter", "parameter"),
        ("users.paging.position_parameter", "per_page", "users.paging.size_parameter", "must not"),
        ("users.paging.size", 1001, "users.paging.size", "0 to 1000"),
        ("users.paging.first", -1, "users.paging.first", "0 to 1000"),
        ("users.columns.email", "", "users.columns.email", "empty"),
        ("users.columns.email", "a\u0000b", "users.columns.email", "control"),
        ("users.id", "i" * 301, "users.id", "300"),
        ("users.id", "user..id", "users.id", "at character 6 it needs a key"),
        ("users.total", "a[", "users.total", "at character 2"),
        ("fields.0.path", "emails[x]", "fields.0.path", "at character 7"),
        ("users.columns.display_name", ["name"] * 51, "users.columns.display_name", "50"),
        ("name", "Exa\nmple", "name", "control"),
        ("name", "", "name", "1 to 100"),
        ("name", "n" * 101, "name", "1 to 100"),
        ("description", "\u202e", "description", "control"),
        ("key", "manifest", "key", "'manifest'"),
        ("key", "a" * 42, "key", "at most 41"),
        ("errors.0.status", [200], "errors.0.status.0", "400 to 599"),
        ("errors.0.contains", "  ", "errors.0.contains", "match anything"),
        ("errors.0.contains", "", "errors.0.contains", "1 to 300"),
        ("fields.0.key", "display_name", "fields.0.key", "another source"),
        ("fields.0.key", "connector_sync_time", "fields.0.key", "another source"),
        ("fields.0.key", "E-mail", "fields.0.key", "lower case"),
        ("fields", [plain()["fields"][0]] * 2, "fields", "'email' is there twice"),
        ("fields", [plain()["fields"][0]] * 201, "fields", "200"),
        ("users.find", {"path": "/users", "record": "users"}, "users.find", "{email}"),
        (
            "users.find",
            {"path": "/users/{email}", "record": "user", "parameter": "email"},
            "users.find",
            "not both",
        ),
        ("users.find", {"path": "/u/{id}", "record": ""}, "users.find.path", "{email} once"),
        ("rate_limit.requests", 0, "rate_limit.requests", "1 to 10000"),
        ("rate_limit.requests", 10**30, "rate_limit.requests", "1 to 10000"),
        ("rate_limit.seconds", 0, "rate_limit.seconds", "1 to 3600"),
        ("rate_limit.in_flight", -1, "rate_limit.in_flight", "1 to 20"),
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
        ("mapping.0.source", "", "mapping.0", "one of source, template and value"),
        ("mapping.0.value", "x@example.com", "mapping.0", "it has source and value"),
        ("mapping.0.template", "{{ response.email }}", "mapping.0", "source and template"),
        (
            "mapping.0",
            {"target": "email", "template": "{% for x in y %}", "sync_key": 1},
            "mapping.0.template",
            "line 1",
        ),
        ("mapping.0.target", "role", "mapping.0.sync_key", "not unique"),
        ("mapping.0.sync_key", 2, "mapping.0.sync_key", "without gaps"),
        ("mapping.0.convert", {"shout": True}, "mapping.0.convert.type", "one of"),
        ("mapping.0.write", "never", "mapping.0.write", "first sync key"),
        ("mapping.0.value", [], "mapping.0.value", "text, a number, true or false"),
        ("mapping.0.value", 10**40, "mapping.0.value", "at most"),
        ("mapping.0.write", "sometimes", "mapping.0.write", "'if_empty'"),
    ],
)
def test_every_fault_is_told_by_its_path(changed: str, value: Any, path: str, says: str) -> None:
    told = problems(bent(changed, value))
    if not path:
        assert told == []  # a date in TOML stands for its text
        return
    assert path in {problem.path for problem in told}
    assert any(says in problem.message for problem in told if problem.path == path)


@pytest.mark.parametrize(
    ("changed", "value", "path", "says"),
    [
        ("users.detail.path", "/people", "users.detail.path", "{id} once"),
        ("users.paging", {"style": "none"}, "users.paging.size", "detail call"),
        (
            "rate_limit.seconds",
            2500,
            "users.paging.size",
            "takes 7800 s; in 120 s there is time for 0",
        ),
        ("users.paging.size", 116, "users.paging.size", "time for 115"),
        ("users.joined.0.into", "id", "users.joined.0.into", "taken"),
        ("users.joined.0.into", "pro.file", "users.joined.0.into", "letters"),
        ("users.joined.1.into", "profile", "users.joined.1.into", "twice"),
        ("users.joined.0.paging.size", 0, "users.joined.0.paging.size", "1 or more"),
        ("users.joined.0.key", "", "users.joined.0.key", "empty"),
        ("users.joined.0.path", "/profiles/{id}", "users.joined.0.path", "{ or }"),
        ("users.joined", [joined(into=f"p{n}") for n in range(51)], "users.joined", "50"),
    ],
)
def test_so_are_the_faults_of_what_completes_a_record(
    changed: str, value: Any, path: str, says: str
) -> None:
    data = scattered("page", joined(), joined(into="seats", many=True))
    data["rate_limit"]["requests"] = 1
    assert problems(data) == []
    told = problems(bent(changed, value, data))
    assert [problem.path for problem in told][:1] == [path]
    assert says in told[0].message


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ({"path": ""}, ()),
        ({"path": "/api", "base_url": "https://api.example.com"}, ()),
        ({"path": "/api", "base_url": "http://127.0.0.1:9"}, ("127.0.0.1",)),
        ({"path": "/api", "subdomain_url": "https://{subdomain}.example.com"}, ()),
        ({"path": "/api", "subdomain_url": "https://{subdomain}-admin.example.com:8443"}, ()),
        ({"path": "/api", "subdomain_url": "https://api.{subdomain}.example.com"}, ()),
    ],
)
def test_an_address_has_a_subdomain_or_one_host_or_is_the_integrations(
    address: dict[str, Any], allowed: tuple[str, ...]
) -> None:
    assert problems(bent("address", address), allowed) == []


def leaves(kind: Any) -> Iterator[tuple[type, str, Any]]:
    """Every value of the schema that is no part with values of its own."""
    for name, hint in get_type_hints(kind).items():
        if name not in {field.name for field in fields(kind)}:
            continue
        parts = [part for part in get_args(hint) or (hint,) if part not in (type(None), ...)]
        if any(map(is_dataclass, parts)):
            for part in parts:
                yield from leaves(part)
        else:
            yield kind, name, parts


def test_every_value_of_the_schema_has_a_form() -> None:
    free = {
        (kind, name)
        for kind, name, parts in leaves(Manifest)
        if {str, int, float} & set(parts) and (kind, name) not in FORMS
    }
    assert free == set()
    assert set(FORMS) <= {(kind, name) for kind, name, _ in leaves(Manifest)}


def test_a_key_goes_into_a_parameter_of_any_name() -> None:
    auth = {"type": "api_key", "name": "auth[key]", "add_to": "query"}
    assert problems(bent("auth", auth)) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
        max_leaves=10,
    ),
    st.sampled_from(
        ["key", "address", "auth.name", "users.path", "users.joined", "users.listed", "mapping",
         "errors.0", "users.one", "fields.0.path", "users.paging.size", "mapping.0.convert",
         "mapping.0.value"]
    ),
)  # fmt: skip
def test_anything_at_all_in_a_manifest_is_taken_or_told(value: Any, place: str) -> None:
    data = bent(place, value)
    if not problems(data):
        assert build(data).key == data["key"]


def test_a_manifest_that_is_too_large_or_too_deep_is_told() -> None:
    told = problems(bent("description", "x" * LARGEST))
    assert "100000" in told[0].message
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert problems(bent("mapping.0.convert", {"map": deep})) != []


@pytest.mark.parametrize("manifest", catalog.everything(), ids=lambda one: str(one.key))
def test_a_manifest_becomes_data_again_that_is_the_same_manifest(manifest: Manifest) -> None:
    data = json.loads(json.dumps(as_data(manifest)))
    assert build(data) == manifest
    assert problems(data) == []


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
