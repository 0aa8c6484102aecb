"""Credentials: kept, rotated, deleted, and their values never seen again."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from rollcall.credentials.store import CredentialMissing, Credentials, Scheme
from tests.integration.api.caller import Caller
from tests.manifests import plain

SECRET = "s3cret-value"
CLIENT = {
    "type": "oauth2_client_credentials",
    "token_url": "https://login.example/oauth/token",
    "client_id": "rollcall",
    "client_secret": SECRET,
}
UNSHOWN = dict.fromkeys(
    ("param_name", "add_to", "token_url", "client_id", "scope", "audience", "send")
)


def body(auth: Any, connector: str = "activecampaign") -> dict[str, Any]:
    return {"name": "key", "connector": connector, "auth": auth}


def store(api: Caller) -> Credentials:
    return Credentials(api.config, api.aws.secretsmanager, api.settings.secret_prefix)


def secrets(api: Caller) -> list[str]:
    return [one["Name"] for one in api.aws.secretsmanager.list_secrets()["SecretList"]]


@pytest.mark.parametrize(
    ("auth", "field"),
    [
        (None, "auth"),
        ("key", "auth"),
        ({}, "auth.value"),
        ({"value": ""}, "auth.value"),
        ({"value": "   "}, "auth.value"),
        ({"value": "a\nb"}, "auth.value"),
        ({"value": "a\x00b"}, "auth.value"),
        ({"value": "schlüssel"}, "auth.value"),
        ({"value": 1}, "auth.value"),
        ({"value": "a" * 5000}, "auth.value"),
        ({"value": "a", "extra": 1}, "auth.extra"),
        ({"type": "magic", "value": "a"}, "auth.type"),
        ({"type": 7, "value": "a"}, "auth.type"),
        ({"type": None, "value": "a"}, "auth.type"),
        ({"type": "bearer", "value": "Bearer  "}, "auth.value"),
        ({"type": "api_key", "value": "a", "name": "Host", "add_to": "header"}, "auth.name"),
        ({"type": "api_key", "value": "a", "name": "a b", "add_to": "header"}, "auth.name"),
        ({"type": "api_key", "value": "a", "name": "a\nb", "add_to": "query"}, "auth.name"),
        ({"type": "api_key", "value": "a", "name": "", "add_to": "query"}, "auth.name"),
        ({**CLIENT, "value": "a"}, "auth.value"),
        ({**CLIENT, "client_secret": ""}, "auth.client_secret"),
        ({**CLIENT, "client_id": "a\nb"}, "auth.client_id"),
        ({**CLIENT, "scope": ""}, "auth.scope"),
        ({**CLIENT, "send": "header"}, "auth.send"),
        ({**CLIENT, "token_url": "login.example/token"}, "auth.token_url"),
        ({**CLIENT, "token_url": "http://login.example/token"}, "auth.token_url"),
        ({**CLIENT, "token_url": "https://10.0.0.1/token"}, "auth.token_url"),
        ({**CLIENT, "token_url": "https://169.254.169.254/token"}, "auth.token_url"),
        ({**CLIENT, "token_url": "https://me:key@login.example/token"}, "auth.token_url"),
        ({**CLIENT, "token_url": "https://login.example/a b"}, "auth.token_url"),
        ({"type": "api_key", "value": "a", "name": "X"}, "auth.add_to"),
        ({"type": "api_key", "value": "a", "name": "X", "add_to": "body"}, "auth.add_to"),
        ({"type": "api_key", "value": "a", "name": "X: Y", "add_to": "header"}, "auth.name"),
        ({"type": "bearer"}, "auth.value"),
        ({"type": "basic", "username": "a"}, "auth.password"),
        ({"type": "basic", "username": "a:b", "password": "c"}, "auth.username"),
        ({"type": "basic", "username": "a", "password": "c\r\nd"}, "auth.password"),
    ],
)
def test_a_credential_that_cannot_sign_is_refused(api: Caller, auth: Any, field: str) -> None:
    answer = api("POST", "/v1/credentials", body(auth))
    assert answer.status == 422, answer
    assert answer.fields == [field]
    assert secrets(api) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": None}, "name"),
        ({"connector": "nothing"}, "connector"),
        ({"connector": 1}, "connector"),
        ({"value": SECRET}, "value"),
    ],
)
def test_a_credential_needs_a_name_and_a_connector(
    api: Caller, changes: dict[str, Any], field: str
) -> None:
    answer = api("POST", "/v1/credentials", {**body({"value": SECRET}), **changes})
    assert answer.status == 422
    assert answer.fields == [field]
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("connector", "auth", "shown", "kept"),
    [
        (
            "activecampaign",
            {"value": SECRET},
            {"type": "api_key", "param_name": "Api-Token", "add_to": "header"},
            {"value": SECRET},
        ),
        (
            "activecampaign",
            {
                "type": "api_key",
                "name": "Authorization",
                "add_to": "header",
                "value": f"Bearer {SECRET}",
            },
            {"type": "api_key", "param_name": "Authorization", "add_to": "header"},
            {"value": f"Bearer {SECRET}"},
        ),
        (
            "aha",
            {"value": f" bearer  {SECRET} "},
            {"type": "bearer"},
            {"value": SECRET},
        ),
        (
            "aha",
            {"type": "bearer", "value": SECRET},
            {"type": "bearer"},
            {"value": SECRET},
        ),
        (
            "activecampaign",
            {"type": "api_key", "name": "api_key", "add_to": "query", "value": SECRET},
            {"type": "api_key", "param_name": "api_key", "add_to": "query"},
            {"value": SECRET},
        ),
        (
            "activecampaign",
            {"type": "api_key", "name": "auth[key]", "add_to": "query", "value": SECRET},
            {"type": "api_key", "param_name": "auth[key]", "add_to": "query"},
            {"value": SECRET},
        ),
        (
            "aha",
            CLIENT,
            {
                "type": "oauth2_client_credentials",
                "token_url": "https://login.example/oauth/token",
                "client_id": "rollcall",
                "send": "basic",
            },
            {"client_secret": SECRET},
        ),
        (
            "aha",
            {
                **CLIENT,
                "token_url": "http://127.0.0.1:8080/token?tenant=1",
                "scope": "users:read groups:read",
                "audience": "https://api.example",
                "send": "body",
            },
            {
                "type": "oauth2_client_credentials",
                "token_url": "http://127.0.0.1:8080/token?tenant=1",
                "client_id": "rollcall",
                "scope": "users:read groups:read",
                "audience": "https://api.example",
                "send": "body",
            },
            {"client_secret": SECRET},
        ),
        (
            "activecampaign",
            {"type": "basic", "username": "ann", "password": SECRET},
            {"type": "basic"},
            {"username": "ann", "password": SECRET},
        ),
    ],
)
def test_every_form_is_kept_and_shown_without_its_value(
    api: Caller,
    connector: str,
    auth: dict[str, str],
    shown: dict[str, Any],
    kept: dict[str, str],
) -> None:
    created = api("POST", "/v1/credentials", body(auth, connector))
    assert created.status == 201
    assert isinstance(created.json["id"], str)
    expected = UNSHOWN | shown
    assert {name: created.json[name] for name in expected} == expected
    path = f"/v1/credentials/{created.json['id']}"
    assert api("GET", path).json == created.json
    assert api.everything("/v1/credentials") == [created.json]
    assert store(api).secret(created.json["id"]) == kept
    assert secrets(api) == [f"rollcall/test/credentials/{created.json['id']}"]


def test_a_value_is_in_secrets_manager_and_nowhere_else(
    api: Caller, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Idempotency-Key": "one"}
    auth = {"value": SECRET}
    created = api("POST", "/v1/credentials", body(auth), headers=headers)
    api("POST", "/v1/credentials", body(auth), headers=headers)
    path = f"/v1/credentials/{created.json['id']}"
    api("PUT", path, {"auth": {"value": SECRET + "2"}})
    api("POST", "/v1/credentials", {**body(auth), "extra": SECRET})
    api("POST", "/v1/credentials", json.dumps(body(auth))[:-3])
    api("GET", "/v1/audit")
    for table in api.aws.dynamodb.list_tables()["TableNames"]:
        assert SECRET not in str(api.aws.dynamodb.scan(TableName=table))
    captured = capsys.readouterr()
    assert SECRET not in captured.out + captured.err + caplog.text + "".join(api.texts)


def test_rotation_replaces_the_value_and_keeps_the_rest(api: Caller) -> None:
    credential_id = api.credential(value="old")
    path = f"/v1/credentials/{credential_id}"
    before = api("GET", path).json
    answer = api("PUT", path, {"auth": {"value": "new"}})
    assert answer.status == 200
    assert {**answer.json, "updated_at": None} == {**before, "updated_at": None}
    assert store(api).secret(credential_id) == {"value": "new"}


def test_rotation_takes_the_whole_body_too(api: Caller) -> None:
    path = f"/v1/credentials/{api.credential()}"
    answer = api("PUT", path, {**body({"value": "new"}), "name": "renamed"})
    assert answer.json["name"] == "renamed"


def test_a_client_is_rotated_by_its_secret_alone_or_as_a_whole(api: Caller) -> None:
    created = api("POST", "/v1/credentials", body(CLIENT, "aha")).json
    path = f"/v1/credentials/{created['id']}"
    answer = api("PUT", path, {"auth": {"value": "new"}})
    assert {**answer.json, "updated_at": created["updated_at"]} == created
    assert store(api).secret(created["id"]) == {"client_secret": "new"}
    whole = {**CLIENT, "client_secret": "newer", "scope": "users:read"}
    answer = api("PUT", path, {"auth": whole})
    assert (answer.json["scope"], answer.json["client_id"]) == ("users:read", "rollcall")
    assert store(api).secret(created["id"]) == {"client_secret": "newer"}
    (entry, *_) = api.everything("/v1/audit")
    assert entry["changes"] == {"scope": {"before": None, "after": "users:read"}}


def test_a_key_alone_is_no_client(api: Caller) -> None:
    manifest = plain() | {"auth": {"type": "oauth2_client_credentials"}}
    assert api("POST", "/v1/connectors", manifest).status == 201
    answer = api("POST", "/v1/credentials", body({"value": "a"}, manifest["key"]))
    assert (answer.status, answer.fields) == (422, ["auth.type"])
    assert api("POST", "/v1/credentials", body(CLIENT, manifest["key"])).status == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"connector": "aha"}, "connector"),
        ({"auth": {"type": "bearer", "value": "a"}}, "auth.type"),
        ({"auth": CLIENT}, "auth.type"),
        ({"auth": {"value": ""}}, "auth.value"),
    ],
)
def test_rotation_keeps_connector_and_type(
    api: Caller, changes: dict[str, Any], field: str
) -> None:
    credential_id = api.credential()
    answer = api("PUT", f"/v1/credentials/{credential_id}", {**body({"value": "b"}), **changes})
    assert answer.status == 422
    assert answer.fields == [field]
    assert store(api).secret(credential_id) == {"value": SECRET}


def test_an_unknown_credential_is_neither_shown_nor_rotated_nor_deleted(api: Caller) -> None:
    path = "/v1/credentials/0123456789012345678901234567"
    assert api("GET", path).status == 404
    assert api("PUT", path, {"auth": {"value": "a"}}).status == 404
    assert api("DELETE", path).status == 404


def test_a_credential_in_use_cannot_be_deleted(api: Caller) -> None:
    integration = api.integration()
    path = f"/v1/credentials/{integration['credential_id']}"
    answer = api("DELETE", path)
    assert answer.status == 409
    assert integration["id"] in answer.json["detail"]
    assert api("DELETE", f"/v1/integrations/{integration['id']}").status == 204
    gone = api("DELETE", path)
    assert (gone.status, gone.text) == (204, "")
    assert api("GET", path).status == 404
    assert secrets(api) == []


def test_an_integration_taken_up_while_the_credential_is_deleted_keeps_it(api: Caller) -> None:
    """The deletion saw no user; then an integration came; the deletion must not go through."""
    credential_id = api.credential()
    credentials = store(api)

    class Late(Credentials):
        def users(self, credential_id: str) -> list[str]:
            before = super().users(credential_id)
            api.integration(credential_id=credential_id)
            return before

    late = Late(api.config, api.aws.secretsmanager, api.settings.secret_prefix)
    assert late.delete(credential_id, "test") == "used"
    assert credentials.get(credential_id) is not None
    assert credentials.secret(credential_id)


def test_a_crash_before_the_item_leaves_a_secret_that_nothing_names(api: Caller) -> None:
    broken = boto3.client("dynamodb")
    with Stubber(broken) as stub:
        stub.add_client_error("transact_write_items", "InternalServerError")
        config = type(api.config)(broken, api.settings.config_table)
        crashing = Credentials(config, api.aws.secretsmanager, api.settings.secret_prefix)
        with pytest.raises(ClientError):
            crashing.create("key", "aha", Scheme("bearer"), {"value": SECRET}, "test")
    assert api.everything("/v1/credentials") == []
    (orphan,) = secrets(api)
    assert api.credential()
    # Deleting by the id that was never answered clears it up.
    assert api("DELETE", f"/v1/credentials/{orphan.rpartition('/')[2]}").status == 404
    assert orphan not in secrets(api)


def test_a_secret_deleted_by_hand_is_missing(api: Caller) -> None:
    credential_id = api.credential()
    (name,) = secrets(api)
    api.aws.secretsmanager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    with pytest.raises(CredentialMissing):
        store(api).secret(credential_id)
    with pytest.raises(CredentialMissing):
        store(api).secret("unknown")
    assert api("PUT", f"/v1/credentials/{credential_id}", {"auth": {"value": "a"}}).status == 404
