"""Machines are deployed, whatever happens to them meanwhile."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from rollcall.stamps import new_id
from rollcall.workflows.executions import Execution
from rollcall.workflows.machines import Deployment, Machines, execution_arn, machine_arn
from rollcall.workflows.store import Workflow
from tests.documents import block, document

ROLE = "arn:aws:iam::123456789012:role/workflows"
LOGS = "arn:aws:logs:eu-west-1:123456789012:log-group:workflows:*"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:rollcall-test-workflows"
DEPLOYMENT = Deployment(ROLE, LOGS, FUNCTION)
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:rollcall-test-wf-w1"
WORKFLOW = Workflow("w1", "Test", "draft", 1, "hand", "now", "now", "test")
DOCUMENT = document(block("a"))


def execution(**changes: Any) -> Execution:
    values = {"status": "running", "began": "hand", "actor": "test", "created_at": "now"}
    return Execution("e1", "w1", 1, f"{MACHINE}:3", **{**values, **changes})


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("stepfunctions", region_name="eu-west-1")


class Busy:
    """A client of Step Functions whose first calls are refused, each with the next of `codes`."""

    def __init__(self, client: Any, *codes: str) -> None:
        self._client = client
        self._codes = list(codes)
        self.exceptions = client.exceptions

    def __getattr__(self, name: str) -> Any:
        if self._codes:
            code = self._codes.pop(0)
            error: dict[str, Any] = {"Error": {"Code": code, "Message": code}}
            known = getattr(self.exceptions, code, ClientError)

            def refuse(**_: Any) -> None:
                raise known(error, name)

            return refuse
        return getattr(self._client, name)


def test_a_machine_has_the_name_and_the_rights_of_its_stack(client: Any) -> None:
    arn, version = Machines(client, "test", DEPLOYMENT).deploy(WORKFLOW, DOCUMENT)
    assert (arn, version) == (MACHINE, f"{MACHINE}:1")
    machine = client.describe_state_machine(stateMachineArn=arn)
    assert machine["roleArn"] == ROLE
    assert machine["tracingConfiguration"] == {"enabled": True}
    assert machine["loggingConfiguration"] == {
        "level": "ERROR",
        "includeExecutionData": False,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": LOGS}}],
    }
    assert json.loads(machine["definition"])["StartAt"] == "a"


def test_a_stack_of_39_characters_has_machines_that_aws_takes(client: Any) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
    assert len(Machines(client, "s" * 39, DEPLOYMENT).name(new_id())) == 80


def test_a_machine_that_is_there_is_updated_and_published_anew(client: Any) -> None:
    machines = Machines(client, "test", DEPLOYMENT)
    machines.deploy(WORKFLOW, DOCUMENT)
    arn, version = machines.deploy(WORKFLOW, document(block("b")))
    assert (arn, version) == (MACHINE, f"{MACHINE}:2")
    machine = client.describe_state_machine(stateMachineArn=arn)
    assert json.loads(machine["definition"])["StartAt"] == "b"
    assert len(client.list_state_machines()["stateMachines"]) == 1


def test_a_machine_that_somebody_else_changes_is_tried_again_a_few_times(client: Any) -> None:
    pauses: list[float] = []
    busy = Busy(client, "ConflictException", "ConflictException")
    _, version = Machines(busy, "test", DEPLOYMENT, pauses.append).deploy(WORKFLOW, DOCUMENT)
    assert version == f"{MACHINE}:1"
    assert pauses == sorted(pauses)
    assert len(pauses) == 2
    endless = Busy(client, *["ConflictException"] * 20)
    with pytest.raises(ClientError, match="ConflictException"):
        Machines(endless, "test", DEPLOYMENT, pauses.append).deploy(WORKFLOW, DOCUMENT)


def test_one_that_somebody_else_creates_meanwhile_is_updated(client: Any) -> None:
    Machines(client, "test", DEPLOYMENT).deploy(WORKFLOW, DOCUMENT)
    late = Busy(client, "StateMachineDoesNotExist", "StateMachineAlreadyExists")
    _, version = Machines(late, "test", DEPLOYMENT, lambda _: None).deploy(WORKFLOW, DOCUMENT)
    assert version == f"{MACHINE}:2"


def test_what_aws_refuses_is_not_tried_again(client: Any) -> None:
    refused = Busy(client, "InvalidDefinition")
    with pytest.raises(ClientError, match="InvalidDefinition"):
        Machines(refused, "test", DEPLOYMENT).deploy(WORKFLOW, DOCUMENT)
    assert client.list_state_machines()["stateMachines"] == []


def test_who_only_starts_cannot_deploy(client: Any) -> None:
    with pytest.raises(RuntimeError, match="only started"):
        Machines(client, "test").deploy(WORKFLOW, DOCUMENT)


@pytest.mark.parametrize(
    ("code", "started"), [("ExecutionAlreadyExists", False), ("StateMachineDoesNotExist", None)]
)
def test_an_execution_that_is_there_is_a_value_and_a_machine_that_is_not_an_error(
    client: Any, code: str, started: bool | None
) -> None:
    machines = Machines(Busy(client, code), "test")
    if started is None:
        with pytest.raises(ClientError, match=code):
            machines.start(execution())
    else:
        assert machines.start(execution()) is started


def test_an_execution_that_has_just_ended_is_stopped_and_no_other_refusal_is_hidden(
    client: Any,
) -> None:
    for code in ("ExecutionDoesNotExist", "ValidationException"):
        Machines(Busy(client, code), "test").stop(execution())
    with pytest.raises(ClientError, match="AccessDeniedException"):
        Machines(Busy(client, "AccessDeniedException"), "test").stop(execution())
    assert Machines(Busy(client, "ExecutionDoesNotExist"), "test").status(execution()) is None


def test_an_execution_has_the_machines_name_and_not_its_version() -> None:
    expected = "arn:aws:states:eu-west-1:123456789012:execution:rollcall-test-wf-w1"
    assert execution_arn(execution()) == f"{expected}:e1"
    assert execution_arn(execution(attempt=2)) == f"{expected}:e1-2"


def test_arns_are_of_the_partition_that_the_function_is_in() -> None:
    function = "arn:aws-cn:lambda:cn-north-1:1:function:f"
    assert machine_arn(function, "m") == "arn:aws-cn:states:cn-north-1:1:stateMachine:m"
