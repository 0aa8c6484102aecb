from dataclasses import replace
from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from tests.integration.sync.conftest import House

def test_admin_ends_when_group_renamed(house: House) -> None:
    with serve(seed_activecampaign(20, 4)) as vendor:
        t = vendor.tenant
        other = next(k for k in t.groups if str(k) != "3")
        t.groups[other] = replace(t.groups[other], title="Admin")
        integration = house.integrate(vendor)
        house.run(integration)
        def admins():
            return {k for k, g in house.stored(integration, "GRANT#").items() if g["type"] == "admin" and g["entitlement_id"] == other and g["status"] == "held"}
        before = admins(); print(before)
        assert before
        t.groups[other] = replace(t.groups[other], title="Renamed")
        run = house.run(integration)
        assert run.status in ("succeeded", "held"), run.error
        print(run.status, [l["message"] for l in house.runs.log(run.id, 50, None)[0]])
        assert not admins() or run.status == "held"
