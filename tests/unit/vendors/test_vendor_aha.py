"""Aha!'s answers, as in the vendor's OpenAPI of 2026 and its pages of 2025."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from typing import TypeAlias

    import httpx

    from local.vendors import Aha, Vendor

    ServedAha: TypeAlias = tuple[Vendor[Aha], httpx.Client]

PERSON = {"email": "sam@example.test", "first_name": "Sam", "last_name": "Doe"}


def last_id(vendor: Vendor[Aha]) -> str:
    return list(vendor.tenant.users)[-1]


def test_users_come_thirty_a_page_by_ascending_number(aha: ServedAha) -> None:
    _, client = aha
    found: list[int] = []
    for page in (1, 2, 3):
        answer = client.get("/users", params={"page": page}).json()
        assert answer["pagination"] == {
            "total_records": 70,
            "total_pages": 3,
            "current_page": page,
        }
        found += [int(user["id"]) for user in answer["users"]]
    assert found == sorted(found)
    assert len(set(found)) == 70
    assert client.get("/users/?page=4").json()["users"] == []


def test_two_hundred_is_the_most_a_page_holds(aha: ServedAha) -> None:
    vendor, client = aha
    for _ in range(150):
        vendor.tenant.put_user({})
    assert len(client.get("/users?per_page=500").json()["users"]) == 200


def test_a_listed_user_has_the_fields_of_2026(aha: ServedAha) -> None:
    _, client = aha
    answer = client.get("/users")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    user = answer.json()["users"][0]
    assert list(user) == [
        "id",
        "name",
        "email",
        "timezone",
        "created_at",
        "updated_at",
        "accessed_at",
        "product_roles",
        "user_roles",
        "enabled",
        "paid_seat",
        "administrator",
        "roadmaps_seat",
        "develop_seat",
        "administrator_roles",
        "identity_provider",
    ]
    assert user["created_at"].endswith(".000Z")


def test_the_fields_of_2025_and_the_seat_group_can_be_switched(aha: ServedAha) -> None:
    vendor, client = aha
    number = last_id(vendor)
    vendor.tenant.put_user({"id": number, "seat_group": "572805993"})

    def user() -> dict[str, Any]:
        users = client.get("/users?per_page=200").json()["users"]
        return dict(next(user for user in users if user["id"] == number))

    assert user()["paid_seat_group"] == {"id": "572805993", "name": "Product"}
    vendor.switches.paid_seat_group = "int"
    assert user()["paid_seat_group"]["id"] == 572805993
    vendor.switches.paid_seat_group = "absent"
    assert "paid_seat_group" not in user()
    vendor.switches.user_shape = "2025"
    assert not {"timezone", "roadmaps_seat", "develop_seat"} & user().keys()


def test_one_user_comes_wrapped_and_without_custom_roles(aha: ServedAha) -> None:
    vendor, client = aha
    number = last_id(vendor)
    shown = client.get(f"/users/{number}").json()
    assert list(shown) == ["user"]
    assert shown["user"]["id"] == number
    assert "user_roles" not in shown["user"]


def test_the_email_filter_finds_one(aha: ServedAha) -> None:
    vendor, client = aha
    user = vendor.tenant.users[last_id(vendor)]
    found = client.get("/users", params={"email": user.email}).json()
    assert [found["users"][0]["id"], found["pagination"]["total_records"]] == [user.id, 1]
    none = client.get("/users", params={"email": "nobody@example.test"}).json()
    assert none["pagination"] == {"total_records": 0, "total_pages": 0, "current_page": 1}


def test_disabling_answers_a_bare_user_that_keeps_roles_and_seat(aha: ServedAha) -> None:
    vendor, client = aha
    number = next(user.id for user in vendor.tenant.users.values() if user.product_roles)
    before = client.get(f"/users/{number}").json()["user"]
    sent = {"user": {"first_name": "Sarah", "enabled": False}}
    after = client.put(f"/users/{number}", json=sent).json()
    assert after["name"] == f"Sarah {before['name'].partition(' ')[2]}"
    assert after["enabled"] is False
    assert after["product_roles"] == before["product_roles"]
    assert after["paid_seat"] == before["paid_seat"]
    assert not {"user", "user_roles", "roadmaps_seat", "develop_seat"} & after.keys()


def test_any_administrator_role_makes_an_administrator(aha: ServedAha) -> None:
    vendor, client = aha
    path = f"/users/{last_id(vendor)}"
    roles = {"administer_billing": True}
    shown = client.put(path, json={"user": {"administrator_roles": roles}}).json()
    assert shown["administrator"] is True
    assert shown["administrator_roles"]["administer_account"] is False
    shown = client.put(path, json={"user": {"administrator": "true"}}).json()
    assert set(shown["administrator_roles"].values()) == {True}
    shown = client.put(path, json={"user": {"administrator": False}}).json()
    assert shown["administrator"] is False


def test_oneself_cannot_be_disabled(aha: ServedAha) -> None:
    vendor, client = aha
    answer = client.put(f"/users/{vendor.tenant.me}", json={"user": {"enabled": False}})
    assert answer.status_code == 400
    assert answer.json()["error"] == "Validation failed"


def test_a_user_is_made_in_a_product_with_200(aha: ServedAha) -> None:
    vendor, client = aha
    made = client.post("/products/WEB/users", json={"user": {**PERSON, "role": "contributor"}})
    assert made.status_code == 200
    body = made.json()
    assert (body["role"], body["role_description"]) == (30, "Contributor")
    assert list(body["user"]) == ["id", "name", "email", "created_at", "updated_at"]
    assert vendor.tenant.users[body["user"]["id"]].paid_seat
    again = client.post("/products/WEB/users", json={"user": {**PERSON, "role": "viewer"}})
    assert again.status_code == 400
    assert again.json()["errors"] == {"message": "Email has already been taken"}


def test_product_roles_are_set_listed_and_taken_away(aha: ServedAha) -> None:
    vendor, client = aha
    path = f"/users/{vendor.tenant.me}/product_roles"
    sent = {"product_role": {"role": "product_owner", "product_id": "LAB"}}
    role = client.post(path, json=sent).json()
    assert role == {
        "role": 20,
        "role_description": "Owner",
        "product_id": role["product_id"],
        "product_name": None,
    }
    assert role in client.get(path).json()["product_roles"]
    assert client.delete(f"{path}/LAB").status_code == 204
    assert client.delete(f"{path}/LAB").status_code == 404
    none = client.post(path, json={"product_role": {"role": "none", "product_id": "WEB"}}).json()
    assert (none["role"], none["role_description"]) == (0, "None")


def test_custom_roles_are_set_listed_and_taken_away(aha: ServedAha) -> None:
    vendor, client = aha
    path = f"/users/{vendor.tenant.me}/user_roles"
    product = vendor.tenant.products.first("WEB")
    assert product is not None
    sent = {"user_role": {"custom_role_id": 409541421, "product_id": int(product.id)}}
    role = client.post(path, json=sent).json()
    scope = {"type": "project", "name": "Web shop", "id": int(product.id)}
    assert role == {"role_id": 409541421, "name": "Roadmap steward", "scope": scope}
    assert client.get(path).json()["user_roles"] == [role]
    assert client.delete(f"{path}/WEB").status_code == 204
    assert client.get(path).json()["user_roles"] == []


def test_products_their_users_and_seat_groups_are_listed(aha: ServedAha) -> None:
    vendor, client = aha
    products = client.get("/products").json()
    assert products["pagination"]["total_records"] == 7
    assert products["products"][0]["product_line"] is True
    users = client.get("/products/WEB/users").json()
    assert list(users["project_users"][0]) == ["role", "role_description", "user"]
    seats = client.get("/paid_seat_groups").json()
    assert list(seats) == ["paid_seat_groups"]
    assert seats["paid_seat_groups"][0]["administrators"][0]["id"] == vendor.tenant.me


def test_a_renamed_product_shows_in_the_roles_of_users(aha: ServedAha) -> None:
    vendor, client = aha
    assert b"Web shop" in client.get("/users").content
    product = vendor.tenant.products.first("WEB")
    assert product is not None
    vendor.tenant.products[product.id] = replace(product, name="Storefront")
    assert b"Web shop" not in client.get("/users").content
    vendor.switches.product_names_hidden = True
    roles = [
        role for user in client.get("/users").json()["users"] for role in user["product_roles"]
    ]
    assert {role["product_name"] for role in roles} == {None}


def test_me_does_not_say_who_is_administrator(aha: ServedAha) -> None:
    vendor, client = aha
    me = client.get("/me").json()["user"]
    assert me["id"] == vendor.tenant.me
    assert "administrator" not in me
    assert me["accounts"][0]["account"]["domain"] == "northwind"


def test_an_unknown_record_is_json_and_an_unknown_path_html(aha: ServedAha) -> None:
    _, client = aha
    record = client.get("/users/12")
    assert (record.status_code, record.json()) == (404, {"error": "Record not found."})
    path = client.get("/me/profile")
    assert (path.status_code, path.headers["content-type"]) == (404, "text/html")
    assert client.delete("/users/12").headers["content-type"] == "text/html"


@pytest.mark.parametrize("header", ["Bearer wrong", "", "sample-aha-key"])
def test_a_wrong_key_gets_a_401_in_html(aha: ServedAha, header: str) -> None:
    _, client = aha
    answer = client.get("/users", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")


def test_disabled_users_can_be_left_out(aha: ServedAha) -> None:
    vendor, client = aha
    disabled = sum(not user.enabled for user in vendor.tenant.users.values())
    assert disabled
    vendor.switches.disabled_listed = False
    assert client.get("/users").json()["pagination"]["total_records"] == 70 - disabled


def test_the_limit_is_told_in_ratelimit_headers_and_retry_after_only_when_asked(
    aha: ServedAha,
) -> None:
    vendor, client = aha
    vendor.switches.rate_limit = (1, 30)
    assert client.get("/me").headers["x-ratelimit-remaining"] == "0"
    over = client.get("/me")
    assert over.status_code == 429
    assert int(over.headers["x-ratelimit-reset"]) > vendor.log[-1].at
    assert "retry-after" not in over.headers
    vendor.switches.retry_after = "retry_after"
    assert int(client.get("/me").headers["retry_after"]) > 0


def test_a_key_without_the_right_to_users_still_knows_itself(aha: ServedAha) -> None:
    vendor, client = aha
    vendor.switches.users_refused = True
    assert client.get("/users").status_code == 403
    assert client.get("/me").status_code == 200
