"""Acting on users of an app: presets by name, and shorthands for the usual ones."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from rollcall.actions import shapes
from rollcall.actions.asking import Call, Ready, checked_call
from rollcall.actions.invoking import RETRY_AFTER, ask, refusal
from rollcall.actions.rehearsing import rehearse
from rollcall.actions.saved import all_presets
from rollcall.api.paging import Page
from rollcall.api.routing import Id, Routes
from rollcall.connectors.catalog import describe_preset
from rollcall.connectors.routes import OfferedPreset
from rollcall.integrations import lookup
from rollcall.integrations.calling import STATUSES

routes = Routes("Actions")

_REFUSED = (404, *STATUSES)


class PresetPage(Page[OfferedPreset]):
    """The presets of an integration."""


@routes.on("GET /integrations/<integration_id>/presets", problems=(409,))
def list_presets(integration_id: Id) -> PresetPage:
    """List what can be done to the users of an app: the connector's presets, then your own."""
    services = routes.services
    integration = lookup.found(services, integration_id)
    manifest = lookup.manifest_of(services, integration)
    found = [one.preset for one in all_presets(services.config, manifest)]
    items = [OfferedPreset.model_validate(describe_preset(preset)) for preset in found]
    return PresetPage(items=items, next_cursor=None)


@routes.on(
    "POST /integrations/<integration_id>/presets/<preset>", problems=_REFUSED, also=(201, 202)
)
def use_preset(
    integration_id: Id, preset: Id, body: shapes.UsePreset
) -> shapes.Done | shapes.DryRun:
    """Use a preset; 201 where it makes a user, 202 where the app takes longer than 25 s.

    With `dry_run` the answer is the exact request (`DryRun`), and nothing is sent.
    """
    call = Call(
        actor=routes.actor,
        preset=preset,
        inputs=body.inputs,
        person_id=body.person_id,
        overrides=body.overrides.model_dump(exclude_unset=True),
        response_field=body.response_field,
        key=None if body.dry_run else _key(),
    )
    ready = checked_call(routes.services, integration_id, call)
    if body.dry_run:
        return shapes.dry_run(rehearse(routes.services, ready))
    return _answer(ready)


@routes.on("POST /integrations/<integration_id>/users", status=201, problems=_REFUSED, also=(202,))
def create_user(integration_id: Id, body: shapes.Inputs) -> shapes.Done:
    """Create a user in the app; the body is the inputs of its preset `create_user`."""
    return _use(integration_id, "create_user", body.root)


@routes.on("GET /integrations/<integration_id>/users/<external_id>", problems=_REFUSED, also=(202,))
def get_user(integration_id: Id, external_id: Id) -> shapes.Done:
    """One user as the app has them now."""
    return _use(integration_id, "get_user", {}, external_id)


@routes.on(
    "PATCH /integrations/<integration_id>/users/<external_id>", problems=_REFUSED, also=(202,)
)
def update_user(integration_id: Id, external_id: Id, body: shapes.Inputs) -> shapes.Done:
    """Change a user in the app; what is not given stays as it is."""
    return _use(integration_id, "update_user", body.root, external_id)


@routes.on(
    "DELETE /integrations/<integration_id>/users/<external_id>", problems=_REFUSED, also=(202,)
)
def delete_user(
    integration_id: Id, external_id: Id, body: shapes.Inputs | None = None
) -> shapes.Done:
    """Delete a user in the app, for good. One who is gone already is no error."""
    return _use(integration_id, "delete_user", _inputs(body), external_id)


@routes.on(
    "POST /integrations/<integration_id>/users/<external_id>/deactivate",
    problems=_REFUSED,
    also=(202,),
)
def deactivate_user(
    integration_id: Id, external_id: Id, body: shapes.Inputs | None = None
) -> shapes.Done:
    """Deactivate a user in the app. One who is inactive already is no error."""
    return _use(integration_id, "deactivate_user", _inputs(body), external_id)


@routes.on(
    "GET /integrations/<integration_id>/users/<external_id>/roles", problems=_REFUSED, also=(202,)
)
def list_user_roles(integration_id: Id, external_id: Id) -> shapes.Done:
    """What a user may do in the app, a row a role; the rows are the `response`."""
    return _use(integration_id, "user_role", {}, external_id)


def _inputs(body: shapes.Inputs | None) -> Mapping[str, Any]:
    """What a body that may be left out gives."""
    return {} if body is None else body.root


def _use(
    integration_id: str, preset: str, inputs: Mapping[str, Any], external_id: str | None = None
) -> shapes.Done:
    call = Call(routes.actor, preset, inputs, external_id, key=_key())
    return _answer(checked_call(routes.services, integration_id, call))


def _key() -> str | None:
    """The Idempotency-Key with whose it is and what it is for; only a POST has one."""
    event = routes.current_event
    key = event.headers.get("idempotency-key")
    if event.http_method != "POST" or not key:
        return None
    return f"{routes.actor}\n{event.path}\n{key}"


def _answer(ready: Ready) -> shapes.Done:
    action = ask(routes.services, ready)
    if action.status == "failed":
        raise refusal(action, ready.integration)
    makes = ready.found.preset.does == "create"
    status = 202 if action.status == "running" else 201 if makes else 200
    return Response(  # type: ignore[return-value]
        status,
        "application/json",
        shapes.done(action),
        {"Retry-After": RETRY_AFTER} if action.status == "running" else None,
    )
