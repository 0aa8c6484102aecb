"""The catalog of connectors over HTTP, and the customer's own."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field, GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.actions.saved import SavedPresets
from rollcall.actions.saving import preset_faults
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.connectors import catalog, check
from rollcall.connectors.catalog import Entry
from rollcall.connectors.manifest import Manifest, build, plain
from rollcall.connectors.presets import Does
from rollcall.connectors.store import Connectors, Users
from rollcall.connectors.uses import broken

routes = Routes("Connectors")

_TRIES = 5
_SHOWN = 10
"""Names of users that a refusal tells."""


class ManifestDocument(RootModel[dict[str, Any]]):
    """A manifest as plain data. What it must be is documented; `check` tells its faults by path."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(check.adapter().core_schema)


class DefaultAuth(BaseModel):
    """How requests are signed where a credential gives the value alone."""

    type: Literal["api_key", "bearer", "basic", "oauth2_client_credentials"]
    name: str
    add_to: Literal["header", "query"]


class OwnLimit(BaseModel):
    """The limit that is kept unless an integration has its own."""

    requests: int
    seconds: int | float


class ConnectorField(BaseModel):
    """A standard field of the app's users, or one that the connection itself tells."""

    key: str
    name: str
    type: Literal["text", "boolean", "datetime"]


class PresetInput(BaseModel):
    """One thing that a caller of a preset may say."""

    key: str
    name: str
    type: Literal["text", "id", "number", "boolean", "json"] = Field(
        description="An id is text or a whole number"
    )
    required: bool
    default: str | int | float | bool | None = Field(
        description="What a form begins with; what a caller leaves out is not sent"
    )
    help: str
    secret: bool
    choices: list[str] | None


class OfferedPreset(BaseModel):
    """A named action the connector offers."""

    key: str
    name: str
    description: str
    does: Does
    inputs: list[PresetInput]


class Connector(BaseModel):
    """What Rollcall knows about one app."""

    key: str
    name: str
    description: str
    custom: bool = Field(description="False where it comes with Rollcall")
    version: int | None = Field(description="Of a connector of your own: counts its changes")
    auth: DefaultAuth
    subdomain_url: str = Field(description="Empty where the app has no subdomains")
    subdomain_variable: str
    base_url: str = Field(description="The app's one address, or empty")
    rate_limit: OwnLimit
    fields: list[ConnectorField]
    capabilities: list[str]
    presets: list[OfferedPreset]
    created_at: str | None
    updated_at: str | None


class ConnectorPage(Page[Connector]):
    """A page of connectors."""


class ShownVersion(BaseModel):
    """One version of a connector's manifest."""

    version: int
    created_at: str
    actor: str


class VersionPage(Page[ShownVersion]):
    """A page of versions."""


Version = Annotated[
    int | None, Query(ge=1, le=999_999, description="Of a connector of your own; else the current")
]


def _store() -> Connectors:
    return Connectors(routes.services.config)


def _shown(entry: Entry) -> Connector:
    return Connector.model_validate(
        {
            **catalog.describe(entry.manifest),
            "custom": entry.version is not None,
            "version": entry.version,
            "created_at": entry.created_at,
            "updated_at": entry.updated_at,
        }
    )


