"""The workflows function: does one block of an execution, or its end, an invocation."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.workflows.work import Worker, WorkSettings

logger = Logger()


@cache
def _worker() -> Worker:
    settings = Settings.from_environment(os.environ)
    return Worker(settings, WorkSettings.from_environment(os.environ), Aws(), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """What came of it; see `rollcall.workflows.work`."""
    logger.append_keys(
        step=event["step"],
        execution=event["execution"],
        at=event["at"],
        block=event.get("block"),
    )
    return _worker().take(event, context.aws_request_id)
