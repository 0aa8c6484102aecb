"""What can be read of the values that templates and conditions see. Pure.

A Shape says which keys a value may have: the names of a place are one (`person`, `account`, …), and
what is at hand there decides what is in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.connectors import paths
from rollcall.events.schemas import schema_of
from rollcall.mapping.problems import near
from rollcall.workflows.document import (
    Block,
    Input,
    NotificationBlock,
    PresetBlock,
    RolesBlock,
    UpdateBlock,
)
from rollcall.workflows.known import Known, KnownConnector

_MOST_TOLD = 12
"""Keys that a message lists."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is in a value: `keys` and no other, each with its own; None: whatever.

    A key that begins with `prefix` may be there too. `unknown` is what is said of any other, with
    `{}` for it. `never` says why the value itself is never there.
    """

    keys: "Mapping[str, Shape] | None" = None
    unknown: str = ""
    prefix: str = ""
    never: str = ""

    def fault(self, steps: Sequence[str | int]) -> str | None:
        """Why nothing can ever be at that place in it, or None."""
        shape = self
        for number, step in enumerate(steps):
            if shape.never:
                return shape.never
            if shape.keys is None:
                return None
            if isinstance(step, str) and step in shape.keys:
                shape = shape.keys[step]
            elif shape.prefix and isinstance(step, str) and step.startswith(shape.prefix):
                shape = ANYTHING
            else:
                return shape.missing(step, steps[:number])
        return shape.never or None

    def at(self, steps: Sequence[str | int]) -> "Shape":
        """What is at that place, where `fault` is None."""
        shape = self
        for step in steps:
            if shape.keys is None or not isinstance(step, str):
                return ANYTHING
            shape = shape.keys.get(step, ANYTHING)
        return shape

    def missing(self, step: str | int, before: Sequence[str | int]) -> str:
        """What is said of a key that is never there."""
        keys = self.keys or {}
        if not keys and not self.unknown:
            return f"{paths.written(tuple(before))} is one value: there is nothing in it"
        where = f" in {paths.written(tuple(before))}" if before else " here"
        said = self.unknown.format(repr(step)) if self.unknown else f"there is no {step!r}{where}"
        told = near(step, keys)
        if not told and 0 < len(keys) <= _MOST_TOLD:
            told = f"; there is {', '.join(keys)}"
        return said + told


ANYTHING = Shape()
VALUE = Shape({})
"""Text, a number, true or false."""
_ACCOUNT = (
    "integration_id", "application", "external_id", "username", "email", "display_name", "status",
    "person_id", "kind", "last_active_at",
)  # fmt: skip
_GRANT = ("account", "type", "entitlement_id", "name", "scope", "scope_name")
_CHANGED = (
    "username", "email", "display_name", "status", "person_id", "kind", "last_active_at",
    "left_at", "link",
)  # fmt: skip
"""What of an account an event tells the change of, beside the app's own fields."""
_EXECUTION = ("id", "workflow_id", "workflow", "trigger", "mode", "started_at")
_OLD_AND_NEW = Shape({"old": ANYTHING, "new": ANYTHING})


def values(names: Iterable[str]) -> Shape:
    """An object of plain values."""
    return Shape(dict.fromkeys(names, VALUE))


GRANT = values(_GRANT)
EXECUTION = values(_EXECUTION)


def person(known: Known) -> Shape:
    """A person: the fields, and the id."""
    fields = _fields(known)
    return Shape({"id": VALUE, **fields}, "there is no field {} of people")


def _fields(known: Known) -> dict[str, Shape]:
    return {key: ANYTHING if field.type == "json" else VALUE for key, field in known.fields.items()}


def account(known: Known, of: frozenset[str] | None) -> Shape:
    """An account of one of these integrations; None: of any."""
    keys = {key for one in connectors(known, of) for key in one.fields}
    fields = Shape(dict.fromkeys(sorted(keys), VALUE), "there is no field {} of the app's accounts")
    return Shape({**dict.fromkeys(_ACCOUNT, VALUE), "attributes": ANYTHING, "fields": fields})


def connectors(known: Known, of: frozenset[str] | None) -> list[KnownConnector]:
    """The connectors of these integrations; None: of all."""
    ids = known.integrations.keys() if of is None else of & known.integrations.keys()
    keys = sorted({known.integrations[one].connector for one in ids})
    return [known.connectors[key] for key in keys]


