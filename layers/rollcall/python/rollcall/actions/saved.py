"""Presets of a customer's own: one of the connector's, with parts of it overridden.

They are (`PRESET#connector`, key) in the config table. One of the connector's own wins over them.
While there are some, neither their connector nor a field that they fill can be deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rollcall.access.audit import Change, recording
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.presets import Input, Preset
from rollcall.connectors.store import linking
from rollcall.fields.store import Fields
from rollcall.items import Item
from rollcall.stamps import now
from rollcall.tables import PRESENT, Table, transact

_TYPE = "preset"


@dataclass(frozen=True, slots=True)
class Saved:
    """A preset of a customer's own: `base` is the connector's that it changes.

    `inputs` come on top of the base's; `response_field` is the person's field that every use
    stores the answer in.
    """

    key: str
    name: str
    base: str
    created_at: str
    updated_at: str
    inputs: tuple[Input, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    response_field: str | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Saved":
        """Read the config table's item; a KeyError names an attribute that is missing."""
        return cls(
            key=item["sk"],
            name=item["name"],
            base=item["base"],
            created_at=item["created_at"],
            updated_at=item["updated_at"],
            inputs=tuple(
                Input(**{**one, "choices": tuple(one["choices"])}) for one in item["inputs"]
            ),
            overrides=item["overrides"],
            response_field=item.get("response_field"),
        )

    def over(self, base: Preset) -> Preset:
        """The preset as its callers see it."""
        return replace(base, key=self.key, name=self.name, inputs=(*base.inputs, *self.inputs))


@dataclass(frozen=True, slots=True)
class Found:
    """A preset to be used, and what of it is overridden whenever it is."""

    preset: Preset
    overrides: Mapping[str, Any] = field(default_factory=dict)
    response_field: str | None = None


def find_preset(config: Table, manifest: Manifest, key: str) -> Found | None:
    """The preset of that key: the connector's, or the customer's own."""
    preset = manifest.preset(key)
    if preset is not None:
        return Found(preset)
    item = config.get(_partition(manifest.key), key)
    return _found(manifest, Saved.from_item(item)) if item is not None else None


def all_presets(config: Table, manifest: Manifest) -> list[Found]:
    """Every preset: the connector's in its order, then the customer's own by key."""
    found = (_found(manifest, saved) for saved in SavedPresets(config, manifest.key).everything())
    return [*map(Found, manifest.presets), *(one for one in found if one is not None)]


def _found(manifest: Manifest, saved: Saved) -> Found | None:
    """None where its base is gone, or where the connector has a preset of its key by now."""
    base = manifest.preset(saved.base)
    if base is None or manifest.preset(saved.key) is not None:
        return None
    return Found(saved.over(base), saved.overrides, saved.response_field)


class SavedPresets:
    """The store of one connector's. Every change is audited."""

    def __init__(self, config: Table, connector: str) -> None:
        self._config = config
        self._connector = connector

    def get(self, key: str) -> Saved | None:
        """The customer's own preset of that key, or None."""
        item = self._config.get(_partition(self._connector), key)
        return Saved.from_item(item) if item is not None else None

    def page(self, limit: int, after: Mapping[str, Any] | None) -> tuple[list[Saved], Item | None]:
        """Presets by key, and the key to go on after."""
        items, last = self._config.page(_partition(self._connector), limit=limit, after=after)
        return [Saved.from_item(item) for item in items], last

    def everything(self) -> list[Saved]:
        """All of them, by key."""
        return [Saved.from_item(item) for item in self._config.query(_partition(self._connector))]

    def put(self, saved: Saved, link: str | None, actor: str) -> Saved | None:
        """Keep the preset, in place of one of the same key; None: its connector or its field may be
        gone, for fields or the connector changed since `link` (of the fields) was read.
        """
        before = self.get(saved.key)
        kept = replace(saved, created_at=before.created_at if before else now(), updated_at=now())
        old, new = _shown(before) if before else {}, _shown(kept)
        change = Change(
            actor, "update" if before else "create", _TYPE, self._id(saved.key), old, new
        )
        refused = transact(
            self._config.client,
            [
                self._config.putting(_item(self._connector, kept)),
                *linking(self._config, self._connector),
                *([Fields(self._config).linking(link)] if saved.response_field else []),
                recording(self._config, change),
            ],
        )
        return kept if refused is None else None

    def delete(self, key: str, actor: str) -> bool:
        """Delete the preset; False if there is none."""
        before = self.get(key)
        if before is None:
            return False
        change = Change(actor, "delete", _TYPE, self._id(key), _shown(before), {})
        refused = transact(
            self._config.client,
            [
                self._config.deleting(_partition(self._connector), key, PRESENT),
                recording(self._config, change),
            ],
        )
        return refused is None

    def _id(self, key: str) -> str:
        return f"{self._connector}/{key}"


def _partition(connector: str) -> str:
    return f"PRESET#{connector}"


def _shown(saved: Saved) -> dict[str, Any]:
    """As the audit log has it."""
    return {**asdict(saved), "inputs": _plain(saved.inputs)}


def _plain(inputs: Sequence[Input]) -> list[dict[str, Any]]:
    return [{**asdict(one), "choices": list(one.choices)} for one in inputs]


def _item(connector: str, saved: Saved) -> Item:
    kept = {**asdict(saved), "inputs": _plain(saved.inputs)}
    keys = {"pk": _partition(connector), "sk": saved.key}
    return {**keys, **{name: value for name, value in kept.items() if value is not None}}
