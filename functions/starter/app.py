"""The starter: begins executions for events, at schedules' times, and at activations."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.workflows.machines import Machines
from rollcall.workflows.starting import Starter

logger = Logger()
_RESERVE_MS = 20_000
"""Kept to finish what was begun, and to hand on what is left."""


@cache
def _starter() -> Starter:
    settings, aws = Settings.from_environment(os.environ), Aws()
    machines = Machines(aws.stepfunctions, settings.stack_name)
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    return Starter(settings, aws, logger, machines, function)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Messages that hold events, or a `step`: see `rollcall.workflows.starting`."""

    def has_time() -> bool:
        return int(context.get_remaining_time_in_millis()) > _RESERVE_MS

    if "Records" in event:
        return _starter().events(event["Records"], has_time)
    logger.append_keys(step=event["step"], workflow_id=event["workflow_id"])
    match event["step"]:
        case "scheduled":
            return _starter().scheduled(event, has_time)
        case "activated":
            return _starter().activated(event, has_time)
        case "held":
            return _starter().held(event, has_time)
        case step:
            raise ValueError(f"there is no step {step!r}")
