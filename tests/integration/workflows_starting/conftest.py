"""What begins executions, on the local AWS with a real state machine that passes at once."""

import json
import threading
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from rollcall.actions.store import Actions, Asked
from rollcall.aws import Aws
from rollcall.directory import keys
from rollcall.settings import Settings
from rollcall.stamps import now
from rollcall.workflows.executions import Execution, Executions, Step
from rollcall.workflows.guards import RateGuard
from rollcall.workflows.machines import Machines
from rollcall.workflows.memory import Memory
from rollcall.workflows.starting import Starter
from rollcall.workflows.store import Version, Workflow, Workflows
from tests.integration.sync.conftest import House, house, local_aws, settings
from tests.integration.sync.test_notices import Post
from tests.roles import RoleAws

__all__ = ["house", "local_aws", "settings"]

Json = dict[str, Any]
LOG = Logger(service="test")
PASSES = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
BLOCKS = [{"id": "done", "type": "end"}]
GRANT: Json = {"account": "7", "type": "admin", "entitlement_id": "3", "scope": None}
WRITES = frozenset(
    {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}
    | {"StartExecution", "Publish", "Invoke"}
)


class Killed(BaseException):
    """The function is gone: nothing catches this."""


class CountingAws(RoleAws):
    """Counts calls; the function dies at its `lives`-th write, before AWS has it or `after`."""

    def __init__(self, lives: int | None = None, *, after: bool = False) -> None:
        super().__init__("StarterRole")
        self.calls: Counter[str] = Counter()
        self.lives = lives
        self.after = after
        self._counting = threading.Lock()

    def _client(self, service: str) -> Any:
        client = super()._client(service)
        client.meta.events.register("before-call", self._before)
        client.meta.events.register("after-call", self._after)
        return client

    def _before(self, model: Any, **_: Any) -> None:
        with self._counting:
            self.calls[model.name] += 1
            if model.name in WRITES and not self.after:
                self._die()

    def _after(self, model: Any, **_: Any) -> None:
        with self._counting:
            if model.name in WRITES and self.after:
                self._die()

    def _die(self) -> None:
        if self.lives is not None:
            self.lives -= 1
            if self.lives < 0:
                raise Killed


class Passing(Machines):
    """The state machines, which may be out of reach."""

    def __init__(self, aws: Aws, *, down: bool = False) -> None:
        super().__init__(aws.stepfunctions, "hall")
        self.down = down

    def start(self, execution: Execution) -> bool:
        if self.down:
            raise ConnectionError("Step Functions is down")
        return super().start(execution)


@dataclass
class Invoked:
    """Lambda: keeps what was asked for."""

    payloads: list[Json] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: str) -> None:  # noqa: N803
        assert (FunctionName, InvocationType) == ("starter", "Event")
        self.payloads.append(json.loads(Payload))


