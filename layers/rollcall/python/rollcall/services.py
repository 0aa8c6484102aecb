"""The stores that several functions are composed of, each built when it is first used."""

from functools import cached_property

from aws_lambda_powertools import Logger

from rollcall.actions.store import Actions
from rollcall.aws import Aws
from rollcall.connectors.catalog import Catalog
from rollcall.credentials.store import Credentials
from rollcall.fields.store import Fields
from rollcall.integrations.own_user import OwnUsers
from rollcall.integrations.store import Integrations
from rollcall.integrations.variables import Variables
from rollcall.notices.teller import Teller
from rollcall.settings import Settings
from rollcall.sync.runs import Runs
from rollcall.tables import Table


class Services:
    """What is needed to know an integration, and to ask something of its app."""

    def __init__(self, settings: Settings, aws: Aws) -> None:
        self.settings = settings
        self.aws = aws

    @cached_property
    def config(self) -> Table:
        """Integrations, credentials, variables and the audit log."""
        return Table(self.aws.dynamodb, self.settings.config_table)

    @cached_property
    def directory(self) -> Table:
        """People, accounts, groups and grants."""
        return Table(self.aws.dynamodb, self.settings.directory_table)

    @cached_property
    def catalog(self) -> Catalog:
        """The apps that can be connected."""
        return Catalog(self.config)

    @cached_property
    def fields(self) -> Fields:
        """The columns of People."""
        return Fields(self.config)

    @cached_property
    def runs(self) -> Runs:
        """Runs and what they saw."""
        return Runs(self.aws.dynamodb, self.settings)

    @cached_property
    def credentials(self) -> Credentials:
        """How requests to apps are signed."""
        return Credentials(self.config, self.aws.secretsmanager, self.settings.secret_prefix)

    @cached_property
    def integrations(self) -> Integrations:
        """Connections to tenants of apps."""
        return Integrations(self.config)

    @cached_property
    def variables(self) -> Variables:
        """Named values that integrations share."""
        return Variables(self.config)

    @cached_property
    def actions(self) -> Actions:
        """What was asked of apps, and what came of it."""
        return Actions(self.runs.table, self.config, self.settings.run_days)

    @cached_property
    def own_users(self) -> OwnUsers:
        """Whose keys integrations use."""
        return OwnUsers(self.runs.table, self.settings.run_days)

    @cached_property
    def teller(self) -> Teller:
        """What tells the contacts of integrations."""
        return Teller(self.aws, self.settings.notice_topic, self.config, Logger())
