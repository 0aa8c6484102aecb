"""Requests that are no good are refused in one form, whatever is wrong with them."""

import json
from typing import Any

import pytest

from tests.integration.api.caller import Caller

NEW = {"name": "key", "connector": "activecampaign", "auth": {"value": "s3cret-value"}}


def is_problem(answer: Any, status: int) -> bool:
    document = answer.json
    return bool(
        answer.status == status
        and answer.headers["Content-Type"] == "application/problem+json"
        and document["status"] == status
        and document["type"].startswith("urn:rollcall:problem:")
        and document["title"]
        and document["detail"]
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("{not json", "application/json"),
        ("", "application/json"),
        ("[]", "application/json"),
        (json.dumps([NEW]), "application/json"),
        ("null", "application/json"),
        ('"text"', "application/json"),
        ('{"name": NaN}', "application/json"),
        ('{"name": "\\ud800"}', "application/json"),
        ("[" * 100_000, "application/json"),
        ('{"name": ' + "9" * 5000 + "}", "application/json"),
        (b"\xff\xfe{}", ""),
        (b'{"name": "\xff"}', "application/json"),
        ('{"name": "\ufffd"}', "application/json"),
        (b"\xff\xfe{}", "application/json"),
        ("--x\r\n\r\n--x--", "multipart/form-data"),
        ("--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        ("name=key&connector=activecampaign", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    api: Caller, body: str | bytes, content_type: str
) -> None:
    answer = api("POST", "/v1/credentials", body, headers={"content-type": content_type})
    assert is_problem(answer, 422), answer
    assert answer.fields == ["body"]


def test_a_json_body_is_read_whatever_its_content_type(api: Caller) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = api("POST", "/v1/credentials", json.dumps(NEW).encode(), headers=headers)
    assert answer.status == 201


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "1,2"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WzFd"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "a" * 5000}, "cursor"),
    ],
)
@pytest.mark.parametrize(
    "path",
    ["connectors", "credentials", "variables", "integrations", "people", "applications", "audit"],
)
def test_a_list_names_the_parameter_at_fault(
    api: Caller, path: str, query: dict[str, str], field: str
) -> None:
    answer = api("GET", f"/v1/{path}", query=query)
    assert is_problem(answer, 422), answer
    assert answer.fields == [field]


def test_a_cursor_serves_its_own_list_only(api: Caller) -> None:
    for name in ("A", "B"):
        api("PUT", f"/v1/variables/{name}", {"value": "x"})
    cursor = api("GET", "/v1/variables", query={"limit": "1"}).json["next_cursor"]
    assert api("GET", "/v1/variables", query={"cursor": cursor}).json["items"][0]["name"] == "B"
    assert api("GET", "/v1/credentials", query={"cursor": cursor}).fields == ["cursor"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/connectors/nothing",
        "/v1/connectors/..",
        "/v1/variables/nothing",
        "/v1/credentials/nothing",
        "/v1/integrations/nothing",
        "/v1/integrations/nothing/runs",
        "/v1/integrations/nothing/accounts",
        "/v1/integrations/nothing/accounts/1",
        "/v1/integrations/nothing/groups",
        "/v1/integrations/nothing/grants",
        "/v1/runs/nothing",
        "/v1/runs/nothing/errors",
        "/v1/runs/nothing/log",
        "/v1/runs/nothing/candidates",
        "/v1/people/nothing",
        "/v1/applications/nothing/accounts",
        "/v1/nothing",
        "/v1/integrations/",
        "/v1/",
    ],
)
def test_what_is_not_there_is_404(api: Caller, path: str) -> None:
    assert is_problem(api("GET", path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/integrations/nothing/launch"),
        ("POST", "/v1/integrations/nothing/pause"),
        ("POST", "/v1/integrations/nothing/test"),
        ("POST", "/v1/integrations/nothing/runs"),
        ("POST", "/v1/runs/nothing/approve"),
        ("POST", "/v1/runs/nothing/reject"),
        ("DELETE", "/v1/integrations/nothing"),
        ("DELETE", "/v1/integrations/no such id"),
        ("DELETE", "/v1/credentials/no such id"),
        ("DELETE", "/v1/variables/nothing"),
    ],
)
def test_what_is_not_there_cannot_be_acted_on(api: Caller, method: str, path: str) -> None:
    assert is_problem(api(method, path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/health", "GET"),
        ("DELETE", "/v1/audit", "GET"),
        ("PUT", "/v1/integrations/1", "DELETE, GET, PATCH"),
        ("GET", "/v1/integrations/1/launch", "POST"),
        ("HEAD", "/v1/people", "GET"),
        ("OPTIONS", "/v1/credentials", "GET, POST"),
    ],
)
def test_another_method_is_told_which_are_allowed(
    api: Caller, method: str, path: str, allowed: str
) -> None:
    answer = api(method, path)
    assert is_problem(answer, 405)
    assert answer.headers["Allow"] == allowed


def test_what_nobody_expected_is_a_500_that_tells_nothing_and_a_log_line_that_tells_all(
    api: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    api.aws.dynamodb.delete_table(TableName=api.settings.config_table)
    answer = api("GET", "/v1/credentials")
    assert is_problem(answer, 500)
    assert "ResourceNotFound" not in answer.text
    assert api.settings.config_table not in answer.text
    assert "ResourceNotFoundException" in caplog.text
    assert "Traceback" in caplog.text


def test_a_percent_sign_arrives_as_one(api: Caller) -> None:
    """The HTTP API decodes a path except for `%25`."""
    answer = api("GET", "/v1/credentials/50%25")
    assert is_problem(answer, 404)
    assert "'50%'" in answer.json["detail"]


def test_health_and_documentation_need_no_caller(api: Caller) -> None:
    assert api("GET", "/v1/health", actor=None).json == {"status": "ok"}
    assert api("GET", "/v1/openapi.json", actor=None).json["openapi"].startswith("3.1")
    docs = api("GET", "/v1/docs", actor=None)
    assert docs.headers["Content-Type"].startswith("text/html")
    assert "src=" not in docs.text.partition("<script>")[0]
