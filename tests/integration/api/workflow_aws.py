"""Step Functions and Lambda as the API meets them: they keep what they are told, and run nothing.

moto starts no version of a state machine.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from rollcall.aws import Aws

MACHINES = "arn:aws:states:eu-west-1:123456789012:stateMachine:"
Json = dict[str, Any]


class _RefusedError(ClientError):  # type: ignore[misc]
    """An error as boto3 raises it."""

    def __init__(self) -> None:
        code = type(self).__name__
        super().__init__({"Error": {"Code": code, "Message": code}}, "call")


class StateMachineDoesNotExist(_RefusedError):  # noqa: N818 - as AWS calls it
    pass


class ExecutionAlreadyExists(_RefusedError):  # noqa: N818 - as AWS calls it
    pass


class ExecutionDoesNotExist(_RefusedError):  # noqa: N818 - as AWS calls it
    pass


class TaskTimedOut(_RefusedError):  # noqa: N818 - as AWS calls it
    pass


@dataclass
class Steps:
    """Step Functions. `down`: nobody answers; `refuses`: with that code; `gone`: tokens that
    nothing waits for any more.
    """

    machines: dict[str, list[Json]] = field(default_factory=dict)
    inputs: dict[str, Json] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    told: dict[str, Json] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    down: bool = False
    refuses: str = ""

    class exceptions:  # noqa: N801 - as boto3 has it
        StateMachineDoesNotExist = StateMachineDoesNotExist
        ExecutionAlreadyExists = ExecutionAlreadyExists
        ExecutionDoesNotExist = ExecutionDoesNotExist

    def _answer(self) -> None:
        if self.down:
            raise EndpointConnectionError(endpoint_url="states")
        if self.refuses:
            raise ClientError({"Error": {"Code": self.refuses, "Message": "no"}}, "call")

    def _published(self, arn: str, definition: str) -> Json:
        versions = self.machines.setdefault(arn, [])
        if not versions or versions[-1] != json.loads(definition):
            versions.append(json.loads(definition))
        return {"stateMachineArn": arn, "stateMachineVersionArn": f"{arn}:{len(versions)}"}

    def create_state_machine(self, *, name: str, definition: str, **_: Any) -> Json:
        self._answer()
        return self._published(MACHINES + name, definition)

    def update_state_machine(self, *, stateMachineArn: str, definition: str, **_: Any) -> Json:  # noqa: N803
        self._answer()
        if stateMachineArn not in self.machines:
            raise StateMachineDoesNotExist
        return self._published(stateMachineArn, definition)

    def delete_state_machine(self, *, stateMachineArn: str) -> None:  # noqa: N803
        self._answer()
        self.machines.pop(stateMachineArn, None)

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        self._answer()
        machine, _, version = stateMachineArn.rpartition(":")
        if not 0 < int(version) <= len(self.machines.get(machine, [])):
            raise StateMachineDoesNotExist
        if name in self.inputs and (name in self.stopped or self.inputs[name] != json.loads(input)):
            raise ExecutionAlreadyExists
        self.inputs[name] = json.loads(input)

    def stop_execution(self, *, executionArn: str) -> None:  # noqa: N803
        self._answer()
        name = executionArn.rpartition(":")[2]
        if name not in self.inputs:
            raise ExecutionDoesNotExist
        self.stopped.append(name)

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
        self._answer()
        if taskToken in self.gone:
            raise TaskTimedOut
        self.told[taskToken] = json.loads(output)


@dataclass
class Functions:
    """Lambda: keeps what it is to do later."""

    asked: list[Json] = field(default_factory=list)
    down: bool = False

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: str) -> None:  # noqa: N803
        assert (FunctionName, InvocationType) == (STARTER, "Event")
        if self.down:
            raise EndpointConnectionError(endpoint_url="lambda")
        self.asked.append(json.loads(Payload))


STARTER = "arn:aws:lambda:eu-west-1:123456789012:function:starter"


class WorkflowAws(Aws):
    """The clients of the API, of which these two are here."""

    def __init__(self, clients: Aws, steps: Steps, functions: Functions) -> None:
        super().__init__()
        for service in ("dynamodb", "secretsmanager", "scheduler", "s3"):
            setattr(self, service, getattr(clients, service))
        self.stepfunctions = steps
        self.functions = functions
