"""Batches over HTTP: a preset for up to 10,000 users."""

from typing import Annotated
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from rollcall.actions.asking import offered
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.batches import shapes
from rollcall.batches.asking import (
    BatchCall,
    found_batch,
    retry_batch,
    start_batch,
    stop_batch,
    upload_key,
)
from rollcall.batches.files import UPLOAD_SECONDS
from rollcall.batches.results import Results
from rollcall.integrations import lookup
from rollcall.stamps import new_id

routes = Routes("Batches")

Of = Annotated[str | None, Query(min_length=1, max_length=200)]
Status = Annotated[shapes.RowStatus | None, Query(description="Only rows of this status")]


@routes.on(
    "POST /integrations/<integration_id>/presets/<preset>/uploads", status=201, problems=(409,)
)
def create_upload(integration_id: Id, preset: Id) -> shapes.Upload:
    """Get a URL that takes a CSV file with the rows of a batch.

    The first line names the inputs, `external_id` and `person_id` among them. An id stays text,
    booleans are `true` and `false`, and an empty cell says nothing. The file is deleted once a
    batch was started with it, or once a row in it was found wrong.
    """
    services = routes.services
    found = offered(services, lookup.found(services, integration_id), preset)
    upload_id = new_id()
    key = upload_key(integration_id, found.preset.key, upload_id)
    return shapes.Upload(
        upload_id=upload_id,
        method="PUT",
        url=services.batch_files.upload_url(key),
        headers={"Content-Type": "text/csv"},
        expires_in=UPLOAD_SECONDS,
    )


@routes.on(
    "POST /integrations/<integration_id>/presets/<preset>/batch", status=202, problems=(409, 503)
)
def create_batch(integration_id: Id, preset: Id, body: shapes.StartBatch) -> shapes.ShownBatch:
    """Use a preset for many users.

    Every row is checked first, and `confirm_count` must be their number: else 422, and nothing is
    started. A body takes up to 6 MB, whatever the number of rows; what is larger is refused before
    it comes here (413): upload it as a file.
    """
    call = BatchCall(
        actor=routes.actor,
        preset=preset,
        confirm_count=body.confirm_count,
        rows=body.rows,
        upload_id=body.upload_id,
        overrides=body.overrides.model_dump(exclude_unset=True),
        response_field=body.response_field,
        key=_key(),
    )
    return shapes.shown(start_batch(routes.services, integration_id, call))


def _key() -> str | None:
    """The Idempotency-Key with whose it is and what it is for."""
    event = routes.current_event
    key = event.headers.get("idempotency-key")
    return f"{routes.actor}\n{event.path}\n{key}" if key else None


@routes.on("GET /batches")
def list_batches(
    integration_id: Of = None, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> shapes.BatchPage:
    """List batches, the newest first: all, or those of an integration."""
    listing = f"batches of {integration_id}"
    page, last = routes.services.batches.page(limit, key_of(listing, after), integration_id)
    return shapes.BatchPage(
        items=[shapes.shown(batch) for batch in page], next_cursor=cursor(listing, last)
    )


@routes.on("GET /batches/<batch_id>")
def get_batch(batch_id: Id) -> shapes.ShownBatch:
    """One batch, with its progress while it goes on."""
    return shapes.shown(found_batch(routes.services, batch_id))


@routes.on("GET /batches/<batch_id>/rows")
def list_batch_rows(
    batch_id: Id, status: Status = None, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> shapes.RowPage:
    """List what came of each row, in order."""
    listing = f"rows of {batch_id} {status}"
    rows, last = _results(batch_id).page(limit, _row(listing, after), status)
    return shapes.RowPage(
        items=[shapes.RowResult.model_validate(row) for row in rows],
        next_cursor=_cursor(listing, last),
    )


@routes.on("GET /batches/<batch_id>/results.csv", media_type="text/csv")
def download_batch_results(batch_id: Id, after: Cursor = None) -> Response[str]:
    """What came of each row, as a file: a head, then a line each, with its inputs.

    Up to 10,000 rows or 5 MB an answer; where there is more, the header `Link` leads to the next
    one (`rel="next"`). A cell that a spreadsheet would take for a formula, since it begins with
    `=`, `+`, `-`, `@`, a tab or a carriage return, has an apostrophe in front.
    """
    listing = f"results.csv of {batch_id}"
    text, last = _results(batch_id).table(_row(listing, after))
    headers: dict[str, str | list[str]] = {
        "Content-Disposition": f'attachment; filename="batch-{batch_id}.csv"'
    }
    following = _cursor(listing, last)
    if following is not None:
        query = urlencode({"cursor": following})
        headers["Link"] = f'</v1/batches/{batch_id}/results.csv?{query}>; rel="next"'
    return Response(200, content_type="text/csv", body=text, headers=headers)


@routes.on("POST /batches/<batch_id>/stop")
def stop(batch_id: Id) -> shapes.ShownBatch:
    """Stop a batch: rows that are under way end, and no other one is begun."""
    return shapes.shown(stop_batch(routes.services, batch_id, routes.actor))


@routes.on("POST /batches/<batch_id>/retry", status=202, problems=(503,))
def retry(batch_id: Id, body: shapes.RetryBatch | None = None) -> shapes.ShownBatch:
    """Do the rows again that failed, and no other one, with what they were given at first.

    A stopped batch goes on with `not_begun`. Answers 409 while it is running, where nothing is left
    to be done, and after 7 days.
    """
    not_begun = body is not None and body.not_begun
    services = routes.services
    return shapes.shown(retry_batch(services, batch_id, routes.actor, not_begun=not_begun))


def _results(batch_id: str) -> Results:
    services = routes.services
    batch = found_batch(services, batch_id)
    return Results(services.batches, services.runs.table, batch)


def _row(listing: str, after: str | None) -> int:
    key = key_of(listing, after)
    return int(key["row"]) if key is not None else -1


def _cursor(listing: str, row: int | None) -> str | None:
    return cursor(listing, {"row": row} if row is not None else None)
