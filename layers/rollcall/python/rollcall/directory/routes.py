"""The roster over HTTP: people, accounts, groups, grants, applications."""

from collections import defaultdict
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, ConfigDict, Field

from rollcall.access.problems import unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.directory import read
from rollcall.directory.read import Kind, Origin, Wanted, WantedAccounts
from rollcall.integrations import lookup
from rollcall.integrations.address import effective_origin
from rollcall.integrations.model import Integration

routes = Routes("Directory")

Status = Literal["active", "inactive", "removed"]


class AccountSummary(BaseModel):
    """What one app knows of one person, in short."""

    integration_id: str
    external_id: str
    username: str | None
    email: str | None
    display_name: str | None
    status: Status
    person_id: str | None
    kind: Kind = Field(description="Service and system accounts belong to nobody")
    link: Literal["manual", "none"] | None = Field(
        description="Linked or unlinked by hand; null where the sync keys decide"
    )
    last_active_at: str | None = Field(description="Null where the app does not tell")


class Account(AccountSummary):
    """What one app knows of one person. `attributes` is the app's own record."""

    attributes: dict[str, Any]
    fields: dict[str, str | bool | None] = Field(description="The connector's fields by key")
    first_seen_at: str
    last_changed_at: str
    removed_at: str | None
    removed_by_run: str | None
    left_at: str | None = Field(
        description="When it left the app or the filter, where such accounts are kept"
    )
    version: int


class AccountPage(Page[Account]):
    """A page of accounts."""


class Person(BaseModel):
    """One human: the standard fields, custom ones beside them, and the accounts."""

    model_config = ConfigDict(extra="allow")
    id: str
    username: str | None
    email: str | None
    first_name: str | None
    last_name: str | None
    display_name: str | None
    phone: str | None
    role: str | None
    status: str | None
    title: str | None
    department: str | None
    manager: str | None
    employee_id: str | None
    accounts: list[AccountSummary]
    created_at: str
    updated_at: str
    removed_at: str | None = Field(
        description="When they left the integration that loads people; null while they are there"
    )


class PersonPage(Page[Person]):
    """A page of people."""


class Group(BaseModel):
    """A group or team of an app."""

    external_id: str
    name: str | None
    is_admin: bool
    member_count: int = Field(description="Accounts that hold it now")
    status: Literal["held", "removed"]
    attributes: dict[str, Any]


class GroupPage(Page[Group]):
    """A page of groups."""


class Entitlement(BaseModel):
    """What is held: a group, the admin right, or a role (in a product: its scope)."""

    type: Literal["group", "admin", "role"]
    id: str
    name: str | None
    scope: str | None
    scope_name: str | None


class Grant(BaseModel):
    """One account's hold on one entitlement."""

    account: str = Field(description="The account's external_id")
    entitlement: Entitlement
    status: Literal["held", "revoked"]
    granted_at: str
    revoked_at: str | None


class GrantPage(Page[Grant]):
    """A page of grants."""


class Application(BaseModel):
    """An app by name, with the integrations that bring its accounts."""

    name: str
    connectors: list[str]
    integration_ids: list[str]
    account_count: int = Field(description="Accounts that are not removed")


class ApplicationPage(Page[Application]):
    """A page of applications."""


AccountStatus = Annotated[Status | None, Query(description="Only these; all where not given")]


Linked = Annotated[
    bool | None, Query(description="Only those with a person, or only those without")
]
OfKind = Annotated[Kind | None, Query(description="Only these; all where not given")]


def origin_of(integration: Integration) -> Origin:
    """What the integration's accounts show of it."""
    services = routes.services
    manifest = lookup.manifest_of(services, integration)
    credential = services.credentials.get(integration.credential_id)
    variable = services.variables.value(manifest.address.variable)
    subdomain = None if integration.base_url else integration.subdomain or variable
    host = effective_origin(manifest, integration, variable)
    return Origin(
        integration_id=integration.id,
        manifest=manifest,
        credential=credential.name if credential else None,
        subdomain=subdomain or (host.partition("://")[2] if host else None),
        synced_at=services.integrations.state(integration.id).last_sync_at,
    )


