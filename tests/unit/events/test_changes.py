"""What a stored change says on the bus."""

import json
from typing import Any

import jsonschema
import pytest

from local.stack import ROOT
from rollcall.events import schemas
from rollcall.events.changes import Change, events_of
from rollcall.events.model import LARGEST, TYPES

ACCOUNT: dict[str, Any] = {
    "pk": "I#int1",
    "sk": "ACCOUNT#7",
    "integration_id": "int1",
    "external_id": "7",
    "email": "sam@example.com",
    "status": "active",
    "person_id": "p1",
    "attributes": json.dumps({"id": "7", "firstName": "Sam", "api_key": "s3cr3t"}),
    "hash": "a",
    "version": 1,
    "run_id": "run1",
    "by": "sync",
}
GRANT: dict[str, Any] = {
    "pk": "I#int1",
    "sk": "GRANT#7#role#20#p",
    "integration_id": "int1",
    "account": "7",
    "type": "role",
    "entitlement_id": "20",
    "name": "Owner",
    "scope": "p",
    "status": "held",
    "version": 3,
    "run_id": "act1",
    "by": "action",
}
PERSON: dict[str, Any] = {
    "pk": "PERSON#p1",
    "sk": "PERSON",
    "id": "p1",
    "fields": {"email": "sam@example.com", "status": "active"},
    "version": 4,
}


def told(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[tuple[str, Any]]:
    events = events_of(Change("c1", "2026-11-25T12:00:00.000Z", old, new))
    for event in events:
        jsonschema.validate(json.loads(event.text), schemas.schema_of(event.type))
    return [(event.type, event.detail) for event in events]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, {}, "Account Created"),
        ({}, {"email": "new@example.com", "version": 2}, "Account Updated"),
        ({}, {"status": "removed", "version": 2}, "Account Removed"),
        ({"status": "removed"}, {"version": 2}, "Account Restored"),
        ({}, None, "Account Removed"),
    ],
)
def test_an_account_comes_changes_goes_and_comes_back(
    before: dict[str, Any] | None, after: dict[str, Any] | None, kind: str
) -> None:
    old = None if before is None else ACCOUNT | before
    new = None if after is None else ACCOUNT | after
    [(type_, detail)] = told(old, new)
    assert type_ == kind
    assert detail["account"]["external_id"] == "7"
    assert detail["version"] == (2 if old is not None else 1)
    assert detail["by"] == {"kind": "sync", "id": "run1"}


def test_an_update_says_what_was_and_what_is_also_of_the_apps_own_fields() -> None:
    after = ACCOUNT | {
        "status": "inactive",
        "version": 2,
        "attributes": json.dumps({"id": "7", "firstName": "Samuel", "api_key": "an0ther"}),
    }
    [(_, detail)] = told(ACCOUNT, after)
    assert detail["changes"] == {
        "status": {"old": "active", "new": "inactive"},
        "attributes.firstName": {"old": "Sam", "new": "Samuel"},
    }
    assert "s3cr3t" not in json.dumps(detail)


def test_every_version_of_an_account_has_an_event_even_if_nothing_to_be_seen_changed() -> None:
    [(kind, detail)] = told(ACCOUNT, ACCOUNT | {"version": 2, "unsettled": True})
    assert (kind, detail["version"], detail["changes"]) == ("Account Updated", 2, {})


def test_who_an_integration_loads_as_people_only_has_no_account() -> None:
    assert told(None, ACCOUNT | {"load": "people"}) == []


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, GRANT, "Grant Added"),
        (GRANT, GRANT | {"status": "revoked", "version": 4}, "Grant Revoked"),
        (GRANT | {"status": "revoked"}, GRANT | {"version": 4}, "Grant Added"),
        (GRANT, None, "Grant Revoked"),
    ],
)
def test_a_grant_says_where_its_change_comes_from(before: Any, after: Any, kind: str) -> None:
    [(type_, detail)] = told(before, after)
    assert type_ == kind
    assert detail["grant"]["scope"] == "p"
    assert detail["by"] == {"kind": "action", "id": "act1"}


def test_a_grants_new_name_is_no_event() -> None:
    assert told(GRANT, GRANT | {"name": "Product owner", "version": 4}) == []


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, PERSON, "Person Created"),
        (PERSON, PERSON | {"fields": {"status": "inactive"}}, "Person Updated"),
        (PERSON, PERSON | {"removed_at": "now"}, "Person Removed"),
        (PERSON | {"removed_at": "then"}, PERSON, "Person Restored"),
    ],
)
def test_a_person_comes_changes_goes_and_comes_back(before: Any, after: Any, kind: str) -> None:
    [(type_, _)] = told(before, after)
    assert type_ == kind


def test_a_persons_update_says_what_was_and_what_is() -> None:
    after = PERSON | {"version": 5, "fields": {"email": "sam@example.com", "status": "inactive"}}
    [(_, detail)] = told(PERSON, after)
    assert detail["changes"] == {"status": {"old": "active", "new": "inactive"}}
    assert told(PERSON, PERSON | {"updated_at": "later"}) == []


