"""The answers Aha! gives in many places: refusals, lists, and reading what was sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.vendors.aha_shapes import dumps
from local.vendors.calls import Answer, Call, Visit
from local.vendors.paging import Page, capped, page_of

if TYPE_CHECKING:
    from local.vendors.switches import Switches

_DEFAULT_SIZE = 30
_HIGHEST_SIZE = 200
_JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"


def as_json(value: object, status: int = 200) -> Answer:
    """Wrap JSON with the charset this vendor names."""
    return Answer(status, dumps(value), _JSON)


GONE = Answer(204, content_type=None)
NOT_FOUND = as_json({"error": "Record not found."}, 404)
UNROUTED = Answer(404, b"<!DOCTYPE html><html><body><h1>404</h1></body></html>", "text/html")
# The only 401 the vendor documents is text/html.
WRONG_KEY = Answer(401, b"<html><body>You need to sign in.</body></html>", _HTML)
# What a key without the right gets is not documented.
FORBIDDEN = as_json({"error": "You do not have permission to do that."}, 403)


def page_for(name: str, count: int, call: Call, switches: Switches) -> tuple[Page, int]:
    """Return the rows asked for and the page's number; per_page over 200 counts as 200."""
    asked = call.number("per_page", _DEFAULT_SIZE) or _DEFAULT_SIZE
    size = capped(name, min(asked, _HIGHEST_SIZE), switches)
    number = call.number("page", 1) or 1
    return page_of(name, count, (number - 1) * size, size, switches), number


def listing(name: str, rows: list[bytes], page: Page, number: int) -> Answer:
    """List with the pagination block next to it (left out when no total is announced)."""
    block = b""
    if page.total is not None:
        counts = (page.total, -(-page.total // page.size), number)
        block = b'"total_records":%d,"total_pages":%d,"current_page":%d' % counts
        block = b',"pagination":{%s}' % block
    return Answer(200, b'{"%s":[%s]%s}' % (name.encode(), b",".join(rows), block), _JSON)


def paged(name: str, rows: list[dict[str, Any]], visit: Visit) -> Answer:
    """200 with a page of a short list that was built whole."""
    page, number = page_for(name, len(rows), visit.call, visit.switches)
    chosen = [dumps(row) for row in rows[page.start : page.stop]]
    return listing(name, chosen, page, number)


def invalid(message: str) -> Answer:
    """400 in the form that the vendor's own client handles."""
    return as_json({"error": "Validation failed", "errors": {"message": message}}, 400)


def truth(value: object) -> bool:
    """Read the true or "true" of a write."""
    return value in (True, "true")


def now() -> str:
    """Time of a write, UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
