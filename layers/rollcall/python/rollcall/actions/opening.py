"""Opening apps again and again in a warm function: what that needs is read in one go.

Nothing that may change is remembered but the value of a secret, for a minute and as long as its
credential is not rotated; one that the app refuses is read anew in any case.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from rollcall.aws import Aws
from rollcall.connectors import catalog
from rollcall.connectors.catalog import KIND as CONNECTOR
from rollcall.connectors.catalog import Entry
from rollcall.connectors.engine import App
from rollcall.connectors.manifest import Manifest
from rollcall.credentials.store import KIND as CREDENTIAL
from rollcall.credentials.store import Credential, CredentialMissing, Credentials
from rollcall.integrations.model import Integration
from rollcall.integrations.store import KIND as INTEGRATION
from rollcall.integrations.variables import KIND as VARIABLE
from rollcall.items import Item
from rollcall.settings import Settings
from rollcall.sync.connect import Trouble, app_of
from rollcall.tables import Table

_SECRET_SECONDS = 60.0

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """An integration with its app, to be closed after use, or why that cannot be called."""

    integration: Integration
    app: App | Trouble


class Opener:
    """Opens the apps of integrations; thread-safe."""

    def __init__(self, settings: Settings, aws: Aws) -> None:
        self._settings = settings
        self._aws = aws
        self._config = Table(aws.dynamodb, settings.config_table)
        self._credentials = Credentials(self._config, aws.secretsmanager, settings.secret_prefix)
        self._needed: dict[str, list[Key]] = {}
        """What an integration needed the time before is read along with it."""
        self._secrets: dict[tuple[str, str], tuple[float, Mapping[str, str]]] = {}

    def open(self, integration_id: str) -> Opened | None:
        """The integration and its app, for a call or two; None where there is none of that id."""
        items = self._config.get_many(
            [(INTEGRATION, integration_id), *self._needed.get(integration_id, ())]
        )
        item = items.get((INTEGRATION, integration_id))
        if item is None:
            return None
        integration = Integration.from_item(item)
        manifest = self._manifest(integration, items)
        address = manifest.address.variable if manifest is not None else ""
        variable = (VARIABLE, address)
        needed = [(CREDENTIAL, integration.credential_id), *([variable] if address else [])]
        connector = (CONNECTOR, integration.connector)
        before = self._needed.get(integration_id, ())
        items |= self._config.get_many(key for key in needed if key not in before)
        self._needed[integration_id] = [*needed, *([connector] if connector in items else [])]
        value = items[variable]["value"] if variable in items else None
        item = items.get((CREDENTIAL, integration.credential_id))
        credential = Credential.from_item(item) if item is not None else None
        secret = self._secret(credential) if credential is not None else None
        app = app_of(
            self._settings, self._aws, integration, manifest, value, credential, secret, ahead=1
        )
        return Opened(integration, app)

    def _manifest(self, integration: Integration, items: dict[Key, Item]) -> Manifest | None:
        built_in = catalog.find(integration.connector)
        if built_in is not None:
            return built_in
        key = (CONNECTOR, integration.connector)
        if key not in items:
            items |= self._config.get_many([key])
        return Entry.from_item(items[key]).manifest if key in items else None

    def _secret(self, credential: Credential) -> Mapping[str, str] | None:
        key = (credential.id, credential.updated_at)
        read_at, secret = self._secrets.get(key, (0.0, {}))
        if secret and time.monotonic() - read_at < _SECRET_SECONDS:
            return secret
        try:
            secret = self._credentials.value(credential.id)
        except CredentialMissing:
            return None
        # Only the latest of each credential: a warm function may serve many for hours.
        self._secrets = {one: kept for one, kept in self._secrets.items() if one[0] != key[0]}
        self._secrets[key] = (time.monotonic(), secret)
        return secret
