"""The control endpoint: how another process reads and sets what a test sets in Python.

    GET    /_control      {"switches": {...}, "counts": {"users": 250, ..., "calls": 12}}
    PUT    /_control      any switches, and remove_users ["5"], add_users [{"id": "5", ...}]
    GET    /_control/log  {"log": [{"method", "path", "query", "status", "at", "headers"}]}
    DELETE /_control/log  forgets the log

A PUT is done as a whole or, with 400 {"error": ...}, not at all. add_users takes the fields of
the tenant's User; with an id that is there it changes that user. No key is asked for: the server
listens on the loopback address only.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from local.vendors.calls import Answer, Call
from local.vendors.switches import as_json

if TYPE_CHECKING:
    from local.vendors.server import Vendor

PATH = "/_control"


def answer(vendor: Vendor[Any], call: Call) -> Answer:
    """Answer a call to the control endpoint."""
    match call.method, call.path:
        case "GET", "/_control":
            return _state(vendor)
        case "PUT", "/_control":
            problem = _change(vendor, call.body)
            return _json({"error": problem}, 400) if problem else _state(vendor)
        case "GET", "/_control/log":
            return _json({"log": [asdict(request) for request in list(vendor.log)]})
        case "DELETE", "/_control/log":
            vendor.log.clear()
            return Answer(204, content_type=None)
        case _:
            return _json({"error": "no such control"}, 404)


def _state(vendor: Vendor[Any]) -> Answer:
    counts = {**vendor.tenant.counts(), "calls": len(vendor.log)}
    return _json({"switches": as_json(vendor.switches), "counts": counts})


def _change(vendor: Vendor[Any], body: bytes) -> str | None:
    """Carry out a PUT; return what is wrong with it, having changed nothing."""
    try:
        wanted = json.loads(body)
        removed = [str(number) for number in wanted.pop("remove_users", [])]
        added = [dict(values) for values in wanted.pop("add_users", [])]
        missing = [number for number in removed if number not in vendor.tenant.users]
        if missing:
            return f"no users {missing}"
        vendor.tenant.check_users(added)
        vendor.switches.change(wanted)
    except (ValueError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    for number in removed:
        del vendor.tenant.users[number]
    for values in added:
        vendor.tenant.put_user(values)
    return None


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())
