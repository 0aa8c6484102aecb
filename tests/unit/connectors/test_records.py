"""What the roster keeps of each app's records, in the shapes they had and have."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors import catalog
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.records import (
    LARGEST_RECORD,
    Account,
    Grant,
    Group,
    Reader,
    Unreadable,
    read_fields,
)
from tests.manifests import manifest

FIXTURES = Path(__file__).parents[2] / "fixtures"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def connector(key: str) -> Manifest:
    found = catalog.find(key)
    assert found is not None
    return found


ACTIVECAMPAIGN = connector("activecampaign")
AHA = connector("aha")


def listed(key: str) -> list[dict[str, Any]]:
    pages = sorted((FIXTURES / key).glob("users.*.json"))
    return [user for page in pages for user in json.loads(page.read_text())["users"]]


def taken(of: Manifest, record: Any) -> Account:
    account = Reader(of).account(record)
    assert isinstance(account, Account)
    return account


@pytest.mark.parametrize("of", [ACTIVECAMPAIGN, AHA])
@pytest.mark.parametrize("external_id", [None, "", "  ", True, [], {}, 1.5])
def test_a_record_without_an_id_cannot_be_taken(of: Manifest, external_id: Any) -> None:
    unread = Reader(of).account({"email": "a@example.test", "id": external_id})
    assert isinstance(unread, Unreadable)
    assert (unread.external_id, unread.code) == (None, "id-missing")
    unread_group = Reader(ACTIVECAMPAIGN).group({"title": "Admin", "id": external_id})
    assert isinstance(unread_group, Unreadable)
    assert unread_group.code == "id-missing"


@pytest.mark.parametrize("letter", ["x", "é", "中"])
def test_a_record_of_more_bytes_than_an_item_holds_cannot_be_taken(letter: str) -> None:
    wide = len(letter.encode())
    record = {"id": "1", "signature": letter * (LARGEST_RECORD // wide)}
    unread = Reader(ACTIVECAMPAIGN).account(record)
    assert isinstance(unread, Unreadable)
    assert (unread.external_id, unread.code) == ("1", "record-too-large")
    assert str(LARGEST_RECORD) in unread.message
    fits = {"id": "1", "signature": letter * (LARGEST_RECORD // wide - 50)}
    assert isinstance(Reader(ACTIVECAMPAIGN).account(fits), Account)


def test_a_connector_without_groups_has_none_to_read() -> None:
    with pytest.raises(ValueError, match="no groups"):
        Reader(AHA).group({"id": "1"})
    with pytest.raises(ValueError, match="no memberships"):
        Reader(AHA).membership({"user": "1", "group": "2"}, None)
    assert Reader(AHA).member_group({"group": "2"}) is None


@given(st.dictionaries(st.sampled_from(sorted({*listed("aha")[0], "links", "user"})), JSON))
def test_no_record_makes_reading_raise(record: dict[str, Any]) -> None:
    for of in (ACTIVECAMPAIGN, AHA):
        account = Reader(of).account(record)
        assert isinstance(account, Account | Unreadable)
        assert set(read_fields(of, record)) == {field.key for field in of.fields}


def test_an_empty_user_of_activecampaign_is_an_account_with_nothing_in_it() -> None:
    account = taken(ACTIVECAMPAIGN, {"id": 7})
    assert account.external_id == "7"
    assert account.username is account.email is account.display_name is None
    assert account.last_active_at is None
    assert account.status == "active"
    assert account.record == {"id": 7}
    assert account.grants == ()


def test_an_activecampaign_user_as_recorded() -> None:
    owner, hokus, mika, zoe, older = (
        taken(ACTIVECAMPAIGN, user) for user in listed("activecampaign")
    )
    assert owner.username == "admin"
    assert owner.display_name is None
    assert zoe.display_name == "Zoë Łuczak"
    assert mika.last_active_at is None
    assert older.external_id == "31"
    assert {one.status for one in (owner, hokus, mika, zoe, older)} == {"active"}
    assert json.loads(hokus.attributes) == listed("activecampaign")[1]


def test_ids_are_the_same_as_strings_and_as_numbers() -> None:
    as_text = taken(ACTIVECAMPAIGN, {"id": "24", "email": "a@example.test"})
    as_number = taken(ACTIVECAMPAIGN, {"id": 24, "email": "a@example.test"})
    assert as_text.external_id == as_number.external_id
    long = taken(AHA, {"id": 6776757454431877834})
    assert long.external_id == taken(AHA, {"id": "6776757454431877834"}).external_id


def test_aha_users_of_both_years_are_read() -> None:
    bob, mary, sam, gone = (taken(AHA, user) for user in listed("aha"))
    assert bob.last_active_at == "2026-11-20T08:15:30.000Z"
    assert mary.last_active_at is None
    assert (bob.status, gone.status) == ("active", "inactive")
    assert sam.external_id == "6776757454431877834"
    assert (sam.email, sam.display_name) == ("sam.doe@example.test", "sam doe")
    assert bob.username is None


def test_aha_roles_are_grants_with_their_product_as_scope() -> None:
    bob, mary, sam, gone = (taken(AHA, user) for user in listed("aha"))
    admin = Grant("82352673", "admin", "administrator", "Administrator", told_by="administrator")
    roles = "product_roles"
    assert set(bob.grants) == {
        Grant("82352673", "role", "20", "Owner", "131414752", "Project 1", roles),
        Grant("82352673", "role", "20", "Owner", "517761884", None, roles),
        admin,
    }
    assert [grant.id for grant in mary.grants] == ["50", "administrator"]  # role 0 is none at all
    assert sam.grants == (
        Grant("6776757454431877834", "role", "40", "Reviewer", "131414752", "Project 1", roles),
        Grant(
            "6776757454431877834",
            "role",
            "409541421",
            "Project scoped role 1",
            "303742481",
            "Account 1",
            "user_roles",
        ),
    )
    assert gone.grants == ()


@pytest.mark.parametrize(
    "rows",
    [
        None,
        "none",
        {},
        {"role": 20},
        [None],
        ["Owner"],
        [{}],
        [{"role": None}],
        [{"role": 0}],
        [{"role": "0"}],
    ],
)
def test_what_is_no_role_is_no_grant(rows: Any) -> None:
    assert taken(AHA, {"id": "1", "product_roles": rows, "user_roles": rows}).grants == ()


@pytest.mark.parametrize(
    ("flag", "admin"),
    [(True, True), ("1", True), (1, True), (False, False), (None, False), ("maybe", False)],
)
def test_the_administrator_flag_is_a_grant_while_it_is_set(flag: Any, admin: bool) -> None:
    grants = taken(AHA, {"id": "1", "administrator": flag}).grants
    assert [grant.type for grant in grants] == (["admin"] if admin else [])


@pytest.mark.parametrize(
    ("enabled", "status"),
    [(True, "active"), (False, "inactive"), ("0", "inactive"), (None, "active"), ("?", "active")],
)
def test_only_a_user_who_is_told_to_be_disabled_is_inactive(enabled: Any, status: str) -> None:
    assert taken(AHA, {"id": "1", "enabled": enabled}).status == status


def test_standard_fields_have_the_type_they_are_said_to_have() -> None:
    bob = read_fields(AHA, listed("aha")[0])
    assert bob == {
        "accessed_at": "2026-11-20T08:15:30.000Z",
        "created_at": "2019-01-01T00:00:00.000Z",
        "email": "bob@example.test",
        "id": "82352673",
        "is_administrator": True,
        "is_enabled": True,
        "is_paid_seat": True,
        "name": "Bob Smith",
        "updated_at": "2026-08-01T10:00:00.000Z",
    }
    zero = read_fields(AHA, {"id": 1, "accessed_at": "0000-00-00 00:00:00", "enabled": "0"})
    assert zero["accessed_at"] is None
    assert zero["is_enabled"] is False
    assert zero["is_paid_seat"] is None
    assert zero["id"] == "1"


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    for of, key in ((ACTIVECAMPAIGN, "activecampaign"), (AHA, "aha")):
        for record in listed(key):
            backwards = json.loads(
                json.dumps(record), object_pairs_hook=lambda pairs: dict(reversed(pairs))
            )
            assert list(backwards) != list(record)
            assert taken(of, backwards) == taken(of, record)


@pytest.mark.parametrize(("of", "key"), [(ACTIVECAMPAIGN, "activecampaign"), (AHA, "aha")])
def test_the_hash_changes_with_any_value_of_the_record(of: Manifest, key: str) -> None:
    record = listed(key)[0]
    hashes = {taken(of, record).hash}
    for name in record:
        if name != "id":
            hashes.add(taken(of, {**record, name: "something else"}).hash)
            hashes.add(taken(of, {other: record[other] for other in record if other != name}).hash)
    hashes.add(taken(of, {**record, "brand_new": None}).hash)
    assert len(hashes) == 2 * (len(record) - 1) + 2


def test_the_hash_changes_with_the_version_and_the_way_of_reading() -> None:
    record = listed("aha")[0]
    users = AHA.users
    others = [
        replace(AHA, fields=AHA.fields[:-1]),
        replace(AHA, users=replace(users, listed=users.listed[:1])),
        replace(AHA, users=replace(users, flagged=())),
        replace(AHA, users=replace(users, columns=replace(users.columns, enabled=""))),
    ]
    hashes = {taken(of, record).hash for of in (AHA, *others)}
    for version in (b"1", b"2"):
        versioned = Reader(AHA, version).account(record)
        assert isinstance(versioned, Account)
        hashes.add(versioned.hash)
    assert len(hashes) == len(others) + 3
    assert taken(replace(AHA, description="New words"), record).hash == taken(AHA, record).hash


def test_the_hash_of_an_integration_with_a_mapping_of_its_own_ignores_the_connectors() -> None:
    record = listed("aha")[0]
    other = replace(AHA, mapping=AHA.mapping[:-1])
    assert taken(other, record).hash == taken(AHA, record).hash


@pytest.mark.parametrize(
    ("record", "admin"),
    [
        ({"id": "3", "title": "Renamed", "p_admin": "0"}, True),
        ({"id": 3, "title": "Admin"}, True),
        ({"id": "9", "title": "Admin"}, True),
        ({"id": "4", "title": "Sales", "p_admin": "1"}, False),
        ({"id": "4"}, False),
        ({"id": "4", "title": "admin", "p_admin": 1}, False),
    ],
)
def test_an_admin_group_is_told_by_id_or_name_and_never_by_p_admin(
    record: dict[str, Any], admin: bool
) -> None:
    group = Reader(ACTIVECAMPAIGN).group(record)
    assert isinstance(group, Group)
    assert group.is_admin is admin


ROW = {"userid": "30", "groupid": "36", "id": "30", "group": "36", "user": "30"}


def test_a_membership_is_of_the_group_and_not_of_the_row() -> None:
    sales = Group("36", "Sales", False, "", "")
    assert Reader(ACTIVECAMPAIGN).membership(ROW, sales) == (Grant("30", "group", "36", "Sales"),)
    assert Reader(ACTIVECAMPAIGN).member_group(ROW) == "36"
    assert Reader(ACTIVECAMPAIGN).membership(ROW, None) == (Grant("30", "group", "36", None),)


def test_membership_of_an_admin_group_is_the_admin_right_too() -> None:
    admins = Group("36", "Admin", True, "", "")
    assert Reader(ACTIVECAMPAIGN).membership(ROW, admins) == (
        Grant("30", "group", "36", "Admin"),
        Grant("30", "admin", "36", "Admin"),
    )


@pytest.mark.parametrize(
    "row",
    [
        {"userid": 30, "groupid": 36},
        {"user": "30", "group": "36"},
        {"userid": None, "user": 30, "group": 36},
    ],
)
def test_a_membership_row_of_either_shape_is_read(row: dict[str, Any]) -> None:
    assert Reader(ACTIVECAMPAIGN).membership(row, None) == (Grant("30", "group", "36", None),)


@pytest.mark.parametrize(
    "row", [{}, {"userid": "30"}, {"groupid": "36"}, {"userid": "", "group": ""}]
)
def test_a_row_that_names_no_account_or_no_group_grants_nothing(row: dict[str, Any]) -> None:
    assert Reader(ACTIVECAMPAIGN).membership(row, None) == ()


def test_another_connector_is_read_by_its_own_manifest() -> None:
    example = manifest()
    account = taken(
        example, {"id": 1, "email": "a@example.test", "name": "Ann", "enabled": "false"}
    )
    assert (account.display_name, account.status) == ("Ann", "inactive")
    assert account.email == "a@example.test"
