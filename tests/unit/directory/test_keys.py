"""An app's ids may hold anything, and no two things ever share a key."""

from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors.records import Grant
from rollcall.directory import keys
from rollcall.directory.removal import kind

IDS = st.text(alphabet="ab#%235 ", min_size=1, max_size=6) | st.text(min_size=1, max_size=6)
GRANTS = st.builds(
    Grant,
    account=IDS,
    type=st.sampled_from(["group", "admin", "role"]),
    id=IDS,
    name=st.none(),
    scope=IDS | st.none(),
)


@given(IDS)
def test_an_id_comes_back_from_its_key(external_id: str) -> None:
    assert keys.unescaped(keys.escaped(external_id)) == external_id
    assert "#" not in keys.escaped(external_id)
    assert keys.account_id(keys.account(external_id)) == external_id
    assert keys.group_id(keys.group(external_id)) == external_id


@given(GRANTS)
def test_a_grants_key_tells_its_account(grant: Grant) -> None:
    key = keys.grant(grant)
    assert keys.grant_account(key) == grant.account
    assert key.startswith(keys.grants_of(grant.account))


@given(GRANTS, GRANTS)
def test_two_grants_share_a_key_only_if_they_are_the_same_hold(one: Grant, other: Grant) -> None:
    def hold(grant: Grant) -> tuple[str, ...]:
        return grant.account, grant.type, grant.id, grant.scope or ""

    assert (keys.grant(one) == keys.grant(other)) == (hold(one) == hold(other))


@given(IDS, IDS)
def test_the_grants_of_one_account_are_not_found_among_anothers(one: str, other: str) -> None:
    grant = keys.grant(Grant(other, "group", "1", None))
    assert grant.startswith(keys.grants_of(one)) == (one == other)


@given(IDS)
def test_the_kind_of_a_thing_is_told_by_its_key(external_id: str) -> None:
    assert kind(keys.account(external_id)) == "account"
    assert kind(keys.group(external_id)) == "group"
    assert kind(keys.grant(Grant(external_id, "role", "1", None))) == "grant"


def test_a_sync_key_is_the_same_however_it_is_written() -> None:
    assert keys.sync_key("email", " Ann@Example.test ") == keys.sync_key(
        "email", "ann@example.test"
    )
    assert keys.sync_key("email", "1") != keys.sync_key("employee_id", "1")


def test_a_number_is_the_same_key_as_its_text_and_as_it_is_read_back() -> None:
    assert keys.sync_key("n", 7) == keys.sync_key("n", "7") == keys.sync_key("n", 7.0)
    assert keys.sync_key("n", 7.5) == keys.sync_key("n", "7.5") != keys.sync_key("n", 7)


@given(st.text(min_size=300, max_size=400), st.text(min_size=300, max_size=400))
def test_a_value_longer_than_a_key_is_still_a_key_of_its_own(one: str, other: str) -> None:
    assert len(keys.sync_key("note", one).encode()) < 2048
    same = one.strip().lower() == other.strip().lower()
    assert (keys.sync_key("note", one) == keys.sync_key("note", other)) == same


def test_people_stand_in_the_list_by_email_or_else_by_username() -> None:
    assert (
        keys.person_index("7", {"email": "Ann@x.test", "username": "a"})["gsi1sk"] == "ann@x.test#7"
    )
    assert keys.person_index("7", {"username": "Ann"})["gsi1sk"] == "ann#7"
    assert keys.person_index("7", {})["gsi1sk"] == "#7"
