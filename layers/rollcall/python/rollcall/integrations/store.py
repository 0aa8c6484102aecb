"""Integrations in the config table (`INTEGRATION`, id), and what their runs left (`STATE`, id).

Every change is one transaction with its audit entry. An integration that names a credential also
touches that credential, so that it cannot be deleted in the same moment.

One that is deleted leaves `FORMER`, id behind while its accounts stay in the directory: the
application they belong to, and whether they are to go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.connectors.store import linking
from rollcall.credentials.store import KIND as CREDENTIAL
from rollcall.directory.source import Load, OnLeave, OnReturn, Preference
from rollcall.integrations.model import Integration, RateLimit, RemovalGuard, Status
from rollcall.items import Item
from rollcall.stamps import instant, new_id, now
from rollcall.tables import ABSENT, PRESENT, Action, Table, equals, transact

KIND = "INTEGRATION"
STATE = "STATE"
FORMER = "FORMER"
_TRIES = 5
_LINK = 2
"""The place in a change's transaction that touches the credential."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person says about a new integration; the rest follows."""

    name: str
    connector: str
    application: str
    base_url: str | None
    subdomain: str | None
    credential_id: str
    load: Load
    preference: Preference
    schedule: Mapping[str, Any]
    removal_guard: RemovalGuard
    rate_limit: RateLimit | None
    contacts: tuple[str, ...]
    priority: int | None
    owner: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, Any] | None = None
    filter: Mapping[str, Any] | None = None
    on_leave: OnLeave = "remove"
    on_return: OnReturn = "restore"


@dataclass(frozen=True, slots=True)
class State:
    """What the last runs left. The sync writes it; None where there was none yet.

    `health` says of `users`, `groups` and `grants` when they were last read whole and how many
    there were; `quarantine` until when the schedule rests and why. `scheduled_from` is the first
    run of a rate, which the launch writes.
    """

    last_run_id: str | None = None
    last_status: str | None = None
    last_good_at: str | None = None
    last_sync_at: str | None = None
    held_run_id: str | None = None
    error: Mapping[str, Any] | None = None
    health: Mapping[str, Any] | None = None
    quarantine: Mapping[str, Any] | None = None
    scheduled_from: str | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "State":
        """Read the config table's item."""
        return cls(
            last_run_id=item.get("last_run_id"),
            last_status=item.get("last_status"),
            last_good_at=item.get("last_good_at"),
            last_sync_at=item.get("last_sync_at"),
            held_run_id=item.get("held_run_id"),
            error=item.get("error"),
            health=item.get("health"),
            quarantine=item.get("quarantine"),
            scheduled_from=item.get("scheduled_from"),
        )


@dataclass(frozen=True, slots=True)
class Former:
    """A deleted integration whose accounts are still in the directory."""

    id: str
    connector: str
    application: str
    accounts: Literal["keep", "delete"]


