"""Takes its answers to a row of a batch from the row's `script`, in turn: seconds or `broken`.

Every event is kept in the runs table, and how often the like of it came.
"""

import json
import os
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    step, place = event["step"], f"{event['step']}-{event.get('row')}"
    answer = boto3.client("dynamodb").update_item(
        TableName=os.environ["RUNS_TABLE"],
        Key={"pk": {"S": event["batch_id"]}, "sk": {"S": place}},
        UpdateExpression="ADD calls :one SET last_event = :event",
        ExpressionAttributeValues={":one": {"N": "1"}, ":event": {"S": json.dumps(event)}},
        ReturnValues="ALL_NEW",
    )
    calls = int(answer["Attributes"]["calls"]["N"])
    script = event.get("script", []) if step == "row" else event.get("lost", [])
    told = script[calls - 1] if calls <= len(script) else 0
    if told == "broken":
        raise KeyError("something private")
    return {"wait_seconds": told}
