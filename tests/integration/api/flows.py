"""Workflows in the API's tests: documents, and what their functions leave in the tables."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rollcall.stamps import instant, now
from rollcall.tables import Table
from rollcall.workflows.executions import Execution, Executions, Step
from rollcall.workflows.guards import RateGuard
from rollcall.workflows.links import Link, made
from rollcall.workflows.store import Workflow, Workflows
from tests.integration.api.caller import Answered, Caller
from tests.integration.api.roster import fill, record
from tests.integration.api.workflow_aws import Functions, Json, Steps

LINK_KEY = "what signs links"
TELL = {
    "id": "tell",
    "type": "notification",
    "subject": "{{ execution.workflow }}",
    "message": "It is done.",
    "email": ["it@example.com"],
}
ASK = {"id": "ask", "type": "approval", "message": "Really?", "deadline": "3d"}
CALL: Json = {
    "name": "Ask",
    "begin": {
        "trigger": "call",
        "inputs": [
            {"key": "team", "required": True},
            {"key": "seats", "type": "number"},
            {"key": "urgent", "type": "boolean"},
            {"key": "more", "type": "json"},
        ],
    },
    "blocks": [ASK, TELL],
}
HAND: Json = {"name": "By hand", "begin": {"trigger": "hand"}, "blocks": [TELL]}
EVENT: Json = {
    "name": "Left",
    "begin": {
        "trigger": "event",
        "events": ["Person Updated", "Account Updated"],
        "when": {"field": "person.last_name", "op": "equals", "value": "Number 1"},
    },
    "blocks": [TELL],
}
SCHEDULE: Json = {
    "name": "Dormant",
    "begin": {
        "trigger": "schedule",
        "schedule": {"expression": "rate(1 day)"},
        "query": {
            "of": "people",
            "when": {"field": "person.last_name", "op": "equals", "value": "Number 1"},
        },
    },
    "blocks": [TELL],
}


@dataclass(repr=False)
class Flows:
    """The API, with what it tells AWS of workflows."""

    call: Caller
    steps: Steps
    functions: Functions

    @property
    def runs(self) -> Table:
        return Table(self.call.aws.dynamodb, self.call.settings.runs_table)

    @property
    def executions(self) -> Executions:
        return Executions(self.runs, self.call.config, 90)

    @property
    def workflows(self) -> Workflows:
        return Workflows(self.call.config)

    @property
    def rate(self) -> RateGuard:
        return RateGuard(self.runs, 90)

    def create(self, document: Json, **changes: Any) -> str:
        answer = self.call("POST", "/v1/workflows", {**document, **changes})
        assert answer.status == 201, answer.text
        return str(answer.json["id"])

    def active(self, document: Json, **changes: Any) -> str:
        """The id of a workflow that is active; whoever matches is left out."""
        workflow_id = self.create(document, **changes)
        answer = self.post(f"workflows/{workflow_id}/activate", {"matching": "skip"})
        assert answer.status == 200, answer.text
        return workflow_id

    def get(self, path: str, **query: str) -> Answered:
        return self.call("GET", f"/v1/{path}", query=query or None)

    def post(self, path: str, body: Any = None, **more: Any) -> Answered:
        return self.call("POST", f"/v1/{path}", body, **more)

    def start(self, workflow_id: str, **body: Any) -> str:
        """The id of an execution that somebody asked for."""
        answer = self.post(f"workflows/{workflow_id}/executions", body)
        assert answer.status == 202, answer.text
        return str(answer.json["id"])

    def execution(self, execution_id: str) -> Execution:
        found = self.executions.get(execution_id)
        assert found is not None
        return found

    def workflow(self, workflow_id: str) -> Workflow:
        found = self.workflows.get(workflow_id)
        assert found is not None
        return found

    def fail(self, execution_id: str, code: str = "template-failed") -> None:
        error = {"code": code, "detail": "of no use"}
        assert self.executions.end(self.execution(execution_id), "failed", error)

    def step(self, execution_id: str, block: str = "tell", **changes: Any) -> Step:
        """A step that a function kept: it ended well, unless changes say otherwise."""
        step = replace(
            Step(execution_id, block, "", "notification", "succeeded", 1, now(), now()), **changes
        )
        assert self.executions.save(step)
        return step

    def ask(self, execution_id: str, **changes: Any) -> Step:
        """An approval that waits, with the token `token`."""
        until = instant(datetime.now(UTC) + timedelta(days=3))
        asked: Json = {
            "type": "approval",
            "status": "waiting",
            "finished_at": None,
            "input": {"message": "Really?", "email": [], "webhook": None},
            "until": until,
            "token": "token",
        }
        return self.step(execution_id, "ask", **{**asked, **changes})

    def link(self, step: Step, key: str = LINK_KEY, **changes: str) -> str:
        """The link that decides a step."""
        link = Link(step.execution_id, step.at, step.block, step.until or now())
        return made(key.encode(), replace(link, **changes))

    def roster(self, people: int = 2) -> tuple[str, list[Json]]:
        """An integration with so many accounts, each with a person; its id, and the people."""
        integration_id = str(self.call.integration()["id"])
        fill(self.call, integration_id, [record(number + 1) for number in range(people)])
        return integration_id, self.call.everything("/v1/people")
