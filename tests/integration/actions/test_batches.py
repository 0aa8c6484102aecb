"""Batches, with the state machine played by the test: what each row does, and what is left over."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import EndpointConnectionError

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from local.vendors.switches import Fault
from rollcall.actions.batch import RETRYABLE, Batch, Batches
from rollcall.actions.batch_files import BatchSecrets
from rollcall.actions.batch_sweep import BatchSweeper
from rollcall.actions.batch_work import BUSY_SECONDS, BatchWorker
from rollcall.actions.perform import Performer
from rollcall.api.app import Api
from rollcall.api.services import ApiSettings, Services
from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.stamps import instant
from rollcall.sync.masking import MASK
from tests.integration.actions.conftest import Desk, DeskAws, Functions
from tests.integration.api.caller import Answered, Caller, Context
from tests.integration.sync.conftest import House

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:batch"
Json = dict[str, Any]


class GoneError(Exception):
    """Step Functions knows no such execution."""


@dataclass
class Steps:
    """Step Functions: keeps what was started, and runs nothing by itself."""

    inputs: dict[str, Json] = field(default_factory=dict)
    status: str = "RUNNING"
    down: bool = False

    class exceptions:  # noqa: N801 - as boto3 has it
        ExecutionDoesNotExist = GoneError
        ExecutionAlreadyExists = KeyError

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        assert stateMachineArn == MACHINE
        if self.down:
            raise EndpointConnectionError(endpoint_url="states")
        self.inputs[name] = json.loads(input)

    def stop_execution(self, *, executionArn: str) -> None:  # noqa: N803
        self.describe_execution(executionArn=executionArn)
        self.status = "ABORTED"

    def describe_execution(self, *, executionArn: str) -> Json:  # noqa: N803
        if executionArn.rpartition(":")[2] not in self.inputs:
            raise GoneError
        return {"status": self.status}


class BatchAws(DeskAws):
    """The API's clients, with Lambda and Step Functions in this process."""

    def __init__(self, functions: Functions, steps: Steps) -> None:
        super().__init__(functions)
        self.stepfunctions = steps


@dataclass
class Office(Desk):
    """A desk that takes batches."""

    steps: Steps
    bucket: str

    @property
    def worker(self) -> BatchWorker:
        """A fresh function, as after a cold start."""
        settings, aws, log = self.house.settings, Aws(), Logger(service="test")
        return BatchWorker(settings, aws, Performer(settings, aws, log), log)

    @property
    def batches(self) -> Batches:
        return Batches(self.house.runs.table, self.house.config, 90)

    @property
    def secrets(self) -> BatchSecrets:
        return BatchSecrets(Aws().secretsmanager, self.house.settings.secret_prefix)

    def start(self, integration: str, preset: str, rows: list[Json], **more: Any) -> Answered:
        body = {"rows": rows, "confirm_count": len(rows), **more}
        return self.call("POST", f"/v1/integrations/{integration}/presets/{preset}/batch", body)

    def begin(self, integration: str, preset: str, rows: list[Json]) -> str:
        answer = self.start(integration, preset, rows)
        assert answer.status == 202, answer.text
        return str(answer.json["id"])

    def items(self, batch_id: str, attempt: int = 1) -> list[Json]:
        """The rows as the state machine reads them."""
        key = self.steps.inputs[f"{batch_id}-{attempt}"]["rows"]
        found = Aws().s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return list(json.loads(found))

    def row(self, item: Json, worker: BatchWorker | None = None) -> int:
        """Hand a row in; the seconds to wait before it is handed in again."""
        return (worker or self.worker).row(item, uuid.uuid4().hex)["wait_seconds"]

    def run(self, batch_id: str, attempt: int = 1) -> Json:
        """Do every row, and the end."""
        worker = self.worker
        waits = [self.row(item, worker) for item in self.items(batch_id, attempt)]
        assert set(waits) <= {0}
        worker.end({"batch_id": batch_id, "attempt": attempt, "error": None})
        return self.shown(batch_id)

    def shown(self, batch_id: str) -> Json:
        shown: Json = self.call("GET", f"/v1/batches/{batch_id}").json
        return shown

    def counts(self, batch_id: str) -> dict[str, int]:
        found = self.shown(batch_id)["counts"]
        return {name: count for name, count in found.items() if count and name != "rows"}

    def rows(self, batch_id: str, **query: str) -> list[Json]:
        return self.call.everything(f"/v1/batches/{batch_id}/rows", 2, **query)

    def sweep(self, later: timedelta = timedelta()) -> list[str]:
        actions, secrets = self.actions, self.secrets
        sweeper = BatchSweeper(self.batches, actions, secrets, self.steps, MACHINE)
        return sweeper.sweep(datetime.now(UTC) + later)

    def secret_names(self, batch_id: str) -> list[str]:
        found = Aws().secretsmanager.get_paginator("list_secrets").paginate()
        names = [one["Name"] for page in found for one in page["SecretList"]]
        return [name for name in names if f"/batches/{batch_id}/" in name]


