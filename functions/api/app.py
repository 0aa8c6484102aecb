"""The API function: reads its environment at the first request and answers with `rollcall.api`."""

import os
from functools import cache
from typing import Any

from rollcall.api.app import Api
from rollcall.api.services import ApiSettings, Services
from rollcall.aws import Aws
from rollcall.settings import Settings


@cache
def _api() -> Api:
    settings = Settings.from_environment(os.environ)
    api = ApiSettings.from_environment(os.environ)
    return Api(Services(settings, api, Aws(api.action_seconds)))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of the HTTP API (payload format 2.0)."""
    return _api()(event, context)
