"""Actions in the runs table: what was asked, how far it came, what came back.

| item            | pk                | sk      |
|-----------------|-------------------|---------|
| action          | ACTION#id         | ACTION  |
| a place in a list | ACTIONS#list    | time#id |
| a user in the making | CREATING#integration | email |

An action is stored, and audited, before anything is called. A function claims it before it works
on it, so two that are started for one action do not both call the app; a claim ends by itself when
its function must be dead. An action that was left so is `failed`, as `unavailable`, until another
function claims it: nothing has to find it and write that down. What is secret is never stored. All
items expire.
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.batches import counting
from rollcall.items import Item
from rollcall.mapping import values
from rollcall.stamps import now
from rollcall.sync.kept import expiry
from rollcall.tables import ABSENT, Condition, Table, equals, transact

Status = Literal["running", "succeeded", "failed"]
CLAIM_SECONDS = 130.0
"""Longer than the function may take: a claim that is older is a dead function's."""
UNHEARD = frozenset({"vendor-silent", "vendor-broken"})
"""After these nobody knows whether the app did what was asked."""
_SENT = ("sent", "sent_at", "absent", "there")
"""How far a create came."""
_LEFT = {
    "code": "unavailable",
    "detail": "the function that had the action is gone: the same request with the same "
    "Idempotency-Key goes on with it",
}
LARGEST = 100_000
"""Bytes of a request, and of an app's answer, that are kept with an action."""
TOO_LARGE = "is too large to be kept"
"""How the note ends that tells of a request or an answer that is not kept."""
_AS_TEXT = {"request": "the request", "response": "the app's answer"}
"""What is kept as JSON text: an app may say what no table holds otherwise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked for; `inputs` and `overrides` without what is secret.

    `digest` tells one request from another under the same Idempotency-Key. `execution_id`: the
    workflow's execution that asked.
    """

    id: str
    integration_id: str
    connector: str
    preset: str
    actor: str
    at: str
    digest: str
    inputs: Mapping[str, Any]
    overrides: Mapping[str, Any]
    external_id: str | None = None
    person_id: str | None = None
    response_field: str | None = None
    batch_id: str | None = None
    row: int | None = None
    execution_id: str | None = None

    @property
    def lists(self) -> list[str]:
        """The lists that it stands in."""
        found = ["all", f"I#{self.integration_id}", f"A#{self.actor}"]
        found += [f"P#{self.person_id}"] if self.person_id else []
        return found


@dataclass(frozen=True, slots=True)
class Action:
    """One use of a preset.

    `outcome` is one of `answering.Outcome`. `sent`: the request may have reached the app; `sent_at`
    (Unix seconds) is when, until its function tells how that went. `absent`: the user to be made
    was not there before our own call; None where that was not found out. `there` is the id of the
    one who was.
    """

    asked: Asked
    status: Status
    outcome: str | None = None
    sent: bool = False
    sent_at: float | None = None
    absent: bool | None = None
    there: str | None = None
    request: Mapping[str, Any] | None = None
    response: Any = None
    error: Mapping[str, Any] | None = None
    roster: str | None = None
    notes: tuple[str, ...] = ()
    started_at: str | None = None
    finished_at: str | None = None

    @property
    def duration_ms(self) -> int | None:
        """From when a function began to work on it to its end."""
        if self.started_at is None or self.finished_at is None:
            return None
        took = datetime.fromisoformat(self.finished_at) - datetime.fromisoformat(self.started_at)
        return round(took.total_seconds() * 1000)

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON, for `from_plain`."""
        return asdict(self)

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Action":
        """The action that `plain` made this JSON of."""
        return cls(**{**data, "asked": Asked(**data["asked"]), "notes": tuple(data["notes"])})

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Action":
        """Read the table's item; a KeyError names an attribute that is missing."""
        own = {field.name for field in fields(Asked)}
        asked = Asked(**{name: item[name] for name in own if name in item})
        rest = {field.name for field in fields(cls)} - {"asked", "notes"}
        action = cls(
            asked=asked,
            notes=tuple(item.get("notes", ())),
            **{
                name: json.loads(item[name]) if name in _AS_TEXT else item[name]
                for name in rest
                if name in item
            },
        )
        left = action.status == "running" and item.get("held_until", math.inf) < time.time()
        return replace(action, status="failed", error=_LEFT) if left else action


