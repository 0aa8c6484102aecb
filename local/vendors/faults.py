"""What a Fault makes of an answer, as far as it is a matter of what is sent and not of when."""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from local.vendors.calls import Answer

if TYPE_CHECKING:
    from local.vendors.switches import Fault

_PAGE = "<!DOCTYPE html><html><head><title>Just a moment</title></head><body>Checking</body></html>"


def in_place_of(fault: Fault) -> Answer | None:
    """Return the answer given without asking the tenant; None when the fault lets it answer."""
    if fault.kind == "status":
        status = fault.status or 500
        message = json.dumps({"message": HTTPStatus(status).phrase})
        return _answer(fault, status, message, "application/json")
    if fault.kind == "html":
        return _answer(fault, fault.status or 200, _PAGE, "text/html; charset=utf-8")
    if fault.kind == "not_json":
        return _answer(fault, fault.status or 200, "upstream says hello", "application/json")
    if fault.kind == "wrong_shape":
        shape = json.dumps({"data": {"items": [1, 2, 3]}, "next": None})
        return _answer(fault, fault.status or 200, shape, "application/json")
    if fault.kind == "redirect":
        answer = _answer(fault, fault.status or 302, "", "text/html; charset=utf-8")
        return replace(answer, headers=(*answer.headers, ("Location", fault.location)))
    return None


def spoiled(fault: Fault, answer: Answer) -> Answer:
    """Return the tenant's answer as the fault leaves it."""
    if fault.kind == "truncated_json":
        return replace(answer, body=answer.body[: len(answer.body) // 2])
    return answer


def _answer(fault: Fault, status: int, body: str, content_type: str) -> Answer:
    wait = () if fault.retry_after is None else (("Retry-After", str(fault.retry_after)),)
    sent = body if fault.body is None else fault.body
    return Answer(status, sent.encode(), content_type, wait)
