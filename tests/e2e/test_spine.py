"""The main job on the deployed template: connect, sync, read."""

import httpx
import pytest

from local.stack import LocalStack
from local.vendors import Fault, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from local.vendors.switches import FaultKind
from tests.e2e.conftest import Api

KINDS: tuple[FaultKind, ...] = ("status", "drop", "html", "truncate", "truncated_json", "not_json")


def test_two_apps_are_pulled_and_read_over_http(api: Api) -> None:
    with serve(seed_activecampaign(130, 6)) as campaign, serve(seed_aha(90)) as aha:
        first, second = api.connect(campaign), api.connect(aha)
        tested = api.call("POST", f"/integrations/{first}/test", 200)
        assert tested["ok"] is True
        assert tested["identity"]
        assert {"path", "type", "sample"} <= set(tested["schema"][0])
        assert api.call("GET", f"/integrations/{first}", 200)["connection"] == "never"
        for integration, users in ((first, campaign.tenant.users), (second, aha.tenant.users)):
            run = api.run(integration)
            assert run["status"] == "succeeded", run
            assert run["counts"]["added"] == len(users)
            assert run["progress"] == {"pulled": len(users), "total": len(users)}
            accounts = api.all(f"/integrations/{integration}/accounts")
            assert {account["external_id"] for account in accounts} == set(users)
            assert all(account["person_id"] for account in accounts)
            assert api.call("GET", f"/integrations/{integration}", 200)["connection"] == "connected"
        groups = api.all(f"/integrations/{first}/groups")
        assert {group["external_id"] for group in groups} == set(campaign.tenant.groups)
        assert [group["external_id"] for group in groups if group["is_admin"]] == ["3"]
        for group in groups:
            members = [u for u in campaign.tenant.users.values() if u.group == group["external_id"]]
            assert group["member_count"] == len(members)
            grants = api.all(f"/integrations/{first}/grants", group=group["external_id"])
            assert {grant["account"] for grant in grants} == {user.id for user in members}
        number, user = next((n, u) for n, u in aha.tenant.users.items() if len(u.product_roles) > 1)
        grants = api.all(f"/integrations/{second}/grants", account=number)
        scopes = {g["entitlement"]["scope"] for g in grants if g["entitlement"]["type"] == "role"}
        assert len(scopes) > 1, "the same role on two products is two grants"
        account = api.call("GET", f"/integrations/{second}/accounts/{number}", 200)
        assert account["fields"]["connect_credentials"] == "key"
        assert account["fields"]["connector_sync_time"]
        (found,) = api.all("/people", email=user.email.lower())
        person = api.call("GET", f"/people/{found['id']}", 200)
        assert person["email"].lower() == user.email.lower()
        assert {"aha"} <= {one["integration_id"] == second and "aha" for one in person["accounts"]}
        names = {application["name"] for application in api.all("/applications")}
        assert {"ActiveCampaign", "Aha!"} <= names
        entries = [entry for entry in api.all("/audit") if first in str(entry)]
        assert entries, "who connected the app is in the audit log"
        assert campaign.tenant.token not in str(api.all("/audit"))


@pytest.mark.parametrize("token", [None, "Bearer wrong", "Bearer", "Basic YTpi"])
def test_without_the_token_nothing_is_reached(stack: LocalStack, token: str | None) -> None:
    headers = {"Authorization": token} if token else {}
    answer = httpx.get(f"{stack.api_url}/v1/people", headers=headers, trust_env=False)
    assert answer.status_code in (401, 403)
    assert "items" not in answer.text


def test_a_busy_integration_refuses_a_second_run(api: Api) -> None:
    with serve(seed_activecampaign(300, 3)) as vendor:
        vendor.switches.latency_ms = 300
        integration = api.connect(vendor)
        run = api.call("POST", f"/integrations/{integration}/runs", 202)
        assert run["status"] == "queued"
        busy = api.call("POST", f"/integrations/{integration}/runs", 409)
        assert busy["status"] == 409
        assert api.ended(run["id"])["status"] == "succeeded"


def test_a_run_waits_as_long_as_the_app_asks(api: Api) -> None:
    with serve(seed_aha(30)) as vendor:
        vendor.switches.faults = [Fault(kind="status", status=429, retry_after=20, times=2)]
        integration = api.connect(vendor)
        run = api.run(integration)
        assert run["status"] == "succeeded", run
        log = api.all(f"/runs/{run['id']}/log")
        assert any("waits 20 s" in line["message"] for line in log)


