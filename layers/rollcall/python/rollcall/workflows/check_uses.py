"""Blocks that use a preset of an app, or another workflow: is there one, and are these its inputs?
Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.actions.inputs import EXTERNAL_ID, checked, id_fault
from rollcall.actions.person_field import field_fault
from rollcall.connectors.presets import Input, Preset
from rollcall.connectors.templated import is_template
from rollcall.mapping.problems import Problem, near
from rollcall.workflows import check_shapes as shapes
from rollcall.workflows.check_conditions import unknown_integration
from rollcall.workflows.check_places import Place
from rollcall.workflows.check_templates import holds_template, plain_path
from rollcall.workflows.document import PresetBlock, RolesBlock, WorkflowBlock
from rollcall.workflows.known import Known, KnownConnector

ROLES = "user_role"
"""The preset that reads what a user may do."""
_AT_HAND = (
    ("account", "integration_id"),
    ("item", "integration_id"),
    ("item", "account", "integration_id"),
)
_SHOWN = (
    "is a secret, and everybody can read a document: use a template, such as "
    "{{ 20 | random_password }}"
)


def preset_problems(
    block: PresetBlock | RolesBlock, where: str, place: Place, known: Known
) -> Iterator[Problem]:
    """What is wrong with a use of a preset, but for its templates."""
    apps = _apps(block.integration, place, known)
    if isinstance(apps, str):
        yield Problem(f"{where}.integration", apps)
    else:
        yield from _preset(block, where, place, apps)
    if block.external_id is not None and not is_template(block.external_id):
        fault = id_fault(block.external_id)
        if fault is not None:
            yield Problem(f"{where}.external_id", fault)
    if block.store_in is not None:
        fault = field_fault(known.fields.get(block.store_in))
        if fault is not None:
            told = near(block.store_in, known.fields)
            yield Problem(f"{where}.store_in", fault + (told if "no field" in fault else ""))
        elif not _is_about_somebody(block, place):
            yield Problem(f"{where}.store_in", "nobody is at hand here whose field it could be")


def _preset(
    block: PresetBlock | RolesBlock, where: str, place: Place, apps: "_Apps"
) -> Iterator[Problem]:
    key = ROLES if isinstance(block, RolesBlock) else block.preset
    if is_template(key):
        return
    presets = [app.presets[key] for app in apps.connectors if key in app.presets]
    without = [app.name for app in apps.connectors if key not in app.presets]
    if without and (apps.named or not presets):
        told = near(key, {key for app in apps.connectors for key in app.presets})
        at = "integration" if isinstance(block, RolesBlock) else "preset"
        yield Problem(f"{where}.{at}", f"{' and '.join(without)}: there is no preset {key!r}{told}")
        return
    if isinstance(block, PresetBlock):
        faults = input_faults([preset.inputs for preset in presets], block.inputs)
        for name, fault in faults:
            beside = f": write {EXTERNAL_ID} beside the inputs" if name == EXTERNAL_ID else ""
            yield Problem(f"{where}.inputs.{name}", fault + beside)
    yield from _about(block, where, place, presets)


def _about(
    block: PresetBlock | RolesBlock, where: str, place: Place, presets: Sequence[Preset]
) -> Iterator[Problem]:
    about_user = any(preset.about_user for preset in presets)
    if about_user and not _is_about_somebody(block, place):
        said = "is needed, or a person: nobody is at hand here"
        yield Problem(f"{where}.external_id", said)
    if not about_user and block.external_id is not None:
        said = f"must be left out: {presets[0].key} is about no user that there is"
        yield Problem(f"{where}.external_id", said)


def _is_about_somebody(block: PresetBlock | RolesBlock, place: Place) -> bool:
    said = block.external_id is not None or block.person is not None
    return said or place.person or place.account


@dataclass(frozen=True, slots=True)
class _Apps:
    """The connectors of the integrations that may be meant. `named`: each of them will be."""

    connectors: Sequence[KnownConnector]
    named: bool


def _apps(integration: str, place: Place, known: Known) -> _Apps | str:
    """What is meant by an integration; or what is wrong with it."""
    if not is_template(integration):
        if integration in known.integrations:
            return _Apps([known.connector(integration)], named=True)
        return unknown_integration(integration, known)
    path = plain_path(integration)
    at_hand = path in _AT_HAND and (path[0] == "account" or place.row != shapes.ANYTHING)
    of = place.of if at_hand else None
    found = shapes.connectors(known, of)
    return _Apps(found, of is not None) if found else "there is no integration that could be meant"


def workflow_problems(
    block: WorkflowBlock, where: str, known: Known, workflow_id: str | None
) -> Iterator[Problem]:
    """What is wrong with running another workflow: it is not there, or leads back to this one."""
    named = block.workflow
    found = known.workflows.get(named)
    if named == workflow_id:
        yield Problem(f"{where}.workflow", "is this workflow itself")
    elif is_template(named):
        yield Problem(f"{where}.workflow", "must be a workflow's id, and no template")
    elif found is None:
        by_name = [key for key, one in known.workflows.items() if one.name == named]
        told = f": {named!r} is the name of {by_name[0]}, and the id is wanted" if by_name else ""
        yield Problem(f"{where}.workflow", f"there is no workflow {named!r}{told}")
    elif workflow_id is not None and (way := _way(named, workflow_id, known)):
        names = " → ".join([*(known.workflows[one].name for one in way[:-1]), "this one"])
        yield Problem(f"{where}.workflow", f"leads back to this workflow: {names}")
    elif found.trigger not in ("call", "hand"):
        begins = "with an event" if found.trigger == "event" else "at its times"
        said = f"begins {begins}: only one that begins with a call or by hand can be run by another"
        yield Problem(f"{where}.workflow", said)
    else:
        declared = [
            Input(one.key, one.name or one.key, one.type, one.required) for one in found.inputs
        ]
        for name, fault in input_faults([declared], block.inputs):
            yield Problem(f"{where}.inputs.{name}", fault)


def _way(first: str, last: str, known: Known) -> list[str]:
    """The workflows from the first, each run by the one before, to the last; empty: no way."""
    leading: dict[str, str | None] = {first: None}
    todo = [first]
    while todo:
        one = todo.pop(0)
        if one == last:
            way = [one]
            while (before := leading[way[0]]) is not None:
                way.insert(0, before)
            return way
        for following in sorted(known.workflows[one].runs if one in known.workflows else ()):
            if following not in leading:
                leading[following] = one
                todo.append(following)
    return []


def input_faults(
    either: Sequence[Iterable[Input]], given: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """What is wrong with the inputs of the one that is meant: wrong for each of these."""
    found = [dict(_faults(list(inputs), given)) for inputs in either]
    for name, fault in found[0].items():
        if all(name in other for other in found):
            yield name, fault


def _faults(inputs: Sequence[Input], given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = {one.key: one for one in inputs}
    for key in given:
        if key not in known:
            has = f"which has {', '.join(known)}" if known else "which has none"
            yield key, f"is no input here, {has}{near(key, known)}"
    for key, one in known.items():
        value = given.get(key)
        if _may_be_anything(one, value):
            continue
        if one.secret and value is not None:
            yield key, _SHOWN
        else:
            yield from checked([one], {key: value})[1]


def _may_be_anything(one: Input, value: Any) -> bool:
    """Is it made by a template?"""
    if one.type == "json":
        return holds_template(value)
    return isinstance(value, str) and is_template(value)