@pytest.fixture
def office(settings: Settings) -> Office:
    functions, steps = Functions(settings), Steps()
    bucket = f"batches-{uuid.uuid4().hex}"
    Aws().s3.create_bucket(Bucket=bucket)
    api_settings = ApiSettings(
        idempotency_table=f"{settings.stack_name}-IdempotencyTable",
        sync_state_machine_arn="unused",
        schedule_group="unused",
        schedule_role_arn="unused",
        schedule_dlq_arn="unused",
        actions_function="actions",
        batch_bucket=bucket,
        batch_state_machine_arn=MACHINE,
    )
    aws = BatchAws(functions, steps)
    api = Api(Services(settings, api_settings, aws))
    caller = Caller(api, settings, api_settings, aws, Context(function_name="api"))
    return Office(House(settings, Aws()), functions, caller, steps, bucket)


@pytest.fixture
def vendor() -> Iterator[Any]:
    with serve(seed_activecampaign(8, 4)) as running:
        yield running


Tenant = Vendor[ActiveCampaign]


def new(number: int) -> Json:
    email, password = f"new{number}@northwind.example", f"p4ssw0rd-{number}"
    return {"username": f"new{number}", "email": email, "password": password, "group_id": 4}


def made(vendor: Tenant) -> int:
    return sum((one.method, one.path) == ("POST", "/api/3/users") for one in vendor.log)


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
    assert failed["error"]["errors"][0][0] == "person_id"


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


