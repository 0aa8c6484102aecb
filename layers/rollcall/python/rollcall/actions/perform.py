"""One action from its claim to its end: the stores and the app are opened, and the preset used."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from aws_lambda_powertools import Logger

from rollcall.actions.answering import failed
from rollcall.actions.creating import LOOKS, Looks
from rollcall.actions.opening import Opened, Opener
from rollcall.actions.request import reshaped
from rollcall.actions.saved import find_preset
from rollcall.actions.store import CLAIM_SECONDS, Action, Actions
from rollcall.actions.use import Stores, Use, Work
from rollcall.aws import Aws
from rollcall.connectors.engine import App
from rollcall.integrations.own_user import OwnUsers
from rollcall.mapping import values
from rollcall.notices.teller import Teller
from rollcall.settings import Settings
from rollcall.stamps import now
from rollcall.sync.connect import Trouble
from rollcall.tables import Table

LARGEST_ANSWER = 3_000_000
"""Bytes of a response: Lambda hands 6 MB on, and the API's answer has them quoted, as a text."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the function is started with. It holds what is secret, so it is kept nowhere."""

    action_id: str
    inputs: Mapping[str, Any]
    overrides: Mapping[str, Any]
    integration_id: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Order":
        """Read the function's event; a KeyError names what is missing."""
        names = ("action_id", "inputs", "overrides", "integration_id")
        return cls(**{name: event[name] for name in names})


class Performer:
    """Performs actions; one for a warm function."""

    def __init__(self, settings: Settings, aws: Aws, logger: Logger, looks: Looks = LOOKS) -> None:
        self._settings = settings
        self._aws = aws
        self._log = logger
        self._looks = looks
        self._beside = ThreadPoolExecutor(2)

    @cached_property
    def stores(self) -> Stores:
        """The stores, opened when they are first used."""
        runs, config, directory = (
            Table(self._aws.dynamodb, name)
            for name in (
                self._settings.runs_table,
                self._settings.config_table,
                self._settings.directory_table,
            )
        )
        teller = Teller(self._aws, self._settings.notice_topic, config, self._log)
        days = self._settings.run_days
        own_users = OwnUsers(runs, days)
        return Stores(Actions(runs, config, days), own_users, config, directory, teller)

    @cached_property
    def _opener(self) -> Opener:
        return Opener(self._settings, self._aws)

    def perform(self, order: Order, claimant: str, *, patient: bool = False) -> Action | None:
        """The action as it ended; None where it is over already, or another function has it.

        Where the caller is `patient`, an action that the app throttles does not end: it is answered
        as running, with the error that tells how long to wait before it is performed again.

        `claimant` is this start of the function, and of no other. What nobody expected is raised:
        who asks again goes on from where this one came to, at once, or where the function was
        killed and nobody waited for it, when its claim runs out.
        """
        actions = self.stores.actions
        opening = self._beside.submit(self._opener.open, order.integration_id)
        action = actions.claim(order.action_id, claimant, CLAIM_SECONDS)
        try:
            opened = opening.result()
            if action is None:
                return None
            finished = replace(self._performed(action, order, opened, claimant), finished_at=now())
        except Exception:
            actions.release(order.action_id, claimant)
            raise
        finally:
            _close(opening)
        if patient and finished.error is not None and finished.error["code"] == "vendor-throttled":
            actions.postpone(finished, claimant)
            return replace(finished, status="running", finished_at=None)
        if not actions.end(finished, claimant):
            self._log.error("an action's claim was lost", action_id=order.action_id)
            return None
        return _sendable(finished)

    def _performed(
        self, action: Action, order: Order, opened: Opened | None, claimant: str
    ) -> Action:
        if opened is None:
            return failed(action, "conflict", "the integration is gone")
        app, preset = opened.app, action.asked.preset
        if isinstance(app, Trouble):
            return failed(action, "conflict", app.detail)
        found = find_preset(self.stores.config, app.manifest, preset)
        if found is None:
            return failed(action, "conflict", f"there is no preset {preset!r} any more")
        overrides = {**found.overrides, **order.overrides}
        work = Work(
            action,
            reshaped(found.preset, overrides),
            order.inputs,
            overrides,
            claimant,
            CLAIM_SECONDS,
            self._looks,
        )
        return Use(self.stores, opened.integration, app, work).performed()


def _sendable(action: Action) -> Action:
    """The action as it can be answered: without a response that no answer has room for."""
    size = len(values.written(action.response).encode())
    if size <= LARGEST_ANSWER:
        return action
    note = f"the app's answer of {size} bytes is too large to be handed on"
    return replace(action, response=None, notes=(*action.notes, note))


def _close(opening: Future[Opened | None]) -> None:
    opened = opening.result() if opening.exception() is None else None
    if opened is not None and isinstance(opened.app, App):
        opened.app.close()
