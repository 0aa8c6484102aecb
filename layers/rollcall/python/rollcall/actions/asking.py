"""Asking for an action over HTTP: is it one, whom is it about; then the function does it.

The function is waited for 25 s at most. It is never started twice for one call: the action goes on
when nobody waits for it any more, and tells how it ended. For a day an Idempotency-Key leads to its
action, so a call that is made again finds what came of the first, or goes on with it.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from rollcall.access.problems import Problem, unknown
from rollcall.actions.inputs import EXTERNAL_ID, Faults, checked, id_fault
from rollcall.actions.person_field import field_fault
from rollcall.actions.request import Fault, compiled
from rollcall.actions.saved import Found, find_preset
from rollcall.actions.store import Action, Actions, Asked
from rollcall.actions.use import response_mapping
from rollcall.api.services import Services
from rollcall.directory import keys
from rollcall.integrations import lookup
from rollcall.integrations.calling import STATUS, advice
from rollcall.integrations.model import Integration
from rollcall.stamps import new_id, now
from rollcall.sync.masking import MASK

_KEPT = timedelta(hours=24)
"""An Idempotency-Key means the same action for so long."""
RETRY_AFTER = "5"
"""Seconds after which to ask again for an action that could not be started, or that goes on."""
_AGAIN = 500
"""From this status on, the same request may be tried again."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call for an action, as it came in. `key` is its Idempotency-Key with what that is of."""

    actor: str
    preset: str
    inputs: Mapping[str, Any]
    external_id: str | None = None
    person_id: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    response_field: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that is in order: what to do to whom."""

    integration: Integration
    found: Found
    call: Call
    inputs: Mapping[str, Any]
    external_id: str | None
    response_field: str | None

    @property
    def overrides(self) -> Mapping[str, Any]:
        """What of the preset is overridden: by the saved preset, and by the call."""
        return {**self.found.overrides, **self.call.overrides}


def checked_call(services: Services, integration_id: str, call: Call) -> Ready:
    """The call, made ready. Raises Problem: 404, 409 where the app cannot be called, 422."""
    integration = lookup.found(services, integration_id)
    lookup.require(services, integration)
    manifest = lookup.manifest_of(services, integration)
    found = find_preset(services.config, manifest, call.preset)
    if found is None:
        offers = ", ".join(preset.key for preset in manifest.presets) or "none"
        raise Problem(404, f"{manifest.key} has no preset {call.preset!r}; it has {offers}")
    preset, given = found.preset, dict(call.inputs)
    external_id = given.pop(EXTERNAL_ID, None) if preset.about_user else None
    if call.external_id is not None:
        external_id = call.external_id
    inputs, faults = checked(preset.inputs, given)
    if external_id is not None and (fault := id_fault(external_id)):
        faults.append((EXTERNAL_ID, fault))
    response_field = call.response_field or found.response_field
    if response_field is not None:
        wanted = services.fields.everything().get(response_field)
        fault = field_fault(wanted)
        faults += [("response_field", fault)] if fault else []
    origin = lookup.base_url(services, integration) or ""
    overrides = {**found.overrides, **call.overrides}
    for part in (compiled(preset, overrides, origin), response_mapping(overrides)):
        if isinstance(part, Fault):
            faults.append((part.field, part.message))
    if faults:
        raise Problem(422, errors=faults)
    if preset.about_user and external_id is None:
        external_id = _of_person(services, integration, call.person_id)
    whom = str(external_id).strip() if external_id is not None else None
    return Ready(integration, found, call, inputs, whom, response_field)


def _of_person(services: Services, integration: Integration, person_id: str | None) -> str:
    """The app's id of a person: in their field, or of their account. Raises Problem."""
    if person_id is None:
        raise Problem(422, errors=[(EXTERNAL_ID, "is required, or a person_id")])
    person = services.directory.get(keys.person(person_id), "PERSON")
    if person is None:
        raise unknown("person", person_id)
    kept = person["fields"].get(f"{integration.connector}_user_id")
    if kept not in (None, ""):
        return str(kept)
    index = services.directory.query(
        keys.person(person_id),
        keys.owned("people_and_accounts", integration.id, ""),
        index="gsi1",
        attributes=("pk", "sk"),
    )
    places = [(one["pk"], one["sk"]) for one in index]
    items = services.directory.get_many(places, ("external_id", "person_id", "status"))
    ids = [
        item["external_id"]
        for item in items.values()
        if item.get("person_id") == person_id and item["status"] != "removed"
    ]
    if len(ids) == 1:
        return str(ids[0])
    several = f"has {len(ids)} accounts here, {', '.join(sorted(ids))}: say which" if ids else ""
    raise Problem(422, errors=[("person_id", several or "has no account in this integration")])


