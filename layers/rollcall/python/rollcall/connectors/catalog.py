"""The connectors that come with Rollcall: every manifest in this folder. Nothing registers them."""

from functools import cache
from pathlib import Path
from typing import Any

from rollcall.connectors.manifest import Manifest, build, parse

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
        "rate_limit": {
            "requests": manifest.rate_limit.requests,
            "seconds": manifest.rate_limit.seconds,
        },
        "fields": [
            *({"key": f.key, "name": f.name, "type": f.type} for f in manifest.fields),
            *CONNECT_FIELDS,
        ],
        "capabilities": capabilities,
        "presets": [],
    }
