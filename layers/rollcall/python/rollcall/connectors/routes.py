"""The catalog of connectors over HTTP."""

from typing import Literal

from pydantic import BaseModel, Field

from rollcall.access.problems import unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.connectors import catalog

routes = Routes("Connectors")


class DefaultAuth(BaseModel):
    """How requests are signed where a credential gives the value alone."""

    type: Literal["api_key", "bearer", "basic"]
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


class Preset(BaseModel):
    """A named action the connector offers."""

    key: str


class Connector(BaseModel):
    """What Rollcall knows about one app."""

    key: str
    name: str
    description: str
    auth: DefaultAuth
    subdomain_url: str
    subdomain_variable: str
    rate_limit: OwnLimit
    fields: list[ConnectorField]
    capabilities: list[str]
    presets: list[Preset] = Field(description="None yet")


class ConnectorPage(Page[Connector]):
    """A page of connectors."""


@routes.on("GET /connectors")
def list_connectors(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> ConnectorPage:
    """List the apps that can be connected, by key."""
    key = key_of("connectors", after)
    known = [one for one in catalog.everything() if key is None or one.key > key["key"]]
    last = {"key": known[limit - 1].key} if len(known) > limit else None
    return ConnectorPage(
        items=[Connector.model_validate(catalog.describe(one)) for one in known[:limit]],
        next_cursor=cursor("connectors", last),
    )


@routes.on("GET /connectors/<connector>")
def get_connector(connector: Id) -> Connector:
    """One connector: its fields, how it signs, what it can do."""
    manifest = catalog.find(connector)
    if manifest is None:
        raise unknown("connector", connector)
    return Connector.model_validate(catalog.describe(manifest))
