"""Can a preset of a customer's own be used with its connector? Pure."""

from rollcall.actions.inputs import EXTERNAL_ID, Faults
from rollcall.actions.request import Fault, compiled, response_mapping
from rollcall.actions.saved import Saved
from rollcall.connectors.manifest import Manifest
from rollcall.sync.masking import named


def preset_faults(manifest: Manifest, saved: Saved) -> Faults:
    """Everything that would fail whenever the preset is used, and every secret in it."""
    if manifest.preset(saved.key) is not None:
        return [("key", f"{manifest.key} has a preset {saved.key!r} of its own")]
    base = manifest.preset(saved.base)
    if base is None:
        offers = ", ".join(preset.key for preset in manifest.presets) or "none"
        return [("base", f"is no preset of {manifest.key}, which has {offers}")]
    keys = [EXTERNAL_ID, *(one.key for one in (*base.inputs, *saved.inputs))]
    faults = [
        (f"inputs.{number}.key", f"there is an input {one.key!r} already")
        for number, one in enumerate(saved.inputs)
        if keys.count(one.key) > 1
    ]
    # Where the app is, no use of it says: an address belongs to one integration.
    plan = compiled(saved.over(base), saved.overrides, "")
    parts = (plan, response_mapping(saved.overrides))
    faults += [(part.field, part.message) for part in parts if isinstance(part, Fault)]
    faults += [
        (place, "is no place for a secret, which everybody could read: make it a secret input")
        for part in ("headers", "params", "body")
        for place in named(saved.overrides.get(part), f"overrides.{part}")
    ]
    return faults
