"""A dry run: the exact request of an action, with nothing sent that changes anything.

What the request is made of is taken from the roster, and read from the app only where that does
not know the user.
"""

from dataclasses import asdict
from typing import Any

from rollcall.access.problems import Problem
from rollcall.actions import answering, guard, shapes
from rollcall.actions.asking import Ready, asked_of
from rollcall.actions.context import read_all, rehearsed, subject
from rollcall.actions.request import Fault, compiled
from rollcall.api.services import Services
from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App
from rollcall.credentials.store import Credential
from rollcall.integrations.calling import calling, problem
from rollcall.sync.masking import MASK


def rehearse(services: Services, ready: Ready) -> shapes.DryRun:
    """The answer to a dry run. Raises Problem as the action itself would be refused by us."""
    with calling(services, ready.integration) as app:
        made = _made(services, ready, app)
    return shapes.DryRun(dry_run=True, external_id=ready.external_id, request=made)


def _made(services: Services, ready: Ready, app: App) -> shapes.SentRequest | None:
    integration, preset = ready.integration, ready.found.preset
    plan = compiled(preset, ready.overrides, app.base_url)
    if isinstance(plan, Fault):
        raise _wrong(plan)
    spoken = f"{preset} {ready.overrides}"
    asked = asked_of(ready, "rehearsal")
    of = subject(services.directory, services.config, asked, ready.inputs, spoken)
    of = rehearsed(services.directory, integration.id, of)
    reads = read_all(app, preset, of, rehearsal=True)
    if isinstance(reads, Failure):
        raise problem(services, integration, reads)
    if isinstance(reads, Fault):
        raise _wrong(reads)
    context = {**of.context, "reads": reads}
    if answering.is_own(ready.overrides) and answering.holds(preset.needless, context):
        return None
    rendered = plan.render(context)
    if isinstance(rendered, Fault):
        raise _wrong(rendered)
    refused = guard.refusal(app.manifest, rendered.request, lambda: None)
    if isinstance(refused, guard.Forbidden):
        raise Problem(409, refused.detail)
    shown = asdict(rendered.shown)
    credential = services.credentials.get(integration.credential_id)
    headers, params = _signature(credential)
    shown["url"] = app.base_url + shown["url"]
    shown["headers"] = {**dict.fromkeys(integration.headers, MASK), **shown["headers"], **headers}
    shown["params"] = {**dict.fromkeys(integration.params, MASK), **shown["params"], **params}
    return shapes.SentRequest.model_validate(shown)


def _wrong(fault: Fault) -> Problem:
    return Problem(422, errors=[(fault.field, fault.message)])


def _signature(credential: Credential | None) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and parameters that the credential adds, masked."""
    if credential is None:
        return {}, {}
    if credential.type == "api_key" and credential.add_to == "query":
        return {}, {str(credential.param_name): MASK}
    if credential.type == "api_key":
        return {str(credential.param_name): MASK}, {}
    return {"Authorization": MASK}, {}
