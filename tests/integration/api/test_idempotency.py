"""The same request twice is done once and answered alike."""

import json
from typing import Any

import pytest

from tests.integration.api.caller import Answered, Caller

BODY = {"name": "key", "connector": "activecampaign", "auth": {"value": "s3cret-value"}}


def post(api: Caller, body: Any = BODY, key: str = "one", **more: Any) -> Answered:
    return api("POST", "/v1/credentials", body, headers={"Idempotency-Key": key}, **more)


def test_the_same_key_and_body_get_the_same_answer(api: Caller) -> None:
    first = post(api)
    second = post(api, json.dumps(BODY, indent=3))
    assert first.status == 201
    assert second == first
    assert len(api.everything("/v1/credentials")) == 1


def test_without_a_key_everything_is_done_again(api: Caller) -> None:
    for _ in range(2):
        assert api("POST", "/v1/credentials", BODY).status == 201
    assert len(api.everything("/v1/credentials")) == 2


def test_another_body_is_refused(api: Caller) -> None:
    post(api)
    answer = post(api, {**BODY, "name": "other"})
    assert answer.status == 422
    assert answer.fields == ["Idempotency-Key"]


def test_a_refusal_is_answered_alike_too(api: Caller) -> None:
    first = post(api, {})
    assert first.status == 422
    assert post(api, {}) == first


@pytest.mark.parametrize("change", [{"actor": "somebody"}, {"key": "two"}])
def test_a_key_belongs_to_its_caller(api: Caller, change: dict[str, str]) -> None:
    assert post(api).json["id"] != post(api, **change).json["id"]


def test_a_key_belongs_to_its_path(api: Caller) -> None:
    headers = {"idempotency-key": "one"}
    one, two = (api.integration()["id"] for _ in range(2))
    answers = [
        api("POST", f"/v1/integrations/{integration_id}/runs", headers=headers).json
        for integration_id in (one, two, one)
    ]
    assert [answer["integration_id"] for answer in answers] == [one, two, one]
    assert answers[0] == answers[2]
    assert len(api.executions()) == 2


def test_while_the_first_is_served_the_second_waits(api: Caller) -> None:
    post(api)
    client = api.aws.dynamodb
    (item,) = client.scan(TableName="test-IdempotencyTable")["Items"]
    in_progress = {"status": {"S": "INPROGRESS"}, "in_progress_expiration": {"N": "9" * 13}}
    client.put_item(TableName="test-IdempotencyTable", Item={**item, **in_progress})
    answer = post(api)
    assert answer.status == 409
    assert answer.headers["Retry-After"] == "1"


def test_a_call_that_was_killed_does_not_block_its_key(api: Caller) -> None:
    post(api)
    client = api.aws.dynamodb
    (item,) = client.scan(TableName="test-IdempotencyTable")["Items"]
    killed = {"status": {"S": "INPROGRESS"}, "in_progress_expiration": {"N": "1"}}
    client.put_item(TableName="test-IdempotencyTable", Item={**item, **killed})
    assert post(api).status == 201


def test_a_failure_of_ours_is_not_kept(api: Caller) -> None:
    integration_id = api.integration()["id"]
    path = f"/v1/integrations/{integration_id}/runs"
    arn = api.api_settings.sync_state_machine_arn
    api.aws.stepfunctions.delete_state_machine(stateMachineArn=arn)
    headers = {"Idempotency-Key": "one"}
    assert api("POST", path, headers=headers).status == 503
    api.aws.stepfunctions.create_state_machine(
        name="sync",
        definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/sync",
    )
    assert api("POST", path, headers=headers).status == 202


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_a_length(api: Caller, key: str) -> None:
    assert post(api, key=key).fields == ["Idempotency-Key"]
    assert api.everything("/v1/credentials") == []


def test_other_methods_take_no_notice_of_it(api: Caller) -> None:
    for value in ("a", "b"):
        answer = api("PUT", "/v1/variables/V", {"value": value}, headers={"Idempotency-Key": "x"})
        assert answer.json["value"] == value
