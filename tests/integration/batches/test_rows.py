"""Batches, with the state machine played by the test: what each row does, and what is left over."""

from dataclasses import replace

from local.vendors.switches import Fault
from rollcall.batches.work import BUSY_SECONDS
from rollcall.sync.masking import MASK
from tests.integration.batches.conftest import Office, Tenant, made, new


def test_a_row_that_comes_again_at_any_time_acts_once(office: Office, vendor: Tenant) -> None:
    integration = office.integrate(vendor)
    batch_id = office.begin(integration, "create_user", [new(1), new(2)])
    first, second = office.items(batch_id)
    assert office.row(first) == 0
    assert office.row(first) == 0
    assert made(vendor) == 1

    # Another function has it: who comes second waits.
    batch = office.batches.get(batch_id)
    assert batch is not None
    asked = batch.asked(1, second["inputs"], None, None)
    assert office.actions.begin(asked, 1)
    assert office.actions.claim(asked.id, "another function", 100)
    assert office.row(second) == BUSY_SECONDS
    assert (made(vendor), office.counts(batch_id)) == (1, {"succeeded": 1, "running": 1})
    office.expire_claims(asked.id)  # that function was killed
    assert office.row(second) == 0
    assert (made(vendor), office.counts(batch_id)) == (2, {"succeeded": 2})
    assert office.row(second) == 0
    assert made(vendor) == 2


def test_a_throttled_row_waits_and_is_done_then(office: Office, vendor: Tenant) -> None:
    integration = office.integrate(vendor)
    batch_id = office.begin(integration, "create_user", [new(1)])
    (item,) = office.items(batch_id)
    vendor.switches.faults = [Fault("POST /api/3/users", status=429)]
    assert office.row(item) > 0
    assert office.counts(batch_id) == {"running": 1}
    (row,) = office.rows(batch_id)
    assert office.call("GET", f"/v1/actions/{row['action_id']}").json["status"] == "running"
    vendor.switches.faults = []
    assert office.row(item) == 0
    assert office.counts(batch_id) == {"succeeded": 1}
    assert "new1" in {user.username for user in vendor.tenant.users.values()}


def test_failed_rows_alone_are_done_again_and_once(office: Office, vendor: Tenant) -> None:
    integration = office.integrate(vendor)
    rows = [new(1), new(2) | {"username": vendor.tenant.users["2"].username}, new(3)]
    batch_id = office.begin(integration, "create_user", rows)
    over = office.run(batch_id)
    assert (over["status"], over["retryable"]) == ("succeeded_with_errors", True)
    assert office.counts(batch_id) == {"succeeded": 2, "failed": 1}
    (failed,) = office.rows(batch_id, status="failed")
    assert (failed["row"], failed["error"]["code"]) == (1, "vendor-rejected")
    assert failed["inputs"] == rows[1] | {"password": MASK, "group_id": "4"}

    blocking = vendor.tenant.users["2"]
    vendor.tenant.users["2"] = replace(blocking, username="moved")
    again = office.call("POST", f"/v1/batches/{batch_id}/retry")
    assert (again.status, again.json["attempt"]) == (202, 2)
    assert office.call("POST", f"/v1/batches/{batch_id}/retry").status == 409
    (item,) = office.items(batch_id, 2)
    assert (item["row"], item["attempt"]) == (1, 2)
    calls = made(vendor)
    assert office.row({**item, "attempt": 1}) == 0, "of the try before"
    assert made(vendor) == calls
    over = office.run(batch_id, 2)
    assert (over["status"], over["retryable"]) == ("succeeded", False)
    assert office.row(item) == 0
    assert made(vendor) == calls + 1
    assert office.secret_names(batch_id) == []
    assert office.call("POST", f"/v1/batches/{batch_id}/retry").status == 409


def test_a_row_that_failed_again_is_not_done_a_third_time(office: Office, vendor: Tenant) -> None:
    integration = office.integrate(vendor)
    rows = [new(1) | {"username": vendor.tenant.users["2"].username}]
    batch_id = office.begin(integration, "create_user", rows)
    assert office.run(batch_id)["status"] == "failed"
    office.call("POST", f"/v1/batches/{batch_id}/retry")
    (item,) = office.items(batch_id, 2)
    assert [office.row(item), office.row(item)] == [0, 0]
    assert made(vendor) == 2
    assert office.counts(batch_id) == {"failed": 1}


def test_a_refused_credential_ends_the_batch_at_once(office: Office, vendor: Tenant) -> None:
    integration = office.integrate(vendor)
    batch_id = office.begin(integration, "create_user", [new(n) for n in range(4)])
    vendor.switches.token_valid = False
    over = office.run(batch_id)
    assert (over["status"], over["error"]["code"]) == ("failed", "vendor-unauthorized")
    assert office.counts(batch_id) == {"failed": 1, "not_begun": 3}
    vendor.switches.token_valid = True
    body = {"not_begun": True}
    assert office.call("POST", f"/v1/batches/{batch_id}/retry", body).status == 202
    assert office.run(batch_id, 2)["status"] == "succeeded"


