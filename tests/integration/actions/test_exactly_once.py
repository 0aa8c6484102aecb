"""A fault anywhere leaves at most one user in the app, and who asks again gets the right answer."""

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from local.vendors.switches import Change, Fault
from rollcall.settings import Settings
from tests.integration.actions.conftest import (
    QUICK,
    Desk,
    DyingAws,
    Functions,
    Killed,
    desk_of,
)
from tests.integration.api.caller import Answered, Context
from tests.integration.sync.conftest import local_aws, settings

__all__ = ["local_aws", "settings"]

USERS = 6
NOT_WAITED = ReadTimeoutError(endpoint_url="lambda")
CREATES = "POST /api/3/users"


@pytest.fixture
def vendor() -> Iterator[Vendor[ActiveCampaign]]:
    with serve(seed_activecampaign(USERS, 4)) as app:
        yield app


def zed(number: object = "") -> dict[str, Any]:
    """Somebody whom the app does not know."""
    return {
        "username": f"zed{number}",
        "first_name": "Zed",
        "last_name": "Zorn",
        "email": f"zed{number}@northwind.example",
        "password": "p4ssw0rd-of-zed",
        "group_id": "4",
    }


def create(desk: Desk, integration: str, body: dict[str, Any], key: str = "key") -> Answered:
    path = f"/v1/integrations/{integration}/users"
    return desk.call("POST", path, body, headers={"Idempotency-Key": key})


def calls(vendor: Vendor[Any], method: str = "POST") -> int:
    """How many calls that change something reached the app."""
    return sum(call.method == method for call in vendor.log)


def of_email(vendor: Vendor[ActiveCampaign], email: str) -> list[str]:
    return [one.id for one in vendor.tenant.users.values() if one.email == email]


