"""Mappings over HTTP: suggestions, preview, explain, and all of them in one list."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rollcall.access.problems import Problem, invalid
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App
from rollcall.connectors.records import Reader
from rollcall.directory import keys
from rollcall.directory.rehearsal import Rehearsal
from rollcall.fields.uses import in_effect
from rollcall.integrations import lookup, rules
from rollcall.integrations.calling import STATUSES, calling, problem, told, worked
from rollcall.integrations.model import Integration
from rollcall.integrations.sample import schema
from rollcall.mapping import shapes
from rollcall.mapping.conditions import Conditions
from rollcall.mapping.mapper import Mapper
from rollcall.mapping.model import mapping_of
from rollcall.mapping.suggest import suggestions
from rollcall.mapping.trial import Trial, source_of
from rollcall.sync.masking import masked, without_secrets
from rollcall.sync.sample import Sample, first_records, one_record, record_of_email

routes = Routes("Mappings")

_FIRST = 10
_SAMPLED = 25
"""Records that suggestions are made from; each may cost a call."""


@routes.on("GET /integrations/<integration_id>/mapping/suggestions", problems=STATUSES)
def suggest_mapping(integration_id: Id) -> shapes.Suggestions:
    """Suggest a source for each field of a person, from the app's first records.

    Nothing is stored, and what is only guessed is not suggested: of two equally likely sources for
    a unique field, none is.
    """
    services = routes.services
    integration = lookup.found(services, integration_id)
    with calling(services, integration) as app:
        found = first_records(app, _SAMPLED)
        manifest, secrets = app.manifest, app.secrets
    if isinstance(found, Failure):
        raise problem(services, integration, found)
    worked(services, integration)
    records = (without_secrets(record, secrets) for record in found.records)
    seen = schema([record for record in records if record is not None])
    items = suggestions(seen, manifest, services.fields.everything())
    return shapes.Suggestions(
        items=[shapes.Suggestion.model_validate(one, from_attributes=True) for one in items]
    )


@routes.on("POST /integrations/<integration_id>/preview", problems=STATUSES)
def preview_mapping(integration_id: Id, body: shapes.Trying | None = None) -> shapes.Preview:
    """Tell what the app's first 10 records would become, and store nothing.

    `mapping`, `filter` and `preference` are tried in place of the integration's own; they are
    checked as if they were saved. The records are taken one after the other, as in a run: where two
    of them are one person, the second finds the first.
    """
    services = routes.services
    integration = _with(lookup.found(services, integration_id), body)
    with calling(services, integration) as app:
        found = first_records(app, _FIRST)
        if isinstance(found, Failure):
            raise problem(services, integration, found)
        worked(services, integration)
        trial = _trial(integration, app)
        items = [_previewed(trial, record, tuple(app.secrets)) for record in found.records]
    return shapes.Preview(items=items, notes=list(found.notes))


def _with(integration: Integration, body: shapes.Trying | None) -> Integration:
    """The integration with what is to be tried. Raises Problem (422) that names what is wrong."""
    if body is None:
        return integration
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    tried = replace(integration, **changes)
    services = routes.services
    manifest = lookup.manifest_of(services, integration)
    fields, roles = services.fields.everything(), services.fields.roles()
    before = integration.mapping
    faults = rules.mapping_faults(manifest, tried.mapping, tried.filter, fields, roles, before)
    if not faults and not mapping_of(manifest, tried.mapping).sync_keys:
        faults = [("mapping.sync_key", "1 is needed on a unique field, or nobody can be found")]
    if faults:
        raise Problem(422, errors=faults)
    return tried


def _trial(integration: Integration, app: App) -> Trial:
    services, moment = routes.services, datetime.now(UTC)
    fields = services.fields.everything()
    mapping = mapping_of(app.manifest, integration.mapping)
    if not mapping.sync_keys or any(rule.target not in fields for rule in mapping.fields):
        missing = lookup.missing_to_run(services, integration, app.manifest)
        raise Problem(409, errors=missing)
    mapper = Mapper(app.manifest, mapping, fields, services.fields.roles())
    source = source_of(integration, mapper, fields, services.integrations.everything(), moment)
    return Trial(
        Rehearsal(services.aws.dynamodb, services.settings.directory_table),
        source,
        Reader(app.manifest, mapper.version + source.load.encode()),
        mapper,
        Conditions(integration.filter),
        moment,
    )


def _previewed(trial: Trial, record: Any, secrets: Collection[str]) -> shapes.Previewed:
    tried = trial.of(record)
    values = tried.mapped.values if tried.mapped is not None else {}
    return shapes.Previewed(
        external_id=tried.external_id,
        person=without_secrets(values, secrets) or {},
        passes=tried.verdict is None or tried.verdict.passed,
        reason=masked(tried.reason, secrets),
        change=tried.change,
        person_change=tried.person_change,
        person_id=tried.person_id,
        errors=shapes.errors(tried.errors),
    )


@routes.on("POST /integrations/<integration_id>/explain", problems=STATUSES)
def explain_record(integration_id: Id, body: shapes.Wanted) -> shapes.Explained:
    """Tell what would become of one record of the app now, step by step, and store nothing.

    The record is fetched by its id, or looked for by its email: with the app's own search, by the
    accounts on the roster, or in the first pages of the list. The steps end with the one that
    decides: a record that is not found, or that the filter leaves out, is not matched.
    """
    services = routes.services
    if (body.external_id is None) == (body.email is None):
        raise invalid("external_id", "give external_id or email, and not both")
    integration = lookup.found(services, integration_id)
    with calling(services, integration) as app:
        found = _fetched(integration, app, body)
        if isinstance(found, Failure):
            detail = told(services, integration, found)
            return _not_fetched(body, detail, found.code)
        worked(services, integration)
        if not found.records:
            who = f"id {body.external_id}" if body.external_id else f"email {body.email}"
            said = "; ".join((f"the app has nobody of {who}", *found.notes))
            return _not_fetched(body, said, "vendor-not-found")
        record, secrets = found.records[0], app.secrets
        tried = _trial(integration, app).of(record)
    return shapes.explained(tried, found.notes, without_secrets(record, secrets), secrets)


def _fetched(integration: Integration, app: App, body: shapes.Wanted) -> Sample | Failure:
    if body.external_id is not None:
        return one_record(app, body.external_id)
    email = str(body.email).strip()
    searched = record_of_email(app, email) if app.manifest.users.find is not None else None
    if isinstance(searched, Failure) or (searched is not None and searched.records):
        return searched
    for external_id in _on_roster(integration.id, email):
        found = one_record(app, external_id)
        if isinstance(found, Failure) or found.records:
            return found
    return searched if searched is not None else record_of_email(app, email)


def _on_roster(integration_id: str, email: str) -> list[str]:
    """The ids of the integration's accounts with that email, whatever its case."""
    items = routes.services.directory.query(
        keys.integration(integration_id), "ACCOUNT#", attributes=("external_id", "email", "status")
    )
    return [
        item["external_id"]
        for item in items
        if item["status"] != "removed" and item.get("email", "").casefold() == email.casefold()
    ]


