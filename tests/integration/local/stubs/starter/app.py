"""Keeps every message of the queue in the runs table."""

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    for record in event.get("Records", []):
        boto3.client("dynamodb").put_item(
            TableName=os.environ["RUNS_TABLE"],
            Item={
                "pk": {"S": "STARTER"},
                "sk": {"S": record["messageId"]},
                "body": {"S": record["body"]},
            },
        )
    return {"batchItemFailures": []}
