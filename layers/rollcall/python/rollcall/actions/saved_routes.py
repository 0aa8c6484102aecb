"""Presets of a customer's own over HTTP: one of the connector's, with parts of it overridden."""

from dataclasses import asdict
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel, Field

from rollcall.access.problems import Problem, unknown
from rollcall.actions.person_field import field_fault
from rollcall.actions.request import Fault, compiled
from rollcall.actions.saved import Saved, SavedPresets
from rollcall.actions.shapes import Overrides
from rollcall.actions.use import response_mapping
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Body, Id, Routes
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.presets import Input
from rollcall.connectors.routes import PresetInput

routes = Routes("Actions")

Key = Annotated[str, Path(pattern="^[a-z][a-z0-9_]{0,63}$")]


class NewInput(Body):
    """An input on top of those of the base."""

    key: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")
    name: str = Field(min_length=1, max_length=100)
    type: Literal["text", "id", "number", "boolean", "json"] = "text"
    required: bool = False
    default: str | int | float | bool | None = None
    help: str = Field(default="", max_length=500)
    secret: bool = False
    choices: list[str] = Field(default=[], max_length=50)


class NewPreset(Body):
    """A preset of your own."""

    name: str = Field(min_length=1, max_length=100)
    base: str = Field(description="The connector's preset that it changes")
    inputs: list[NewInput] = Field(default=[], max_length=50)
    overrides: Overrides = Field(
        default=Overrides(), description="Shown to everybody with a token: no place for secrets"
    )
    response_field: str | None = Field(
        default=None, description="The person's field in which every use keeps the response"
    )


class OwnPreset(BaseModel):
    """A preset of your own."""

    key: str
    connector: str
    name: str
    base: str
    inputs: list[PresetInput]
    overrides: Overrides
    response_field: str | None
    created_at: str
    updated_at: str


class OwnPresetPage(Page[OwnPreset]):
    """A page of presets of your own."""


@routes.on("GET /connectors/<connector>/presets")
def list_own_presets(
    connector: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> OwnPresetPage:
    """List the presets of your own for an app, by key."""
    _manifest(connector)
    listing = f"presets of {connector}"
    found, last = _store(connector).page(limit, key_of(listing, after))
    items = [_shown(connector, one) for one in found]
    return OwnPresetPage(items=items, next_cursor=cursor(listing, last))


@routes.on("PUT /connectors/<connector>/presets/<preset>", problems=(409,))
def put_own_preset(connector: Id, preset: Key, body: NewPreset) -> OwnPreset:
    """Save a preset of your own under a key, for every integration of the app.

    409 where the connector itself has a preset of that key.
    """
    manifest = _manifest(connector)
    if manifest.preset(preset) is not None:
        raise Problem(409, f"{connector} has a preset {preset!r} of its own")
    inputs = tuple(
        Input(**{**one.model_dump(), "choices": tuple(one.choices)}) for one in body.inputs
    )
    overrides = body.overrides.model_dump(exclude_unset=True)
    saved = Saved(preset, body.name, body.base, "", "", inputs, overrides, body.response_field)
    _check(manifest, saved)
    kept = _store(connector).put(saved, routes.actor)
    if kept is None:
        raise Problem(409, "the connector was changed in the same moment: try again")
    return _shown(connector, kept)


@routes.on("DELETE /connectors/<connector>/presets/<preset>", status=204)
def delete_own_preset(connector: Id, preset: Id) -> None:
    """Delete a preset of your own."""
    _manifest(connector)
    if not _store(connector).delete(preset, routes.actor):
        raise unknown("preset", preset)


def _check(manifest: Manifest, saved: Saved) -> None:
    """Raise Problem (422) for everything that would fail whenever it is used."""
    base = manifest.preset(saved.base)
    if base is None:
        offers = ", ".join(preset.key for preset in manifest.presets) or "none"
        raise Problem(422, errors=[("base", f"is no preset of {manifest.key}, which has {offers}")])
    keys = ["external_id", *(one.key for one in (*base.inputs, *saved.inputs))]
    faults = [
        (f"inputs.{number}.key", f"there is an input {one.key!r} already")
        for number, one in enumerate(saved.inputs)
        if keys.count(one.key) > 1
    ]
    # Where the app is, no use of it says: an address belongs to one integration.
    plan = compiled(saved.over(base), saved.overrides, "")
    parts = (plan, response_mapping(saved.overrides))
    faults += [(part.field, part.message) for part in parts if isinstance(part, Fault)]
    if saved.response_field is not None:
        fault = field_fault(routes.services.fields.everything().get(saved.response_field))
        faults += [("response_field", fault)] if fault else []
    if faults:
        raise Problem(422, errors=faults)


def _manifest(connector: str) -> Manifest:
    manifest = routes.services.catalog.find(connector)
    if manifest is None:
        raise unknown("connector", connector)
    return manifest


def _store(connector: str) -> SavedPresets:
    return SavedPresets(routes.services.config, connector)


def _shown(connector: str, saved: Saved) -> OwnPreset:
    shown = asdict(saved)
    inputs = [{**asdict(one), "choices": list(one.choices) or None} for one in saved.inputs]
    return OwnPreset.model_validate({**shown, "connector": connector, "inputs": inputs})