def variables(known: Known) -> Shape:
    """The variables by name."""
    return Shape(dict.fromkeys(sorted(known.variables), VALUE), "there is no variable {}")


def inputs(declared: Iterable[Input]) -> Shape:
    """What the trigger asks for."""
    keys = {one.key: ANYTHING if one.type == "json" else VALUE for one in declared}
    return Shape(keys, "the workflow's trigger has no input {}")


def event(known: Known, kinds: Iterable[str]) -> Shape:
    """The detail of an event that is of one of these types: what any of them has."""
    shape = Shape({})
    for kind in kinds:
        properties = schema_of(kind)["properties"]
        detail = {key: _of_schema(one) for key, one in properties.items()}
        shape = _merged(shape, Shape({**detail, **_told(known, kind)}))
    return Shape(shape.keys, "the events have no {}")


def _told(known: Known, kind: str) -> dict[str, Shape]:
    """What a schema leaves open, for it is another in every deployment."""
    match kind.partition(" ")[0]:
        case "Person":
            fields = _fields(known)
            unknown = "there is no field {} of people"
            changes = Shape(dict.fromkeys(fields, _OLD_AND_NEW), unknown)
            return {"changes": changes, "person": Shape(fields, unknown)}
        case "Account":
            said = "no event tells a change of {} of an account; the app's own fields are "
            said += 'changes["attributes.…"]'
            changed = dict.fromkeys(_CHANGED, _OLD_AND_NEW)
            return {"changes": Shape(changed, said, prefix="attributes.")}
        case _:
            return {}


def _of_schema(schema: Mapping[str, Any]) -> Shape:
    if "object" not in schema.get("type", ()):
        return VALUE
    if "properties" not in schema:
        return ANYTHING
    return Shape({key: _of_schema(one) for key, one in schema["properties"].items()})


def _merged(one: Shape, other: Shape) -> Shape:
    """What either of them may have."""
    if one.keys is None or other.keys is None:
        return ANYTHING
    keys = dict(one.keys)
    for key, shape in other.keys.items():
        keys[key] = _merged(keys[key], shape) if key in keys else shape
    return Shape(keys, one.unknown or other.unknown, one.prefix or other.prefix)


def row(known: Known, of: str, integrations: frozenset[str] | None) -> Shape:
    """A row of a query of people, accounts or grants."""
    whole = {"person": person(known)}
    if of != "people":
        whole["account"] = account(known, integrations)
        whole |= {"integration_id": VALUE, "application": VALUE}
    if of == "grants":
        whole["grant"] = GRANT
    return Shape(whole, f"a row of {of} has no {{}}")


_ACTION = ("action_id", "external_id", "outcome")
_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "preset": _ACTION,
    "roles": _ACTION,
    "decision": ("branch",),
    "approval": ("decision", "by", "comment"),
    "wait": ("until",),
    "for_each": ("count",),
    "workflow": ("execution_id", "status", "message"),
    "report": ("report_id", "rows"),
    "end": ("message",),
}
"""What a block came to, where that is one value."""


def output(block: Block) -> Shape:
    """What later blocks see of a step: its status, its error, and what it came to."""
    plain = values(("status", *_OUTPUTS.get(block.type, ()))).keys or {}
    return Shape({**plain, "error": ANYTHING, **_came_to(block)})


def _came_to(block: Block) -> dict[str, Shape]:
    """What a block came to, where there is more in it."""
    match block:
        case PresetBlock() | RolesBlock():
            mapped = block.response if isinstance(block, PresetBlock) else None
            return {"response": _of_mapping(mapped), "notes": ANYTHING}
        case UpdateBlock():
            return {"changed": Shape(dict.fromkeys(block.set, _OLD_AND_NEW))}
        case NotificationBlock():
            return {"sent": ANYTHING}
        case _:
            return {}


def _of_mapping(mapped: Any) -> Shape:
    """What a response mapping makes: an object has its keys, a template may make anything."""
    if isinstance(mapped, Mapping):
        return Shape({key: _of_mapping(one) for key, one in mapped.items()})
    return ANYTHING
