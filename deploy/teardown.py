"""Remove from AWS what a deployment made at run time, so that `sam delete` finds only its own.

That is: the schedules in its group, the state machines of workflows with what runs of them, the
secrets of credentials and of batches, and the rows of batches and reports. The tables stay.
Credentials can be restored for a week; another deployment's are not touched.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import boto3

ROOT = Path(__file__).resolve().parent.parent
RECOVERY_DAYS = 7


class Session(Protocol):
    """What is needed of a boto3 session."""

    @property
    def client(self) -> Any:
        """Makes a client of a service by its name."""


def stack_name(environment: str) -> str:
    """The stack that samconfig.toml names for `environment`; KeyError if it names none."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    name: str = config[environment]["deploy"]["parameters"]["stack_name"]
    return name


def outputs_of(session: Session, stack: str) -> dict[str, str]:
    """What the stack says of itself, by name."""
    described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {out["OutputKey"]: out["OutputValue"] for out in described.get("Outputs", [])}


def tear_down(session: Session, stack: str) -> Iterator[str]:
    """Remove one thing after the other, and say what went. Safe to repeat."""
    outputs = outputs_of(session, stack)
    yield from _remove_schedules(session.client("scheduler"), outputs["ScheduleGroup"])
    yield from _remove_machines(session.client("stepfunctions"), outputs["WorkflowPrefix"])
    secrets = session.client("secretsmanager")
    week = {"RecoveryWindowInDays": RECOVERY_DAYS}
    yield from _remove_secrets(secrets, f"{outputs['SecretPrefix']}credentials/", week)
    at_once = {"ForceDeleteWithoutRecovery": True}
    yield from _remove_secrets(secrets, f"{outputs['SecretPrefix']}batches/", at_once)
    yield from _empty_bucket(session.client("s3"), outputs["BatchBucket"])


def _remove_schedules(scheduler: Any, group: str) -> Iterator[str]:
    pages = scheduler.get_paginator("list_schedules").paginate(GroupName=group)
    names = [schedule["Name"] for page in pages for schedule in page["Schedules"]]
    for name in names:
        scheduler.delete_schedule(GroupName=group, Name=name)
        yield f"schedule {group}/{name}"


def _remove_machines(stepfunctions: Any, prefix: str) -> Iterator[str]:
    pages = stepfunctions.get_paginator("list_state_machines").paginate()
    machines = [machine for page in pages for machine in page["stateMachines"]]
    for machine in machines:
        if not machine["name"].startswith(prefix):
            continue
        arn = machine["stateMachineArn"]
        for page in stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=arn, statusFilter="RUNNING"
        ):
            # AWS keeps a machine until the last execution is over: a year, maybe.
            for execution in page["executions"]:
                stepfunctions.stop_execution(executionArn=execution["executionArn"])
        stepfunctions.delete_state_machine(stateMachineArn=arn)
        yield f"state machine {machine['name']}"


def _remove_secrets(secrets: Any, prefix: str, how: dict[str, Any]) -> Iterator[str]:
    pages = secrets.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [prefix]}]
    )
    names = [secret["Name"] for page in pages for secret in page["SecretList"]]
    for name in names:
        if name.startswith(prefix):  # the filter of AWS ignores case
            secrets.delete_secret(SecretId=name, **how)
            yield f"secret {name}"


def _empty_bucket(s3: Any, bucket: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
            yield f"{len(keys)} objects of {bucket}"


def main() -> int:
    """Tear down the deployment that --env names, with the credentials of the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="dev", help="section of samconfig.toml")
    stack = stack_name(parser.parse_args().env)
    for removed in tear_down(boto3.Session(), stack):
        print(f"removed {removed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
