"""Calling an integration's app from a route: the app made ready, and its failures in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rollcall.access.problems import Problem
from rollcall.connectors.answers import Code, Failure
from rollcall.connectors.engine import App
from rollcall.integrations import lookup
from rollcall.integrations.model import Integration
from rollcall.services import Services
from rollcall.sync.connect import connect

_ADVICE: dict[Code, str] = {
    "vendor-unauthorized": "give a new key with PUT /v1/credentials/{credential_id}",
    "vendor-forbidden": "give the key's owner the right to list users",
    "vendor-not-found": "check the address of the integration",
    "vendor-rejected": "check the address of the integration",
    "vendor-throttled": "wait a minute and test again",
    "vendor-broken": "check the address, or test again later",
    "vendor-silent": "check the address, or test again later",
    "address-refused": "only public hosts are called, unless the deployment allows others",
}
STATUS: dict[Code, int] = {
    "vendor-unauthorized": 502,
    "vendor-forbidden": 502,
    "vendor-not-found": 404,
    "vendor-rejected": 422,
    "vendor-throttled": 503,
    "vendor-broken": 502,
    "vendor-silent": 504,
    "address-refused": 422,
}
"""Of the answer to a request whose call failed so."""
STATUSES = (409, 502, 503, 504)
"""What a route that raises `problem` refuses with, beyond the usual."""


@contextmanager
def calling(services: Services, integration: Integration) -> Iterator[App]:
    """The integration's app, ready to be called. Raises Problem (409) naming what is missing."""
    lookup.require(services, integration)
    base_url = lookup.base_url(services, integration)
    credential = services.credentials.get(integration.credential_id)
    if base_url is None or credential is None:
        raise Problem(409, "the integration was changed meanwhile")
    app = connect(
        services.settings,
        services.aws,
        lookup.manifest_of(services, integration),
        base_url,
        integration,
        credential,
        services.credentials.secret(integration.credential_id),
        ahead=1,
    )
    try:
        yield app
    finally:
        app.close()


def told(services: Services, integration: Integration, failure: Failure) -> str:
    """Why a call failed and what to do; a refused credential makes the integration say so, and
    tells its contacts, for its schedule rests from then on.
    """
    refused = failure.code == "vendor-unauthorized"
    if refused and _set_status(services, integration, "needs_reconnect"):
        services.teller.refused(integration, {"code": failure.code, "detail": failure.detail})
    return f"{failure.detail}; {advice(failure.code, integration)}"


def advice(code: Code, integration: Integration) -> str:
    """What to do about a call that failed so."""
    return _ADVICE[code].format(credential_id=integration.credential_id)


def worked(services: Services, integration: Integration) -> None:
    """A call worked: an integration that needed to be reconnected is active again."""
    _set_status(services, integration, "active")


def _set_status(
    services: Services, integration: Integration, status: Literal["active", "needs_reconnect"]
) -> bool:
    return services.integrations.set_status(
        integration.id, status, f"integration:{integration.name}"
    )


def problem(services: Services, integration: Integration, failure: Failure) -> Problem:
    """The failure as a refusal of the request that needed the call."""
    headers = {}
    if failure.code == "vendor-throttled":
        headers["Retry-After"] = str(failure.wait_seconds or 60)
    detail = told(services, integration, failure)
    return Problem(STATUS[failure.code], detail, code=failure.code, headers=headers)
