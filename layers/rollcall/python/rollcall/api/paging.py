"""Lists over HTTP: `?limit=&cursor=` in, `{"items", "next_cursor"}` out.

A cursor is the key to go on after, bound to its list: one from another list is refused.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, Any, Generic, TypeVar

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field

from rollcall.access.problems import invalid

DEFAULT_LIMIT = 50

Limit = Annotated[int, Query(ge=1, le=100, description="Items of a page at most")]
Cursor = Annotated[
    str | None,
    Query(alias="cursor", max_length=4000, description="`next_cursor` of the page before"),
]

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(description="For the next page; null at the end")


def cursor(listing: str, key: Mapping[str, Any] | None) -> str | None:
    """The cursor that goes on after `key` in the list of that name; None at the end."""
    if key is None:
        return None
    text = json.dumps([_bound(listing, key), key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def key_of(listing: str, text: str | None) -> dict[str, Any] | None:
    """The key in a cursor of that list. Raises Problem (422) for anything else."""
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        seal, key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if isinstance(key, dict) and seal == _bound(listing, key):
            return key
    except (ValueError, TypeError, binascii.Error, RecursionError):
        pass
    raise invalid("cursor", "is none that this list gave")


def _bound(listing: str, key: Mapping[str, Any]) -> str:
    text = json.dumps([listing, key], sort_keys=True)
    return blake2b(text.encode(), digest_size=6).hexdigest()
