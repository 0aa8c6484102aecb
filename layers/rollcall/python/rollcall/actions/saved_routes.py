"""Presets of a customer's own over HTTP: one of the connector's, with parts of it overridden."""

from dataclasses import asdict
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel, Field

from rollcall.access.problems import Problem, unknown
from rollcall.actions.person_field import field_fault
from rollcall.actions.saved import Saved, SavedPresets
from rollcall.actions.saving import preset_faults
from rollcall.actions.shapes import Overrides
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


@routes.on("GET /connectors/<connector>/presets/<preset>")
def get_own_preset(connector: Id, preset: Id) -> OwnPreset:
    """One preset of your own."""
    _manifest(connector)
    saved = _store(connector).get(preset)
    if saved is None:
        raise unknown("preset", preset)
    return _shown(connector, saved)


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
    link = routes.services.fields.link()
    faults = preset_faults(manifest, saved)
    if saved.response_field is not None:
        fault = field_fault(routes.services.fields.everything().get(saved.response_field))
        faults += [("response_field", fault)] if fault else []
    if faults:
        raise Problem(422, errors=faults)
    kept = _store(connector).put(saved, link, routes.actor)
    if kept is None:
        raise Problem(409, "fields or the connector were changed in the same moment: try again")
    return _shown(connector, kept)


@routes.on("DELETE /connectors/<connector>/presets/<preset>", status=204)
def delete_own_preset(connector: Id, preset: Id) -> None:
    """Delete a preset of your own."""
    _manifest(connector)
    if not _store(connector).delete(preset, routes.actor):
        raise unknown("preset", preset)


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
