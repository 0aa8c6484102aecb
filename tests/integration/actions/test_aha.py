"""What Aha!'s presets do, to the app and to the roster."""

import json
from collections.abc import Iterator

import pytest

from local.vendors import serve
from local.vendors.seed import seed_aha
from local.vendors.switches import Fault
from tests.integration.actions.account import PROBLEM, ZED, Account
from tests.integration.actions.conftest import Desk


@pytest.fixture
def aha(desk: Desk) -> Iterator[Account]:
    with serve(seed_aha(18)) as vendor:
        yield Account(desk, vendor)


def test_a_users_details_are_read_and_change_nothing(aha: Account) -> None:
    answer = aha("GET", f"users/{aha.ids[6]}")
    assert (answer.status, answer.json["outcome"]) == (200, "done")
    assert answer.json["external_id"] == aha.ids[6]
    assert answer.json["response"]["email"] == aha.user(6).email
    assert aha.writes() == []


def test_a_user_of_nobody_is_not_found(aha: Account) -> None:
    answer = aha("GET", "users/77")
    assert (answer.status, answer.json["type"]) == (404, f"{PROBLEM}vendor-not-found")
    assert "Record not found" in answer.json["detail"]


def test_a_new_name_is_on_the_roster_at_once_and_custom_roles_stay(aha: Account) -> None:
    before = aha.grants(aha.ids[5])
    assert ("role", "409541422", aha.user(5).user_roles[0][1]) in before
    answer = aha("PATCH", f"users/{aha.ids[5]}", {"first_name": "Renamed"})
    assert answer.status == 200, answer.text
    (sent,) = aha.writes()
    name = f"Renamed {aha.user(5).name.partition(' ')[2]}"
    assert (sent.method, aha.user(5).name) == ("PUT", name)
    account = aha.account(aha.ids[5])
    assert account["display_name"] == name
    person = aha.desk.call("GET", f"/v1/people/{account['person_id']}").json
    assert person["display_name"] == name
    assert aha.grants(aha.ids[5]) == before
    assert answer.json["roster"] == "updated"
    aha.unchanged()


def test_a_new_email_is_followed(aha: Account) -> None:
    answer = aha("PATCH", f"users/{aha.ids[5]}", {"email": "renamed@northwind.example"})
    assert answer.status == 200, answer.text
    assert aha.user(5).email == "renamed@northwind.example"
    assert aha.account(aha.ids[5])["email"] == "renamed@northwind.example"
    aha.unchanged()


def test_who_leaves_the_booleans_out_disables_nobody_and_takes_no_right(aha: Account) -> None:
    was = aha.user(3)
    assert (was.enabled, any(was.administers)) == (True, True)
    answer = aha.use("update_user", 3, {"last_name": "Other"})
    assert answer.status == 200, answer.text
    now = aha.user(3)
    assert (now.enabled, now.administers) == (True, was.administers)
    action = aha.desk.call("GET", f"/v1/actions/{answer.json['action_id']}").json
    assert action["request"]["body"] == {"user": {"last_name": "Other"}}
    aha.unchanged()


def test_an_update_of_nothing_sends_nothing(aha: Account) -> None:
    answer = aha("PATCH", f"users/{aha.ids[6]}", {})
    assert (answer.status, answer.json["outcome"]) == (200, "already-so")
    assert aha.writes() == []
    aha.unchanged()


def test_the_booleans_are_sent_where_they_are_said(aha: Account) -> None:
    answer = aha("PATCH", f"users/{aha.ids[3]}", {"enabled": False, "administrator": False})
    assert answer.status == 200, answer.text
    assert (aha.user(3).enabled, any(aha.user(3).administers)) == (False, False)
    assert aha.account(aha.ids[3])["status"] == "inactive"
    assert not {kind for kind, *_ in aha.grants(aha.ids[3])} & {"admin"}
    aha.unchanged()


def test_a_deactivated_user_is_inactive_on_the_roster_and_keeps_the_roles(aha: Account) -> None:
    held = aha.grants(aha.ids[6])
    assert held
    answer = aha("POST", f"users/{aha.ids[6]}/deactivate")
    assert (answer.status, answer.json["outcome"]) == (200, "done")
    assert answer.json["response"]["enabled"] is False
    assert aha.user(6).enabled is False
    assert aha.account(aha.ids[6])["status"] == "inactive"
    assert aha.grants(aha.ids[6]) == held
    aha.unchanged()


