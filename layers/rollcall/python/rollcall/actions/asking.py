"""Asking for an action: is it one, and whom is it about? The same for a call over HTTP and a block
of a workflow.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from rollcall.access.problems import Problem
from rollcall.actions.inputs import EXTERNAL_ID, Faults, checked
from rollcall.actions.person_field import field_fault
from rollcall.actions.request import Fault, compiled, response_mapping
from rollcall.actions.saved import Found, find_preset
from rollcall.actions.store import Action, Actions, Asked
from rollcall.actions.target import Target, Targets
from rollcall.connectors.presets import Preset
from rollcall.integrations import lookup
from rollcall.integrations.model import Integration
from rollcall.services import Services
from rollcall.stamps import new_id, now
from rollcall.sync.masking import MASK, without_named

_KEPT = timedelta(hours=24)
"""An Idempotency-Key means the same action for so long."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call for an action, as it came in. `key` is its Idempotency-Key with what that is of.

    A block of a workflow says its `action_id`, which is always the same, and its `execution_id`.
    """

    actor: str
    preset: str
    inputs: Mapping[str, Any]
    external_id: str | None = None
    person_id: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    response_field: str | None = None
    key: str | None = None
    action_id: str | None = None
    execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that is in order: what to do to whom. `said_id` is the user's id that it says."""

    action_id: str
    integration: Integration
    found: Found
    call: Call
    inputs: Mapping[str, Any]
    said_id: str | None
    target: Target
    response_field: str | None

    @property
    def external_id(self) -> str | None:
        """The app's id of the user it is about."""
        return self.target.external_id

    @property
    def overrides(self) -> Mapping[str, Any]:
        """What of the preset is overridden: by the saved preset, and by the call."""
        return {**self.found.overrides, **self.call.overrides}


def checked_call(services: Services, integration_id: str, call: Call) -> Ready:
    """The call, made ready. Raises Problem: 404, 409 where the app cannot be called, 422.

    Where its Idempotency-Key, or its action, was there before it is about the same user as then,
    though by now the person may have another account, or none.
    """
    integration = lookup.found(services, integration_id)
    lookup.require(services, integration)
    found = offered(services, integration, call.preset)
    preset, given = found.preset, dict(call.inputs)
    external_id = given.pop(EXTERNAL_ID, None) if preset.about_user else None
    inputs, faults = checked(preset.inputs, given)
    if call.external_id is not None:
        if external_id is not None and str(external_id) != call.external_id:
            faults.append((EXTERNAL_ID, f"is {call.external_id} in the path"))
        external_id = call.external_id
    action_id, earlier = _place(services.actions, call)
    target: Target | Faults
    if earlier is not None and preset.about_user:
        target = Target(earlier.asked.external_id, earlier.asked.person_id)
    else:
        targets = Targets(services.directory, services.config, integration)
        target = targets.of(preset, external_id, call.person_id)
    if not isinstance(target, Target):
        faults += target
        target = Target(None, None)
    response_field = found.response_field if call.response_field is None else call.response_field
    faults += faults_beside(services, integration, found, call.overrides, response_field)
    if not faults and response_field is not None and not may_fill(preset, target):
        faults.append(("person_id", "is required: the user belongs to nobody whose field it is"))
    if faults:
        raise Problem(422, errors=faults)
    said_id = str(external_id).strip() if external_id is not None else None
    return Ready(action_id, integration, found, call, inputs, said_id, target, response_field)


def offered(services: Services, integration: Integration, key: str) -> Found:
    """The preset of that key. Raises Problem (404)."""
    manifest = lookup.manifest_of(services, integration)
    found = find_preset(services.config, manifest, key)
    if found is None:
        offers = ", ".join(preset.key for preset in manifest.presets) or "none"
        raise Problem(404, f"{manifest.key} has no preset {key!r}; it has {offers}")
    return found


def faults_beside(
    services: Services,
    integration: Integration,
    found: Found,
    overrides: Mapping[str, Any],
    response_field: str | None,
) -> Faults:
    """What is wrong with a call apart from its inputs and whom it is about."""
    faults: Faults = []
    if response_field is not None:
        fault = field_fault(services.fields.everything().get(response_field))
        faults += [("response_field", fault)] if fault else []
    origin = lookup.base_url(services, integration) or ""
    whole = {**found.overrides, **overrides}
    for part in (compiled(found.preset, whole, origin), response_mapping(whole)):
        if isinstance(part, Fault):
            faults.append((part.field, part.message))
    return faults


def may_fill(preset: Preset, target: Target) -> bool:
    """Is it known, or can it become known, whose field the answer is for?"""
    return target.person_id is not None or preset.does == "create"


def asked_of(ready: Ready) -> Asked:
    """What the call asks for, as it is kept: without what is secret."""
    call, preset = ready.call, ready.found.preset
    secret = {one.key for one in preset.inputs if one.secret}
    shown = {key: MASK if key in secret else value for key, value in ready.inputs.items()}
    overrides = shown_overrides(call.overrides)
    # What is secret tells one request from another too; the key, which is not kept, is its salt.
    whole = [dict(ready.inputs), dict(call.overrides)] if call.key else [shown, overrides]
    said = [call.key, *whole, ready.said_id, call.person_id, call.response_field]
    return Asked(
        id=ready.action_id,
        integration_id=ready.integration.id,
        connector=ready.integration.connector,
        preset=preset.key,
        actor=call.actor,
        at=now(),
        digest=sha256(json.dumps(said, sort_keys=True).encode()).hexdigest(),
        inputs=shown,
        overrides=overrides,
        external_id=ready.external_id,
        person_id=ready.target.person_id,
        response_field=ready.response_field,
        execution_id=call.execution_id,
    )


def shown_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides as they may be kept: what is written into a header by hand may be a key."""
    shown: dict[str, Any] = without_named(overrides)
    if isinstance(shown.get("headers"), Mapping):
        shown["headers"] = dict.fromkeys(shown["headers"], MASK)
    return shown


def _place(actions: Actions, call: Call) -> tuple[str, Action | None]:
    """The action's id, for a day the same for the same Idempotency-Key; and the action of an
    earlier call with that.
    """
    if call.action_id is not None:
        return call.action_id, actions.get(call.action_id)
    if call.key is None:
        return new_id(), None
    same = uuid.uuid5(uuid.NAMESPACE_URL, call.key).hex
    earlier = actions.get(same)
    if earlier is None or datetime.now(UTC) - datetime.fromisoformat(earlier.asked.at) < _KEPT:
        return same, earlier
    return new_id(), None
