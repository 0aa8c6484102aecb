"""The workflows function in this process, and a machine that asks it for block after block."""

import json
import math
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError, EndpointConnectionError

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from rollcall.actions.perform import Performer
from rollcall.actions.store import Actions
from rollcall.aws import Aws
from rollcall.directory import keys
from rollcall.items import Item
from rollcall.settings import Settings
from rollcall.stamps import new_id, now
from rollcall.workflows.document import (
    END,
    ApprovalBlock,
    Document,
    EndBlock,
    ForEachBlock,
    ParallelBlock,
    WorkflowBlock,
    parsed,
)
from rollcall.workflows.executions import Execution, Executions, Step
from rollcall.workflows.graph import Graph, Scope
from rollcall.workflows.store import Workflow, Workflows
from rollcall.workflows.work import Worker, WorkSettings
from tests.integration.actions.conftest import QUICK, DyingAws, Killed
from tests.integration.sync.conftest import House, local_aws, settings
from tests.roles import RoleAws

__all__ = ["Killed", "local_aws", "settings"]

API = "https://api.example"
LINK_SECRET = "LinkSecret"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:wf:1"
Json = dict[str, Any]
Tenant = Vendor[ActiveCampaign]


@dataclass
class Steps:
    """Step Functions: keeps what was started and which tokens were told what."""

    started: dict[str, Json] = field(default_factory=dict)
    told: dict[str, Json] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    down: bool = False

    class exceptions:  # noqa: N801 - as boto3 has it
        ExecutionAlreadyExists = KeyError
        ExecutionDoesNotExist = LookupError

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        assert stateMachineArn == MACHINE
        if self.down:
            raise EndpointConnectionError(endpoint_url="states")
        if name in self.started:
            raise self.exceptions.ExecutionAlreadyExists
        self.started[name] = json.loads(input)

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
        if self.down:
            raise EndpointConnectionError(endpoint_url="states")
        if taskToken in self.gone or taskToken in self.told:
            error = {"Code": "TaskTimedOut", "Message": "Task Timed Out"}
            raise ClientError({"Error": error}, "SendTaskSuccess")
        self.told[taskToken] = json.loads(output)


@dataclass
class Topic:
    """SNS: keeps what is published."""

    published: list[Json] = field(default_factory=list)
    down: bool = False

    def publish(self, **message: Any) -> None:
        if self.down:
            raise EndpointConnectionError(endpoint_url="sns")
        self.published.append(message)


class WorkAws(DyingAws):
    """The function's clients, with Step Functions and SNS in this process."""

    def __init__(self, steps: Steps, topic: Topic) -> None:
        RoleAws.__init__(self, "WorkflowsRole")
        self.lives = math.inf
        self._counting = threading.Lock()
        self.stepfunctions = steps
        self.sns = topic


