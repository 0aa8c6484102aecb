"""The starter: begins the workflows that events, a schedule or an activation concern."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.workflows.starting import Starter

logger = Logger()


@cache
def _starter() -> Starter:
    return Starter(Settings.from_environment(os.environ), Aws(), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any] | None:
    """Of a batch of the queue: the messages that are to come again."""
    return _starter().take(event)
