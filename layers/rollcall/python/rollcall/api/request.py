"""What comes in, put in order before it is routed: a body is JSON text, a path is decoded."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from rollcall.access.problems import invalid

Event = dict[str, Any]

_BROKEN = "\N{REPLACEMENT CHARACTER}"
"""What a gateway that decodes a body puts where it was not UTF-8."""


_YAML = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})
_FORM = "application/x-www-form-urlencoded"
_FORM_PATH = re.compile(r"/v1/approvals/[^/]+/(approve|deny)")
"""Where a page of ours posts a form."""
_MOST_INPUTS = 10


def tidied(event: Mapping[str, Any]) -> Event:
    """The event with a body that is a JSON object, whatever content type the caller gave it.

    A body said to be YAML becomes JSON, and so does a form where a page of ours posts one. Raises
    Problem (422, field `body`) for any other; NaN, Infinity and half a surrogate pair are no JSON.
    The HTTP API decodes a path except for `%25`.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    text = _text(event)
    if text is not None:
        text = _as_json(text, event["rawPath"], headers.get("content-type", ""))
    return {
        **event,
        "headers": {**headers, "content-type": "application/json"},
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
        text.encode("utf-8")
    except UnicodeError:
        raise invalid("body", "is not UTF-8") from None
    if _BROKEN in text:
        raise invalid("body", "is not UTF-8")
    return text


def _as_json(text: str, path: str, content_type: str) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _YAML:
        return _of_yaml(text)
    if kind == _FORM and _FORM_PATH.fullmatch(path):
        return _of_form(text)
    try:
        data = json.loads(text, parse_constant=_refuse)
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise invalid("body", "is not UTF-8") from None
    except (ValueError, RecursionError):
        raise invalid("body", "is not JSON") from None
    if not isinstance(data, dict):
        raise invalid("body", "must be a JSON object")
    return text


def _of_yaml(text: str) -> str:
    from rollcall.api import yaml_body  # noqa: PLC0415 - seldom, and slow to import

    data = yaml_body.read(text)
    if isinstance(data, yaml_body.Fault):
        raise invalid("body", f"{data.message} (line {data.line}, column {data.column})")
    if not isinstance(data, dict):
        raise invalid("body", "must be a YAML mapping (line 1, column 1)")
    return json.dumps(data)


def _of_form(text: str) -> str:
    try:
        inputs = parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_INPUTS,
        )
    except UnicodeError:
        raise invalid("body", "is not UTF-8") from None
    except ValueError:
        raise invalid("body", "is no form") from None
    return json.dumps(dict(inputs))


def _refuse(constant: str) -> None:
    raise ValueError(constant)
