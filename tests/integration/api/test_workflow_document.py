"""The OpenAPI document says what calls for workflows do, and any JSON is a workflow or refused."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rollcall.workflows import library
from tests.integration.api.flows import ASK, CALL, EVENT, HAND, SCHEDULE, TELL, Flows
from tests.integration.api.test_document import LINKS, WORKFLOWS, Checked, operations
from tests.integration.api.workflow_aws import Json

TEAM = {"inputs": {"team": "IT"}}


@pytest.fixture
def document(flows: Flows) -> Json:
    made: Json = flows.get("openapi.json").json
    return made


def test_what_is_answered_is_what_is_documented(flows: Flows, document: Json) -> None:
    call = Checked(flows.call, document)
    names, bodies = _prepared(flows)
    order = ("POST", "PUT", "GET", "DELETE")
    for name in sorted(WORKFLOWS, key=lambda name: order.index(name.partition(" ")[0])):
        template = name.partition(" ")[2]
        path = template.format(**{**names, **_own(name, names)})
        actor = {"actor": None} if name in LINKS else {}
        call(name, path, bodies.get(name), **actor)
        if "{" in name:
            none = {**dict.fromkeys(names, "not here"), "version": "9"}
            call(name, template.format(**none), bodies.get(name), **actor)
        if name.startswith(("POST", "PUT")):
            call(name, path, {"nonsense": 1}, **actor)
        if "cursor" in json.dumps(operations(document)[name].get("parameters", [])):
            call(name, path, query={"cursor": "nonsense"})
        if not name.startswith("GET"):
            call(name, path, bodies.get(name), **actor)
    call("GET /v1/approvals/{link}", f"/v1/approvals/{names['approving']}", actor=None)
    documented = {
        (name, status)
        for name in WORKFLOWS
        for status in operations(document)[name]["responses"]
        if status in ("200", "201", "202", "204", "404", "410")
    }
    assert documented - call.answered == {
        (name, "410") for name in LINKS if name.startswith("POST")
    }


def _prepared(flows: Flows) -> tuple[Json, Json]:
    """Names for the paths, and bodies."""
    _, people = flows.roster()
    active = flows.active(CALL)
    execution_id, failed = (flows.start(active, **TEAM) for _ in range(2))
    flows.ask(execution_id)
    flows.fail(failed)
    linked = [flows.link(flows.ask(flows.start(active, **TEAM))) for _ in range(3)]
    flows.call.aws.s3.put_object(Bucket="batches", Key="reports/0a1b/write.csv", Body=b"")
    held = flows.active(HAND, begin={"trigger": "hand", "most_per_hour": 1})
    rejected = flows.active(HAND, begin={"trigger": "hand", "most_per_hour": 1})
    for workflow_id in (held, held, rejected, rejected):
        flows.start(workflow_id)
    names = {
        "workflow_id": active, "execution_id": execution_id, "block": "ask", "version": "1",
        "report_id": "0a1b.write", "key": "role_review", "link": linked[0],
        "failed": failed, "held": held, "rejected": rejected, "draft": flows.create(EVENT),
        "paused": flows.active(CALL), "approving": linked[1], "denying": linked[2],
        "running": flows.start(active, **TEAM), "idle": flows.create(HAND),
    }  # fmt: skip
    bodies = {
        "POST /v1/workflows": CALL,
        "POST /v1/workflow-presets/{key}": {"parameters": {"tell": ["it@example.com"]}},
        "PUT /v1/workflows/{workflow_id}": HAND,
        "POST /v1/workflows/{workflow_id}/activate": {"matching": "skip"},
        "POST /v1/workflows/{workflow_id}/executions": TEAM,
        "POST /v1/workflows/{workflow_id}/test": {"person_ids": [people[0]["id"]], **TEAM},
        "POST /v1/executions/{execution_id}/approvals/{block}": {"decision": "approve"},
    }
    return names, bodies


def _own(name: str, names: Json) -> Json:
    """What a call is about, where that is not what the others are about."""
    special = {
        "POST /v1/workflows/{workflow_id}/pause": {"workflow_id": names["paused"]},
        "POST /v1/workflows/{workflow_id}/held/approve": {"workflow_id": names["held"]},
        "POST /v1/workflows/{workflow_id}/held/reject": {"workflow_id": names["rejected"]},
        "POST /v1/executions/{execution_id}/redrive": {"execution_id": names["failed"]},
        "POST /v1/executions/{execution_id}/cancel": {"execution_id": names["running"]},
        "POST /v1/approvals/{link}/approve": {"link": names["approving"]},
        "POST /v1/approvals/{link}/deny": {"link": names["denying"]},
        "PUT /v1/workflows/{workflow_id}": {"workflow_id": names["draft"]},
        "DELETE /v1/workflows/{workflow_id}": {"workflow_id": names["idle"]},
    }
    return special.get(name, {})


@pytest.mark.parametrize("workflow", [CALL, HAND, EVENT, SCHEDULE], ids=lambda one: one["name"])
def test_the_schema_of_a_document_takes_what_is_taken(document: Json, workflow: Json) -> None:
    schema = {"$ref": "#/components/schemas/WorkflowDocument", "components": document["components"]}
    Draft202012Validator(schema).validate(workflow)
    assert not Draft202012Validator(schema).is_valid({**workflow, "surprise": 1})


def test_every_parameter_of_a_shipped_workflow_is_told(flows: Flows) -> None:
    shown = {one["key"]: one for one in flows.call.everything("/v1/workflow-presets")}
    for shipped in library.everything():
        told = [one["key"] for one in shown[shipped.key]["parameters"]]
        assert told == [one.key for one in shipped.parameters]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(
    ["end", "stop", "continue", "ask", "tell", "accounts", "3d", "event", "call", "hand",
     "schedule", "person", "account", "{{ person.id }}", "{{ x", "rate(1 day)", "Person Updated"]
)  # fmt: skip
KEYS = st.sampled_from(
    ["id", "type", "next", "on_error", "go_to", "when", "field", "op", "value", "blocks", "over",
     "branches", "inputs", "query", "of", "integrations", "columns", "set", "target", "begin",
     "trigger", "events", "schedule", "deadline", "message", "workflow", "contacts", "for", "until"]
)  # fmt: skip
LIKELY = st.recursive(
    JSON | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
TYPES = st.sampled_from(
    ["preset", "roles", "update", "decision", "approval", "notification", "wait", "for_each",
     "parallel", "workflow", "report", "end"]
)  # fmt: skip
BLOCKS = st.builds(
    lambda kind, more: {"id": "one", "type": kind, **more},
    TYPES,
    st.dictionaries(KEYS, LIKELY, max_size=5),
)


@given(
    st.one_of(
        st.dictionaries(TEXT, JSON, max_size=4),
        st.builds(lambda part: {**CALL, **part}, st.dictionaries(KEYS, LIKELY, max_size=3)),
        st.builds(lambda block: {**CALL, "blocks": [ASK, block, TELL]}, BLOCKS),
        st.builds(
            lambda begin: {**HAND, "begin": begin}, st.dictionaries(KEYS, LIKELY, max_size=4)
        ),
        st.builds(lambda when: {**EVENT, "begin": {**EVENT["begin"], "when": when}}, LIKELY),
    )
)
@profile(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_json_is_a_workflow_or_told_what_is_wrong_with_it(flows: Flows, data: Any) -> None:
    answer = flows.post("workflows", json.dumps(data))
    assert answer.status in (201, 422), answer.text
    if answer.status == 422:
        assert all(answer.fields)
        return
    workflow_id = answer.json["id"]
    assert answer.json["document"] == data
    assert flows.get(f"workflows/{workflow_id}/definition").status == 200
    assert flows.get(f"workflows/{workflow_id}/matches").status == 200
    assert flows.post(f"workflows/{workflow_id}/activate", {"matching": "skip"}).status == 200
