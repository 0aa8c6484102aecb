"""What the API function is composed of, each part built when it is first used."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from aws_lambda_powertools import Logger

from rollcall import services
from rollcall.access.idempotency import Idempotency
from rollcall.aws import Aws
from rollcall.batches.files import BatchFiles, BatchSecrets
from rollcall.batches.store import Batches
from rollcall.integrations.schedule import Scheduled, Schedules
from rollcall.settings import Settings
from rollcall.workflows.beginning import Beginner
from rollcall.workflows.executions import Executions
from rollcall.workflows.machines import Deployment, Machines
from rollcall.workflows.report_files import Reports
from rollcall.workflows.schedule import WorkflowSchedules
from rollcall.workflows.store import Workflows


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What template.yaml hands to the API function alone.

    `action_seconds` is how long the actions function is waited for; `starter_function` is an ARN.
    """

    idempotency_table: str
    sync_state_machine_arn: str
    schedule_group: str
    schedule_role_arn: str
    schedule_dlq_arn: str
    actions_function: str
    batch_bucket: str
    batch_state_machine_arn: str
    workflows_function_arn: str
    workflow_role_arn: str
    workflow_log_group_arn: str
    starter_function: str
    link_secret_arn: str
    report_bucket: str
    action_seconds: float = 25

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ApiSettings":
        """Read the settings; a variable that is missing is a KeyError that names it."""
        return cls(
            idempotency_table=environment["IDEMPOTENCY_TABLE"],
            sync_state_machine_arn=environment["SYNC_STATE_MACHINE_ARN"],
            schedule_group=environment["SCHEDULE_GROUP"],
            schedule_role_arn=environment["SCHEDULE_ROLE_ARN"],
            schedule_dlq_arn=environment["SCHEDULE_DLQ_ARN"],
            actions_function=environment["ACTIONS_FUNCTION"],
            batch_bucket=environment["BATCH_BUCKET"],
            batch_state_machine_arn=environment["BATCH_STATE_MACHINE_ARN"],
            workflows_function_arn=environment["WORKFLOWS_FUNCTION_ARN"],
            workflow_role_arn=environment["WORKFLOW_ROLE_ARN"],
            workflow_log_group_arn=environment["WORKFLOW_LOG_GROUP_ARN"],
            starter_function=environment["STARTER_FUNCTION"],
            link_secret_arn=environment["LINK_SECRET_ARN"],
            report_bucket=environment["REPORT_BUCKET"],
            action_seconds=float(environment["ACTION_SECONDS"]),
        )


class Services(services.Services):
    """The stores and clients that routes use."""

    def __init__(self, settings: Settings, api: ApiSettings, aws: Aws) -> None:
        super().__init__(settings, aws)
        self.api = api

    @cached_property
    def schedules(self) -> Schedules:
        """What starts runs by itself."""
        return Schedules(self._scheduled(self.api.sync_state_machine_arn))

    @cached_property
    def batches(self) -> Batches:
        """Presets that are used for many users."""
        return Batches(self.runs.table, self.config, self.settings.run_days)

    @cached_property
    def batch_files(self) -> BatchFiles:
        """The rows of batches."""
        return BatchFiles(self.aws, self.api.batch_bucket)

    @cached_property
    def batch_secrets(self) -> BatchSecrets:
        """What is secret in the rows of batches."""
        return BatchSecrets(self.aws.secretsmanager, self.settings.secret_prefix)

    @cached_property
    def idempotency(self) -> Idempotency:
        """Answers given before."""
        return Idempotency(self.aws.dynamodb, self.api.idempotency_table)

    @cached_property
    def workflows(self) -> Workflows:
        """Workflows and the versions of their documents."""
        return Workflows(self.config)

    @cached_property
    def executions(self) -> Executions:
        """What workflows did, and what they are at."""
        return Executions(self.runs.table, self.config, self.settings.run_days)

    @cached_property
    def machines(self) -> Machines:
        """The state machines of workflows."""
        deployment = Deployment(
            self.api.workflow_role_arn,
            self.api.workflow_log_group_arn,
            self.api.workflows_function_arn,
        )
        return Machines(self.aws.stepfunctions, self.settings.stack_name, deployment)

    @cached_property
    def beginner(self) -> Beginner:
        """What begins executions."""
        return Beginner(self.settings, self.aws, Logger(), self.machines)

    @cached_property
    def workflow_schedules(self) -> WorkflowSchedules:
        """What begins workflows at their times."""
        return WorkflowSchedules(self._scheduled(self.api.starter_function))

    @cached_property
    def link_key(self) -> bytes:
        """What signs links that decide approvals."""
        found = self.aws.secretsmanager.get_secret_value(SecretId=self.api.link_secret_arn)
        return str(found["SecretString"]).encode()

    @cached_property
    def reports(self) -> Reports:
        """The files that workflows have written."""
        return Reports(self.aws, self.api.report_bucket)

    def _scheduled(self, target_arn: str) -> Scheduled:
        return Scheduled(
            self.aws.scheduler,
            self.api.schedule_group,
            target_arn,
            self.api.schedule_role_arn,
            self.api.schedule_dlq_arn,
        )
