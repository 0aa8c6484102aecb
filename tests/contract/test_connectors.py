"""What every connector keeps to. A new one is found by its manifest and its fixtures alone."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from rollcall.connectors import catalog, check, engine, paths
from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App, Listing, Record
from rollcall.connectors.manifest import Manifest, parse
from rollcall.connectors.records import Account, Grant, Group, Reader, read_fields
from rollcall.fields.model import STANDARD
from rollcall.fields.store import ROLES
from rollcall.mapping.mapper import Mapper
from rollcall.mapping.model import mapping_of
from rollcall.sync.listing import Reading
from tests.contract.replay import (
    FIXTURES,
    SECRET,
    Said,
    Tenant,
    connected,
    errors,
    recorded,
)

FOLDER = FIXTURES.parents[1] / "layers/rollcall/python/rollcall/connectors"
CONNECTORS = catalog.everything()
MOST_PAGES = 100


def of(*connectors: Manifest) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("manifest", connectors, ids=lambda manifest: manifest.key)


each = of(*CONNECTORS)
each_with_groups = of(*(one for one in CONNECTORS if one.memberships))
each_with_groups_by_user = of(
    *(one for one in CONNECTORS if one.memberships and one.memberships.by_user)
)
each_that_finds = of(*(one for one in CONNECTORS if one.users.find))
each_with_single_users = of(*(one for one in CONNECTORS if one.users.one))


@pytest.fixture
def tenant(manifest: Manifest) -> Tenant:
    return recorded(manifest)


@pytest.fixture
def app(tenant: Tenant) -> Iterator[App]:
    with connected(tenant) as app:
        yield app


def read(app: App, name: str, listing: Listing, owner: str | None = None) -> list[Record]:
    """A list to its end, as the pull reads it."""
    reading = Reading(name, listing.paging, owner)
    records: list[Record] = []
    for _ in range(MOST_PAGES):
        wanted = next(reading.wanted(), None)
        if wanted is None:
            assert reading.verdict() == "whole"
            return records
        page = app.page(listing, wanted.position, owner)
        assert not isinstance(page, Failure), page
        ids = [json.dumps(record, sort_keys=True) for record in page.records]
        reading.add(wanted.number, ids, page.total, page.next)
        records += page.records
    raise AssertionError(f"{name} has no end")


def mapper(manifest: Manifest) -> Mapper:
    """The connector's own mapping, in a deployment that has changed nothing."""
    return Mapper(manifest, mapping_of(manifest, None), STANDARD, ROLES)


def calls(app: App, tenant: Tenant) -> Iterator[tuple[str, Any]]:
    """Every kind of call that the engine can make of this connector."""
    manifest = tenant.manifest
    yield "test", app.test()
    yield "users", app.page(manifest.users, manifest.users.paging.first)
    if manifest.users.find is not None:
        yield "user of an email", app.find("somebody@example.test")
    for joined in manifest.users.joined:
        yield "joined", app.page(joined, joined.paging.first)
    if manifest.users.one is not None:
        yield "one user", app.one(manifest.users.one, "1")
    if manifest.groups is not None:
        yield "groups", app.page(manifest.groups, manifest.groups.paging.first)
        if manifest.groups.one is not None:
            yield "one group", app.one(manifest.groups.one, "1")
    if manifest.memberships is not None:
        yield "members", app.page(manifest.memberships, manifest.memberships.paging.first, "1")
        if manifest.memberships.by_user is not None:
            yield "groups of", app.groups_of("1")


def test_every_manifest_in_the_folder_is_found_by_its_key() -> None:
    stems = sorted(file.stem for file in FOLDER.glob("*.toml"))
    assert [manifest.key for manifest in CONNECTORS] == stems


def test_every_folder_of_fixtures_is_a_connectors() -> None:
    keys = {manifest.key for manifest in CONNECTORS}
    assert {folder.name for folder in FIXTURES.iterdir()} == keys


@each
def test_the_manifest_has_no_fault(manifest: Manifest) -> None:
    assert check.problems(parse(FOLDER / f"{manifest.key}.toml")) == []


@each
def test_there_is_a_fixture_of_every_kind_of_answer(manifest: Manifest, tenant: Tenant) -> None:
    assert {"me", "users.1", "users.2"} <= tenant.pages.keys()
    assert ("one_user" in tenant.pages) == (manifest.users.one is not None)
    assert ("groups.1" in tenant.pages) == (manifest.groups is not None)
    codes = {code for code, _ in errors(manifest)}
    assert {"vendor-not-found", "vendor-rejected", "vendor-throttled", "vendor-broken"} <= codes
    assert codes & {"vendor-forbidden", "vendor-unauthorized"}


@each
def test_each_error_means_what_its_fixture_is_named_for(manifest: Manifest, tenant: Tenant) -> None:
    for code, said in errors(manifest):
        tenant.instead = said
        with connected(tenant) as app:
            failure = app._once("/anything")
        assert isinstance(failure, Failure)
        assert failure.code == code, said
        assert failure.detail
        assert "<" not in failure.detail


