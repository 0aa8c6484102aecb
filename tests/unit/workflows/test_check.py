"""What a document means in a deployment: every fault is told by its path."""

from typing import Any

import pytest

from rollcall.mapping.problems import Problem
from rollcall.workflows.check import MOST_ROWS, problems
from rollcall.workflows.document import MOST_BLOCKS, Document, parsed
from tests.unit.workflows.samples import (
    AHA,
    CALL,
    CAMPAIGN,
    CHILD,
    DAILY,
    EVERY_MORNING,
    KNOWN,
    LISTENING,
    NOBODY,
    ONE,
    PARENT,
    TELL,
    Block,
    decides,
    document,
    each,
    faults,
    leaf,
    preset,
    told,
)


def test_a_document_that_uses_everything_is_right() -> None:
    rows = {"of": "grants", "integrations": [AHA], "when": leaf("account.last_active_at")}
    data = document(
        preset(response={"name": "{{ response.name }} of {{ person.email }}"}, store_in="card"),
        {"id": "roles", "type": "roles", "integration": CAMPAIGN, "person": "{{ person.id }}"},
        {
            "id": "update",
            "type": "update",
            "target": "person",
            "set": {"title": "{{ steps.get.response.name }}", "card": {"a": ["{{ inputs.rows }}"]}},
        },
        {"id": "kind", "type": "update", "target": "account", "set": {"kind": "service"}},
        decides(leaf("steps.update.changed.title.new"), next="ask"),
        {"id": "ask", "type": "approval", "message": "{{ inputs.reason }}?", "deadline": "3d"},
        {"id": "rest", "type": "wait", "until": "2026-12-31T08:00:00Z"},
        each(
            {
                **told("{{ item.grant.name }} {{ account.fields.accessed_at }} {{ steps.ask.by }}"),
                "id": "grant",
            },
            over=rows,
        ),
        each(
            {**told("{{ item.id }} {{ item }}"), "id": "row"}, over="{{ inputs.rows }}", id="list"
        ),
        {
            "id": "both",
            "type": "parallel",
            "branches": [
                {
                    "blocks": [
                        {
                            "id": "run",
                            "type": "workflow",
                            "workflow": CHILD,
                            "inputs": {"reason": "{{ inputs.reason }}", "times": 2},
                        }
                    ]
                },
                {"blocks": [{"id": "hour", "type": "wait", "for": "1h"}]},
            ],
        },
        {
            "id": "report",
            "type": "report",
            "query": rows,
            "columns": [{"name": "Who", "value": "{{ person.email }} {{ item.grant.name }}"}],
        },
        {
            **TELL,
            "subject": "{{ variables['ActiveCampaign.Subdomain'] }} {{ execution.id }}",
            "message": "{{ steps.run.status }} {{ steps.each.count }} {{ steps.report.rows }}",
            "webhook": "https://hooks.example.com/{{ variables.floor }}",
        },
        {"id": "over", "type": "end", "message": "{{ steps.tell.sent }}"},
    )
    assert faults(data) == {}


@pytest.mark.parametrize(
    ("target", "key", "value", "said"),
    [
        ("person", "titel", "x", "there is no field 'titel' of people; did you mean title?"),
        ("person", "id", "x", "there is no field 'id'"),
        ("person", "title", 7, "is no text"),
        ("person", "title", {"a": "{{ person.email }}"}, "is no text"),
        ("person", "joined", "soon", "must be an ISO date or time"),
        ("person", "role", "King", "is no role; roles are Employee, Manager"),
        ("person", "email", "x@example.com", "no two people may have the same"),
        ("person", "badge", "7", "no two people may have the same"),
        ("account", "status", "active", "only kind and link can"),
        ("account", "kind", "robot", "must be one of person, service, system"),
        ("account", "link", 7, "can only be null"),
        ("account", "link", "0198", "can only be null"),
        ("account", "link", "{{ person.id }}", "can only be null"),
    ],
)
def test_an_update_of_what_cannot_be_so_is_refused(
    target: str, key: str, value: Any, said: str
) -> None:
    block = {"id": "update", "type": "update", "target": target, "set": {key: value}}
    assert said in faults(document(block))[f"{ONE}.set.{key}"]


def test_an_update_takes_templates_and_null() -> None:
    person = {
        "email": "{{ person.username }}",
        "title": None,
        "role": "employee",
        "joined": "2026-01-31",
    }
    for target, said in (
        ("person", person),
        ("account", {"kind": "{{ inputs.reason }}", "link": None}),
    ):
        block = {"id": "update", "type": "update", "target": target, "set": said}
        assert faults(document(block)) == {}
        assert f"{ONE}.target" in faults(document(block, begin=NOBODY))


