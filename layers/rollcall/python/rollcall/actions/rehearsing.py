"""A dry run: the exact request of an action, and nothing is sent that changes anything.

What the request is made of is taken from the roster, and read from the app only where that does
not know the user.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from rollcall.access.problems import Problem
from rollcall.actions import answering, guard
from rollcall.actions.asking import Ready, asked_of
from rollcall.actions.context import read_all, rehearsed, subject
from rollcall.actions.request import Fault, Rendered, Request, compiled, reshaped
from rollcall.connectors.answers import Failure
from rollcall.connectors.client import STANDING
from rollcall.connectors.engine import App
from rollcall.connectors.presets import Preset
from rollcall.credentials.store import Credential
from rollcall.integrations.calling import calling, problem
from rollcall.services import Services
from rollcall.sync.masking import MASK, texts, without_values

_UNKNOWN = (
    "nobody has asked the app yet whose key the integration uses (a run and a test do): were it "
    "this user's, the request would be refused"
)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would be sent, without what is secret; None where there is nothing to be done.

    The request has `method, url, headers, params, body`.
    """

    external_id: str | None
    request: Mapping[str, Any] | None
    notes: tuple[str, ...]


def rehearse(services: Services, ready: Ready) -> Rehearsal:
    """What comes of a dry run. Raises Problem as the action itself would be refused by us."""
    with calling(services, ready.integration) as app:
        made, notes = _made(services, ready, app)
    return Rehearsal(ready.external_id, made, tuple(notes))


def _made(services: Services, ready: Ready, app: App) -> tuple[Mapping[str, Any] | None, list[str]]:
    integration, preset = ready.integration, reshaped(ready.found.preset, ready.overrides)
    plan = compiled(preset, ready.overrides, app.base_url)
    if isinstance(plan, Fault):
        raise _wrong(plan)
    spoken = f"{preset} {ready.overrides}"
    asked = asked_of(ready)
    of = subject(services.directory, services.config, asked, ready.inputs, spoken)
    of = rehearsed(services.directory, integration.id, of)
    reads = read_all(app, preset, of, rehearsal=True)
    if isinstance(reads, Failure):
        raise problem(services, integration, reads)
    if isinstance(reads, Fault):
        raise _wrong(reads)
    context = {**of.context, "reads": reads}
    if answering.holds(preset.needless, context):
        return None, []
    rendered = plan.render(context)
    if isinstance(rendered, Fault):
        raise _wrong(rendered)
    if preset.lists:
        rendered = _first_page(app, rendered)
    credential = services.credentials.get(integration.credential_id)
    notes: list[str] = []

    def own_id() -> str | None:
        known = services.own_users.known(integration.id, credential) if credential else None
        notes.extend([_UNKNOWN] if known is None and app.manifest.test.id else [])
        return known

    refused = guard.refusal(app.manifest, rendered.request, own_id)
    if isinstance(refused, guard.Forbidden):
        raise Problem(409, refused.detail)
    shown = _whole(rendered.shown, integration.headers, integration.params, credential)
    kept: dict[str, Any] = without_values(asdict(shown), _secrets(ready, rendered, preset))
    return {**kept, "url": app.base_url + kept["url"]}, notes


def _wrong(fault: Fault) -> Problem:
    return Problem(422, errors=[(fault.field, fault.message)])


def _first_page(app: App, rendered: Rendered) -> Rendered:
    """A list is asked for page by page; the others differ in where they begin."""
    groups = app.manifest.groups
    if groups is None:
        raise Problem(409, "the app has no groups")
    size = {groups.paging.size_parameter: str(groups.paging.size)}
    request = replace(rendered.request, params=size if groups.paging.size_parameter else {})
    return Rendered(request, request)


def _secrets(ready: Ready, rendered: Rendered, preset: Preset) -> list[str]:
    given = [ready.inputs.get(one.key) for one in preset.inputs if one.secret]
    return [*texts(given), *rendered.secrets]


def _whole(
    shown: Request,
    headers: Mapping[str, str],
    params: Mapping[str, str],
    credential: Credential | None,
) -> Request:
    """The request with what goes along with every one of the integration; that may be a key."""
    signature, signing = _signature(credential)
    typed = {"Content-Type": "application/json"} if shown.body is not None else {}
    named = dict(parse_qsl(shown.url.partition("?")[2], keep_blank_values=True))
    standing = {name: MASK for name in params if name not in named}
    several = (STANDING, typed, dict.fromkeys(headers, MASK), shown.headers, signature)
    return replace(shown, headers=_merged(*several), params={**standing, **shown.params, **signing})


def _merged(*several: Mapping[str, str]) -> dict[str, str]:
    """Headers, each in place of one of the same name before it, in upper or lower case."""
    found: dict[str, tuple[str, str]] = {}
    for headers in several:
        found |= {name.lower(): (name, value) for name, value in headers.items()}
    return dict(found.values())


def _signature(credential: Credential | None) -> tuple[dict[str, str], dict[str, str]]:
    """The headers and parameters that the credential adds, masked."""
    if credential is None:
        return {}, {}
    if credential.type == "api_key" and credential.add_to == "query":
        return {}, {str(credential.param_name): MASK}
    if credential.type == "api_key":
        return {str(credential.param_name): MASK}, {}
    return {"Authorization": MASK}, {}
