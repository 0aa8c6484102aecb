"""A use of a preset by a block: the same checks, and the same performer, as an action over HTTP.

The action's id follows from the execution, the block and the row, so a block that is done twice
acts once. An app that has no time, or that is broken or silent, is waited for; what the app or we
refuse is a failure at once, and so is a create of which nobody knows whether it was done.
"""

import math
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollcall.access.problems import Problem
from rollcall.actions.asking import Call, Ready, asked_of, checked_call
from rollcall.actions.inputs import EXTERNAL_ID
from rollcall.actions.perform import Order
from rollcall.actions.rehearsing import rehearse
from rollcall.actions.saved import find_preset
from rollcall.actions.store import LARGEST, TOO_LARGE, UNHEARD, Action
from rollcall.connectors.presets import Preset
from rollcall.connectors.templated import Fault
from rollcall.integrations import lookup
from rollcall.integrations.model import Integration, RateLimit
from rollcall.mapping import values
from rollcall.sync.masking import MASK
from rollcall.workflows import line
from rollcall.workflows.document import PresetBlock, RolesBlock
from rollcall.workflows.place import Came, Place, done, failed, later, wrong

PASSING = UNHEARD | {"unavailable"}
"""Errors of an action that may be gone by themselves."""
PAUSES = (10, 60, 300, 900)
"""Seconds before each further try of an action that failed so; each is up to half as long again."""
BUSY_SECONDS = 10
"""Until a block is done again whose action another function has."""
THROTTLED_SECONDS = 30
"""The same, where an app that has no time does not say when it has."""
ROLES = "user_role"
NEW = "(new)"
"""In a test, the id of a user whom an earlier block would have made."""
_COMMENT = f"it is about the user whom an earlier block would make, so {NEW} stands for their id"

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Use:
    """What is to be used, of which integration; `shown` is what the step may keep of it."""

    integration: Integration
    preset: Preset
    call: Call
    shown: Shown


def preset(at: Place, block: PresetBlock) -> Came:
    """Use a preset of an integration."""
    return _used(at, block, block.preset, block.inputs, block.response)


def roles(at: Place, block: RolesBlock) -> Came:
    """Read what a user may do in an app, and store it where the block says."""
    return _used(at, block, ROLES, {}, None)


def action_id(at: Place) -> str:
    """The id of the action of this block, whenever it is done."""
    said = f"{at.execution.id}\n{at.step.block}\n{at.at}"
    return uuid.uuid5(uuid.NAMESPACE_URL, said).hex


def _used(
    at: Place,
    block: PresetBlock | RolesBlock,
    key: str,
    inputs: Mapping[str, Any],
    response: Any,
) -> Came:
    use = _read(at, block, key, inputs, response)
    if isinstance(use, Came):
        return use
    try:
        if at.rehearses:
            return _rehearsed(at, use)
        ready = checked_call(at.tools, use.integration.id, use.call)
    except Problem as problem:
        return _refused(problem, use.shown)
    shown = {
        **use.shown,
        "external_id": ready.external_id,
        "person_id": ready.target.person_id,
        "inputs": dict(asked_of(ready).inputs),
    }
    return _acted(at, ready, shown)


def _read(
    at: Place,
    block: PresetBlock | RolesBlock,
    key: str,
    inputs: Mapping[str, Any],
    response: Any,
) -> _Use | Came:
    """What the block's templates make of whom and what it is about."""
    said: Shown = {}
    for name, data in (
        ("integration", block.integration),
        ("preset", key),
        ("external_id", block.external_id),
        ("person", block.person),
    ):
        value = at.made(data, name) if data is not None else None
        if isinstance(value, Fault):
            return wrong(value, said)
        said[name] = str(value).strip() if value is not None else None
    integration = at.tools.integrations.get(said["integration"] or "")
    if integration is None:
        return failed("not-found", f"there is no integration {said['integration']!r}", said)
    manifest = at.tools.catalog.find(integration.connector)
    found = find_preset(at.tools.config, manifest, said["preset"] or "") if manifest else None
    if found is None:
        of = manifest.key if manifest is not None else f"connector {integration.connector!r}, gone,"
        return failed("not-found", f"{of} has no preset {said['preset']!r}", said)
    made = at.made(inputs, "inputs")
    if isinstance(made, Fault):
        return wrong(made, said)
    secret = {one.key for one in found.preset.inputs if one.secret}
    said["inputs"] = {name: MASK if name in secret else value for name, value in made.items()}
    for name in (EXTERNAL_ID, "person"):
        if getattr(block, name) is not None and not said[name]:
            return failed("invalid-input", f"{name}: its template makes nothing", said)
    external_id, person_id = _whom(at, found.preset, integration, said)
    call = Call(
        actor=at.actor,
        preset=found.preset.key,
        inputs=made,
        external_id=external_id,
        person_id=person_id,
        overrides={} if response is None else {"response": response},
        response_field=block.store_in,
        action_id=action_id(at),
        execution_id=at.execution.id,
    )
    return _Use(integration, found.preset, call, said)


