"""What routes ask before they act on an integration: that it is there and can be called."""

from datetime import UTC, datetime

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.connectors.manifest import Manifest
from rollcall.credentials.store import CredentialMissing
from rollcall.integrations.address import resolve
from rollcall.integrations.model import Integration
from rollcall.integrations.rules import Faults, lacking
from rollcall.integrations.schedule import Schedules
from rollcall.services import Services
from rollcall.stamps import instant


def found(services: Services, integration_id: str) -> Integration:
    """The integration of that id. Raises Problem (404)."""
    integration = services.integrations.get(integration_id)
    if integration is None:
        raise unknown("integration", integration_id)
    return integration


def manifest_of(services: Services, integration: Integration) -> Manifest:
    """The manifest of its connector. Raises Problem (409) where that is gone."""
    manifest = services.catalog.find(integration.connector)
    if manifest is None:
        raise Problem(409, errors=_gone(integration))
    return manifest


def _gone(integration: Integration) -> Faults:
    return [("connector", f"there is no connector {integration.connector!r} any more")]


def base_url(services: Services, integration: Integration) -> str | None:
    """The URL its calls begin with, or None where nothing says."""
    manifest = manifest_of(services, integration)
    return resolve(manifest, integration, services.variables.value(manifest.address.variable))


def require(services: Services, integration: Integration) -> None:
    """Raise Problem (409) that names what is missing to call the app."""
    missing = _missing_to_call(services, integration, manifest_of(services, integration))
    if missing:
        raise Problem(409, errors=missing)


def require_all(services: Services, integration: Integration) -> None:
    """Raise Problem (409) that names everything that is missing to launch it."""
    manifest = services.catalog.find(integration.connector)
    if manifest is None:
        missing = [*_gone(integration), *_missing_credential(services, integration)]
    else:
        missing = [
            *_missing_to_call(services, integration, manifest),
            *missing_to_run(services, integration, manifest),
        ]
    if missing:
        raise Problem(409, errors=missing)


def missing_to_run(services: Services, integration: Integration, manifest: Manifest) -> Faults:
    """What a launch needs of its mapping and its schedule, and has not."""
    fields = services.fields
    return lacking(integration, manifest, fields.everything(), fields.roles(), datetime.now(UTC))


def _missing_to_call(services: Services, integration: Integration, manifest: Manifest) -> Faults:
    lacks: Faults = []
    if base_url(services, integration) is None:
        address = manifest.address
        said = "give base_url" + (" or subdomain" if address.subdomain_url else "")
        said += f", or set the variable {address.variable}" if address.variable else ""
        lacks += [(name, said) for name in ("base_url", "subdomain") if name in said]
    return [*lacks, *_missing_credential(services, integration)]


def _missing_credential(services: Services, integration: Integration) -> Faults:
    try:
        services.credentials.secret(integration.credential_id)
    except CredentialMissing:
        return [("credential_id", "the credential is gone: give another one")]
    return []


def schedule(services: Services, schedules: Schedules, integration: Integration) -> None:
    """Have EventBridge run it as it says. Raises Problem (422) where the expression is refused."""
    ensured = schedules.ensure(integration)
    if ensured is None:
        raise invalid("schedule.expression", "EventBridge Scheduler refuses it")
    if ensured.start is not None:
        services.integrations.keep_rhythm(integration.id, instant(ensured.start))
