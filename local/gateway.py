"""What API Gateway makes of a function that breaks, put around the handler on the local AWS.

The local gateway answers 502 with the exception in it, AWS 500 and nothing but this message.
Zipped beside a function's app.py, and that module alone is imported, as the runtime does.
"""

import traceback
from typing import Any

import app

BROKEN = {
    "statusCode": 500,
    "headers": {"content-type": "application/json"},
    "body": '{"message":"Internal Server Error"}',
}


def handler(event: dict[str, Any], context: object) -> Any:
    """The function's own answer, or what AWS answers in its place; the trace goes to the log."""
    try:
        return app.handler(event, context)
    except Exception:  # noqa: BLE001  # the gateway takes any
        traceback.print_exc()
        return BROKEN
