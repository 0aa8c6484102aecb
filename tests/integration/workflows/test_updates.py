"""Updates of people and accounts: written once, over everybody, and told by whom."""

import json
import math
from itertools import count
from typing import Any

import pytest

from rollcall.directory import keys
from rollcall.directory.links import Hand
from rollcall.events.changes import Change, events_of
from rollcall.fields.model import PersonField
from rollcall.fields.store import Fields
from rollcall.items import Item, from_item
from tests.integration.workflows.conftest import Json, Killed, Shop, Tenant


def update(target: str = "person", **said: Any) -> Json:
    return {"id": "set", "type": "update", "target": target, "set": said}


@pytest.fixture
def integration(shop: Shop, vendor: Tenant) -> str:
    fields = Fields(shop.house.config)
    for key, kind in (("seats", "number"), ("badge", "text"), ("since", "datetime")):
        field = PersonField(key, key, kind, unique=key == "badge")  # type: ignore[arg-type]
        assert fields.create(field, fields.link(), "tests") == "created"
    return shop.integrate(vendor)


@pytest.fixture
def person(shop: Shop, integration: str) -> str:
    return shop.person_of(integration, "3")


def audited(shop: Shop, object_id: str) -> list[Item]:
    found = shop.house.config.client.scan(TableName=shop.house.config.name)["Items"]
    return [item for item in map(from_item, found) if item.get("object_id") == object_id]


def test_several_fields_are_written_in_one_version_with_an_audit_entry(
    shop: Shop, person: str
) -> None:
    before = shop.person(person)
    execution = shop.of(
        update(
            title="Gone {{ person.first_name }}",
            seats="{{ inputs.seats }}",
            badge="B-7",
            phone=None,
        ),
        person_id=person,
        inputs={"seats": "3"},
    )
    assert shop.run(execution).status == "succeeded"
    after = shop.person(person)
    assert after["version"] == before["version"] + 1
    fields = after["fields"]
    assert (fields["title"], fields["badge"]) == (f"Gone {before['fields']['first_name']}", "B-7")
    assert fields["seats"] == 3
    assert after["sources"]["title"] == "workflow"
    assert after["written_by"] == {"execution_id": execution.id, "version": after["version"]}
    step = shop.step(execution, "set")
    assert step.output["changed"]["title"] == {"old": None, "new": fields["title"]}
    (entry,) = audited(shop, person)
    assert (entry["actor"], entry["verb"]) == ("workflow:Leaving", "update")
    assert shop.house.directory.get(keys.sync_key("badge", "b-7"), "KEY") is not None


def test_the_event_of_the_change_says_who_made_it(shop: Shop, person: str) -> None:
    before = shop.person(person)
    execution = shop.of(update(title="Gone"), person_id=person)
    shop.run(execution)
    after = shop.person(person)
    (event,) = events_of(Change("1", "now", before, after))
    assert event.type == "Person Updated"
    assert event.detail["changes"] == {"title": {"old": None, "new": "Gone"}}
    assert event.detail["by"] == {"kind": "workflow", "id": execution.id}


def test_a_later_sync_writes_over_what_it_always_writes(
    shop: Shop, integration: str, person: str, vendor: Tenant
) -> None:
    execution = shop.of(update(display_name="Somebody", title="Kept"), person_id=person)
    assert shop.run(execution).status == "succeeded"
    assert shop.person(person)["fields"]["display_name"] == "Somebody"
    vendor.tenant.put_user({"id": "3", "first_name": "Other"})
    found = shop.house.integrations.get(integration)
    assert found is not None
    assert shop.house.run(found).status == "succeeded"
    after = shop.person(person)
    assert after["fields"]["display_name"].startswith("Other")
    assert after["fields"]["title"] == "Kept"
    assert after.get("written_by", {}).get("version") != after["version"]


def test_what_is_so_already_is_not_written(shop: Shop, person: str) -> None:
    name = shop.person(person)["fields"]["first_name"]
    execution = shop.of(update(first_name=name, title=None), person_id=person)
    before = shop.person(person)
    assert shop.run(execution).status == "succeeded"
    assert shop.person(person) == before
    assert shop.step(execution, "set").output == {"changed": {}}
    assert audited(shop, person) == []


