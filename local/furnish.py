"""A deployment without functions: the tables of template.yaml, and an integration in them.

What calls the product's Python instead of its HTTP API stands on this: tests and the bench.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from local.translate import read_template
from rollcall.aws import Aws
from rollcall.connectors.catalog import Catalog
from rollcall.credentials.store import Credentials, Scheme
from rollcall.integrations.model import Integration, RateLimit, RemovalGuard
from rollcall.integrations.store import Draft, Integrations
from rollcall.settings import Settings
from rollcall.tables import Table

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"
UNLIMITED = RateLimit(requests=1000, seconds=1)
_WANTED = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


def tables(aws: Aws, deployment: str) -> Settings:
    """Make the tables, their names beginning with `deployment`; the settings that lead to them."""
    for name, properties in _of_the_template().items():
        aws.dynamodb.create_table(
            TableName=f"{deployment}-{name}",
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={
                "StreamEnabled": "StreamSpecification" in properties,
                **properties.get("StreamSpecification", {}),
            },
            **{key: properties[key] for key in _WANTED if key in properties},
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


@cache
def _of_the_template() -> Mapping[str, Mapping[str, Any]]:
    resources = read_template(TEMPLATE)["Resources"]
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    }


def integrate(
    aws: Aws, settings: Settings, connector: str, url: str, token: str, **changes: Any
) -> Integration:
    """An active integration with the app at `url`, whose calls nothing limits.

    `changes` are fields of its draft. Raises LookupError for a connector that does not exist.
    """
    config = Table(aws.dynamodb, settings.config_table)
    manifest = Catalog(config).find(connector)
    if manifest is None:
        raise LookupError(connector)
    scheme = Scheme(manifest.auth.type, manifest.auth.name, manifest.auth.add_to)
    credential = Credentials(config, aws.secretsmanager, settings.secret_prefix).create(
        "key", connector, scheme, {"value": token}, "furnish"
    )
    values: dict[str, Any] = {
        "name": connector,
        "connector": connector,
        "application": manifest.name,
        "base_url": url,
        "subdomain": None,
        "credential_id": credential.id,
        "load": "people_and_accounts",
        "preference": "create_and_update",
        "schedule": {"expression": "rate(1 day)", "timezone": "UTC"},
        "removal_guard": RemovalGuard(0.2, 5),
        "rate_limit": UNLIMITED,
        "contacts": (),
        "priority": None,
        "owner": "furnish",
    }
    store = Integrations(config)
    draft = store.create(Draft(**values | changes), "furnish")
    if draft is None:
        raise LookupError(credential.id)
    config.update("INTEGRATION", draft.id, {"status": "active"})
    active = store.get(draft.id)
    if active is None:
        raise LookupError(draft.id)
    return active
