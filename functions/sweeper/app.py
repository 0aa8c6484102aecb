"""Every few minutes: look after runs, batches and workflows whose execution is gone."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.actions.store import Actions
from rollcall.aws import Aws
from rollcall.batches.files import BatchSecrets
from rollcall.batches.store import Batches
from rollcall.batches.sweep import BatchSweeper
from rollcall.integrations.store import Integrations
from rollcall.notices.teller import Teller
from rollcall.notices.workflow_notice import WorkflowNotices
from rollcall.settings import Settings
from rollcall.sync.endings import Endings
from rollcall.sync.runs import Runs
from rollcall.sync.sweep import sweep

if TYPE_CHECKING:
    from rollcall.workflows.sweep import WorkflowSweeper

logger = Logger()
_RESERVE_MS = 5_000


@cache
def _aws() -> Aws:
    return Aws()


@logger.inject_lambda_context
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers the ids of the runs, the batches and the executions that were closed."""
    settings = Settings.from_environment(os.environ)
    runs = Runs(_aws().dynamodb, settings)
    teller = Teller(_aws(), settings.notice_topic, runs.config, logger)
    endings = Endings(runs, Integrations(runs.config), teller)
    closed = sweep(runs, _aws().stepfunctions, datetime.now(UTC), endings)
    if closed:
        logger.error("runs without an execution were closed", closed=closed)
    batches = BatchSweeper(
        Batches(runs.table, runs.config, settings.run_days),
        Actions(runs.table, runs.config, settings.run_days),
        BatchSecrets(_aws().secretsmanager, settings.secret_prefix),
        _aws().stepfunctions,
        os.environ["BATCH_STATE_MACHINE_ARN"],
    ).sweep(datetime.now(UTC))
    if batches:
        logger.error("batches without an execution were closed", closed=batches)
    executions = _workflows(settings).sweep(
        datetime.now(UTC), lambda: context.get_remaining_time_in_millis() > _RESERVE_MS
    )
    if executions:
        logger.error("executions that nothing drives were closed", closed=executions)
    return {"closed": closed, "batches": batches, "executions": executions}


def _workflows(settings: Settings) -> "WorkflowSweeper":
    # They read documents, with pydantic; runs and batches are swept first, and without it.
    from rollcall.workflows import approvals  # noqa: PLC0415
    from rollcall.workflows.beginning import Beginner  # noqa: PLC0415
    from rollcall.workflows.machines import Machines  # noqa: PLC0415
    from rollcall.workflows.sweep import WorkflowSweeper  # noqa: PLC0415

    stepfunctions = _aws().stepfunctions
    machines = Machines(stepfunctions, settings.stack_name)
    beginner = Beginner(settings, _aws(), logger, machines)
    return WorkflowSweeper(
        beginner,
        WorkflowNotices(_aws(), settings.notice_topic, logger),
        stepfunctions,
        logger,
        machines.status,
        lambda step: approvals.settle(beginner.executions, stepfunctions, step),
    )
