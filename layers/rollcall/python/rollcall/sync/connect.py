"""From an integration to an app that can be called: address, signature, limiter."""

from collections.abc import Mapping

import httpx

from rollcall.aws import Aws
from rollcall.connectors.client import Client
from rollcall.connectors.engine import App
from rollcall.connectors.limiter import Limiter
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.signing import signer, traces
from rollcall.connectors.tokens import Grant, TokenSigner
from rollcall.credentials.store import Credential
from rollcall.integrations.model import Integration, RateLimit
from rollcall.settings import Settings
from rollcall.tables import Table


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
    # A token that is fetched later is added here by its signer.
    secrets = traces(secret, credential.client_id)
    auth = _signature(credential, secret, client, secrets)
    return App(manifest, base_url, auth, client, Limiter(runs, host, rate, ahead), secrets)


def _signature(
    credential: Credential, secret: Mapping[str, str], client: Client, secrets: list[str]
) -> httpx.Auth:
    if credential.type != "oauth2_client_credentials":
        return signer(credential, secret)
    grant = Grant(
        of=(credential.id, credential.updated_at),
        token_url=credential.token_url or "",
        client_id=credential.client_id or "",
        client_secret=secret["client_secret"],
        scope=credential.scope,
        audience=credential.audience,
        send=credential.send or "basic",
    )
    return TokenSigner(grant, client.post, secrets)
