"""What the templates of a use of a preset see: whom it is about, and what is read for it first."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollcall.actions.request import Fault, rendered_path
from rollcall.actions.store import Asked
from rollcall.connectors import paths
from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App
from rollcall.connectors.presets import Preset, Read
from rollcall.directory import keys
from rollcall.integrations.variables import KIND as VARIABLE
from rollcall.items import Item
from rollcall.tables import Table

_SHOWN = ("external_id", "username", "email", "display_name", "status", "last_active_at")
_MISSING = frozenset({"vendor-not-found", "vendor-forbidden"})


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a use of a preset is about, as templates see it: all of NAMES but `reads`.

    `group_id` is the first group that the roster has the account in.
    """

    context: Mapping[str, Any]
    group_id: str | None = None

    @property
    def record(self) -> Any:
        """The user's record on the roster, or None."""
        account = self.context["account"]
        return account["attributes"] if account is not None else None


def subject(
    directory: Table, config: Table, asked: Asked, inputs: Mapping[str, Any], spoken: str
) -> Subject:
    """What is known of the account and the person.

    `spoken` is the text of every template: what none of them speaks of is not read.
    """
    account = person = None
    if asked.external_id is not None and ("account" in spoken or "person" in spoken):
        account = directory.get(
            keys.integration(asked.integration_id), keys.account(asked.external_id)
        )
    person_id = asked.person_id or (account or {}).get("person_id")
    if person_id is not None and "person" in spoken:
        person = directory.get(keys.person(person_id), "PERSON")
    variables = {}
    if "variables" in spoken:
        variables = {item["name"]: item["value"] for item in config.query(VARIABLE)}
    context = {
        "inputs": dict(inputs),
        "external_id": asked.external_id,
        "account": _account(account) if account is not None else None,
        "person": {"id": person["id"], **person["fields"]} if person is not None else None,
        "variables": variables,
    }
    return Subject(context)


def rehearsed(directory: Table, integration_id: str, of: Subject) -> Subject:
    """The subject with what the roster knows of the user, for a request that is not sent."""
    external_id = of.context["external_id"]
    if external_id is None:
        return of
    pk = keys.integration(integration_id)
    item = directory.get(pk, keys.account(external_id))
    if item is None or item["status"] == "removed":
        return of
    wanted = ("status", "type", "entitlement_id")
    grants = directory.query(pk, keys.grants_of(external_id), attributes=wanted)
    groups = (one for one in grants if (one["status"], one["type"]) == ("held", "group"))
    group_id = next((one["entitlement_id"] for one in groups), None)
    return Subject({**of.context, "account": _account(item)}, group_id)


def _account(item: Item) -> dict[str, Any]:
    shown = {name: item.get(name) for name in _SHOWN}
    return {**shown, "attributes": json.loads(item["attributes"])}


def read_all(
    app: App, preset: Preset, of: Subject, *, rehearsal: bool = False
) -> Mapping[str, Any] | Failure | Fault:
    """Everything the preset wants read, by name; in a rehearsal from the roster where it knows."""
    reads: dict[str, Any] = {}
    if not (rehearsal or any("reads" in read.path for read in preset.reads)):
        # None waits for another: they are read at once.
        asked = [app.beside(_read, app, read, of.context) for read in preset.reads]
        reads = {read.name: one.result() for read, one in zip(preset.reads, asked, strict=True)}
        failed = (one for one in reads.values() if isinstance(one, Failure | Fault))
        return next(failed, reads)
    for read in preset.reads:
        known = _known(read, of) if rehearsal else None
        found = known if known is not None else _read(app, read, {**of.context, "reads": reads})
        if isinstance(found, Failure | Fault):
            return found
        reads[read.name] = found
    return reads


def _known(read: Read, of: Subject) -> Any:
    match read.roster:
        case "record":
            return of.record
        case "group":
            return of.group_id
        case _:
            return None


def _read(app: App, read: Read, context: Mapping[str, Any]) -> Any:
    path = rendered_path(read.path, context)
    if isinstance(path, Fault):
        return path
    answer = app.get(path)
    if isinstance(answer, Failure):
        return None if read.optional and answer.code in _MISSING else answer
    found = paths.read(answer.body, read.at) if read.at else answer.body
    if found is None and not read.optional:
        return Failure("vendor-broken", f"{path} answers nothing at {read.at}")
    return str(found) if read.roster == "group" and found is not None else found
