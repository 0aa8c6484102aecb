"""Batches that nobody looks after any more, and what is secret of those that are too old."""

from datetime import UTC, datetime, timedelta

from rollcall.batches.store import RETRYABLE, Batch
from rollcall.stamps import instant
from tests.integration.batches.conftest import Office, Tenant, new


def batch_of(secret_starts: tuple[int, ...] = ()) -> Batch:
    return Batch(
        id="b",
        integration_id="i",
        connector="activecampaign",
        preset="create_user",
        actor="administrator",
        created_at="2026-11-22T15:04:05.678Z",
        digest="d",
        rows=10,
        inputs=(),
        secret_starts=secret_starts,
    )


def test_a_batch_that_nothing_drives_is_closed_and_its_rows_can_be_retried(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    batch_id = office.begin(integration, "create_user", [new(1), new(2)])
    assert office.sweep() == []
    batch = office.batches.get(batch_id)
    assert batch is not None
    asked = batch.asked(0, office.items(batch_id)[0]["inputs"], None, None)
    assert office.actions.begin(asked, 1)
    assert office.actions.claim(asked.id, "a function that is killed", 130)
    office.steps.status = "TIMED_OUT"
    assert office.sweep() == [batch_id]
    over = office.shown(batch_id)
    assert (over["status"], over["error"]["code"]) == ("failed", "execution-gone")
    assert office.sweep(timedelta(minutes=3)) == []
    assert office.counts(batch_id) == {"running": 1, "not_begun": 1}, "it may still be at it"
    office.expire_claims(asked.id)
    office.sweep(timedelta(minutes=3))
    assert office.counts(batch_id) == {"failed": 1, "not_begun": 1}
    assert len(office.secret_names(batch_id)) == 1
    office.call("POST", f"/v1/batches/{batch_id}/retry", {"not_begun": True})
    assert office.run(batch_id, 2)["status"] == "succeeded"


def test_what_is_secret_is_gone_when_a_batch_is_too_old_to_be_retried(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    rows = [new(1) | {"username": vendor.tenant.users["2"].username}]
    batch_id = office.begin(integration, "create_user", rows)
    assert office.run(batch_id)["status"] == "failed"
    office.sweep()
    assert len(office.secret_names(batch_id)) == 1
    before = instant(datetime.now(UTC) - RETRYABLE - timedelta(minutes=1))
    table = office.house.runs.table
    table.update(f"BATCH#{batch_id}", "BATCH", {"created_at": before})
    assert office.call("POST", f"/v1/batches/{batch_id}/retry").status == 409
    office.sweep()
    assert office.secret_names(batch_id) == []
    assert office.batches.open() == []
    assert office.shown(batch_id)["retryable"] is False


def test_a_batch_was_never_started_and_is_closed_after_a_while(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    office.steps.down = True
    path = f"/v1/integrations/{integration}/presets/create_user/batch"
    body, key = {"rows": [new(1)], "confirm_count": 1}, {"Idempotency-Key": "lost"}
    assert office.call("POST", path, body, headers=key).status == 503
    (batch,) = office.batches.open()
    assert office.sweep() == []
    assert office.sweep(timedelta(minutes=11)) == [batch.id]
    assert office.shown(batch.id)["error"]["code"] == "not-started"


def test_a_rows_secret_is_found_by_the_first_rows_of_each() -> None:
    batch = batch_of((2, 5))
    assert [batch.chunk(row) for row in (0, 2, 4, 5, 9)] == [-1, 0, 0, 1, 1]
    assert batch_of().chunk(3) is None
