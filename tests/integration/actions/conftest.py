"""The API with the actions function behind it, both in this process, on the local AWS."""

import io
import json
import math
import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from local.vendors import Vendor
from rollcall.actions.creating import Looks
from rollcall.actions.perform import Order, Performer
from rollcall.actions.store import Action, Actions
from rollcall.api.app import Api
from rollcall.api.services import ApiSettings, Services
from rollcall.aws import Aws
from rollcall.settings import Settings
from tests.integration.api.caller import Caller, Context
from tests.integration.sync.conftest import House, local_aws, settings
from tests.roles import RoleAws

__all__ = ["local_aws", "settings"]


QUICK = Looks(pauses=(0, 0.05), settled=0)
"""Looks without the time that a true app may need."""


class Killed(BaseException):
    """The function is gone: nothing catches this."""


@dataclass
class Functions:
    """Lambda, as far as the API uses it: the actions function runs while it is waited for."""

    settings: Settings
    aws: "DyingAws" = field(default_factory=lambda: DyingAws())  # noqa: PLW0108 - it comes later
    payloads: list[str] = field(default_factory=list)
    looks: Looks = QUICK
    refuses: BaseException | None = None
    """What calling Lambda ends with, in place of a start."""
    kills_the_caller: bool = False

    @cached_property
    def warm(self) -> Performer:
        """The function's own, kept between its invocations."""
        return Performer(self.settings, self.aws, Logger(service="test"), self.looks)

    def restart(self, **changes: Any) -> None:
        """A cold one takes its place."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.__dict__.pop("warm", None)

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "actions"
        self.payloads.append(Payload)
        if self.refuses is not None:
            raise self.refuses
        try:
            action = self.run(Payload)
        except (Killed, Exception) as error:
            if self.kills_the_caller:
                raise
            told = {"errorType": type(error).__name__}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(told).encode())}
        answer = json.dumps(action.plain if action is not None else None)
        return {"Payload": io.BytesIO(answer.encode())}

    def run(self, payload: str) -> Action | None:
        """What a function makes of it."""
        event = json.loads(payload)
        return self.warm.perform(Order.from_event(event), event["claimant"])


class DeskAws(RoleAws):
    """The API's clients, with Lambda in this process."""

    def __init__(self, functions: Functions) -> None:
        super().__init__("ApiRole")
        self.functions = functions


class DyingAws(RoleAws):
    """The function's: DynamoDB answers `lives` more calls, and then the function is dead."""

    def __init__(self) -> None:
        super().__init__("ActionsRole")
        self.lives = math.inf
        self._counting = threading.Lock()

    def _client(self, service: str) -> Any:
        client = super()._client(service)
        client.meta.events.register("before-call.dynamodb", self._count)
        return client

    def _count(self, **_: Any) -> None:
        with self._counting:
            self.lives -= 1
            if self.lives < 0:
                raise Killed


@dataclass
class Desk:
    """Where actions are asked for, and where what comes of them is seen."""

    house: House
    functions: Functions
    call: Caller

    @property
    def actions(self) -> Actions:
        return Actions(self.house.runs.table, self.house.config, self.house.settings.run_days)

    def integrate(self, vendor: Vendor[Any], **changes: Any) -> str:
        """An integration with the sample vendor, synced once; its id."""
        integration = self.house.integrate(vendor, **changes)
        run = self.house.run(integration)
        assert run.status == "succeeded", run.error
        return integration.id

    def unchanged(self, integration_id: str) -> None:
        """A run finds nothing to change."""
        integration = self.house.integrations.get(integration_id)
        assert integration is not None
        before = self.everything(integration_id)
        run = self.house.run(integration)
        assert run.status == "succeeded", run.error
        counts = {name: n for name, n in run.counts.items() if n and name != "pulled"}
        assert counts == {"unchanged": run.counts["pulled"]}
        assert self.everything(integration_id) == before

    def everything(self, integration_id: str) -> Any:
        """What the directory has of the integration."""
        return list(self.house.directory.query(f"I#{integration_id}"))

    def expire_claims(self, action_id: str) -> None:
        """As if so long had passed that a dead function's claim has run out."""
        table = self.house.runs.table
        assert table.update(f"ACTION#{action_id}", "ACTION", {"held_until": 0})


@pytest.fixture
def desk(settings: Settings) -> Desk:
    return desk_of(settings, Functions(settings))


def desk_of(settings: Settings, functions: Functions) -> Desk:
    """An API function of its own, as each of two that are called at once."""
    api_settings = ApiSettings(
        idempotency_table=f"{settings.stack_name}-IdempotencyTable",
        sync_state_machine_arn="unused",
        schedule_group="unused",
        schedule_role_arn="unused",
        schedule_dlq_arn="unused",
        actions_function="actions",
        batch_bucket="unused",
        batch_state_machine_arn="unused",
        workflows_function_arn="unused",
        workflow_role_arn="unused",
        workflow_log_group_arn="unused",
        starter_function="unused",
        link_secret_arn="unused",
        report_bucket="unused",
    )
    aws = DeskAws(functions)
    api = Api(Services(settings, api_settings, aws))
    caller = Caller(api, settings, api_settings, aws, Context(function_name="api"))
    return Desk(House(settings, Aws()), functions, caller)
