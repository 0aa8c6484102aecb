"""The batch state machine runs, with a function that answers as each row says."""

import json
import time
import uuid
from typing import Any

from local.stack import LocalStack

Json = dict[str, Any]


def execute(stack: LocalStack, rows: list[Json] | None, batch_id: str) -> Json:
    """Run the machine to its end over these rows, or over none that S3 has."""
    key = f"batches/{batch_id}/1.json"
    if rows is not None:
        items = [{"batch_id": batch_id, "row": row, **one} for row, one in enumerate(rows)]
        body = json.dumps(items).encode()
        stack.client("s3").put_object(Bucket=stack.outputs["BatchBucket"], Key=key, Body=body)
    client = stack.client("stepfunctions")
    arn = client.start_execution(
        stateMachineArn=stack.outputs["BatchStateMachineArn"],
        input=json.dumps({"batch_id": batch_id, "attempt": 1, "rows": key}),
    )["executionArn"]
    described: Json
    while (described := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.05)
    return described


def calls(stack: LocalStack, batch_id: str) -> dict[str, tuple[int, Json]]:
    """How often each step came, and with what the last time."""
    found = stack.client("dynamodb").query(
        TableName=stack.outputs["RunsTable"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": batch_id}},
    )["Items"]
    return {
        item["sk"]["S"]: (int(item["calls"]["N"]), json.loads(item["last_event"]["S"]))
        for item in found
    }


def test_each_row_is_done_or_waits_or_is_given_up_and_then_the_batch_ends(
    stack: LocalStack,
) -> None:
    stack.scale_waits(0)
    batch_id = uuid.uuid4().hex
    rows: list[Json] = [
        {},
        {"script": [30, 3, 0]},
        {"script": ["broken", 0]},
        {"script": ["broken"] * 4},
        {"script": ["broken"] * 4, "lost": [5]},
        {"script": ["broken"] * 4, "lost": ["broken"] * 4},
        {"inputs": {"email": "a@northwind.example"}},
    ]
    assert execute(stack, rows, batch_id)["status"] == "SUCCEEDED"
    came = calls(stack, batch_id)
    assert {place: times for place, (times, _) in came.items()} == {
        "row-0": 1,
        "row-1": 3,
        "row-2": 2,
        "row-3": 4,
        "lost-3": 1,
        "row-4": 5,
        "lost-4": 1,
        "row-5": 4,
        "lost-5": 4,
        "row-6": 1,
        "end-None": 1,
    }
    assert came["row-6"][1] == {"step": "row", "batch_id": batch_id, "row": 6, **rows[6]}
    end = {"step": "end", "batch_id": batch_id, "attempt": 1, "error": None}
    assert came["end-None"][1] == end


def test_rows_that_cannot_be_read_end_the_batch_with_an_error(stack: LocalStack) -> None:
    batch_id = uuid.uuid4().hex
    assert execute(stack, None, batch_id)["status"] == "SUCCEEDED"
    _, event = calls(stack, batch_id)["end-None"]
    assert event["error"] == {
        "code": "execution-error",
        "detail": "the rows ended with States.ItemReaderFailed",
    }
