"""Integrations: what is taken, what is refused, what is shown."""

from typing import Any

import pytest

from tests.integration.api.caller import Caller


def refusal(api: Caller, **changes: Any) -> Any:
    body = {
        "name": "AC",
        "connector": "activecampaign",
        "subdomain": "acme",
        "credential_id": api.credential(),
        **changes,
    }
    answer = api("POST", "/v1/integrations", body)
    assert answer.status == 422, answer
    assert api.everything("/v1/integrations") == []
    return answer


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"connector": "nothing"}, "connector"),
        ({"credential_id": "nothing"}, "credential_id"),
        ({"credential_id": ""}, "credential_id"),
        ({"subdomain": "Acme"}, "subdomain"),
        ({"subdomain": "acme.evil.example/"}, "subdomain"),
        ({"subdomain": "-acme"}, "subdomain"),
        ({"subdomain": ""}, "subdomain"),
        ({"subdomain": "a" * 64}, "subdomain"),
        ({"load": "everything"}, "load"),
        ({"preference": "delete_only"}, "preference"),
        ({"on_leave": "forget"}, "on_leave"),
        ({"on_return": "remove"}, "on_return"),
        ({"owner": ""}, "owner"),
        ({"owner": "ann\n"}, "owner"),
        ({"schedule": {"flexible_minutes": -1}}, "schedule.flexible_minutes"),
        ({"schedule": {"flexible_minutes": 1441}}, "schedule.flexible_minutes"),
        ({"schedule": {"flexible_minutes": 1.5}}, "schedule.flexible_minutes"),
        ({"schedule": {"expression": "cron(0 3 30 2 ? *)"}}, "schedule.expression"),
        ({"schedule": {"expression": "cron(0 3 1 1 ? 2020)"}}, "schedule.expression"),
        ({"schedule": {"expression": "cron(0 3 31W 4 ? *)"}}, "schedule.expression"),
        ({"headers": []}, "headers"),
        ({"headers": {"X-A": 1}}, "headers.X-A"),
        ({"headers": {"X A": "1"}}, "headers.X A"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers.X-A"),
        ({"headers": {"X-A": "\u00e4"}}, "headers.X-A"),
        ({"headers": {"Host": "elsewhere.example"}}, "headers.Host"),
        ({"headers": {"authorization": "Bearer x"}}, "headers.authorization"),
        ({"headers": {f"X-{n}": "1" for n in range(21)}}, "headers"),
        ({"params": {"": "1"}}, "params."),
        ({"params": {"a": "1\n"}}, "params.a"),
        ({"schedule": "rate(1 day)"}, "schedule"),
        ({"schedule": {"expression": "hourly"}}, "schedule.expression"),
        ({"schedule": {"expression": "rate(1 days)"}}, "schedule.expression"),
        ({"schedule": {"expression": "at(2026-12-24T00:00:00)"}}, "schedule.expression"),
        ({"schedule": {"timezone": "Mars/Olympus"}}, "schedule.timezone"),
        ({"schedule": {"every": "day"}}, "schedule.every"),
        ({"removal_guard": {"share": 1.1}}, "removal_guard.share"),
        ({"removal_guard": {"share": -0.1}}, "removal_guard.share"),
        ({"removal_guard": {"share": 1e-200}}, "removal_guard.share"),
        ({"removal_guard": {"count": -1}}, "removal_guard.count"),
        ({"removal_guard": {"count": 1.5}}, "removal_guard.count"),
        ({"removal_guard": {"count": 10**60}}, "removal_guard.count"),
        ({"rate_limit": {"requests": 0, "seconds": 1}}, "rate_limit.requests"),
        ({"rate_limit": {"requests": True, "seconds": 1}}, "rate_limit.requests"),
        ({"rate_limit": {"requests": 5}}, "rate_limit.seconds"),
        ({"contacts": "ann@example.com"}, "contacts"),
        ({"contacts": [""]}, "contacts.0"),
        ({"contacts": ["ann@example.com", "ann"]}, "contacts.1"),
        ({"contacts": ["ann@example"]}, "contacts.0"),
        ({"contacts": ["Ann <ann@example.com>"]}, "contacts.0"),
        ({"contacts": ["ann@example.com\nbob@example.com"]}, "contacts.0"),
        ({"contacts": [f"ann{n}@example.com" for n in range(51)]}, "contacts"),
        ({"application": "a/b"}, "application"),
        ({"application": ""}, "application"),
        ({"priority": -1}, "priority"),
        ({"mapping": []}, "mapping"),
        ({"mapping": {"fields": {}}}, "mapping.fields"),
        ({"filter": []}, "filter"),
        ({"filter": {"all": []}}, "filter.all"),
        ({"status": "active"}, "status"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_field_at_fault_is_named(api: Caller, changes: dict[str, Any], field: str) -> None:
    assert set(refusal(api, **changes).fields) == {field}


def test_a_limit_of_no_seconds_is_refused(api: Caller) -> None:
    answer = refusal(api, rate_limit={"requests": 5, "seconds": 0})
    assert {field.split(".")[1] for field in answer.fields} == {"seconds"}


@pytest.mark.parametrize(
    "base_url",
    [
        "acme.api-us1.com",
        "ftp://acme.api-us1.com",
        "http://acme.api-us1.com",
        "https://",
        "https://user:secret@acme.api-us1.com",
        "https://acme.api-us1.com?x=1",
        "https://acme.api-us1.com#x",
        "https://acme.api-us1.com/other",
        "https://acme.api-us1.com:0",
        "https://acme.api-us1.com:99999",
        "https://acme..com",
        "https://ac me.com",
        "https://localhost",
        "https://intranet",
        "https://127.0.0.2",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://[::1]",
        "https://[::ffff:10.0.0.1]",
        "https://2130706433",
        "https://0x7f.1",
        "https://[nonsense",
    ],
)
def test_an_address_that_cannot_be_called_is_refused(api: Caller, base_url: str) -> None:
    answer = refusal(api, subdomain=None, base_url=base_url)
    assert answer.fields == ["base_url"]


def test_both_addresses_are_too_many(api: Caller) -> None:
    answer = refusal(api, base_url="https://acme.api-us1.com")
    assert sorted(answer.fields) == ["base_url", "subdomain"]


def test_every_field_at_fault_is_named_at_once(api: Caller) -> None:
    answer = refusal(api, base_url="http://x", subdomain=None, credential_id="nothing")
    assert sorted(answer.fields) == ["base_url", "credential_id"]


def test_a_credential_of_another_connector_is_refused(api: Caller) -> None:
    assert refusal(api, credential_id=api.credential("aha")).fields == ["credential_id"]


def test_defaults_are_filled_in(api: Caller) -> None:
    credential_id = api.credential()
    body = {"name": "AC", "connector": "activecampaign", "credential_id": credential_id}
    created = api("POST", "/v1/integrations", body)
    assert created.status == 201
    shown = created.json
    assert isinstance(shown.pop("id"), str)
    assert shown.pop("created_at") == shown.pop("updated_at")
    assert len(shown["schedule"].pop("next_runs")) == 3
    rules = {rule["target"]: rule for rule in shown.pop("mapping")["fields"]}
    assert rules["email"]["source"] == "email"
    assert rules["email"]["sync_key"] == 1
    assert rules["role"] == {
        "target": "role",
        "source": None,
        "template": None,
        "value": "Employee",
        "convert": None,
        "write": "always",
        "sync_key": None,
    }
    assert shown == {
        "name": "AC",
        "connector": "activecampaign",
        "application": "ActiveCampaign",
        "base_url": None,
        "subdomain": None,
        "credential_id": credential_id,
        "load": "people_and_accounts",
        "preference": "create_and_update",
        "on_leave": "remove",
        "on_return": "restore",
        "owner": "administrator",
        "headers": {},
        "params": {},
        "schedule": {"expression": "rate(1 day)", "timezone": "UTC", "flexible_minutes": 0},
        "mapping_source": "connector",
        "filter": None,
        "health": {"users": None, "groups": None, "grants": None},
        "quarantine": None,
        "removal_guard": {"share": 0.2, "count": 5},
        "rate_limit": {"requests": 5, "seconds": 1},
        "contacts": [],
        "priority": None,
        "status": "draft",
        "connection": "never",
        "last_good_at": None,
        "last_run_id": None,
        "held_run_id": None,
        "error": None,
    }


def test_everything_that_is_given_is_kept(api: Caller) -> None:
    given = {
        "owner": "Ann",
        "headers": {"X-Tenant": "acme"},
        "params": {"locale": "en"},
        "load": "people",
        "preference": "update_only",
        "on_leave": "deactivate",
        "on_return": "ignore",
        "filter": {"field": "email", "op": "ends_with", "value": "@example.com"},
        "removal_guard": {"share": 0.5, "count": 10},
        "rate_limit": {"requests": 2, "seconds": 1.5},
        "contacts": ["ann@example.com"],
        "application": "Marketing & Co.",
        "priority": 3,
    }
    schedule = {
        "expression": "cron(0 3 ? * MON-FRI *)",
        "timezone": "Europe/Berlin",
        "flexible_minutes": 15,
    }
    created = api.integration(**given, schedule=schedule)
    assert {name: created[name] for name in given} == given
    assert {name: created["schedule"][name] for name in schedule} == schedule
    assert api("GET", f"/v1/integrations/{created['id']}").json == created
    assert api.everything("/v1/integrations") == [created]


@pytest.mark.parametrize(
    ("pasted", "shown"),
    [
        ("https://acme.api-us1.com", "https://acme.api-us1.com"),
        ("https://ACME.api-us1.com/", "https://acme.api-us1.com"),
        ("https://acme.api-us1.com/api/3", "https://acme.api-us1.com"),
        (" https://acme.api-us1.com/api/3/ ", "https://acme.api-us1.com"),
        ("https://acme.api-us1.com:443/api/3", "https://acme.api-us1.com"),
        ("https://acme.api-us1.com:8443", "https://acme.api-us1.com:8443"),
        ("http://127.0.0.1:8080/api/3", "http://127.0.0.1:8080"),
        ("https://8.8.8.8", "https://8.8.8.8"),
    ],
)
def test_a_pasted_address_is_shown_as_the_host(api: Caller, pasted: str, shown: str) -> None:
    assert api.integration(subdomain=None, base_url=pasted)["base_url"] == shown


def test_the_variable_is_the_address_where_nothing_else_is(api: Caller) -> None:
    created = api.integration(subdomain=None)
    api("PUT", "/v1/variables/ActiveCampaign.Subdomain", {"value": "fromvariable"})
    shown = api("GET", f"/v1/integrations/{created['id']}").json
    assert (shown["base_url"], shown["subdomain"]) == ("https://fromvariable.api-us1.com", None)


def test_two_integrations_may_have_one_name(api: Caller) -> None:
    assert api.integration()["id"] != api.integration()["id"]


def test_a_list_goes_on_page_by_page(api: Caller) -> None:
    ids = [api.integration()["id"] for _ in range(5)]
    assert [one["id"] for one in api.everything("/v1/integrations", limit=2)] == ids


def test_a_change_changes_what_it_names(api: Caller) -> None:
    created = api.integration(contacts=["ann@example.com"])
    path = f"/v1/integrations/{created['id']}"
    changed = api("PATCH", path, {"name": "New", "removal_guard": {"count": 7}})
    assert changed.status == 200
    expected = {**created, "name": "New", "removal_guard": {"share": 0.2, "count": 7}}
    assert {**changed.json, "updated_at": None} == {**expected, "updated_at": None}
    timezone = api("PATCH", path, {"schedule": {"timezone": "Asia/Tokyo"}}).json["schedule"]
    del timezone["next_runs"]
    assert timezone == {
        "expression": "rate(1 day)",
        "timezone": "Asia/Tokyo",
        "flexible_minutes": 0,
    }


def test_one_address_takes_the_place_of_the_other(api: Caller) -> None:
    path = f"/v1/integrations/{api.integration()['id']}"
    changed = api("PATCH", path, {"base_url": "https://x.example/api/3"}).json
    assert (changed["base_url"], changed["subdomain"]) == ("https://x.example", None)
    changed = api("PATCH", path, {"subdomain": "back"}).json
    assert (changed["base_url"], changed["subdomain"]) == ("https://back.api-us1.com", "back")
    changed = api("PATCH", path, {"subdomain": None}).json
    assert (changed["base_url"], changed["subdomain"]) == (None, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"connector": "aha"}, "connector"),
        ({"status": "active"}, "status"),
        ({"name": None}, "name"),
        ({"credential_id": "nothing"}, "credential_id"),
        ({"base_url": "http://x.example"}, "base_url"),
        ({"schedule": {"expression": "never"}}, "schedule.expression"),
        ({"schedule": None}, "schedule"),
        ({"schedule": {"expression": "cron(0 3 30 2 ? *)"}}, "schedule.expression"),
        ({"mapping": {}}, "mapping.fields"),
        ({"filter": {"field": "email", "op": "resembles"}}, "filter.op"),
        ({"load": "nobody"}, "load"),
        ({"owner": None}, "owner"),
        ({"headers": None}, "headers"),
        ({"headers": {"Cookie": "a"}}, "headers.Cookie"),
        ({"contacts": ["ann"]}, "contacts.0"),
    ],
)
def test_a_change_at_fault_changes_nothing(
    api: Caller, changes: dict[str, Any], field: str
) -> None:
    created = api.integration()
    path = f"/v1/integrations/{created['id']}"
    answer = api("PATCH", path, {"name": "New", **changes})
    assert answer.status == 422
    assert answer.fields == [field]
    assert api("GET", path).json == created


def test_a_change_that_changes_nothing_is_not_written(api: Caller) -> None:
    created = api.integration()
    entries = len(api.everything("/v1/audit"))
    path = f"/v1/integrations/{created['id']}"
    assert api("PATCH", path, {"name": "AC"}).json == created
    assert api("PATCH", path, {}).json == created
    assert len(api.everything("/v1/audit")) == entries


def test_a_deleted_integration_is_gone(api: Caller) -> None:
    path = f"/v1/integrations/{api.integration()['id']}"
    answer = api("DELETE", path)
    assert (answer.status, answer.text) == (204, "")
    assert api("GET", path).status == 404
    assert api("DELETE", path).status == 404
    assert api.everything("/v1/integrations") == []
    assert api.everything("/v1/applications") == []


def test_deletion_asks_what_becomes_of_the_accounts(api: Caller) -> None:
    path = f"/v1/integrations/{api.integration()['id']}"
    assert api("DELETE", path, query={"accounts": "burn"}).fields == ["accounts"]
    assert api("GET", path).status == 200
