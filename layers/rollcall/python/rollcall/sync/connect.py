"""From an integration to an app that can be called: address, signature, limiter."""

import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass

import httpx

from rollcall.aws import Aws
from rollcall.connectors.catalog import Catalog
from rollcall.connectors.client import Client
from rollcall.connectors.engine import App
from rollcall.connectors.limiter import Limiter
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.signing import Renewable, signer, traces
from rollcall.connectors.tokens import Grant, TokenSigner
from rollcall.credentials.store import Credential, CredentialMissing, Credentials
from rollcall.integrations import address
from rollcall.integrations.model import Integration, RateLimit
from rollcall.integrations.variables import Variables
from rollcall.settings import Settings
from rollcall.tables import Table

_SIGNED_BY = "rollcall.signed_by"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a run cannot go on, in the words of its `error`, and at which page of what."""

    code: str
    detail: str
    list: str | None = None
    page: int | None = None


def opened(settings: Settings, aws: Aws, integration: Integration) -> App | Trouble:
    """The integration's app, or what is missing to call it; see `connect`."""
    config = Table(aws.dynamodb, settings.config_table)
    manifest = Catalog(config).find(integration.connector)
    variable = Variables(config).value(manifest.address.variable) if manifest else None
    credentials = Credentials(config, aws.secretsmanager, settings.secret_prefix)
    credential = credentials.get(integration.credential_id)
    try:
        secret = credentials.secret(integration.credential_id)
    except CredentialMissing:
        secret = None
    return app_of(settings, aws, integration, manifest, variable, credential, secret)


def app_of(
    settings: Settings,
    aws: Aws,
    integration: Integration,
    manifest: Manifest | None,
    variable: str | None,
    credential: Credential | None,
    secret: Mapping[str, str] | None,
    *,
    ahead: int | None = None,
) -> App | Trouble:
    """The integration's app, of what was read for it, or what of that is missing; see `connect`.

    `variable` is the value of the connector's.
    """
    if manifest is None:
        return Trouble("connector-missing", f"there is no connector {integration.connector!r}")
    base_url = address.resolve(manifest, integration, variable)
    if base_url is None:
        detail = f"give base_url, subdomain or the variable {manifest.address.variable}"
        return Trouble("address-missing", detail)
    if credential is None or secret is None:
        return Trouble("credential-missing", "the integration's credential is gone")
    return connect(settings, aws, manifest, base_url, integration, credential, secret, ahead=ahead)


def connect(
    settings: Settings,
    aws: Aws,
    manifest: Manifest,
    base_url: str,
    integration: Integration,
    credential: Credential,
    secret: Mapping[str, str],
    *,
    ahead: int | None = None,
) -> App:
    """The integration's app at `base_url` (with the API's path), signed for and limited.

    `secret` is what the store of credentials answers; it is read again when the app refuses it.
    `ahead` is how many calls are reserved at a time (1 for somebody who makes a call or two).
    Close the app after use.
    """
    rate = integration.rate_limit or RateLimit(
        manifest.rate_limit.requests, manifest.rate_limit.seconds
    )
    runs = Table(aws.dynamodb, settings.runs_table)
    host = httpx.URL(base_url).netloc.decode()
    client = Client(
        settings.allow_hosts,
        manifest.rate_limit.in_flight,
        settings.call_seconds,
        headers=integration.headers,
        params=integration.params,
    )
    config = Table(aws.dynamodb, settings.config_table)
    credentials = Credentials(config, aws.secretsmanager, settings.secret_prefix)
    auth = _Rotating(credentials, credential, secret, client)
    return App(manifest, base_url, auth, client, Limiter(runs, host, rate, ahead), auth.secrets)


class _Rotating(Renewable):
    """Signs with a credential as it was read, and once the app refuses that, as it is by then.

    A lap takes minutes; a secret that is rotated meanwhile, and taken back in the app, must not
    look like one that is refused. `secrets` grows with every value and every token.
    """

    def __init__(
        self,
        credentials: Credentials,
        credential: Credential,
        secret: Mapping[str, str],
        client: Client,
    ) -> None:
        self._credentials = credentials
        self._client = client
        self._reading = threading.Lock()
        self.secrets: list[str] = []
        self._take(credential, secret)

    def _take(self, credential: Credential, secret: Mapping[str, str]) -> None:
        self._held = (credential, secret)
        told = traces(secret, credential.client_id)
        self.secrets += [trace for trace in told if trace not in self.secrets]
        self._auth = _signature(credential, secret, self._client, self.secrets)

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request in place (httpx calls this)."""
        auth = request.extensions[_SIGNED_BY] = self._auth
        yield from auth.sync_auth_flow(request)

    def renew(self, refused: httpx.Request, status: int) -> bool:
        """Was the credential rotated, or is there another token to be had?"""
        auth = refused.extensions[_SIGNED_BY]
        with self._reading:
            # Another thread may have been refused, and have read it, before.
            if auth is not self._auth or self._rotated():
                return True
        return isinstance(auth, Renewable) and auth.renew(refused, status)

    def _rotated(self) -> bool:
        credential_id = self._held[0].id
        credential = self._credentials.get(credential_id)
        try:
            secret = self._credentials.secret(credential_id)
        except CredentialMissing:
            return False
        if credential is None or (credential, secret) == self._held:
            return False
        self._take(credential, secret)
        return True


def _signature(
    credential: Credential, secret: Mapping[str, str], client: Client, secrets: list[str]
) -> httpx.Auth:
    if credential.type != "oauth2_client_credentials":
        return signer(credential, secret)
    if credential.token_url is None or credential.client_id is None:
        raise ValueError(f"credential {credential.id} has no token_url, or no client_id")
    grant = Grant(
        of=(credential.id, credential.updated_at),
        token_url=credential.token_url,
        client_id=credential.client_id,
        client_secret=secret["client_secret"],
        scope=credential.scope,
        audience=credential.audience,
        send=credential.send or "basic",
    )
    return TokenSigner(grant, client.post, secrets)
