"""Every few minutes: close the runs and batches whose execution is gone."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.actions.store import Actions
from rollcall.aws import Aws
from rollcall.batches.files import BatchSecrets
from rollcall.batches.store import Batches
from rollcall.batches.sweep import BatchSweeper
from rollcall.integrations.store import Integrations
from rollcall.notices.teller import Teller
from rollcall.settings import Settings
from rollcall.sync.endings import Endings
from rollcall.sync.runs import Runs
from rollcall.sync.sweep import sweep

logger = Logger()


@cache
def _aws() -> Aws:
    return Aws()


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answers the ids of the runs and of the batches that were closed."""
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
    return {"closed": closed, "batches": batches}
