"""The OpenAPI document says what the API does: every answer here is checked against it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from rollcall.sync.runs import Runs
from tests.integration.api.caller import Answered, Caller
from tests.integration.api.roster import fill, record

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/guide").glob("*.md"))]


@pytest.fixture
def document(api: Caller) -> dict[str, Any]:
    made: dict[str, Any] = api("GET", "/v1/openapi.json", actor=None).json
    return made


def operations(document: dict[str, Any]) -> dict[str, Any]:
    """By method and path, such as `GET /v1/people`."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


CALLS = {
    "GET /v1/connectors", "GET /v1/connectors/{connector}", "POST /v1/connectors",
    "PUT /v1/connectors/{connector}", "DELETE /v1/connectors/{connector}",
    "GET /v1/connectors/{connector}/manifest", "GET /v1/connectors/{connector}/versions",
    "PUT /v1/variables/{name}", "GET /v1/variables/{name}", "DELETE /v1/variables/{name}",
    "GET /v1/variables",
    "POST /v1/credentials", "GET /v1/credentials", "GET /v1/credentials/{credential_id}",
    "PUT /v1/credentials/{credential_id}", "DELETE /v1/credentials/{credential_id}",
    "POST /v1/integrations", "GET /v1/integrations", "GET /v1/integrations/{integration_id}",
    "PATCH /v1/integrations/{integration_id}", "DELETE /v1/integrations/{integration_id}",
    "POST /v1/integrations/{integration_id}/test",
    "POST /v1/integrations/{integration_id}/launch",
    "POST /v1/integrations/{integration_id}/pause",
    "POST /v1/integrations/{integration_id}/runs", "GET /v1/integrations/{integration_id}/runs",
    "GET /v1/runs/{run_id}", "GET /v1/runs/{run_id}/errors", "GET /v1/runs/{run_id}/log",
    "GET /v1/runs/{run_id}/candidates", "POST /v1/runs/{run_id}/approve",
    "POST /v1/runs/{run_id}/reject",
    "POST /v1/runs/{run_id}/cancel", "POST /v1/runs/{run_id}/apply",
    "GET /v1/runs/{run_id}/errors.csv", "GET /v1/runs/{run_id}/skipped",
    "GET /v1/runs/{run_id}/changes",
    "POST /v1/fields", "GET /v1/fields", "GET /v1/fields/{key}", "PATCH /v1/fields/{key}",
    "DELETE /v1/fields/{key}", "GET /v1/roles", "PUT /v1/roles",
    "GET /v1/mappings", "GET /v1/integrations/{integration_id}/mapping/suggestions",
    "POST /v1/integrations/{integration_id}/preview",
    "POST /v1/integrations/{integration_id}/explain",
    "POST /v1/integrations/{integration_id}/presets/{preset}/uploads",
    "POST /v1/integrations/{integration_id}/presets/{preset}/batch",
    "GET /v1/batches", "GET /v1/batches/{batch_id}", "GET /v1/batches/{batch_id}/rows",
    "GET /v1/batches/{batch_id}/results.csv", "POST /v1/batches/{batch_id}/stop",
    "POST /v1/batches/{batch_id}/retry",
    "GET /v1/people", "GET /v1/people/{person_id}",
    "GET /v1/integrations/{integration_id}/accounts",
    "GET /v1/integrations/{integration_id}/accounts/{external_id}",
    "PATCH /v1/integrations/{integration_id}/accounts/{external_id}",
    "PUT /v1/integrations/{integration_id}/accounts/{external_id}/person",
    "DELETE /v1/integrations/{integration_id}/accounts/{external_id}/person",
    "GET /v1/integrations/{integration_id}/groups",
    "GET /v1/integrations/{integration_id}/grants",
    "GET /v1/applications", "GET /v1/applications/{name}/accounts",
    "GET /v1/integrations/{integration_id}/presets",
    "POST /v1/integrations/{integration_id}/presets/{preset}",
    "POST /v1/integrations/{integration_id}/users",
    "GET /v1/integrations/{integration_id}/users/{external_id}",
    "PATCH /v1/integrations/{integration_id}/users/{external_id}",
    "DELETE /v1/integrations/{integration_id}/users/{external_id}",
    "POST /v1/integrations/{integration_id}/users/{external_id}/deactivate",
    "GET /v1/integrations/{integration_id}/users/{external_id}/roles",
    "GET /v1/connectors/{connector}/presets", "GET /v1/connectors/{connector}/presets/{preset}",
    "PUT /v1/connectors/{connector}/presets/{preset}",
    "DELETE /v1/connectors/{connector}/presets/{preset}",
    "GET /v1/actions", "GET /v1/actions/{action_id}",
    "GET /v1/audit", "GET /v1/health", "GET /v1/openapi.json", "GET /v1/docs",
}  # fmt: skip
LINKS = {
    "GET /v1/approvals/{link}", "POST /v1/approvals/{link}/approve",
    "POST /v1/approvals/{link}/deny",
}  # fmt: skip
WORKFLOWS = {
    "POST /v1/workflows", "GET /v1/workflows", "GET /v1/workflows/{workflow_id}",
    "PUT /v1/workflows/{workflow_id}", "DELETE /v1/workflows/{workflow_id}",
    "GET /v1/workflows/{workflow_id}/versions",
    "GET /v1/workflows/{workflow_id}/versions/{version}",
    "GET /v1/workflows/{workflow_id}/definition", "POST /v1/workflows/{workflow_id}/validate",
    "GET /v1/workflows/{workflow_id}/matches", "POST /v1/workflows/{workflow_id}/activate",
    "POST /v1/workflows/{workflow_id}/pause", "POST /v1/workflows/{workflow_id}/test",
    "POST /v1/workflows/{workflow_id}/held/approve",
    "POST /v1/workflows/{workflow_id}/held/reject",
    "POST /v1/workflows/{workflow_id}/executions", "GET /v1/workflows/{workflow_id}/executions",
    "GET /v1/executions", "GET /v1/executions/{execution_id}",
    "GET /v1/executions/{execution_id}/steps", "POST /v1/executions/{execution_id}/cancel",
    "POST /v1/executions/{execution_id}/redrive", "GET /v1/approvals",
    "POST /v1/executions/{execution_id}/approvals/{block}", "GET /v1/reports/{report_id}",
    "GET /v1/workflow-presets", "POST /v1/workflow-presets/{key}", *LINKS,
}  # fmt: skip
"""These are held against the document in test_workflow_document."""


