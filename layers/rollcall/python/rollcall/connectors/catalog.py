"""The connectors of a deployment: every manifest in this folder, and the customer's own.

Nothing registers those that come with Rollcall.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rollcall.connectors.manifest import Manifest, build, parse
from rollcall.connectors.presets import USER, Preset
from rollcall.tables import Table

KIND = "CONNECTOR"
_FOLDER = Path(__file__).parent

CONNECT_FIELDS = (
    {"key": "connect_credentials", "name": "Connect: Credentials", "type": "text"},
    {"key": "connect_subdomain", "name": "Connect: Subdomain", "type": "text"},
    {"key": "connector_sync_time", "name": "Connector Sync Time", "type": "datetime"},
)
"""Fields of every account that its integration and its run tell when it is read."""


@cache
def find(key: str) -> Manifest | None:
    """The connector of that key, or None."""
    files = {file.stem: file for file in _FOLDER.glob("*.toml")}
    return build(parse(files[key])) if key in files else None


def everything() -> list[Manifest]:
    """Every connector, in the order of their keys."""
    found = (find(file.stem) for file in sorted(_FOLDER.glob("*.toml")))
    return [manifest for manifest in found if manifest is not None]


def describe(manifest: Manifest) -> dict[str, Any]:
    """The connector as the API's catalog shows it."""
    capabilities = ["users", "grants"]
    if manifest.groups is not None:
        capabilities.insert(1, "groups")
    if manifest.presets:
        capabilities.append("actions")
    return {
        "key": manifest.key,
        "name": manifest.name,
        "description": manifest.description,
        "auth": {
            "type": manifest.auth.type,
            "name": manifest.auth.name,
            "add_to": manifest.auth.add_to,
        },
        "subdomain_url": manifest.address.subdomain_url,
        "subdomain_variable": manifest.address.variable,
        "base_url": manifest.address.base_url,
        "rate_limit": {
            "requests": manifest.rate_limit.requests,
            "seconds": manifest.rate_limit.seconds,
        },
        "fields": [
            *({"key": f.key, "name": f.name, "type": f.type} for f in manifest.fields),
            *CONNECT_FIELDS,
        ],
        "capabilities": capabilities,
        "presets": [describe_preset(preset) for preset in manifest.presets],
    }


def describe_preset(preset: Preset) -> dict[str, Any]:
    """A preset with its inputs, as the API shows it."""
    return {
        "key": preset.key,
        "name": preset.name,
        "description": preset.description,
        "does": preset.does,
        "inputs": [
            {**asdict(one), "choices": list(one.choices) or None}
            for one in ((USER, *preset.inputs) if preset.about_user else preset.inputs)
        ],
    }


@dataclass(frozen=True, slots=True)
class Entry:
    """A connector in the catalog. `version` counts the changes of the customer's own; None where
    it comes with Rollcall.
    """

    manifest: Manifest
    version: int | None = None
    created_at: str | None = None
    updated_at: str | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Entry":
        """Read the config table's item; raises KeyError for an attribute that must be there."""
        return cls(
            manifest=build(json.loads(item["manifest"])),
            version=item["version"],
            created_at=item["created_at"],
            updated_at=item["updated_at"],
        )


class Catalog:
    """The connectors of a deployment: those that come with Rollcall, and the customer's own.

    A customer's own is (`CONNECTOR`, key) in the config table, its manifest as JSON text. One that
    comes with Rollcall wins over it.
    """

    def __init__(self, config: Table) -> None:
        self._config = config

    def find(self, key: str) -> Manifest | None:
        """The connector of that key, or None."""
        entry = self.entry(key)
        return entry.manifest if entry is not None else None

    def entry(self, key: str) -> Entry | None:
        """The connector of that key with its version, or None."""
        built_in = find(key)
        if built_in is not None:
            return Entry(built_in)
        item = self._config.get(KIND, key)
        return Entry.from_item(item) if item is not None else None

    def everything(self) -> list[Manifest]:
        """Every connector, in the order of their keys."""
        return [entry.manifest for entry in self.entries()]

    def entries(self) -> list[Entry]:
        """Every connector with its version, in the order of their keys."""
        own = {item["sk"]: Entry.from_item(item) for item in self._config.query(KIND)}
        found = own | {manifest.key: Entry(manifest) for manifest in everything()}
        return [found[key] for key in sorted(found)]
