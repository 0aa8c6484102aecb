"""An Idempotency-Key leads to one action: what is done once is answered alike, or gone on with."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from rollcall.api.app import Api
from rollcall.api.services import Services
from tests.integration.actions.conftest import Desk, Killed
from tests.integration.actions.test_activecampaign import ZED
from tests.integration.api.caller import Answered
from tests.integration.sync.conftest import local_aws, settings

__all__ = ["local_aws", "settings"]

THROTTLED = ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
UNREACHABLE = ConnectTimeoutError(endpoint_url="lambda")
NOT_WAITED = ReadTimeoutError(endpoint_url="lambda")


@pytest.fixture
def vendor() -> Iterator[Vendor[ActiveCampaign]]:
    with serve(seed_activecampaign(6, 4)) as app:
        yield app


@pytest.fixture
def users(desk: Desk, vendor: Vendor[ActiveCampaign]) -> str:
    """The path at which users are made."""
    return f"/v1/integrations/{desk.integrate(vendor)}/users"


def create(desk: Desk, users: str, key: str = "key", **changes: object) -> Answered:
    return desk.call("POST", users, ZED | changes, headers={"Idempotency-Key": key})


def forget_answers(desk: Desk) -> None:
    """As if the record of the first answer were lost."""
    client, name = desk.house.aws.dynamodb, desk.call.api_settings.idempotency_table
    for item in client.scan(TableName=name)["Items"]:
        client.delete_item(TableName=name, Key={"id": item["id"]})


def made(vendor: Vendor[ActiveCampaign]) -> int:
    return sum(call.method == "POST" for call in vendor.log)


def test_the_same_request_again_is_answered_alike_and_calls_nobody(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    first = create(desk, users)
    assert first.status == 201
    vendor.log.clear()
    assert create(desk, users).text == first.text
    forget_answers(desk)
    again = create(desk, users)
    assert (again.status, again.text) == (201, first.text), "the action itself remembers"
    assert vendor.log == []


@pytest.mark.parametrize("change", [{"first_name": "Another"}, {"password": "another one"}])
def test_another_body_with_the_same_key_is_refused(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign], change: dict[str, str]
) -> None:
    assert create(desk, users).status == 201
    answers = [create(desk, users, **change)]
    forget_answers(desk)
    answers.append(create(desk, users, **change))
    assert [(one.status, one.fields) for one in answers] == [(422, ["Idempotency-Key"])] * 2
    assert made(vendor) == 1


def test_no_secret_and_no_key_is_kept_with_an_action(desk: Desk, users: str) -> None:
    action = create(desk, users, "a-key-of-ours").json["action_id"]
    kept = str(desk.house.runs.table.get(f"ACTION#{action}", "ACTION"))
    assert ZED["password"] not in kept
    assert "a-key-of-ours" not in kept


def test_a_key_belongs_to_its_caller(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    headers = {"Idempotency-Key": "key"}
    assert desk.call("POST", users, ZED, headers=headers, actor="one").status == 201
    other = ZED | {"username": "other", "email": "other@northwind.example"}
    assert desk.call("POST", users, other, headers=headers, actor="two").status == 201
    assert made(vendor) == 2


def test_a_refusal_is_answered_again_without_a_call(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    first = create(desk, users, email=vendor.tenant.users["2"].email)
    assert first.status == 422
    vendor.log.clear()
    forget_answers(desk)
    again = create(desk, users, email=vendor.tenant.users["2"].email)
    assert (again.status, again.text) == (422, first.text)
    assert vendor.log == []


@pytest.mark.parametrize("why", [THROTTLED, UNREACHABLE], ids=["throttled", "unreachable"])
def test_a_function_that_cannot_be_started_is_a_503_and_the_action_says_so(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign], why: Exception
) -> None:
    desk.functions.refuses = why
    answer = create(desk, users)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5"), answer.text
    (action,) = desk.call("GET", "/v1/actions").json["items"]
    assert (action["status"], action["error"]["code"]) == ("failed", "unavailable")
    assert "could not be started" in action["error"]["detail"]
    desk.functions.refuses = None
    again = create(desk, users)
    assert (again.status, again.json["action_id"]) == (201, action["id"])
    assert made(vendor) == 1


def test_a_slow_action_is_answered_202_and_told_when_it_is_over(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    desk.functions.refuses = NOT_WAITED
    answers = [create(desk, users) for _ in range(2)]
    assert [answer.status for answer in answers] == [202, 202]
    assert answers[0].text == answers[1].text
    assert answers[0].json["status"] == "running"
    path = f"/v1/actions/{answers[0].json['action_id']}"
    assert desk.call("GET", path).json["status"] == "running"
    first, second = desk.functions.payloads
    assert desk.functions.run(first) is not None
    assert desk.functions.run(second) is None, "it is over"
    assert desk.call("GET", path).json["status"] == "succeeded"
    again = create(desk, users)
    assert (again.status, again.json["status"]) == (201, "succeeded")
    assert made(vendor) == 1


def test_two_functions_started_for_one_action_call_the_app_once(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    desk.functions.refuses = NOT_WAITED
    create(desk, users)
    (payload,) = desk.functions.payloads
    client = desk.functions.aws.dynamodb
    second: list[object] = []

    def overtake(params: dict[str, object], **_: object) -> None:
        if b"sent_at" in params["body"] and not second:  # type: ignore[operator]
            second.append(None)
            second[0] = desk.functions.run(payload)

    client.meta.events.register("before-call.dynamodb", overtake)
    assert desk.functions.run(payload) is not None
    assert second == [None]
    assert made(vendor) == 1


def test_while_the_first_request_is_served_another_is_a_409_and_later_it_is_replayed(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    answers: list[Answered] = []
    client = desk.functions.aws.dynamodb

    def again(**_: object) -> None:
        if not answers:
            answers.append(create(desk, users))

    client.meta.events.register("before-call.dynamodb.UpdateItem", again)
    first = create(desk, users)
    assert first.status == 201
    assert [(one.status, one.headers["Retry-After"]) for one in answers] == [(409, "1")]
    assert create(desk, users).text == first.text
    assert made(vendor) == 1


def test_an_api_function_that_dies_while_it_waits_leaves_an_action_that_is_replayed(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    desk.functions.refuses = Killed()
    with pytest.raises(Killed):
        create(desk, users)
    waiting = create(desk, users)
    assert (waiting.status, waiting.headers["Retry-After"]) == (409, "1"), waiting.text
    (payload,) = desk.functions.payloads
    ended = desk.functions.run(payload)
    assert ended is not None
    forget_answers(desk)  # as it runs out with the time that the function had
    desk.functions.refuses = None
    again = create(desk, users)
    assert (again.status, again.json["action_id"]) == (201, ended.asked.id)
    assert made(vendor) == 1


class OneAtATime(Api):
    """Powertools' resolver serves one request at a time; what stands before it serves them all."""

    serving = threading.Lock()

    def _resolved(self, event: Any, context: Any) -> dict[str, Any]:
        with self.serving:
            return super()._resolved(event, context)