def test_every_call_is_documented_and_no_other(document: dict[str, Any]) -> None:
    assert set(operations(document)) == CALLS | WORKFLOWS


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)
    for operation in operations(document).values():
        assert operation["summary"]
        assert operation["tags"]


def test_references_lead_somewhere_and_no_schema_is_idle(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert named == set(document["components"]["schemas"])


def test_the_address_is_relative_and_calls_need_a_token(document: dict[str, Any]) -> None:
    assert document["servers"] == [{"url": ".."}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    open_calls = {name for name, one in operations(document).items() if one.get("security") == []}
    assert open_calls == {"GET /v1/health", "GET /v1/openapi.json", "GET /v1/docs", *LINKS}
    for name, operation in operations(document).items():
        gateway = {"401", "403"} & set(operation["responses"])
        assert bool(gateway) != (name in open_calls)


def test_refusals_are_problems_and_the_gateways_are_not(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        assert "500" in operation["responses"]
        for status, answer in operation["responses"].items():
            if status == "204":
                assert "content" not in answer
            elif status in ("401", "403", "429"):
                assert list(answer["content"]) == ["application/json"]
            elif name in LINKS and status in ("404", "409", "410"):
                assert list(answer["content"]) == ["text/html"]
            elif status >= "400":
                assert list(answer["content"]) == ["application/problem+json"]


def test_a_body_may_have_these_forms(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        forms = list(operation.get("requestBody", {}).get("content", {}))
        links = ["application/x-www-form-urlencoded"] if name in LINKS else []
        assert forms in ([], ["application/json", "application/yaml", *links])


def test_every_post_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        parameters = {one["name"] for one in operation.get("parameters", [])}
        assert ("Idempotency-Key" in parameters) == name.startswith("POST")


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_every_example_is_valid(document: dict[str, Any]) -> None:
    seen = 0
    for schema in document["components"]["schemas"].values():
        for example in schema.get("examples", []):
            resolve(document, schema).validate(example)
            seen += 1
    assert seen >= 4


class Checked:
    """Calls the API and holds each answer against the document."""

    def __init__(self, api: Caller, document: dict[str, Any]) -> None:
        self._api = api
        self._document = document
        self.answered: set[tuple[str, str]] = set()

    def __call__(self, call: str, path: str, *args: Any, **more: Any) -> Answered:
        method = call.partition(" ")[0]
        answer = self._api(method, path, *args, **more)
        responses = operations(self._document)[call]["responses"]
        status = str(answer.status)
        assert status in responses, (call, answer)
        self.answered.add((call, status))
        content = responses[status].get("content")
        if content is None:
            assert answer.text == ""
            return answer
        (media_type,) = content
        assert answer.headers["Content-Type"] == media_type
        if "json" in media_type:
            resolve(self._document, content[media_type]["schema"]).validate(answer.json)
        return answer


def test_what_is_answered_is_what_is_documented(api: Caller, document: dict[str, Any]) -> None:
    with serve(seed_activecampaign(3, 2)) as vendor:
        _hold_against(api, document, vendor)


def _hold_against(api: Caller, document: dict[str, Any], vendor: Vendor[ActiveCampaign]) -> None:
    call = Checked(api, document)
    credential_id = api.credential(value=vendor.tenant.token)
    integration = api.integration(base_url=vendor.url, subdomain=None, credential_id=credential_id)
    fill(api, integration["id"], [record(1)])
    (person,) = api.everything("/v1/people")
    run_id = "0" * 28
    runs = Runs(api.aws.dynamodb, api.settings)
    runs.queue(integration["id"], "manual", run_id)
    run = runs.get(run_id)
    assert run is not None
    runs.abandon(run, "test", "over")
    own = {"name": "Card", "base": "get_user", "overrides": {"params": {"view": "card"}}}
    api("PUT", "/v1/connectors/activecampaign/presets/card", own)
    # Nothing runs functions here, so what is asked of an app is kept and fails.
    api("DELETE", f"/v1/integrations/{integration['id']}/users/2")
    (action,) = api.everything("/v1/actions")
    names = {
        "connector": "activecampaign",
        "preset": "card",
        "action_id": action["id"],
        "name": "ActiveCampaign",
        "credential_id": integration["credential_id"],
        "integration_id": integration["id"],
        "run_id": run_id,
        "person_id": person["id"],
        "external_id": "1",
        "key": "shoe_size",
    }
    bodies: dict[str, Any] = {
        "POST /v1/fields": {"name": "Shoe size", "type": "number"},
        "PATCH /v1/fields/{key}": {"name": "Size of shoe"},
        "PUT /v1/roles": {"roles": ["Employee"]},
        "POST /v1/integrations/{integration_id}/preview": {"preference": "update_only"},
        "POST /v1/integrations/{integration_id}/explain": {"external_id": "1"},
        "PUT /v1/connectors/{connector}/presets/{preset}": own,
        "POST /v1/integrations/{integration_id}/presets/{preset}": {
            "inputs": {"external_id": "1"},
            "dry_run": True,
        },
        "PUT /v1/variables/{name}": {"value": "x"},
        "POST /v1/credentials": {"name": "a", "connector": "aha", "auth": {"value": "b"}},
        "PUT /v1/credentials/{credential_id}": {"auth": {"value": vendor.tenant.token}},
        "POST /v1/integrations": {
            "name": "a",
            "connector": "activecampaign",
            "credential_id": integration["credential_id"],
        },
        "PATCH /v1/integrations/{integration_id}": {"name": "b"},
        "PATCH /v1/integrations/{integration_id}/accounts/{external_id}": {"kind": "person"},
        "PUT /v1/integrations/{integration_id}/accounts/{external_id}/person": {
            "person_id": person["id"]
        },
    }  # fmt: skip
    rows = {"rows": [{"external_id": "1"}], "confirm_count": 1}
    begun = api("POST", f"/v1/integrations/{integration['id']}/presets/get_user/batch", rows)
    names = {"preset": "get_user", "batch_id": begun.json["id"], **names}
    bodies["POST /v1/integrations/{integration_id}/presets/{preset}/batch"] = rows
    calls = sorted(CALLS)
    # What is posted comes first, what is deleted last.
    order = ("POST", "PUT", "PATCH", "GET", "DELETE")
    for name in sorted(calls, key=lambda name: order.index(name.partition(" ")[0])):
        template = name.partition(" ")[2]
        path = template.format(**names)
        call(name, path, bodies.get(name))
        if "{" in name:
            call(name, template.format(**dict.fromkeys(names, 'not"here')), bodies.get(name))
        if name in bodies or name.startswith("POST"):
            call(name, path, {"nonsense": 1})
        if "cursor" in json.dumps(operations(document)[name].get("parameters", [])):
            call(name, path, query={"cursor": "nonsense"})
    documented = {
        (name, status)
        for name, operation in operations(document).items()
        for status in operation["responses"]
        if status in ("200", "201", "202", "204", "404") and name in calls
    }
    decisions = {
        ("POST /v1/runs/{run_id}/approve", "202"),
        ("POST /v1/runs/{run_id}/reject", "200"),
        ("POST /v1/runs/{run_id}/cancel", "200"),
        ("POST /v1/runs/{run_id}/apply", "202"),
        ("POST /v1/batches/{batch_id}/retry", "202"),  # in integration/actions/test_batches
    }
    of_ones_own = {  # in test_connectors
        ("POST /v1/connectors", "201"),
        ("PUT /v1/connectors/{connector}", "200"),
        ("DELETE /v1/connectors/{connector}", "204"),
    }
    of_actions = {  # in integration/actions/test_answers
        *((name, status) for name, status in documented if "/users" in name and status != "404"),
        ("POST /v1/integrations/{integration_id}/presets/{preset}", "201"),
        ("POST /v1/integrations/{integration_id}/presets/{preset}", "202"),
    }
    assert documented - call.answered == decisions | of_actions | of_ones_own | {
        ("DELETE /v1/credentials/{credential_id}", "204"),
        ("DELETE /v1/integrations/{integration_id}", "204"),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_call_that_a_page_names_exists(document: dict[str, Any], page: Path) -> None:
    known = [re.sub(r"\\?\{\w+\\?\}", "[^/]+", re.escape(call)) for call in operations(document)]
    named = re.findall(r"\b((?:GET|POST|PUT|PATCH|DELETE) /v1/[\w{}/.-]*[\w}])", page.read_text())
    wrong = [call for call in named if not any(re.fullmatch(one, call) for one in known)]
    assert wrong == []
