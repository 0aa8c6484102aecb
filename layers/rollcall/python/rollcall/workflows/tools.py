"""What the workflows function is composed of, each part built when it is first used."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from rollcall.actions.perform import Performer
from rollcall.aws import Aws
from rollcall.services import Services
from rollcall.settings import Settings
from rollcall.workflows.document import Query
from rollcall.workflows.executions import Execution, Executions
from rollcall.workflows.store import Workflows
from rollcall.workflows.telling import Topic, Webhooks

Row = Mapping[str, Any]
"""A row of a query: `person, account, grant, integration_id, application`."""
RowsOf = Callable[[Services, Query], Iterator[Row]]


class Starter(Protocol):
    """Starts state machines."""

    def start(self, execution: Execution) -> bool:
        """Start the machine of an execution that is kept; False where it cannot be."""
        ...


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """What template.yaml hands to the workflows function alone.

    `api_url` is the API's address without `/v1`, `link_secret_arn` the secret that signs links, and
    `report_bucket` where reports are kept.
    """

    api_url: str
    link_secret_arn: str
    report_bucket: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "WorkSettings":
        """Read the settings; a variable that is missing is a KeyError that names it."""
        return cls(
            api_url=environment["API_URL"].rstrip("/"),
            link_secret_arn=environment["LINK_SECRET_ARN"],
            report_bucket=environment["REPORT_BUCKET"],
        )


class Tools(Services):
    """What blocks work with: `starter` starts other workflows, `rows_of` finds a query's rows."""

    def __init__(
        self,
        settings: Settings,
        work: WorkSettings,
        aws: Aws,
        logger: Logger,
        starter: Starter,
        rows_of: RowsOf,
    ) -> None:
        super().__init__(settings, aws)
        self.work = work
        self.log = logger
        self.starter = starter
        self._rows_of = rows_of

    def rows(self, query: Query) -> Iterator[Row]:
        """The rows of a query as the roster has them now."""
        return self._rows_of(self, query)

    @cached_property
    def executions(self) -> Executions:
        """Executions and their steps."""
        return Executions(self.runs.table, self.config, self.settings.run_days)

    @cached_property
    def workflows(self) -> Workflows:
        """Workflows and their versions."""
        return Workflows(self.config)

    @cached_property
    def performer(self) -> Performer:
        """What acts on users of apps."""
        return Performer(self.settings, self.aws, self.log)

    @cached_property
    def topic(self) -> Topic:
        """Where people are told."""
        return Topic(self.aws, self.settings.notice_topic)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Where systems are told."""
        return Webhooks(self.settings.allow_hosts)

    @cached_property
    def link_key(self) -> bytes:
        """What signs links."""
        found = self.aws.secretsmanager.get_secret_value(SecretId=self.work.link_secret_arn)
        return str(found["SecretString"]).encode()
