"""Starting, stopping and retrying batches over HTTP.

Everything is checked before anything is kept. What is kept is kept in an order that loses nothing:
the batch, then what is secret, then the rows, then the state machine is started; where that did
not come about, the sweeper closes the batch, and the same Idempotency-Key goes on with it.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rollcall.access.problems import Problem, unknown
from rollcall.actions.asking import faults_beside, offered, shown_overrides
from rollcall.actions.inputs import Faults
from rollcall.actions.saved import Found
from rollcall.api.services import Services
from rollcall.batches import reading
from rollcall.batches.files import LARGEST_UPLOAD, TooLarge, rows_key
from rollcall.batches.reading import MOST_ROWS, Row
from rollcall.batches.store import Batch
from rollcall.integrations import lookup
from rollcall.integrations.model import Integration
from rollcall.stamps import new_id, now

_KEPT = timedelta(hours=24)
"""An Idempotency-Key means the same batch for so long."""


@dataclass(frozen=True, slots=True)
class BatchCall:
    """One call for a batch, as it came in: its rows, or the id of the file that they are in."""

    actor: str
    preset: str
    confirm_count: int | None
    rows: Sequence[Mapping[str, Any]] | None = None
    upload_id: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    response_field: str | None = None
    key: str | None = None


def upload_key(integration_id: str, preset: str, upload_id: str) -> str:
    """Where the file of an upload is put."""
    return f"uploads/{integration_id}/{preset}/{upload_id}.csv"


def start_batch(services: Services, integration_id: str, call: BatchCall) -> Batch:
    """The batch, on its way. Raises Problem: 404, 409 where the app cannot be called, 422, 503."""
    integration = lookup.found(services, integration_id)
    lookup.require(services, integration)
    found = offered(services, integration, call.preset)
    secret = reading.secret_keys(found.preset.inputs)
    batch_id, digest = _id(services, call.key), _digest(call)
    earlier = services.batches.get(batch_id)
    if earlier is not None and earlier.digest != digest:
        raise Problem(422, errors=[("Idempotency-Key", "was used before with another body")])
    if earlier is not None and (earlier.started or earlier.status != "running"):
        return earlier
    rows = _rows(services, integration, found, call)
    chunks = reading.secrets_of(rows, secret)
    batch = earlier or Batch(
        id=batch_id,
        integration_id=integration.id,
        connector=integration.connector,
        preset=found.preset.key,
        actor=call.actor,
        created_at=now(),
        started_at=now(),
        digest=digest,
        rows=len(rows),
        inputs=tuple(one.key for one in found.preset.inputs if not one.secret),
        secret_starts=tuple(first for first, _ in chunks),
        overrides=shown_overrides(call.overrides),
        response_field=_response_field(found, call),
    )
    if earlier is None and not services.batches.begin(batch):
        raise Problem(409, "the first request with this Idempotency-Key is still being served")
    services.batch_secrets.save(batch, [text for _, text in chunks], call.overrides)
    items = [row.item(batch.id, 1, number, secret) for number, row in enumerate(rows)]
    services.batch_files.save(batch, items)
    _execute(services, batch, again=call.key is not None)
    if call.upload_id is not None:
        services.batch_files.drop(upload_key(integration.id, call.preset, call.upload_id))
    return batch


def stop_batch(services: Services, batch_id: str, actor: str) -> Batch:
    """Begin no more of its rows; those that are under way end. Raises Problem: 404, 409."""
    batch = found_batch(services, batch_id)
    if not services.batches.stop(batch, actor):
        raise Problem(409, f"the batch does not go on: it is {batch.status}")
    stepfunctions = services.aws.stepfunctions
    try:
        stepfunctions.stop_execution(executionArn=execution_arn(services, batch))
    except stepfunctions.exceptions.ExecutionDoesNotExist:
        pass  # it was not started yet, and a row that it hands out is not begun any more
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":  # it has just ended
            raise
    return found_batch(services, batch_id)


def retry_batch(services: Services, batch_id: str, actor: str, *, not_begun: bool) -> Batch:
    """Do the rows again that failed, or that a stop cut off; with `not_begun` also those that were
    not begun. Raises Problem: 404, 409 where there is nothing to do or nothing to do it with, 503.
    """
    batch = found_batch(services, batch_id)
    if batch.status == "running":
        raise Problem(409, "the batch goes on: wait for its end, or stop it")
    lookup.require(services, lookup.found(services, batch.integration_id))
    done = {item["row"]: item["status"] for item in services.batches.rows(batch.id)}
    wanted = {row for row, status in done.items() if status != "succeeded"}
    wanted |= set(range(batch.rows)) - done.keys() if not_begun else set()
    if not wanted:
        raise Problem(409, "no row is left to be done again")
    items = services.batch_files.first(batch) if batch.kept and not batch.old else None
    if items is None:
        raise Problem(409, "the batch is too old: its rows and their secrets are gone")
    following = services.batches.retry(batch, actor)
    if following is None:
        raise Problem(409, "somebody else does something to the batch at this moment")
    again = [item | {"attempt": following.attempt} for item in items if item["row"] in wanted]
    services.batch_files.save(following, again)
    _execute(services, following)
    return following


def found_batch(services: Services, batch_id: str) -> Batch:
    """The batch as it is now. Raises Problem (404)."""
    batch = services.batches.get(batch_id)
    if batch is None:
        raise unknown("batch", batch_id)
    return batch


def execution_arn(services: Services, batch: Batch) -> str:
    """The ARN of the execution of this try."""
    machine = services.api.batch_state_machine_arn
    return f"{machine.replace(':stateMachine:', ':execution:')}:{batch.execution}"


def _execute(services: Services, batch: Batch, *, again: bool = False) -> None:
    """Start the state machine. Raises Problem (503) where that fails.

    The try is over then, unless the same call may come `again` and go on with it.
    """
    request = {"batch_id": batch.id, "attempt": batch.attempt, "rows": rows_key(batch)}
    stepfunctions = services.aws.stepfunctions
    try:
        stepfunctions.start_execution(
            stateMachineArn=services.api.batch_state_machine_arn,
            name=batch.execution,
            input=json.dumps(request),
        )
    except stepfunctions.exceptions.ExecutionAlreadyExists:
        pass  # an earlier call came so far
    except (ClientError, BotoCoreError) as error:
        detail = "the state machine could not be started: try again"
        if not again:
            services.batches.finish(batch, {"code": "not-started", "detail": detail})
        raise Problem(503, detail) from error
    services.batches.begun(batch)


def _rows(services: Services, integration: Integration, found: Found, call: BatchCall) -> list[Row]:
    """The rows, checked. Raises Problem (422). A file with wrong rows is not kept."""
    key = upload_key(integration.id, call.preset, call.upload_id or "")
    given, faults = call.rows, Faults()
    if given is None:
        given, faults = _uploaded(services, found, key)
    if not faults and not 0 < len(given) <= MOST_ROWS:
        faults = [("rows", f"must be 1 to {MOST_ROWS}, and are {len(given)}")]
    rows: list[Row] = []
    if not faults:
        rows, faults = reading.check(found.preset, given)
    if faults and call.upload_id is not None:
        services.batch_files.drop(key)
    response_field = _response_field(found, call)
    faults += faults_beside(services, integration, found, call.overrides, response_field)
    if len(json.dumps(dict(call.overrides))) > reading.LARGEST_SECRET:
        faults.append(("overrides", f"have more than {reading.LARGEST_SECRET} bytes"))
    if not faults and call.confirm_count != len(rows):
        faults.append(("confirm_count", f"must be the number of rows, which is {len(rows)}"))
    if faults:
        raise Problem(422, errors=reading.told(faults))
    return rows


def _response_field(found: Found, call: BatchCall) -> str | None:
    return found.response_field if call.response_field is None else call.response_field


def _uploaded(
    services: Services, found: Found, key: str
) -> tuple[Sequence[Mapping[str, Any]], Faults]:
    try:
        content = services.batch_files.upload(key)
    except TooLarge:
        services.batch_files.drop(key)
        return [], [("upload_id", f"the file has more than {LARGEST_UPLOAD} bytes")]
    if content is None:
        return [], [("upload_id", "no file was uploaded to it, or it is used up")]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        services.batch_files.drop(key)
        return [], [("upload_id", "the file is not UTF-8")]
    return reading.read_csv(text, found.preset)


def _id(services: Services, key: str | None) -> str:
    """The batch's id: the same for the same Idempotency-Key, for a day."""
    if key is None:
        return new_id()
    same = uuid.uuid5(uuid.NAMESPACE_URL, key).hex
    earlier = services.batches.get(same)
    if earlier is None or datetime.now(UTC) - datetime.fromisoformat(earlier.created_at) < _KEPT:
        return same
    return new_id()


def _digest(call: BatchCall) -> str:
    """What tells one call from another under the same Idempotency-Key, which salts it."""
    said = [
        *(call.key, call.preset, call.upload_id, call.confirm_count, call.response_field),
        *(([dict(row) for row in call.rows or ()], dict(call.overrides)) if call.key else ()),
    ]
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