def test_null_empties_a_field_whoever_wrote_it_and_frees_its_value(
    shop: Shop, integration: str, person: str
) -> None:
    email = shop.person(person)["fields"]["email"]
    assert shop.run(shop.of(update(email=None), person_id=person)).status == "succeeded"
    assert "email" not in shop.person(person)["fields"]
    other = shop.person_of(integration, "4")
    assert shop.run(shop.of(update(email=email), person_id=other)).status == "succeeded"
    assert shop.person(other)["fields"]["email"] == email


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"no_such": "x"}, ["no_such"]),
        ({"seats": "many"}, ["seats"]),
        ({"since": "soon", "title": "kept away", "seats": [1]}, ["since", "seats"]),
        ({"role": "Emperor"}, ["role"]),
        ({"title": {"a": 1}}, ["title"]),
    ],
)
def test_what_a_field_cannot_hold_names_the_field_and_writes_nothing(
    shop: Shop, person: str, said: Json, named: list[str]
) -> None:
    before = shop.person(person)
    ended = shop.run(shop.of(update(**said), person_id=person))
    assert ended.error is not None
    assert ended.error["code"] == "invalid-input"
    assert [name for name, _ in ended.error["errors"]] == named
    assert shop.person(person) == before


def test_a_value_that_somebody_else_has_is_a_failure(
    shop: Shop, integration: str, person: str
) -> None:
    email = shop.person(shop.person_of(integration, "4"))["fields"]["email"]
    ended = shop.run(shop.of(update(email=email.upper(), title="x"), person_id=person))
    assert ended.error is not None
    assert [name for name, _ in ended.error["errors"]] == ["email"]
    assert "title" not in shop.person(person)["fields"]


@pytest.mark.usefixtures("integration")
def test_nobody_at_hand_is_a_failure(shop: Shop) -> None:
    for target in ("person", "account"):
        ended = shop.run(shop.of(update(target, kind="service")))
        assert ended.error is not None
        assert ended.error["code"] == "not-found"
    gone = shop.run(shop.of(update(title="x"), person_id="nobody"))
    assert gone.status == "failed"


def test_a_function_killed_at_any_write_writes_once_and_tells_what_it_changed(
    shop: Shop, person: str
) -> None:
    for lives in count():
        version = shop.person(person)["version"]
        execution = shop.of(update(title=f"Title {lives}", seats=lives + 1), person_id=person)
        shop.aws.lives = lives
        try:
            shop.take(execution, "set")
        except Killed:
            shop.aws.lives = math.inf
            assert shop.take(execution, "set")["outcome"] == "done"
        else:
            shop.aws.lives = math.inf
            break
        assert shop.person(person)["version"] == version + 1
        changed = shop.step(execution, "set").output["changed"]
        assert changed["title"]["new"] == f"Title {lives}"
        assert len(audited(shop, person)) == lives + 1
    assert lives > 8


def test_a_test_writes_nothing_and_shows_what_would_change(shop: Shop, person: str) -> None:
    before = shop.person(person)
    execution = shop.of(update(title="Gone"), person_id=person, mode="test")
    assert shop.run(execution).status == "succeeded"
    assert shop.person(person) == before
    assert shop.step(execution, "set").output["changed"]["title"]["new"] == "Gone"


def test_an_account_is_marked_and_given_back_to_its_keys(shop: Shop, integration: str) -> None:
    whom = {"integration_id": integration, "external_id": "3"}
    hand = Hand(shop.house.directory, shop.house.config, "tests")
    assert not isinstance(hand.unlink(integration, "3"), str)
    given = shop.of(update("account", link=None), **whom)
    assert shop.run(given).status == "succeeded"
    assert shop.step(given, "set").output["changed"] == {"link": {"old": "none", "new": None}}
    marked = shop.of(
        update("account", kind="{{ inputs.kind }}"), inputs={"kind": "service"}, **whom
    )
    assert shop.run(marked).status == "succeeded"
    item = shop.house.directory.get(keys.integration(integration), keys.account("3"))
    assert item is not None
    assert (item["kind"], "link" in item) == ("service", False)
    again = shop.of(update("account", kind="service", link=None), **whom)
    assert shop.run(again).status == "succeeded"
    assert shop.step(again, "set").output == {"changed": {}}
    assert shop.house.directory.get(keys.integration(integration), keys.account("3")) == item
    actors = {entry["actor"] for entry in audited(shop, f"{integration}/3")}
    assert actors == {"tests", "workflow:Leaving"}


@pytest.mark.parametrize("said", [{"kind": "robot"}, {"link": "x"}, {"status": "inactive"}])
def test_of_an_account_nothing_else_is_set(shop: Shop, integration: str, said: Json) -> None:
    about = {"integration_id": integration, "external_id": "3"}
    ended = shop.run(shop.of(update("account", **said), **about))
    assert ended.error is not None
    assert [name for name, _ in ended.error["errors"]] == list(said)
    assert json.dumps(ended.error)
