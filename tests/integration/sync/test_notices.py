"""Contacts are told of what happens to their integration: once each, and in the end for sure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from rollcall.aws import Aws
from rollcall.integrations.model import Integration
from rollcall.notices.subscriptions import ensure
from rollcall.notices.teller import Teller
from rollcall.sync.endings import Endings
from rollcall.sync.sweep import sweep
from tests.integration.sync.conftest import MINUTES, House

ANN, BEN = "ann@example.com", "ben@example.com"


@dataclass
class Post:
    """A topic, and queues that stand for those who are subscribed to it."""

    topic: str
    sqs: Any
    sns: Any

    def subscribe(self, name: str, policy: dict[str, list[str]] | None) -> str:
        """The url of a queue that gets what the policy lets pass."""
        url = str(
            self.sqs.create_queue(QueueName=f"{self.topic.split(':')[-1]}-{name}")["QueueUrl"]
        )
        wanted = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        attributes = {} if policy is None else {"FilterPolicy": json.dumps(policy)}
        self.sns.subscribe(
            TopicArn=self.topic,
            Protocol="sqs",
            Endpoint=wanted["Attributes"]["QueueArn"],
            Attributes=attributes,
        )
        return url

    def read(self, url: str) -> list[dict[str, Any]]:
        """What has arrived since it was last read, in order."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            if not answer.get("Messages"):
                return found
            for message in answer["Messages"]:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def kinds(self, url: str) -> list[str]:
        return [one["MessageAttributes"]["kind"]["Value"] for one in self.read(url)]


@pytest.fixture
def post(house: House) -> Post:
    """A topic of this deployment, which its runs tell."""
    sns, sqs = house.aws.sns, house.aws._client("sqs")
    topic = sns.create_topic(Name=f"notices-{house.settings.stack_name}")["TopicArn"]
    house.settings = replace(house.settings, notice_topic=topic)
    return Post(topic, sqs, sns)


@pytest.fixture
def everything(post: Post) -> str:
    """The queue of a team that gets all there is."""
    return post.subscribe("all", None)


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    """An ActiveCampaign of 40 users."""
    with serve(seed_activecampaign(40, 4)) as vendor:
        yield vendor


def refused(house: House, vendor: "Vendor[ActiveCampaign]", integration: Integration) -> None:
    """A run that fails, in short time."""
    vendor.switches.users_refused = True
    assert house.run(integration).status == "failed"
    vendor.switches.users_refused = False


