"""What there is in a deployment that a document may speak of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rollcall.actions.saved import all_presets
from rollcall.connectors.catalog import Catalog
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.presets import Preset
from rollcall.fields.model import PersonField
from rollcall.fields.store import Fields
from rollcall.integrations.store import Integrations
from rollcall.integrations.variables import KIND as VARIABLE
from rollcall.tables import Table
from rollcall.workflows.document import (
    CallTrigger,
    Document,
    Input,
    WorkflowBlock,
    every_block,
    parsed,
)
from rollcall.workflows.store import Trigger, Workflows


@dataclass(frozen=True, slots=True)
class KnownIntegration:
    """An integration: its name, and the key of its connector."""

    name: str
    connector: str
    status: str = "active"


@dataclass(frozen=True, slots=True)
class KnownConnector:
    """What a connector offers: presets by key, saved ones too, and what it tells of an account.

    `fields` are its own fields by key, each with its path in the app's record. `last_active` is the
    path of when an account was last used; empty: the app does not tell.
    """

    name: str
    presets: Mapping[str, Preset]
    fields: Mapping[str, str]
    last_active: str = ""

    @classmethod
    def of(cls, manifest: Manifest, presets: Mapping[str, Preset]) -> "KnownConnector":
        """What a manifest says of it."""
        fields = {field.key: field.path for field in manifest.fields}
        return cls(manifest.name, presets, fields, manifest.users.columns.last_active_at)


@dataclass(frozen=True, slots=True)
class KnownWorkflow:
    """A workflow, by its latest document: what it asks for, and the workflows that it runs."""

    name: str
    trigger: Trigger
    inputs: tuple[Input, ...] = ()
    runs: frozenset[str] = frozenset()

    @classmethod
    def of(cls, document: Document) -> "KnownWorkflow":
        """What a document says of it."""
        begin = document.begin
        inputs = tuple(begin.inputs) if isinstance(begin, CallTrigger) else ()
        return cls(document.name, begin.trigger, inputs, frozenset(_runs(document)))


@dataclass(frozen=True, slots=True)
class Known:
    """Integrations by id, connectors in use by key, fields of people by key, the roles that people
    may have, the names of variables, and workflows by id.
    """

    integrations: Mapping[str, KnownIntegration]
    connectors: Mapping[str, KnownConnector]
    fields: Mapping[str, PersonField]
    roles: tuple[str, ...]
    variables: frozenset[str]
    workflows: Mapping[str, KnownWorkflow]

    def connector(self, integration_id: str) -> KnownConnector:
        """The connector of an integration that there is."""
        return self.connectors[self.integrations[integration_id].connector]


def known(config: Table) -> Known:
    """All of it as it is now. Reads a partition a kind, and one for the saved presets of each
    connector in use.
    """
    manifests = {manifest.key: manifest for manifest in Catalog(config).everything()}
    integrations = {
        one.id: KnownIntegration(one.name, one.connector, one.status)
        for one in Integrations(config).everything()
        if one.connector in manifests
    }
    used = {key: manifests[key] for key in {one.connector for one in integrations.values()}}
    fields = Fields(config)
    return Known(
        integrations=integrations,
        connectors={
            key: KnownConnector.of(
                manifest,
                {found.preset.key: found.preset for found in all_presets(config, manifest)},
            )
            for key, manifest in used.items()
        },
        fields=fields.everything(),
        roles=fields.roles(),
        variables=frozenset(item["name"] for item in config.query(VARIABLE)),
        workflows=dict(_workflows(Workflows(config).documents())),
    )


def _workflows(documents: Mapping[str, Any]) -> Iterator[tuple[str, KnownWorkflow]]:
    for workflow_id, data in documents.items():
        document = parsed(data)
        if isinstance(document, Document):
            yield workflow_id, KnownWorkflow.of(document)


def _runs(document: Document) -> Iterator[str]:
    for _, block in every_block(document.blocks):
        if isinstance(block, WorkflowBlock):
            yield block.workflow
