"""Changing fields of a person, or what a hand may say of an account.

A workflow writes over whoever wrote a field before; a source that always writes it writes it again.
The person says which execution has written that version, so that what it begins can be told from
what anybody else changed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rollcall.access.audit import Change, recording
from rollcall.connectors.templated import Fault
from rollcall.directory import keys
from rollcall.directory.links import Hand
from rollcall.directory.source import Source
from rollcall.directory.writing import People
from rollcall.fields.model import PersonField
from rollcall.items import Item
from rollcall.mapping.convert import Unconvertible, convert
from rollcall.stamps import now
from rollcall.workflows.document import UpdateBlock
from rollcall.workflows.place import Came, Place, done, failed, wrong

SOURCE = "workflow"
"""Who wrote a field, in the person's sources. It is no integration, so it ranks below them all."""
_KINDS = ("person", "service", "system")
_TRIES = 8
_REFUSALS = {
    "no-account": ("not-found", "the account is gone"),
    "busy": ("conflict", "others change the account all the time"),
}
Changed = dict[str, dict[str, Any]]


def update(at: Place, block: UpdateBlock) -> Came:
    """Change what the block says; what is so already is not written."""
    wanted: dict[str, Any] = {}
    for name, data in block.set.items():
        value = at.made(data, f"set.{name}")
        if isinstance(value, Fault):
            return wrong(value)
        wanted[name] = value
    return _person(at, wanted) if block.target == "person" else _account(at, wanted)


def _person(at: Place, wanted: Mapping[str, Any]) -> Came:
    shown = {"set": dict(wanted)}
    person = at.scene.person
    if person is None:
        return failed("not-found", "there is no person at hand", shown)
    fields = at.tools.fields.everything()
    roles = at.tools.fields.roles() if "role" in wanted else ()
    values: dict[str, Any] = {}
    faults = []
    for name, value in wanted.items():
        made = _value(fields.get(name), value, roles)
        if isinstance(made, Unconvertible):
            faults.append([name, made.message])
        values[name] = made
    if faults:
        return _invalid(faults, shown)
    for _ in range(_TRIES):
        item = at.tools.directory.get(keys.person(person["id"]), "PERSON")
        if item is None:
            return failed("not-found", "the person is gone", shown)
        came = _written(at, item, fields, values, shown)
        if came is not None:
            return came
    at.keep(output=None)  # what was meant to be written was not
    return failed("conflict", "others change the person all the time", shown)


def _value(field: PersonField | None, value: Any, roles: Sequence[str]) -> Any:
    """The value as the field has it, or Unconvertible; a role as the deployment writes it."""
    if field is None:
        return Unconvertible("is no field of people")
    made = convert(value, field.type)
    if field.key != "role" or made is None or isinstance(made, Unconvertible):
        return made
    known = {role.casefold(): role for role in roles}
    return known.get(made.casefold(), Unconvertible(f"must be one of {', '.join(roles)}"))


def _written(
    at: Place,
    item: Item,
    fields: Mapping[str, PersonField],
    values: Mapping[str, Any],
    shown: dict[str, Any],
) -> Came | None:
    """Write it; None where somebody else has changed the person meanwhile."""
    directory, old = at.tools.directory, item["fields"]
    changed: Changed = {
        name: {"old": old.get(name), "new": value}
        for name, value in values.items()
        if old.get(name) != value
    }
    told = {"execution_id": at.execution.id, "version": item["version"]}
    if not changed:
        # A function of this block may have written it, and died before it could tell.
        ours = at.step.output if item.get("written_by") == told else None
        return done(ours or {"changed": {}}, shown)
    unique = frozenset(field.key for field in fields.values() if field.unique)
    source = Source(SOURCE, at.execution.id, now(), (), {}, unique, {})
    wanted = [keys.sync_key(name, values[name]) for name in changed if values[name] is not None]
    found = directory.get_many((pk, "KEY") for pk in wanted)
    people = People(directory, source, {}, {pk: one["person_id"] for (pk, _), one in found.items()})
    told["version"] += 1
    actions, faults = people.overwriting(item, values, {"written_by": told})
    if faults:
        return _invalid([[fault.field, fault.message] for fault in faults], shown)
    if at.rehearses:
        return done({"changed": changed}, shown)
    at.keep(output={"changed": changed}, input=shown)
    before, after = ({name: one[side] for name, one in changed.items()} for side in ("old", "new"))
    audited = Change(at.actor, "update", "person", item["id"], before, after)
    refused = directory.transact([*actions, recording(at.tools.config, audited)])
    return done({"changed": changed}, shown) if refused is None else None


def _account(at: Place, wanted: Mapping[str, Any]) -> Came:
    shown = {"set": dict(wanted)}
    account = at.scene.account
    if account is None:
        return failed("not-found", "there is no account at hand", shown)
    faults = [[name, fault] for name, value in wanted.items() if (fault := _fault(name, value))]
    if faults:
        return _invalid(faults, shown)
    hand = Hand(at.tools.directory, at.tools.config, at.actor)
    place = (account["integration_id"], account["external_id"])
    item = at.tools.directory.get(keys.integration(place[0]), keys.account(place[1])) or {}
    changed: Changed = {}
    if "kind" in wanted and item.get("kind", "person") != wanted["kind"]:
        changed["kind"] = {"old": item.get("kind", "person"), "new": wanted["kind"]}
    if "link" in wanted and "link" in item:
        changed["link"] = {"old": item["link"], "new": None}
    if not changed:
        return done({"changed": (at.step.output or {}).get("changed", {})}, shown)
    if at.rehearses:
        return done({"changed": changed}, shown)
    at.keep(output={"changed": (at.step.output or {}).get("changed", {}) | changed}, input=shown)
    for name in changed:
        said = hand.set_kind(*place, wanted["kind"]) if name == "kind" else hand.release(*place)
        if isinstance(said, str):
            code, detail = _REFUSALS[said]
            return failed(code, detail, shown)
    return done(at.step.output, shown)


def _fault(name: str, value: Any) -> str | None:
    if name == "kind":
        return None if value in _KINDS else f"must be one of {', '.join(_KINDS)}"
    if name == "link":
        return None if value is None else "can only be null: its sync keys decide again"
    return "is nothing of an account that can be set: kind and link are"


def _invalid(faults: list[list[str]], shown: dict[str, Any]) -> Came:
    detail = "; ".join(f"{name}: {message}" for name, message in faults)
    return failed("invalid-input", detail, shown, errors=faults)
