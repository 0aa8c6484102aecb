"""What a run says of single records, over HTTP: errors, skips, changes, candidates, and its log."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field

from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.sync.csv_file import table
from rollcall.sync.routes import found

routes = Routes("Runs")

Code = Annotated[str | None, Query(max_length=100, description="Only errors of this code")]
PersonField = Annotated[
    str | None, Query(alias="field", max_length=200, description="Only errors of this field")
]
ExternalId = Annotated[
    str | None, Query(max_length=1000, description="Only errors of this record of the app")
]
Kind = Annotated[
    Literal["account", "person", "group", "grant"] | None, Query(description="Only of this kind")
]
Change = Annotated[
    Literal["created", "updated", "removed", "restored", "granted", "revoked"] | None,
    Query(description="Only these"),
]


class RecordError(BaseModel):
    """A record that could not be taken."""

    external_id: str | None = None
    sync_key: str | None = None
    field: str | None = Field(default=None, description="The field of a person that failed")
    code: str
    message: str
    record: dict[str, Any] | None = Field(
        default=None, description="The app's record, without what looks like a secret"
    )


class RecordErrorPage(Page[RecordError]):
    """A page of record errors."""


class Skipped(BaseModel):
    """A record that the filter or the preference left out."""

    external_id: str | None
    sync_key: str | None
    name: str | None
    code: str
    message: str


class SkippedPage(Page[Skipped]):
    """A page of records that were left out."""


class PlannedChange(BaseModel):
    """One change that a plan would make."""

    kind: str
    id: str
    change: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class PlannedChangePage(Page[PlannedChange]):
    """A page of changes."""


class LogLine(BaseModel):
    """A step of the run."""

    at: str
    message: str


class LogPage(Page[LogLine]):
    """A page of the log."""


class Candidate(BaseModel):
    """Who or what a held run would remove."""

    kind: str
    external_id: str
    name: str | None = None
    account: str | None = Field(default=None, description="The account, where it is a grant")
    scope: str | None = Field(default=None, description="Where a role that goes was held")


class CandidatePage(Page[Candidate]):
    """A page of candidates."""


@routes.on("GET /runs/<run_id>/errors")
def list_run_errors(
    run_id: Id,
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
    code: Code = None,
    person_field: PersonField = None,
    external_id: ExternalId = None,
) -> RecordErrorPage:
    """List the records that could not be taken."""
    found(run_id)
    wanted = _given(code=code, field=person_field, external_id=external_id)
    listing = f"errors of {run_id} {wanted}"
    page, last = routes.services.runs.kept.errors(run_id, limit, key_of(listing, after), wanted)
    return RecordErrorPage(
        items=[RecordError.model_validate(item) for item in page],
        next_cursor=cursor(listing, last),
    )


def _given(**wanted: str | None) -> dict[str, str]:
    return {name: value for name, value in wanted.items() if value is not None}


@routes.on("GET /runs/<run_id>/errors.csv", media_type="text/csv")
def download_run_errors(
    run_id: Id,
    after: Cursor = None,
    code: Code = None,
    person_field: PersonField = None,
    external_id: ExternalId = None,
) -> Response[str]:
    """The records that could not be taken, as a file: a head, then a row each.

    Up to 10,000 rows or 5 MB an answer; where there is more, the header `Link` leads to the next
    one (`rel="next"`). A cell that a spreadsheet would take for a formula, since it begins with
    `=`, `+`, `-`, `@`, a tab or a carriage return, has an apostrophe in front.
    """
    found(run_id)
    wanted = _given(code=code, field=person_field, external_id=external_id)
    listing = f"errors.csv of {run_id} {wanted}"
    rows = routes.services.runs.kept.every_error(run_id, key_of(listing, after), wanted)
    text, last = table(rows)
    headers: dict[str, str | list[str]] = {
        "Content-Disposition": f'attachment; filename="errors-{run_id}.csv"'
    }
    following = cursor(listing, last)
    if following is not None:
        query = urlencode({**wanted, "cursor": following})
        headers["Link"] = f'</v1/runs/{run_id}/errors.csv?{query}>; rel="next"'
    return Response(200, content_type="text/csv", body=text, headers=headers)


@routes.on("GET /runs/<run_id>/skipped")
def list_run_skipped(run_id: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> SkippedPage:
    """List the records that the filter or the preference left out, and why."""
    found(run_id)
    listing = f"skipped of {run_id}"
    page, last = routes.services.runs.kept.skipped(run_id, limit, key_of(listing, after))
    return SkippedPage(
        items=[Skipped.model_validate(item) for item in page], next_cursor=cursor(listing, last)
    )


@routes.on("GET /runs/<run_id>/changes")
def list_run_changes(
    run_id: Id,
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
    kind: Kind = None,
    change: Change = None,
) -> PlannedChangePage:
    """List every change that a plan would make; a sync has none here."""
    found(run_id)
    wanted = _given(kind=kind, change=change)
    listing = f"changes of {run_id} {wanted}"
    page, last = routes.services.runs.kept.changes(run_id, limit, key_of(listing, after), wanted)
    return PlannedChangePage(
        items=[PlannedChange.model_validate(item) for item in page],
        next_cursor=cursor(listing, last),
    )


@routes.on("GET /runs/<run_id>/log")
def list_run_log(run_id: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> LogPage:
    """List what the run did, step by step."""
    found(run_id)
    listing = f"log of {run_id}"
    page, last = routes.services.runs.kept.log(run_id, limit, key_of(listing, after))
    return LogPage(
        items=[LogLine.model_validate(item) for item in page], next_cursor=cursor(listing, last)
    )


@routes.on("GET /runs/<run_id>/candidates")
def list_run_candidates(
    run_id: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> CandidatePage:
    """List who and what a held run would remove."""
    found(run_id)
    listing = f"candidates of {run_id}"
    page, last = routes.services.runs.kept.candidates(run_id, limit, key_of(listing, after))
    return CandidatePage(
        items=[Candidate.model_validate(item) for item in page],
        next_cursor=cursor(listing, last),
    )
