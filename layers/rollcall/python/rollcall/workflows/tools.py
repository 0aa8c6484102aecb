"""What the workflows function is composed of, each part built when it is first used."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from aws_lambda_powertools import Logger

from rollcall.actions.perform import Performer
from rollcall.aws import Aws
from rollcall.notices.workflow_notice import WorkflowNotices
from rollcall.services import Services
from rollcall.settings import Settings
from rollcall.workflows.beginning import Beginner
from rollcall.workflows.executions import Executions
from rollcall.workflows.machines import Machines
from rollcall.workflows.store import Workflows
from rollcall.workflows.webhooks import Webhooks


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
    """What blocks work with."""

    def __init__(self, settings: Settings, work: WorkSettings, aws: Aws, logger: Logger) -> None:
        super().__init__(settings, aws)
        self.work = work
        self.log = logger

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
    def beginner(self) -> Beginner:
        """What begins other workflows."""
        machines = Machines(self.aws.stepfunctions, self.settings.stack_name)
        return Beginner(self.settings, self.aws, self.log, machines)

    @cached_property
    def notices(self) -> WorkflowNotices:
        """What tells people."""
        return WorkflowNotices(self.aws, self.settings.notice_topic, self.log)

    @cached_property
    def webhooks(self) -> Webhooks:
        """What tells systems."""
        return Webhooks(self.settings.allow_hosts)

    @cached_property
    def link_key(self) -> bytes:
        """What signs links."""
        found = self.aws.secretsmanager.get_secret_value(SecretId=self.work.link_secret_arn)
        return str(found["SecretString"]).encode()