@each
def test_a_refused_credential_is_told_whatever_the_refusal(
    manifest: Manifest, tenant: Tenant
) -> None:
    for code, said in errors(manifest):
        if code not in ("vendor-forbidden", "vendor-unauthorized"):
            continue
        tenant.instead = said
        with connected(tenant) as app:
            for name, told in calls(app, tenant):
                assert isinstance(told, Failure), name
                assert told.code == "vendor-unauthorized", (name, said)


@each
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"users": 1}', b'"ok"', b'{"users":[{"id"', b"<html>"]
)
def test_an_answer_of_another_shape_is_a_failure_and_never_an_empty_list(
    body: bytes, tenant: Tenant, app: App
) -> None:
    tenant.instead = Said(200, body)
    for name, told in calls(app, tenant):
        assert isinstance(told, Failure), name
        assert told.code == "vendor-broken", name


@each
def test_a_list_of_what_are_no_records_is_a_failure(tenant: Tenant, app: App) -> None:
    manifest = tenant.manifest
    lists = [manifest.users.records]
    if manifest.groups is not None:
        lists.append(manifest.groups.records)
    if manifest.memberships is not None:
        lists.append(manifest.memberships.records)
    tenant.instead = Said(200, json.dumps({name: ["1", None] for name in lists}).encode())
    for name, told in calls(app, tenant):
        if name in ("users", "groups", "members"):
            assert isinstance(told, Failure), name


@each
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422, 429, 500])
@pytest.mark.parametrize("shape", ["json", "text", "html", "cut"])
def test_an_app_that_says_the_secret_back_is_not_repeated(
    status: int, shape: str, tenant: Tenant, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    body = {
        "json": json.dumps({"error": f"{SECRET} is no key", "errors": [SECRET]}),
        "text": f"no such key: {SECRET}",
        "html": f"<html>{SECRET}</html>",
        "cut": f'{{"message": "{SECRET}',
    }[shape]
    tenant.instead = Said(status, body.encode())
    with caplog.at_level(logging.DEBUG):
        for name, told in calls(app, tenant):
            if (name, status) == ("user of an email", 404):
                assert told is None
                continue
            assert isinstance(told, Failure)
            assert SECRET not in told.detail
    assert SECRET not in caplog.text


@each
def test_the_secret_is_in_every_request_and_in_no_log(
    manifest: Manifest, tenant: Tenant, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        read(app, "users", manifest.users)
        app.test()
    assert tenant.asked
    for asked in tenant.asked:
        if manifest.auth.add_to == "query" and manifest.auth.type == "api_key":
            assert asked.query[manifest.auth.name] == SECRET
        elif manifest.auth.type == "api_key":
            assert asked.headers[manifest.auth.name.lower()] == SECRET
        else:
            assert asked.headers["authorization"].split(" ")[0].lower() == manifest.auth.type
    assert SECRET not in caplog.text
    assert SECRET not in repr(app)


@each_with_single_users
def test_an_id_is_never_empty_and_never_leads_elsewhere(
    manifest: Manifest, tenant: Tenant, app: App
) -> None:
    one = manifest.users.one
    assert one is not None
    with pytest.raises(ValueError, match="id is needed"):
        app.one(one, "")
    app.one(one, "1/../../me?x=y#z")
    asked = tenant.asked[-1]
    assert asked.query == {}
    assert asked.path.count("/") == (manifest.address.path + one.path).count("/")


@each
def test_the_test_call_tells_whose_the_credential_is(app: App) -> None:
    tested = app.test()
    assert isinstance(tested, engine.Tested)
    assert tested.identity


@each
def test_users_are_listed_to_their_end_with_unique_ids(manifest: Manifest, app: App) -> None:
    users = read(app, "users", manifest.users)
    ids = [paths.text(paths.read(user, manifest.users.id)) for user in users]
    assert len(ids) > 2
    assert None not in ids
    assert len(set(ids)) == len(ids)


@each
def test_a_page_is_one_call_that_asks_for_a_size_and_a_place(
    manifest: Manifest, tenant: Tenant, app: App
) -> None:
    paging = manifest.users.paging
    page = app.page(manifest.users, paging.first)
    assert not isinstance(page, Failure)
    (asked,) = tenant.asked
    assert asked.query.get(paging.size_parameter) == (str(paging.size) if paging.size else None)
    if paging.style in ("offset", "page"):
        assert asked.query[paging.position_parameter] == str(paging.first)
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["user-agent"].startswith("Rollcall")


@each
def test_every_user_can_be_read_and_every_field_is_told_by_some(
    manifest: Manifest, app: App
) -> None:
    users = read(app, "users", manifest.users)
    accounts = [Reader(manifest).account(user) for user in users]
    assert all(isinstance(account, Account) for account in accounts)
    told = [read_fields(manifest, user) for user in users]
    for field in manifest.fields:
        assert any(one[field.key] is not None for one in told), field.key
    mapped = [mapper(manifest).mapped(user) for user in users]
    assert all(not one.faults for one in mapped)
    assert all(manifest.sync_key.target in one.values for one in mapped)
    for rule in manifest.mapping:
        assert any(rule.target in one.values for one in mapped), rule.target


@each_with_single_users
def test_a_single_user_is_the_one_that_the_list_has(
    manifest: Manifest, tenant: Tenant, app: App
) -> None:
    assert manifest.users.one is not None
    wanted = paths.text(paths.read(tenant.pages["one_user"], f"{manifest.users.one.record}.id"))
    assert wanted is not None
    record = app.one(manifest.users.one, wanted)
    assert not isinstance(record, Failure)
    alone = Reader(manifest).account(record)
    assert isinstance(alone, Account)
    listed = {
        account.external_id: account
        for account in map(Reader(manifest).account, read(app, "users", manifest.users))
        if isinstance(account, Account)
    }[wanted]
    assert (alone.email, alone.status) == (listed.email, listed.status)
    people = mapper(manifest)
    assert people.mapped(alone.record).values == people.mapped(listed.record).values
    assert set(alone.grants) <= set(listed.grants)
    missing = app.one(manifest.users.one, "no-such-user")
    assert isinstance(missing, Failure)
    assert missing.code == "vendor-not-found"


@each_that_finds
def test_a_user_is_found_by_email_as_the_list_has_them(manifest: Manifest, app: App) -> None:
    for user in read(app, "users", manifest.users):
        email = paths.text(paths.read(user, manifest.users.columns.email))
        assert email is not None
        assert app.find(email.upper()) == user
    assert app.find("nobody@nowhere.test") is None
    with pytest.raises(ValueError, match="cannot look"):
        app.find("../me")


@each_with_groups
def test_groups_and_their_members_are_read_and_some_are_administrators(
    manifest: Manifest, app: App
) -> None:
    assert manifest.groups is not None
    assert manifest.memberships is not None
    reader = Reader(manifest)
    groups = {}
    for record in read(app, "groups", manifest.groups):
        group = reader.group(record)
        assert isinstance(group, Group)
        groups[group.external_id] = group
    assert any(group.is_admin for group in groups.values())
    assert not all(group.is_admin for group in groups.values())
    users = {paths.text(user.get("id")) for user in read(app, "users", manifest.users)}
    grants: list[Grant] = []
    for group_id, group in groups.items():
        for row in read(app, "members", manifest.memberships, group_id):
            assert reader.member_group(row) == group_id
            held = reader.membership(row, group)
            assert held
            grants += held
    assert {grant.account for grant in grants} <= users
    assert len(set(grants)) == len(grants)
    assert {"group", "admin"} <= {grant.type for grant in grants}


@each_with_groups_by_user
def test_the_groups_of_a_user_are_those_whose_member_it_is(manifest: Manifest, app: App) -> None:
    memberships = manifest.memberships
    assert manifest.groups is not None
    assert memberships is not None
    reader = Reader(manifest)
    by_group = set()
    for record in read(app, "groups", manifest.groups):
        group = reader.group(record)
        assert isinstance(group, Group)
        for row in read(app, "members", memberships, group.external_id):
            by_group |= {(one.account, one.id) for one in reader.membership(row, None)}
    by_user = set()
    for user in {account for account, _ in by_group}:
        rows = app.groups_of(user)
        assert not isinstance(rows, Failure)
        by_user |= {(one.account, one.id) for row in rows for one in reader.membership(row, None)}
    assert by_user == by_group


@each_with_groups_by_user
def test_a_user_is_without_groups_only_in_the_apps_own_words(
    manifest: Manifest, tenant: Tenant, app: App
) -> None:
    tenant.instead = Said(404, b"<html>404</html>", "text/html")
    assert isinstance(app.groups_of("1"), Failure)
    known = [error.contains for error in manifest.errors if error.means == "not-found"]
    tenant.instead = Said(404, json.dumps({"message": f"{known[0]} for User with id 1"}).encode())
    assert app.groups_of("1") == ()


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        (
            "activecampaign",
            {"Email", "First Name", "Last Name", "Id", "Phone", "Signature", "Username"},
        ),
        (
            "aha",
            {
                "Accessed At", "Created At", "Email", "Id", "Is Administrator", "Is Enabled",
                "Is Paid Seat", "Name", "Updated At",
            },
        ),
    ],
)  # fmt: skip
def test_the_catalog_names_every_standard_field(key: str, fields: set[str]) -> None:
    manifest = catalog.find(key)
    assert manifest is not None
    shown = catalog.describe(manifest)
    names = [field["name"] for field in shown["fields"]]
    connect = {"Connect: Credentials", "Connect: Subdomain", "Connector Sync Time"}
    assert set(names) == fields | connect
    assert len(names) == len(set(names))
    assert len({field["key"] for field in shown["fields"]}) == len(names)


@each
def test_the_catalog_is_json(manifest: Manifest) -> None:
    shown = catalog.describe(manifest)
    assert json.loads(json.dumps(shown)) == shown
    assert shown["key"] == manifest.key
