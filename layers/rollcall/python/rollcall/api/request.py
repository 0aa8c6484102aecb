"""What comes in, put in order before it is routed: a body is JSON text, a path is decoded."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from rollcall.access.problems import invalid

Event = dict[str, Any]

_BROKEN = "\N{REPLACEMENT CHARACTER}"
"""What a gateway that decodes a body puts where it was not UTF-8."""


def tidied(event: Mapping[str, Any]) -> Event:
    """The event with a body that is a JSON object, whatever content type the caller gave it.

    Raises Problem (422, field `body`) for any other; NaN, Infinity and half a surrogate pair are
    no JSON. The HTTP API decodes a path except for `%25`.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    text = _text(event)
    if text is not None:
        headers["content-type"] = "application/json"
    return {
        **event,
        "headers": headers,
        "rawPath": event["rawPath"].replace("%25", "%"),
        "body": text,
        "isBase64Encoded": False,
    }


def _text(event: Mapping[str, Any]) -> str | None:
    raw = event.get("body")
    if not raw:
        return None
    try:
        text = base64.b64decode(raw).decode("utf-8") if event.get("isBase64Encoded") else str(raw)
        data = json.loads(text, parse_constant=_refuse)
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise invalid("body", "is not UTF-8") from None
    except (ValueError, RecursionError):
        raise invalid("body", "is not JSON") from None
    if _BROKEN in text:
        raise invalid("body", "is not UTF-8")
    if not isinstance(data, dict):
        raise invalid("body", "must be a JSON object")
    return text


def _refuse(constant: str) -> None:
    raise ValueError(constant)
