"""Integrations over HTTP: test, launch, pause."""

from dataclasses import replace

from rollcall.access.problems import Problem, unknown
from rollcall.api.routing import Id, Routes
from rollcall.connectors.answers import Failure
from rollcall.integrations import lookup
from rollcall.integrations.calling import calling, told, worked
from rollcall.integrations.model import Integration
from rollcall.integrations.sample import schema
from rollcall.integrations.shapes import RunError, SchemaEntry, ShownIntegration, Trial
from rollcall.integrations.shown import shown
from rollcall.sync.masking import without_secrets
from rollcall.sync.sample import first_records

routes = Routes("Integrations")

_SAMPLED = 10
"""Records of an app that needs a call, or a list, for each."""


@routes.on("POST /integrations/<integration_id>/launch")
def launch_integration(integration_id: Id) -> ShownIntegration:
    """Sync on schedule from now on; the first run is an interval later.

    Answers 409 naming everything that is missing. The schedule is made before the status says so:
    a run that a schedule starts for an integration that is not active does nothing.
    """
    integration = lookup.found(routes.services, integration_id)
    lookup.require_all(routes.services, integration)
    lookup.schedule(routes.services, routes.services.schedules, integration)
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
    services = routes.services
    integration = lookup.found(services, integration_id)
    with calling(services, integration) as app:
        tested = app.test()
        if isinstance(tested, Failure):
            return _refused(integration, tested)
        users = app.manifest.users
        costly = users.detail is not None or bool(users.joined)
        found = first_records(app, _SAMPLED if costly else max(users.paging.size, _SAMPLED))
        secrets = app.secrets
    if isinstance(found, Failure):
        return _refused(integration, found)
    worked(services, integration)
    records = [without_secrets(record, secrets) for record in found.records]
    shown_records = [record for record in records if record is not None]
    notes = list(found.notes)
    if len(shown_records) < len(records):
        notes.append(f"{len(records) - len(shown_records)} records are too large to be shown")
    return Trial(
        ok=True,
        identity=tested.identity,
        sample=shown_records[0] if shown_records else None,
        schema=[SchemaEntry(**entry) for entry in schema(shown_records)],
        notes=notes,
        error=None,
    )


def _refused(integration: Integration, failure: Failure) -> Trial:
    detail = told(routes.services, integration, failure)
    return Trial(
        ok=False,
        identity=None,
        sample=None,
        schema=[],
        notes=[],
        error=RunError(code=failure.code, detail=detail),
    )