@routes.on("GET /connectors")
def list_connectors(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> ConnectorPage:
    """List the apps that can be connected, by key."""
    key = key_of("connectors", after)
    known = [
        one
        for one in routes.services.catalog.entries()
        if key is None or one.manifest.key > key["key"]
    ]
    last = {"key": known[limit - 1].manifest.key} if len(known) > limit else None
    return ConnectorPage(
        items=[_shown(one) for one in known[:limit]], next_cursor=cursor("connectors", last)
    )


@routes.on("GET /connectors/<connector>")
def get_connector(connector: Id) -> Connector:
    """One connector: its fields, how it signs, what it can do."""
    entry = routes.services.catalog.entry(connector)
    if entry is None:
        raise unknown("connector", connector)
    return _shown(entry)


@routes.on("POST /connectors", status=201)
def create_connector(manifest: ManifestDocument) -> Connector:
    """Add an app of your own.

    The body is the manifest: `GET /connectors/{connector}/manifest` of another is a good start.
    What is wrong in it is told by its path; 409 where the key is taken.
    """
    data = manifest.root
    _check(data)
    created = _store().create(data, routes.actor)
    if created is None:
        raise Problem(409, f"there is a connector {data['key']!r} already")
    return _shown(created)


@routes.on("PUT /connectors/<connector>", problems=(409,))
def replace_connector(connector: Id, manifest: ManifestDocument) -> Connector:
    """Give a connector of your own a new version.

    Its integrations use it from their next call on, and read every record anew. 409 where the
    mapping or the filter of one, or a preset of your own, would not work any more, and for what
    comes with Rollcall.
    """
    store, data = _store(), manifest.root
    for _ in range(_TRIES):
        seen = store.seen(connector)
        if seen is None or catalog.find(connector) is not None:
            raise _not_own(connector)
        _check(data)
        if data["key"] != connector:
            raise invalid("key", f"must stay {connector!r}")
        _check_users(seen.entry.manifest, build(data))
        replaced = store.replace(seen, data, routes.actor)
        if replaced != "changed":
            return _shown(replaced)
    raise Problem(409, "the connector is changed by others all the time")


@routes.on("DELETE /connectors/<connector>", status=204, problems=(409,))
def delete_connector(connector: Id) -> None:
    """Delete a connector of your own.

    409 while an integration, a credential or a preset of your own uses it.
    """
    store = _store()
    for _ in range(_TRIES):
        seen = store.seen(connector)
        if seen is None or catalog.find(connector) is not None:
            raise _not_own(connector)
        users = store.users(connector)
        if users:
            raise Problem(409, f"the connector is used by {_named(users)}")
        if store.delete(seen, routes.actor):
            return
    raise Problem(409, "the connector is changed by others all the time")


@routes.on("GET /connectors/<connector>/manifest")
def get_connector_manifest(connector: Id, version: Version = None) -> ManifestDocument:
    """The manifest of a connector, of your own also an earlier one."""
    built_in = catalog.find(connector)
    if built_in is not None and version is None:
        return ManifestDocument(plain(built_in))
    data = _own(connector).manifest(connector, version)
    if data is None:
        raise unknown("version", f"{version} of {connector}")
    return ManifestDocument(data)


@routes.on("GET /connectors/<connector>/versions")
def list_connector_versions(
    connector: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> VersionPage:
    """List the versions of a connector of your own, newest first."""
    if catalog.find(connector) is not None:
        return VersionPage(items=[], next_cursor=None)
    listing = f"versions of {connector}"
    found, last = _own(connector).versions(connector, limit, key_of(listing, after))
    items = [ShownVersion.model_validate(one, from_attributes=True) for one in found]
    return VersionPage(items=items, next_cursor=cursor(listing, last))


def _own(connector: str) -> Connectors:
    store = _store()
    if store.seen(connector) is None:
        raise unknown("connector", connector)
    return store


def _not_own(connector: str) -> Problem:
    if catalog.find(connector) is None:
        return unknown("connector", connector)
    return Problem(
        409, f"{connector} comes with Rollcall: copy its manifest to a connector of your own"
    )


def _check(manifest: dict[str, Any]) -> None:
    services = routes.services
    found = check.problems(manifest, services.settings.allow_hosts, services.fields.roles())
    if found:
        raise Problem(422, errors=[(problem.path, problem.message) for problem in found])


def _check_users(before: Manifest, after: Manifest) -> None:
    """Raise Problem (409) that names what could not go on with the manifest."""
    services = routes.services
    fields, roles = services.fields.everything(), services.fields.roles()
    found = [
        f"integration {one.name!r} ({one.id}): {fault}"
        for one in services.integrations.everything()
        if one.connector == after.key
        for fault in broken(one, before, after, fields, roles)
    ]
    found += [
        f"preset {saved.key!r}: {place}: {fault}"
        for saved in SavedPresets(services.config, after.key).everything()
        for place, fault in preset_faults(after, saved)
    ]
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise Problem(409, "; ".join(found[:_SHOWN]) + more)


def _named(users: Users) -> str:
    kinds = (
        ("integration", users.integrations),
        ("credential", users.credentials),
        ("preset", users.presets),
    )
    names = [f"{kind} {name!r} ({one})" for kind, ones in kinds for one, name in ones]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
