"""Variables: named values that integrations share."""

from typing import Any

import pytest

from tests.integration.api.caller import Caller


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("1st", {"value": "a"}, "name"),
        ("with space", {"value": "a"}, "name"),
        ("ä", {"value": "a"}, "name"),
        ("V", {}, "value"),
        ("V", {"value": ""}, "value"),
        ("V", {"value": 5}, "value"),
        ("V", {"value": None}, "value"),
        ("V", {"value": "a" * 1001}, "value"),
        ("V", {"value": "a", "extra": 1}, "extra"),
        ("V", None, "body"),
        ("ActiveCampaign.Subdomain", {"value": "https://acme.example"}, "value"),
        ("Aha.Subdomain", {"value": "Acme"}, "value"),
    ],
)
def test_what_is_no_variable_is_refused(api: Caller, name: str, body: Any, field: str) -> None:
    answer = api("PUT", f"/v1/variables/{name}", body)
    assert answer.status == 422
    assert answer.fields == [field]
    assert api.everything("/v1/variables") == []


def test_a_variable_is_set_shown_listed_and_deleted(api: Caller) -> None:
    path = "/v1/variables/ActiveCampaign.Subdomain"
    created = api("PUT", path, {"value": "acme"})
    assert created.status == 200
    assert (created.json["name"], created.json["value"]) == ("ActiveCampaign.Subdomain", "acme")
    assert api("GET", path).json == created.json
    replaced = api("PUT", path, {"value": "other"}).json
    assert replaced["value"] == "other"
    assert replaced["created_at"] == created.json["created_at"]
    api("PUT", "/v1/variables/Another", {"value": "Some text"})
    names = [one["name"] for one in api.everything("/v1/variables", limit=1)]
    assert names == ["ActiveCampaign.Subdomain", "Another"]
    gone = api("DELETE", path)
    assert (gone.status, gone.text) == (204, "")
    assert api("GET", path).status == 404


def test_the_address_of_a_launched_integration_is_not_taken_away(api: Caller) -> None:
    path = "/v1/variables/ActiveCampaign.Subdomain"
    api("PUT", path, {"value": "acme"})
    integration = api.integration(subdomain=None)
    here = f"/v1/integrations/{integration['id']}"
    api.integration(subdomain="typed")
    assert api("POST", f"{here}/launch").status == 200
    answer = api("DELETE", path)
    assert answer.status == 409
    assert integration["id"] in answer.json["detail"]
    assert api("GET", here).json["base_url"] == "https://acme.api-us1.com"
    api("PATCH", here, {"subdomain": "own"})
    assert api("DELETE", path).status == 204


def test_a_variable_that_only_a_draft_uses_is_deleted(api: Caller) -> None:
    path = "/v1/variables/ActiveCampaign.Subdomain"
    api("PUT", path, {"value": "acme"})
    api.integration(subdomain=None)
    assert api("DELETE", path).status == 204


def test_connectors_are_listed(api: Caller) -> None:
    listed = api.everything("/v1/connectors", limit=1)
    assert [one["key"] for one in listed] == ["activecampaign", "aha"]
    one = api("GET", "/v1/connectors/activecampaign").json
    assert one == listed[0]
    assert one["auth"] == {"type": "api_key", "name": "Api-Token", "add_to": "header"}
    assert "create_user" in [preset["key"] for preset in one["presets"]]
    assert "users" in one["capabilities"]
