"""The life of a workflow: written, changed, deleted; and those that come with Rollcall."""

import json
from typing import Any

import pytest

from rollcall.workflows.document import parsed
from tests.integration.api.flows import ASK, CALL, HAND, SCHEDULE, TELL, Flows
from tests.integration.api.test_requests import is_problem

YAML = """
name: Ask
begin:
  trigger: call
  inputs:
    - {key: team, required: true}
    - {key: seats, type: number}
    - {key: urgent, type: boolean}
    - {key: more, type: json}
blocks:
  - {id: ask, type: approval, message: "Really?", deadline: 3d}
  - id: tell
    type: notification
    subject: "{{ execution.workflow }}"
    message: It is done.
    email: [it@example.com]
"""


def test_a_workflow_is_written_read_and_listed(flows: Flows) -> None:
    made = flows.post("workflows", CALL)
    assert made.status == 201
    shown = made.json
    assert shown["document"] == CALL
    told = {name: shown[name] for name in ("name", "status", "version", "trigger", "events")}
    assert told == {"name": "Ask", "status": "draft", "version": 1, "trigger": "call", "events": []}
    nothing = ("validated_version", "active_version", "machine_arn", "console_url")
    assert {name: shown[name] for name in nothing} == dict.fromkeys(nothing)
    assert shown["created_by"] == "administrator"
    assert flows.get(f"workflows/{shown['id']}").json == shown
    (listed,) = flows.get("workflows").json["items"]
    assert listed == {name: value for name, value in shown.items() if name != "document"}
    assert flows.steps.machines == {}