def test_a_thousand_identical_requests_at_once_are_one_call_of_the_app(
    desk: Desk, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    aws = desk.call.aws
    services = Services(desk.house.settings, desk.call.api_settings, aws)
    caller = replace(desk.call, handler=OneAtATime(services))
    thousand = 1000
    start = threading.Barrier(thousand)
    vendor.switches.latency_ms = 300

    def ask(_: int) -> Answered:
        start.wait()
        return caller("POST", users, ZED, headers={"Idempotency-Key": "key"})

    with ThreadPoolExecutor(thousand) as pool:
        answers = list(pool.map(ask, range(thousand)))
    assert made(vendor) == 1
    done = create(desk, users)
    assert done.status == 201
    told = {answer.text for answer in answers if answer.status == 201}
    assert told == {done.text}
    others = [answer for answer in answers if answer.status != 201]
    assert all("still being served" in answer.json["detail"] for answer in others)
    assert {answer.status for answer in others} == {409}
    assert made(vendor) == 1


def test_a_slow_deletion_of_a_persons_user_is_answered_alike_once_they_are_gone(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    account = desk.call("GET", f"/v1/integrations/{integration}/accounts/3").json
    path = f"/v1/integrations/{integration}/presets/delete_user"
    headers, body = {"Idempotency-Key": "key"}, {"person_id": account["person_id"]}
    desk.functions.refuses = NOT_WAITED
    slow = desk.call("POST", path, body, headers=headers)
    assert slow.status == 202
    (payload,) = desk.functions.payloads
    assert desk.functions.run(payload) is not None
    desk.functions.refuses = None
    vendor.log.clear()
    again = desk.call("POST", path, body, headers=headers)
    assert (again.status, again.json["outcome"]) == (200, "done"), again.text
    assert again.json["action_id"] == slow.json["action_id"]
    assert vendor.log == []
