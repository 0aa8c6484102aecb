"""The columns of People and the roles people may have: what is taken, and what is refused."""

from typing import Any

import pytest

from rollcall.fields.model import STANDARD
from rollcall.fields.store import Fields
from tests.integration.api.caller import Answered, Caller

CUSTOM: dict[str, Any] = {"name": "ActiveCampaign User Id", "type": "text", "unique": True}
MAPPING: dict[str, Any] = {
    "fields": [
        {"target": "email", "source": "email", "sync_key": 1},
        {"target": "role", "value": "Manager"},
        {"target": "activecampaign_user_id", "source": "id", "sync_key": 2},
    ]
}


def created(api: Caller, **changes: Any) -> Any:
    answer = api("POST", "/v1/fields", {**CUSTOM, **changes})
    assert answer.status == 201, answer.text
    return answer.json


def audited(api: Caller) -> list[tuple[str, str, str]]:
    entries = api.everything("/v1/audit")
    return [(one["verb"], one["object_type"], one["object_id"]) for one in entries]


def test_the_key_is_made_from_the_name(api: Caller) -> None:
    field = created(api)
    assert field == {
        "key": "activecampaign_user_id",
        "name": "ActiveCampaign User Id",
        "type": "text",
        "unique": True,
        "standard": False,
    }
    assert api("GET", "/v1/fields/activecampaign_user_id").json == field
    assert audited(api) == [("create", "field", "activecampaign_user_id")]


@pytest.mark.parametrize("type_", ["text", "long_text", "number", "boolean", "datetime", "json"])
def test_every_type_is_taken_and_is_not_unique_unless_said(api: Caller, type_: str) -> None:
    answer = api("POST", "/v1/fields", {"name": " Custom  Field ", "type": type_})
    assert (answer.status, answer.json["unique"]) == (201, False)
    assert (answer.json["key"], answer.json["name"]) == ("custom_field", "Custom  Field")


def refused(api: Caller, body: dict[str, Any], status: int) -> Answered:
    answer = api("POST", "/v1/fields", body)
    assert answer.status == status, answer
    assert len(api.everything("/v1/fields")) == len(STANDARD)
    assert audited(api) == []
    return answer


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "!?"}, "name"),
        ({"name": "\u540d\u524d"}, "name"),
        ({"name": "2nd email"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a" * 61}, "name"),
        ({"name": "Id"}, "name"),
        ({"name": "Created at"}, "name"),
        ({"name": "Response"}, "name"),
        ({"name": "Person"}, "name"),
        ({"name": "Source"}, "name"),
        ({"name": 5}, "name"),
        ({"type": "date"}, "type"),
        ({"type": None}, "type"),
        ({"unique": "yes"}, "unique"),
        ({"unique": True, "type": "long_text"}, "unique"),
        ({"unique": True, "type": "boolean"}, "unique"),
        ({"unique": True, "type": "datetime"}, "unique"),
        ({"unique": True, "type": "json"}, "unique"),
        ({"key": "mine"}, "key"),
        ({"standard": True}, "standard"),
    ],
)
def test_a_field_at_fault_is_not_made(api: Caller, changes: dict[str, Any], field: str) -> None:
    assert refused(api, {**CUSTOM, **changes}, 422).fields == [field]


@pytest.mark.parametrize("name", ["Email", "first name", "ROLE", "Employee-Id"])
def test_a_key_that_a_standard_field_has_is_refused(api: Caller, name: str) -> None:
    refused(api, {"name": name, "type": "text"}, 409)


def test_a_key_that_another_field_has_is_refused(api: Caller) -> None:
    created(api)
    answer = api("POST", "/v1/fields", {"name": "activecampaign, user/id", "type": "number"})
    assert answer.status == 409
    assert api("GET", "/v1/fields/activecampaign_user_id").json["type"] == "text"


def test_there_are_200_custom_fields_at_most(api: Caller) -> None:
    api.config.write_many(
        {
            "pk": "FIELD", "sk": f"f{number:03}", "key": f"f{number:03}", "name": "F",
            "type": "text", "unique": False,
        }
        for number in range(199)
    )  # fmt: skip
    created(api)
    assert api("POST", "/v1/fields", {"name": "More", "type": "text"}).status == 409


def test_two_fields_in_the_same_moment_do_not_pass_the_limit_unseen(api: Caller) -> None:
    fields = Fields(api.config)
    link = fields.link()
    created(api)
    field = STANDARD["email"].__class__("other", "Other", "text", unique=False)
    assert fields.create(field, link, "second") == "changed"
    assert "other" not in fields.everything()


@pytest.mark.parametrize("limit", [1, 5, 11, 12, 13, 14, 100])
def test_standard_fields_come_first_then_the_custom_ones_by_key(api: Caller, limit: int) -> None:
    for name in ("Zebra", "Apple"):
        created(api, name=name, unique=False)
    found = [one["key"] for one in api.everything("/v1/fields", limit=limit)]
    assert found == [*STANDARD, "apple", "zebra"]


def test_the_last_page_says_that_it_is_the_last(api: Caller) -> None:
    page = api("GET", "/v1/fields", query={"limit": str(len(STANDARD))}).json
    assert (len(page["items"]), page["next_cursor"]) == (len(STANDARD), None)