def test_who_is_inactive_already_is_said_to_be_and_the_app_is_not_written(aha: Account) -> None:
    assert aha.user(7).enabled is False
    answer = aha("POST", f"users/{aha.ids[7]}/deactivate")
    assert (answer.status, answer.json["outcome"]) == (200, "already-so")
    assert answer.json["status"] == "succeeded"
    assert aha.writes() == []
    aha.unchanged()


def test_what_was_done_in_the_app_before_is_on_the_roster_too(aha: Account) -> None:
    aha.vendor.tenant.put_user({"id": aha.ids[6], "enabled": False})
    answer = aha("POST", f"users/{aha.ids[6]}/deactivate")
    assert (answer.json["outcome"], answer.json["roster"]) == ("already-so", "updated")
    assert aha.account(aha.ids[6])["status"] == "inactive"
    aha.unchanged()


def test_a_user_is_reactivated_and_once_more_is_already_so(aha: Account) -> None:
    first = aha.use("reactivate_user", 7)
    assert (first.status, first.json["outcome"]) == (200, "done")
    assert aha.user(7).enabled is True
    assert aha.account(aha.ids[7])["status"] == "active"
    assert aha.use("reactivate_user", 7).json["outcome"] == "already-so"
    assert len(aha.writes()) == 1
    aha.unchanged()


def test_a_deactivation_that_did_not_happen_is_an_error(aha: Account) -> None:
    kept = json.dumps({"id": aha.ids[6], "enabled": True})
    aha.vendor.switches.faults = [Fault("^PUT", kind="status", status=200, body=kept)]
    answer = aha("POST", f"users/{aha.ids[6]}/deactivate")
    assert (answer.status, answer.json["type"]) == (502, f"{PROBLEM}vendor-broken")
    assert "did not do what was asked" in answer.json["detail"]
    assert aha.account(aha.ids[6])["status"] == "active"
    aha.unchanged()


def test_a_user_is_created_in_a_product_with_a_role(aha: Account) -> None:
    answer = aha("POST", "users", ZED)
    assert (answer.status, answer.json["outcome"]) == (201, "done")
    external_id = answer.json["external_id"]
    user = aha.vendor.tenant.users[external_id]
    assert (user.name, user.email) == ("Zed Zorn", ZED["email"])
    assert user.product_roles == ((aha.products["WEB"], 30),)
    account = aha.account(external_id)
    assert (account["email"], account["status"]) == (ZED["email"], "active")
    person = aha.desk.call("GET", f"/v1/people/{account['person_id']}").json
    assert (person["email"], person["role"]) == (ZED["email"], "Employee")
    assert aha.grants(external_id) == {("role", "30", aha.products["WEB"])}
    aha.unchanged()


def test_a_created_user_whose_role_came_back_different_is_told(aha: Account) -> None:
    aha.vendor.switches.created_role = "viewer"
    answer = aha("POST", "users", ZED)
    assert (answer.status, answer.json["outcome"]) == (201, "differs")
    assert any("did not do what was asked" in note for note in answer.json["notes"])
    assert answer.json["response"]["role_description"] == "Viewer"
    assert aha.grants(answer.json["external_id"]) == {("role", "50", aha.products["WEB"])}
    aha.unchanged()


def test_an_email_that_is_taken_is_refused_by_its_input_and_nobody_is_made(aha: Account) -> None:
    answer = aha("POST", "users", ZED | {"email": aha.user(6).email})
    assert (answer.status, answer.json["type"]) == (422, f"{PROBLEM}vendor-rejected")
    assert answer.json["errors"] == [{"field": "email", "message": "Email has already been taken"}]
    assert len(aha.vendor.tenant.users) == 18
    aha.unchanged()


def test_a_product_that_is_not_there_is_not_found(aha: Account) -> None:
    answer = aha("POST", "users", ZED | {"product_id": "NOPE"})
    assert (answer.status, answer.json["type"]) == (404, f"{PROBLEM}vendor-not-found")


