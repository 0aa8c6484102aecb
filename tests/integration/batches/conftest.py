"""The API and the actions function with a state machine for batches, all in this process."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import EndpointConnectionError

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from rollcall.actions.perform import Performer
from rollcall.actions.store import Actions
from rollcall.api.app import Api
from rollcall.api.services import ApiSettings, Services
from rollcall.aws import Aws
from rollcall.batches.files import BatchSecrets
from rollcall.batches.store import Batches
from rollcall.batches.sweep import BatchSweeper
from rollcall.batches.work import BatchWorker
from rollcall.settings import Settings
from rollcall.tables import Table
from tests.integration.actions.conftest import Desk, DeskAws, Functions
from tests.integration.api.caller import Answered, Caller, Context
from tests.integration.sync.conftest import House, local_aws, settings
from tests.roles import RoleAws

__all__ = ["local_aws", "settings"]

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
        settings, aws, log = self.house.settings, RoleAws("ActionsRole"), Logger(service="test")
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
        aws, settings = RoleAws("SweeperRole"), self.house.settings
        runs, config = (
            Table(aws.dynamodb, name) for name in (settings.runs_table, settings.config_table)
        )
        batches = Batches(runs, config, settings.run_days)
        actions = Actions(runs, config, settings.run_days)
        secrets = BatchSecrets(aws.secretsmanager, settings.secret_prefix)
        sweeper = BatchSweeper(batches, actions, secrets, self.steps, MACHINE)
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
        workflows_function_arn="unused",
        workflow_role_arn="unused",
        workflow_log_group_arn="unused",
        starter_function="unused",
        link_secret_arn="unused",
        report_bucket="unused",
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
