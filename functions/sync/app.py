"""The Sync state machine's function: one step of one run an invocation."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.sync.steps import Sync

logger = Logger()


@cache
def _sync() -> Sync:
    return Sync(Settings.from_environment(os.environ), Aws(), logger)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the step that the state machine names; see `rollcall.sync.steps` for the answers."""
    logger.append_keys(
        step=event["step"], run_id=event.get("run_id"), integration_id=event.get("integration_id")
    )
    sync = _sync()
    match event["step"]:
        case "begin":
            return sync.begin(event)
        case "pull":
            return sync.pull(event, context.get_remaining_time_in_millis)
        case "reconcile":
            return sync.reconcile(event, context.get_remaining_time_in_millis)
        case "finish":
            return sync.finish(event)
        case "fail":
            return sync.fail(event)
        case step:
            raise ValueError(f"there is no step {step!r}")
