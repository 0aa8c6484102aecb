"""What triggers, queries and decisions may ask: what there is, and what the apps tell."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.mapping.conditions import OPERATORS, Conditions
from tests.unit.workflows.samples import (
    AHA,
    CAMPAIGN,
    EVERY_MORNING,
    KNOWN,
    NOBODY,
    ONE,
    OTHER_AHA,
    TELL,
    Block,
    connector,
    decides,
    document,
    each,
    faults,
    leaf,
)


@pytest.mark.parametrize(
    ("events", "field", "right"),
    [
        (["Person Updated"], "changes.status.new", True),
        (["Person Updated"], "changes.satus.new", False),
        (["Person Updated"], "changes.status.now", False),
        (["Person Updated"], "changes.card.new.room", True),
        (["Person Updated"], "person.department", True),
        (["Person Updated"], "account.email", False),
        (["Person Updated"], "by.kind", False),
        (["Account Updated"], 'changes["attributes.enabled"].new', True),
        (["Account Updated"], "changes.attributes.enabled.new", False),
        (["Account Updated"], "changes.person_id.old", True),
        (["Account Updated"], "account.username", True),
        (["Account Updated"], "account.fields.email", False),
        (["Account Updated"], "person.manager", True),
        (["Grant Added"], "grant.type", True),
        (["Grant Added"], "grant.kind", False),
        (["Grant Added"], "by.kind", True),
        (["Grant Added"], "account.application", True),
        (["Grant Added"], "changes.status.new", False),
        (["Grant Added", "Person Updated"], "changes.status.new", True),
        (["Sync Failed"], "error.code", True),
        (["Sync Failed"], "counts.removed", True),
        (["Sync Failed"], "person.email", False),
        (["Action Failed"], "preset", True),
        (["Reconnect Needed"], "connector", True),
        (["Application Associated"], "application", True),
    ],
)
def test_a_trigger_asks_of_what_its_events_have(events: list[str], field: str, right: bool) -> None:
    begin = {"trigger": "event", "events": events, "when": {"all": [leaf(field)]}}
    found = faults(document(begin=begin))
    assert list(found) == ([] if right else ["begin.when.all.0.field"])


@pytest.mark.parametrize(
    ("of", "field", "right"),
    [
        ("people", "person.status", True),
        ("people", "account.status", False),
        ("people", "status", False),
        ("accounts", "account.status", True),
        ("accounts", "account.stauts", False),
        ("accounts", "account.attributes.anything[0].at_all", True),
        ("accounts", "grant.type", False),
        ("grants", "grant.type", True),
        ("grants", "integration_id", True),
        ("grants", "event.type", False),
    ],
)
def test_a_query_asks_of_its_rows(of: str, field: str, right: bool) -> None:
    query = {"of": of, "when": {"not": leaf(field)}}
    scheduled = {"trigger": "schedule", "schedule": EVERY_MORNING, "query": query}
    report = {"id": "r", "type": "report", "query": query, "columns": [{"name": "A", "value": "x"}]}
    for data, path in (
        (document(begin=scheduled), "begin.query"),
        (document(each(TELL, over=query)), "blocks.0.over"),
        (document(report), "blocks.0.query"),
    ):
        assert list(faults(data)) == ([] if right else [f"{path}.when.not.field"])


@pytest.mark.parametrize(
    ("when", "path"),
    [
        ({"field": "person.status", "op": "equal", "value": "x"}, "op"),
        ({"field": "person.status", "op": "equals"}, "value"),
        ({"field": "person.status", "op": "before", "value": "soon"}, "value"),
        ({"field": "person.status", "op": "equals", "value": "{{ inputs.reason }}"}, "value"),
        ({"field": "person.status", "op": "in", "value": ["a", "{{ inputs.reason }}"]}, "value"),
        ({"field": "account.integration_id", "op": "in", "value": ["nowhere"]}, "value"),
        ({"field": "{{ person.status }}", "op": "is_empty"}, "field"),
        ({"field": "status", "op": "is_empty"}, "field"),
        ({"field": "steps.later.branch", "op": "is_empty"}, "field"),
        ({"any": []}, "any"),
        ({"all": [], "any": []}, ""),
    ],
)
def test_a_condition_of_a_branch_that_is_none_is_refused(when: Block, path: str) -> None:
    later = {**decides(leaf("inputs.reason")), "id": "later"}
    at = f"{ONE}.branches.0.when.{path}".rstrip(".")
    assert at in faults(document(decides(when), later))


UNUSED = {"field": "account.last_active_at", "op": "before", "value": "-90d"}
IS_AHA = {"field": "account.integration_id", "op": "equals", "value": AHA}


def unused(query: Block) -> Block:
    scheduled = {"trigger": "schedule", "schedule": EVERY_MORNING}
    return faults(document(begin={**scheduled, "query": {"of": "accounts", **query}}))


@pytest.mark.parametrize(
    "field",
    [
        "account.last_active_at",
        "account.fields.accessed_at",
        "account.attributes.accessed_at",
        "account.email | account.last_active_at",
    ],
)
def test_a_rule_on_what_an_app_does_not_tell_is_refused(field: str) -> None:
    asked = {**UNUSED, "field": field}
    said = "ActiveCampaign does not tell when an account was last used: unknown is not unused"
    assert said in unused({"when": asked})["begin.query.when.field"]
    assert (
        said in unused({"when": asked, "integrations": [AHA, CAMPAIGN]})["begin.query.when.field"]
    )
    assert unused({"when": asked, "integrations": [AHA, OTHER_AHA]}) == {}
    assert unused({"when": {"all": [IS_AHA, asked]}}) == {}
    either = {"any": [IS_AHA, asked]}
    assert list(unused({"when": either})) == ["begin.query.when.any.1.field"]


def test_a_field_that_only_some_apps_have_is_asked_of_those() -> None:
    seat = leaf("account.fields.is_paid_seat", "equals", value=True)
    said = "ActiveCampaign does not tell 'is_paid_seat': unknown is not no"
    assert said in unused({"when": seat})["begin.query.when.field"]
    assert unused({"when": seat, "integrations": [AHA]}) == {}
    assert unused({"when": leaf("account.fields.email")}) == {}


def test_what_every_app_tells_by_now_is_asked_of_named_ones_all_the_same() -> None:
    only_aha = replace(
        KNOWN, integrations={AHA: KNOWN.integrations[AHA]}, connectors={"aha": connector("aha")}
    )
    begin = {**NOBODY, "query": {"of": "accounts", "when": UNUSED}}
    found = faults(document(begin=begin), only_aha)
    assert "name the integrations" in found["begin.query.when.field"]
    begin["query"]["integrations"] = [AHA]
    assert faults(document(begin=begin), only_aha) == {}


def test_a_decision_on_last_use_is_for_accounts_of_named_integrations() -> None:
    at = "blocks.0.blocks.0.branches.0.when.field"
    which = decides(UNUSED)
    assert "unknown is not unused" in faults(document(each(which)))[at]
    named = {"of": "accounts", "integrations": [AHA]}
    assert faults(document(each(which, over=named))) == {}
    on_item = decides({**UNUSED, "field": "item.account.last_active_at"})
    assert at in faults(document(each(on_item)))
    assert faults(document(each(on_item, over=named))) == {}
    granted: Block = {"trigger": "event", "events": ["Grant Added"]}
    assert f"{ONE}.branches.0.when.field" in faults(document(which, begin=granted))
    of_aha = {**granted, "when": leaf("integration_id", "in", value=[AHA])}
    assert faults(document(which, begin=of_aha)) == {}


def test_a_change_of_the_last_use_is_told_by_some_apps_only() -> None:
    changed = {"field": "changes.last_active_at.new", "op": "before", "value": "-90d"}
    begin = {"trigger": "event", "events": ["Account Updated"]}
    found = faults(document(begin={**begin, "when": changed}))
    assert "unknown is not unused" in found["begin.when.field"]
    of_aha = {"all": [{"field": "integration_id", "op": "equals", "value": AHA}, changed]}
    assert faults(document(begin={**begin, "when": of_aha})) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = ("account.integration_id", "account.last_active_at", "person.email", "steps.tell.x", "a[")
CONDITIONS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "field": st.sampled_from(FIELDS) | JSON,
            "op": st.sampled_from(OPERATORS) | JSON,
            "value": st.sampled_from(["x", "-90d", [AHA], AHA, True, "{{ x }}"]) | JSON,
        },
    ),
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3) | JSON})
        | st.fixed_dictionaries({"any": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"not": inner | JSON})
    ),
    max_leaves=5,
)


@given(CONDITIONS)
def test_any_condition_is_checked_and_what_passes_can_be_judged(when: dict[str, Any]) -> None:
    queried = {**NOBODY, "query": {"of": "accounts", "when": when}}
    found = faults(document(decides(when), TELL, begin=queried))
    assert all(path.startswith(("begin.query.when", "blocks.0.branches.0.when")) for path in found)
    if not found:
        Conditions(when)


def test_conditions_that_nest_without_end_are_refused() -> None:
    when: Block = IS_AHA
    for _ in range(400):
        when = {"all": [when]}
    found = faults(document(decides(when)))
    assert all("nests more than" in message for message in found.values())
    assert found