def test_a_document_may_be_yaml(flows: Flows) -> None:
    headers = {"content-type": "application/yaml"}
    made = flows.post("workflows", YAML, headers=headers)
    assert (made.status, made.json["document"]) == (201, CALL)
    path = f"/v1/workflows/{made.json['id']}"
    changed = flows.call("PUT", path, YAML.replace("3d", "2d"), headers=headers)
    assert changed.json["document"]["blocks"][0]["deadline"] == "2d"
    wrong = flows.post("workflows", YAML.replace("3d", "soon"), headers=headers)
    assert (wrong.status, wrong.fields) == (422, ["blocks.0.deadline"])
    broken = flows.post("workflows", YAML + "\n  - [", headers=headers)
    assert (broken.status, broken.fields) == (422, ["body"])
    assert "line 19" in broken.json["detail"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"begin": {"trigger": "moon"}}, ["begin"]),
        ({"begin": {"trigger": "event", "events": ["Person Born"]}}, ["begin.events.0"]),
        ({"blocks": []}, ["blocks"]),
        ({"blocks": [{**TELL, "type": "shout"}]}, ["blocks.0"]),
        ({"blocks": [{"id": "ask", "type": "approval", "message": "?"}]}, ["blocks.0.deadline"]),
        ({"blocks": [{**TELL, "next": "nowhere"}]}, ["blocks.0.next"]),
        ({"blocks": [{**ASK, "next": "tell"}, {**TELL, "next": "ask"}]}, ["blocks.1"]),
        ({"blocks": [{**TELL, "message": "{{ steps.gone.output }}"}]}, ["blocks.0.message"]),
        (
            {"blocks": [{"id": "a", "type": "preset", "integration": "i", "preset": "x"}]},
            ["blocks.0.integration"],
        ),
        (
            {"blocks": [{"id": "a", "type": "update", "target": "person", "set": {"shoe": 1}}]},
            ["blocks.0.set.shoe"],
        ),
        ({"surprise": True}, ["surprise"]),
        ({"description": "x" * 4001}, ["description"]),
        ({"blocks": [{**TELL, "id": f"t{n}", "message": "x" * 4000} for n in range(80)]},
         ["document"]),
        ({"blocks": [{"id": "a", "type": "preset", "integration": "i", "preset": "x",
                      "inputs": {"deep": json.loads("[" * 80 + "]" * 80)}}]}, ["document"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_path_and_nothing_is_kept(
    flows: Flows, changes: dict[str, Any], fields: list[str]
) -> None:
    answer = flows.post("workflows", {**CALL, **changes})
    assert is_problem(answer, 422), answer
    assert answer.fields == fields
    assert flows.get("workflows").json["items"] == []
    workflow_id = flows.create(CALL)
    path = f"/v1/workflows/{workflow_id}"
    answer = flows.call("PUT", path, {**CALL, **changes})
    assert (answer.status, answer.fields) == (422, fields)
    assert flows.workflow(workflow_id).version == 1
    assert flows.steps.machines == {}


def test_a_number_that_no_json_has_is_refused(flows: Flows) -> None:
    text = json.dumps(CALL).replace('"3d"', "1e999")
    answer = flows.post("workflows", text)
    assert (answer.status, answer.fields) == (422, ["document"])


def test_a_change_makes_a_version_and_keeps_the_others(flows: Flows) -> None:
    workflow_id = flows.create(CALL)
    path = f"/v1/workflows/{workflow_id}"
    for number in (2, 3):
        answer = flows.call("PUT", path, {**CALL, "name": f"Ask {number}"})
        assert (answer.status, answer.json["version"]) == (200, number)
    same = flows.call("PUT", path, {**CALL, "name": "Ask 3"})
    assert same.json["version"] == 3
    versions = flows.call.everything(f"{path}/versions", 2)
    assert [one["version"] for one in versions] == [3, 2, 1]
    assert "document" not in versions[0]
    assert flows.get(f"workflows/{workflow_id}/versions/1").json["document"] == CALL
    assert flows.get(f"workflows/{workflow_id}/versions/2").json["document"]["name"] == "Ask 2"
    assert flows.get(f"workflows/{workflow_id}").json["name"] == "Ask 3"
    assert is_problem(flows.get(f"workflows/{workflow_id}/versions/4"), 404)
    assert flows.get(f"workflows/{workflow_id}/versions/x").status == 422


def test_nobodys_change_is_overwritten_unseen(
    flows: Flows, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow_id = flows.create(CALL)
    path = f"/v1/workflows/{workflow_id}"
    stale = flows.workflow(workflow_id)
    assert flows.call("PUT", path, {**CALL, "name": "B"}, query={"version": "1"}).status == 200
    answer = flows.call("PUT", path, {**CALL, "name": "C"}, query={"version": "1"})
    assert is_problem(answer, 409)
    assert "the latest version is 2" in answer.json["detail"]
    # What was read is old by the time it is written.
    services = flows.call.handler._services  # type: ignore[attr-defined]
    monkeypatch.setattr(services.workflows, "get", lambda _: stale)
    for method, place in (("PUT", ""), ("POST", "/validate"), ("POST", "/activate")):
        answer = flows.call(method, path + place, {**CALL, "name": "D"} if not place else None)
        assert is_problem(answer, 409), place
    assert flows.call("DELETE", path).status == 409
    monkeypatch.undo()
    assert flows.workflow(workflow_id).name == "B"
    assert flows.workflow(workflow_id).version == 2


def test_lists_are_paged(flows: Flows) -> None:
    ids = [flows.create(CALL) for _ in range(5)]
    assert [one["id"] for one in flows.call.everything("/v1/workflows", 2)] == ids


def test_a_definition_is_what_would_be_deployed(flows: Flows) -> None:
    workflow_id = flows.create(CALL)
    shown = flows.get(f"workflows/{workflow_id}/definition").json
    assert shown["StartAt"] == "ask"
    flows.post(f"workflows/{workflow_id}/validate")
    ((deployed,),) = flows.steps.machines.values()
    assert deployed == shown
    flows.call("PUT", f"/v1/workflows/{workflow_id}", HAND)
    assert flows.get(f"workflows/{workflow_id}/definition").json["StartAt"] == "tell"
    assert flows.get(f"workflows/{workflow_id}/definition", version="1").json == shown
    assert is_problem(flows.get(f"workflows/{workflow_id}/definition", version="3"), 404)


def test_a_workflow_is_deleted_with_all_that_is_its(flows: Flows) -> None:
    workflow_id = flows.active(SCHEDULE)
    path = f"/v1/workflows/{workflow_id}"
    assert "pause it first" in flows.call("DELETE", path).json["detail"]
    flows.post(f"workflows/{workflow_id}/pause")
    answer = flows.call("DELETE", path)
    assert (answer.status, answer.text) == (204, "")
    assert (flows.steps.machines, flows.call.schedules()) == ({}, {})
    assert is_problem(flows.call("GET", path), 404)
    assert list(flows.call.config.query(f"WORKFLOW#{workflow_id}")) == []
    assert is_problem(flows.call("DELETE", path), 404)


def test_a_deletion_that_was_cut_off_is_ended_by_the_next(flows: Flows) -> None:
    workflow_id = flows.active(SCHEDULE)
    workflow = flows.workflow(workflow_id)
    assert flows.workflows.delete(workflow, "test")
    assert is_problem(flows.call("DELETE", f"/v1/workflows/{workflow_id}"), 404)
    assert (flows.steps.machines, flows.call.schedules()) == ({}, {})


def test_what_executions_or_another_workflow_need_is_not_deleted(flows: Flows) -> None:
    workflow_id = flows.active(HAND)
    path = f"/v1/workflows/{workflow_id}"
    run = {"id": "run", "type": "workflow", "workflow": workflow_id}
    other = flows.create({**HAND, "name": "Outer", "blocks": [run]})
    execution_id = flows.start(workflow_id)
    flows.post(f"workflows/{workflow_id}/pause")
    answer = flows.call("DELETE", path)
    assert is_problem(answer, 409)
    assert "1 execution is under way" in answer.json["detail"]
    flows.post(f"executions/{execution_id}/cancel")
    answer = flows.call("DELETE", path)
    assert is_problem(answer, 409)
    assert f"the workflow 'Outer' ({other}) runs it" in answer.json["detail"]
    # The version that is active counts, and not the latest alone.
    flows.post(f"workflows/{other}/activate")
    flows.call("PUT", f"/v1/workflows/{other}", {**HAND, "name": "Outer"})
    assert flows.call("DELETE", path).status == 409
    flows.post(f"workflows/{other}/activate")
    assert flows.call("DELETE", path).status == 204
    assert flows.get(f"executions/{execution_id}").status == 200
    listed = flows.get(f"workflows/{workflow_id}/executions").json["items"]
    assert [one["id"] for one in listed] == [execution_id]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/versions"), ("GET", "/versions/1"),
        ("GET", "/definition"), ("POST", "/validate"), ("GET", "/matches"), ("POST", "/activate"),
        ("POST", "/pause"), ("POST", "/test"), ("POST", "/executions"), ("GET", "/executions"),
        ("POST", "/held/approve"), ("POST", "/held/reject"),
    ],
)  # fmt: skip
def test_a_workflow_that_is_not_there_is_404(flows: Flows, method: str, path: str) -> None:
    body = CALL if method == "PUT" else None
    assert is_problem(flows.call(method, f"/v1/workflows/nothing{path}", body), 404)


def test_the_same_key_makes_one_workflow(flows: Flows) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = (flows.post("workflows", CALL, headers=key) for _ in range(2))
    assert first.json == again.json
    assert len(flows.get("workflows").json["items"]) == 1


def test_what_people_do_is_in_the_audit_log(flows: Flows) -> None:
    workflow_id = flows.active(CALL)
    flows.call("PUT", f"/v1/workflows/{workflow_id}", {**CALL, "name": "B"})
    flows.post(f"workflows/{workflow_id}/pause")
    flows.call("DELETE", f"/v1/workflows/{workflow_id}")
    entries = flows.call.everything("/v1/audit", object_type="workflow")
    assert [one["verb"] for one in entries] == [
        "delete", "pause", "update", "activate", "validate", "create"
    ]  # fmt: skip
    assert {one["object_id"] for one in entries} == {workflow_id}


def test_shipped_workflows_are_listed_and_installed_as_drafts(flows: Flows) -> None:
    integration_id, _ = flows.roster()
    presets = flows.call.everything("/v1/workflow-presets", 2)
    keys = [one["key"] for one in presets]
    assert keys == sorted(keys)
    assert {"onboard", "offboard", "role_review"} <= set(keys)
    review = next(one for one in presets if one["key"] == "role_review")
    given: dict[str, Any] = {}
    for one in review["parameters"]:
        if one["type"] == "integrations":
            given[one["key"]] = [integration_id]
        elif one["required"]:
            given[one["key"]] = ["it@example.com"]
    path = "workflow-presets/role_review"
    answer = flows.post(path, {"name": "Quarterly", "parameters": given})
    assert answer.status == 201, answer.text
    assert (answer.json["name"], answer.json["status"]) == ("Quarterly", "draft")
    assert not isinstance(parsed(answer.json["document"]), list)
    wrong = flows.post(path, {"parameters": {**given, "nonsense": 1}})
    assert (wrong.status, wrong.fields) == (422, ["parameters.nonsense"])
    assert is_problem(flows.post("workflow-presets/make_coffee"), 404)
    assert is_problem(flows.post("workflow-presets/..%2Foffboard"), 404)
    assert len(flows.get("workflows").json["items"]) == 1
