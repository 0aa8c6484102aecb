"""Takes its answers from the integration's id: "<step>:<answer>" joined by "/", in turn per step.

An answer is the next step, `broken` (an exception), or a number of seconds to wait before the same
step. Every event is kept in the runs table, in order.
"""

import json
import os
from typing import Any

import boto3

DEFAULTS = {"begin": "pull", "pull": "reconcile", "reconcile": "finish"}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    step, script = event["step"], event["integration_id"].split("/")
    answers = [part.split(":")[1] for part in script if part.startswith(f"{step}:")]
    count = _count(event)
    answer = answers[count - 1] if count <= len(answers) else DEFAULTS.get(step, "")
    if answer == "broken":
        raise KeyError("something private")
    waits = answer.isdigit()
    return {
        "run_id": "run-1",
        "next": step if waits else answer,
        "wait_seconds": int(answer) if waits else 0,
        "error": {"code": "count-mismatch", "detail": "9 of 10"} if answer == "fail" else None,
    }


def _count(event: dict[str, Any]) -> int:
    """How often this step was called for this integration, this call included."""
    answer = boto3.client("dynamodb").update_item(
        TableName=os.environ["RUNS_TABLE"],
        Key={"pk": {"S": event["integration_id"]}, "sk": {"S": event["step"]}},
        UpdateExpression="ADD calls :one SET last_event = :event",
        ExpressionAttributeValues={":one": {"N": "1"}, ":event": {"S": json.dumps(event)}},
        ReturnValues="ALL_NEW",
    )
    return int(answer["Attributes"]["calls"]["N"])
