"""Connectors of a customer's own: made, used, changed and deleted over the API."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rollcall.connectors.store import Connectors, linking
from rollcall.tables import transact
from tests.integration.api.caller import Caller
from tests.manifests import joined, plain, scattered

PATH = "/v1/connectors/example"


def made(api: Caller, **changes: Any) -> Any:
    """The plain connector, added."""
    answer = api("POST", "/v1/connectors", {**plain(), **changes})
    assert answer.status == 201, answer.text
    return answer.json


def audited(api: Caller) -> list[tuple[str, str, Any]]:
    found = api.everything("/v1/audit", object_type="connector")
    return [(one["verb"], one["object_id"], one["changes"]) for one in reversed(found)]


@pytest.mark.parametrize(
    ("bend", "fields"),
    [
        (lambda data: data.pop("users"), ["users"]),
        (lambda data: data["users"]["paging"].update(style="scroll"), ["users.paging.style"]),
        (lambda data: data["users"].update(path="/u?x=1"), ["users.path"]),
        (
            lambda data: data.update(key="Example", name=""),
            ["key", "name"],
        ),
        (lambda data: data["address"].update(base_url="http://10.0.0.1"), ["address.base_url"] * 2),
        (lambda data: data["mapping"][0].update(target="shoe_size"), ["mapping.0.target"]),
        (lambda data: data.update(description="x" * 100_000), ["manifest"]),
        (lambda data: data.update(preset=[]), ["preset"]),
        (
            lambda data: data.update(protected=[{"method": "DELETE", "path": "/users"}]),
            ["protected.0.path"],
        ),
    ],
)
def test_a_bad_manifest_is_told_by_path_and_nothing_is_kept(
    api: Caller, bend: Callable[[Any], Any], fields: list[str]
) -> None:
    data = plain()
    bend(data)
    answer = api("POST", "/v1/connectors", data)
    assert answer.status == 422
    assert answer.fields == fields
    assert [one["key"] for one in api.everything("/v1/connectors")] == ["activecampaign", "aha"]
    assert audited(api) == []


def test_a_body_that_is_no_manifest_is_refused(api: Caller) -> None:
    bodies: list[Any] = ["[]", "1", "{", None, {}]
    for body in bodies:
        assert api("POST", "/v1/connectors", body).status == 422


@pytest.mark.parametrize("key", ["activecampaign", "example"])
def test_a_key_that_is_taken_is_a_conflict(api: Caller, key: str) -> None:
    made(api)
    answer = api("POST", "/v1/connectors", {**plain(), "key": key})
    assert answer.status == 409
    assert len(audited(api)) == 1


def test_what_comes_with_rollcall_is_neither_changed_nor_deleted(api: Caller) -> None:
    before = api("GET", "/v1/connectors/aha").json
    for method, body in (("PUT", {**plain(), "key": "aha"}), ("DELETE", None)):
        answer = api(method, "/v1/connectors/aha", body)
        assert answer.status == 409
        assert "comes with Rollcall" in answer.json["detail"]
    assert api("GET", "/v1/connectors/aha").json == before
    assert (before["custom"], before["version"]) == (False, None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PATH),
        ("GET", f"{PATH}/manifest"),
        ("GET", f"{PATH}/versions"),
        ("PUT", PATH),
        ("DELETE", PATH),
    ],
)
def test_a_connector_that_is_not_there_is_unknown(api: Caller, method: str, path: str) -> None:
    assert api(method, path, plain() if method == "PUT" else None).status == 404


def test_a_connector_of_ones_own_is_in_the_catalog(api: Caller) -> None:
    created = made(api)
    assert (created["key"], created["custom"], created["version"]) == ("example", True, 1)
    assert created["fields"][0] == {"key": "email", "name": "Email", "type": "text"}
    assert api("GET", PATH).json == created
    listed = api.everything("/v1/connectors", limit=1)
    assert [one["key"] for one in listed] == ["activecampaign", "aha", "example"]
    assert listed[2] == created
    assert api("GET", f"{PATH}/manifest").json == plain()
    ((verb, key, changes),) = audited(api)
    assert (verb, key) == ("create", "example")
    assert changes["version"] == {"before": None, "after": 1}


def test_the_manifest_of_a_built_in_is_a_start_to_copy(api: Caller) -> None:
    manifest = api("GET", "/v1/connectors/aha/manifest").json
    copied = api("POST", "/v1/connectors", {**manifest, "key": "aha_eu", "name": "Aha! EU"})
    assert copied.status == 201, copied.text
    original = api("GET", "/v1/connectors/aha").json
    own = {"key", "name", "custom", "version", "created_at", "updated_at"}
    assert {k: v for k, v in copied.json.items() if k not in own} == {
        k: v for k, v in original.items() if k not in own
    }
    assert api("GET", "/v1/connectors/aha/versions").json["items"] == []
    assert api("GET", "/v1/connectors/aha/manifest", query={"version": "1"}).status == 404


def test_a_new_version_is_kept_beside_the_old_one(api: Caller) -> None:
    created = made(api)
    changed = api("PUT", PATH, {**plain(), "name": "Renamed"})
    assert changed.status == 200, changed.text
    assert (changed.json["name"], changed.json["version"]) == ("Renamed", 2)
    assert changed.json["created_at"] == created["created_at"]
    versions = api.everything(f"{PATH}/versions", limit=1)
    assert [(one["version"], one["actor"]) for one in versions] == [
        (2, "administrator"),
        (1, "administrator"),
    ]
    names = [
        api("GET", f"{PATH}/manifest", query=query).json["name"]
        for query in ({}, {"version": "1"}, {"version": "2"})
    ]
    assert names == ["Renamed", "Example", "Renamed"]
    assert api("GET", f"{PATH}/manifest", query={"version": "3"}).status == 404
    for bad in ("0", "-1", "x", "9999999"):
        assert api("GET", f"{PATH}/manifest", query={"version": bad}).status == 422
    assert audited(api)[1][2]["name"] == {"before": "Example", "after": "Renamed"}


def test_the_same_manifest_again_is_no_version(api: Caller) -> None:
    created = made(api)
    assert api("PUT", PATH, plain()).json == created
    assert len(audited(api)) == 1


@pytest.mark.parametrize(
    ("bend", "field"),
    [({"key": "other"}, "key"), ({"name": ""}, "name"), ({"users": {}}, "users.path")],
)
def test_a_bad_version_changes_nothing(api: Caller, bend: Any, field: str) -> None:
    made(api)
    answer = api("PUT", PATH, {**plain(), **bend})
    assert answer.status == 422
    assert field in answer.fields
    assert api("GET", f"{PATH}/manifest").json == plain()


def test_a_version_that_would_break_an_integration_is_refused_and_names_it(api: Caller) -> None:
    made(api)
    integration = api.integration(connector="example", name="Mine")
    api.integration(connector="aha", name="Another")
    data = {**plain(), "address": {"path": "/api", "base_url": "https://api.example.com"}}
    refused = api("PUT", PATH, data)
    assert refused.status == 409
    assert f"integration 'Mine' ({integration['id']}): it has a subdomain" in refused.text
    assert "Another" not in refused.text
    assert api("GET", f"{PATH}/manifest").json == plain()


def test_it_is_connected_like_any_other(api: Caller) -> None:
    made(api)
    integration = api.integration(connector="example", name="Mine")
    assert integration["application"] == "Example"
    assert integration["base_url"] == "https://acme.example.com"
    variable = api("PUT", "/v1/variables/Example.Subdomain", {"value": "No subdomain"})
    assert variable.status == 422


def test_without_a_subdomain_an_integration_says_where_its_app_is(api: Caller) -> None:
    made(api, address={"path": "/api"})
    nowhere = api.integration(connector="example", subdomain=None)
    assert nowhere["base_url"] is None
    launched = api("POST", f"/v1/integrations/{nowhere['id']}/launch")
    assert launched.status == 409
    assert "base_url" in launched.fields
    assert not any("variable" in error["message"] for error in launched.json["errors"])
    there = api.integration(
        connector="example", subdomain=None, base_url="https://app.example.com/api"
    )
    assert there["base_url"] == "https://app.example.com"


def test_an_app_with_one_address_needs_none(api: Caller) -> None:
    made(api, address={"path": "/api", "base_url": "https://api.example.com"})
    assert api.integration(connector="example", subdomain=None)["base_url"] == (
        "https://api.example.com"
    )


def test_it_is_not_deleted_while_it_is_used_and_its_users_are_named(api: Caller) -> None:
    made(api)
    integration = api.integration(connector="example", name="Mine")
    refused = api("DELETE", PATH)
    assert refused.status == 409
    assert "integration 'Mine'" in refused.json["detail"]
    assert "credential 'key'" in refused.json["detail"]
    assert api("DELETE", f"/v1/integrations/{integration['id']}").status == 204
    refused = api("DELETE", PATH)
    assert "Mine" not in refused.json["detail"]
    assert api("DELETE", f"/v1/credentials/{integration['credential_id']}").status == 204
    gone = api("DELETE", PATH)
    assert (gone.status, gone.text) == (204, "")
    assert api("GET", PATH).status == 404
    assert [verb for verb, _, _ in audited(api)] == ["create", "delete"]


def test_a_connector_that_is_made_again_counts_its_versions_on(api: Caller) -> None:
    made(api)
    api("DELETE", PATH)
    assert made(api)["version"] == 2
    assert [one["version"] for one in api.everything(f"{PATH}/versions")] == [2, 1]


def test_what_comes_to_use_it_in_the_same_moment_keeps_it(api: Caller) -> None:
    made(api)
    store = Connectors(api.config)
    seen = store.seen("example")
    assert seen is not None
    assert transact(api.aws.dynamodb, linking(api.config, "example")) is None
    assert not store.delete(seen, "somebody")
    assert store.replace(seen, {**plain(), "name": "Other"}, "somebody") == "changed"
    assert api("GET", PATH).json["name"] == "Example"
    again = store.seen("example")
    assert again is not None
    assert store.delete(again, "somebody")
    assert transact(api.aws.dynamodb, linking(api.config, "example")) is not None
    assert linking(api.config, "aha") == []


def test_of_two_new_versions_at_once_none_is_lost_unseen(api: Caller) -> None:
    made(api)
    store = Connectors(api.config)
    seen = store.seen("example")
    assert seen is not None
    assert store.replace(seen, {**plain(), "name": "One"}, "one") != "changed"
    assert store.replace(seen, {**plain(), "name": "Two"}, "two") == "changed"
    assert [one["version"] for one in api.everything(f"{PATH}/versions")] == [2, 1]


def test_a_manifest_with_everything_in_it_comes_back_as_it_was(api: Caller) -> None:
    data = scattered("cursor", joined("cursor", many=True))
    data["users"]["find"] = {"path": "/users", "record": "", "parameter": "email"}
    data["mapping"] += [
        {"target": "role", "value": "Employee", "write": "if_empty"},
        {"target": "title", "template": "{{ response.profile }}"},
    ]
    answer = api("POST", "/v1/connectors", data)
    assert answer.status == 201, answer.text
    assert api("GET", f"{PATH}/manifest").json == data
    assert len(json.dumps(data)) < 100_000


def built_in(api: Caller) -> list[Any]:
    return [api("GET", f"/v1/connectors/{key}/manifest").json for key in ("activecampaign", "aha")]


def test_the_document_tells_every_key_of_a_manifest(api: Caller) -> None:
    document = api("GET", "/v1/openapi.json", actor=None).json
    body: Any = document["paths"]["/v1/connectors"]["post"]["requestBody"]["content"]
    schema: Any = body["application/json"]["schema"]
    told = Draft202012Validator({**schema, "components": document["components"]})
    for data in (plain(), scattered("cursor", joined(many=True)), *built_in(api)):
        told.validate(data)
    for bad in ({**plain(), "preset": []}, {**plain(), "users": {}}, {**plain(), "name": 1}):
        assert not told.is_valid(bad)
