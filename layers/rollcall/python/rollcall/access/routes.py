"""The audit log over HTTP."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field

from rollcall.access.audit import Filter, entries
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Routes

routes = Routes("Audit")


class Difference(BaseModel):
    """What a field was and what it is; null where it was or is not there."""

    before: Any
    after: Any


class Entry(BaseModel):
    """Who changed what, and when."""

    id: str
    at: str
    actor: str
    verb: str = Field(examples=["create"])
    object_type: str = Field(examples=["integration"])
    object_id: str
    changes: dict[str, Difference] = Field(description="By field; never a secret")


class EntryPage(Page[Entry]):
    """A page of the audit log."""


Wanted = Annotated[str | None, Query(min_length=1, max_length=200)]


@routes.on("GET /audit")
def list_audit(
    actor: Wanted = None,
    object_type: Wanted = None,
    object_id: Wanted = None,
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
) -> EntryPage:
    """List what was changed, the newest first."""
    wanted = Filter(actor, object_type, object_id)
    listing = f"audit {wanted}"
    found, last = entries(routes.services.config, wanted, limit, key_of(listing, after))
    return EntryPage(
        items=[Entry.model_validate(item) for item in found], next_cursor=cursor(listing, last)
    )
