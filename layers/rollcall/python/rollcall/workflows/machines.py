"""The state machines of workflows, and their executions, on Step Functions.

A workflow's machine keeps its name through all versions. What is deployed is published as a version
of its own, and it is the version that is started.
"""

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from rollcall.aws import Client
from rollcall.workflows.compile import compiled
from rollcall.workflows.document import Document
from rollcall.workflows.executions import Execution
from rollcall.workflows.store import Workflow

_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the tries while the machine is changed by somebody else."""
_MEANWHILE = ("ConflictException", "StateMachineAlreadyExists")


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a machine is deployed with: its role, its log group, the function that does blocks."""

    role_arn: str
    log_group_arn: str
    function_arn: str


class Machines:
    """Deploys machines and starts their executions; only who deploys needs a deployment."""

    def __init__(
        self,
        client: Client,
        stack_name: str,
        deployment: Deployment | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._stack = stack_name
        self._deployment = deployment
        self._sleep = sleep

    def name(self, workflow_id: str) -> str:
        """What the machine of a workflow is called."""
        return f"rollcall-{self._stack}-wf-{workflow_id}"

    def deploy(self, workflow: Workflow, document: Document) -> tuple[str, str]:
        """Create or update the workflow's machine; its ARN, and that of the version. Safe to
        repeat. A ClientError is AWS's refusal.
        """
        pauses = iter(_PAUSES)
        while True:
            try:
                return self._deployed(workflow, document)
            except ClientError as error:
                pause = next(pauses, None)
                if pause is None or error.response["Error"]["Code"] not in _MEANWHILE:
                    raise
                self._sleep(pause)

    def delete(self, workflow_id: str) -> None:
        """Delete the machine, if there is one. Executions that are on their way go on."""
        # AWS says nothing of one that is gone; the local AWS does.
        with contextlib.suppress(self._client.exceptions.StateMachineDoesNotExist):
            self._client.delete_state_machine(stateMachineArn=self._arn(workflow_id))

    def start(self, execution: Execution) -> bool:
        """Start this try of the execution; False if there is one of its name that is over, or that
        began with another input. One that is on its way is left so, and that is True.
        """
        try:
            self._client.start_execution(
                stateMachineArn=execution.machine_arn,
                name=execution.name,
                input=json.dumps(_input(execution)),
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def stop(self, execution: Execution) -> None:
        """Stop this try of the execution, if it is on its way."""
        try:
            self._client.stop_execution(executionArn=execution_arn(execution))
        except self._client.exceptions.ExecutionDoesNotExist:
            pass  # it was never started
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":  # it has just ended
                raise

    def status(self, execution: Execution) -> str | None:
        """What Step Functions says of this try, such as RUNNING; None if it knows nothing of it."""
        try:
            described = self._client.describe_execution(executionArn=execution_arn(execution))
        except self._client.exceptions.ExecutionDoesNotExist:
            return None
        status: str = described["status"]
        return status

    def _deployed(self, workflow: Workflow, document: Document) -> tuple[str, str]:
        deployment = self._needed()
        arn = self._arn(workflow.id)
        machine: dict[str, Any] = {
            "definition": json.dumps(compiled(document, deployment.function_arn)),
            "roleArn": deployment.role_arn,
            "loggingConfiguration": {
                "level": "ERROR",
                "includeExecutionData": False,
                "destinations": [
                    {"cloudWatchLogsLogGroup": {"logGroupArn": deployment.log_group_arn}}
                ],
            },
            "tracingConfiguration": {"enabled": True},
            "publish": True,
        }
        try:
            updated = self._client.update_state_machine(stateMachineArn=arn, **machine)
            return arn, updated["stateMachineVersionArn"]
        except self._client.exceptions.StateMachineDoesNotExist:
            pass
        tags = {"rollcall:stack": self._stack, "rollcall:workflow": workflow.id}
        created = self._client.create_state_machine(
            name=self.name(workflow.id),
            type="STANDARD",
            tags=[{"key": key, "value": value} for key, value in tags.items()],
            **machine,
        )
        return created["stateMachineArn"], created["stateMachineVersionArn"]

    def _arn(self, workflow_id: str) -> str:
        return machine_arn(self._needed().function_arn, self.name(workflow_id))

    def _needed(self) -> Deployment:
        if self._deployment is None:
            raise RuntimeError("these machines are only started")
        return self._deployment


def _input(execution: Execution) -> dict[str, Any]:
    """What flows through the machine. `attempt` tells the machine of an earlier try, which may not
    have heard that it was stopped, from that of this one.
    """
    return {"execution": execution.id, "at": "", "attempt": execution.attempt}


def machine_arn(beside: str, name: str) -> str:
    """The ARN of the machine of that name, in the account and region of this other ARN."""
    _, partition, _, region, account, *_ = beside.split(":")
    return f"arn:{partition}:states:{region}:{account}:stateMachine:{name}"


def execution_arn(execution: Execution) -> str:
    """The ARN of this try of the execution: it has the machine's name, but not the version."""
    parts = execution.machine_arn.replace(":stateMachine:", ":execution:").split(":")
    return ":".join([*parts[:7], execution.name])