@dataclass
class Hall:
    """Where workflows are begun, and where what came of it is seen."""

    house: House
    machine: str
    post: Post
    everything: str

    @property
    def settings(self) -> Settings:
        return replace(self.house.settings, notice_topic=self.post.topic)

    @property
    def workflows(self) -> Workflows:
        return Workflows(self.house.config)

    @property
    def executions(self) -> Executions:
        return Executions(self.house.runs.table, self.house.config, self.settings.run_days)

    @property
    def rate(self) -> RateGuard:
        return RateGuard(self.house.runs.table, self.settings.run_days)

    @property
    def remembered(self) -> Memory:
        return Memory(self.house.runs.table)

    def starter(self, aws: Aws | None = None, machines: Passing | None = None) -> Starter:
        """A fresh function, as after a cold start."""
        aws = aws or RoleAws("StarterRole")
        return Starter(self.settings, aws, LOG, machines or Passing(aws), "starter")

    def workflow(self, begin: Json, *, active: bool = True, **more: Any) -> Workflow:
        """A workflow of one block, deployed, and active if nothing else is said."""
        document = {"name": "Leavers", "begin": begin, "blocks": BLOCKS, **more}
        workflow = self.workflows.create(document, "ann")
        return self.activate(self.validate(workflow), begin) if active else workflow

    def validate(self, workflow: Workflow) -> Workflow:
        validated = self.workflows.validated(workflow, self.machine, self.machine, "ann")
        assert validated is not None
        return validated

    def activate(self, workflow: Workflow, begin: Json) -> Workflow:
        events = tuple(begin.get("events", ()))
        active = self.workflows.activated(workflow, begin["trigger"], events, "ann")
        assert active is not None
        return active

    def version(self, workflow: Workflow) -> Version:
        found = self.workflows.version(workflow.id, workflow.version)
        assert found is not None
        return found

    def of(self, workflow: Workflow) -> list[Execution]:
        """The workflow's executions, the oldest first."""
        found, last = self.executions.page(f"W#{workflow.id}", 100, None)
        assert last is None
        return found[::-1]

    def statuses(self, workflow: Workflow) -> dict[str, int]:
        return dict(Counter(one.status for one in self.of(workflow)))

    def machines_started(self) -> list[str]:
        """The names of all executions that Step Functions knows."""
        pages = Aws().stepfunctions.get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=self.machine)
        return sorted(one["name"] for page in found for one in page["executions"])

    def all_started_once(self, workflow: Workflow) -> bool:
        """Every execution that goes on was started, as Step Functions and its record say."""
        going = [one for one in self.of(workflow) if one.status == "running"]
        assert all(one.started for one in going)
        return sorted(one.name for one in going) == self.machines_started()

    def person(self, person_id: str, version: int = 1, **fields: Any) -> None:
        email = f"{person_id}@example.com"
        item = {
            "pk": keys.person(person_id),
            "sk": "PERSON",
            "id": person_id,
            "fields": {"email": email, "status": "active", **fields},
            "sources": {},
            "version": version,
            "created_at": now(),
            "updated_at": now(),
            **keys.person_index(person_id, {"email": email}),
        }
        assert self.house.directory.put(item)

    def account(self, external_id: str, person_id: str | None = None, **more: Any) -> None:
        """An account of the integration `i1`, which nobody has connected."""
        item = {
            "pk": keys.integration("i1"),
            "sk": keys.account(external_id),
            "integration_id": "i1",
            "external_id": external_id,
            "status": "active",
            "attributes": "{}",
            "version": 1,
            "person_id": person_id,
            **more,
        }
        assert self.house.directory.put({n: v for n, v in item.items() if v is not None})

    def action(self, execution_id: str | None) -> str:
        """An action that an execution asked for, or somebody; its id."""
        action_id = uuid.uuid4().hex
        asked = Asked(
            id=action_id,
            integration_id="i1",
            connector="aha",
            preset="update_user",
            actor="ann",
            at=now(),
            digest="d",
            inputs={},
            overrides={},
            execution_id=execution_id,
        )
        assert Actions(self.house.runs.table, self.house.config, 30).begin(asked)
        return action_id


@pytest.fixture
def hall(house: House) -> Hall:
    aws = Aws()
    machine = aws.stepfunctions.create_state_machine(
        name=f"rollcall-{house.settings.stack_name}-wf-1",
        definition=json.dumps(PASSES),
        roleArn="arn:aws:iam::000000000000:role/workflows",
    )["stateMachineArn"]
    topic = aws.sns.create_topic(Name=f"notices-{uuid.uuid4().hex[:8]}")["TopicArn"]
    post = Post(topic, aws.sqs, aws.sns)
    return Hall(house, machine, post, post.subscribe("everything", None))


def message(event: Mapping[str, Any]) -> Json:
    """An event as the queue hands it over."""
    detail = {name: value for name, value in event.items() if name != "type"}
    body = {"source": "rollcall", "detail-type": event["type"], "detail": detail}
    return {"messageId": uuid.uuid4().hex, "body": json.dumps(body)}


def left(person_id: str = "p1", **more: Any) -> Json:
    """Somebody's status has become inactive."""
    return {
        "type": "Person Updated",
        "schema": 1,
        "id": uuid.uuid4().hex,
        "at": now(),
        "person_id": person_id,
        "person": {"email": f"{person_id}@example.com", "status": "inactive"},
        "version": 2,
        "changes": {"status": {"old": "active", "new": "inactive"}},
        **more,
    }


def on(*events: str, when: Json | None = None, most: int = 100) -> Json:
    """A trigger."""
    kinds = list(events) or ["Person Updated"]
    return {"trigger": "event", "events": kinds, "when": when, "most_per_hour": most}


def waiting_for(hall: Hall, workflow: Workflow, execution_id: str = "parent") -> Step:
    """A block of an execution that waits for the end of another workflow."""
    step = Step(
        execution_id=execution_id,
        block="run",
        at="",
        type="workflow",
        status="waiting",
        attempt=1,
        started_at=now(),
        input={"workflow": workflow.id, "inputs": {}},
        token="a token that is gone",
    )
    assert hall.executions.save(step)
    return step
