"""Filling a directory with the very items that a first sync stores, in a fraction of its time.

The product makes the items: its reader reads the app's pages and `take`, `take_groups` and `hold`
are given a table that looks empty and keeps what is put. They are then stored 25 at a time without
conditions. People and sync keys are left out: an unchanged pull does not read them.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx

from bench.house import manifest
from bench.processes import Watch
from bench.syncs import PAGE, Tenant
from rollcall.connectors.records import Account, Group, Reader
from rollcall.directory.accounts import take
from rollcall.directory.grants import hold, take_groups
from rollcall.directory.people import Rank
from rollcall.directory.source import Source
from rollcall.fields.model import STANDARD
from rollcall.fields.store import ROLES
from rollcall.mapping.mapper import Mapper
from rollcall.mapping.model import mapping_of
from rollcall.stamps import now
from rollcall.tables import BATCH_WRITE, Table

_WRITERS = 3


class EmptyDirectory:
    """A DynamoDB client of an empty table, which keeps the raw items put there."""

    def __init__(self) -> None:
        self.items: list[Mapping[str, Any]] = []
        nobody = type("Nobody", (Exception,), {})
        self.exceptions = SimpleNamespace(TransactionCanceledException=nobody)

    def batch_get_item(self, **_: Any) -> dict[str, Any]:
        """Nothing is there."""
        return {"Responses": {}}

    def batch_write_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Keep every item."""
        for requests in RequestItems.values():
            self.items += [request["PutRequest"]["Item"] for request in requests]
        return {}

    def transact_write_items(self, TransactItems: Sequence[Mapping[str, Any]]) -> None:  # noqa: N803
        """Keep every item."""
        self.items += [action["Put"]["Item"] for action in TransactItems if "Put" in action]


def rules(
    integration_id: str, run_id: str, moment: str, rank: Rank = (0, "", "")
) -> tuple[Source, Mapper]:
    """A run that writes for the integration, and how it maps: as the connector says."""
    connector = manifest()
    mapper = Mapper(connector, mapping_of(connector, None), STANDARD, ROLES)
    source = Source(
        integration_id=integration_id,
        run_id=run_id,
        now=moment,
        sync_keys=mapper.sync_keys,
        writes=mapper.writes,
        unique=frozenset(field.key for field in STANDARD.values() if field.unique),
        ranks={integration_id: rank},
    )
    return source, mapper


def reader(source: Source, mapper: Mapper) -> Reader:
    """As a run reads: what it stores is unchanged to the next one."""
    return Reader(manifest(), mapper.version + source.load.encode())


def preload(tenant: Tenant, watch: Watch) -> None:
    """Store what the first sync of the tenant would; `watch` is told the number of accounts."""
    of = tenant.integration
    writer = rules(of.id, "preloaded", now(), of.rank)
    table = Table(tenant.aws.dynamodb, tenant.settings.directory_table)
    accounts = 0
    with ThreadPoolExecutor(_WRITERS) as writers:
        for size, made in _pages(tenant, writer):
            pk = f"I#{tenant.integration.id}"
            items = [item for item in made if item["pk"]["S"] == pk]
            batches = [items[at : at + BATCH_WRITE] for at in range(0, len(items), BATCH_WRITE)]
            for stored in writers.map(lambda batch: _store(table, batch), batches):
                assert stored
            accounts += size
            watch(accounts)


def _store(table: Table, items: Sequence[Mapping[str, Any]]) -> bool:
    requests = [{"PutRequest": {"Item": item}} for item in items]
    answer = table.client.batch_write_item(RequestItems={table.name: requests})
    return not answer.get("UnprocessedItems")


def _pages(
    tenant: Tenant, writer: tuple[Source, Mapper]
) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """The raw items of each page of each list, with how many accounts there are among them."""
    source, mapper = writer
    read_by = reader(source, mapper)
    groups: dict[str, Group] = {}
    with httpx.Client(headers={"Api-Token": tenant.vendor.token}, trust_env=False) as client:
        base = f"{tenant.vendor.url}{manifest().address.path}"
        for records in _listed(client, f"{base}/users", "users"):
            empty = EmptyDirectory()
            read = [read_by.account(record) for record in records]
            accounts = [one for one in read if isinstance(one, Account)]
            take(Table(empty, "directory"), source, mapper, accounts)
            yield len(accounts), empty.items
        for records in _listed(client, f"{base}/groups", "groups"):
            empty = EmptyDirectory()
            found = [read_by.group(record) for record in records]
            page = [one for one in found if isinstance(one, Group)]
            groups |= {group.external_id: group for group in page}
            take_groups(Table(empty, "directory"), source, page)
            yield 0, empty.items
        for group in groups.values():
            for rows in _listed(
                client, f"{base}/groups/{group.external_id}/userGroups", "userGroups"
            ):
                empty = EmptyDirectory()
                told = [grant for row in rows for grant in read_by.membership(row, group)]
                hold(Table(empty, "directory"), source, told)
                yield 0, empty.items


def _listed(client: httpx.Client, url: str, name: str) -> Iterator[list[dict[str, Any]]]:
    offset, total = 0, 1
    while offset < total:
        page = client.get(url, params={"limit": PAGE, "offset": offset}).raise_for_status().json()
        total = int(page["meta"]["total"])
        offset += PAGE
        yield page[name]
