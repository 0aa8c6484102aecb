"""Credentials over HTTP. Values come in here; no answer ever holds one."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag
from pydantic import BaseModel as Model

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Body, Id, Routes
from rollcall.connectors.signing import unfit_header
from rollcall.credentials.store import Credential, Scheme
from rollcall.integrations.address import Unusable, endpoint

routes = Routes("Credentials")

_BEARER = re.compile(r"bearer(\s+|$)", re.IGNORECASE)
_NO_KEY = "must be the key itself, in ASCII"


def _token(value: str) -> str:
    token = _plain(value).strip()
    if not token.isascii():
        raise ValueError(_NO_KEY)
    return token


def _bearer(value: str) -> str:
    token = _BEARER.sub("", _token(value), count=1)
    if not token:
        raise ValueError(_NO_KEY)
    return token


def _plain(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must not be empty, nor hold a line break or another control character")
    return value


def _username(value: str) -> str:
    if ":" in value:
        raise ValueError("must not hold a colon")
    return _plain(value)


Token = Annotated[str, AfterValidator(_token), Field(min_length=1, max_length=4096)]
Bearer = Annotated[str, AfterValidator(_bearer), Field(min_length=1, max_length=4096)]
Secret = Annotated[str, AfterValidator(_plain), Field(min_length=1, max_length=4096)]
Said = Annotated[str, AfterValidator(_plain), Field(min_length=1, max_length=1000)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class DefaultAuth(Body):
    """The key alone: how it is sent is the connector's default.

    In a rotation it is sent as before, and is the new client secret of OAuth client credentials.
    """

    value: Token


class ApiKeyAuth(Body):
    """A key in a header or a query parameter of any name, sent as it is typed."""

    type: Literal["api_key"]
    name: Annotated[str, AfterValidator(_plain), Field(min_length=1, max_length=100)]
    add_to: Literal["header", "query"]
    value: Token


class BearerAuth(Body):
    """`Authorization: Bearer …`; a typed word "Bearer" is taken off."""

    type: Literal["bearer"]
    value: Bearer


class BasicAuth(Body):
    """A user name and a password."""

    type: Literal["basic"]
    username: Annotated[str, AfterValidator(_username), Field(min_length=1, max_length=1000)]
    password: Secret


class ClientCredentialsAuth(Body):
    """OAuth 2.0 client credentials: a token is fetched from `token_url`, kept while it lives, and
    fetched anew before it ends or when the app refuses it.
    """

    type: Literal["oauth2_client_credentials"]
    token_url: Said = Field(description="Where tokens are given, over https")
    client_id: Said
    client_secret: Secret
    scope: Said | None = None
    audience: Said | None = None
    send: Literal["basic", "body"] = Field(
        default="basic", description="How the client's secret goes to `token_url`"
    )


_KINDS = {kind: f"<{kind}>" for kind in ("api_key", "bearer", "basic", "oauth2_client_credentials")}


def _kind(auth: Any) -> str | None:
    if not isinstance(auth, dict) or "type" not in auth:
        return "<default>"
    kind = auth["type"]
    return _KINDS.get(kind) if isinstance(kind, str) else None


Auth = Annotated[
    Annotated[DefaultAuth, Tag("<default>")]
    | Annotated[ApiKeyAuth, Tag("<api_key>")]
    | Annotated[BearerAuth, Tag("<bearer>")]
    | Annotated[BasicAuth, Tag("<basic>")]
    | Annotated[ClientCredentialsAuth, Tag("<oauth2_client_credentials>")],
    Discriminator(
        _kind,
        custom_error_type="auth_type",
        custom_error_message="must be api_key, bearer, basic or oauth2_client_credentials",
        custom_error_context={"at": "type"},
    ),
]


class NewCredential(Body):
    """A credential for one connector."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "ActiveCampaign, roster",
                    "connector": "activecampaign",
                    "auth": {"value": "the key"},
                }
            ]
        }
    )
    name: Name
    connector: str = Field(max_length=100)
    auth: Auth


class Rotation(Body):
    """A new value. The name may change with it; connector and type may not."""

    auth: Auth
    name: Name | None = None
    connector: str | None = Field(default=None, description="If given, the one it has")


class ShownCredential(Model):
    """A credential without its value.

    `param_name` and `add_to` are an API key's; `token_url` to `send` are of OAuth client
    credentials.
    """

    id: str
    name: str
    connector: str
    type: Literal["api_key", "bearer", "basic", "oauth2_client_credentials"]
    param_name: str | None
    add_to: Literal["header", "query"] | None
    token_url: str | None
    client_id: str | None
    scope: str | None
    audience: str | None
    send: Literal["basic", "body"] | None
    created_at: str
    updated_at: str


class CredentialPage(Page[ShownCredential]):
    """A page of credentials."""


def _shown(credential: Credential) -> ShownCredential:
    return ShownCredential.model_validate(credential, from_attributes=True)