def _not_fetched(body: shapes.Wanted, detail: str, code: str) -> shapes.Explained:
    step = shapes.FetchStep(step="fetch", ok=False, code=code, detail=detail)
    return shapes.Explained(external_id=body.external_id, steps=[step], record=None)


@routes.on("GET /mappings")
def list_mappings(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> shapes.MappingPage:
    """List the rules of all integrations, in the order these were made."""
    services = routes.services
    key = key_of("mappings", after) or {}
    last, skip = key.get("after"), key.get("skip", 0)
    items: list[shapes.MappedField] = []
    while True:
        page, more = services.integrations.page(limit, last)
        for integration in page:
            own = _rules(integration)[skip:]
            room = limit - len(items)
            items += own[:room]
            if len(own) > room:
                following = {"after": last, "skip": skip + room}
                return shapes.MappingPage(items=items, next_cursor=cursor("mappings", following))
            last, skip = services.integrations.key(integration.id), 0
        if more is None:
            return shapes.MappingPage(items=items, next_cursor=None)


def _rules(integration: Integration) -> list[shapes.MappedField]:
    manifest = routes.services.catalog.find(integration.connector)
    return [
        shapes.MappedField(
            integration_id=integration.id,
            integration=integration.name,
            connector=integration.connector,
            target=rule.target,
            source=rule.source,
            template=rule.template,
            value=rule.value,
            convert=dict(rule.convert) if rule.convert is not None else None,
            write=rule.write,
            sync_key=rule.sync_key or None,
            mapping_source="connector" if integration.mapping is None else "own",
        )
        for rule in in_effect(manifest, integration).fields
    ]
