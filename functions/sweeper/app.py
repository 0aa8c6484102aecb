"""Every few minutes: close the runs whose execution is gone."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.sync.runs import Runs
from rollcall.sync.sweep import sweep

logger = Logger()


@cache
def _aws() -> Aws:
    return Aws()


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answers the ids of the runs that were closed: `{"closed": [...]}`."""
    runs = Runs(_aws().dynamodb, Settings.from_environment(os.environ))
    closed = sweep(runs, _aws().stepfunctions, datetime.now(UTC))
    if closed:
        logger.error("runs without an execution were closed", closed=closed)
    return {"closed": closed}
