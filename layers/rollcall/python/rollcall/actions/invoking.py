"""Having the actions function do what is asked, and waiting for it.

The function is waited for 25 s at most. It is never started twice for one call: the action goes on
when nobody waits for it any more, and tells how it ended. For a day an Idempotency-Key leads to its
action, so a call that is made again finds what came of the first, or goes on with it.
"""

import json
import uuid

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from rollcall.access.problems import Problem
from rollcall.actions.asking import Ready, asked_of
from rollcall.actions.store import Action, Asked
from rollcall.api.services import Services
from rollcall.integrations.calling import STATUS, advice
from rollcall.integrations.model import Integration

RETRY_AFTER = "5"
"""Seconds after which to ask again for an action that could not be started, or that goes on."""
_AGAIN = 500
"""From this status on, the same request may be tried again."""


def ask(services: Services, ready: Ready) -> Action:
    """Do it, and wait for a while: the action as it is then, `running` where it goes on.

    Raises Problem (503) where no function can be started, and 409 and 422 as an Idempotency-Key
    has it.
    """
    actions = services.actions
    asked = asked_of(ready)
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
    faults = [(name, message) for name, message in error.get("errors", ())]
    return Problem(status_of(code), detail, code=code, errors=faults, headers=headers)
