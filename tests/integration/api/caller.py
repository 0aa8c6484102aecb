"""Calls a function's real handler with events of an HTTP API (payload format 2.0)."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from rollcall.api.app import Api
from rollcall.api.services import ApiSettings, Services
from rollcall.aws import Aws
from rollcall.settings import Settings
from rollcall.tables import Table

ADMINISTRATOR = "administrator"


@dataclass
class Context:
    """The part of Lambda's context that is read."""

    remaining_ms: int = 29_000
    function_name: str = "api"
    aws_request_id: str = "request"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:api"

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass
class Answered:
    """An answer, with its body read."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def fields(self) -> list[str]:
        """The fields a problem names."""
        return [error["field"] for error in self.json["errors"]]


@dataclass
class Caller:
    """Calls the handler. A body that is no string is sent as JSON."""

    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    settings: Settings
    api_settings: ApiSettings
    aws: Aws
    context: Context = field(default_factory=Context)
    texts: list[str] = field(default_factory=list)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        actor: str | None = ADMINISTRATOR,
    ) -> Answered:
        text = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "ANY /v1/{proxy+}",
            "rawPath": path,
            "rawQueryString": "&".join(f"{name}={value}" for name, value in (query or {}).items()),
            "headers": {"content-type": "application/json", **(headers or {})},
            "requestContext": {
                "http": {"method": method, "path": path},
                "stage": "$default",
                "requestId": "request",
            },
            "isBase64Encoded": isinstance(text, bytes),
        }
        if isinstance(text, bytes):
            event["body"] = base64.b64encode(text).decode()
        elif text is not None:
            event["body"] = text
        if query:
            event["queryStringParameters"] = query
        if actor is not None:
            event["requestContext"]["authorizer"] = {"lambda": {"actor": actor}}
        raw = self.handler(event, self.context)
        answer = Answered(raw["statusCode"], raw["headers"], raw["body"])
        self.texts.append(answer.text)
        return answer

    def everything(self, path: str, limit: int = 100, **query: str) -> list[Any]:
        """Every item of a list, following its cursors."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = self("GET", path, query={"limit": str(limit), **query, **more})
            assert answer.status == 200, answer.text
            items += answer.json["items"]
            cursor = answer.json["next_cursor"]
            if cursor is None:
                return items

    @property
    def config(self) -> Table:
        return Table(self.aws.dynamodb, self.settings.config_table)

    @property
    def directory(self) -> Table:
        return Table(self.aws.dynamodb, self.settings.directory_table)

    def schedules(self) -> dict[str, Any]:
        """The schedules in the group, by name."""
        found = self.aws.scheduler.list_schedules(GroupName="schedules")["Schedules"]
        return {
            one["Name"]: self.aws.scheduler.get_schedule(Name=one["Name"], GroupName="schedules")
            for one in found
        }

    def executions(self) -> list[dict[str, Any]]:
        """What was started, with the input read, in order."""
        arn = self.api_settings.sync_state_machine_arn
        listed = self.aws.stepfunctions.list_executions(stateMachineArn=arn)["executions"]
        found = [
            self.aws.stepfunctions.describe_execution(executionArn=one["executionArn"])
            for one in listed
        ]
        return sorted(
            ({"name": one["name"], "input": json.loads(one["input"])} for one in found),
            key=lambda one: str(one["name"]),
        )

    def credential(self, connector: str = "activecampaign", value: str = "s3cret-value") -> str:
        """The id of a new credential."""
        body = {"name": "key", "connector": connector, "auth": {"value": value}}
        answer = self("POST", "/v1/credentials", body)
        assert answer.status == 201, answer.text
        return str(answer.json["id"])

    def integration(self, **changes: Any) -> Any:
        """A new integration with ActiveCampaign."""
        body = {"name": "AC", "connector": "activecampaign", "subdomain": "acme", **changes}
        if "credential_id" not in body:
            body["credential_id"] = self.credential(body["connector"])
        given = {name: value for name, value in body.items() if value is not None}
        answer = self("POST", "/v1/integrations", given)
        assert answer.status == 201, answer.text
        return answer.json


def with_topic(api: Caller, topic: str) -> Caller:
    """The API of a deployment with that notice topic."""
    settings = replace(api.settings, notice_topic=topic)
    services = Services(settings, api.api_settings, api.aws)
    return Caller(Api(services), settings, api.api_settings, api.aws)