def test_every_role_in_a_product_is_a_row_and_custom_roles_are_more(aha: Account) -> None:
    answer = aha("GET", f"users/{aha.ids[5]}/roles")
    assert answer.status == 200, answer.text
    ((product, role),) = aha.user(5).product_roles
    ((custom, scope),) = aha.user(5).user_roles
    mine, more = answer.json["response"]
    assert (mine["kind"], mine["role"], mine["product_id"]) == ("product", role, product)
    assert set(mine) == {"kind", "role", "description", "product_id", "product"}
    assert (more["kind"], more["role"], more["product_id"]) == ("custom", custom, int(scope))
    assert more["description"] == aha.vendor.tenant.custom_roles[custom]
    rows = aha("GET", f"users/{aha.ids[7]}/roles").json["response"]
    assert [row["product_id"] for row in rows] == [one for one, _ in aha.user(7).product_roles]
    assert len(rows) == 3
    assert aha("GET", f"users/{aha.ids[8]}/roles").json["response"] == []
    assert aha.writes() == []


def test_every_custom_role_is_told_of_one_who_has_more_than_a_page(aha: Account) -> None:
    many = tuple((409541421, product) for product in aha.products.values()) * 6
    aha.vendor.tenant.put_user({"id": aha.ids[5], "user_roles": many})
    rows = aha("GET", f"users/{aha.ids[5]}/roles").json["response"]
    assert len([row for row in rows if row["kind"] == "custom"]) == 42


def test_an_account_without_custom_roles_tells_the_product_roles(aha: Account) -> None:
    for status in (403, 404):
        aha.vendor.switches.faults = [Fault("user_roles", kind="html", status=status)]
        answer = aha("GET", f"users/{aha.ids[5]}/roles")
        assert answer.status == 200, answer.text
        assert [row["kind"] for row in answer.json["response"]] == ["product"]


def test_a_role_in_a_product_is_set_in_place_of_the_one_there(aha: Account) -> None:
    (product, _), *_ = aha.user(6).product_roles
    answer = aha.use("set_product_role", 6, {"product_id": product, "role": "viewer"})
    assert (answer.status, answer.json["outcome"]) == (200, "done")
    assert dict(aha.user(6).product_roles)[product] == 50
    held = {(role, scope) for kind, role, scope in aha.grants(aha.ids[6]) if kind == "role"}
    assert {role for role, scope in held if scope == product} == {"50"}
    more = aha.use("set_product_role", 6, {"product_id": "OPS", "role": "reviewer"})
    assert more.status == 200, more.text
    assert ("role", "40", aha.products["OPS"]) in aha.grants(aha.ids[6])
    aha.unchanged()


def test_a_role_that_came_back_different_is_told(aha: Account) -> None:
    other = '{"role": 50, "role_description": "Viewer", "product_id": "1"}'
    aha.vendor.switches.faults = [Fault("^POST", kind="status", status=200, body=other)]
    answer = aha.use("set_product_role", 6, {"product_id": "OPS", "role": "contributor"})
    assert (answer.status, answer.json["type"]) == (502, f"{PROBLEM}vendor-broken")
    assert "did not do what was asked" in answer.json["detail"]
    aha.unchanged()


def test_a_role_is_removed_and_removing_it_again_says_so(aha: Account) -> None:
    (product, role), *_ = aha.user(6).product_roles
    assert ("role", str(role), product) in aha.grants(aha.ids[6])
    first = aha.use("remove_product_role", 6, {"product_id": product})
    assert (first.status, first.json["outcome"]) == (200, "done")
    assert product not in dict(aha.user(6).product_roles)
    assert ("role", str(role), product) not in aha.grants(aha.ids[6])
    again = aha.use("remove_product_role", 6, {"product_id": product})
    assert (again.status, again.json["outcome"]) == (200, "already-gone")
    aha.unchanged()
    nobody = aha("POST", "presets/remove_product_role", {
        "inputs": {"external_id": "77", "product_id": product}
    })  # fmt: skip
    assert (nobody.status, nobody.json["type"]) == (404, f"{PROBLEM}vendor-not-found")


def test_administrators_are_made_and_unmade(aha: Account) -> None:
    assert aha.use("set_administrator", 6, {"administrator": True}).status == 200
    assert all(aha.user(6).administers)
    assert ("admin", "administrator", None) in aha.grants(aha.ids[6])
    assert aha.use("set_administrator", 6, {"administrator": False}).status == 200
    assert not any(aha.user(6).administers)
    assert "admin" not in {kind for kind, *_ in aha.grants(aha.ids[6])}
    aha.unchanged()
    unsaid = aha.use("set_administrator", 6)
    assert (unsaid.status, unsaid.fields) == (422, ["administrator"])
