"""Batches in the runs table: one preset for many rows.

| item                 | pk              | sk       |
|----------------------|-----------------|----------|
| a batch              | BATCH#id        | BATCH    |
| its rows             | BATCH#id        | ROW#row (see `counting`) |
| a place in the list  | BATCHES         | time#id  |
| one to be looked after | BATCHES#OPEN  | id       |

A batch is stored, and audited, before any of its rows is begun. It is looked after as long as it
goes on, and as long as there is something left that it could be retried with. All items expire.
"""

import uuid
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.actions.store import Asked
from rollcall.batches.counting import ROW, batch_key, row_key
from rollcall.items import Item
from rollcall.stamps import now
from rollcall.sync.kept import expiry
from rollcall.tables import ABSENT, Action, Condition, Table, equals, transact

Status = Literal["running", "succeeded", "succeeded_with_errors", "failed", "stopped"]
RETRYABLE = timedelta(days=7)
"""A batch can be retried for so long: then its rows and their secrets are gone."""
_LIST, _OPEN = "BATCHES", "BATCHES#OPEN"


@dataclass(frozen=True, slots=True)
class Batch:
    """One preset for the rows 0 to `rows` - 1; `overrides` without what is secret.

    `attempt` counts the tries; `started`: the state machine of this one was started. What is
    secret, the overrides among it, is in Secrets Manager: `secret_starts` are the first rows of
    each secret. `kept`: that and the rows are still there for a retry.
    """

    id: str
    integration_id: str
    connector: str
    preset: str
    actor: str
    created_at: str
    digest: str
    rows: int
    inputs: tuple[str, ...]
    secret_starts: tuple[int, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    response_field: str | None = None
    status: Status = "running"
    attempt: int = 1
    started: bool = False
    kept: bool = True
    succeeded: int = 0
    failed: int = 0
    running: int = 0
    error: Mapping[str, Any] | None = None
    started_at: str | None = None
    finished_at: str | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Batch":
        """Read the table's item; a TypeError names an attribute that is missing."""
        known = {one.name for one in fields(cls)}
        lists = ("inputs", "secret_starts")
        found = {name: value for name, value in item.items() if name in known}
        return cls(**{**found, **{name: tuple(item.get(name, ())) for name in lists}})

    @property
    def not_begun(self) -> int:
        """How many rows no function has begun."""
        return self.rows - self.succeeded - self.failed - self.running

    @property
    def execution(self) -> str:
        """The name of the execution of this try."""
        return f"{self.id}-{self.attempt}"

    @property
    def old(self) -> bool:
        """Is it too old to be retried?"""
        return datetime.now(UTC) - datetime.fromisoformat(self.created_at) > RETRYABLE

    def goes_on(self, attempt: int) -> bool:
        """Does that try of it go on?"""
        return self.status == "running" and self.attempt == attempt

    def chunk(self, row: int) -> int | None:
        """Which of its secrets holds that row's; None where rows have none."""
        return bisect_right(self.secret_starts, row) - 1 if self.secret_starts else None

    def asked(
        self, row: int, inputs: Mapping[str, Any], external_id: str | None, person_id: str | None
    ) -> Asked:
        """The action of a row: always of the same id, so that a row that comes twice acts once.

        `inputs` are without what is secret.
        """
        return Asked(
            id=uuid.uuid5(uuid.NAMESPACE_URL, f"{self.id}\n{row}").hex,
            integration_id=self.integration_id,
            connector=self.connector,
            preset=self.preset,
            actor=self.actor,
            at=now(),
            digest=self.digest,
            inputs=inputs,
            overrides=self.overrides,
            external_id=external_id,
            person_id=person_id,
            response_field=self.response_field,
            batch_id=self.id,
            row=row,
        )


class Batches:
    """The store of batches; what people do to them is audited."""

    def __init__(self, runs: Table, config: Table, days: int) -> None:
        self._runs = runs
        self._config = config
        self._days = days

    def get(self, batch_id: str) -> Batch | None:
        """The batch of that id as it is now, or None."""
        item = self._runs.get(batch_key(batch_id), "BATCH")
        return Batch.from_item(item) if item is not None else None

    def begin(self, batch: Batch) -> bool:
        """Keep a new batch; False where there is one of its id."""
        item = {one.name: getattr(batch, one.name) for one in fields(batch)}
        kept = {name: value for name, value in item.items() if value is not None}
        expires = {"expires_at": expiry(self._days)}
        place = {"pk": _LIST, "sk": f"{batch.created_at}#{batch.id}", "id": batch.id}
        place |= {"integration_id": batch.integration_id}
        own = {"pk": batch_key(batch.id), "sk": "BATCH"}
        writes = [
            self._runs.putting({**own, **kept, **expires}, ABSENT),
            self._runs.putting({**place, **expires}),
            self._opening(batch),
            self._audited(batch.actor, "start", batch, {"rows": batch.rows}),
        ]
        return transact(self._runs.client, writes) is None

    def begun(self, batch: Batch) -> None:
        """Note that the state machine of this try was started."""
        self._change(batch, {"started": True})

    def stop(self, batch: Batch, actor: str) -> bool:
        """Begin no more of its rows; False where it does not go on."""
        changes = {"status": "stopped", "finished_at": now()}
        audited = self._audited(actor, "stop", batch, {"status": "stopped"})
        writes = [self._updating(batch, changes), audited]
        return transact(self._runs.client, writes) is None

    def finish(self, batch: Batch, error: Mapping[str, Any] | None = None) -> bool:
        """End this try of it as its counts say, or as failed with an error; False: it had ended."""
        status: Status = "succeeded_with_errors"
        if error is not None or batch.succeeded == 0:
            status = "failed"
        elif batch.succeeded == batch.rows:
            status = "succeeded"
        return self._change(batch, {"status": status, "error": error, "finished_at": now()})

    def retry(self, batch: Batch, actor: str) -> Batch | None:
        """The next try of a batch that is over; None where somebody else has one."""
        following = replace(
            batch,
            status="running",
            attempt=batch.attempt + 1,
            started=False,
            started_at=now(),
            finished_at=None,
            error=None,
        )
        names = ("status", "attempt", "started", "started_at", "finished_at", "error")
        changes = {name: getattr(following, name) for name in names}
        over = equals("status", batch.status) & equals("attempt", batch.attempt)
        writes = [
            self._runs.updating(batch_key(batch.id), "BATCH", changes, over & equals("kept", True)),
            self._opening(batch),
            self._audited(actor, "retry", batch, {"attempt": following.attempt}),
        ]
        return following if transact(self._runs.client, writes) is None else None

    def forget(self, batch: Batch) -> bool:
        """Nothing is left to retry it with, and nobody looks after it; False: it goes on again."""
        over = Condition("#status <> :running", {"#status": "status"}, {":running": "running"})
        writes = [
            self._runs.updating(batch_key(batch.id), "BATCH", {"kept": False}, over),
            self._runs.deleting(_OPEN, batch.id),
        ]
        return transact(self._runs.client, writes) is None

    def open(self) -> list[Batch]:
        """The batches to be looked after."""
        found = [self.get(item["id"]) for item in self._runs.query(_OPEN)]
        return [batch for batch in found if batch is not None]

    def page(
        self, limit: int, after: Mapping[str, Any] | None, integration_id: str | None
    ) -> tuple[list[Batch], Item | None]:
        """Batches, the newest first, and the key to go on after."""
        where = equals("integration_id", integration_id) if integration_id is not None else None
        places, last = self._runs.page(_LIST, limit=limit, after=after, where=where, backwards=True)
        keys = [(batch_key(place["id"]), "BATCH") for place in places]
        items = self._runs.get_many(keys)
        return [Batch.from_item(items[key]) for key in keys if key in items], last

    def row(self, batch_id: str, row: int) -> Item | None:
        """The row as it is in the batch's list: `id`, `status`, `attempt`; None: not begun."""
        return self._runs.get(batch_key(batch_id), row_key(row))

    def rows(self, batch_id: str, after: int = -1) -> Iterator[Item]:
        """The rows that were begun, in order, those behind `after`."""
        pk = batch_key(batch_id)
        key: Item | None = {"pk": pk, "sk": row_key(after)} if after >= 0 else None
        while True:
            items, key = self._runs.page(pk, ROW, limit=1000, after=key)
            yield from items
            if key is None:
                return

    def take_along(self, batch_id: str, row: int, attempt: int) -> None:
        """Note that this try has a row which an earlier one left under way."""
        running = equals("status", "running")
        self._runs.update(batch_key(batch_id), row_key(row), {"attempt": attempt}, running)

    def _change(self, batch: Batch, changes: Mapping[str, Any]) -> bool:
        return transact(self._runs.client, [self._updating(batch, changes)]) is None

    def _updating(self, batch: Batch, changes: Mapping[str, Any]) -> Action:
        going = equals("status", "running") & equals("attempt", batch.attempt)
        return self._runs.updating(batch_key(batch.id), "BATCH", changes, going)

    def _opening(self, batch: Batch) -> Action:
        item = {"pk": _OPEN, "sk": batch.id, "id": batch.id, "expires_at": expiry(self._days)}
        return self._runs.putting(item)

    def _audited(self, actor: str, verb: str, batch: Batch, changes: Mapping[str, Any]) -> Action:
        before = {"status": batch.status} if "status" in changes else {}
        shown = {"integration_id": batch.integration_id, "preset": batch.preset, **changes}
        change = Change(actor, verb, "batch", batch.id, before, shown)
        return recording(self._config, change)
