"""From an integration to an app that can be called: address, signature, limiter."""

from collections.abc import Collection, Iterator, Mapping

import httpx

from rollcall.aws import Aws
from rollcall.connectors.client import Client
from rollcall.connectors.engine import App
from rollcall.connectors.limiter import Limiter
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.signing import signer
from rollcall.connectors.tokens import ClientCredentials
from rollcall.credentials.store import Credential
from rollcall.integrations.model import Integration, RateLimit
from rollcall.settings import Settings
from rollcall.tables import Table


class _Tokens(Collection[str]):
    """The secrets of client credentials, whose tokens change while they are used."""

    def __init__(self, auth: ClientCredentials) -> None:
        self._auth = auth

    def __contains__(self, text: object) -> bool:
        return text in self._auth.secrets

    def __iter__(self) -> Iterator[str]:
        return iter(self._auth.secrets)

    def __len__(self) -> int:
        return len(self._auth.secrets)


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

    `secret` is what the store of credentials answers; `ahead` is how many calls are reserved at a
    time (1 for somebody who makes a call or two). Close the app after use.
    """
    rate = integration.rate_limit or RateLimit(
        manifest.rate_limit.requests, manifest.rate_limit.seconds
    )
    runs = Table(aws.dynamodb, settings.runs_table)
    host = httpx.URL(base_url).netloc.decode()
    client = Client(
        settings.allow_hosts,
        manifest.rate_limit.in_flight,
        headers=integration.headers,
        params=integration.params,
    )
    auth, secrets = _signature(credential, secret, client)
    return App(manifest, base_url, auth, client, Limiter(runs, host, rate, ahead), secrets)


def _signature(
    credential: Credential, secret: Mapping[str, str], client: Client
) -> tuple[httpx.Auth, Collection[str]]:
    """What signs, and what of it must never be repeated."""
    if credential.type == "oauth2_client_credentials":
        auth = ClientCredentials(credential, secret["client_secret"], client)
        return auth, _Tokens(auth)
    known = tuple(secret[name] for name in ("value", "password") if name in secret)
    return signer(credential, secret), known