@routes.on("GET /people")
def list_people(
    email: Annotated[str | None, Query(max_length=320, description="Exactly this one")] = None,
    q: Annotated[
        str | None, Query(min_length=1, max_length=200, description="Part of a name or an email")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
) -> PersonPage:
    """List people, by email.

    A page of a search may be short: go on while there is a `next_cursor`.
    """
    listing = f"people {email!r} {q!r}"
    found, last = read.people(
        routes.services.directory,
        routes.services.fields.everything(),
        email,
        q,
        limit,
        key_of(listing, after),
    )
    return PersonPage(
        items=[Person.model_validate(person) for person in found],
        next_cursor=cursor(listing, last),
    )


@routes.on("GET /people/<person_id>")
def get_person(person_id: Id) -> Person:
    """One person, with the fields and the accounts."""
    services = routes.services
    person = read.person(services.directory, services.fields.everything(), person_id)
    if person is None:
        raise unknown("person", person_id)
    return Person.model_validate(person)


@routes.on("GET /integrations/<integration_id>/accounts")
def list_accounts(
    integration_id: Id,
    status: AccountStatus = None,
    linked: Linked = None,
    kind: OfKind = None,
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
) -> AccountPage:
    """List accounts, removed ones too unless `status` says otherwise.

    An integration that loads people only has none.
    """
    origin = origin_of(lookup.found(routes.services, integration_id))
    listing = f"accounts of {integration_id} {status} {linked} {kind}"
    found, last = read.accounts(
        routes.services.directory,
        origin,
        WantedAccounts(status, linked, kind),
        limit,
        key_of(listing, after),
    )
    return AccountPage(
        items=[Account.model_validate(account) for account in found],
        next_cursor=cursor(listing, last),
    )


@routes.on("GET /integrations/<integration_id>/accounts/<external_id>")
def get_account(integration_id: Id, external_id: Id) -> Account:
    """One account by the app's own id."""
    origin = origin_of(lookup.found(routes.services, integration_id))
    account = read.account(routes.services.directory, origin, external_id)
    if account is None:
        raise unknown("account", external_id)
    return Account.model_validate(account)


@routes.on("GET /integrations/<integration_id>/groups")
def list_groups(
    integration_id: Id,
    status: Annotated[Literal["held", "removed", "all"], Query()] = "held",
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
) -> GroupPage:
    """List groups that the app has now; `status` shows the others.

    An integration that loads people only has none.
    """
    if lookup.found(routes.services, integration_id).load == "people":
        return GroupPage(items=[], next_cursor=None)
    listing = f"groups of {integration_id} {status}"
    found, last = read.groups(
        routes.services.directory,
        integration_id,
        None if status == "all" else status,
        limit,
        key_of(listing, after),
    )
    return GroupPage(
        items=[Group.model_validate(group) for group in found], next_cursor=cursor(listing, last)
    )


@routes.on("GET /integrations/<integration_id>/grants")
def list_grants(
    integration_id: Id,
    account: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    group: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    status: Annotated[Literal["held", "revoked", "all"], Query()] = "held",
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
) -> GrantPage:
    """List what is held now, by whom; `status` shows the rest.

    An integration that loads people only has none.
    """
    if lookup.found(routes.services, integration_id).load == "people":
        return GrantPage(items=[], next_cursor=None)
    listing = f"grants of {integration_id} {account!r} {group!r} {status}"
    wanted = Wanted(account, group, None if status == "all" else status)
    found, last = read.grants(
        routes.services.directory, integration_id, wanted, limit, key_of(listing, after)
    )
    return GrantPage(
        items=[Grant.model_validate(grant) for grant in found], next_cursor=cursor(listing, last)
    )


def _applications() -> dict[str, list[tuple[str, str]]]:
    """(integration id, connector) by application, deleted ones whose accounts were kept too."""
    integrations = routes.services.integrations
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for integration in integrations.everything():
        found[integration.application].append((integration.id, integration.connector))
    for former in integrations.formers():
        found[former.application].append((former.id, former.connector))
    return {name: sorted(found[name]) for name in sorted(found)}


@routes.on("GET /applications")
def list_applications(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> ApplicationPage:
    """List the apps by name."""
    key = key_of("applications", after)
    applications = _applications()
    names = [name for name in applications if key is None or name > key["name"]]
    directory = routes.services.directory
    items = [
        Application(
            name=name,
            connectors=sorted({connector for _, connector in applications[name]}),
            integration_ids=[integration_id for integration_id, _ in applications[name]],
            account_count=sum(
                read.count_accounts(directory, integration_id)
                for integration_id, _ in applications[name]
            ),
        )
        for name in names[:limit]
    ]
    last = {"name": names[limit - 1]} if len(names) > limit else None
    return ApplicationPage(items=items, next_cursor=cursor("applications", last))


@routes.on("GET /applications/<name>/accounts")
def list_application_accounts(
    name: Id,
    status: AccountStatus = None,
    linked: Linked = None,
    kind: OfKind = None,
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
) -> AccountPage:
    """List an app's accounts across its integrations."""
    listing = f"accounts in {name} {status} {linked} {kind}"
    wanted = WantedAccounts(status, linked, kind)
    key = key_of(listing, after)
    sources = _applications().get(name)
    if sources is None:
        raise unknown("application", name)
    found: list[dict[str, Any]] = []
    last: dict[str, Any]
    for integration_id, connector in sources:
        if key is not None and integration_id < key["integration_id"]:
            continue
        start = key["after"] if key and integration_id == key["integration_id"] else None
        if start is None and len(found) == limit:
            last = {"integration_id": integration_id, "after": None}
            return _accounts(found, cursor(listing, last))
        page, on = read.accounts(
            routes.services.directory,
            _source(integration_id, connector),
            wanted,
            limit - len(found),
            start,
        )
        found += page
        if on is not None:
            last = {"integration_id": integration_id, "after": on}
            return _accounts(found, cursor(listing, last))
    return _accounts(found, None)


def _accounts(found: list[dict[str, Any]], next_cursor: str | None) -> AccountPage:
    return AccountPage(
        items=[Account.model_validate(account) for account in found], next_cursor=next_cursor
    )


def _source(integration_id: str, connector: str) -> Origin:
    integration = routes.services.integrations.get(integration_id)
    if integration is None:
        return Origin(integration_id, routes.services.catalog.find(connector))
    return origin_of(integration)
