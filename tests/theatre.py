"""Where documents are deployed and run: the local AWS, with a function that plays its part.

That is `tests/integration/local/stubs/workflows`: it answers as each execution's script says.
"""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from local.stack import LocalStack
from rollcall.stamps import now
from rollcall.workflows.executions import Execution
from rollcall.workflows.machines import Deployment, Machines, execution_arn
from rollcall.workflows.store import Workflow
from tests.documents import Json, document

Script = dict[str, list[Any]]


@dataclass
class Ended:
    """An execution that has ended: what the function was asked, and the states entered."""

    status: str
    error: str | None
    cause: str | None
    events: list[Json]
    states: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[str]:
        """What was asked: a block with its row, or a step without one."""
        return [_said(event) for event in self.events]

    def asked(self, step: str) -> Json:
        """The one event of that step."""
        [event] = [event for event in self.events if _said(event) == step]
        return event


def _said(event: Json) -> str:
    name: str = event.get("block") or event["step"]
    if event["step"] == "late":
        name += " late"
    return f"{event['at']} {name}".strip() + (" again" if event.get("again") else "")


class Theatre:
    """Deploys documents and runs them on the local AWS."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.states = stack.client("stepfunctions")
        self.table = stack.outputs["RunsTable"]
        function = stack.client("lambda").get_function(FunctionName="rollcall-rollcall-workflows")
        deployment = Deployment(
            "arn:aws:iam::000000000000:role/any",
            "arn:aws:logs:us-east-1:000000000000:log-group:any:*",
            function["Configuration"]["FunctionArn"],
        )
        self.machines = Machines(self.states, stack.stack, deployment)

    def workflow(self) -> Workflow:
        moment = now()
        return Workflow(uuid.uuid4().hex, "Test", "draft", 1, "hand", moment, moment, "test")

    def begun(self, machine: str, script: Script | None = None) -> Execution:
        moment = now()
        execution = Execution(
            uuid.uuid4().hex, "w", 1, machine, "running", "hand", "test", moment, started_at=moment
        )
        item = {"pk": {"S": execution.id}, "sk": {"S": "SCRIPT"}}
        self.stack.client("dynamodb").put_item(
            TableName=self.table, Item={**item, "value": {"S": json.dumps(script or {})}}
        )
        return execution

    def events(self, execution: Execution) -> list[Json]:
        pages = self.stack.client("dynamodb").get_paginator("query")
        values = {":pk": {"S": execution.id}, ":call": {"S": "CALL#"}}
        found = pages.paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :call)",
            ExpressionAttributeValues=values,
        )
        return [json.loads(item["value"]["S"]) for page in found for item in page["Items"]]

    def ended(self, execution: Execution) -> Ended:
        arn = execution_arn(execution)
        while self.machines.status(execution) == "RUNNING":
            time.sleep(0.05)
        end = self.states.describe_execution(executionArn=arn)
        history = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        states = [
            event["stateEnteredEventDetails"]["name"]
            for page in history
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        ]
        events = self.events(execution)
        return Ended(end["status"], end.get("error"), end.get("cause"), events, states)

    def run(self, script: Script, *blocks: Json) -> Ended:
        _, version = self.machines.deploy(self.workflow(), document(*blocks))
        execution = self.begun(version, script)
        assert self.machines.start(execution) is True
        return self.ended(execution)

    def token(self, execution: Execution, name: str) -> str:
        """The token that the block was handed, as soon as it was."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for event in self.events(execution):
                if event.get("block") == name and "token" in event:
                    token: str = event["token"]
                    return token
            time.sleep(0.05)
        raise LookupError(name)
