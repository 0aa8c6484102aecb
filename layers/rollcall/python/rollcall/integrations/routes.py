"""Integrations over HTTP: connect, show, change, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.connectors.check import too_slow
from rollcall.connectors.manifest import Manifest
from rollcall.directory.purge import holds_anything, purge
from rollcall.directory.retire import retire
from rollcall.integrations import forms, lookup, rules
from rollcall.integrations.address import Unusable, origin
from rollcall.integrations.model import LAUNCHED, Integration, RateLimit, RemovalGuard
from rollcall.integrations.shapes import IntegrationPage, ShownIntegration
from rollcall.integrations.shown import all_shown, shown
from rollcall.integrations.store import Draft
from rollcall.notices import subscriptions
from rollcall.stamps import now
from rollcall.tables import Action

routes = Routes("Integrations")

_NEEDED_MS = 4000
"""Milliseconds that an answer needs at the end of a call that deletes."""


def _checked(
    body: forms.NewIntegration | forms.IntegrationChanges,
    manifest: Manifest,
    credential_id: str | None,
) -> tuple[str | None, rules.Faults]:
    """The origin in the body's `base_url`, and what is wrong with the body's plain fields."""
    services = routes.services
    faults: rules.Faults = []
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
    if body.subdomain is not None and not manifest.address.subdomain_url:
        faults.append(("subdomain", f"{manifest.name} has no subdomains: give base_url"))
    faults += rules.pair_faults(body.headers, body.params)
    if body.rate_limit is not None:
        fault = too_slow(manifest, body.rate_limit.requests, body.rate_limit.seconds)
        faults += [("rate_limit", fault)] if fault else []
    return base_url, faults


class _Guard:
    """Fields and roles as they are while a mapping is checked, and as they must still be then."""

    def __init__(self) -> None:
        self._link: str | None = None
        self._checked = False

    def faults(
        self, manifest: Manifest, mapping: Any, condition: Any, before: Any = None
    ) -> rules.Faults:
        """What is wrong with the mapping, after the one `before`, and the filter."""
        fields = routes.services.fields
        self._link, self._checked = fields.link(), True
        return rules.mapping_faults(
            manifest, mapping, condition, fields.everything(), fields.roles(), before
        )

    def actions(self) -> Sequence[Action]:
        """For the transaction: no field or role was taken away meanwhile."""
        return [routes.services.fields.linking(self._link)] if self._checked else []


@routes.on("POST /integrations", status=201)
def create_integration(body: forms.NewIntegration) -> ShownIntegration:
    """Connect one tenant of an app.

    The integration begins as a draft: nothing is called until it is tested, run or launched. Its
    contacts get a mail of AWS that asks them to confirm. Where that cannot be sent the integration
    is made all the same, and changing its contacts to the same ones tries again.
    """
    manifest = routes.services.catalog.find(body.connector)
    if manifest is None:
        raise invalid("connector", f"there is no connector {body.connector!r}")
    base_url, faults = _checked(body, manifest, body.credential_id)
    guard = _Guard()
    faults += guard.faults(manifest, body.mapping, body.filter)
    faults += rules.schedule_faults(body.schedule.model_dump(), datetime.now(UTC))
    _refuse(faults)
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
        owner=body.owner or routes.actor,
        headers=body.headers,
        params=body.params,
        mapping=body.mapping,
        filter=body.filter,
        on_leave=body.on_leave,
        on_return=body.on_return,
    )
    created = routes.services.integrations.create(draft, routes.actor, guard.actions())
    if created is None:
        raise _gone(body)
    _subscribe(created.contacts)
    return shown(routes.services, created)


def _gone(body: forms.NewIntegration) -> Problem:
    """What was there when the body was checked, and is not any more."""
    if routes.services.catalog.find(body.connector) is None:
        return invalid("connector", "the connector was deleted meanwhile")
    if routes.services.credentials.get(body.credential_id) is None:
        return invalid("credential_id", "the credential was deleted meanwhile")
    return Problem(409, "fields or roles were changed in the same moment: try again")


def _refuse(faults: rules.Faults) -> None:
    if faults:
        raise Problem(422, errors=list(dict.fromkeys(faults)))


def _subscribe(contacts: Sequence[str]) -> None:
    services = routes.services
    subscriptions.ask(services.aws.sns, services.settings.notice_topic, contacts)


def _rate_limit(limit: forms.Limit | None) -> RateLimit | None:
    return RateLimit(limit.requests, limit.seconds) if limit is not None else None


@routes.on("GET /integrations")
def list_integrations(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> IntegrationPage:
    """List integrations, in the order they were made."""
    page, last = routes.services.integrations.page(limit, key_of("integrations", after))
    return IntegrationPage(
        items=all_shown(routes.services, page), next_cursor=cursor("integrations", last)
    )


@routes.on("GET /integrations/<integration_id>")
def get_integration(integration_id: Id) -> ShownIntegration:
    """One integration, with how its connection is."""
    return shown(routes.services, lookup.found(routes.services, integration_id))


@routes.on("PATCH /integrations/<integration_id>", problems=(409,))
def change_integration(integration_id: Id, body: forms.IntegrationChanges) -> ShownIntegration:
    """Change what is given and leave the rest; the next run goes by it.

    A launched integration must stay one that can be launched. Its schedule changes with it: it is
    stored first, so that after an interruption the same call again puts EventBridge right. New
    contacts get a mail of AWS that asks them to confirm; contacts that are given again, too, where
    it could not be sent before.
    """
    services = routes.services
    manifest = lookup.manifest_of(services, lookup.found(services, integration_id))
    changes, faults = _changes(manifest, body)
    guard = _Guard()
    before: list[Integration] = []

    def edit(current: Integration) -> Integration:
        before.append(current)
        return _changed(current, body, changes, manifest, [*faults], guard)

    changed = services.integrations.change(
        integration_id,
        "update",
        edit,
        routes.actor,
        guard.actions,
    )
    if changed is None:
        lookup.found(services, integration_id)
        raise invalid("credential_id", "the credential was deleted meanwhile")
    if changed.status in LAUNCHED:
        _schedule(before[-1], changed)
    if "contacts" in body.model_fields_set:
        _subscribe(changed.contacts)
    return shown(services, changed)


def _schedule(before: Integration, changed: Integration) -> None:
    """Have EventBridge run it as it says now. Where that refuses, nothing has changed."""
    try:
        lookup.schedule(routes.services, routes.services.schedules, changed)
    except Problem:
        routes.services.integrations.change(
            changed.id,
            "update",
            lambda now: before if now == changed else replace(now, schedule=before.schedule),
            routes.actor,
        )
        raise


_PLAIN = (
    "name", "credential_id", "subdomain", "load", "preference", "on_leave", "on_return", "mapping",
    "filter", "headers", "params", "owner", "priority",
)  # fmt: skip


def _changes(
    manifest: Manifest, body: forms.IntegrationChanges
) -> tuple[dict[str, Any], rules.Faults]:
    """The plain fields to replace, and what is wrong with them."""
    given = body.model_fields_set
    base_url, faults = _checked(
        body, manifest, body.credential_id if "credential_id" in given else None
    )
    values = {
        **{name: getattr(body, name) for name in _PLAIN},
        "base_url": base_url,
        "application": body.application or manifest.name,
        "rate_limit": _rate_limit(body.rate_limit),
        "contacts": tuple(body.contacts),
    }
    changes = {name: value for name, value in values.items() if name in given}
    if base_url is not None:
        changes["subdomain"] = None
    elif body.subdomain is not None:
        changes["base_url"] = None
    return changes, faults


def _changed(
    integration: Integration,
    body: forms.IntegrationChanges,
    changes: Mapping[str, Any],
    manifest: Manifest,
    faults: rules.Faults,
    guard: _Guard,
) -> Integration:
    """The integration with `changes`, and with the parts given of what has parts.

    Raises Problem (422) that names every field at fault: in the body, and in what comes out of it.
    """
    schedule = body.schedule.model_dump(include=body.schedule.model_fields_set)
    removal_guard = body.removal_guard.model_dump(include=body.removal_guard.model_fields_set)
    changed = replace(
        integration,
        **changes,
        schedule={**integration.schedule, **schedule},
        removal_guard=replace(integration.removal_guard, **removal_guard),
    )
    if changed.mapping != integration.mapping or changed.filter != integration.filter:
        faults += guard.faults(manifest, changed.mapping, changed.filter, integration.mapping)
    if schedule:
        faults += rules.schedule_faults(changed.schedule, datetime.now(UTC))
    if not faults and changed.status in LAUNCHED and _decides(integration, changed):
        faults += lookup.missing_to_run(routes.services, changed, manifest)
        if lookup.base_url(routes.services, changed) is None:
            faults.append(("base_url", "a launched integration needs an address"))
    _refuse(faults)
    return changed


def _decides(before: Integration, after: Integration) -> bool:
    """Might it have been launchable before and not be now?"""
    names = ("mapping", "filter", "schedule", "base_url", "subdomain")
    return any(getattr(before, name) != getattr(after, name) for name in names)


Accounts = Annotated[
    Literal["keep", "delete"], Query(description="What becomes of the accounts it brought")
]


@routes.on("DELETE /integrations/<integration_id>", status=204, problems=(409, 503))
def delete_integration(integration_id: Id, accounts: Accounts = "keep") -> None:
    """Delete an integration; 409 while one of its runs is under way.

    `keep` leaves its accounts under people and applications, marked removed, their grants revoked.
    `delete` removes them from the directory. 503 where one call is too short for all of them, then
    the same call goes on. People stay either way.
    """
    services = routes.services
    integration = services.integrations.get(integration_id)
    if integration is not None:
        unlocked = services.runs.unlocked(integration_id)
        if not services.integrations.delete(integration, accounts, unlocked, routes.actor):
            lookup.found(services, integration_id)
            raise Problem(409, "a run of the integration is under way")
    former = services.integrations.former(integration_id)
    if former is None:
        raise unknown("integration", integration_id)
    services.schedules.remove(integration_id)
    if accounts == "delete":
        if not purge(services.directory, integration_id, _has_time):
            raise _again("deleted")
    else:
        retired = retire(services.directory, integration_id, now(), _has_time)
        if retired == "some":
            raise _again("removed")
        if retired == "none" and integration is None:
            raise unknown("integration", integration_id)
    if not holds_anything(services.directory, integration_id):
        services.integrations.forget(integration_id)


def _again(done: str) -> Problem:
    return Problem(
        503,
        f"the integration is deleted, its accounts are not yet all {done}: call DELETE again",
        headers={"Retry-After": "1"},
    )


def _has_time() -> bool:
    return bool(routes.lambda_context.get_remaining_time_in_millis() > _NEEDED_MS)
