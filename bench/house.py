"""A deployment to sync in: the tables of template.yaml, and an integration with a sample vendor."""

import uuid
from dataclasses import asdict
from typing import Any

from bench.processes import ROOT, SampleVendor
from local import translate
from rollcall.aws import Aws
from rollcall.connectors import catalog
from rollcall.connectors.manifest import Manifest
from rollcall.credentials.store import Credentials, Scheme
from rollcall.integrations.model import Integration, RateLimit, RemovalGuard
from rollcall.integrations.store import Draft, Integrations
from rollcall.settings import Settings
from rollcall.tables import Table

UNLIMITED = RateLimit(requests=1000, seconds=1)
CONNECTOR = "activecampaign"


def manifest() -> Manifest:
    """The connector that is measured."""
    found = catalog.find(CONNECTOR)
    assert found is not None
    return found


def build(aws: Aws) -> Settings:
    """Make the tables; the settings that lead to them."""
    deployment = uuid.uuid4().hex[:8]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    for name, resource in translate.read_template(ROOT / "template.yaml")["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            properties = resource["Properties"]
            aws.dynamodb.create_table(
                TableName=f"{deployment}-{name}",
                BillingMode="PAY_PER_REQUEST",
                **{key: properties[key] for key in wanted if key in properties},
            )
    return Settings(
        stack_name=deployment,
        config_table=f"{deployment}-ConfigTable",
        directory_table=f"{deployment}-DirectoryTable",
        runs_table=f"{deployment}-RunsTable",
        secret_prefix=f"rollcall/{deployment}/",
        allow_hosts=frozenset({"127.0.0.1"}),
        run_days=30,
    )


def variables(settings: Settings) -> dict[str, str]:
    """The settings as a function finds them in its environment."""
    values: dict[str, Any] = asdict(settings) | {"allow_hosts": ",".join(settings.allow_hosts)}
    return {name.upper(): str(value) for name, value in values.items()}


def integrate(aws: Aws, settings: Settings, vendor: SampleVendor) -> Integration:
    """An active integration with the vendor, whose calls nothing limits."""
    config = Table(aws.dynamodb, settings.config_table)
    credentials = Credentials(config, aws.secretsmanager, settings.secret_prefix)
    auth = manifest().auth
    scheme = Scheme(auth.type, auth.name, auth.add_to)
    credential = credentials.create("key", CONNECTOR, scheme, {"value": vendor.token}, "bench")
    store = Integrations(config)
    draft = store.create(
        Draft(
            name="bench",
            connector=CONNECTOR,
            application="ActiveCampaign",
            base_url=vendor.url,
            subdomain=None,
            credential_id=credential.id,
            load="people_and_accounts",
            preference="create_and_update",
            schedule={"expression": "rate(1 day)", "timezone": "UTC"},
            removal_guard=RemovalGuard(0.2, 5),
            rate_limit=UNLIMITED,
            contacts=(),
            priority=None,
        ),
        "bench",
    )
    assert draft is not None
    config.update("INTEGRATION", draft.id, {"status": "active"})
    active = store.get(draft.id)
    assert active is not None
    return active


def limit_as_connector(aws: Aws, settings: Settings, integration: Integration) -> None:
    """From now on the connector's own rate limit holds."""
    config = Table(aws.dynamodb, settings.config_table)
    config.update("INTEGRATION", integration.id, {"rate_limit": None})
