"""The API of a fresh deployment, on moto."""

import json

import pytest

from rollcall.aws import Aws
from rollcall.settings import Settings
from tests.integration.api.caller import Caller, load


@pytest.fixture
def api(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """The API of a fresh deployment."""
    aws = Aws()
    aws.scheduler.create_schedule_group(Name="schedules")
    machine = aws.stepfunctions.create_state_machine(
        name="sync",
        definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/sync",
    )["stateMachineArn"]
    for name, value in {
        "STACK_NAME": settings.stack_name,
        "CONFIG_TABLE": settings.config_table,
        "DIRECTORY_TABLE": settings.directory_table,
        "RUNS_TABLE": settings.runs_table,
        "SECRET_PREFIX": settings.secret_prefix,
        "ALLOW_HOSTS": ",".join(settings.allow_hosts),
        "RUN_DAYS": str(settings.run_days),
        "IDEMPOTENCY_TABLE": "IdempotencyTable",
        "SYNC_STATE_MACHINE_ARN": machine,
        "SCHEDULE_GROUP": "schedules",
        "SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/schedule",
        "SCHEDULE_DLQ_ARN": "arn:aws:sqs:eu-west-1:123456789012:letters",
    }.items():
        monkeypatch.setenv(name, value)
    return Caller(load("api").handler, settings)
