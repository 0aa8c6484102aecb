"""Who is subscribed to notices: every contact of an integration, by mail, each to their own.

A subscription is never taken away. The address of somebody whom no integration names any more is
in no message, so its filter lets nothing pass; and AWS knows no narrower resource for
`sns:Unsubscribe` than every subscription of the account, which the API is not to be given.
"""

import json
from collections.abc import Collection

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from rollcall.aws import Client

logger = Logger()


def ask(sns: Client, topic_arn: str, contacts: Collection[str]) -> None:
    """`ensure`, where there is a topic and somebody. Where it fails that is logged: what names the
    contacts is stored already.
    """
    if not topic_arn or not contacts:
        return
    try:
        ensure(sns, topic_arn, contacts)
    except (ClientError, BotoCoreError):
        logger.exception("contacts could not be subscribed to notices")


def ensure(sns: Client, topic_arn: str, contacts: Collection[str]) -> list[str]:
    """Subscribe the addresses that are not yet; returns them. AWS asks each by mail to confirm.

    One that was asked and did not answer is not asked again while AWS waits for the answer. Whoever
    subscribed to the topic by other means gets everything already and is left alone. Raises
    ClientError.
    """
    known = {
        subscription["Endpoint"].lower()
        for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
        for subscription in page["Subscriptions"]
        if subscription["Protocol"] == "email"
    }
    missing = [contact for contact in sorted(set(contacts)) if contact.lower() not in known]
    for contact in missing:
        sns.subscribe(
            TopicArn=topic_arn,
            Protocol="email",
            Endpoint=contact,
            Attributes={"FilterPolicy": json.dumps({"contacts": [contact]})},
        )
    return missing
