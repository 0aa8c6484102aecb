"""The actions function: performs one action an invocation."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.actions.perform import Order, Performer
from rollcall.aws import Aws
from rollcall.settings import Settings

logger = Logger()


@cache
def _performer() -> Performer:
    return Performer(Settings.from_environment(os.environ), Aws(), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any] | None:
    """The action as it ended; None where another invocation has it, or it is over."""
    order = Order.from_event(event)
    logger.append_keys(action_id=order.action_id)
    action = _performer().perform(order, event["claimant"])
    return action.plain if action is not None else None