def test_a_run_that_succeeds_tells_nobody(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    house.run(house.integrate(vendor))
    assert post.read(everything) == []


def test_a_failure_is_told_on_the_first_night_and_its_end_once(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor, name="Marketing", contacts=(ANN, BEN))
    refused(house, vendor, integration)
    (told,) = post.read(everything)
    assert told["Subject"] == "Rollcall: Marketing could not be synced"
    assert "vendor-forbidden" in told["Message"]
    assert vendor.tenant.token not in json.dumps(told)
    attributes = told["MessageAttributes"]
    assert attributes["kind"]["Value"] == "failure"
    assert attributes["integration_id"]["Value"] == integration.id
    assert attributes["contacts"]["Type"] == "String.Array"
    assert json.loads(attributes["contacts"]["Value"]) == [ANN, BEN]
    refused(house, vendor, integration)
    assert post.read(everything) == []
    house.run(integration)
    house.run(integration)
    assert post.kinds(everything) == ["recovery"]
    refused(house, vendor, integration)
    assert post.kinds(everything) == ["failure"]


def test_the_third_failure_tells_that_the_schedule_rests(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    for _ in range(4):
        refused(house, vendor, integration)
    assert post.kinds(everything) == ["failure", "quarantine"]


def test_a_refused_key_is_told_as_a_reconnect(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.token_valid = False
    house.run(integration)
    house.run(integration)
    (told,) = post.read(everything)
    assert told["MessageAttributes"]["kind"]["Value"] == "reconnect"
    assert f"/v1/integrations/{integration.id}/test" in told["Message"]
    vendor.switches.token_valid = True
    house.run(integration)
    assert post.kinds(everything) == ["recovery"]


def test_each_held_run_is_told_once(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    house.run(integration)
    for number in range(10, 25):
        del vendor.tenant.users[str(number)]
    held = house.run(integration)
    assert held.status == "held"
    (told,) = post.read(everything)
    assert told["MessageAttributes"]["kind"]["Value"] == "hold"
    assert f"/v1/runs/{held.id}/approve" in told["Message"]
    assert house.run(integration).status == "held"
    assert post.kinds(everything) == ["hold"]


def test_a_run_past_its_time_limit_is_told(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    run_id = house.start(integration)["run_id"]
    sweep(house.runs, TimedOut(), datetime.now(UTC), endings(house))
    run = house.runs.get(run_id)
    assert run is not None
    assert run.error is not None
    assert (run.status, run.error["code"]) == ("failed", "time-limit")
    assert post.kinds(everything) == ["time-limit"]
    assert house.runs.state(integration.id)["failures"] == 1


class TimedOut:
    """Step Functions, whose every execution took too long."""

    class exceptions:  # noqa: N801 - boto3's name
        class ExecutionDoesNotExist(Exception):  # noqa: N818
            pass

    def describe_execution(self, **_: str) -> dict[str, str]:
        return {"status": "TIMED_OUT"}


def endings(house: House) -> Endings:
    """As the sweeper's function composes them."""
    teller = Teller(house.aws, house.settings.notice_topic, house.config, Logger(service="sweeper"))
    return Endings(house.runs, house.integrations, teller)


def test_a_contact_gets_what_concerns_their_integrations_and_nothing_else(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    ann = post.subscribe("ann", {"contacts": [ANN]})
    ben = post.subscribe("ben", {"contacts": [BEN]})
    refused(house, vendor, house.integrate(vendor, name="Both", contacts=(ANN, BEN)))
    refused(house, vendor, house.integrate(vendor, name="Ben's", contacts=(BEN,)))
    refused(house, vendor, house.integrate(vendor, name="Nobody's"))
    assert len(post.read(ann)) == 1
    assert len(post.read(ben)) == 2
    assert len(post.read(everything)) == 3


def test_a_step_that_is_repeated_tells_nothing_twice(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.users_refused = True
    answer = house.sync.pull(house.start(integration), lambda: MINUTES)
    for _ in range(3):
        assert house.sync.fail(answer)["next"] == "done"
    assert post.kinds(everything) == ["failure"]
    vendor.switches.users_refused = False
    answer = house.sync.pull(house.start(integration, "two"), lambda: MINUTES)
    for _ in range(3):
        house.sync.finish(answer)
    assert post.kinds(everything) == ["recovery"]


class Killed(BaseException):
    """The function is gone: nothing catches this."""


class DyingAws(Aws):
    """The function dies when it is about to publish."""

    def _client(self, service: str) -> Any:
        client = super()._client(service)
        if service == "sns":
            client.meta.events.register("before-call.sns", self._die)
        return client

    def _die(self, **_: Any) -> None:
        raise Killed


def test_a_function_killed_before_it_has_told_tells_when_the_step_is_repeated(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    vendor.switches.users_refused = True
    answer = house.sync.pull(house.start(integration), lambda: MINUTES)
    dying = House(house.settings, DyingAws())
    with pytest.raises(Killed):
        dying.sync.fail(answer)
    assert post.read(everything) == []
    assert house.sync.fail(answer)["next"] == "done"
    assert post.kinds(everything) == ["failure"]


def test_what_cannot_be_published_fails_no_run_and_is_told_with_the_next_end(
    house: House, post: Post, everything: str, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor)
    lost = House(replace(house.settings, notice_topic=f"{post.topic}-gone"), house.aws)
    refused(lost, vendor, integration)
    assert lost.runs.running(integration.id) is None
    run = lost.run(integration)
    assert run.status == "succeeded"
    assert post.read(everything) == []
    house.run(integration)
    assert post.kinds(everything) == ["failure", "recovery"]
    assert "untold" not in house.runs.state(integration.id)


def test_a_deployment_without_a_topic_tells_nobody_and_keeps_nothing(
    house: House, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = house.integrate(vendor, contacts=(ANN,))
    refused(house, vendor, integration)
    assert not {"told", "untold"} & set(house.runs.state(integration.id))


def test_contacts_are_subscribed_once_each_to_what_names_them(post: Post) -> None:
    assert ensure(post.sns, post.topic, {BEN, ANN}) == [ANN, BEN]
    assert ensure(post.sns, post.topic, {ANN.upper(), BEN, "cleo@example.com"}) == [
        "cleo@example.com"
    ]
    listed = post.sns.list_subscriptions_by_topic(TopicArn=post.topic)["Subscriptions"]
    assert {one["Endpoint"] for one in listed} == {ANN, BEN, "cleo@example.com"}
    for one in listed:
        attributes = post.sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])
        policy = json.loads(attributes["Attributes"]["FilterPolicy"])
        assert policy == {"contacts": [one["Endpoint"]]}


def test_who_subscribed_by_other_means_is_left_alone(post: Post) -> None:
    post.sns.subscribe(TopicArn=post.topic, Protocol="email", Endpoint=ANN)
    post.subscribe("team", None)
    assert ensure(post.sns, post.topic, {ANN}) == []
    assert ensure(post.sns, post.topic, set()) == []
    listed = post.sns.list_subscriptions_by_topic(TopicArn=post.topic)["Subscriptions"]
    assert len(listed) == 2