def _whom(
    at: Place, used: Preset, integration: Integration, said: Shown
) -> tuple[str | None, str | None]:
    """The user's id and the person's, as far as the block says or whoever is at hand tells."""
    external_id, person_id = said["external_id"], said["person"]
    if external_id is not None or said["inputs"].get(EXTERNAL_ID) is not None:
        return external_id, person_id
    if person_id is None and used.about_user:
        whom = at.scene.whom
        if whom.external_id is not None and whom.integration_id == integration.id:
            return whom.external_id, None
    if person_id is None and at.scene.person is not None:
        person_id = at.scene.person["id"]
    return None, person_id


def _rehearsed(at: Place, use: _Use) -> Came:
    """The exact request; nothing is sent that changes anything."""
    told: dict[str, Any] = {"action_id": None, "response": None, "outcome": None, "request": None}
    if NEW in (use.call.external_id, use.call.inputs.get(EXTERNAL_ID)):
        return done({**told, "external_id": NEW, "notes": [_COMMENT]}, use.shown)
    made = rehearse(at.tools, checked_call(at.tools, use.integration.id, use.call))
    external_id = NEW if use.preset.does == "create" else made.external_id
    told |= {"external_id": external_id, "request": made.request, "notes": list(made.notes)}
    return done(told, {**use.shown, "external_id": made.external_id})


def _refused(problem: Problem, shown: Shown) -> Came:
    more = {"errors": [list(one) for one in problem.errors]} if problem.errors else {}
    return failed(problem.code, problem.detail, shown, **more)


def _acted(at: Place, ready: Ready, shown: Shown) -> Came:
    actions = at.tools.actions
    earlier = actions.get(ready.action_id)
    if earlier is not None and not _goes_on(at, earlier, shown):
        return _came(at, ready, earlier, shown)
    if at.step.due is None and (turn := _turn(at, ready)) > line.NEAR_SECONDS:
        return later(math.ceil(turn), shown)
    if earlier is None:
        actions.begin(asked_of(ready))
    elif _failed(earlier):
        actions.reopen(earlier)
    inputs = dict(ready.inputs)
    if earlier is not None and earlier.sent:
        # Who was perhaps made already is looked for by what was sent then.
        inputs |= {name: one for name, one in earlier.asked.inputs.items() if one != MASK}
    order = Order(ready.action_id, inputs, dict(ready.call.overrides), ready.integration.id)
    action = at.tools.performer.perform(order, at.claimant, patient=True)
    if action is None:  # it is over, or another function has it
        action = actions.get(ready.action_id)
        if action is None or action.status == "running":
            return later(_spread(BUSY_SECONDS), shown)
    return _came(at, ready, action, shown)


def _goes_on(at: Place, earlier: Action, shown: Shown) -> bool:
    """Is there something left to do? Of an action that failed it is where that has been counted: it
    was waited for, or an earlier try of the execution has failed over it.
    """
    if not _failed(earlier):
        return earlier.status != "succeeded"
    if not at.goes_on:
        at.keep(counted=earlier.finished_at, input=shown)
    return earlier.finished_at == at.step.counted


def _failed(action: Action) -> bool:
    """Has it ended so? One whose function died over it goes on as it is."""
    return action.status == "failed" and action.finished_at is not None


def _turn(at: Place, ready: Ready) -> float:
    """Take a place in the line of those who want the app; the seconds until it is its turn."""
    base_url = lookup.base_url(at.tools, ready.integration) or ""
    told = lookup.manifest_of(at.tools, ready.integration).rate_limit
    rate = ready.integration.rate_limit or RateLimit(told.requests, told.seconds)
    calls = line.calls_of(ready.found.preset)
    return line.seconds_until_turn(at.tools.runs.table, base_url, rate, calls)


def _came(at: Place, ready: Ready, action: Action, shown: Shown) -> Came:
    """What the action as it is now means for the block."""
    if action.status == "succeeded":
        return _output(action, shown)
    error = action.error or {}
    if action.status == "running":
        # Everybody whom the app turns away now would come back at the same moment.
        least = max(1, int(error.get("wait_seconds") or THROTTLED_SECONDS))
        return later(math.ceil(least + _turn(at, ready)), shown)
    unsure = action.sent and ready.found.preset.does == "create"
    tries = at.step.tries
    if error["code"] in PASSING and not unsure and tries < len(PAUSES):
        pause = _spread(PAUSES[tries])
        return later(pause, shown, tries=tries + 1, counted=action.finished_at)
    more = {name: error[name] for name in ("errors",) if name in error}
    return failed(error["code"], error["detail"], shown, action_id=action.asked.id, **more)


def _output(action: Action, shown: Shown) -> Came:
    shown = {**shown, "external_id": action.asked.external_id}
    size = len(values.written(action.response).encode())
    if size > LARGEST or any(note.endswith(TOO_LARGE) for note in action.notes):
        detail = (
            "it is done, and the app's answer is too large to be handed on: "
            "say in the block's response what of it is wanted"
        )
        return failed("too-large", detail, shown, action_id=action.asked.id)
    output = {
        "action_id": action.asked.id,
        "external_id": action.asked.external_id,
        "response": action.response,
        "outcome": action.outcome,
        "notes": list(action.notes),
    }
    return done(output, shown, action.notes)


def _spread(seconds: int) -> int:
    """Up to half as long again, so that those who wait for the same do not meet."""
    return seconds + random.randint(0, max(1, seconds // 2))  # noqa: S311 - not a secret