RUN: dict[str, Any] = {
    "pk": "RUN#r",
    "sk": "RUN",
    "id": "r",
    "integration_id": "int1",
    "trigger": "schedule",
}
RUN |= {"counts": {"added": 1}}


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        ("queued", "running", "Sync Started"),
        ("running", "succeeded", "Sync Succeeded"),
        ("running", "succeeded_with_errors", "Sync Succeeded"),
        ("running", "failed", "Sync Failed"),
        ("running", "held", "Sync Held"),
        ("held", "cancelled", "Sync Cancelled"),
    ],
)
def test_a_run_says_how_it_goes(was: str, now: str, kind: str) -> None:
    [(type_, detail)] = told(RUN | {"status": was}, RUN | {"status": now})
    assert (type_, detail["run_id"]) == (kind, "r")
    assert told(RUN | {"status": now}, RUN | {"status": now, "counts": {}}) == []
    assert told(RUN | {"status": was}, RUN | {"status": now, "mode": "plan"}) == []


ACTION: dict[str, Any] = {
    "pk": "ACTION#a",
    "sk": "ACTION",
    "id": "a",
    "integration_id": "int1",
    "actor": "admin",
}
ACTION |= {"preset": "create_user", "inputs": {"password": "(secret)"}}


@pytest.mark.parametrize(
    ("status", "kind"), [("succeeded", "Action Succeeded"), ("failed", "Action Failed")]
)
def test_an_action_says_how_it_ended(status: str, kind: str) -> None:
    [(type_, detail)] = told(ACTION | {"status": "running"}, ACTION | {"status": status})
    assert (type_, detail["action_id"]) == (kind, "a")
    assert "inputs" not in detail
    assert told(None, ACTION | {"status": "running"}) == []


def test_a_refused_key_asks_for_a_reconnect_once() -> None:
    item = {"pk": "INTEGRATION", "sk": "int1", "id": "int1", "name": "AC", "connector": "aha"}
    item |= {"application": "AC", "owner": "it", "credential_id": "c"}
    active, refused = item | {"status": "active"}, item | {"status": "needs_reconnect"}
    [(kind, detail)] = told(active, refused)
    assert (kind, detail["integration_id"]) == ("Reconnect Needed", "int1")
    assert told(refused, refused | {"name": "other"}) == []
    assert told(refused, active) == []


@pytest.mark.parametrize(
    "item", [{"pk": "KEY#email#x", "sk": "KEY"}, {"pk": "I#int1", "sk": "GROUP#3"}]
)
def test_nothing_else_makes_an_event(item: dict[str, Any]) -> None:
    assert told(None, item) == []


def test_an_event_keeps_its_id_when_the_change_is_read_again() -> None:
    change = Change("c1", "2026-11-25T12:00:00.000Z", None, ACCOUNT)
    assert events_of(change) == events_of(change)
    other = Change("c2", "2026-11-25T12:00:00.000Z", None, ACCOUNT)
    assert events_of(change)[0].id != events_of(other)[0].id


def test_what_is_too_large_for_the_bus_is_sent_without_its_largest_changes() -> None:
    long = json.dumps({"notes": "x" * 45_000, "id": "7"})
    fields = {f"field_{n}": "y" * 9_000 for n in range(30)}
    [event] = events_of(Change("c1", "now", None, PERSON | {"fields": {"a": "b"}}))
    assert "truncated" not in json.loads(event.text)
    [(_, detail)] = told(ACCOUNT, ACCOUNT | {"attributes": long, "version": 2})
    assert detail["changes"]["attributes.notes"]["new"]
    change = Change("c1", "now", ACCOUNT, ACCOUNT | {"version": 2})
    [event] = events_of(change)
    status = {"status": {"old": "active", "new": "inactive"}}
    detail = {**event.detail, "changes": {**fields, **status}}
    swollen = type(event)(event.id, event.type, event.at, detail)
    assert len(swollen.text.encode()) <= LARGEST
    sent = json.loads(swollen.text)
    assert sent["truncated"] is True
    assert sent["changes"]["status"] == status["status"]
    assert 0 < len(sent["changes"]) < len(detail["changes"])


def test_of_a_person_with_a_large_field_the_others_are_told() -> None:
    large = PERSON["fields"] | {"history": "x" * 60_000}
    before = PERSON | {"fields": large | {"status": "active"}}
    after = before | {"fields": large | {"status": "inactive"}, "version": 2}
    [(kind, detail)] = told(before, after)
    assert kind == "Person Updated"
    assert detail["changes"] == {"status": {"old": "active", "new": "inactive"}}
    assert "history" not in detail["person"]


def test_the_documented_schemas_are_those_of_the_code() -> None:
    written = {
        file.name: json.loads(file.read_text()) for file in (ROOT / "docs/events").glob("*.json")
    }
    assert written == schemas.files()
    assert len(written) == len(TYPES)


@pytest.mark.parametrize(
    ("written_by", "by"),
    [
        ({"execution_id": "x1", "version": 5}, {"kind": "workflow", "id": "x1"}),
        ({"action_id": "a1", "version": 5}, {"kind": "action", "id": "a1"}),
        ({"execution_id": "x1", "version": 4}, None),
        (None, None),
    ],
)
def test_a_person_whom_an_execution_or_an_action_wrote_says_so_for_that_version_alone(
    written_by: Any, by: Any
) -> None:
    fields = {"email": "sam@example.com", "status": "inactive"}
    after = PERSON | {"version": 5, "fields": fields}
    after |= {"written_by": written_by} if written_by else {}
    [(_, detail)] = told(PERSON, after)
    assert detail.get("by") == by
