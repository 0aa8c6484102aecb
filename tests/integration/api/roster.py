"""Fills the directory as a run does."""

from typing import Any

from rollcall.connectors import catalog
from rollcall.connectors.records import Account, Grant, Group, Reader
from rollcall.directory.accounts import take
from rollcall.directory.grants import hold, take_groups
from rollcall.directory.source import Load, Source
from rollcall.fields.model import STANDARD
from rollcall.fields.store import ROLES
from rollcall.mapping.mapper import Mapper
from rollcall.mapping.model import mapping_of
from tests.integration.api.caller import Caller

NOW = "2026-11-22T15:00:00.000Z"


def record(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "email": f"ann{number:02}@example.com",
        "username": f"ann{number:02}",
        "firstName": "Ann",
        "lastName": f"Number {number}",
        "phone": "",
        **changes,
    }


def fill(
    api: Caller,
    integration_id: str,
    records: list[dict[str, Any]],
    load: Load = "people_and_accounts",
) -> None:
    manifest = catalog.find("activecampaign")
    assert manifest is not None
    mapper = Mapper(manifest, mapping_of(manifest, None), STANDARD, ROLES)
    source = Source(
        integration_id=integration_id,
        run_id="run",
        now=NOW,
        sync_keys=mapper.sync_keys,
        writes=mapper.writes,
        unique=frozenset(field.key for field in STANDARD.values() if field.unique),
        ranks={integration_id: (1, "", "")},
        load=load,
    )
    reader = Reader(manifest, mapper.version)
    accounts = [reader.account(one) for one in records]
    take(api.directory, source, mapper, [one for one in accounts if isinstance(one, Account)])
    if load == "people":
        return
    groups = [
        reader.group({"id": "3", "title": "Admin"}),
        reader.group({"id": "9/#", "title": "R&D"}),
    ]
    take_groups(api.directory, source, [one for one in groups if isinstance(one, Group)])
    hold(
        api.directory,
        source,
        [
            Grant("1", "group", "3", "Admin"),
            Grant("1", "admin", "3", "Admin"),
            Grant("2", "group", "3", "Admin"),
            Grant("2", "group", "9/#", "R&D"),
            Grant("3", "role", "owner", "Owner", "p1", "Product"),
        ],
    )
