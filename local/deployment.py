"""CloudFormation on the local AWS: create or update, then do what CloudFormation left out."""

import json
import time
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import botocore.exceptions

from local import artifacts, translate
from local.ministack import REGION
from local.translate import Template

DEPLOY_SECONDS = 60


class DeploymentError(Exception):
    """The stack did not deploy; the message carries CloudFormation's reasons."""


def client(endpoint: str, service: str) -> Any:
    """A boto3 client of the local AWS at `endpoint`; nothing of the user's AWS settings is used."""
    session = boto3.Session("test", "test", region_name=REGION)
    config = botocore.config.Config(
        inject_host_prefix=False, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
    )
    return session.client(service, endpoint_url=endpoint, config=config)


def deploy_source(
    endpoint: str, root: Path, stack: str, parameters: dict[str, str]
) -> dict[str, str]:
    """Deploy `root`/template.yaml with the code of the source tree; the stack's outputs."""
    template = translate.read_template(root / "template.yaml")
    s3 = client(endpoint, "s3")
    s3.create_bucket(Bucket=artifacts.BUCKET)

    def put(key: str, content: bytes) -> None:
        s3.put_object(Bucket=artifacts.BUCKET, Key=key, Body=content)

    uploaded = artifacts.upload(artifacts.inline_definitions(template, root), root, put)
    plain = translate.address_here(translate.to_cloudformation(uploaded), endpoint)
    # As sam deploy does: what CloudFormation takes in a call ends at 51,200 characters.
    put(f"{stack}.template", json.dumps(plain, separators=(",", ":")).encode())
    url = f"{endpoint}/{artifacts.BUCKET}/{stack}.template"
    _create_or_update(client(endpoint, "cloudformation"), stack, url, parameters)
    finish(endpoint, stack, plain)
    return outputs(endpoint, stack)


def finish(endpoint: str, stack: str, plain: Template) -> None:
    """Do what the local CloudFormation leaves undone: a table's time to live."""
    cloudformation, dynamodb = client(endpoint, "cloudformation"), client(endpoint, "dynamodb")
    for name, resource in plain["Resources"].items():
        specification = resource.get("Properties", {}).get("TimeToLiveSpecification")
        if resource["Type"] != "AWS::DynamoDB::Table" or not specification:
            continue
        detail = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=name)
        table = detail["StackResourceDetail"]["PhysicalResourceId"]
        now = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if now["TimeToLiveStatus"] != "ENABLED":
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def outputs(endpoint: str, stack: str) -> dict[str, str]:
    """The stack's outputs by name."""
    described = client(endpoint, "cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def _create_or_update(
    cloudformation: Any,
    stack: str,
    url: str,
    parameters: dict[str, str],
) -> None:
    arguments = {
        "StackName": stack,
        "TemplateURL": url,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Capabilities": ["CAPABILITY_IAM"],
    }
    if _status(cloudformation, stack):
        try:
            cloudformation.update_stack(**arguments)
        except botocore.exceptions.ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
    else:
        cloudformation.create_stack(**arguments, OnFailure="DO_NOTHING")
    deadline = time.monotonic() + DEPLOY_SECONDS
    while (status := _status(cloudformation, stack)).endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise DeploymentError(f"the stack is still {status} after {DEPLOY_SECONDS} s")
        time.sleep(0.05)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentError(f"the stack is {status}:\n{_reasons(cloudformation, stack)}")


def _status(cloudformation: Any, stack: str) -> str:
    """The stack's status; empty if there is no such stack."""
    try:
        status: str = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except botocore.exceptions.ClientError as error:
        if "does not exist" not in str(error):
            raise
        return ""
    return status


def _reasons(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return "\n".join(
        f"  {event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in events
        if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
    )
