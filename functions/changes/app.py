"""The changes function: what the tables' streams tell becomes events on the bus."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rollcall.aws import Aws
from rollcall.events.feed import Feed
from rollcall.events.publishing import Publisher
from rollcall.settings import Settings
from rollcall.tables import Table

logger = Logger()


@cache
def _feed() -> Feed:
    settings, aws = Settings.from_environment(os.environ), Aws()
    bus, parked = os.environ["EVENT_BUS"], os.environ["PARKED_EVENTS_URL"]
    publisher = Publisher(aws.events, aws.sqs, bus, parked, logger)
    config = Table(aws.dynamodb, settings.config_table)
    return Feed(publisher, config, Table(aws.dynamodb, settings.directory_table))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Publish a batch of a stream. An error has the whole batch delivered again, in order."""
    return {"parked": _feed().take(event["Records"])}
