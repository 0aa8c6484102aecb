"""The roster over HTTP, after the sync has filled the directory."""

import pytest

from rollcall.connectors.records import Grant
from rollcall.directory import keys
from tests.integration.api.caller import Caller, Context
from tests.integration.api.roster import NOW, fill, record


def remove(api: Caller, integration_id: str, external_id: str) -> None:
    changes = {"status": "removed", "removed_at": "2026-11-23T00:00:00.000Z", "removed_by_run": "r"}
    api.directory.update(keys.integration(integration_id), keys.account(external_id), changes)


def revoke(api: Caller, integration_id: str, grant: Grant) -> None:
    changes = {"status": "revoked", "revoked_at": NOW, "revoked_by_run": "r"}
    api.directory.update(keys.integration(integration_id), keys.grant(grant), changes)


@pytest.fixture
def filled(api: Caller) -> str:
    """The id of an integration with five accounts, the fifth removed."""
    integration_id = str(api.integration()["id"])
    fill(api, integration_id, [record(number) for number in range(1, 6)])
    remove(api, integration_id, "5")
    state = {"last_status": "succeeded", "last_good_at": NOW, "last_sync_at": NOW}
    api.config.put({"pk": "STATE", "sk": integration_id, **state})
    return integration_id


def test_accounts_include_removed_ones_unless_status_says_otherwise(
    api: Caller, filled: str
) -> None:
    path = f"/v1/integrations/{filled}/accounts"
    ids = [account["external_id"] for account in api.everything(path, limit=2)]
    assert ids == ["1", "2", "3", "4", "5"]
    active = api.everything(path, limit=2, status="active")
    assert [account["external_id"] for account in active] == ["1", "2", "3", "4"]
    assert [one["external_id"] for one in api.everything(path, status="removed")] == ["5"]
    assert api.everything(path, status="inactive") == []
    assert api("GET", path, query={"status": "gone"}).fields == ["status"]


def test_an_account_shows_its_record_its_fields_and_where_it_comes_from(
    api: Caller, filled: str
) -> None:
    account = api("GET", f"/v1/integrations/{filled}/accounts/1").json
    person_id = account.pop("person_id")
    assert account == {
        "integration_id": filled,
        "external_id": "1",
        "username": "ann01",
        "email": "ann01@example.com",
        "display_name": "Ann Number 1",
        "status": "active",
        "last_active_at": None,
        "attributes": record(1),
        "fields": {
            "email": "ann01@example.com",
            "first_name": "Ann",
            "last_name": "Number 1",
            "id": "1",
            "phone": None,
            "signature": None,
            "username": "ann01",
            "connect_credentials": "key",
            "connect_subdomain": "acme",
            "connector_sync_time": NOW,
        },
        "first_seen_at": NOW,
        "last_changed_at": NOW,
        "removed_at": None,
        "removed_by_run": None,
        "version": 1,
    }
    assert api("GET", f"/v1/people/{person_id}").json["email"] == "ann01@example.com"
    removed = api("GET", f"/v1/integrations/{filled}/accounts/5").json
    assert removed["status"] == "removed"
    assert removed["fields"]["connector_sync_time"] == removed["removed_at"]
    assert api("GET", f"/v1/integrations/{filled}/accounts/77").status == 404


def test_the_host_stands_where_there_is_no_subdomain(api: Caller) -> None:
    integration = api.integration(subdomain=None, base_url="https://crm.example.com/api/3")
    fill(api, integration["id"], [record(1)])
    account = api("GET", f"/v1/integrations/{integration['id']}/accounts/1").json
    assert account["fields"]["connect_subdomain"] == "crm.example.com"
    assert account["fields"]["connector_sync_time"] is None


def test_groups_count_who_holds_them_now(api: Caller, filled: str) -> None:
    path = f"/v1/integrations/{filled}/groups"
    admins, rnd = api.everything(path, limit=1)
    assert (admins["external_id"], admins["name"], admins["is_admin"]) == ("3", "Admin", True)
    assert admins["member_count"] == 2
    assert admins["attributes"] == {"id": "3", "title": "Admin"}
    assert (rnd["external_id"], rnd["is_admin"], rnd["member_count"]) == ("9/#", False, 1)
    revoke(api, filled, Grant("2", "group", "3", None))
    assert api.everything(path)[0]["member_count"] == 1


def test_grants_are_those_held_now_unless_status_says_otherwise(api: Caller, filled: str) -> None:
    path = f"/v1/integrations/{filled}/grants"
    revoke(api, filled, Grant("2", "group", "3", None))

    def listed(**query: str) -> list[tuple[str, str, str]]:
        return [
            (one["account"], one["entitlement"]["type"], one["entitlement"]["id"])
            for one in api.everything(path, limit=1, **query)
        ]

    assert listed() == [
        ("1", "admin", "3"), ("1", "group", "3"), ("2", "group", "9/#"), ("3", "role", "owner")
    ]  # fmt: skip
    assert listed(account="2") == [("2", "group", "9/#")]
    assert listed(group="3") == [("1", "group", "3")]
    assert listed(group="3", status="revoked") == [("2", "group", "3")]
    assert listed(group="3", status="all") == [("1", "group", "3"), ("2", "group", "3")]
    assert listed(group="9/#", account="2") == [("2", "group", "9/#")]
    assert listed(group="9/#", account="1") == []
    assert listed(account="nobody") == []
    assert len(listed(status="all")) == 5
    role = api.everything(path, account="3")[0]
    assert role == {
        "account": "3",
        "entitlement": {
            "type": "role", "id": "owner", "name": "Owner", "scope": "p1", "scope_name": "Product"
        },
        "status": "held",
        "granted_at": NOW,
        "revoked_at": None,
    }  # fmt: skip


