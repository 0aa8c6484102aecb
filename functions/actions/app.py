"""The actions function: performs one action an invocation, of its own or as a row of a batch."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.actions.perform import Order, Performer
from rollcall.aws import Aws
from rollcall.batches.work import BatchWorker
from rollcall.settings import Settings

logger = Logger()


@cache
def _performer() -> Performer:
    return Performer(Settings.from_environment(os.environ), Aws(), logger)


@cache
def _worker() -> BatchWorker:
    return BatchWorker(Settings.from_environment(os.environ), Aws(), _performer(), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """The action as it ended; None where another invocation has it, or it is over.

    An event with a `step` is the batch state machine's: see `rollcall.batches.work`.
    """
    if "step" in event:
        logger.append_keys(step=event["step"], batch_id=event["batch_id"], row=event.get("row"))
        match event["step"]:
            case "row":
                return _worker().row(event, context.aws_request_id)
            case "lost":
                return _worker().lost(event, context.aws_request_id)
            case "end":
                return _worker().end(event)
            case step:
                raise ValueError(f"there is no step {step!r}")
    order = Order.from_event(event)
    logger.append_keys(action_id=order.action_id)
    action = _performer().perform(order, event["claimant"])
    return action.plain if action is not None else None