def ask(services: Services, ready: Ready) -> Action:
    """Do it, and wait for a while: the action as it is then, `running` where it goes on.

    Raises Problem (503) where no function can be started, and 409 and 422 as an Idempotency-Key
    has it.
    """
    actions = services.actions
    asked = asked_of(ready, _id(services.actions, ready.call.key))
    if not actions.begin(asked):
        earlier = actions.get(asked.id)
        if earlier is None:
            raise Problem(409, "the action was forgotten in this moment: try again")
        if earlier.asked.digest != asked.digest:
            message = "was used before with another body"
            raise Problem(422, errors=[("Idempotency-Key", message)])
        if earlier.status == "succeeded" or (
            earlier.error is not None and status_of(earlier.error["code"]) < _AGAIN
        ):
            return earlier
        if earlier.status == "failed":
            actions.reopen(earlier)  # unless it was left while it ran: then it still does
    return _started(services, ready, asked)


def asked_of(ready: Ready, action_id: str) -> Asked:
    """What the call asks for, as it is kept: without what is secret."""
    call, preset = ready.call, ready.found.preset
    secret = {one.key for one in preset.inputs if one.secret}
    shown = {key: MASK if key in secret else value for key, value in ready.inputs.items()}
    overrides = dict(call.overrides)
    if "headers" in overrides:
        overrides["headers"] = dict.fromkeys(overrides["headers"], MASK)
    # What is secret tells one request from another too; the key, which is not kept, is its salt.
    whole = [dict(ready.inputs), dict(call.overrides)] if call.key else [shown, overrides]
    said = [call.key, *whole, ready.external_id, call.person_id, call.response_field]
    return Asked(
        id=action_id,
        integration_id=ready.integration.id,
        connector=ready.integration.connector,
        preset=preset.key,
        actor=call.actor,
        at=now(),
        digest=sha256(json.dumps(said, sort_keys=True).encode()).hexdigest(),
        inputs=shown,
        overrides=overrides,
        external_id=ready.external_id,
        person_id=call.person_id,
        response_field=ready.response_field,
    )


def _id(actions: Actions, key: str | None) -> str:
    """The action's id: the same for the same Idempotency-Key, for a day."""
    if key is None:
        return new_id()
    same = uuid.uuid5(uuid.NAMESPACE_URL, key).hex
    earlier = actions.get(same)
    if earlier is None or datetime.now(UTC) - datetime.fromisoformat(earlier.asked.at) < _KEPT:
        return same
    return new_id()


def _started(services: Services, ready: Ready, asked: Asked) -> Action:
    actions, claimant = services.actions, uuid.uuid4().hex
    order = {
        "action_id": asked.id,
        "claimant": claimant,
        "integration_id": asked.integration_id,
        "inputs": dict(ready.inputs),
        "overrides": dict(ready.call.overrides),
    }
    try:
        answer = services.aws.functions.invoke(
            FunctionName=services.api.actions_function, Payload=json.dumps(order)
        )
    except ReadTimeoutError:
        return _now(services, asked.id)
    except (BotoCoreError, ClientError) as error:
        detail = f"the actions function could not be started: {_why(error)}"
        if actions.not_started(asked.id, {"code": "unavailable", "detail": detail}):
            raise Problem(503, detail, headers={"Retry-After": RETRY_AFTER}) from None
        return _now(services, asked.id)  # the connection broke, and the function has it
    told = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        actions.release(asked.id, claimant)
        raise RuntimeError(f"the actions function failed over action {asked.id}")
    if told is None:
        return _now(services, asked.id)
    return Action.from_plain(told)


def _now(services: Services, action_id: str) -> Action:
    action = services.actions.get(action_id)
    if action is None:
        raise LookupError(f"action {action_id} is gone")
    return action


def _why(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__


def status_of(code: str) -> int:
    """The HTTP status of an action's error."""
    ours = {"conflict": 409, "invalid-input": 422, "unavailable": 503}
    return ours[code] if code in ours else STATUS[code]  # type: ignore[index]


def refusal(action: Action, integration: Integration) -> Problem:
    """The problem document of an action that failed."""
    error = action.error or {}
    code, detail = error["code"], error["detail"]
    if code == "vendor-unauthorized":
        detail = f"{detail}; {advice(code, integration)}"
    headers = {}
    if code == "vendor-throttled":
        headers["Retry-After"] = str(error.get("wait_seconds") or 60)
    if code == "unavailable":
        headers["Retry-After"] = RETRY_AFTER
    faults: Faults = [(name, message) for name, message in error.get("errors", ())]
    return Problem(status_of(code), detail, code=code, errors=faults, headers=headers)