def test_a_row_over_which_functions_died_fails_and_can_be_retried(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    batch_id = office.begin(integration, "create_user", [new(1), new(2)])
    first, second = office.items(batch_id)
    assert office.worker.lost(first, "one") == {"wait_seconds": 0}
    assert office.worker.lost(first, "two") == {"wait_seconds": 0}
    assert office.row(first) == 0
    assert office.row(second) == 0
    assert office.worker.lost(second, "three") == {"wait_seconds": 0}
    assert office.counts(batch_id) == {"succeeded": 1, "failed": 1}
    office.worker.end({"batch_id": batch_id, "attempt": 1})
    office.call("POST", f"/v1/batches/{batch_id}/retry")
    assert office.run(batch_id, 2)["status"] == "succeeded"


def test_rows_about_persons_find_their_accounts(office: Office, vendor: Tenant) -> None:
    integration = office.integrate(vendor)
    account = office.call("GET", f"/v1/integrations/{integration}/accounts/3").json
    rows = [
        {"person_id": account["person_id"], "first_name": "Renamed"},
        {"person_id": "nobody", "first_name": "Renamed"},
        {"external_id": 4, "first_name": "Renamed"},
    ]
    batch_id = office.begin(integration, "update_user", rows)
    over = office.run(batch_id)
    assert over["status"] == "succeeded_with_errors"
    renamed = {key for key, user in vendor.tenant.users.items() if user.first_name == "Renamed"}
    assert renamed == {"3", "4"}
    (failed,) = office.rows(batch_id, status="failed")
    assert (failed["row"], failed["error"]["code"]) == (1, "invalid-input")
    assert failed["error"]["errors"][0]["field"] == "person_id"


def test_a_row_about_somebody_without_an_account_is_retried_once_they_have_one(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    whole = office.house.integrations.get(integration)
    assert whole is not None
    person = office.call("GET", f"/v1/integrations/{integration}/accounts/3").json["person_id"]
    left = vendor.tenant.users["3"]
    del vendor.tenant.users["3"]
    office.house.run(whole)
    row = {"person_id": person, "first_name": "Renamed"}
    batch_id = office.begin(integration, "update_user", [row])
    assert office.run(batch_id)["status"] == "failed"
    vendor.tenant.users["3"] = left
    office.house.run(whole)
    office.call("POST", f"/v1/batches/{batch_id}/retry")
    assert office.run(batch_id, 2)["status"] == "succeeded"
    assert vendor.tenant.users["3"].first_name == "Renamed"


def test_a_stopped_batch_begins_no_row_and_tells_which(office: Office, vendor: Tenant) -> None:
    integration = office.integrate(vendor)
    batch_id = office.begin(integration, "create_user", [new(n) for n in range(4)])
    items = office.items(batch_id)
    assert office.row(items[1]) == 0
    stopped = office.call("POST", f"/v1/batches/{batch_id}/stop")
    assert (stopped.status, stopped.json["status"]) == (200, "stopped")
    assert [office.row(item) for item in items] == [0, 0, 0, 0]
    office.worker.end({"batch_id": batch_id, "attempt": 1})
    assert (made(vendor), office.shown(batch_id)["status"]) == (1, "stopped")
    statuses = [row["status"] for row in office.rows(batch_id)]
    assert statuses == ["not_begun", "succeeded", "not_begun", "not_begun"]
    assert [row["row"] for row in office.rows(batch_id, status="not_begun")] == [0, 2, 3]
    text = office.call("GET", f"/v1/batches/{batch_id}/results.csv").text.splitlines()
    assert [line.split(",")[:2] for line in text[1:3]] == [["0", "not_begun"], ["1", "succeeded"]]


def test_a_throttled_row_does_not_forget_what_a_killed_function_sent(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    batch_id = office.begin(integration, "create_user", [new(1)])
    (item,) = office.items(batch_id)
    batch = office.batches.get(batch_id)
    assert batch is not None
    asked = batch.asked(0, item["inputs"], None, None)
    assert office.actions.begin(asked, 1)
    dead = {"claim": "dead", "held_until": 0, "sent": True, "absent": True}
    assert office.house.runs.table.update(f"ACTION#{asked.id}", "ACTION", dead)
    user = replace(vendor.tenant.users["2"], id="99", username="new1", email=new(1)["email"])
    vendor.tenant.users["99"] = user
    vendor.switches.faults = [Fault("GET /api/3/users", status=429)]
    assert office.row(item) > 0
    vendor.switches.faults = []
    assert office.row(item) == 0
    (row,) = office.rows(batch_id)
    assert (row["status"], row["outcome"], row["external_id"]) == ("succeeded", "adopted", "99")
    assert made(vendor) == 0
