"""A preset in a workflow acts once, waits for what passes, and fails at once over what does not."""

import math
import time
import uuid
from itertools import count
from typing import Any

import pytest

from local.vendors import serve
from local.vendors.seed import seed_aha
from local.vendors.switches import Fault
from rollcall.fields.model import PersonField, Type, key_of
from rollcall.fields.store import Fields
from rollcall.integrations.model import RateLimit
from rollcall.items import Item, from_item
from rollcall.tables import PRESENT
from rollcall.workflows import line
from rollcall.workflows.blocks import preset as presets
from rollcall.workflows.executions import Execution
from tests.integration.workflows.conftest import Json, Killed, Shop, Tenant, changed

CREATE = "POST /api/3/users"


def block(integration: str, preset: str, **more: Any) -> Json:
    return {"id": "act", "type": "preset", "integration": integration, "preset": preset, **more}


def zed(number: object = "") -> Json:
    return {
        "username": f"zed{number}",
        "first_name": "Zed",
        "email": f"zed{number}@northwind.example",
        "password": "p4ssw0rd-of-zed",
        "group_id": "4",
    }


def emails(vendor: Tenant) -> list[str]:
    return [user.email for user in vendor.tenant.users.values()]


def test_a_preset_acts_and_later_blocks_see_what_came_back(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    read = {
        "id": "look",
        "type": "preset",
        "integration": "{{ inputs.where }}",
        "preset": "get_user",
        "external_id": "{{ steps.act.external_id }}",
        "response": {"mail": "{{ response.user.email }}"},
    }
    execution = shop.of(
        block(integration, "create_user", inputs=zed()), read, inputs={"where": integration}
    )
    assert shop.run(execution).status == "succeeded"
    made = shop.step(execution, "act")
    assert made.output["response"]["email"] == "zed@northwind.example"
    assert shop.step(execution, "look").output["response"] == {"mail": "zed@northwind.example"}
    action = shop.actions.get(made.output["action_id"])
    assert action is not None
    assert (action.asked.actor, action.asked.execution_id) == ("workflow:Leaving", execution.id)
    assert [one["verb"] for one in audited(shop, action.asked.id)] == ["ask"]


def test_what_is_secret_is_in_no_step_execution_or_action(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    execution = shop.of(block(integration, "create_user", inputs=zed()))
    assert shop.run(execution).status == "succeeded"
    step = shop.step(execution, "act")
    assert step.input["inputs"]["password"] == "(secret)"
    assert step.input["inputs"]["email"] == "zed@northwind.example"
    assert "p4ssw0rd-of-zed" not in shop.stored(execution)


def test_a_block_that_is_done_twice_acts_once(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    execution = shop.of(block(integration, "create_user", inputs=zed()))
    first = shop.take(execution, "act")
    step = shop.step(execution, "act")
    assert shop.take(execution, "act", again=True) == first
    assert shop.step(execution, "act") == step
    assert changed(vendor) == [CREATE]


def test_a_function_killed_at_any_write_makes_the_user_once(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    for lives in count():
        execution = shop.of(block(integration, "create_user", inputs=zed(lives)))
        shop.aws.lives = lives
        try:
            answer = shop.take(execution, "act")
        except Killed:
            shop.aws.lives = math.inf
            expire_claims(shop, execution)
            answer = shop.take(execution, "act")
            assert answer["outcome"] == "done", shop.step(execution, "act").error
            assert emails(vendor).count(f"zed{lives}@northwind.example") == 1
            continue
        shop.aws.lives = math.inf
        break
    assert answer["outcome"] == "done"
    assert lives > 12, "the function was killed at many calls"
    assert changed(vendor).count(CREATE) == lives + 1


def test_a_throttled_app_is_waited_for_and_then_it_is_done(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    vendor.switches.faults = [Fault(CREATE, kind="status", status=429, retry_after=7, times=2)]
    execution = shop.of(block(integration, "create_user", inputs=zed()))
    answer = shop.take(execution, "act")
    assert answer["outcome"] == "wait"
    assert answer["wait_seconds"] >= 7
    assert 0 < shop.take(execution, "act")["wait_seconds"] <= answer["wait_seconds"]
    assert changed(vendor) == [CREATE], "nothing is sent before the time has passed"
    assert shop.run(execution).status == "succeeded"
    assert len(changed(vendor)) == 3
    assert emails(vendor).count(zed()["email"]) == 1


@pytest.mark.parametrize("status", [401, 422])
def test_what_is_refused_fails_at_once(shop: Shop, vendor: Tenant, status: int) -> None:
    integration = shop.integrate(vendor)
    vendor.switches.token_valid = status != 401
    inputs = zed() | ({"email": vendor.tenant.users["2"].email} if status == 422 else {})
    execution = shop.of(block(integration, "create_user", inputs=inputs))
    ended = shop.run(execution)
    assert ended.status == "failed"
    code = {401: "vendor-unauthorized", 422: "vendor-rejected"}[status]
    assert ended.error is not None
    assert (ended.error["code"], ended.error["block"]) == (code, "act")
    sent = len(vendor.log)
    assert shop.take(execution, "act")["outcome"] == "failed"
    assert len(vendor.log) == sent, "and is not tried again"


def test_a_broken_app_is_tried_again_for_a_while(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    vendor.switches.faults = [Fault("PUT /api/3/users/3", kind="status", status=500)]
    inputs = {"external_id": "3", "first_name": "Renamed"}
    execution = shop.of(block(integration, "update_user", inputs=inputs))
    waits = []
    for _ in presets.PAUSES:
        answer = shop.take(execution, "act")
        waits.append(answer["wait_seconds"])
        shop.due(execution, "act")
    assert waits == sorted(waits)
    assert shop.take(execution, "act")["outcome"] == "failed"
    assert shop.step(execution, "act").error is not None
    assert len(changed(vendor)) == len(presets.PAUSES) + 1


def test_a_broken_app_that_comes_back_is_used(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    vendor.switches.faults = [Fault("PUT /api/3/users/3", kind="drop", times=2)]
    inputs = {"external_id": "3", "first_name": "Renamed"}
    execution = shop.of(block(integration, "update_user", inputs=inputs))
    assert shop.run(execution).status == "succeeded"
    assert vendor.tenant.users["3"].first_name == "Renamed"


def test_a_create_of_which_nobody_knows_is_not_tried_again_until_somebody_says_so(
    shop: Shop, vendor: Tenant
) -> None:
    integration = shop.integrate(vendor)
    down = Fault("/users/email/", kind="status", status=500, after=1)
    vendor.switches.faults = [Fault(CREATE, kind="drop", done=True, times=1), down]
    execution = shop.of(block(integration, "create_user", inputs=zed()))
    ended = shop.run(execution)
    assert ended.status == "failed"
    assert changed(vendor) == [CREATE]
    vendor.switches.faults = []
    redriven = shop.executions.reopen(ended, "tests")
    assert redriven is not None
    assert shop.run(redriven).status == "succeeded"
    step = shop.step(execution, "act")
    assert (step.output["outcome"], step.attempt) == ("adopted", 2)
    assert changed(vendor) == [CREATE], "the user was there, and was not made again"


def test_a_redriven_execution_goes_on_from_what_failed(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    rename = block(integration, "update_user", inputs={"external_id": "3", "first_name": "New"})
    execution = shop.of(
        {**rename, "id": "first"},
        block(integration, "create_user", inputs=zed()),
    )
    vendor.switches.faults = [Fault(CREATE, kind="status", status=422, times=1)]
    ended = shop.run(execution)
    assert ended.status == "failed"
    redriven = shop.executions.reopen(ended, "tests")
    assert redriven is not None
    assert shop.run(redriven).status == "succeeded"
    assert changed(vendor) == ["PUT /api/3/users/3", CREATE, CREATE]


def test_a_function_killed_at_any_write_of_a_redrive_goes_on(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    for lives in count(step=4):
        execution = shop.of(block(integration, "create_user", inputs=zed(lives)))
        vendor.switches.faults = [Fault(CREATE, kind="status", status=422, times=1)]
        ended = shop.run(execution)
        redriven = shop.executions.reopen(ended, "tests")
        assert redriven is not None
        shop.aws.lives = lives
        try:
            answer = shop.take(redriven, "act")
        except Killed:
            shop.aws.lives = math.inf
            expire_claims(shop, execution)
            answer = shop.take(redriven, "act")
            assert answer["outcome"] == "done", shop.step(redriven, "act").error
            continue
        shop.aws.lives = math.inf
        break
    assert lives > 12
    assert len(set(emails(vendor))) == len(emails(vendor)) == 6 + lives // 4 + 1


def test_whoever_is_at_hand_is_meant_where_the_block_does_not_say(
    shop: Shop, vendor: Tenant
) -> None:
    with serve(seed_aha(6)) as other:
        activecampaign, aha = shop.integrate(vendor), shop.integrate(other, priority=5)
        person = shop.person_of(activecampaign, "3")
        look = block(activecampaign, "get_user")
        about_account = shop.of(look, integration_id=activecampaign, external_id="4")
        assert shop.run(about_account).status == "succeeded"
        assert shop.step(about_account, "act").output["external_id"] == "4"
        about_person = shop.of(look, person_id=person)
        assert shop.run(about_person).status == "succeeded"
        assert shop.step(about_person, "act").output["external_id"] == "3"
        # The account at hand is another app's, so the person is looked for here.
        accounts = shop.house.directory.query(f"I#{aha}", "ACCOUNT#")
        ids = [item["external_id"] for item in accounts]
        elsewhere = shop.of(look, person_id=person, integration_id=aha, external_id=ids[0])
        assert shop.run(elsewhere).status == "succeeded"
        assert shop.step(elsewhere, "act").output["external_id"] == "3"
        nobody = shop.run(shop.of(look))
        assert nobody.error is not None
        assert nobody.error["code"] == "invalid-input"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"integration": "nowhere"}, "not-found"),
        ({"preset": "no_such"}, "not-found"),
        ({"preset": "{{ inputs.nothing }}"}, "not-found"),
        ({"external_id": "{{ inputs.nothing }}"}, "invalid-input"),
        ({"external_id": "77"}, "vendor-not-found"),
        ({"external_id": "1", "preset": "delete_user"}, "conflict"),
        ({"inputs": {"no_such": 1}}, "invalid-input"),
        ({"inputs": {"first_name": "{{ inputs.word | number }}"}}, "template-failed"),
    ],
)
def test_what_cannot_be_done_is_a_failure_that_says_why(
    shop: Shop, vendor: Tenant, changes: Json, code: str
) -> None:
    integration = shop.integrate(vendor)
    about = block(integration, "update_user", external_id="3", inputs={}) | changes
    ended = shop.run(shop.of(about, inputs={"word": "no number"}))
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["code"] == code, ended.error
    assert changed(vendor) == []


def test_the_answer_is_kept_in_the_persons_field(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    add_field(shop, "Roles", "json")
    roles = {"id": "read", "type": "roles", "integration": integration, "store_in": "roles"}
    person = shop.person_of(integration, "3")
    execution = shop.of(roles, person_id=person)
    assert shop.run(execution).status == "succeeded"
    rows = shop.step(execution, "read").output["response"]
    assert rows
    assert shop.person(person)["fields"]["roles"] == rows


def test_a_test_shows_every_request_and_sends_none(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor)
    follow = block(
        integration,
        "change_group",
        external_id="{{ steps.act.external_id }}",
        inputs={"group_id": "3"},
    )
    execution = shop.of(
        block(integration, "create_user", inputs=zed()),
        {**follow, "id": "follow"},
        {**block(integration, "delete_user", external_id="3"), "id": "gone"},
        mode="test",
    )
    before, users = len(vendor.log), dict(vendor.tenant.users)
    assert shop.run(execution).status == "succeeded"
    assert changed(vendor) == []
    assert dict(vendor.tenant.users) == users
    request = shop.step(execution, "act").output["request"]
    assert (request["method"], request["body"]["user"]["email"]) == ("POST", zed()["email"])
    assert request["body"]["user"]["password"] == "(secret)"
    assert "would make" in shop.step(execution, "follow").output["notes"][0]
    assert shop.step(execution, "gone").output["request"]["method"] == "DELETE"
    assert "p4ssw0rd-of-zed" not in shop.stored(execution)
    assert all(one.method == "GET" for one in vendor.log[before:])


def test_what_is_too_large_says_what_to_do(
    shop: Shop, vendor: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presets, "LARGEST", 100)
    integration = shop.integrate(vendor)
    execution = shop.of(block(integration, "get_user", external_id="3"))
    assert shop.run(execution).status == "failed"
    error = shop.step(execution, "act").error
    assert error is not None
    assert error["code"] == "too-large"
    assert "response" in error["detail"]
    mapped = shop.of(
        block(integration, "get_user", external_id="3", response="{{ response.user.id }}")
    )
    assert shop.run(mapped).status == "succeeded"


def test_many_who_want_the_same_app_each_get_their_turn(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor, rate_limit=RateLimit(5, 1))
    vendor.switches.rate_limit = (5, 1)
    runs, before = shop.house.runs.table, len(vendor.log)
    turns = [line.seconds_until_turn(runs, vendor.url, RateLimit(5, 1), 3) for _ in range(100)]
    # Each moves the end of the line on by the calls that it will make: 0.6 s and a little.
    assert turns[0] == 0
    assert 40 < turns[-1] < 75
    execution = shop.of(block(integration, "update_user", inputs={"external_id": "3"}))
    answer = shop.take(execution, "act")
    assert answer["outcome"] == "wait"
    assert answer["wait_seconds"] > 30
    assert len(vendor.log) == before
    assert shop.actions.get(action_id(execution)) is None, "nothing is begun before its turn"
    shop.due(execution, "act")
    assert shop.take(execution, "act")["outcome"] == "done"
    assert {one.status for one in vendor.log[before:]} == {200}


def test_whoever_comes_back_to_a_limiter_that_is_behind_stands_in_line_once_more(
    shop: Shop, vendor: Tenant
) -> None:
    integration = shop.integrate(vendor, rate_limit=RateLimit(5, 1))
    host = vendor.url.removeprefix("http://")
    execution = shop.of(block(integration, "get_user", external_id="3"))
    behind = {"pk": "LIMIT", "sk": host, "next_at": (time.time_ns() // 1_000_000) + 60_000}
    shop.house.runs.table.put(behind)
    before = len(vendor.log)
    for _ in range(3):
        assert shop.take(execution, "act")["outcome"] == "wait"
        shop.due(execution, "act")
    assert len(vendor.log) == before
    shop.house.runs.table.delete("LIMIT", host)
    assert shop.take(execution, "act")["outcome"] == "done"


def test_one_who_is_alone_is_not_kept_waiting(shop: Shop, vendor: Tenant) -> None:
    integration = shop.integrate(vendor, rate_limit=RateLimit(5, 1))
    execution = shop.of(block(integration, "get_user", external_id="3"))
    assert shop.take(execution, "act")["outcome"] == "done"


def action_id(execution: Execution) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{execution.id}\nact\n").hex


def expire_claims(shop: Shop, execution: Execution) -> None:
    """As if a dead function's claims had run out."""
    table = shop.house.runs.table
    table.update(f"ACTION#{action_id(execution)}", "ACTION", {"held_until": 0}, PRESENT)
    for integration in shop.house.integrations.everything():
        for item in list(table.query(f"CREATING#{integration.id}")):
            table.delete(item["pk"], item["sk"])


def audited(shop: Shop, object_id: str) -> list[Item]:
    """The entries of the audit log about it."""
    found = shop.house.config.client.scan(TableName=shop.house.config.name)["Items"]
    return [item for item in map(from_item, found) if item.get("object_id") == object_id]


def add_field(shop: Shop, name: str, kind: Type) -> None:
    fields = Fields(shop.house.config)
    field = PersonField(key_of(name), name, kind, unique=False)
    assert fields.create(field, fields.link(), "tests") == "created"
