"""What the demo data promises, and that a big account is listed without walking it."""

from __future__ import annotations

import time

import pytest

from local.vendors import Switches
from local.vendors.activecampaign_shapes import User
from local.vendors.calls import Call
from local.vendors.seed import person, seed_activecampaign, seed_aha


def test_every_person_has_a_mail_address_of_their_own() -> None:
    mails = [person(number).email for number in range(10_000)]
    assert len(set(mails)) == len(mails)
    assert all(mail.isascii() for mail in mails)


def test_the_same_data_comes_every_time() -> None:
    assert dict(seed_aha(50).users) == dict(seed_aha(50).users)
    assert dict(seed_activecampaign(50).users) == dict(seed_activecampaign(50).users)


def test_a_third_of_aha_is_in_activecampaign_with_the_same_mail() -> None:
    others = {user.email for user in seed_activecampaign().users.values()}
    mails = [user.email for user in seed_aha().users.values()]
    assert sum(mail in others for mail in mails) >= len(mails) / 3
    assert any(mail not in others and mail.lower() in others for mail in mails)


def test_aha_has_every_kind_of_user() -> None:
    tenant = seed_aha()
    users = list(tenant.users.values())
    hidden = {product.id for product in tenant.products.values() if product.hidden}
    assert {tuple(user.administers) for user in users} >= {
        (True, True, True),
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (False, False, False),
    }
    assert {user.enabled for user in users} == {True, False}
    assert any(user.accessed_at is None for user in users)
    assert any(user.user_roles for user in users)
    assert any(user.seat_group for user in users)
    assert any(user.provider for user in users)
    assert any(len(user.product_roles) > 1 for user in users)
    roles = [role for user in users for role in user.product_roles]
    assert {role for _, role in roles} == {0, 20, 30, 35, 40, 50}
    assert hidden & {product for product, _ in roles}


def test_activecampaign_has_an_owner_and_members_in_every_group() -> None:
    tenant = seed_activecampaign(users=250, groups=8)
    assert tenant.users["1"].username == "admin"
    assert list(tenant.groups) == ["3", "4", "5", "6", "7", "8", "9", "10"]
    assert all(tenant.users.count(f"group:{number}") for number in tenant.groups)


def test_a_record_is_stored_under_its_own_id() -> None:
    users = seed_activecampaign(users=3).users
    with pytest.raises(ValueError, match="stored under"):
        users["9"] = User("8", "a", "a@example.test")


def test_a_page_of_a_big_account_costs_about_as_much_as_one_of_a_small() -> None:
    def cost(users: int) -> float:
        tenant = seed_activecampaign(users=users)
        query = {"limit": "100", "offset": str(users - 100)}
        headers = {"api-token": tenant.token}
        call = Call("GET", "/api/3/users", query=query, headers=headers)
        times = []
        for _ in range(20):
            before = time.perf_counter()
            assert tenant.answer(call, Switches()).status == 200
            times.append(time.perf_counter() - before)
        return min(times)

    assert cost(20_000) < 10 * cost(200)
