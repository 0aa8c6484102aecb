"""The AWS clients of one function, each built when it is first used."""

from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

Client = Any
"""A low-level boto3 client. boto3 builds its methods at run time, so they carry no types."""

# A call to AWS that hangs must not outlive the function that waits for it.
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "max_attempts": 5},
    max_pool_connections=20,
)


class Aws:
    """Clients are thread-safe and shared. Building one takes up to 100 ms: it waits for a use."""

    def __init__(self, function_seconds: float = 25) -> None:
        self._session = boto3.Session()
        self._function_seconds = function_seconds

    def _client(self, service: str) -> Client:
        return self._session.client(service, config=_CONFIG)

    @cached_property
    def dynamodb(self) -> Client:
        """DynamoDB."""
        return self._client("dynamodb")

    @cached_property
    def secretsmanager(self) -> Client:
        """Secrets Manager."""
        return self._client("secretsmanager")

    @cached_property
    def scheduler(self) -> Client:
        """EventBridge Scheduler."""
        return self._client("scheduler")

    @cached_property
    def stepfunctions(self) -> Client:
        """Step Functions."""
        return self._client("stepfunctions")

    @cached_property
    def functions(self) -> Client:
        """Lambda, for calls that are waited for `function_seconds` and never made again."""
        config = Config(
            connect_timeout=3,
            read_timeout=self._function_seconds,
            retries={"total_max_attempts": 1},
        )
        return self._session.client("lambda", config=config)

    @cached_property
    def s3(self) -> Client:
        """S3; what it signs is good for the region that the bucket is in."""
        signed = Config(
            signature_version="s3v4",
            s3={"us_east_1_regional_endpoint": "regional"},
            request_checksum_calculation="when_required",
        )
        return self._session.client("s3", config=_CONFIG.merge(signed))

    @cached_property
    def events(self) -> Client:
        """EventBridge."""
        return self._client("events")

    @cached_property
    def sqs(self) -> Client:
        """SQS."""
        return self._client("sqs")

    @cached_property
    def sns(self) -> Client:
        """SNS."""
        return self._client("sns")
