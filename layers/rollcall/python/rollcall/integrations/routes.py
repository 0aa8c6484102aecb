"""Integrations over HTTP: connect, show, change, delete."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.connectors.manifest import Manifest
from rollcall.directory.purge import holds_anything, purge
from rollcall.integrations import forms, lookup
from rollcall.integrations.address import Unusable, origin
from rollcall.integrations.model import Integration, RateLimit, RemovalGuard
from rollcall.integrations.shown import all_shown, shown
from rollcall.integrations.store import Draft

routes = Routes("Integrations")

_LAUNCHED = ("active", "needs_reconnect")
_NEEDED_MS = 4000
"""Milliseconds that an answer needs at the end of a call that deletes."""


def _checked(
    body: forms.NewIntegration | forms.IntegrationChanges,
    manifest: Manifest,
    credential_id: str | None,
) -> str | None:
    """The origin in the body's `base_url`. Raises Problem (422) that names every field at fault."""
    services = routes.services
    faults: list[tuple[str, str]] = []
    base_url = None
    if body.base_url is not None:
        read = origin(body.base_url, manifest.address.path, services.settings.allow_hosts)
        if isinstance(read, Unusable):
            faults.append(("base_url", read.message))
        else:
            base_url = read
    if body.base_url is not None and body.subdomain is not None:
        said = "give base_url or subdomain, not both"
        faults += [("base_url", said), ("subdomain", said)]
    if credential_id is not None:
        credential = services.credentials.get(credential_id)
        if credential is None:
            faults.append(("credential_id", f"there is no credential {credential_id!r}"))
        elif credential.connector != manifest.key:
            faults.append(("credential_id", f"the credential is one for {credential.connector}"))
    if faults:
        raise Problem(422, errors=faults)
    return base_url


@routes.on("POST /integrations", status=201)
def create_integration(body: forms.NewIntegration) -> forms.ShownIntegration:
    """Connect one tenant of an app.

    The integration begins as a draft: nothing is called until it is tested, run or launched.
    """
    manifest = routes.services.catalog.find(body.connector)
    if manifest is None:
        raise invalid("connector", f"there is no connector {body.connector!r}")
    base_url = _checked(body, manifest, body.credential_id)
    draft = Draft(
        name=body.name,
        connector=body.connector,
        application=body.application or manifest.name,
        base_url=base_url,
        subdomain=body.subdomain,
        credential_id=body.credential_id,
        load=body.load,
        preference=body.preference,
        schedule=body.schedule.model_dump(),
        removal_guard=RemovalGuard(**body.removal_guard.model_dump()),
        rate_limit=_rate_limit(body.rate_limit),
        contacts=tuple(body.contacts),
        priority=body.priority,
        owner=routes.actor,
    )
    created = routes.services.integrations.create(draft, routes.actor)
    if created is None:
        gone = "connector" if routes.services.catalog.find(body.connector) is None else "credential"
        field = {"connector": "connector", "credential": "credential_id"}[gone]
        raise invalid(field, f"the {gone} was deleted meanwhile")
    return shown(routes.services, created)


def _rate_limit(limit: forms.Limit | None) -> RateLimit | None:
    return RateLimit(limit.requests, limit.seconds) if limit is not None else None


@routes.on("GET /integrations")
def list_integrations(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> forms.IntegrationPage:
    """List integrations, in the order they were made."""
    page, last = routes.services.integrations.page(limit, key_of("integrations", after))
    return forms.IntegrationPage(
        items=all_shown(routes.services, page), next_cursor=cursor("integrations", last)
    )


@routes.on("GET /integrations/<integration_id>")
def get_integration(integration_id: Id) -> forms.ShownIntegration:
    """One integration, with how its connection is."""
    return shown(routes.services, lookup.found(routes.services, integration_id))


@routes.on("PATCH /integrations/<integration_id>", problems=(409,))
def change_integration(
    integration_id: Id, body: forms.IntegrationChanges
) -> forms.ShownIntegration:
    """Change what is given and leave the rest.

    The schedule of a launched integration changes with it: it is stored first, so that after an
    interruption the same call again puts EventBridge right.
    """
    integration = lookup.found(routes.services, integration_id)
    changes = _changes(integration, body)
    changed = routes.services.integrations.change(
        integration_id, "update", lambda current: _changed(current, body, changes), routes.actor
    )
    if changed is None:
        lookup.found(routes.services, integration_id)
        raise invalid("credential_id", "the credential was deleted meanwhile")
    if changed.status in _LAUNCHED:
        lookup.schedule(routes.services, changed)
    return shown(routes.services, changed)


def _changes(integration: Integration, body: forms.IntegrationChanges) -> dict[str, Any]:
    """The plain fields to replace. Raises Problem (422) where one is at fault."""
    given = body.model_fields_set
    manifest = lookup.manifest_of(routes.services, integration)
    base_url = _checked(body, manifest, body.credential_id if "credential_id" in given else None)
    values = {
        "name": body.name,
        "credential_id": body.credential_id,
        "base_url": base_url,
        "subdomain": body.subdomain,
        "load": body.load,
        "preference": body.preference,
        "application": body.application or manifest.name,
        "rate_limit": _rate_limit(body.rate_limit),
        "contacts": tuple(body.contacts),
        "priority": body.priority,
    }
    changes = {name: value for name, value in values.items() if name in given}
    if base_url is not None:
        changes["subdomain"] = None
    elif body.subdomain is not None:
        changes["base_url"] = None
    return changes


def _changed(
    integration: Integration, body: forms.IntegrationChanges, changes: dict[str, Any]
) -> Integration:
    """The integration with `changes`, and with the parts given of what has parts."""
    schedule = body.schedule.model_dump(include=body.schedule.model_fields_set)
    guard = body.removal_guard.model_dump(include=body.removal_guard.model_fields_set)
    return replace(
        integration,
        **changes,
        schedule={**integration.schedule, **schedule},
        removal_guard=replace(integration.removal_guard, **guard),
    )


Accounts = Annotated[
    Literal["keep", "delete"], Query(description="What becomes of the accounts it brought")
]


@routes.on("DELETE /integrations/<integration_id>", status=204, problems=(409, 503))
def delete_integration(integration_id: Id, accounts: Accounts = "keep") -> None:
    """Delete an integration; 409 while one of its runs is under way.

    `keep` leaves its accounts as they are under people and applications. `delete` removes them
    from the directory: 503 where one call is too short for all of them, then the same call goes
    on. People stay either way.
    """
    services = routes.services
    integration = services.integrations.get(integration_id)
    if integration is not None:
        unlocked = services.runs.unlocked(integration_id)
        if not services.integrations.delete(integration, accounts, unlocked, routes.actor):
            lookup.found(services, integration_id)
            raise Problem(409, "a run of the integration is under way")
    former = services.integrations.former(integration_id)
    if former is not None:
        services.schedules.remove(integration_id)
    if former is None or (integration is None and accounts == "keep"):
        raise unknown("integration", integration_id)
    if accounts == "delete" and not purge(services.directory, integration_id, _has_time):
        raise Problem(
            503,
            "the integration is deleted, its accounts are not yet all: call DELETE again",
            headers={"Retry-After": "1"},
        )
    if not holds_anything(services.directory, integration_id):
        services.integrations.forget(integration_id)


def _has_time() -> bool:
    return bool(routes.lambda_context.get_remaining_time_in_millis() > _NEEDED_MS)
