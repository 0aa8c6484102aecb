"""What begins a workflow, and who would begin it now."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rollcall.mapping.conditions import Conditions
from rollcall.workflows.document import EventTrigger
from rollcall.workflows.matching import begins, needs_row, record_of, rewritten, synthetic

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
Json = dict[str, Any]
PERSON: Json = {"id": "p1", "email": "sam@example.com", "status": "inactive", "department": "IT"}
ACCOUNT: Json = {
    "integration_id": "i1",
    "application": "Aha!",
    "external_id": "7",
    "username": "sam",
    "email": "sam@example.com",
    "display_name": "Sam",
    "status": "active",
    "person_id": "p1",
    "kind": "person",
    "last_active_at": "2026-01-01T00:00:00Z",
    "attributes": {"firstName": "Sam"},
    "fields": {"first_name": "Sam"},
}
GRANT: Json = {"account": "7", "type": "admin", "entitlement_id": "3", "name": "Admins"}
ROW: Json = {
    "person": PERSON,
    "account": ACCOUNT,
    "grant": None,
    "integration_id": "i1",
    "application": "Aha!",
    "versions": {"person": 4, "account": 5, "grant": 6},
}
LEFT: Json = {
    "type": "Person Updated",
    "id": "e1",
    "person_id": "p1",
    "person": {"email": "sam@example.com", "status": "inactive"},
    "version": 4,
    "changes": {"status": {"old": "active", "new": "inactive"}},
}
CHANGED: Json = {
    "type": "Account Updated",
    "integration_id": "i1",
    "account": {"external_id": "7", "email": "new@example.com", "status": "active", "kind": None},
    "person_id": "p1",
    "by": {"kind": "sync", "id": "r1"},
    "changes": {"attributes.firstName": {"old": "Sam", "new": "Samuel"}},
}
ADDED: Json = {
    "type": "Grant Added",
    "integration_id": "i1",
    "grant": GRANT,
    "by": {"kind": "action", "id": "a1"},
}


def leaf(field: str, op: str = "equals", value: Any = None) -> Json:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


def trigger(when: Json | None, *events: str) -> EventTrigger:
    kinds = list(events) or ["Person Updated", "Account Updated", "Grant Added"]
    return EventTrigger(trigger="event", events=kinds, when=when)


@pytest.mark.parametrize(
    ("when", "event", "begun"),
    [
        (None, LEFT, True),
        (leaf("changes.status.new", value="inactive"), LEFT, True),
        (leaf("changes.status.old", value="inactive"), LEFT, False),
        (leaf("changes.department.new", "is_not_empty"), LEFT, False),
        (leaf("changes.status", "is_not_empty"), LEFT, True),
        (leaf("person.department", value="IT"), LEFT, True),
        (leaf("person.id", value="p1"), LEFT, True),
        (leaf("person_id", value="p1"), LEFT, True),
        (leaf("type", value="Person Updated"), LEFT, True),
        (leaf("changes.attributes.firstName.new", value="Samuel"), CHANGED, True),
        (leaf('changes["attributes.firstName"].new', value="Samuel"), CHANGED, True),
        (leaf("changes.attributes.firstName.old", value="Samuel"), CHANGED, False),
        (leaf("account.email", value="new@example.com"), CHANGED, True),
        (leaf("account.kind", value="person"), CHANGED, True),
        (leaf("account.fields.first_name", value="Sam"), CHANGED, True),
        (leaf("account.last_active_at", "before", "-90d"), CHANGED, True),
        (leaf("person.status", value="inactive"), CHANGED, True),
        (leaf("by.kind", "not_equals", "action"), CHANGED, True),
        (leaf("grant.type", value="admin"), ADDED, True),
        (leaf("by.kind", "not_equals", "action"), ADDED, False),
        (leaf("person.department", value="IT"), ADDED, True),
        ({"not": leaf("changes.status.new", value="inactive")}, LEFT, False),
    ],
)
def test_a_condition_asks_the_event_and_whom_it_is_about(
    when: Json | None, event: Json, begun: bool
) -> None:
    assert begins(trigger(when), event, ROW, NOW) is begun


def test_an_event_that_the_workflow_does_not_listen_to_begins_nothing() -> None:
    assert not begins(trigger(None, "Person Created"), LEFT, ROW, NOW)


def test_what_the_event_says_holds_though_the_roster_is_further_on() -> None:
    later = ROW | {"person": PERSON | {"status": "active"}}
    assert begins(trigger(leaf("person.status", value="inactive")), LEFT, later, NOW)


def test_whom_nobody_knows_is_nobody() -> None:
    event = {"type": "Sync Failed", "integration_id": "i1", "error": {"code": "vendor-broken"}}
    assert record_of(event, None) == event
    asked = trigger(leaf("error.code", value="vendor-broken"), "Sync Failed")
    assert begins(asked, event, None, NOW)
    assert not begins(trigger(leaf("person.id", "is_not_empty"), "Sync Failed"), event, None, NOW)


@pytest.mark.parametrize(
    ("field", "kind", "needed"),
    [
        ("changes.status.new", "Person Updated", False),
        ("person.department", "Person Updated", False),
        ("account.status", "Person Updated", True),
        ("account.status", "Account Created", False),
        ("account.attributes.x", "Account Created", True),
        ("account.email | account.fields.mail", "Account Created", True),
        ("account", "Account Created", False),
        ("person.status", "Account Created", True),
        ("grant.type", "Grant Added", False),
        ("account.status", "Grant Added", True),
        ("by.kind", "Grant Added", False),
    ],
)
def test_the_roster_is_asked_only_for_what_the_event_does_not_tell(
    field: str, kind: str, needed: bool
) -> None:
    asked = {"any": [{"not": leaf(field, "is_empty")}]}
    assert needs_row(trigger(asked, kind), kind) is needed


def now_matches(when: Json | None, kind: str, row: Json = ROW) -> bool:
    """Would this row begin a workflow with that condition, if it were activated now?"""
    there = rewritten(when, kind)
    event = synthetic(kind, row, NOW)
    if isinstance(there, bool) or event is None:
        return there is True and event is not None
    return Conditions(there).verdict(record_of(event, row), {}, NOW).passed


OLD = leaf("changes.status.old", value="active")
GONE = leaf("changes.status.new", value="inactive")
THERE = leaf("changes.status.new", value="active")
HAND = leaf("by.kind", value="action")


@pytest.mark.parametrize(
    ("when", "matching"),
    [
        (None, True),
        (GONE, True),
        (THERE, False),
        (OLD, True),
        (leaf("changes.status.old", "not_equals", "active"), True),
        ({"not": OLD}, True),
        ({"not": {"not": OLD}}, True),
        ({"all": [OLD, GONE]}, True),
        ({"all": [OLD, THERE]}, False),
        ({"all": [OLD, HAND]}, True),
        ({"any": [OLD, THERE]}, True),
        ({"any": [THERE, leaf("person.department", value="HR")]}, False),
        ({"not": {"all": [OLD, GONE]}}, True),
        ({"not": {"any": [OLD, GONE]}}, False),
        ({"not": {"any": [OLD, THERE]}}, True),
        ({"not": {"all": [{"not": OLD}, GONE]}}, True),
        ({"not": GONE}, False),
        ({"not": THERE}, True),
        (leaf("changes.status", "is_not_empty"), True),
        (leaf("changes.left.new", "is_empty"), True),
        (leaf("version", value=1), True),
        (leaf("at", "after", "-1d"), True),
        (leaf("person.department", value="IT"), True),
        (leaf("changes.nothing.new | changes.department.new", value="IT"), True),
        (leaf("changes.department.old | changes.department.new", value="HR"), True),
    ],
)
def test_who_matches_now_is_who_may_have_come_here_by_such_an_event(
    when: Json | None, matching: bool
) -> None:
    assert now_matches(when, "Person Updated") is matching


def test_nobody_is_left_out_whom_an_event_would_have_begun() -> None:
    """Whatever was before: if such an event begins the workflow, whom it is about matches now."""
    leaves = [OLD, GONE, THERE, HAND, leaf("person.department", value="IT")]
    conditions: list[Json] = list(leaves)
    for _ in range(2):
        more: list[Json] = [{"not": one} for one in conditions]
        more += [{kind: [a, b]} for kind in ("all", "any") for a in conditions[:9] for b in leaves]
        conditions += more
    for when in conditions:
        for old in ("active", "inactive", None):
            for by in ("sync", "action"):
                changes = {"status": {"old": old, "new": "inactive"}}
                event = LEFT | {"changes": changes, "by": {"kind": by, "id": "x"}}
                told = record_of(event, ROW)
                if Conditions(when).verdict(told, {}, NOW).passed:
                    assert now_matches(when, "Person Updated"), when


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("changes.status.new", "active"),
        ("changes.attributes.firstName.new", "Sam"),
        ('changes["attributes.firstName"].new', "Sam"),
        ("changes.last_active_at.new", "2026-01-01T00:00:00Z"),
        ("account.application", "Aha!"),
        ("person.status", "inactive"),
        ("integration_id", "i1"),
        ("type", "Account Updated"),
    ],
)
def test_an_accounts_changes_are_looked_for_in_the_account(field: str, value: str) -> None:
    assert now_matches(leaf(field, value=value), "Account Updated")
    assert not now_matches(leaf(field, value="other"), "Account Updated")


def test_a_grant_and_a_first_account_are_matched_by_what_their_events_tell() -> None:
    row = ROW | {"grant": GRANT}
    assert now_matches(leaf("grant.type", value="admin"), "Grant Added", row)
    assert not now_matches(leaf("grant.type", value="role"), "Grant Added", row)
    assert now_matches(leaf("application", value="Aha!"), "Application Associated")
    nobodys = ROW | {"account": ACCOUNT | {"person_id": None}}
    assert not now_matches(None, "Application Associated", nobodys)
