"""A template that can never resolve is refused, where it is."""

from typing import Any

import pytest

from rollcall.workflows.check_templates import DEEPEST
from tests.unit.workflows.samples import (
    CHILD,
    LEAVES,
    NOBODY,
    ONE,
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


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("{{ person.email", "(line 1, column "),
        ("Dear\n{{ person.email | shout }}", "there is no filter 'shout' (line 2, column 19)"),
        ("{{ secrets.key }}", "there is no 'secrets' here"),
        ("{{ person.emial }}", "there is no field 'emial' of people; did you mean email? (line 1,"),
        ("{{ account.emial }}", "did you mean email?"),
        ("{{ account.fields.seat }}", "there is no field 'seat' of the app's accounts"),
        ("{{ account.email.domain }}", "account.email is one value: there is nothing in it"),
        (
            "{{ inputs.resaon }}",
            "the workflow's trigger has no input 'resaon'; did you mean reason?",
        ),
        ("{{ inputs.reason.text }}", "inputs.reason is one value"),
        ("{{ variables['Floor'] }}", "there is no variable 'Floor'; did you mean floor?"),
        ("{{ execution.name }}", "there is no 'name' in execution"),
        ("{{ steps.nobody.status }}", "there is no block 'nobody'"),
        ("{{ steps.tell.status }}", "'tell' cannot have been done before this block"),
        ("{{ event.person_id }}", "there is no 'event' here: no event begins this workflow"),
        ("{{ item.account }}", "there is no 'item' here: it is only within a for_each"),
    ],
)
def test_a_template_that_can_never_resolve_is_refused(message: str, said: str) -> None:
    assert said in faults(document(told(message)))[f"{ONE}.message"]


@pytest.mark.parametrize(
    ("block", "path"),
    [
        (preset(integration="{{ x }}"), "integration"),
        (preset(preset="{{ x }}"), "preset"),
        (preset(external_id="{{ x }}"), "external_id"),
        (preset(person="{{ x }}"), "person"),
        (preset(preset="update_user", inputs={"email": "{{ x }}"}), "inputs.email"),
        (
            {"id": "u", "type": "update", "target": "person", "set": {"card": [{"a": "{{ x }}"}]}},
            "set.card.0.a",
        ),
        ({"id": "a", "type": "approval", "message": "{{ x }}", "deadline": "1d"}, "message"),
        (
            {
                "id": "a",
                "type": "approval",
                "message": "x",
                "deadline": "1d",
                "ask": {"webhook": "https://{{ x }}"},
            },
            "ask.webhook",
        ),
        ({**TELL, "subject": "{{ x }}"}, "subject"),
        ({**TELL, "webhook": "{{ x }}"}, "webhook"),
        ({"id": "w", "type": "wait", "until": "{{ x }}"}, "until"),
        (each(TELL, over="{{ x }}"), "over"),
        (
            {"id": "w", "type": "workflow", "workflow": CHILD, "inputs": {"reason": "{{ x }}"}},
            "inputs.reason",
        ),
        (
            {
                "id": "r",
                "type": "report",
                "query": {"of": "people"},
                "columns": [{"name": "A", "value": "{{ x }}"}],
            },
            "columns.0.value",
        ),
        ({"id": "e", "type": "end", "message": "{{ x }}"}, "message"),
    ],
)
def test_every_text_that_may_be_a_template_is_looked_at(block: Block, path: str) -> None:
    assert "there is no 'x' here" in faults(document(block))[f"{ONE}.{path}"]


def test_a_step_is_known_by_what_its_type_comes_to() -> None:
    ask = {"id": "ask", "type": "approval", "message": "?", "deadline": "1d"}
    shaped = preset(response={"name": "{{ response.name }}"})
    for said, path in (
        ("{{ steps.ask.decison }}", "decision"),
        ("{{ steps.ask.decision.word }}", "decision"),
        ("{{ steps.get.response.nmae }}", "name"),
    ):
        assert path in faults(document(ask, shaped, told(said)))["blocks.2.message"]
    right = "{{ steps.ask.decision }} {{ steps.get.response.name }} {{ steps.ask.error.detail }}"
    assert faults(document(ask, shaped, told(right))) == {}


def test_a_block_of_another_path_cannot_have_been_done_before() -> None:
    which = decides(leaf("inputs.reason"))
    which["branches"][0]["go_to"] = "late"
    early = {**told("early"), "id": "early", "next": "end"}
    late = {**told("{{ steps.early.status }}"), "id": "late"}
    found = faults(document(which, early, late))
    assert found == {
        "blocks.2.message": "'early' cannot have been done before this block (line 1, column 4)"
    }


def test_a_step_of_a_row_is_not_spoken_of_from_outside() -> None:
    outside = {**told("{{ steps.tell.status }} {{ steps.each.count }}"), "id": "after"}
    said = faults(document(each(TELL), outside))["blocks.1.message"]
    assert said.startswith("'tell' is done for each row of 'each'")


@pytest.mark.parametrize("name", ["person", "account"])
def test_nobody_is_spoken_of_where_nobody_can_be_at_hand(name: str) -> None:
    said = faults(document(told(f"{{{{ {name}.email }}}}"), begin=NOBODY))[f"{ONE}.message"]
    assert f"there is no '{name}' here" in said
    assert "at hand" in said


def test_a_row_of_people_has_no_account() -> None:
    people = each(told("{{ item.account.email }} {{ account.email }}"), over={"of": "people"})
    assert "blocks.0.blocks.0.message" in faults(document(people))
    right = each(told("{{ item.person.email }} {{ person.email }}"), over={"of": "people"})
    assert faults(document(right, begin=NOBODY)) == {}


def test_templates_of_a_workflow_that_an_event_begins_see_the_event() -> None:
    right = told("{{ event.type }} {{ event.changes.status.old }} {{ event.person_id }}")
    assert faults(document(right, begin=LEAVES)) == {}
    wrong = told("{{ event.changes.satus.old }}")
    assert "did you mean status?" in faults(document(wrong, begin=LEAVES))[f"{ONE}.message"]


def test_what_a_block_is_given_nests_so_deep_and_no_deeper() -> None:
    def given(depth: int) -> dict[str, Any]:
        value: Any = "{{ x }}"
        for _ in range(depth):
            value = [value]
        block = {"id": "u", "type": "update", "target": "person", "set": {"card": value}}
        return faults(document(block))

    assert "there is no 'x' here" in next(iter(given(DEEPEST - 1).values()))
    for depth in (DEEPEST, 400):
        assert "nests more than" in next(iter(given(depth).values()))