def test_an_app_that_fails_in_every_way_is_asked_again(api: Api) -> None:
    with serve(seed_activecampaign(90, 3)) as vendor:
        vendor.switches.page_cap = 20
        integration = api.connect(vendor)
        vendor.switches.faults = [
            Fault(kind=kind, match=f"/users.*{page}", after=number, times=1)
            for page, kinds in ((r"offset=0$", KINDS[:3]), (r"offset=[1-9]", KINDS[3:]))
            for number, kind in enumerate(kinds)
        ]  # six in a row of one page would be too many
        run = api.run(integration)
        assert run["status"] == "succeeded", run
        assert run["counts"]["added"] == 90
        assert all(fault.seen > fault.after for fault in vendor.switches.faults)
        log = " ".join(line["message"] for line in api.all(f"/runs/{run['id']}/log"))
        assert "waits" in log


@pytest.mark.parametrize("kind", ["status", "drop", "truncated_json"])
def test_an_app_that_stays_broken_fails_the_run_and_removes_nobody(
    api: Api, kind: FaultKind
) -> None:
    with serve(seed_aha(30)) as vendor:
        integration = api.connect(vendor)
        api.run(integration)
        vendor.switches.faults = [Fault(kind=kind, match="/users")]
        run = api.run(integration)
        assert (run["status"], run["error"]["code"]) == ("failed", "vendor-broken")
        assert api.call("GET", f"/integrations/{integration}", 200)["connection"] == "failing"
        accounts = api.all(f"/integrations/{integration}/accounts")
        assert "removed" not in {account["status"] for account in accounts}


def test_a_list_shorter_than_announced_is_taken_and_removes_nobody(api: Api) -> None:
    with serve(seed_activecampaign(60, 3)) as vendor:
        integration = api.connect(vendor)
        api.run(integration)
        vendor.switches.rows_stop_at = 50
        run = api.run(integration)
        assert (run["status"], run["error"]["code"]) == ("failed", "count-mismatch")
        assert run["counts"]["unchanged"] == 50
        removed = api.all(f"/integrations/{integration}/accounts", status="removed")
        assert removed == []


def test_a_revoked_key_is_told_and_mended_by_a_new_one(api: Api) -> None:
    with serve(seed_activecampaign(20, 2)) as vendor:
        integration = api.connect(vendor)
        api.call("POST", f"/integrations/{integration}/launch", 200)
        assert api.run(integration)["status"] == "succeeded"
        vendor.switches.token_valid = False
        run = api.run(integration)
        assert run["status"] == "failed"
        assert run["error"]["code"] == "vendor-unauthorized"
        assert api.call("GET", f"/integrations/{integration}", 200)["status"] == "needs_reconnect"
        vendor.switches.token_valid = True
        assert api.run(integration)["status"] == "succeeded"
        assert api.call("GET", f"/integrations/{integration}", 200)["status"] == "active"


def test_an_empty_answer_removes_nobody(api: Api) -> None:
    with serve(seed_aha(30)) as vendor:
        integration = api.connect(vendor)
        api.run(integration)
        vendor.switches.empty_listing = True
        run = api.run(integration)
        assert (run["status"], run["error"]["code"]) == ("failed", "empty-listing")
        accounts = api.all(f"/integrations/{integration}/accounts")
        assert len(accounts) == 30
        assert "removed" not in {account["status"] for account in accounts}


def test_a_hold_is_listed_approved_and_applied(api: Api) -> None:
    with serve(seed_activecampaign(40, 3)) as vendor:
        integration = api.connect(vendor)
        api.run(integration)
        for number in range(5, 25):
            del vendor.tenant.users[str(number)]
        run = api.run(integration)
        assert run["status"] == "held"
        candidates = api.all(f"/runs/{run['id']}/candidates")
        assert sum(one["kind"] == "account" for one in candidates) == 20
        api.call("POST", f"/runs/{run['id']}/approve", 202)
        decisions = [one for one in api.all("/audit") if one["object_id"] == run["id"]]
        assert [(one["actor"], one["verb"]) for one in decisions] == [("administrator", "approve")]
        run = api.ended(run["id"])
        assert run["status"] == "succeeded", run
        assert run["counts"]["removed"] == 20
        removed = api.all(f"/integrations/{integration}/accounts", status="removed")
        assert {int(account["external_id"]) for account in removed} == set(range(5, 25))
