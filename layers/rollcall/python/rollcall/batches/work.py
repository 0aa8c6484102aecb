"""What the batch state machine has the actions function do: a row, a row given up, the end.

Every answer is `{"wait_seconds": n}`; above 0, the row is to be handed in again after that. A row
that is handed in twice acts once: its action is claimed.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from aws_lambda_powertools import Logger

from rollcall.actions.inputs import Faults
from rollcall.actions.perform import Order, Performer
from rollcall.actions.saved import find_preset
from rollcall.actions.store import Action, Asked
from rollcall.actions.target import Target, Targets
from rollcall.aws import Aws
from rollcall.batches.files import BatchSecrets
from rollcall.batches.store import Batch, Batches
from rollcall.connectors.catalog import Catalog
from rollcall.integrations.store import Integrations
from rollcall.settings import Settings
from rollcall.sync.masking import MASK
from rollcall.tables import Table

BUSY_SECONDS = 10
"""Until a row is handed in again that another function has, or had when it was killed."""
THROTTLED_SECONDS = 30
"""Until a row is handed in again where the app does not say."""

Answer = dict[str, int]
Event = Mapping[str, Any]
_DONE: Answer = {"wait_seconds": 0}


class BatchWorker:
    """Does what a batch needs done; one for a warm function."""

    def __init__(self, settings: Settings, aws: Aws, performer: Performer, logger: Logger) -> None:
        self._settings = settings
        self._aws = aws
        self._performer = performer
        self._log = logger

    @cached_property
    def _batches(self) -> Batches:
        runs = Table(self._aws.dynamodb, self._settings.runs_table)
        return Batches(runs, self._performer.stores.config, self._settings.run_days)

    @cached_property
    def _secrets(self) -> BatchSecrets:
        return BatchSecrets(self._aws.secretsmanager, self._settings.secret_prefix)

    def row(self, event: Event, claimant: str) -> Answer:
        """Do a row: `batch_id`, `attempt`, `row`, `inputs`, `external_id`, `person_id`."""
        taken = self._taken(event)
        if taken is None:
            return _DONE
        batch, asked, target, secret = taken
        if isinstance(target, list):
            return self._fail(asked, claimant, "invalid-input", "the row is about nobody", target)
        overrides = self._secrets.overrides(batch) if batch.overrides else {}
        if secret is None or overrides is None:
            return self._fail(asked, claimant, "conflict", "what is secret of the row is gone")
        inputs = {**event["inputs"], **secret}
        order = Order(asked.id, inputs, overrides, batch.integration_id)
        return self._told(batch, asked, self._performer.perform(order, claimant, patient=True))

    def lost(self, event: Event, claimant: str) -> Answer:
        """Give a row up over which functions died; the event is the row's."""
        taken = self._taken(event)
        if taken is None:
            return _DONE
        batch, asked, _, _ = taken
        self._log.error("functions died over a row", batch_id=batch.id, row=event["row"])
        return self._fail(asked, claimant, "unavailable", "the function failed over it, repeatedly")

    def end(self, event: Event) -> Answer:
        """End a try: `batch_id`, `attempt`, and `error` where the state machine broke."""
        batch = self._batches.get(event["batch_id"])
        if batch is not None and batch.goes_on(event["attempt"]):
            self._batches.finish(batch, event.get("error"))
            if batch.succeeded == batch.rows:
                self._secrets.delete(batch)
                self._batches.forget(batch)
        return _DONE

    def _target(self, batch: Batch, event: Event) -> Target | Faults:
        integration = Integrations(self._performer.stores.config).get(batch.integration_id)
        external_id, person_id = event["external_id"], event["person_id"]
        if integration is None or (external_id is not None and person_id is None):
            return Target(external_id, person_id)  # without the integration it fails by itself
        manifest = Catalog(self._performer.stores.config).find(batch.connector)
        found = manifest and find_preset(self._performer.stores.config, manifest, batch.preset)
        if not found:
            return Target(external_id, person_id)
        stores = self._performer.stores
        targets = Targets(stores.directory, stores.config, integration)
        return targets.of(found.preset, external_id, person_id)

    def _asked(
        self, batch: Batch, event: Event, target: Target | Faults, secret: Mapping[str, Any] | None
    ) -> Asked:
        found = target if isinstance(target, Target) else Target(None, event["person_id"])
        shown = {**event["inputs"], **dict.fromkeys(secret or (), MASK)}
        return batch.asked(event["row"], shown, found.external_id, found.person_id)

    def _taken(
        self, event: Event
    ) -> tuple[Batch, Asked, Target | Faults, Mapping[str, Any] | None] | None:
        """The row with its batch, whom it is about and what is secret of it; None where it is not
        to be done in this try.
        """
        batch = self._batches.get(event["batch_id"])
        if batch is None or not batch.goes_on(event["attempt"]):
            return None
        target, secret = self._target(batch, event), self._secrets.inputs(batch, event["row"])
        asked = self._asked(batch, event, target, secret)
        return (batch, asked, target, secret) if self._wanted(batch, asked) else None

    def _wanted(self, batch: Batch, asked: Asked) -> bool:
        """Is the row to be done in this try?"""
        if asked.row is None:
            raise ValueError(f"action {asked.id} is no row of a batch")
        actions = self._performer.stores.actions
        if actions.begin(asked, batch.attempt):
            return True
        there = self._batches.row(batch.id, asked.row)
        if there is None or there["status"] == "succeeded":
            return False
        if there["attempt"] >= batch.attempt:
            return bool(there["status"] == "running")
        if there["status"] == "running":
            self._batches.take_along(batch.id, asked.row, batch.attempt)
            return True
        return actions.reopen_row(asked, batch.attempt)

    def _fail(
        self,
        asked: Asked,
        claimant: str,
        code: str,
        detail: str,
        faults: Faults | None = None,
    ) -> Answer:
        error: dict[str, Any] = {"code": code, "detail": detail}
        if faults:
            error |= {"errors": [list(fault) for fault in faults]}
        if self._performer.stores.actions.cut_off(asked.id, claimant, error):
            return _DONE
        return {"wait_seconds": BUSY_SECONDS}

    def _told(self, batch: Batch, asked: Asked, action: Action | None) -> Answer:
        if action is None:  # it is over, or another function has it
            there = self._batches.row(batch.id, asked.row or 0)
            over = there is None or there["status"] != "running"
            return _DONE if over else {"wait_seconds": BUSY_SECONDS}
        error = action.error or {}
        if action.status == "running":
            return {"wait_seconds": max(1, int(error.get("wait_seconds") or THROTTLED_SECONDS))}
        if error.get("code") == "vendor-unauthorized":
            # Every other row would be refused too, and each refusal counts against the credential.
            told = "the app refused the credential: set it right, then retry the batch"
            self._batches.finish(batch, {"code": "vendor-unauthorized", "detail": told})
        return _DONE
