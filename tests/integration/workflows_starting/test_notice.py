"""What a workflow says reaches those it is for, and nobody else."""

import json
import uuid

from aws_lambda_powertools import Logger

from rollcall.aws import Aws
from rollcall.notices.workflow_notice import LARGEST_BODY, WorkflowNotices
from rollcall.settings import Settings
from tests.integration.sync.test_notices import ANN, BEN, Post

LOG = Logger(service="test")


def post() -> Post:
    aws = Aws()
    topic = aws.sns.create_topic(Name=f"notices-{uuid.uuid4().hex[:8]}")["TopicArn"]
    return Post(topic, aws.sqs, aws.sns)


def test_only_whom_it_is_for_gets_it(settings: Settings) -> None:
    assert settings
    there = post()
    ann = there.subscribe("ann", {"contacts": [ANN]})
    everything = there.subscribe("everything", None)
    notices = WorkflowNotices(Aws(), there.topic, LOG)
    assert notices.tell("approval", "w1", "Löschen?\nnow", "Decide.", [BEN])
    assert notices.tell("failure", "w1", "Failed", "x" * (LARGEST_BODY + 1), [ANN, BEN])
    assert notices.tell("notification", "w1", "For nobody in particular", "Hello")
    (mine,) = there.read(ann)
    assert len(mine["Message"]) == LARGEST_BODY
    assert json.loads(mine["MessageAttributes"]["contacts"]["Value"]) == [ANN, BEN]
    assert [one["Subject"] for one in there.read(everything)] == [
        "L?schen? now",
        "Failed",
        "For nobody in particular",
    ]


def test_without_a_topic_or_with_one_that_is_gone_nobody_is_told(settings: Settings) -> None:
    assert settings
    gone = "arn:aws:sns:us-east-1:000000000000:gone"
    assert not WorkflowNotices(Aws(), "", LOG).tell("failure", "w1", "Failed", "Why")
    assert not WorkflowNotices(Aws(), gone, LOG).tell("failure", "w1", "Failed", "Why")
