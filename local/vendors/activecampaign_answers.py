"""The answers ActiveCampaign gives in many places: refusals, lists, and reading what was sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.vendors.activecampaign_shapes import GROUP_FIELDS, dumps
from local.vendors.calls import Answer, Call

if TYPE_CHECKING:
    from local.vendors.switches import Switches

_DEFAULT_LIMIT = 20
_HIGHEST_LIMIT = 100

FORBIDDEN = Answer(403, dumps({"message": "Forbidden"}))
DELETED = Answer(200, b"{}")
# The reference lists 400 {} for every call that carries a user or a group.
UNREADABLE = Answer(400, b"{}")
# A wrong or revoked key: an empty 403 without a Content-Type.
WRONG_KEY = Answer(403, content_type=None)
UNROUTED = Answer(404, dumps({"errors": [{"status": 404, "title": "Not Found"}]}))


def limits(call: Call) -> tuple[int, int]:
    """Offset and limit of a call; a limit over 100 counts as 100 (not documented)."""
    size = call.number("limit", _DEFAULT_LIMIT) or _DEFAULT_LIMIT
    return call.number("offset", 0), min(size, _HIGHEST_LIMIT)


def listing(name: str, rows: list[bytes], total: int | None) -> Answer:
    """List in its envelope; meta.total is a string."""
    meta = b"" if total is None else b',"meta":{"total":"%d"}' % total
    return Answer(200, b'{"%s":[%s]%s}' % (name.encode(), b",".join(rows), meta))


def no_result(kind: str, asked: str, switches: Switches) -> Answer:
    """404 (403 by switch) in the recorded wording."""
    message = f"No Result found for {kind} with id {asked}"
    return Answer(switches.not_found_status, dumps({"message": message}))


def invalid(code: str, *names: str) -> Answer:
    """422 in the form of other resources: codes duplicate, field_missing, related_missing."""
    errors = [
        {
            "title": f"The {name} is refused ({code}).",
            "detail": "",
            "code": code,
            "source": {"pointer": f"/data/attributes/{name}"},
        }
        for name in names
    ]
    return Answer(422, dumps({"errors": errors}))


def permissions_in(sent: dict[str, Any]) -> dict[str, str]:
    """Permissions among the fields sent, as "0" or "1" whether sent as bool, int or string."""
    return {
        name: str(int(value)) if isinstance(value, bool) else str(value)
        for name, value in sent.items()
        if name in GROUP_FIELDS and name not in {"sdate", "p_admin"}
    }


def now() -> str:
    """Time of a write, ISO 8601 with an offset."""
    return datetime.now(UTC).isoformat(timespec="seconds")
