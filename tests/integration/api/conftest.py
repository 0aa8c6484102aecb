"""The API of a fresh deployment, on moto."""

import json
from collections.abc import Iterator

import pytest
from moto import mock_aws

from local import furnish
from rollcall.api.app import Api
from rollcall.api.services import ApiSettings, Services
from rollcall.aws import Aws
from rollcall.settings import Settings
from tests.integration.api.caller import Caller

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@pytest.fixture(scope="session")
def clients() -> Aws:
    """Clients for all tests (moto intercepts them whenever it is on): building them is slow."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        aws = Aws()
        for service in ("dynamodb", "secretsmanager", "scheduler", "stepfunctions", "s3"):
            getattr(aws, service)
    return aws


@pytest.fixture
def aws(clients: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An empty AWS."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield clients


@pytest.fixture
def settings(aws: Aws) -> Settings:
    """A deployment whose tables are those of template.yaml."""
    return furnish.tables(aws, "test")


@pytest.fixture
def api_settings(aws: Aws) -> ApiSettings:
    """What the API function alone is told."""
    aws.scheduler.create_schedule_group(Name="schedules")
    region = ENVIRONMENT["AWS_DEFAULT_REGION"]
    aws.s3.create_bucket(Bucket="batches", CreateBucketConfiguration={"LocationConstraint": region})
    sync, batch = (
        aws.stepfunctions.create_state_machine(
            name=name,
            definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
            roleArn=f"arn:aws:iam::123456789012:role/{name}",
        )["stateMachineArn"]
        for name in ("sync", "batch")
    )
    return ApiSettings(
        idempotency_table="test-IdempotencyTable",
        sync_state_machine_arn=sync,
        schedule_group="schedules",
        schedule_role_arn="arn:aws:iam::123456789012:role/schedule",
        schedule_dlq_arn="arn:aws:sqs:eu-west-1:123456789012:letters",
        actions_function="actions",
        batch_bucket="batches",
        batch_state_machine_arn=batch,
        workflows_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:test-workflows",
        workflow_role_arn="arn:aws:iam::123456789012:role/workflows",
        workflow_log_group_arn="arn:aws:logs:eu-west-1:123456789012:log-group:workflows:*",
        starter_function="starter",
        link_secret_arn="arn:aws:secretsmanager:eu-west-1:123456789012:secret:link-key",
        report_bucket="batches",
    )


@pytest.fixture
def api(settings: Settings, api_settings: ApiSettings, aws: Aws) -> Caller:
    """The API, composed as functions/api/app.py does."""
    return Caller(Api(Services(settings, api_settings, aws)), settings, api_settings, aws)
