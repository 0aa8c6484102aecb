"""The roster fills, and a second run of the same changes nothing."""

from local.vendors import serve
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.integration.sync.conftest import House


def test_activecampaign_fills_the_roster(house: House) -> None:
    with serve(seed_activecampaign(250, 8)) as vendor:
        integration = house.integrate(vendor)
        run = house.run(integration)
        assert run.status == "succeeded", run.error
        assert dict(run.counts) == {
            "pulled": 250, "added": 250, "updated": 0, "unchanged": 0,
            "skipped": 0, "removed": 0, "restored": 0, "errors": 0,
        }  # fmt: skip
        assert len(house.stored(integration, "ACCOUNT#")) == 250
        assert len(house.stored(integration, "GROUP#")) == 8
        assert len(house.people()) == 250

        again = house.run(integration)
        assert again.status == "succeeded", again.error
        assert again.counts["unchanged"] == 250


def test_aha_joins_the_same_people(house: House) -> None:
    with serve(seed_activecampaign(250, 8)) as first, serve(seed_aha(180)) as second:
        house.run(house.integrate(first))
        integration = house.integrate(second)
        run = house.run(integration)
        assert run.status == "succeeded", run.error
        emails = {u.email.lower() for u in first.tenant.users.values()}
        emails |= {u.email.lower() for u in second.tenant.users.values()}
        assert len(house.people()) == len(emails)
        assert house.run(integration).counts["unchanged"] == 180
