"""Every preset of every connector makes the request it promises, and shows no secret of it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from rollcall.actions import answering
from rollcall.actions.inputs import checked
from rollcall.actions.request import NAMES, Fault, Plan, Rendered, compiled, rendered_path
from rollcall.connectors import catalog, paths
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.presets import CHANGING, Does, Input, Preset
from rollcall.sync.masking import MASK
from tests.contract.replay import recorded

TESTS = Path(__file__).parents[1] / "integration/actions"
SECRET = "s3cr3t-0f-n0b0dy"
PRESETS = [(manifest, preset) for manifest in catalog.everything() for preset in manifest.presets]
SHORTHANDS: dict[str, tuple[Does, str]] = {
    "create_user": ("create", 'users"'),
    "get_user": ("read", '"GET", f"users/'),
    "update_user": ("update", '"PATCH"'),
    "delete_user": ("delete", '"DELETE"'),
    "deactivate_user": ("deactivate", '/deactivate"'),
    "user_role": ("read", '/roles"'),
}
"""What `POST /integrations/{id}/users` and so on use: what it does, and how a test calls it."""


def of(*presets: tuple[Manifest, Preset]) -> pytest.MarkDecorator:
    names = [f"{manifest.key}-{preset.key}" for manifest, preset in presets]
    return pytest.mark.parametrize(("manifest", "preset"), presets, ids=names)


def value(one: Input) -> Any:
    """Something that the input takes, and that nothing else says."""
    made = {"text": f"a {one.key}", "id": "7/../8", "number": 7, "boolean": True, "json": {"a": 1}}
    return SECRET if one.secret else one.choices[-1] if one.choices else made[one.type]


def context(manifest: Manifest, preset: Preset, *left_out: str) -> dict[str, Any]:
    """Everything said, and everything read that a fixture has."""
    given = {one.key: value(one) for one in preset.inputs if one.key not in left_out}
    inputs, faults = checked(preset.inputs, given)
    assert faults == [] or left_out
    pages = recorded(manifest).pages
    assert manifest.users.one is not None
    user = paths.read(pages["one_user"], manifest.users.one.record)
    reads = {one.name: {"record": user, "group": "9"}.get(one.roster, []) for one in preset.reads}
    return {
        **dict.fromkeys(NAMES),
        "inputs": inputs,
        "reads": reads,
        "external_id": "24/x" if preset.about_user else None,
        "variables": {},
    }


def plan(preset: Preset) -> Plan:
    made = compiled(preset, {}, "https://app.example.test")
    assert isinstance(made, Plan), made
    return made


@of(*PRESETS)
def test_a_preset_makes_its_request_of_whatever_is_said(manifest: Manifest, preset: Preset) -> None:
    made = plan(preset).render(context(manifest, preset))
    assert isinstance(made, Rendered), made
    request = made.request
    assert request.method == preset.method
    url = urlsplit(request.url)
    assert url.path.startswith("/")
    assert url.path.count("/") == preset.path.partition("?")[0].count("/")
    assert ("24%2Fx" in request.url) == ("external_id" in preset.path)
    assert "{{" not in f"{request}"
    if preset.inputs and preset.does in CHANGING:
        told = f"{request}"
        for one in preset.inputs:
            said = value(one)
            assert str(said) in told or quote(str(said), safe="") in told, one.key


@of(*PRESETS)
def test_no_id_is_ever_empty(manifest: Manifest, preset: Preset) -> None:
    whole = context(manifest, preset)
    for path in (preset.path, *(read.path for read in preset.reads)):
        for empty in (None, "", " ", "."):
            nothing = {
                "external_id": empty,
                "inputs": dict.fromkeys(whole["inputs"], empty),
                "reads": dict.fromkeys(whole["reads"], empty),
            }
            made = rendered_path(path, {**whole, **nothing})
            assert isinstance(made, Fault) == ("{{" in path), (path, empty)


@of(*PRESETS)
def test_what_is_secret_is_sent_and_not_shown(manifest: Manifest, preset: Preset) -> None:
    made = plan(preset).render(context(manifest, preset))
    assert isinstance(made, Rendered)
    secret = any(one.secret for one in preset.inputs)
    assert (SECRET in f"{made.request}") == secret
    assert SECRET not in f"{made.shown}"
    assert (MASK in f"{made.shown}") == secret


@of(*((manifest, preset) for manifest, preset in PRESETS if preset.key in SHORTHANDS))
def test_a_preset_that_has_a_shorthand_fits_it(manifest: Manifest, preset: Preset) -> None:
    does, _ = SHORTHANDS[preset.key]
    assert preset.does == does
    if does != "create":
        # The path says whom it is about, and a body may say nothing.
        assert not any(one.required for one in preset.inputs)
        everything = [one.key for one in preset.inputs]
        made = plan(preset).render(context(manifest, preset, *everything))
        assert isinstance(made, Rendered)
    else:
        assert preset.id
        email = context(manifest, preset)["inputs"]["email"]
        assert answering.text_of(preset.looks_for, context(manifest, preset)) == email


@of(*((manifest, preset) for manifest, preset in PRESETS if preset.does in CHANGING))
def test_what_changes_something_is_tested(manifest: Manifest, preset: Preset) -> None:
    texts = [file.read_text() for file in TESTS.glob(f"test_{manifest.key}*.py")]
    assert texts
    _, call = SHORTHANDS.get(preset.key, ("", preset.key))
    assert any(preset.key in text or call in text for text in texts)


@of(*PRESETS)
def test_a_preset_has_what_a_form_needs(manifest: Manifest, preset: Preset) -> None:
    shown = catalog.describe(manifest)["presets"]
    (told,) = [one for one in shown if one["key"] == preset.key]
    assert json.loads(json.dumps(told)) == told
    user = ["external_id"] if preset.about_user else []
    assert [one["key"] for one in told["inputs"]] == [*user, *(one.key for one in preset.inputs)]
    assert all(one["name"] for one in told["inputs"])
    assert told["name"]


@pytest.mark.parametrize("manifest", catalog.everything(), ids=lambda one: str(one.key))
def test_what_takes_access_is_protected(manifest: Manifest) -> None:
    for preset in manifest.presets:
        if preset.does not in ("delete", "deactivate"):
            continue
        path = preset.path.replace("{{ external_id }}", "{id}")
        assert (preset.method, path) in {(one.method, one.path) for one in manifest.protected}