@pytest.mark.parametrize(
    ("begin", "path"),
    [
        ({**NOBODY, "schedule": {"expression": "every day"}}, "begin.schedule.expression"),
        (
            {**NOBODY, "schedule": {"expression": "at(2026-12-31T00:00:00)"}},
            "begin.schedule.expression",
        ),
        ({**NOBODY, "schedule": {**EVERY_MORNING, "timezone": "Mars"}}, "begin.schedule.timezone"),
        (
            {**NOBODY, "query": {"of": "accounts", "integrations": [AHA, "no"]}},
            "begin.query.integrations.1",
        ),
        ({**CALL, "inputs": [{"key": "a"}, {"key": "a"}]}, "begin.inputs.1.key"),
    ],
)
def test_a_trigger_that_cannot_be_is_refused(begin: Block, path: str) -> None:
    assert list(faults(document(begin=begin))) == [path]


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({"type": "wait", "until": "next week"}, "until"),
        ({**TELL, "webhook": "ftp://example.com"}, "webhook"),
        (
            {"type": "approval", "message": "?", "deadline": "1d", "ask": {"webhook": "x"}},
            "ask.webhook",
        ),
        ({**each(TELL), "over": "people"}, "over"),
        ({**each(TELL), "over": "{{ inputs.rows }} and more"}, "over"),
        ({**each(TELL), "over": "{{ person.email }}"}, "over"),
        ({"type": "workflow", "workflow": "nowhere"}, "workflow"),
        ({"type": "workflow", "workflow": "{{ inputs.reason }}"}, "workflow"),
        ({"type": "workflow", "workflow": "Child"}, "workflow"),
        ({"type": "workflow", "workflow": LISTENING}, "workflow"),
        ({"type": "workflow", "workflow": DAILY}, "workflow"),
        ({"type": "workflow", "workflow": "mine"}, "workflow"),
        ({"type": "workflow", "workflow": PARENT}, "workflow"),
        ({"type": "workflow", "workflow": CHILD}, "inputs.reason"),
        (
            {"type": "workflow", "workflow": CHILD, "inputs": {"reason": "x", "times": "2"}},
            "inputs.times",
        ),
        (
            {"type": "workflow", "workflow": CHILD, "inputs": {"reason": "x", "raeson": ""}},
            "inputs.raeson",
        ),
    ],
)
def test_a_block_that_cannot_work_is_refused(block: Block, path: str) -> None:
    found = faults(document({**block, "id": "it"}), workflow="mine")
    assert list(found) == [f"{ONE}.{path}".rstrip(".")]


def test_a_list_may_be_made_of_text() -> None:
    assert faults(document(each(TELL, over="{{ person.email | split('@') }}"))) == {}
    assert faults(document(each(TELL, over="{{ person.card }}"))) == {}


def test_a_cycle_through_other_workflows_is_told_by_its_way() -> None:
    block = {"id": "it", "type": "workflow", "workflow": PARENT}
    found = faults(document(block), workflow="mine")
    assert found[f"{ONE}.workflow"] == "leads back to this workflow: Parent → this one"
    assert faults(document(block), workflow="another") == {}


def test_accounts_of_nobody_are_no_rows() -> None:
    assert "nobody is at hand" in faults(document(each(TELL), begin=NOBODY))["blocks.0.over"]


def test_rows_within_rows_have_an_end() -> None:
    block = TELL
    for number in range(MOST_ROWS + 1):
        block = each(block, id=f"each{number}")
    path = "blocks.0" + ".blocks.0" * MOST_ROWS
    assert path in faults(document(block))
    assert path not in faults(document(block["blocks"][0]))


def test_wrong_paths_are_told_with_all_else() -> None:
    lost = {**told("{{ steps.tell.status }} {{ person.nobody }}"), "next": "gone"}
    found = faults(document(lost, preset(integration="nowhere")))
    assert set(found) == {"blocks.0.next", "blocks.0.message", "blocks.1.integration"}


@pytest.mark.parametrize("ids", [("a", "a"), ("end", "b")])
def test_ids_that_are_none_are_told_with_all_else(ids: tuple[str, str]) -> None:
    data = document(*({**told("{{ person.nobody }}"), "id": one} for one in ids))
    read = parsed(data)
    assert isinstance(read, Document)
    found = problems(read, KNOWN)
    assert all(isinstance(one, Problem) for one in found)
    assert {"blocks.0.message", "blocks.1.message"} < {one.path for one in found}


def test_a_cycle_is_told_with_all_else() -> None:
    back = preset(integration="nowhere", next="tell", id="back")
    found = faults(document(TELL, back))
    assert "leads in a cycle" in " ".join(found.values())
    assert "blocks.1.integration" in found


def test_of_too_many_blocks_nothing_else_is_looked_at() -> None:
    blocks = [{**told("{{ person.nobody }}"), "id": f"b{number}"} for number in range(MOST_BLOCKS)]
    assert len(faults(document(*blocks))) == MOST_BLOCKS
    assert list(faults(document(*blocks[1:], each(told("{{ x }}"))))) == ["blocks"]
