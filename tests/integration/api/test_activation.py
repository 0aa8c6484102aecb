"""The life of a workflow: validated, activated, paused."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.api.caller import with_topic
from tests.integration.api.flows import CALL, EVENT, HAND, SCHEDULE, Flows
from tests.integration.api.test_requests import is_problem


def test_a_validated_workflow_has_a_state_machine(flows: Flows) -> None:
    workflow_id = flows.create(CALL)
    answer = flows.post(f"workflows/{workflow_id}/validate")
    assert answer.status == 200
    shown = answer.json
    assert (shown["status"], shown["validated_version"]) == ("validated", 1)
    arn = shown["machine_arn"]
    assert arn.endswith(f":stateMachine:rollcall-test-wf-{workflow_id}")
    assert shown["console_url"] == (
        "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1"
        f"#/statemachines/view/{arn}"
    )
    (version,) = flows.get(f"workflows/{workflow_id}/versions").json["items"]
    assert version["validated"] is True
    flows.call("PUT", f"/v1/workflows/{workflow_id}", HAND)
    assert flows.workflow(workflow_id).status == "draft"
    flows.post(f"workflows/{workflow_id}/validate")
    assert len(flows.steps.machines[arn]) == 2
    found = flows.workflows.version(workflow_id, 2)
    assert found is not None
    assert found.machine_arn == f"{arn}:2"


def test_a_document_is_checked_against_what_there_is_today(flows: Flows) -> None:
    flows.call("POST", "/v1/fields", {"name": "Shoe size", "type": "number"})
    update = {"id": "u", "type": "update", "target": "person", "set": {"shoe_size": 40}}
    workflow_id = flows.create(HAND, blocks=[update])
    flows.call("DELETE", "/v1/fields/shoe_size")
    for path in ("validate", "activate"):
        answer = flows.post(f"workflows/{workflow_id}/{path}")
        assert (answer.status, answer.fields) == (422, ["blocks.0.set.shoe_size"])
    assert flows.get(f"workflows/{workflow_id}/matches").status == 422
    assert flows.steps.machines == {}
    assert flows.workflow(workflow_id).status == "draft"


def test_a_state_machine_that_cannot_be_deployed_changes_nothing(flows: Flows) -> None:
    workflow_id = flows.create(CALL)
    flows.steps.down = True
    for path in ("validate", "activate"):
        assert is_problem(flows.post(f"workflows/{workflow_id}/{path}"), 503)
    assert flows.workflow(workflow_id).status == "draft"
    flows.steps.down = False
    flows.steps.refuses = "InvalidDefinition"
    refused = flows.post(f"workflows/{workflow_id}/validate")
    assert "(Step Functions: InvalidDefinition)" in refused.json["detail"]
    flows.steps.refuses = ""
    assert flows.post(f"workflows/{workflow_id}/activate").json["status"] == "active"


def test_an_activated_call_waits_for_callers(flows: Flows) -> None:
    workflow_id = flows.create(CALL)
    answer = flows.post(f"workflows/{workflow_id}/activate")
    assert answer.status == 200
    assert (answer.json["status"], answer.json["active_version"]) == ("active", 1)
    assert flows.functions.asked == []
    assert flows.call.schedules() == {}
    again = flows.post(f"workflows/{workflow_id}/activate")
    assert again.json == answer.json


def test_an_active_version_goes_on_until_the_next_one_is_activated(flows: Flows) -> None:
    workflow_id = flows.active(EVENT)
    path = f"/v1/workflows/{workflow_id}"
    changed = flows.call("PUT", path, {**CALL, "name": "Other"}).json
    assert (changed["status"], changed["active_version"], changed["version"]) == ("active", 1, 2)
    assert (changed["trigger"], changed["events"]) == ("event", EVENT["begin"]["events"])
    validated = flows.post(f"workflows/{workflow_id}/validate").json
    assert (validated["status"], validated["active_version"]) == ("active", 1)
    activated = flows.post(f"workflows/{workflow_id}/activate").json
    assert (activated["active_version"], activated["trigger"], activated["events"]) == (
        2,
        "call",
        [],
    )


def test_who_matches_is_listed_and_something_must_be_chosen(flows: Flows) -> None:
    _, people = flows.roster()
    for document in (EVENT, SCHEDULE):
        workflow_id = flows.create(document)
        matches = flows.get(f"workflows/{workflow_id}/matches").json
        assert matches["complete"]
        assert people[0]["id"] in [one["person"]["id"] for one in matches["items"]]
        answer = flows.post(f"workflows/{workflow_id}/activate")
        assert (answer.status, answer.fields) == (422, ["matching"])
        count = matches["count"]
        assert f"is required: {count} match now" in answer.json["detail"]
        assert f"GET /workflows/{workflow_id}/matches lists them" in answer.json["detail"]
        assert flows.workflow(workflow_id).status == "draft"
        answer = flows.post(f"workflows/{workflow_id}/activate", {"matching": "everybody"})
        assert (answer.status, answer.fields) == (422, ["matching"])
    assert flows.steps.machines == {}
    assert flows.call.schedules() == {}
    assert flows.functions.asked == []


def test_where_nobody_matches_nothing_is_to_be_chosen(flows: Flows) -> None:
    for document in (EVENT, SCHEDULE, CALL):
        workflow_id = flows.create(document)
        matches = flows.get(f"workflows/{workflow_id}/matches").json
        assert matches == {"count": 0, "complete": True, "items": []}
        assert flows.post(f"workflows/{workflow_id}/activate").status == 200
    assert flows.functions.asked == []


@pytest.mark.parametrize(
    ("document", "matching", "told"),
    [(EVENT, "start", True), (EVENT, "skip", False), (SCHEDULE, "start", True),
     (SCHEDULE, "skip", True), (CALL, "start", False)],
)  # fmt: skip
def test_the_starter_hears_what_becomes_of_those_who_match(
    flows: Flows, document: dict[str, Any], matching: str, *, told: bool
) -> None:
    flows.roster()
    workflow_id = flows.create(document)
    answer = flows.post(f"workflows/{workflow_id}/activate", {"matching": matching})
    assert answer.status == 200
    expected = {"step": "activated", "workflow_id": workflow_id, "version": 1, "matching": matching}
    assert flows.functions.asked == ([expected] if told else [])
    # Until the starter has done it, the record says so.
    assert flows.workflow(workflow_id).matching == (matching if told else None)


def test_a_choice_that_the_starter_did_not_hear_of_is_told_again(flows: Flows) -> None:
    flows.roster()
    workflow_id = flows.create(EVENT)
    flows.functions.down = True
    path = f"workflows/{workflow_id}/activate"
    assert is_problem(flows.post(path, {"matching": "start"}), 503)
    assert flows.workflow(workflow_id).status == "active"
    flows.functions.down = False
    assert flows.post(path).status == 200
    assert [one["matching"] for one in flows.functions.asked] == ["start"]


def test_a_schedule_calls_the_starter(flows: Flows) -> None:
    workflow_id = flows.active(SCHEDULE)
    schedule = flows.call.schedules()[f"wf-{workflow_id}"]
    assert schedule["ScheduleExpression"] == "rate(1 day)"
    target = schedule["Target"]
    assert target["Arn"] == flows.call.api_settings.starter_function
    assert json.loads(target["Input"]) == {
        "step": "scheduled",
        "workflow_id": workflow_id,
        "scheduled_time": "<aws.scheduler.scheduled-time>",
    }
    assert flows.post(f"workflows/{workflow_id}/pause").json["status"] == "paused"
    assert flows.call.schedules() == {}
    flows.post(f"workflows/{workflow_id}/activate")
    assert set(flows.call.schedules()) == {f"wf-{workflow_id}"}
    flows.call("PUT", f"/v1/workflows/{workflow_id}", CALL)
    assert set(flows.call.schedules()) == {f"wf-{workflow_id}"}
    flows.post(f"workflows/{workflow_id}/activate")
    assert flows.call.schedules() == {}


def test_only_what_is_active_can_be_paused(flows: Flows) -> None:
    workflow_id = flows.create(CALL)
    path = f"workflows/{workflow_id}/pause"
    assert is_problem(flows.post(path), 409)
    flows.post(f"workflows/{workflow_id}/activate")
    for _ in range(2):
        assert flows.post(path).json["status"] == "paused"
    assert flows.post(f"workflows/{workflow_id}/activate").json["status"] == "active"


def test_everybody_who_may_get_a_mail_is_asked_to_confirm(flows: Flows) -> None:
    sns = flows.call.aws.sns
    topic = sns.create_topic(Name="notices")["TopicArn"]
    told = {"id": "tell", "type": "notification", "subject": "s", "message": "m"}
    asked = {"id": "ask", "type": "approval", "message": "?", "deadline": "1d"}
    blocks = [
        {
            "id": "both",
            "type": "parallel",
            "branches": [
                {"blocks": [{**told, "email": ["it@example.com"]}]},
                {"blocks": [{**asked, "ask": {"email": ["boss@example.com"]}}]},
            ],
        },
    ]
    flows = replace(flows, call=with_topic(flows.call, topic))
    workflow_id = flows.create(CALL, blocks=blocks, contacts=["ann@example.com"])
    assert flows.post(f"workflows/{workflow_id}/validate").status == 200
    found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert sorted(one["Endpoint"] for one in found) == [
        "ann@example.com",
        "boss@example.com",
        "it@example.com",
    ]
