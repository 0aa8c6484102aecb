"""Ending the wait of a state machine's task with its token."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from rollcall.aws import Client

_GONE = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})
"""https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
(2026-11): nothing waits for that token, any more or at all.
"""


def tell(stepfunctions: Client, token: str, answer: Mapping[str, Any]) -> bool:
    """Have the task go on with this answer; False where it does not wait for it any more.

    Raises botocore's errors where Step Functions cannot be told at the moment.
    """
    try:
        stepfunctions.send_task_success(taskToken=token, output=json.dumps(answer))
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return False
        raise
    return True
