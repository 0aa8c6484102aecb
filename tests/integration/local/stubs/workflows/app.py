"""Takes what blocks come to from the execution's `script`, kept in the runs table under its id.

A script has for each block, or step without one, its answers in turn; `{}` is what it says nothing
of. `broken` is an exception, and with `held` nobody is told. What failed is not done anew if it is
asked for again. Every event is kept in the runs table, in order.
"""

import json
import os
from functools import cache
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any] | None:
    execution, at, step = event["execution"], event["at"], event["step"]
    place = event.get("block", step) if step == "block" else f"{step} {event.get('block', '')}"
    place = place.strip()
    number = _counted(execution, "CALLS")
    _put(execution, f"CALL#{number:04d}", event)
    script = _get(execution, "SCRIPT") or {}
    failed = _get(execution, f"FAILED#{at}#{place}") if event.get("again") else None
    told = failed or _next(execution, at, place, script)
    if told == "broken":
        raise KeyError("something private")
    if told == "held":
        return None
    flows = {"execution": execution, "at": at, "attempt": event["attempt"]}
    answer = {**flows, "outcome": "done", **told}
    if answer["outcome"] == "failed":
        _put(execution, f"FAILED#{at}#{place}", told)
    if "token" in event:
        _client("stepfunctions").send_task_success(
            taskToken=event["token"], output=json.dumps(answer)
        )
        return None
    return answer


@cache
def _client(service: str) -> Any:
    return boto3.client(service)


def _next(execution: str, at: str, place: str, script: dict[str, Any]) -> Any:
    answers = script.get(f"{at} {place}", script.get(place, []))
    count = _counted(execution, f"ASKED#{at}#{place}")
    return answers[count - 1] if count <= len(answers) else {}


def _counted(execution: str, name: str) -> int:
    answer = _client("dynamodb").update_item(
        TableName=os.environ["RUNS_TABLE"],
        Key={"pk": {"S": execution}, "sk": {"S": name}},
        UpdateExpression="ADD calls :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )
    return int(answer["Attributes"]["calls"]["N"])


def _put(execution: str, name: str, value: Any) -> None:
    item = {"pk": {"S": execution}, "sk": {"S": name}, "value": {"S": json.dumps(value)}}
    _client("dynamodb").put_item(TableName=os.environ["RUNS_TABLE"], Item=item)


def _get(execution: str, name: str) -> Any:
    key = {"pk": {"S": execution}, "sk": {"S": name}}
    answer = _client("dynamodb").get_item(TableName=os.environ["RUNS_TABLE"], Key=key)
    return json.loads(answer["Item"]["value"]["S"]) if "Item" in answer else None
