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
        "kind": "person",
        "link": None,
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
        "left_at": None,
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


def test_a_person_shows_every_custom_field_null_where_it_is_empty(api: Caller, filled: str) -> None:
    item = {"pk": "FIELD", "sk": "badge", "key": "badge", "name": "Badge", "type": "number"}
    api.config.put({**item, "unique": True})
    (person,) = api.everything("/v1/people", email="ann01@example.com")
    assert person["badge"] is None
    assert person["removed_at"] is None
    pk = keys.person(person["id"])
    stored = api.directory.get(pk, "PERSON")
    assert stored is not None
    api.directory.update(pk, "PERSON", {"fields": {**stored["fields"], "badge": 7}})
    assert api("GET", f"/v1/people/{person['id']}").json["badge"] == 7
    assert filled


def test_people_only_has_people_and_neither_accounts_nor_groups_nor_grants(api: Caller) -> None:
    integration_id = api.integration(load="people")["id"]
    fill(api, integration_id, [record(1)], load="people")
    path = f"/v1/integrations/{integration_id}"
    for listed in ("accounts", "groups", "grants"):
        assert api.everything(f"{path}/{listed}") == []
    assert api("GET", f"{path}/accounts/1").status == 404
    (person,) = api.everything("/v1/people")
    assert person["accounts"] == []
    assert [one["account_count"] for one in api.everything("/v1/applications")] == [0]
    assert api.everything("/v1/applications/ActiveCampaign/accounts") == []


def test_an_account_is_linked_unlinked_and_marked_by_hand(api: Caller, filled: str) -> None:
    path = f"/v1/integrations/{filled}/accounts"
    other = api("GET", f"{path}/2").json["person_id"]
    linked = api("PUT", f"{path}/1/person", {"person_id": other})
    assert (linked.status, linked.json["person_id"], linked.json["link"]) == (200, other, "manual")
    assert api("PUT", f"{path}/1/person", {"person_id": other}).json == linked.json
    (person,) = api.everything("/v1/people", email="ann02@example.com")
    assert {one["external_id"] for one in person["accounts"]} == {"1", "2"}
    nobody = api("DELETE", f"{path}/1/person")
    assert (nobody.status, nobody.json["person_id"], nobody.json["link"]) == (200, None, "none")
    back = api("PATCH", f"{path}/1", {"link": None})
    assert (back.status, back.json["person_id"], back.json["link"]) == (200, None, None)
    marked = api("PATCH", f"{path}/3", {"kind": "service"})
    assert (marked.status, marked.json["kind"], marked.json["person_id"]) == (200, "service", None)
    entries = api.everything("/v1/audit", object_type="account")
    assert [entry["verb"] for entry in entries] == ["mark", "release", "unlink", "link"]
    assert entries[0]["object_id"] == f"{filled}/3"
    assert entries[0]["changes"]["kind"] == {"before": None, "after": "service"}


def test_accounts_are_listed_by_link_and_by_kind(api: Caller, filled: str) -> None:
    path = f"/v1/integrations/{filled}/accounts"
    api("DELETE", f"{path}/1/person")
    api("PATCH", f"{path}/3", {"kind": "service"})
    api("PATCH", f"{path}/4", {"kind": "system"})
    api("PATCH", f"{path}/4", {"kind": "person"})
    for base in (path, "/v1/applications/ActiveCampaign/accounts"):

        def ids(base: str = base, **query: str) -> list[str]:
            return [one["external_id"] for one in api.everything(base, limit=2, **query)]

        assert ids(linked="false") == ["1", "3", "4"]
        assert ids(linked="true") == ["2", "5"]
        assert ids(kind="service") == ["3"]
        assert ids(kind="system") == []
        assert ids(kind="person") == ["1", "2", "4", "5"]
        assert ids(linked="false", kind="person", status="active") == ["1", "4"]
        assert api("GET", base, query={"kind": "robot"}).fields == ["kind"]
        assert api("GET", base, query={"linked": "perhaps"}).fields == ["linked"]


def test_what_cannot_be_linked_is_refused(api: Caller, filled: str) -> None:
    path = f"/v1/integrations/{filled}/accounts"
    person = api("GET", f"{path}/2").json["person_id"]
    for method, place, body in (
        ("PUT", f"{path}/77/person", {"person_id": person}),
        ("DELETE", f"{path}/77/person", None),
        ("PATCH", f"{path}/77", {"kind": "service"}),
        ("PUT", "/v1/integrations/none/accounts/1/person", {"person_id": person}),
        ("DELETE", "/v1/integrations/none/accounts/1/person", None),
        ("PATCH", "/v1/integrations/none/accounts/1", {"kind": "service"}),
    ):
        assert api(method, place, body).status == 404, (method, place)
    missing = api("PUT", f"{path}/1/person", {"person_id": "nobody"})
    assert (missing.status, missing.fields) == (422, ["person_id"])
    assert api("PUT", f"{path}/1/person", {}).fields == ["person_id"]
    assert api("PUT", f"{path}/1/person", {"person_id": person, "more": 1}).fields == ["more"]
    for change in ({"kind": "robot"}, {"kind": None}, {}, {"kind": "person", "link": None}):
        assert api("PATCH", f"{path}/1", change).fields == ["kind"]
    assert api("PATCH", f"{path}/1", {"link": "manual"}).fields == ["link"]
    api("PATCH", f"{path}/1", {"kind": "system"})
    refused = api("PUT", f"{path}/1/person", {"person_id": person})
    assert refused.status == 409
    assert "system account" in refused.json["detail"]


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


def test_kept_accounts_stay_as_removed(api: Caller, filled: str) -> None:
    assert api("DELETE", f"/v1/integrations/{filled}").status == 204
    assert api("GET", f"/v1/integrations/{filled}/accounts").status == 404
    (application,) = api.everything("/v1/applications")
    assert (application["integration_ids"], application["account_count"]) == ([filled], 0)
    accounts = api.everything("/v1/applications/ActiveCampaign/accounts")
    assert [one["external_id"] for one in accounts] == ["1", "2", "3", "4", "5"]
    assert {one["status"] for one in accounts} == {"removed"}
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
