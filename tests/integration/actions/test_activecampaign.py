"""What ActiveCampaign's presets do, to the app and to the roster."""

from typing import Any

import pytest

from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from local.vendors.switches import Fault
from tests.integration.actions.conftest import Desk

ZED: dict[str, Any] = {
    "username": "zed",
    "first_name": "Zed",
    "last_name": "Zorn",
    "email": "zed@northwind.example",
    "password": "p4ssw0rd-of-zed",
    "group_id": 4,
}


def test_a_user_is_created_and_stands_on_the_roster_at_once(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        answer = desk.call("POST", f"/v1/integrations/{integration}/users", ZED)
        assert answer.status == 201, answer.text
        external_id = answer.json["external_id"]
        user = vendor.tenant.users[external_id]
        assert (user.username, user.group, user.first_name) == ("zed", "4", "Zed")
        assert answer.json["status"] == "succeeded"
        assert answer.json["response"]["email"] == ZED["email"]
        account = desk.call("GET", f"/v1/integrations/{integration}/accounts/{external_id}").json
        assert (account["email"], account["status"]) == (ZED["email"], "active")
        person = desk.call("GET", f"/v1/people/{account['person_id']}").json
        assert person["first_name"] == "Zed"
        grants = desk.call(
            "GET", f"/v1/integrations/{integration}/grants", query={"account": external_id}
        ).json["items"]
        assert [grant["entitlement"]["id"] for grant in grants] == ["4"]
        desk.unchanged(integration)


def test_an_update_sends_the_whole_user_and_never_the_username(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        before = vendor.tenant.users["3"]
        path = f"/v1/integrations/{integration}/users/3"
        answer = desk.call("PATCH", path, {"first_name": "Renamed", "group_id": "3"})
        assert answer.status == 200, answer.text
        after = vendor.tenant.users["3"]
        assert (after.first_name, after.last_name) == ("Renamed", before.last_name)
        assert (after.group, after.email, after.username) == ("3", before.email, before.username)
        action = desk.call("GET", f"/v1/actions/{answer.json['action_id']}").json
        sent = action["request"]["body"]["user"]
        assert sent["lastName"] == before.last_name
        assert "username" not in sent
        grants = desk.call(
            "GET", f"/v1/integrations/{integration}/grants", query={"account": "3"}
        ).json["items"]
        kinds = {(g["entitlement"]["type"], g["entitlement"]["id"]) for g in grants}
        assert kinds == {("group", "3"), ("admin", "3")}
        desk.unchanged(integration)


def test_a_deleted_user_is_removed_from_the_roster_and_deleting_again_says_so(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        path = f"/v1/integrations/{integration}/users/3"
        first = desk.call("DELETE", path)
        assert (first.status, first.json["outcome"]) == (200, "done")
        assert "3" not in vendor.tenant.users
        account = desk.call("GET", f"/v1/integrations/{integration}/accounts/3").json
        assert account["status"] == "removed"
        again = desk.call("DELETE", path)
        assert (again.status, again.json["outcome"]) == (200, "already-gone")
        desk.unchanged(integration)


def test_an_app_that_says_gone_in_the_newer_form_is_understood(desk: Desk) -> None:
    newer = '{"errors":[{"status":404,"title":"Not Found"}]}'
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = f"/v1/integrations/{desk.integrate(vendor)}"
        vendor.switches.faults = [Fault("/users/99", status=404, body=newer)]
        gone = desk.call("DELETE", f"{integration}/users/99")
        assert (gone.status, gone.json.get("outcome")) == (200, "already-gone")
        assert desk.call("GET", f"{integration}/users/99").status == 404


def test_the_owner_and_the_keys_own_user_are_never_deleted(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        answer = desk.call("DELETE", f"/v1/integrations/{integration}/users/1")
        assert (answer.status, answer.json["type"]) == (409, "urn:rollcall:problem:conflict")
        assert "1" in vendor.tenant.users


def test_a_users_role_is_the_group_with_its_permissions(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        answer = desk.call("GET", f"/v1/integrations/{integration}/users/2/roles")
        assert answer.status == 200, answer.text
        (row,) = answer.json["response"]
        assert row["group_id"] == vendor.tenant.users["2"].group
        assert row["permissions"]["pgListAdd"] in ("0", "1")


def test_a_user_is_put_into_another_group_and_keeps_everything_else(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        before = vendor.tenant.users["3"]
        path = f"/v1/integrations/{integration}/presets/change_group"
        asked = {"inputs": {"external_id": 3, "group_id": 3}}
        answer = desk.call("POST", path, asked)
        assert (answer.status, answer.json["outcome"]) == (200, "done"), answer.text
        after = vendor.tenant.users["3"]
        assert after.group == "3" != before.group
        assert (after.username, after.email, after.phone, after.first_name) == (
            before.username, before.email, before.phone, before.first_name
        )  # fmt: skip
        grants = desk.call(
            "GET", f"/v1/integrations/{integration}/grants", query={"account": "3"}
        ).json["items"]
        kinds = {(g["entitlement"]["type"], g["entitlement"]["id"]) for g in grants}
        assert kinds == {("group", "3"), ("admin", "3")}
        vendor.log.clear()
        again = desk.call("POST", path, asked)
        assert (again.status, again.json["outcome"]) == (200, "already-so")
        assert {call.method for call in vendor.log} == {"GET"}
        desk.unchanged(integration)


def test_every_group_is_listed_to_the_end_of_the_list(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        vendor.switches.page_cap = 2
        integration = desk.integrate(vendor)
        path = f"/v1/integrations/{integration}/presets/list_groups"
        listed = desk.call("POST", path, {}).json["response"]
        assert sorted(group["id"] for group in listed) == sorted(vendor.tenant.groups)


@pytest.mark.parametrize("again", [True, False])
def test_a_duplicate_is_refused_with_the_apps_words_by_field(desk: Desk, again: bool) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        path = f"/v1/integrations/{integration}/users"
        body = ZED | {"email": vendor.tenant.users["2"].email} if again else ZED
        body = body | {"username": vendor.tenant.users["2"].username}
        answer = desk.call("POST", path, body)
        assert answer.status == 422, answer.text
        assert answer.json["type"] == "urn:rollcall:problem:vendor-rejected"
        assert set(answer.fields) == ({"email", "username"} if again else {"username"})
        assert len(vendor.tenant.users) == 6
