"""From an integration to an app that can be called: address, signature, limiter."""

from collections.abc import Mapping

import httpx

from rollcall.aws import Aws
from rollcall.connectors.client import Client
from rollcall.connectors.engine import App
from rollcall.connectors.limiter import Limiter
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.signing import Signing, signer
from rollcall.integrations.model import RateLimit
from rollcall.settings import Settings
from rollcall.tables import Table


def connect(
    settings: Settings,
    aws: Aws,
    manifest: Manifest,
    base_url: str,
    credential: Signing,
    secret: Mapping[str, str],
    rate_limit: RateLimit | None,
    *,
    ahead: int | None = None,
) -> App:
    """The app at `base_url` (with the API's path), signed for and limited.

    `rate_limit` None is the connector's own; `ahead` is how many calls are reserved at a time
    (1 for somebody who makes a call or two). Close the app after use.
    """
    rate = rate_limit or RateLimit(manifest.rate_limit.requests, manifest.rate_limit.seconds)
    runs = Table(aws.dynamodb, settings.runs_table)
    host = httpx.URL(base_url).netloc.decode()
    return App(
        manifest,
        base_url,
        signer(credential, secret),
        Client(settings.allow_hosts, manifest.rate_limit.in_flight),
        Limiter(runs, host, rate, ahead),
        [secret[name] for name in ("value", "password") if name in secret],
    )
