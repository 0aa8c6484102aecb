"""Actions over HTTP: a slow app, no free function, and several callers with one key at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.ministack import free_port
from local.stack import LocalStack
from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from local.vendors.switches import Fault
from tests.e2e.conftest import Api, Json, until

CALLERS = 10
"""The local gateway starts a process for each; a thousand are asked for in test_keys.py."""
WAITED = 2
"""Seconds that this stack's API waits for an action."""
ZED = {
    "username": "zed",
    "first_name": "Zed",
    "last_name": "Zorn",
    "email": "zed@northwind.example",
    "password": "p4ssw0rd-of-zed",
    "group_id": "4",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack whose API waits for a moment only."""
    with LocalStack.start(
        port=free_port(),
        state_dir=tmp_path_factory.mktemp("stack"),
        allow_hosts="127.0.0.1",
        parameters={"ActionSeconds": str(WAITED)},
    ) as running:
        yield running


@pytest.fixture
def vendor() -> Iterator[Vendor[ActiveCampaign]]:
    with serve(seed_activecampaign(6, 4)) as app:
        yield app


@pytest.fixture
def users(api: Api, vendor: Vendor[ActiveCampaign]) -> str:
    """The path at which users are made, at functions that are warm."""
    path = f"/integrations/{api.connect(vendor)}/users"
    until(lambda: api.http.get(f"{path}/2").status_code == 200 or None, "a first action")
    return path


def made(vendor: Vendor[ActiveCampaign]) -> int:
    return sum(call.method == "POST" for call in vendor.log)


def test_a_slow_action_is_answered_202_and_goes_on_by_itself(
    api: Api, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    vendor.switches.faults = [Fault("POST /api/3/users", kind="hang", seconds=30)]
    headers = {"Idempotency-Key": "slow"}
    answer = api.http.post(users, json=ZED, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Retry-After"] == "5"
    action_id = answer.json()["action_id"]
    assert answer.json()["status"] == "running"
    again = api.call("POST", users, 202, json=ZED, headers=headers)
    assert again["action_id"] == action_id
    vendor.switches.faults = []

    def over() -> Json | None:
        action: Json = api.call("GET", f"/actions/{action_id}", 200)
        return action if action["status"] != "running" else None

    action = until(over, "the action ends")
    assert (action["status"], action["outcome"]) == ("succeeded", "done")
    ended = api.call("POST", users, 201, json=ZED, headers=headers)
    assert ended["external_id"] == action["external_id"]
    assert made(vendor) == 1


def test_without_a_free_function_an_action_is_a_503_and_asking_again_does_it(
    api: Api, users: str, vendor: Vendor[ActiveCampaign], stack: LocalStack
) -> None:
    headers = {"Idempotency-Key": "throttled"}
    functions = stack.client("lambda")
    name = next(
        one["FunctionName"]
        for one in functions.list_functions()["Functions"]
        if "ActionsFunction" in one["FunctionName"]
    )
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    answer = api.http.post(users, json=ZED, headers=headers)
    functions.delete_function_concurrency(FunctionName=name)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), answer.text
    (action,) = api.call("GET", "/actions?limit=1", 200)["items"]
    assert (action["status"], action["error"]["code"]) == ("failed", "unavailable")
    assert made(vendor) == 0
    done = api.call("POST", users, 201, json=ZED, headers=headers)
    assert done["action_id"] == action["id"]
    assert made(vendor) == 1


def test_identical_requests_at_once_are_one_call_of_the_app(
    api: Api, users: str, vendor: Vendor[ActiveCampaign]
) -> None:
    vendor.switches.latency_ms = 300
    headers = {"Idempotency-Key": "at once"}

    def ask(_: int = 0) -> httpx.Response:
        return api.http.post(users, json=ZED, headers=headers, timeout=60)

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(ask, range(CALLERS)))
    done = until(
        lambda: created(api.http.post(users, json=ZED, headers=headers)), "the user is made"
    )
    assert {answer.status_code for answer in answers} <= {201, 202, 409, 429}
    assert all(answer.json() == done for answer in answers if answer.status_code == 201)
    assert made(vendor) == 1


def created(answer: httpx.Response) -> Json | None:
    return answer.json() if answer.status_code == 201 else None
