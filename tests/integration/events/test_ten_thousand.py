"""Ten thousand changes in one sync are ten thousand events, though the feed dies over and over."""

import random
from collections import Counter, defaultdict
from typing import Any

import pytest

from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from tests.integration.events.test_feed import Bus, Killed, feed, stream
from tests.integration.sync.conftest import House, house, local_aws, settings

__all__ = ["house", "local_aws", "settings"]

USERS = 10_000
AT_ONCE = 100
"""Records of the stream that the function is given at once, as the template has it."""
FATES = 3


class DyingBus(Bus):
    """At one try of three the function dies at some call, before the bus has the entries or after,
    and is given the whole batch again, as Lambda does.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)  # noqa: S311 - not a secret
        self.lost_answers = False
        self.deaths = 0

    def meet_fate(self) -> None:
        """What becomes of the next try."""
        self.lives = 10**9 if self.random.randrange(FATES) else self.random.randrange(12)
        self.lost_answers = self.random.random() < 0.5

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if self.lives > 0 or not self.lost_answers:
            return super().put_events(Entries=Entries)
        self.lives = 10**9
        super().put_events(Entries=Entries)
        raise Killed


def _is_told(record: dict[str, Any]) -> bool:
    """Does the template hand it to the function?"""
    sort_key = record["dynamodb"]["Keys"]["sk"]["S"]
    return bool(sort_key.startswith(("ACCOUNT#", "GRANT#")) or sort_key == "PERSON")


@pytest.mark.slow
def test_no_event_of_a_large_sync_is_lost_and_no_version_is_missing(house: House) -> None:
    with serve(seed_activecampaign(USERS, 1)) as vendor:
        integration = house.integrate(vendor)
        run = house.run(integration)
        assert run.counts["added"] == USERS
        for number in list(vendor.tenant.users)[10:40]:
            vendor.tenant.put_user({"id": number, "first_name": "Renamed"})
        for number in ("5", "6", "7"):
            vendor.tenant.users.pop(number)
        assert house.run(integration).counts["updated"] > 0
    bus = DyingBus(seed=5)
    records = [record for record in stream(house) if _is_told(record)]
    for start in range(0, len(records), AT_ONCE):
        batch = records[start : start + AT_ONCE]
        while True:
            bus.meet_fate()
            try:
                assert feed(house, bus).take(batch) == 0
                break
            except Killed:
                bus.deaths += 1
    assert bus.deaths > len(records) / AT_ONCE / FATES / 2
    told = {event["id"]: event for event in bus.events}
    assert len(bus.events) > len(told), "what was published before a death is published again"
    kinds = Counter(event["type"] for event in told.values())
    assert kinds["Account Created"] == kinds["Application Associated"] == USERS
    assert kinds["Account Updated"] >= 30
    assert kinds["Account Removed"] == 3
    versions: dict[str, list[int]] = defaultdict(list)
    for event in told.values():
        if event["type"].startswith("Account"):
            versions[event["account"]["external_id"]].append(event["version"])
    stored = house.stored(integration, "ACCOUNT#").values()
    assert len(stored) == len(versions) == USERS
    for item in stored:
        assert sorted(versions[item["external_id"]]) == list(range(1, item["version"] + 1))
    held = house.stored(integration, "GRANT#")
    assert kinds["Grant Added"] == len(held)
    assert kinds["Person Created"] == len(house.people())
