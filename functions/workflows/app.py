"""The workflows function: does one block of an execution, as its state machine hands it over."""

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
    work = WorkSettings.from_environment(os.environ)
    return Worker(Settings.from_environment(os.environ), work, Aws(), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any] | None:
    """What the block came to: see `rollcall.workflows.compile`."""
    logger.append_keys(
        execution_id=event["execution"],
        at=event["at"],
        step=event["step"],
        block=event.get("block"),
    )
    return _worker().take(event)