@pytest.mark.usefixtures("filled")
def test_people_are_listed_and_found(api: Caller) -> None:
    everybody = api.everything("/v1/people", limit=2)
    emails = [person["email"] for person in everybody]
    assert emails == [f"ann{number:02}@example.com" for number in range(1, 6)]
    (one,) = api.everything("/v1/people", email="ANN03@Example.com")
    assert one == everybody[2]
    assert api.everything("/v1/people", email="ann03@example.co") == []
    assert api.everything("/v1/people", email="") == []
    assert [p["email"] for p in api.everything("/v1/people", limit=1, q="number 4")] == emails[3:4]
    assert api.everything("/v1/people", limit=2, q="ANN0") == everybody
    assert api.everything("/v1/people", limit=5, q="ann0") == everybody
    assert api.everything("/v1/people", q="nobody") == []
    assert api("GET", "/v1/people", query={"q": ""}).fields == ["q"]


def test_a_person_has_its_fields_flat_and_its_accounts(api: Caller, filled: str) -> None:
    other = api.integration(application="Second")["id"]
    fill(api, other, [record(8, email="ANN01@example.com", username="other")])
    (person,) = api.everything("/v1/people", email="ann01@example.com")
    assert api("GET", f"/v1/people/{person['id']}").json == person
    assert person["first_name"] == "Ann"
    assert person["role"] == "Employee"
    assert person["department"] is None
    places = {(one["integration_id"], one["external_id"]) for one in person["accounts"]}
    assert places == {(filled, "1"), (other, "8")}


def test_applications_gather_the_accounts_of_their_integrations(api: Caller, filled: str) -> None:
    second = api.integration()["id"]
    fill(api, second, [record(number) for number in (1, 2, 3)])
    other = api.integration(application="Aha! (EU)")["id"]
    listed = api.everything("/v1/applications", limit=1)
    assert listed == [
        {
            "name": "ActiveCampaign",
            "connectors": ["activecampaign"],
            "integration_ids": [filled, second],
            "account_count": 7,
        },
        {
            "name": "Aha! (EU)",
            "connectors": ["activecampaign"],
            "integration_ids": [other],
            "account_count": 0,
        },
    ]
    path = "/v1/applications/ActiveCampaign/accounts"
    for limit in (1, 2, 3, 5, 8, 100):
        accounts = api.everything(path, limit=limit)
        places = [(one["integration_id"], one["external_id"]) for one in accounts]
        assert places == [(filled, str(n)) for n in range(1, 6)] + [
            (second, str(n)) for n in range(1, 4)
        ], limit
    assert len(api.everything(path, status="active", limit=2)) == 7
    assert api.everything("/v1/applications/Aha! (EU)/accounts") == []


def test_kept_accounts_stay_with_people_and_applications(api: Caller, filled: str) -> None:
    assert api("DELETE", f"/v1/integrations/{filled}").status == 204
    assert api("GET", f"/v1/integrations/{filled}/accounts").status == 404
    (application,) = api.everything("/v1/applications")
    assert (application["integration_ids"], application["account_count"]) == ([filled], 4)
    accounts = api.everything("/v1/applications/ActiveCampaign/accounts")
    assert [one["external_id"] for one in accounts] == ["1", "2", "3", "4", "5"]
    assert accounts[0]["fields"]["connect_credentials"] is None
    (person,) = api.everything("/v1/people", email="ann01@example.com")
    assert person["accounts"][0]["integration_id"] == filled


def test_kept_accounts_can_be_deleted_later(api: Caller, filled: str) -> None:
    path = f"/v1/integrations/{filled}"
    assert api("DELETE", path).status == 204
    assert api("DELETE", path, query={"accounts": "keep"}).status == 404
    assert api("DELETE", path, query={"accounts": "delete"}).status == 204
    assert api("DELETE", path, query={"accounts": "delete"}).status == 404
    assert api.everything("/v1/applications") == []


def test_deletion_takes_accounts_groups_and_grants_and_leaves_the_people(
    api: Caller, filled: str
) -> None:
    answer = api("DELETE", f"/v1/integrations/{filled}", query={"accounts": "delete"})
    assert answer.status == 204
    assert list(api.directory.query(keys.integration(filled))) == []
    assert api.everything("/v1/applications") == []
    people = api.everything("/v1/people")
    assert len(people) == 5
    assert people[0]["accounts"] == []


def test_a_deletion_that_runs_out_of_time_goes_on_when_called_again(
    api: Caller, filled: str
) -> None:
    fill(api, filled, [record(number) for number in range(10, 60)])
    path = f"/v1/integrations/{filled}"
    api.context = Context(remaining_ms=100)
    answer = api("DELETE", path, query={"accounts": "delete"})
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
    assert api("GET", path).status == 404
    api.context = Context()
    assert api("DELETE", path, query={"accounts": "delete"}).status == 204
    assert list(api.directory.query(keys.integration(filled))) == []