@dataclass
class Shop:
    """A deployment in which workflows are worked off."""

    house: House
    bucket: str
    steps: Steps = field(default_factory=Steps)
    topic: Topic = field(default_factory=Topic)

    @cached_property
    def aws(self) -> WorkAws:
        return WorkAws(self.steps, self.topic)

    @cached_property
    def worker(self) -> Worker:
        """The warm function."""
        work = WorkSettings(API, LINK_SECRET, self.bucket)
        log = Logger(service="test")
        worker = Worker(self.house.settings, work, self.aws, log)
        worker.tools.performer = Performer(self.house.settings, self.aws, log, QUICK)
        return worker

    def restart(self, **changes: Any) -> None:
        """A cold function, with other settings."""
        self.house = replace(self.house, settings=replace(self.house.settings, **changes))
        self.__dict__.pop("worker", None)
        self.__dict__.pop("aws", None)

    @property
    def executions(self) -> Executions:
        return Executions(self.house.runs.table, self.house.config, 30)

    @property
    def workflows(self) -> Workflows:
        return Workflows(self.house.config)

    @property
    def actions(self) -> Actions:
        return Actions(self.house.runs.table, self.house.config, 30)

    # ------------------------------------------------------------ what is there

    def integrate(self, vendor: Vendor[Any], **changes: Any) -> str:
        """An integration with the sample vendor, synced once; its id."""
        integration = self.house.integrate(vendor, **changes)
        run = self.house.run(integration)
        assert run.status == "succeeded", run.error
        return integration.id

    def person_of(self, integration_id: str, external_id: str) -> str:
        """Whose the account is."""
        item = self.house.directory.get(keys.integration(integration_id), keys.account(external_id))
        assert item is not None
        return str(item["person_id"])

    def person(self, person_id: str) -> Item:
        item = self.house.directory.get(keys.person(person_id), "PERSON")
        assert item is not None
        return item

    def workflow(self, *blocks: Json, **document: Any) -> Workflow:
        """An active workflow of these blocks."""
        whole = {"name": "Leaving", "begin": {"trigger": "hand"}, "blocks": list(blocks)}
        whole |= document
        read = parsed(whole)
        assert isinstance(read, Document), read
        assert Graph(read).problems() == []
        draft = self.workflows.create(whole, "tests")
        validated = self.workflows.validated(draft, MACHINE, MACHINE, "tests")
        assert validated is not None
        active = self.workflows.activated(validated, read.begin.trigger, (), "tests")
        assert active is not None
        return active

    def begin(self, workflow: Workflow, **said: Any) -> Execution:
        """An execution of it, started."""
        execution = Execution(
            **{
                "id": new_id(),
                "workflow_id": workflow.id,
                "version": workflow.version,
                "machine_arn": MACHINE,
                "status": "running",
                "began": "hand",
                "actor": "tests",
                "created_at": now(),
                "started_at": now(),
                "started": True,
                **said,
            }
        )
        assert self.executions.begin(execution)
        return execution

    def of(self, *blocks: Json, **said: Any) -> Execution:
        """An execution of a workflow of these blocks."""
        return self.begin(self.workflow(*blocks), **said)

    def now(self, execution: Execution) -> Execution:
        found = self.executions.get(execution.id)
        assert found is not None
        return found

    def step(self, execution: Execution, block: str, at: str = "") -> Step:
        found = self.executions.step(execution.id, at, block)
        assert found is not None
        return found

    def stored(self, execution: Execution) -> str:
        """Everything that is kept of the execution and of what it did, as text."""
        found = list(self.house.runs.table.query(f"EXECUTION#{execution.id}"))
        for table in (self.house.runs.table, self.house.config):
            scanned = table.client.scan(TableName=table.name)["Items"]
            found += [one for one in scanned if execution.id in str(one)]
        return str(found)

    # ------------------------------------------------------------ the state machine

    def take(self, execution: Execution, block: str, at: str = "", **event: Any) -> Json:
        """What the function answers when it is handed a block."""
        said = {**self._said(execution, at), "step": "block", "block": block, **event}
        answer = self.worker.take(said, uuid.uuid4().hex)
        assert (answer["execution"], answer["at"]) == (execution.id, at)
        # What flows through a state machine is small, and JSON.
        assert len(json.dumps(answer)) < 3000
        return answer

    def _said(self, execution: Execution, at: str) -> Json:
        attempt = self.now(execution).attempt
        return {"execution": execution.id, "at": at, "attempt": attempt}

    def due(self, execution: Execution, block: str, at: str = "") -> None:
        """As if the time had passed that the block waits for."""
        step = self.step(execution, block, at)
        assert self.executions.save(replace(step, due=now()))

    def run(self, execution: Execution) -> Execution:
        """The whole of it, as its state machine does it; waits pass at once."""
        version = self.workflows.version(execution.workflow_id, execution.version)
        assert version is not None
        document = parsed(version.document)
        assert isinstance(document, Document)
        graph = Graph(document)
        ended, lost = self._walk(execution, graph, graph.scopes[0], "")
        if ended is not None:
            said = {**self._said(execution, ""), "step": ended, **lost}
            answer = self.worker.take(said, uuid.uuid4().hex)
            assert answer["outcome"] == ("done" if ended == "end" else "failed")
        return self.now(execution)

    def _walk(
        self, execution: Execution, graph: Graph, scope: Scope, at: str
    ) -> tuple[str | None, Json]:
        """How a list ends: `end`, `fail`, or None where a block has ended the execution."""
        place, lost = scope.blocks[0].id, Json()
        while place != END:
            block = graph.block[place]
            answer: Json = {"outcome": "done"}
            if not isinstance(block, ParallelBlock):
                answer = self._asked(execution, block, at, lost)
                lost = {}
            outcome = answer["outcome"]
            rows = [at] * 10
            if isinstance(block, ForEachBlock):
                above, found = f"{at}/" if at else "", answer.get("count", 0)
                rows = [f"{above}{place}.{number}" for number in range(found)]
            has_inner = isinstance(block, ParallelBlock | ForEachBlock) and outcome == "done"
            if has_inner and not self._inner(execution, graph, place, rows):
                outcome, lost = "failed", {"lost": {"block": place, "error": "inner"}}
            if isinstance(block, EndBlock):
                return None if scope.owner is None else _ENDS[block.result], lost
            if outcome == "failed":
                error = scope.on_error(block)
                if error is None:
                    return "fail", lost
                place = error
            else:
                place = _leads(scope, block, outcome)
        return "end", lost

    def _inner(self, execution: Execution, graph: Graph, owner: str, rows: list[str]) -> bool:
        scopes = [one for one in graph.scopes if one.owner is graph.block[owner]]
        one = len(scopes) == 1 and isinstance(graph.block[owner], ForEachBlock)
        pairs = [(scopes[0], row) for row in rows] if one else list(zip(scopes, rows, strict=False))
        ends = []
        for scope, row in pairs:
            ended, lost = self._walk(execution, graph, scope, row)
            if ended == "fail":
                said = {"execution": execution.id, "at": row, "step": "note", **lost}
                self.worker.take(said, uuid.uuid4().hex)
            ends.append(ended)
        return "fail" not in ends

    def _asked(self, execution: Execution, block: Any, at: str, lost: Json) -> Json:
        event = dict(lost)
        if isinstance(block, ApprovalBlock) or (isinstance(block, WorkflowBlock) and block.wait):
            event["token"] = token = uuid.uuid4().hex
            answer = self.take(execution, block.id, at, **event)
            return self.steps.told.get(token, answer)
        for _ in range(30):
            answer = self.take(execution, block.id, at, **event)
            if answer["outcome"] != "wait":
                return answer
            # The state machine asks at once what came of it, and is told how long to wait.
            again = self.take(execution, block.id, at, **event)
            assert again["outcome"] == "wait"
            self.due(execution, block.id, at)
        raise AssertionError(f"{block.id} waits for ever")