class Integrations:
    """The store."""

    def __init__(self, config: Table) -> None:
        self._config = config

    def create(self, draft: Draft, actor: str, guards: Sequence[Action] = ()) -> Integration | None:
        """Keep a new integration as a draft; None if its credential or connector is gone, or one of
        the `guards` (what else must hold, in the same transaction) does not.
        """
        moment = now()
        integration = Integration(
            id=new_id(),
            status="draft",
            created_at=moment,
            updated_at=moment,
            **{name: getattr(draft, name) for name in draft.__slots__},
        )
        refused = transact(
            self._config.client,
            [
                self._config.putting(_item(integration, revision=1), ABSENT),
                self._link(integration.credential_id),
                self._recording(actor, "create", None, integration),
                *linking(self._config, integration.connector),
                *guards,
            ],
        )
        return integration if refused is None else None

    def get(self, integration_id: str) -> Integration | None:
        """The integration of that id, or None."""
        item = self._config.get(KIND, integration_id)
        return Integration.from_item(item) if item is not None else None

    def page(
        self, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Integration], Item | None]:
        """Integrations in the order they were made, and the key to go on after."""
        items, last = self._config.page(KIND, limit=limit, after=after)
        return [Integration.from_item(item) for item in items], last

    def key(self, integration_id: str) -> Item:
        """The key to go on after that integration."""
        return {"pk": KIND, "sk": integration_id}

    def everything(self) -> list[Integration]:
        """Every integration, in the order they were made."""
        return [Integration.from_item(item) for item in self._config.query(KIND)]

    def change(
        self,
        integration_id: str,
        verb: str,
        edit: Callable[[Integration], Integration],
        actor: str,
        guards: Callable[[], Sequence[Action]] = tuple,
    ) -> Integration | None:
        """Store what `edit` makes of the integration as it is now.

        None if the integration, or the credential that is new to it, is gone. Where somebody else
        changed it meanwhile, `edit` is asked again. An edit that changes nothing writes nothing.
        `guards` are asked after each `edit` for what else must hold, in the same transaction; where
        it does not, `edit` is asked again too. Raises RuntimeError after five tries.
        """
        for _ in range(_TRIES):
            item = self._config.get(KIND, integration_id)
            if item is None:
                return None
            before = Integration.from_item(item)
            after = edit(before)
            if after == before:
                return before
            after = replace(after, updated_at=now())
            actions = [
                self._config.putting(
                    _item(after, item["revision"] + 1), equals("revision", item["revision"])
                ),
                self._recording(actor, verb, before, after),
            ]
            if after.credential_id != before.credential_id:
                actions.append(self._link(after.credential_id))
            if (after.mapping, after.filter) != (before.mapping, before.filter):
                actions += linking(self._config, after.connector)
            actions += guards()
            refused = transact(self._config.client, actions)
            if refused is None:
                return after
            if after.credential_id != before.credential_id and _LINK in refused.reasons:
                return None
        raise RuntimeError(f"integration {integration_id} is changed by others all the time")

    def set_status(self, integration_id: str, status: Status, actor: str) -> bool:
        """Move between active and needs_reconnect, as calls to the app fail and work.

        True if it moved: a draft and a paused integration stay what they are.
        """
        moves: dict[Status, Status] = {"needs_reconnect": "active", "active": "needs_reconnect"}
        moved = False

        def edit(integration: Integration) -> Integration:
            nonlocal moved
            moved = moves.get(status) == integration.status
            return replace(integration, status=status) if moved else integration

        return self.change(integration_id, status, edit, actor) is not None and moved

    def delete(
        self,
        integration: Integration,
        accounts: Literal["keep", "delete"],
        unlocked: Action,
        actor: str,
    ) -> bool:
        """Replace the integration by what is left of it; False if it is gone or a run goes on.

        `unlocked` is the check that no run holds the lock, in the same transaction.
        """
        former = Former(integration.id, integration.connector, integration.application, accounts)
        refused = transact(
            self._config.client,
            [
                self._config.deleting(KIND, integration.id, PRESENT),
                unlocked,
                self._config.deleting(STATE, integration.id),
                self._config.putting({"pk": FORMER, "sk": former.id, **asdict(former)}),
                self._recording(actor, "delete", integration, None),
            ],
        )
        return refused is None

    def former(self, integration_id: str) -> Former | None:
        """What is left of a deleted integration, or None."""
        item = self._config.get(FORMER, integration_id)
        return _former(item) if item is not None else None

    def formers(self) -> list[Former]:
        """Every deleted integration whose accounts are still there."""
        return [_former(item) for item in self._config.query(FORMER)]

    def forget(self, integration_id: str) -> None:
        """Nothing of the integration is left in the directory."""
        self._config.delete(FORMER, integration_id)

    def keep_rhythm(self, integration_id: str, start: str) -> None:
        """Remember when the first run of its rate is due, so that the next ones can be shown."""
        self._config.update(STATE, integration_id, {"scheduled_from": start})

    def acting(self, integration_id: str, seconds: float) -> None:
        """Note that an action may write to the roster for so long: what it brings there no run has
        seen, so none that began before then tells all that the roster has.
        """
        until = instant(datetime.now(UTC) + timedelta(seconds=seconds))
        changes = {"acting_until": until}
        transact(self._config.client, [self._config.updating(STATE, integration_id, changes)])

    def state(self, integration_id: str) -> State:
        """What its runs left."""
        return State.from_item(self._config.get(STATE, integration_id) or {})

    def states(self, integration_ids: list[str]) -> dict[str, State]:
        """The same for several, in one read."""
        items = self._config.get_many((STATE, integration_id) for integration_id in integration_ids)
        return {
            integration_id: State.from_item(items.get((STATE, integration_id), {}))
            for integration_id in integration_ids
        }

    def _link(self, credential_id: str) -> Action:
        return self._config.updating(CREDENTIAL, credential_id, {"link": new_id()}, PRESENT)

    def _recording(
        self, actor: str, verb: str, before: Integration | None, after: Integration | None
    ) -> Action:
        one = after or before
        assert one is not None  # noqa: S101 - a change has at least one side
        return recording(
            self._config,
            Change(
                actor,
                verb,
                "integration",
                one.id,
                asdict(before) if before else {},
                asdict(after) if after else {},
            ),
        )


def _item(integration: Integration, revision: int) -> Item:
    return {"pk": KIND, "sk": integration.id, "revision": revision, **asdict(integration)}


def _former(item: Mapping[str, Any]) -> Former:
    return Former(item["id"], item["connector"], item["application"], item["accounts"])