def test_a_create_killed_at_any_call_of_dynamodb_is_done_once_by_asking_again(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    for lives in count():
        body = zed(lives)
        desk.functions.aws.lives = lives
        first = create(desk, integration, body, f"key {lives}")
        desk.functions.aws.lives = math.inf
        assert first.status in (500, 201), first.text
        again = create(desk, integration, body, f"key {lives}")
        assert again.status == 201, again.text
        assert of_email(vendor, body["email"]) == [again.json["external_id"]]
        if first.status == 201:
            assert again.text == first.text
            break
    assert lives > 10, "the function was killed at many calls"
    assert len(vendor.tenant.users) == USERS + lives + 1
    assert calls(vendor) == lives + 1, "no create was sent twice"
    desk.unchanged(integration)


def test_a_create_whose_function_and_caller_died_is_done_once_when_the_claim_has_run_out(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    desk.functions.kills_the_caller = True
    desk.call.context = Context(remaining_ms=1)
    for lives in count():
        body = zed(lives)
        desk.functions.aws.lives = lives
        try:
            create(desk, integration, body, f"key {lives}")
        except Killed:
            desk.functions.aws.lives = math.inf
        else:
            break
        time.sleep(0.002)  # the first request is no longer being served
        (action,) = desk.call("GET", "/v1/actions", query={"limit": "1"}).json["items"]
        if of_email(vendor, body["email"]):
            waiting = create(desk, integration, body, f"key {lives}")
            assert (waiting.status, waiting.json["status"]) == (202, "running")
            assert waiting.headers["Retry-After"] == "5"
        desk.expire_claims(action["id"])
        left = desk.call("GET", f"/v1/actions/{action['id']}").json
        if left["status"] == "failed":  # else it had ended before it died
            assert left["error"]["code"] == "unavailable"
        time.sleep(0.002)
        again = create(desk, integration, body, f"key {lives}")
        assert again.status == 201, again.text
        assert of_email(vendor, body["email"]) == [again.json["external_id"]]
    assert lives > 10
    assert calls(vendor) == lives + 1
    desk.unchanged(integration)


MADE = [
    Fault(CREATES, kind="hang", seconds=1, times=1),
    Fault(CREATES, kind="drop", done=True, times=1),
    Fault(CREATES, kind="truncate", times=1),
    Fault(CREATES, kind="status", status=500, done=True, times=1),
    Fault(CREATES, kind="status", status=502, done=True, times=1),
    Fault(CREATES, kind="html", done=True, times=1),
    Fault(CREATES, kind="wrong_shape", done=True, times=1),
    Fault(CREATES, kind="truncated_json", times=1),
]
NOT_MADE = [
    (Fault(CREATES, kind="hang", seconds=1, done=False, times=1), 504),
    (Fault(CREATES, kind="drop", times=1), 502),
    (Fault(CREATES, kind="status", status=500, times=1), 502),
    (Fault(CREATES, kind="redirect", times=1), 502),
    (Fault(CREATES, kind="status", status=429, retry_after=7, times=1), 503),
    (Fault(CREATES, kind="status", status=401, times=1), 502),
]


def test_a_user_who_was_made_though_the_app_did_not_say_so_is_taken_for_ours(
    settings: Settings, vendor: Vendor[ActiveCampaign]
) -> None:
    desk = impatient(settings)
    integration = desk.integrate(vendor)
    for number, fault in enumerate(MADE):
        vendor.switches.faults = [replace(fault, seen=0)]
        first = create(desk, integration, zed(number), f"key {number}")
        again = create(desk, integration, zed(number), f"key {number}")
        assert (again.status, again.json["outcome"]) == (201, "adopted"), (fault, again.text)
        assert first.status == (502 if fault.kind == "wrong_shape" else 201), first.text
        assert of_email(vendor, zed(number)["email"]) == [again.json["external_id"]]
        assert calls(vendor) == number + 1
    desk.unchanged(integration)


def test_a_user_who_was_not_made_is_made_by_asking_again(
    settings: Settings, vendor: Vendor[ActiveCampaign]
) -> None:
    desk = impatient(settings)
    integration = desk.integrate(vendor)
    for number, (fault, status) in enumerate(NOT_MADE):
        vendor.switches.faults = [replace(fault, seen=0)]
        first = create(desk, integration, zed(number), f"key {number}")
        assert first.status == status, (fault, first.text)
        assert len(vendor.tenant.users) == USERS + number
        again = create(desk, integration, zed(number), f"key {number}")
        assert (again.status, again.json["outcome"]) == (201, "done"), (fault, again.text)
        assert of_email(vendor, zed(number)["email"]) == [again.json["external_id"]]
    desk.unchanged(integration)


def impatient(settings: Settings) -> Desk:
    """A moment for a call of an app."""
    quick = replace(settings, call_seconds=0.3)
    return desk_of(quick, Functions(quick))


def test_nothing_is_sent_again_before_it_is_known_that_nobody_was_made(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    down = Fault("/users/email/", kind="status", status=500, after=1)
    vendor.switches.faults = [Fault(CREATES, kind="drop", done=True), down]
    for _ in range(3):
        answer = create(desk, integration, zed())
        assert answer.status == 502, answer.text
    assert calls(vendor) == 1
    vendor.switches.faults = []
    answer = create(desk, integration, zed())
    assert (answer.status, answer.json["outcome"]) == (201, "adopted")
    assert calls(vendor) == 1


def test_a_user_whom_the_app_made_late_is_taken_for_ours_when_the_next_try_is_refused(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    vendor.switches.faults = [Fault(CREATES, kind="drop", times=1)]
    assert create(desk, integration, zed()).status == 502
    late = {"email": zed()["email"], "username": zed()["username"], "group": "4"}
    vendor.switches.changes = [Change(CREATES, add=[late])]
    again = create(desk, integration, zed())
    assert (again.status, again.json["outcome"]) == (201, "adopted"), again.text
    assert of_email(vendor, zed()["email"]) == [again.json["external_id"]]


def test_a_refused_duplicate_stays_one_wherever_its_function_is_killed(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    body = zed() | {"email": vendor.tenant.users["2"].email}
    for lives in count():
        desk.functions.aws.lives = lives
        first = create(desk, integration, body, f"key {lives}")
        desk.functions.aws.lives = math.inf
        assert first.status in (500, 422), first.text
        again = create(desk, integration, body, f"key {lives}")
        assert (again.status, again.fields) == (422, ["email"]), again.text
        if first.status == 422:
            break
    assert lives > 8
    assert len(vendor.tenant.users) == USERS


@pytest.mark.parametrize("kind", ["drop", "status"])
def test_a_user_who_was_there_before_our_call_is_never_taken_for_ours(
    desk: Desk, vendor: Vendor[ActiveCampaign], kind: Any
) -> None:
    integration = desk.integrate(vendor)
    body = zed() | {"email": vendor.tenant.users["2"].email}
    vendor.switches.faults = [Fault(CREATES, kind=kind, times=1)]
    assert create(desk, integration, body).status == 502
    again = create(desk, integration, body)
    assert (again.status, again.fields) == (422, ["email"])
    assert create(desk, integration, body).text == again.text


def test_a_second_user_of_an_email_that_our_call_may_have_made_is_not_made_again(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    body = zed() | {"email": vendor.tenant.users["2"].email}
    vendor.switches.faults = [Fault(CREATES, kind="drop", times=1)]
    assert create(desk, integration, body).status == 502
    vendor.tenant.put_user({"id": "99", "username": "zed", "email": body["email"], "group": "4"})
    sent = calls(vendor)
    again = create(desk, integration, body)
    assert again.status == 504, again.text
    assert calls(vendor) == sent


def test_two_creates_of_one_email_at_once_make_one_user(
    settings: Settings, vendor: Vendor[ActiveCampaign]
) -> None:
    desk = desk_of(settings, Functions(settings))
    integration = desk.integrate(vendor)
    for number, email in enumerate(("zed@northwind.example", "Zed@Northwind.example")):
        desk.functions.refuses = NOT_WAITED
        body = zed(number) | {"email": email}
        assert create(desk, integration, body, f"key {number}").status == 202
    vendor.switches.latency_ms = 150
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(desk.functions.run, desk.functions.payloads))
    codes = [one.error and one.error["code"] for one in ended if one is not None]
    assert sorted(codes, key=str) == [None, "conflict"]
    assert len(vendor.tenant.users) == USERS + 1


def test_after_a_create_that_ended_another_of_that_email_is_the_apps_to_refuse(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    assert create(desk, integration, zed(), "one").status == 201
    again = create(desk, integration, zed(), "two")
    assert (again.status, again.fields) == (422, ["username", "email"])


@pytest.mark.parametrize("what", ["update", "delete"])
def test_a_change_killed_anywhere_ends_right_by_asking_again(
    desk: Desk, vendor: Vendor[ActiveCampaign], what: str
) -> None:
    integration = desk.integrate(vendor)
    users = f"/v1/integrations/{integration}/users"
    for lives in range(2, 60, 5):
        number = "3"
        vendor.tenant.put_user({"id": number, "email": "three@northwind.example", "group": "4"})
        desk.functions.aws.lives = lives
        first = changed(desk, users, what, number, lives)
        desk.functions.aws.lives = math.inf
        again = changed(desk, users, what, number, lives)
        assert again.status == 200, again.text
        if what == "delete":
            assert number not in vendor.tenant.users
            assert again.json["outcome"] in ("done", "already-gone")
        elif what == "update":
            assert vendor.tenant.users[number].first_name == f"Name {lives}"
        if first.status == 200:
            break
    assert first.status == 200
    desk.unchanged(integration)


def changed(desk: Desk, users: str, what: str, number: str, lives: int) -> Answered:
    if what == "delete":
        return desk.call("DELETE", f"{users}/{number}")
    return desk.call("PATCH", f"{users}/{number}", {"first_name": f"Name {lives}"})


def test_a_deactivation_killed_anywhere_ends_right_by_asking_again(desk: Desk) -> None:
    with serve(seed_aha(6)) as vendor:
        integration = desk.integrate(vendor)
        users = vendor.tenant.users.values()
        number = next(one.id for one in users if one.enabled and one.id != vendor.tenant.me)
        path = f"/v1/integrations/{integration}/users/{number}/deactivate"
        for lives in count(step=2):
            user = vendor.tenant.users[number]
            vendor.tenant.users[number] = replace(user, enabled=True)
            desk.functions.aws.lives = lives
            headers = {"Idempotency-Key": f"key {lives}"}
            first = desk.call("POST", path, headers=headers)
            desk.functions.aws.lives = math.inf
            again = desk.call("POST", path, headers=headers)
            assert again.status == 200, again.text
            assert not vendor.tenant.users[number].enabled
            account = desk.call("GET", f"/v1/integrations/{integration}/accounts/{number}").json
            assert account["status"] == "inactive", "the roster follows what a dead function did"
            if first.status == 200:
                break
        assert lives > 8
        desk.unchanged(integration)


class DyingOverTheCall(DyingAws):
    """The function is dead at its first call of DynamoDB after it noted that it sends."""

    def __init__(self) -> None:
        super().__init__()
        self._sending = False

    def _client(self, service: str) -> Any:
        client = super()._client(service)
        client.meta.events.register("before-call.dynamodb", self._watch)
        return client

    def _watch(self, params: Any, **_: Any) -> None:
        if self._sending:
            raise Killed
        self._sending = b"sent_at" in params["body"]


def test_a_dead_functions_request_has_its_time_before_it_is_sent_again(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    desk.functions.restart(aws=DyingOverTheCall())
    assert create(desk, integration, zed()).status == 500
    made = {"email": zed()["email"], "username": "zed", "group": "4"}
    late = threading.Timer(0.6, vendor.tenant.put_user, [made])
    late.start()
    desk.functions.restart(aws=DyingAws(), looks=replace(QUICK, settled=1.5))
    again = create(desk, integration, zed())
    late.join()
    assert (again.status, again.json["outcome"]) == (201, "adopted"), again.text
    assert calls(vendor) == 0