_ENDS = {"succeeded": "end", "failed": "fail"}


def _leads(scope: Scope, block: Any, outcome: str) -> str:
    if outcome.startswith("branch-"):
        leads: str = block.branches[int(outcome.removeprefix("branch-"))].go_to
        return leads
    if outcome in ("deny", "late"):
        said = block.on_deny if outcome == "deny" else block.on_deadline
        if said == "end":
            return END
        if said != "continue":
            place: str = said.go_to
            return place
    return scope.after(block)


@pytest.fixture
def shop(settings: Settings) -> Shop:
    aws = Aws()
    bucket = f"reports-{uuid.uuid4().hex}"
    aws.s3.create_bucket(Bucket=bucket)
    # The local AWS is one for all tests.
    with suppress(aws.secretsmanager.exceptions.ResourceExistsException):
        aws.secretsmanager.create_secret(Name=LINK_SECRET, SecretString="k" * 64)
    return Shop(House(replace(settings, notice_topic="topic"), aws), bucket)


@pytest.fixture
def vendor() -> Iterator[Tenant]:
    with serve(seed_activecampaign(6, 4)) as running:
        yield running


def changed(vendor: Vendor[Any]) -> list[str]:
    """The calls that may have changed something in the app."""
    return [f"{one.method} {one.path}" for one in vendor.log if one.method != "GET"]


def attributes(message: Mapping[str, Any]) -> Json:
    """A message's attributes, as subscriptions filter on them."""
    return {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}
