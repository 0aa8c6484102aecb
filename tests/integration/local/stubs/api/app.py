"""Answers with what the gateway handed over."""

import json
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if event["rawPath"].endswith("/broken"):
        raise KeyError("something private")
    body = {"route": event["routeKey"], "authorizer": event["requestContext"].get("authorizer")}
    headers = {"content-type": "application/json"}
    return {"statusCode": 200, "headers": headers, "body": json.dumps(body)}
