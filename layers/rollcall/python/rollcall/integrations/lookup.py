"""What routes ask before they act on an integration: that it is there and can be called."""

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.api.services import Services
from rollcall.connectors.manifest import Manifest
from rollcall.credentials.store import CredentialMissing
from rollcall.integrations.address import resolve
from rollcall.integrations.model import Integration


def found(services: Services, integration_id: str) -> Integration:
    """The integration of that id. Raises Problem (404)."""
    integration = services.integrations.get(integration_id)
    if integration is None:
        raise unknown("integration", integration_id)
    return integration


def manifest_of(services: Services, integration: Integration) -> Manifest:
    """The manifest of its connector, which creating it made sure of."""
    manifest = services.catalog.find(integration.connector)
    if manifest is None:
        raise LookupError(f"integration {integration.id} names connector {integration.connector}")
    return manifest


def base_url(services: Services, integration: Integration) -> str | None:
    """The URL its calls begin with, or None where nothing says."""
    manifest = manifest_of(services, integration)
    return resolve(manifest, integration, services.variables.value(manifest.address.variable))


def require(services: Services, integration: Integration) -> None:
    """Raise Problem (409) that names what is missing to call the app."""
    lacking: list[tuple[str, str]] = []
    if base_url(services, integration) is None:
        address = manifest_of(services, integration).address
        said = "give base_url" + (" or subdomain" if address.subdomain_url else "")
        said += f", or set the variable {address.variable}" if address.variable else ""
        lacking += [(name, said) for name in ("base_url", "subdomain") if name in said]
    try:
        services.credentials.secret(integration.credential_id)
    except CredentialMissing:
        lacking.append(("credential_id", "the credential is gone: give another one"))
    if lacking:
        raise Problem(409, errors=lacking)


def schedule(services: Services, integration: Integration) -> None:
    """Have EventBridge run it as it says. Raises Problem (422) where the expression is refused."""
    if not services.schedules.ensure(integration):
        raise invalid("schedule.expression", "EventBridge Scheduler refuses it")
