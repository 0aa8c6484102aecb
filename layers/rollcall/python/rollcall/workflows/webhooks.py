"""Systems that are told by a POST with JSON. What goes wrong is a sentence."""

from collections.abc import Mapping
from typing import Any

import httpx

from rollcall.connectors.answers import Failure
from rollcall.connectors.client import Client

_SECONDS = 10.0
_CONNECTIONS = 4
_TRIES = 2
_AGAIN = 500
_REDIRECTS = 300


class Webhooks:
    """Addresses that are https and public, or whose hosts the deployment allows."""

    def __init__(self, allow_hosts: frozenset[str]) -> None:
        self._client = Client(allow_hosts, _CONNECTIONS, _SECONDS)

    def post(self, url: str, body: Mapping[str, Any]) -> str | None:
        """Send it, and once more where nothing well is heard; why it was not taken, or None.

        A redirect is not followed. The reason never holds the address, which may be a secret.
        """
        if (fault := address_fault(url)) is not None:
            return fault
        why = "was not tried"
        for _ in range(_TRIES):
            came = self._client.call("POST", url, httpx.Auth(), body=body)
            if isinstance(came, Failure):
                why = came.detail
                if came.code == "address-refused":
                    return why
                continue
            status = came[0]
            if status < _REDIRECTS:
                return None
            why = f"{host_of(url)} answered {status}"
            if status < _AGAIN:
                return why
        return why


def address_fault(url: str) -> str | None:
    """Why this is no address of a webhook, or None."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "it is no address"
    if parsed.scheme not in ("http", "https") or not parsed.host:
        return "it must be an address with https"
    return None


def host_of(url: str) -> str:
    """What may be shown of a webhook's address: a key may be in the rest."""
    try:
        return httpx.URL(url).host or "webhook"
    except httpx.InvalidURL:
        return "webhook"
