"""An integration as it is shown: what is stored, what is in effect, and how its runs went."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from rollcall.api.services import Services
from rollcall.connectors.manifest import Manifest
from rollcall.integrations.address import effective_origin
from rollcall.integrations.forms import ShownIntegration
from rollcall.integrations.lookup import manifest_of
from rollcall.integrations.model import Integration, RateLimit
from rollcall.integrations.store import State


def shown(services: Services, integration: Integration) -> ShownIntegration:
    """One integration."""
    return all_shown(services, [integration])[0]


def all_shown(services: Services, integrations: Sequence[Integration]) -> list[ShownIntegration]:
    """Several, with as few reads as for one."""
    states = services.integrations.states([integration.id for integration in integrations])
    under_way = dict(services.runs.locks())
    manifests = {one.connector: manifest_of(services, one) for one in integrations}
    variables = {
        name: services.variables.value(name)
        for name in {manifest.address.variable for manifest in manifests.values()}
    }
    return [
        _shown(
            integration,
            manifests[integration.connector],
            states[integration.id],
            variables[manifests[integration.connector].address.variable],
            syncing=integration.id in under_way,
        )
        for integration in integrations
    ]


def _shown(
    integration: Integration,
    manifest: Manifest,
    state: State,
    variable: str | None,
    *,
    syncing: bool,
) -> ShownIntegration:
    own = manifest.rate_limit
    limit = integration.rate_limit or RateLimit(own.requests, own.seconds)
    return ShownIntegration.model_validate(
        {
            **asdict(integration),
            "contacts": list(integration.contacts),
            "base_url": effective_origin(manifest, integration, variable),
            "rate_limit": asdict(limit),
            "connection": _connection(integration, state, syncing=syncing),
            "last_good_at": state.last_good_at,
            "last_run_id": state.last_run_id,
            "held_run_id": state.held_run_id,
            "error": state.error,
        }
    )


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