class Actions:
    """The store of actions."""

    def __init__(self, runs: Table, config: Table, days: int) -> None:
        self._runs = runs
        self._config = config
        self._days = days

    def begin(self, asked: Asked, attempt: int = 1) -> bool:
        """Keep what is asked, with its audit entry; False where there is such an action already.

        A row of a batch is begun only while that try of the batch goes on.
        """
        shown = {
            "preset": asked.preset,
            "integration_id": asked.integration_id,
            "external_id": asked.external_id,
            "person_id": asked.person_id,
            "inputs": dict(asked.inputs),
            "overrides": dict(asked.overrides),
        }
        change = Change(asked.actor, "ask", "action", asked.id, {}, shown)
        writes = [
            self._runs.putting(self._item(asked), ABSENT),
            *(self._runs.putting(self._place(asked, name)) for name in asked.lists),
            recording(self._config, change),
        ]
        if asked.batch_id is not None and asked.row is not None:
            of = (self._runs, asked.batch_id, asked.row, asked.id, attempt, expiry(self._days))
            writes += counting.begun(*of)
        return transact(self._runs.client, writes) is None

    def _item(self, asked: Asked) -> Item:
        item = {field.name: getattr(asked, field.name) for field in fields(Asked)}
        kept = {name: value for name, value in item.items() if value is not None}
        keys = {"pk": f"ACTION#{asked.id}", "sk": "ACTION", "expires_at": expiry(self._days)}
        if asked.batch_id is None:  # its function is started at once
            keys["held_until"] = time.time() + CLAIM_SECONDS
        return {**keys, "status": "running", **kept}

    def _place(self, asked: Asked, name: str) -> Item:
        return {
            "pk": f"ACTIONS#{name}",
            "sk": f"{asked.at}#{asked.id}",
            "id": asked.id,
            "expires_at": expiry(self._days),
        }

    def get(self, action_id: str) -> Action | None:
        """The action of that id, or None."""
        item = self._runs.get(f"ACTION#{action_id}", "ACTION")
        return Action.from_item(item) if item is not None else None

    def claim(self, action_id: str, claimant: str, seconds: float) -> Action | None:
        """Work on the action for so long, alone; None where it is over, or another one does."""
        moment = time.time()
        free = Condition(
            "#status = :running AND (attribute_not_exists(claim) OR held_until < :now)",
            {"#status": "status"},
            {":running": "running", ":now": moment},
        )
        changes = {"claim": claimant, "held_until": moment + seconds, "started_at": now()}
        item = self._runs.updated(f"ACTION#{action_id}", "ACTION", changes, free)
        return Action.from_item(item) if item is not None else None

    def sending(self, action: Action, claimant: str) -> bool:
        """Note that the request may reach the app from now on; False where the claim was lost."""
        changes = {name: getattr(action, name) for name in _SENT}
        mine = equals("claim", claimant)
        return self._runs.update(f"ACTION#{action.asked.id}", "ACTION", changes, mine)

    def end(self, action: Action, claimant: str) -> bool:
        """Store how the action ended; False where the claim was lost."""
        asked = action.asked
        names = ("status", "outcome", "error", "roster", "finished_at", *_SENT)
        texts = {name: _text(getattr(action, name)) for name in _AS_TEXT}
        notes = list(action.notes)
        for name, text in texts.items():
            if text is not None and (size := len(text.encode())) > LARGEST:
                texts[name] = None
                notes.append(f"{_AS_TEXT[name]} of {size} bytes {TOO_LARGE}")
        changes = {name: getattr(action, name) for name in names} | {
            **texts,
            "notes": notes or None,
            "external_id": asked.external_id,
            "person_id": asked.person_id,
        }
        pk, mine = f"ACTION#{asked.id}", equals("claim", claimant) & equals("status", "running")
        more = []
        if asked.batch_id is not None and asked.row is not None:
            more += counting.ended(self._runs, asked.batch_id, asked.row, action.status)
        if asked.person_id is not None:
            more.append(self._runs.putting(self._place(asked, f"P#{asked.person_id}")))
        if not more:
            return self._runs.update(pk, "ACTION", changes, mine)
        ending = self._runs.updating(pk, "ACTION", changes, mine)
        return transact(self._runs.client, [ending, *more]) is None

    def release(self, action_id: str, claimant: str) -> None:
        """Let another function go on with the action at once: this one died over it."""
        mine = equals("claim", claimant) & equals("status", "running")
        self._runs.update(f"ACTION#{action_id}", "ACTION", {"held_until": 0}, mine)

    def reopen(self, action: Action) -> bool:
        """Have an action that failed tried again; False where it is under way.

        A request that may have reached the app stays known as such.
        """
        failed = equals("status", "failed") & equals("finished_at", action.finished_at)
        changes = {
            "status": "running",
            "held_until": time.time() + CLAIM_SECONDS,
            **dict.fromkeys(("claim", "error", "finished_at")),
        }
        return self._runs.update(f"ACTION#{action.asked.id}", "ACTION", changes, failed)

    def reopen_row(self, asked: Asked, attempt: int) -> bool:
        """Have a row that failed tried again; False unless that try of its batch goes on.

        Whom it is about may be told only by now: their account came to the roster meanwhile.
        """
        if asked.batch_id is None or asked.row is None:
            raise ValueError(f"action {asked.id} is no row of a batch")
        gone = ("claim", "held_until", "error", "finished_at")
        changes = {"status": "running", **dict.fromkeys(gone)}
        whom = {"external_id": asked.external_id, "person_id": asked.person_id}
        changes |= {name: value for name, value in whom.items() if value is not None}
        failed = equals("status", "failed")
        writes = [
            self._runs.updating(f"ACTION#{asked.id}", "ACTION", changes, failed),
            *counting.begun_again(self._runs, asked.batch_id, asked.row, attempt),
        ]
        return transact(self._runs.client, writes) is None

    def postpone(self, action: Action, claimant: str) -> None:
        """Let go of an action that the app had no time for, to be tried later.

        What an earlier try may have sent stays known.
        """
        changes = {name: getattr(action, name) for name in _SENT}
        # Held by nobody: a row that waits is not one whose function died.
        changes |= {"claim": None, "held_until": None}
        place = (f"ACTION#{action.asked.id}", "ACTION")
        self._runs.update(*place, changes, equals("claim", claimant))

    def cut_off(self, action_id: str, claimant: str, error: Mapping[str, Any]) -> bool:
        """Fail an action that no function works on; False where one does, or it is over."""
        action = self.claim(action_id, claimant, 60)
        if action is None:
            return False
        return self.end(replace(action, status="failed", error=error, finished_at=now()), claimant)

    def not_started(self, action_id: str, error: Mapping[str, Any]) -> bool:
        """No function could be started for the action; False where one has it after all."""
        unclaimed = Condition(
            "#status = :running AND attribute_not_exists(claim)",
            {"#status": "status"},
            {":running": "running"},
        )
        changes = {"status": "failed", "error": error, "finished_at": now()}
        return self._runs.update(f"ACTION#{action_id}", "ACTION", changes, unclaimed)

    def making(self, integration_id: str, email: str, action_id: str, seconds: float) -> bool:
        """Be the only one who makes a user of that email; False while another action does."""
        moment = time.time()
        free = Condition(
            "attribute_not_exists(pk) OR held_until < :now OR action_id = :me",
            {},
            {":now": moment, ":me": action_id},
        )
        item = {
            "pk": f"CREATING#{integration_id}",
            "sk": email,
            "action_id": action_id,
            "held_until": moment + seconds,
            "expires_at": int(moment + seconds) + 3600,
        }
        return self._runs.put(item, free)

    def made(self, integration_id: str, email: str, action_id: str) -> None:
        """Let others make a user of that email."""
        self._runs.delete(f"CREATING#{integration_id}", email, equals("action_id", action_id))

    def page(
        self, name: str, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Action], Item | None]:
        """The actions of a list, the newest first, and the key to go on after."""
        places, last = self._runs.page(f"ACTIONS#{name}", limit=limit, after=after, backwards=True)
        return self._of([place["id"] for place in places]), last

    def _of(self, ids: Sequence[str]) -> list[Action]:
        items = self._runs.get_many((f"ACTION#{one}", "ACTION") for one in ids)
        found = (items.get((f"ACTION#{one}", "ACTION")) for one in ids)
        return [Action.from_item(item) for item in found if item is not None]


def _text(value: Any) -> str | None:
    return values.written(value) if value is not None else None
