"""What the bench measures against: a deployment with an integration of the sample vendor."""

import uuid
from dataclasses import asdict
from typing import Any

from bench.processes import SampleVendor
from local import furnish
from rollcall.aws import Aws
from rollcall.connectors import catalog
from rollcall.connectors.manifest import Manifest
from rollcall.integrations.model import Integration
from rollcall.settings import Settings
from rollcall.tables import Table

CONNECTOR = "activecampaign"


def manifest() -> Manifest:
    """The connector that is measured."""
    found = catalog.find(CONNECTOR)
    assert found is not None
    return found


def build(aws: Aws) -> Settings:
    """Make the tables of a new deployment; the settings that lead to them."""
    return furnish.tables(aws, uuid.uuid4().hex[:8])


def variables(settings: Settings) -> dict[str, str]:
    """The settings as a function finds them in its environment."""
    values: dict[str, Any] = asdict(settings) | {"allow_hosts": ",".join(settings.allow_hosts)}
    return {name.upper(): str(value) for name, value in values.items()}


def integrate(aws: Aws, settings: Settings, vendor: SampleVendor) -> Integration:
    """An active integration with the vendor, whose calls nothing limits."""
    return furnish.integrate(aws, settings, CONNECTOR, vendor.url, vendor.token)


def limit_as_connector(aws: Aws, settings: Settings, integration: Integration) -> None:
    """From now on the connector's own rate limit holds."""
    config = Table(aws.dynamodb, settings.config_table)
    config.update("INTEGRATION", integration.id, {"rate_limit": None})
