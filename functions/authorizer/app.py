"""The authorizer function: lets requests pass that carry the administrator's token."""

import os
from functools import cache
from typing import Any

from rollcall.access.token import Tokens
from rollcall.aws import Aws


@cache
def _tokens() -> Tokens:
    return Tokens(Aws().secretsmanager, os.environ["TOKEN_SECRET_ARN"])


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """A simple response (payload format 2.0); the context is who calls, for the audit log."""
    headers = {str(name).lower(): value for name, value in (event.get("headers") or {}).items()}
    if not _tokens().allows(headers.get("authorization")):
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": {"actor": "administrator"}}
