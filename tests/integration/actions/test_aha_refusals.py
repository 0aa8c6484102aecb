"""What is not done to an Aha! account, and how the app's refusals reach the caller."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.vendors import serve
from local.vendors.seed import seed_aha
from local.vendors.switches import Fault
from tests.integration.actions.account import PROBLEM, ZED, Account
from tests.integration.actions.conftest import Desk

VALID = {"first_name": "Zed"}


@pytest.fixture
def aha(desk: Desk) -> Iterator[Account]:
    with serve(seed_aha(18)) as vendor:
        yield Account(desk, vendor)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"email": None}, "email"),
    ({"email": " "}, "email"),
    ({"first_name": 7}, "first_name"),
    ({"role": "owner"}, "role"),
    ({"role": None}, "role"),
    ({"product_id": ""}, "product_id"),
    ({"product_id": "  "}, "product_id"),
    ({"product_id": ".."}, "product_id"),
    ({"product_id": True}, "product_id"),
    ({"enabled": True}, "enabled"),
]


def test_what_is_missing_or_wrong_is_told_by_input_and_the_app_is_not_called(aha: Account) -> None:
    for changes, field in WRONG:
        answer = aha("POST", "users", ZED | changes)
        assert (answer.status, answer.fields) == (422, [field]), changes
    assert aha.vendor.log == []


DISABLING: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("deactivate_user", {}, {}),
    ("update_user", {"enabled": False}, {}),
    ("update_user", {"enabled": False}, {"method": "PATCH"}),
    ("reactivate_user", {}, {"body": {"user": {"enabled": False}}}),
    ("reactivate_user", {}, {"body": {"user": {"enabled": "off"}}}),
    ("reactivate_user", {}, {"body": {"enabled": "{{ false }}"}}),
    ("reactivate_user", {}, {"params": {"user[enabled]": "0"}}),
    ("reactivate_user", {}, {"url": "/users/{{ external_id }}?enabled=false"}),
    ("deactivate_user", {}, {"url": "/users/{{ external_id }}.json"}),
    ("deactivate_user", {}, {"url": "/users/0{{ external_id }}/"}),
]


def test_the_keys_own_user_is_never_deactivated(aha: Account) -> None:
    for preset, inputs, overrides in DISABLING:
        answer = aha.use(preset, 0, inputs, overrides=overrides)
        assert (answer.status, answer.json["type"]) == (409, f"{PROBLEM}conflict"), overrides
        assert "whose key" in answer.json["detail"]
    assert aha.writes() == []
    assert aha.user(0).enabled is True


def test_nor_by_the_shorthands_nor_from_another_users_preset(aha: Account) -> None:
    own = aha.ids[0]
    assert aha("POST", f"users/{own}/deactivate").status == 409
    assert aha("PATCH", f"users/{own}", {"enabled": False}).status == 409
    elsewhere = {"url": f"/users/{own}"}
    assert aha.use("deactivate_user", 6, overrides=elsewhere).status == 409
    assert aha.writes() == []
    assert aha("PATCH", f"users/{own}", {"last_name": "Same", "enabled": True}).status == 200
    aha.unchanged()


def test_deleting_is_not_there_and_what_is_there_is_told(aha: Account) -> None:
    answer = aha("DELETE", f"users/{aha.ids[6]}")
    assert answer.status == 404
    assert "delete_user" in answer.json["detail"]
    assert "deactivate_user" in answer.json["detail"]
    assert aha.vendor.log == []


FAULTS = [
    (Fault("^PUT", status=403), 502, "vendor-forbidden"),
    (Fault("^PUT", kind="html", status=404), 404, "vendor-not-found"),
    (Fault("^PUT", status=429, retry_after=7), 503, "vendor-throttled"),
    (Fault("^PUT", status=500), 502, "vendor-broken"),
    (Fault("^PUT", kind="html", status=503), 502, "vendor-broken"),
    (Fault("^PUT", kind="drop"), 502, "vendor-broken"),
    (Fault("^PUT", kind="html"), 502, "vendor-broken"),
    (Fault("^PUT", kind="redirect"), 502, "vendor-broken"),
    (Fault("^PUT", kind="truncated_json"), 502, "vendor-broken"),
]


def test_each_failure_of_the_app_is_told_apart(aha: Account) -> None:
    for fault, status, problem in FAULTS:
        aha.vendor.switches.faults = [fault]
        aha.vendor.log.clear()
        answer = aha("PATCH", f"users/{aha.ids[6]}", VALID)
        assert (answer.status, answer.json["type"]) == (status, PROBLEM + problem), fault
        assert answer.headers.get("Retry-After") == ("7" if status == 503 else None)
        assert len(aha.writes()) == 1
        assert aha.status() != "needs_reconnect"
    aha.vendor.switches.faults = []
    aha.unchanged()


FOUND_FAULT: list[tuple[str, list[tuple[str, str]]]] = [
    ('{"errors": {"email": ["is taken", "is odd"]}}', [("email", "is taken"), ("email", "is odd")]),
    ('{"errors": {"first_name": "is rude"}}', [("first_name", "is rude")]),
    ('{"errors": {"message": "Email is invalid"}}', [("email", "Email is invalid")]),
    ('{"errors": [{"message": "First name is rude"}]}', [("first_name", "First name is rude")]),
    ('{"errors": ["Last name is rude"]}', [("last_name", "Last name is rude")]),
    ('{"error": "email must be one"}', [("email", "email must be one")]),
    ('{"error": "Validation failed", "errors": {"message": "No seat is left"}}', []),
]


def test_what_the_app_finds_fault_with_is_told_field_by_field(aha: Account) -> None:
    for status in (400, 422):
        for body, errors in FOUND_FAULT:
            aha.vendor.switches.faults = [Fault("^PUT", status=status, body=body)]
            answer = aha("PATCH", f"users/{aha.ids[6]}", VALID)
            assert (answer.status, answer.json["type"]) == (422, f"{PROBLEM}vendor-rejected"), body
            told = answer.json.get("errors", [])
            assert [(one["field"], one["message"]) for one in told] == errors
            assert (errors[0][1] if errors else "No seat is left") in answer.json["detail"]


def test_a_refused_key_asks_for_a_new_one_until_a_call_works(aha: Account) -> None:
    aha.vendor.switches.token_valid = False
    answer = aha("PATCH", f"users/{aha.ids[6]}", VALID)
    assert (answer.status, answer.json["type"]) == (502, f"{PROBLEM}vendor-unauthorized")
    assert aha.status() == "needs_reconnect"
    assert aha("GET", f"users/{aha.ids[6]}").status == 502
    aha.vendor.switches.token_valid = True
    assert aha("GET", f"users/{aha.ids[6]}").status == 200
    assert aha.status() == "active"
    aha.unchanged()