def test_a_field_is_renamed_and_nothing_else(api: Caller) -> None:
    field = created(api)
    path = "/v1/fields/activecampaign_user_id"
    for _ in range(2):
        answer = api("PATCH", path, {"name": "AC id"})
        assert (answer.status, answer.json) == (200, {**field, "name": "AC id"})
    assert api("PATCH", path, {"name": "x", "type": "number"}).fields == ["type"]
    assert api("PATCH", path, {"name": " "}).fields == ["name"]
    assert api("PATCH", path, {}).fields == ["name"]
    assert api("GET", path).json == {**field, "name": "AC id"}
    assert [verb for verb, _, _ in audited(api)] == ["update", "create"]


def test_a_standard_field_stays_as_it_is(api: Caller) -> None:
    assert api("PATCH", "/v1/fields/email", {"name": "Mail"}).status == 409
    assert api("DELETE", "/v1/fields/email").status == 409
    assert api("GET", "/v1/fields/email").json["name"] == "Email"


def test_a_field_that_is_not_there_is_not_found(api: Caller) -> None:
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert api(method, "/v1/fields/nothing", body).status == 404


def test_a_field_is_deleted_when_no_mapping_uses_it(api: Caller) -> None:
    created(api)
    integration = api.integration(mapping=MAPPING)
    path = "/v1/fields/activecampaign_user_id"
    answer = api("DELETE", path)
    assert answer.status == 409
    assert integration["name"] in answer.json["detail"]
    assert api("GET", path).status == 200

    api("PATCH", f"/v1/integrations/{integration['id']}", {"mapping": None})
    assert api("DELETE", path).status == 204
    assert api("GET", path).status == 404
    assert audited(api)[0] == ("delete", "field", "activecampaign_user_id")


@pytest.mark.parametrize(
    "template",
    ["{{ activecampaign_user_id }}", "{{ person.activecampaign_user_id }}",
     """{{ person["activecampaign_user_id"] | upper }}"""],
)  # fmt: skip
def test_a_field_that_a_template_reads_is_not_deleted(api: Caller, template: str) -> None:
    created(api)
    rules = [*MAPPING["fields"][:1], {"target": "title", "template": template}]
    api.integration(mapping={"fields": rules})
    answer = api("DELETE", "/v1/fields/activecampaign_user_id")
    assert answer.status == 409
    assert "the template of title" in answer.json["detail"]


def test_a_word_of_a_template_is_no_use_of_a_field(api: Caller) -> None:
    created(api)
    template = "activecampaign_user_id {{ response.activecampaign_user_id }}"
    rules = [*MAPPING["fields"][:1], {"target": "title", "template": template}]
    api.integration(mapping={"fields": rules})
    assert api("DELETE", "/v1/fields/activecampaign_user_id").status == 204


def test_a_field_that_a_mapping_comes_to_use_meanwhile_is_not_deleted(api: Caller) -> None:
    created(api)
    fields = Fields(api.config)
    link, field = fields.link(), fields.everything()["activecampaign_user_id"]
    api.integration(mapping=MAPPING)
    assert not fields.delete(field, link, "second")
    assert "activecampaign_user_id" in fields.everything()


def test_roles_begin_with_three_and_are_set_whole(api: Caller) -> None:
    assert api("GET", "/v1/roles").json == {"roles": ["Employee", "Manager", "Administrator"]}
    for _ in range(2):
        answer = api("PUT", "/v1/roles", {"roles": [" Employee ", "Contractor"]})
        assert (answer.status, answer.json) == (200, {"roles": ["Employee", "Contractor"]})
    assert api("GET", "/v1/roles").json == {"roles": ["Employee", "Contractor"]}
    (entry,) = api.everything("/v1/audit")
    assert entry["changes"]["roles"]["after"] == ["Employee", "Contractor"]


@pytest.mark.parametrize(
    ("roles", "field"),
    [
        ([], "roles"),
        (None, "roles"),
        ("Employee", "roles"),
        (["Employee", ""], "roles.1"),
        (["Employee", "  "], "roles.1"),
        (["Employee", 5], "roles.1"),
        (["Employee", "employee "], "roles.1"),
        (["a\tb"], "roles.0"),
        ([f"r{number}" for number in range(101)], "roles"),
    ],
)
def test_roles_at_fault_are_not_set(api: Caller, roles: Any, field: str) -> None:
    assert api("PUT", "/v1/roles", {"roles": roles}).fields == [field]
    assert api("GET", "/v1/roles").json["roles"][0] == "Employee"
    assert api.everything("/v1/audit") == []


def test_a_role_that_a_mapping_names_is_not_taken_away(api: Caller) -> None:
    created(api)
    integration = api.integration(mapping=MAPPING)
    answer = api("PUT", "/v1/roles", {"roles": ["Employee"]})
    assert answer.status == 409
    assert "Manager" in answer.json["detail"]
    assert api("PUT", "/v1/roles", {"roles": ["MANAGER"]}).status == 200
    # The connector's own mapping names Employee.
    api("PUT", "/v1/roles", {"roles": ["Employee", "Manager"]})
    api("PATCH", f"/v1/integrations/{integration['id']}", {"mapping": None})
    assert api("PUT", "/v1/roles", {"roles": ["Manager"]}).status == 409
    api("DELETE", f"/v1/integrations/{integration['id']}")
    assert api("PUT", "/v1/roles", {"roles": ["Manager"]}).status == 200


def test_a_launch_wants_a_role_that_there_is(api: Caller) -> None:
    api("PUT", "/v1/roles", {"roles": ["Contractor"]})
    integration = api.integration()
    answer = api("POST", f"/v1/integrations/{integration['id']}/launch")
    assert (answer.status, answer.fields) == (409, ["mapping.role"])
