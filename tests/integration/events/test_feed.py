"""Everything that is stored is told, by the streams of the tables, though the feed may die."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger

from local.vendors import serve
from local.vendors.seed import seed_activecampaign, seed_aha
from rollcall.events.feed import Feed
from rollcall.events.publishing import Publisher
from tests.integration.sync.conftest import House, house, local_aws, settings

__all__ = ["house", "local_aws", "settings"]

USERS = 120


class Bus:
    """EventBridge, in memory; the feed dies after `lives` calls."""

    def __init__(self, lives: int = 10**9) -> None:
        self.lives = lives
        self.events: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.lives -= 1
        if self.lives < 0:
            raise Killed
        for entry in Entries:
            self.events.append({"type": entry["DetailType"], **json.loads(entry["Detail"])})
        return {"Entries": [{"EventId": "x"} for _ in Entries]}


class Killed(BaseException):
    """The function is gone: nothing catches this."""


def stream(house: House) -> Iterator[dict[str, Any]]:
    """Everything in the directory's stream, from the oldest on."""
    streams = boto3.client("dynamodbstreams")
    described = house.aws.dynamodb.describe_table(TableName=house.settings.directory_table)
    arn = described["Table"]["LatestStreamArn"]
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = streams.get_records(ShardIterator=iterator, Limit=1000)
            for record in answer["Records"]:
                moment = record["dynamodb"]["ApproximateCreationDateTime"]
                record["dynamodb"]["ApproximateCreationDateTime"] = moment.timestamp()
                yield record
            if not answer["Records"]:
                break
            iterator = answer.get("NextShardIterator")


def feed(house: House, bus: Bus) -> Feed:
    publisher = Publisher(bus, None, "bus", "nowhere", Logger(service="test"))
    return Feed(publisher, house.config, house.directory)


@pytest.fixture
def records(house: House) -> list[dict[str, Any]]:
    """What two apps' first syncs, and one that finds changes, leave in the stream."""
    with serve(seed_activecampaign(USERS, 4)) as first, serve(seed_aha(20)) as second:
        integration = house.integrate(first)
        assert house.run(integration).status == "succeeded"
        assert house.run(house.integrate(second)).status == "succeeded"
        for number in ("5", "6", "7"):
            first.tenant.users.pop(number)
        first.tenant.put_user({"id": "8", "first_name": "Renamed"})
        assert house.run(integration).counts["removed"] == 3
        return list(stream(house))


def test_every_change_is_told_with_no_version_missing(
    house: House,
    records: list[dict[str, Any]],
) -> None:
    bus = Bus()
    assert feed(house, bus).take(records) == 0
    kinds = Counter(event["type"] for event in bus.events)
    assert kinds["Account Created"] == USERS + 20
    assert (kinds["Account Removed"], kinds["Account Updated"]) == (3, 1)
    grants = len(list(house.directory.query("PEOPLE", index="gsi1")))
    assert kinds["Person Created"] == grants
    assert kinds["Application Associated"] == USERS + 20
    versions = defaultdict(list)
    for event in bus.events:
        if "account" in event and event["type"].startswith("Account"):
            key = (event["integration_id"], event["account"]["external_id"])
            versions[key].append(event["version"])
    assert all(told == list(range(1, len(told) + 1)) for told in versions.values())
    renamed = next(event for event in bus.events if event["type"] == "Account Updated")
    assert renamed["changes"]["attributes.firstName"]["new"] == "Renamed"


def test_a_feed_that_dies_over_a_batch_loses_nothing(
    house: House,
    records: list[dict[str, Any]],
) -> None:
    whole, mortal = Bus(), Bus()
    feed(house, whole).take(records)
    for start in range(0, len(records), 100):
        batch = records[start : start + 100]
        mortal.lives = 2
        with pytest.raises(Killed):
            feed(house, mortal).take(batch)
        mortal.lives = 10**9
        feed(house, mortal).take(batch)
    ids = [event["id"] for event in whole.events]
    assert len(ids) == len(set(ids))
    assert {event["id"] for event in mortal.events} == set(ids)
    assert len(mortal.events) > len(ids)


def test_a_warm_function_tells_the_application_as_it_is_called_by_now(
    house: House,
    records: list[dict[str, Any]],
) -> None:
    bus = Bus()
    warm = feed(house, bus)
    warm.take(records)
    integration_id = next(one["integration_id"] for one in bus.events if "integration_id" in one)
    assert house.integrations.change(
        integration_id, "update", lambda one: replace(one, application="Renamed"), "administrator"
    )
    bus.events.clear()
    warm.take(records)
    told = [one for one in bus.events if one["type"] == "Application Associated"]
    mine = {one["application"] for one in told if one["integration_id"] == integration_id}
    assert mine == {"Renamed"}
