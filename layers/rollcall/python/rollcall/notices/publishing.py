"""A message to the notice topic, with the attributes that subscriptions of contacts filter on."""

import json
from collections.abc import Collection, Mapping

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from rollcall.aws import Aws
from rollcall.notices.text import Text


def publish(
    aws: Aws,
    topic: str,
    message: Text,
    attributes: Mapping[str, str],
    contacts: Collection[str],
    logger: Logger,
) -> bool:
    """Publish it to those contacts; without any, only whoever subscribes to everything gets it.

    What cannot be published is logged, with the attributes, and False.
    """
    said: dict[str, dict[str, str]] = {
        name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
    }
    if contacts:
        addresses = json.dumps(list(contacts))
        said["contacts"] = {"DataType": "String.Array", "StringValue": addresses}
    try:
        aws.sns.publish(
            TopicArn=topic,
            Subject=message.subject,
            Message=message.body,
            MessageAttributes=said,
        )
    except (ClientError, BotoCoreError) as error:
        about = {**attributes, "reason": str(error)}
        logger.error("a notice could not be published", extra=about)  # noqa: TRY400
        return False
    return True
