"""A body may be YAML: it means what the same JSON would."""

import pytest

from tests.integration.api.caller import Caller
from tests.integration.api.test_requests import is_problem

CREDENTIAL = """
# Of the office in Berlin.
name: key
connector: activecampaign
auth: {value: s3cret-value}
"""


@pytest.mark.parametrize(
    "content_type",
    ["application/yaml", "application/x-yaml", "text/yaml", "Application/YAML; charset=utf-8"],
)
@pytest.mark.parametrize("body", [CREDENTIAL, CREDENTIAL.encode()], ids=["text", "base64"])
def test_a_yaml_body_is_read_as_json_is(api: Caller, content_type: str, body: str | bytes) -> None:
    headers = {"content-type": content_type}
    answer = api("POST", "/v1/credentials", body, headers=headers)
    assert answer.status == 201, answer.text
    assert answer.json["name"] == "key"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("name: [", "(line 2, column 1)"),
        ("name: &a x\nauth: *a", "an anchor (&): write out what it stands for (line 1, column 7)"),
        ("- name: key", "must be a YAML mapping"),
        ("", "Missing"),
        ("# nothing", "must be a YAML mapping"),
        ("a: 1\n---\nb: 1", "is a second document (line 2, column 1)"),
        (b"name: \xff", "is not UTF-8"),
        ("name: \N{REPLACEMENT CHARACTER}", "is not UTF-8"),
        ("[" * 1_000_000, "nested"),
        ("x" * 1_000_001, "characters"),
    ],
)
def test_yaml_that_is_no_good_is_refused_with_its_place(
    api: Caller, body: str | bytes, said: str
) -> None:
    headers = {"content-type": "application/yaml"}
    answer = api("POST", "/v1/credentials", body, headers=headers)
    assert is_problem(answer, 422), answer
    if body:
        assert answer.fields == ["body"]
        assert said in answer.json["detail"]


def test_what_is_wrong_in_yaml_is_told_by_its_path(api: Caller) -> None:
    body = CREDENTIAL.replace("s3cret-value", "7")
    answer = api("POST", "/v1/credentials", body, headers={"content-type": "application/yaml"})
    assert (answer.status, answer.fields) == (422, ["auth.value"])


def test_the_same_request_in_yaml_and_in_json_is_one(api: Caller) -> None:
    key = {"Idempotency-Key": "one"}
    first = api("POST", "/v1/credentials", CREDENTIAL, headers={"content-type": "text/yaml", **key})
    body = {"name": "key", "connector": "activecampaign", "auth": {"value": "s3cret-value"}}
    again = api("POST", "/v1/credentials", body, headers=key)
    assert (first.status, again.json) == (201, first.json)


def test_a_form_is_read_where_a_page_posts_one_and_nowhere_else(api: Caller) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = api("POST", "/v1/credentials", "name=key", headers=headers)
    assert (answer.status, answer.fields) == (422, ["body"])
    path = "/v1/approvals/link/approve/x"
    assert api("POST", path, "comment=yes", headers=headers).status == 422