def test_what_is_wrong_is_told_by_row_and_nothing_is_started(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    rows = [new(1), {**new(2), "email": 5}, {**new(3), "group_id": ""}]
    del rows[0]["password"]
    answer = office.start(integration, "create_user", rows)
    assert answer.status == 422
    assert answer.fields == ["rows.0.password", "rows.1.email", "rows.2.group_id"]
    assert "p4ssw0rd" not in answer.text
    for count in (None, 0, 2, 4):
        answer = office.start(integration, "create_user", [new(1)] * 3, confirm_count=count)
        assert (answer.status, answer.fields) == (422, ["confirm_count"])
        assert "which is 3" in answer.text
    answer = office.start(integration, "create_user", [{}] * 10_001)
    assert (answer.status, answer.fields) == (422, ["rows"])
    answer = office.start(integration, "create_user", [])
    assert (answer.status, answer.fields) == (422, ["rows"])
    overrides = {"body": {"user": "{{ inputs.nothing.at.all | no_filter }}"}}
    answer = office.start(integration, "create_user", [new(1)], overrides=overrides)
    assert answer.status == 422
    assert office.start(integration, "create_user", [new(1)], upload_id="ab").status == 422
    assert office.start(integration, "make_coffee", [new(1)]).status == 404
    assert office.steps.inputs == {}
    assert office.call("GET", "/v1/batches").json["items"] == []


def test_overrides_hold_for_every_row_and_their_headers_are_kept_nowhere(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    overrides = {"headers": {"X-Key": "t0p-secret"}, "response": "{{ response.user.id }}"}
    answer = office.start(integration, "create_user", [new(1)], overrides=overrides)
    batch_id = answer.json["id"]
    assert len(office.secret_names(batch_id)) == 2
    assert office.run(batch_id)["status"] == "succeeded"
    (row,) = office.rows(batch_id)
    action = office.call("GET", f"/v1/actions/{row['action_id']}").json
    assert action["response"] == row["external_id"]
    sent = next(one for one in vendor.log if one.method == "POST")
    assert sent.headers["x-key"] == "t0p-secret"
    assert "t0p-secret" not in "".join(office.call.texts)
    assert office.secret_names(batch_id) == []


def test_the_same_key_is_the_same_batch_and_goes_on_where_it_was_not_started(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    path = f"/v1/integrations/{integration}/presets/create_user/batch"
    body, key = {"rows": [new(1)], "confirm_count": 1}, {"Idempotency-Key": "once"}
    office.steps.down = True
    assert office.call("POST", path, body, headers=key).status == 503
    office.steps.down = False
    first = office.call("POST", path, body, headers=key)
    again = office.call("POST", path, body, headers=key)
    assert (first.status, again.status, first.json["id"]) == (202, 202, again.json["id"])
    other = {"rows": [new(1) | {"password": "another"}], "confirm_count": 1}
    assert office.call("POST", path, other, headers=key).status == 422
    assert len(office.call("GET", "/v1/batches").json["items"]) == 1
    assert office.run(first.json["id"])["status"] == "succeeded"
    assert made(vendor) == 1


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


def test_a_files_rows_are_told_wrong_and_the_file_is_not_kept(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    path = f"/v1/integrations/{integration}/presets/create_user"

    def uploaded(content: str) -> str:
        upload = office.call("POST", f"{path}/uploads", {})
        assert upload.status == 201, upload.text
        upload_id = str(upload.json["upload_id"])
        key = f"uploads/{integration}/create_user/{upload_id}.csv"
        Aws().s3.put_object(Bucket=office.bucket, Key=key, Body=content.encode())
        return upload_id

    def batch(upload_id: str, count: int | None) -> Answered:
        body = {"upload_id": upload_id, "confirm_count": count}
        return office.call("POST", f"{path}/batch", body)

    head = "username,email,password,group_id\n"
    wrong = uploaded(f"{head}a,a@northwind.example,,4\n")
    assert batch(wrong, 1).fields == ["rows.0.password"]
    assert batch(wrong, 1).fields == ["upload_id"]
    right = uploaded(f"{head}a,a@northwind.example,p4ssw0rd-a,0\nb,b@northwind.example,p,4\n")
    assert batch(right, None).fields == ["confirm_count"]
    accepted = batch(right, 2)
    assert accepted.status == 202, accepted.text
    assert batch(right, 2).fields == ["upload_id"]
    objects = Aws().s3.list_objects_v2(Bucket=office.bucket)["Contents"]
    assert [one["Key"].partition("/")[0] for one in objects] == ["batches"]
    office.run(accepted.json["id"])
    usernames = {user.username for user in vendor.tenant.users.values()}
    assert "b" in usernames


def batch_of(secret_starts: tuple[int, ...] = ()) -> Batch:
    return Batch(
        id="b",
        integration_id="i",
        connector="activecampaign",
        preset="create_user",
        about_user=False,
        actor="administrator",
        created_at="2026-11-22T15:04:05.678Z",
        digest="d",
        rows=10,
        inputs=(),
        secret_starts=secret_starts,
    )


def test_a_rows_secret_is_found_by_the_first_rows_of_each() -> None:
    batch = batch_of((2, 5))
    assert [batch.chunk(row) for row in (0, 2, 4, 5, 9)] == [-1, 0, 0, 1, 1]
    assert batch_of().chunk(3) is None


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