def _read(auth: Auth, connector: str, current: Scheme | None) -> tuple[Scheme, dict[str, str]]:
    """How to sign, and with what. Raises Problem for what cannot sign, or needs more than a key.

    `current` is how a credential that is rotated signs.
    """
    match auth:
        case BasicAuth():
            return Scheme("basic"), {"username": auth.username, "password": auth.password}
        case BearerAuth():
            return Scheme("bearer"), {"value": auth.value}
        case ApiKeyAuth():
            fault = unfit_header(auth.name) if auth.add_to == "header" else None
            if fault is not None:
                raise invalid("auth.name", fault)
            return Scheme("api_key", auth.name, auth.add_to), {"value": auth.value}
        case ClientCredentialsAuth():
            return _client(auth), {"client_secret": auth.client_secret}
    return _read_alone(auth.value, current or _default(connector), rotated=current is not None)


def _read_alone(value: str, scheme: Scheme, *, rotated: bool) -> tuple[Scheme, dict[str, str]]:
    """A value alone: sent as the connector wants it, or as it was before."""
    match scheme.type:
        case "basic":
            raise invalid("auth.type", "a user name and a password are needed: send type basic")
        case "oauth2_client_credentials" if not rotated:
            raise invalid("auth.type", f"a token_url and a client are needed: send {scheme.type}")
        case "oauth2_client_credentials":
            return scheme, {"client_secret": value}
        case "bearer":
            return scheme, {"value": _bare(value)}
    return scheme, {"value": value}


def _bare(value: str) -> str:
    try:
        return _bearer(value)
    except ValueError as error:
        raise invalid("auth.value", str(error)) from None


def _client(auth: ClientCredentialsAuth) -> Scheme:
    url = endpoint(auth.token_url, routes.services.settings.allow_hosts)
    if isinstance(url, Unusable):
        raise invalid("auth.token_url", url.message)
    return Scheme(
        auth.type,
        token_url=url,
        client_id=auth.client_id,
        scope=auth.scope,
        audience=auth.audience,
        send=auth.send,
    )


def _default(connector: str) -> Scheme:
    manifest = routes.services.catalog.find(connector)
    if manifest is None:
        raise invalid("connector", f"there is no connector {connector!r}")
    auth = manifest.auth
    return (
        Scheme(auth.type, auth.name, auth.add_to) if auth.type == "api_key" else Scheme(auth.type)
    )


@routes.on("POST /credentials", status=201)
def create_credential(credential: NewCredential) -> ShownCredential:
    """Keep a credential.

    The value goes to Secrets Manager and is never shown again.
    """
    _default(credential.connector)
    scheme, secret = _read(credential.auth, credential.connector, None)
    created = routes.services.credentials.create(
        credential.name, credential.connector, scheme, secret, routes.actor
    )
    return _shown(created)


@routes.on("GET /credentials")
def list_credentials(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> CredentialPage:
    """List credentials, in the order they were made."""
    found, last = routes.services.credentials.page(limit, key_of("credentials", after))
    return CredentialPage(
        items=[_shown(credential) for credential in found],
        next_cursor=cursor("credentials", last),
    )


@routes.on("GET /credentials/<credential_id>")
def get_credential(credential_id: Id) -> ShownCredential:
    """One credential, without its value."""
    credential = routes.services.credentials.get(credential_id)
    if credential is None:
        raise unknown("credential", credential_id)
    return _shown(credential)


@routes.on("PUT /credentials/<credential_id>")
def rotate_credential(credential_id: Id, rotation: Rotation) -> ShownCredential:
    """Replace the value.

    Integrations that use the credential sign with the new value from their next call on. One that
    needs to be reconnected is active again after a call that works, such as its test.
    """
    credentials = routes.services.credentials
    credential = credentials.get(credential_id)
    if credential is None:
        raise unknown("credential", credential_id)
    if rotation.connector not in (None, credential.connector):
        raise invalid("connector", f"the credential is one for {credential.connector}")
    scheme, secret = _read(rotation.auth, credential.connector, credential.scheme)
    if scheme.type != credential.type:
        raise invalid("auth.type", f"a rotation keeps the type, which is {credential.type}")
    rotated = credentials.rotate(
        credential, rotation.name or credential.name, scheme, secret, routes.actor
    )
    if rotated is None:
        raise unknown("credential", credential_id)
    return _shown(rotated)


@routes.on("DELETE /credentials/<credential_id>", status=204, problems=(409,))
def delete_credential(credential_id: Id) -> None:
    """Delete a credential and its value, unless an integration uses it."""
    outcome = routes.services.credentials.delete(credential_id, routes.actor)
    if outcome == "unknown":
        raise unknown("credential", credential_id)
    if outcome == "used":
        users = routes.services.credentials.users(credential_id)
        raise Problem(409, f"the credential is used by integrations: {', '.join(users)}")
