"""An integration as it is shown: what is stored, what is in effect, and how its runs went."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal

from rollcall.api.services import Services
from rollcall.connectors.manifest import Manifest
from rollcall.fields.uses import in_effect
from rollcall.integrations.address import effective_origin
from rollcall.integrations.cron import next_times
from rollcall.integrations.model import LAUNCHED, Integration, RateLimit
from rollcall.integrations.shapes import ShownIntegration
from rollcall.integrations.store import State
from rollcall.mapping.model import MappingRules
from rollcall.stamps import instant

_NEXT = 3
_LISTS = ("users", "groups", "grants")


def shown(services: Services, integration: Integration) -> ShownIntegration:
    """One integration."""
    return all_shown(services, [integration])[0]


def all_shown(services: Services, integrations: Sequence[Integration]) -> list[ShownIntegration]:
    """Several, with as few reads as for one. Without its connector one is shown as it is stored."""
    states = services.integrations.states([integration.id for integration in integrations])
    under_way = dict(services.runs.locks())
    keys = {one.connector for one in integrations}
    manifests = {key: services.catalog.find(key) for key in keys}
    variables = {
        key: services.variables.value(manifest.address.variable)
        for key, manifest in manifests.items()
        if manifest is not None
    }
    return [
        _shown(
            integration,
            manifests[integration.connector],
            states[integration.id],
            variables.get(integration.connector),
            syncing=integration.id in under_way,
        )
        for integration in integrations
    ]


def _shown(
    integration: Integration,
    manifest: Manifest | None,
    state: State,
    variable: str | None,
    *,
    syncing: bool,
) -> ShownIntegration:
    limit = integration.rate_limit
    if limit is None and manifest is not None:
        limit = RateLimit(manifest.rate_limit.requests, manifest.rate_limit.seconds)
    origin = integration.base_url
    if manifest is not None:
        origin = effective_origin(manifest, integration, variable)
    return ShownIntegration.model_validate(
        {
            **asdict(integration),
            "contacts": list(integration.contacts),
            "base_url": origin,
            "rate_limit": asdict(limit) if limit is not None else None,
            "schedule": _schedule(integration, state, datetime.now(UTC)),
            "mapping": written(in_effect(manifest, integration)),
            "mapping_source": "connector" if integration.mapping is None else "own",
            "connection": _connection(integration, state, syncing=syncing),
            "last_good_at": state.last_good_at,
            "last_run_id": state.last_run_id,
            "held_run_id": state.held_run_id,
            "error": state.error,
            "health": {name: (state.health or {}).get(name) for name in _LISTS},
            "quarantine": state.quarantine,
        }
    )


def _schedule(integration: Integration, state: State, moment: datetime) -> dict[str, Any]:
    """The schedule and its next times. A draft's rate is counted from when it was made."""
    launched = integration.status in LAUNCHED and state.scheduled_from is not None
    start = datetime.fromisoformat(
        str(state.scheduled_from if launched else integration.created_at)
    )
    expression, timezone = (integration.schedule[name] for name in ("expression", "timezone"))
    following = next_times(expression, timezone, moment, _NEXT, start)
    return {
        "expression": expression,
        "timezone": timezone,
        "flexible_minutes": integration.schedule.get("flexible_minutes", 0),
        "next_runs": [instant(time) for time in following],
    }


def written(rules: MappingRules) -> Mapping[str, Any]:
    """A mapping as it is written in JSON, every choice said."""
    return {
        "fields": [{**asdict(rule), "sync_key": rule.sync_key or None} for rule in rules.fields],
        "sources": [asdict(source) for source in rules.sources],
    }


def _connection(
    integration: Integration, state: State, *, syncing: bool
) -> Literal["never", "syncing", "connected", "failing"]:
    if syncing:
        return "syncing"
    if integration.status == "needs_reconnect":
        return "failing"
    if state.last_status is None:
        return "never"
    return "failing" if state.last_status == "failed" else "connected"
