"""What changes is on the bus, where other systems subscribe with a rule."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.deployment import client
from local.stack import LocalStack
from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from tests.e2e.conftest import Api, Json, until

Subscription = Callable[[], list[Json]]


@pytest.fixture
def subscribed(stack: LocalStack) -> Iterator[Subscription]:
    """A queue of another system, with a rule on the bus; calling it takes what has come."""
    sqs = client(stack.aws.endpoint, "sqs")
    events = client(stack.aws.endpoint, "events")
    bus = stack.outputs["EventBus"]
    queue = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    pattern = json.dumps({"source": ["rollcall"]})
    events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern)
    target = {"Id": "queue", "Arn": arn["QueueArn"]}
    events.put_targets(Rule="all", EventBusName=bus, Targets=[target])
    came: list[Json] = []

    def take() -> list[Json]:
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                came.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return came

    yield take
    events.remove_targets(Rule="all", EventBusName=bus, Ids=["queue"])
    events.delete_rule(Name="all", EventBusName=bus)
    sqs.delete_queue(QueueUrl=queue)


def test_a_sync_and_an_action_are_told_to_whoever_subscribes(
    api: Api, subscribed: Subscription
) -> None:
    with serve(seed_activecampaign(30, 3)) as vendor:
        integration = api.connect(vendor, application="Told")
        assert api.run(integration)["status"] == "succeeded"

        def of(kind: str) -> list[Any]:
            mine = (event["detail"] for event in subscribed() if event["detail-type"] == kind)
            return [one for one in mine if one.get("integration_id") == integration]

        until(lambda: of("Sync Succeeded") or None, "the sync is told")
        until(lambda: len(of("Account Created")) == 30 or None, "every account is told")
        until(lambda: len(of("Application Associated")) == 30 or None, "every first account is")
        path = f"/integrations/{integration}/users/7"
        action = api.call("PATCH", path, 200, json={"first_name": "Renamed", "group_id": "3"})
        (told,) = until(lambda: of("Action Succeeded") or None, "the action is told")
        assert told["action_id"] == action["action_id"]
        (updated,) = until(lambda: of("Account Updated") or None, "the change is told")
        assert updated["version"] == 2
        assert updated["by"] == {"kind": "action", "id": action["action_id"]}
        until(lambda: of("Grant Revoked") or None, "what is held no more is told")
        added = [one["grant"] for one in of("Grant Added") if one["by"]["kind"] == "action"]
        assert {(one["type"], one["entitlement_id"]) for one in added} == {
            ("group", "3"),
            ("admin", "3"),
        }
        ids = Counter(event["detail"]["id"] for event in subscribed())
        assert max(ids.values()) == 1
