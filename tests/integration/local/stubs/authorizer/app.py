"""Lets in whoever sends the administrator's token."""

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    secrets = boto3.client("secretsmanager")
    token = secrets.get_secret_value(SecretId=os.environ["TOKEN_SECRET_ARN"])["SecretString"]
    allowed = event["headers"].get("authorization") == f"Bearer {token}"
    return {"isAuthorized": allowed, "context": {"actor": "administrator"}}
