"""The tables of the real template on the local AWS, and the steps of a run in a row."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from local import furnish, ministack
from local.ministack import Ministack
from local.vendors import Aha, Vendor
from rollcall.aws import Aws
from rollcall.integrations.model import Integration
from rollcall.integrations.store import Integrations
from rollcall.items import Item
from rollcall.settings import Settings
from rollcall.sync.runs import Run, Runs
from rollcall.sync.steps import Sync
from rollcall.tables import Table
from tests.roles import RoleAws

MINUTES = 600_000


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """One local AWS for all tests. (moto is confused by several threads in transactions.)"""
    aws = ministack.start(ministack.free_port(), tmp_path_factory.mktemp("aws"))
    yield aws
    aws.stop()


@pytest.fixture
def settings(local_aws: Ministack, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A deployment of its own, whose tables are those of template.yaml."""
    for name, value in ministack.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", ministack.REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)
    return furnish.tables(Aws(), uuid.uuid4().hex[:8])


@dataclass
class House:
    """A deployment with its stores, and a state machine that waits for nobody."""

    settings: Settings
    aws: Aws
    waits: list[int] = field(default_factory=list)
    laps: int = 0

    @property
    def sync(self) -> Sync:
        """A fresh function, as after a cold start."""
        aws = RoleAws("SyncRole") if type(self.aws) is Aws else self.aws
        return Sync(self.settings, aws, Logger(service=self.settings.stack_name))

    @property
    def runs(self) -> Runs:
        return Runs(self.aws.dynamodb, self.settings)

    @property
    def directory(self) -> Table:
        return Table(self.aws.dynamodb, self.settings.directory_table)

    @property
    def config(self) -> Table:
        return Table(self.aws.dynamodb, self.settings.config_table)

    @property
    def integrations(self) -> Integrations:
        return Integrations(self.config)

    def integrate(self, vendor: "Vendor[Any]", **changes: Any) -> Integration:
        """An integration with the sample vendor, active."""
        connector = "aha" if isinstance(vendor.tenant, Aha) else "activecampaign"
        return furnish.integrate(
            self.aws, self.settings, connector, vendor.url, vendor.tenant.token, **changes
        )

    def start(self, integration: Integration, execution: str = "execution-1", **event: Any) -> Any:
        """The answer of begin."""
        return self.sync.begin(
            {
                "integration_id": integration.id,
                "trigger": "manual",
                "execution_id": execution,
                **event,
            }
        )

    def finish(self, answer: dict[str, Any], remaining: Callable[[], int] = lambda: MINUTES) -> Run:
        """Follow the steps' answers to the end, as statemachines/sync.asl.yaml does."""
        for _ in range(200):
            answer = json.loads(json.dumps(answer))
            if answer["wait_seconds"]:
                self.waits.append(answer["wait_seconds"])
            self.laps += 1
            match answer["next"]:
                case "pull":
                    answer = self.sync.pull(answer, remaining)
                case "reconcile":
                    answer = self.sync.reconcile(answer, remaining)
                case "finish":
                    answer = self.sync.finish(answer)
                case "fail":
                    answer = self.sync.fail(answer)
                case "done" | "dropped":
                    run = self.runs.get(answer["run_id"])
                    assert run is not None
                    return run
                case step:
                    raise AssertionError(f"no such step: {step}")
        raise AssertionError("the run did not end in 200 steps")

    def run(self, integration: Integration, **event: Any) -> Run:
        """One whole run."""
        execution = f"execution-{len(list(self.runs.of_integration(integration.id, 100, None)[0]))}"
        return self.finish(self.start(integration, f"{integration.id}-{execution}", **event))

    def stored(self, integration: Integration, prefix: str) -> dict[str, Item]:
        """What the directory holds of the integration, by sort key."""
        return {item["sk"]: item for item in self.directory.query(f"I#{integration.id}", prefix)}

    def people(self) -> list[Item]:
        """Everybody."""
        found = self.directory.query("PEOPLE", index="gsi1")
        keys = [(item["pk"], item["sk"]) for item in found]
        return list(self.directory.get_many(keys).values())


@pytest.fixture
def house(settings: Settings) -> House:
    """A deployment to run syncs in."""
    return House(settings, Aws())
