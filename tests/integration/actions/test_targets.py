"""Whom an action is about, and what is refused before anything is called."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.integration.actions.conftest import Desk


@pytest.fixture
def vendor() -> Iterator["Vendor[ActiveCampaign]"]:
    with serve(seed_activecampaign(6, 4)) as serving:
        yield serving


def use(desk: Desk, integration: str, preset: str = "get_user", **body: Any) -> Any:
    return desk.call("POST", f"/v1/integrations/{integration}/presets/{preset}", body)


def person_of(desk: Desk, integration: str, external_id: str) -> str:
    path = f"/v1/integrations/{integration}/accounts/{external_id}"
    return str(desk.call("GET", path).json["person_id"])


def field(desk: Desk, name: str, kind: str = "text") -> None:
    answer = desk.call("POST", "/v1/fields", {"name": name, "type": kind})
    assert answer.status == 201, answer.text


def write(desk: Desk, person_id: str, key: str, value: Any, by: str | None = None) -> None:
    """As if an integration, or somebody who is gone, had written the field."""
    directory = desk.house.directory
    item = directory.get(f"PERSON#{person_id}", "PERSON")
    assert item is not None
    sources = {**item["sources"], **({key: by} if by else {})}
    assert directory.put({**item, "fields": {**item["fields"], key: value}, "sources": sources})


def test_the_id_is_the_calls_then_the_fields_then_the_linked_accounts(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.integrate(vendor)
    person = person_of(desk, integration, "3")
    assert use(desk, integration, person_id=person).json["external_id"] == "3"
    field(desk, "ActiveCampaign User Id")
    vendor.tenant.put_user({"id": "40", "email": "other@northwind.example"})
    write(desk, person, "activecampaign_user_id", " 40 ")
    assert use(desk, integration, person_id=person).json["external_id"] == "40"
    said = use(desk, integration, person_id=person, inputs={"external_id": 2})
    assert said.json["external_id"] == "2"


def test_the_field_of_another_tenant_of_the_app_is_not_this_ones(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    with serve(seed_activecampaign(6, 4)) as second:
        second.tenant.users["30"] = second.tenant.users.pop("3").__class__(
            id="30", username="u30", email=vendor.tenant.users["3"].email, group="3"
        )
        field(desk, "ActiveCampaign User Id")
        one, other = desk.integrate(vendor), desk.integrate(second)
        person = person_of(desk, one, "3")
        assert person_of(desk, other, "30") == person
        write(desk, person, "activecampaign_user_id", "3", by=one)
        assert use(desk, other, person_id=person).json["external_id"] == "30"
        assert use(desk, one, person_id=person).json["external_id"] == "3"


def test_a_field_that_names_somebody_elses_account_is_no_answer(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.integrate(vendor)
    field(desk, "ActiveCampaign User Id")
    person = person_of(desk, integration, "3")
    write(desk, person, "activecampaign_user_id", "2")
    before = len(vendor.log)
    answer = use(desk, integration, "delete_user", person_id=person)
    assert (answer.status, answer.fields) == (422, ["person_id"])
    assert "somebody else's" in answer.text
    assert len(vendor.log) == before


def test_several_accounts_none_and_removed_ones_are_told_apart(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.integrate(vendor)
    person, other = (person_of(desk, integration, one) for one in ("3", "4"))
    link = f"/v1/integrations/{integration}/accounts/4/person"
    assert desk.call("PUT", link, {"person_id": person}).status == 200
    several = use(desk, integration, person_id=person)
    assert (several.status, several.fields) == (422, ["person_id"])
    assert "3, 4" in several.text
    none = use(desk, integration, person_id=other)
    assert (none.status, none.fields) == (422, ["person_id"])
    assert desk.call("DELETE", f"/v1/integrations/{integration}/users/4").status == 200
    assert use(desk, integration, person_id=person).json["external_id"] == "3"
    assert desk.call("DELETE", f"/v1/integrations/{integration}/users/3").status == 200
    before = len(vendor.log)
    removed = use(desk, integration, person_id=person)
    assert (removed.status, removed.fields) == (422, ["person_id"])
    assert "not removed" in removed.text
    assert len(vendor.log) == before


def test_a_people_only_integration_knows_its_records(desk: Desk) -> None:
    with serve(seed_aha(6)) as aha:
        integration = desk.integrate(aha, load="people")
        email = next(iter(aha.tenant.users.values())).email
        (person,) = desk.call("GET", "/v1/people", query={"email": email}).json["items"]
        answer = use(desk, integration, person_id=person["id"])
        assert answer.status == 200, answer.text
        assert answer.json["response"]["email"] == email


BAD: list[tuple[Any, ...]] = [
    ("get_user", {}, ["external_id"]),
    ("get_user", {"inputs": {"external_id": None}}, ["external_id"]),
    ("get_user", {"inputs": {"external_id": ""}}, ["external_id"]),
    ("get_user", {"inputs": {"external_id": "  "}}, ["external_id"]),
    ("delete_user", {"inputs": {"external_id": ".."}}, ["external_id"]),
    ("get_user", {"inputs": {"external_id": True}}, ["external_id"]),
    ("get_user", {"inputs": {"external_id": 2.5}}, ["external_id"]),
    ("get_user", {"inputs": {"external_id": ["2"]}}, ["external_id"]),
    ("get_user", {"inputs": {"external_id": "x" * 5000}}, ["external_id"]),
    ("get_user", {"person_id": "nobody"}, ["person_id"]),
    ("get_user", {"person_id": "nobody", "inputs": {"external_id": "2"}}, ["person_id"]),
    ("get_user", {"person_id": 7}, ["person_id"]),
    ("create_user", {"inputs": {"external_id": "2"}, "person_id": "nobody"},
     ["email", "external_id", "group_id", "password", "person_id", "username"]),
    ("update_user", {"inputs": {"external_id": "2", "first_name": 7, "group_id": ""}},
     ["first_name", "group_id"]),
    ("update_user", {"inputs": {"external_id": "2", "username": "new"}}, ["username"]),
    ("change_group", {"inputs": {"external_id": "2"}}, ["group_id"]),
    ("get_user", {"inputs": {"external_id": "2"}, "response_field": ""}, ["response_field"]),
    ("get_user", {"inputs": {"external_id": "2"}, "response_field": "nope"},
     ["response_field"]),
    ("get_user", {"inputs": {"external_id": "2"}, "response_field": "email"},
     ["response_field"]),
    ("get_user", {"inputs": {"external_id": "2"}, "response_fields": "x"},
     ["response_fields"]),
    ("list_groups", {"response_field": "groups"}, ["person_id"]),
    ("get_user", {"inputs": []}, ["inputs"]),
]  # fmt: skip


def test_bad_input_is_named_and_nothing_is_called(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.house.integrate(vendor).id
    field(desk, "Groups", "json")
    for (preset, body, fields), dry in product(BAD, ({}, {"dry_run": True})):
        answer = use(desk, integration, preset, **body, **dry)
        assert (answer.status, sorted(answer.fields)) == (422, fields), answer.text
    assert vendor.log == []
    assert desk.call("GET", "/v1/actions").json["items"] == []


def test_an_id_in_a_path_is_not_empty_and_the_body_says_no_other(
    desk: Desk, vendor: "Vendor[ActiveCampaign]"
) -> None:
    integration = desk.house.integrate(vendor).id
    path = f"/v1/integrations/{integration}/users/2"
    answer = desk.call("PATCH", path, {"external_id": "3", "first_name": "x"})
    assert (answer.status, answer.fields) == (422, ["external_id"])
    empty = desk.call("DELETE", f"/v1/integrations/{integration}/users/ ")
    assert (empty.status, empty.fields) == (422, ["external_id"])
    assert vendor.log == []
