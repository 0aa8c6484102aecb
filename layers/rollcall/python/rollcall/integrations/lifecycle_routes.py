"""Integrations over HTTP: test, launch, pause."""

from dataclasses import replace

from rollcall.access.problems import Problem, unknown
from rollcall.api.routing import Id, Routes
from rollcall.connectors.answers import Code, Failure
from rollcall.connectors.engine import App
from rollcall.integrations import lookup
from rollcall.integrations.model import Integration
from rollcall.integrations.sample import schema
from rollcall.integrations.shapes import RunError, SchemaEntry, ShownIntegration, Trial
from rollcall.integrations.shown import shown
from rollcall.sync.connect import connect

routes = Routes("Integrations")

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


@routes.on("POST /integrations/<integration_id>/launch")
def launch_integration(integration_id: Id) -> ShownIntegration:
    """Sync on schedule from now on; the first run is an interval later.

    Answers 409 naming everything that is missing. The schedule is made before the status says so: a run
    that a schedule starts for an integration that is not active does nothing.
    """
    integration = lookup.found(routes.services, integration_id)
    lookup.require_all(routes.services, integration)
    lookup.schedule(routes.services, integration)
    launched = routes.services.integrations.change(
        integration_id, "launch", lambda current: replace(current, status="active"), routes.actor
    )
    if launched is None:
        routes.services.schedules.remove(integration_id)
        raise unknown("integration", integration_id)
    return shown(routes.services, launched)


@routes.on("POST /integrations/<integration_id>/pause")
def pause_integration(integration_id: Id) -> ShownIntegration:
    """Sync no more on schedule; runs by hand still work.

    The status is stored before the schedule goes, for the same reason as at launch.
    """
    if lookup.found(routes.services, integration_id).status == "draft":
        raise Problem(409, "a draft has no schedule to pause")
    paused = routes.services.integrations.change(
        integration_id, "pause", lambda current: replace(current, status="paused"), routes.actor
    )
    if paused is None:
        raise unknown("integration", integration_id)
    routes.services.schedules.remove(integration_id)
    return shown(routes.services, paused)


@routes.on("POST /integrations/<integration_id>/test")
def test_integration(integration_id: Id) -> Trial:
    """Call the app, and store nothing of what it says.

    `ok` false says in `error` why it did not work and what to do. A refused credential turns an
    active integration `needs_reconnect`; a call that works turns it back.
    """
    integration = lookup.found(routes.services, integration_id)
    lookup.require(routes.services, integration)
    app = _app(integration)
    try:
        tested = app.test()
        if isinstance(tested, Failure):
            return _refused(integration, tested)
        page = app.page(app.manifest.users, None)
    finally:
        app.close()
    if isinstance(page, Failure):
        return _refused(integration, page)
    routes.services.integrations.set_status(integration_id, "active")
    return Trial(
        ok=True,
        identity=tested.identity,
        sample=dict(page.records[0]) if page.records else None,
        schema=[SchemaEntry(**entry) for entry in schema(page.records)],
        error=None,
    )


def _app(integration: Integration) -> App:
    services = routes.services
    base_url = lookup.base_url(services, integration)
    credential = services.credentials.get(integration.credential_id)
    if base_url is None or credential is None:
        raise Problem(409, "the integration was changed meanwhile")
    return connect(
        services.settings,
        services.aws,
        lookup.manifest_of(services, integration),
        base_url,
        credential,
        services.credentials.secret(integration.credential_id),
        integration.rate_limit,
        ahead=1,
    )


def _refused(integration: Integration, failure: Failure) -> Trial:
    if failure.code == "vendor-unauthorized":
        routes.services.integrations.set_status(integration.id, "needs_reconnect")
    advice = _ADVICE[failure.code].format(credential_id=integration.credential_id)
    return Trial(
        ok=False,
        identity=None,
        sample=None,
        schema=[],
        error=RunError(code=failure.code, detail=f"{failure.detail}; {advice}"),
    )
