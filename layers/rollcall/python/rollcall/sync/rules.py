"""By which rules an integration brings something to the directory: who takes, and what of it."""

from typing import TYPE_CHECKING, Literal

from rollcall.connectors.manifest import Manifest
from rollcall.directory.source import Source
from rollcall.fields.store import Fields
from rollcall.integrations.model import Integration
from rollcall.integrations.store import Integrations
from rollcall.mapping.mapper import Mapper
from rollcall.mapping.model import mapping_of
from rollcall.stamps import now
from rollcall.tables import Table

if TYPE_CHECKING:
    from rollcall.mapping.conditions import Conditions


def rules_of(
    config: Table,
    integration: Integration,
    manifest: Manifest,
    taker: str,
    by: Literal["sync", "action"] = "sync",
) -> "tuple[Source, Mapper, Conditions | None]":
    """Who takes, how a record is mapped, and which records are wanted (None: all).

    `taker` is the id of the run, or of the action, that what is changed will be known by.
    """
    fields = Fields(config)
    person_fields = fields.everything()
    rules = mapping_of(manifest, integration.mapping)
    mapper = Mapper(manifest, rules, person_fields, fields.roles())
    source = Source(
        integration_id=integration.id,
        run_id=taker,
        now=now(),
        sync_keys=mapper.sync_keys,
        writes=mapper.writes,
        unique=frozenset(field.key for field in person_fields.values() if field.unique),
        ranks={one.id: one.rank for one in Integrations(config).everything()},
        load=integration.load,
        preference=integration.preference,
        on_leave=integration.on_leave,
        on_return=integration.on_return,
        by=by,
    )
    if integration.filter is None:
        return source, mapper, None
    from rollcall.mapping.conditions import Conditions  # noqa: PLC0415 - where there is one

    return source, mapper, Conditions(integration.filter)
