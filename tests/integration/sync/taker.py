"""Takes records into a directory as an integration does, without an app and without a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rollcall.connectors import catalog
from rollcall.connectors.records import Account, Reader
from rollcall.directory import keys
from rollcall.directory.accounts import Outcome, take
from rollcall.directory.people import Rank
from rollcall.directory.removal import leave, remove
from rollcall.directory.source import Source
from rollcall.fields.model import STANDARD
from rollcall.fields.store import ROLES
from rollcall.items import Item
from rollcall.mapping.mapper import Mapped, Mapper
from rollcall.mapping.model import MappingRules, mapping_of
from rollcall.tables import Table

TWO_KEYS: dict[str, Any] = {
    "fields": [
        {"target": "email", "source": "email", "sync_key": 1},
        {"target": "employee_id", "source": "id", "sync_key": 2, "write": "always"},
        {"target": "username", "source": "username"},
        {"target": "title", "source": "firstName"},
    ]
}
"""An address, and a number that is written too."""
RANKS: dict[str, Rank] = {
    "older": (1, "2026-01-01", "older"),
    "newer": (1, "2026-01-02", "newer"),
    "newest": (1, "2026-01-03", "newest"),
}


class Counting(Mapper):
    """A mapper that counts how often it maps."""

    count = 0

    def mapped(self, record: Mapping[str, Any]) -> Mapped:
        self.count += 1
        return super().mapped(record)


@dataclass
class Taker:
    """One integration. Each `take` is a run of its own unless it is told which."""

    directory: Table
    id: str = "older"
    mapping: Mapping[str, Any] | None = None
    choices: dict[str, Any] = field(default_factory=dict)
    runs: int = 0

    @property
    def mapper(self) -> Counting:
        manifest = catalog.find("activecampaign")
        assert manifest is not None
        rules: MappingRules = mapping_of(manifest, self.mapping)
        return Counting(manifest, rules, STANDARD, ROLES)

    def source(self, run: str) -> Source:
        mapper = self.mapper
        source = Source(
            integration_id=self.id,
            run_id=f"{self.id}-{run}",
            now=f"2026-11-24T00:00:00.{self.runs:03}Z",
            sync_keys=mapper.sync_keys,
            writes=mapper.writes,
            unique=frozenset(one.key for one in STANDARD.values() if one.unique),
            ranks=RANKS,
        )
        return replace(source, **self.choices)

    def read(self, *records: dict[str, Any]) -> list[Account]:
        manifest = catalog.find("activecampaign")
        assert manifest is not None
        load = str(self.choices.get("load", "people_and_accounts"))
        reader = Reader(manifest, self.mapper.version + load.encode())
        accounts = [reader.account(record) for record in records]
        assert all(isinstance(account, Account) for account in accounts)
        return [account for account in accounts if isinstance(account, Account)]

    def take(
        self, *records: dict[str, Any], run: str | None = None, mapper: Mapper | None = None
    ) -> dict[str, Outcome]:
        self.runs += 1
        source = self.source(run or str(self.runs))
        return take(self.directory, source, mapper or self.mapper, self.read(*records))

    def one(self, **record: Any) -> Outcome:
        """The outcome of one record."""
        (outcome,) = self.take(user(**record)).values()
        return outcome

    def remove(self, *ids: str) -> int:
        self.runs += 1
        return remove(self.directory, self.source(str(self.runs)), list(map(keys.account, ids)))

    def leave(self, *ids: str) -> int:
        self.runs += 1
        return leave(self.directory, self.source(str(self.runs)), list(map(keys.account, ids)))

    def account(self, external_id: str) -> Item:
        item = self.directory.get(keys.integration(self.id), keys.account(external_id))
        assert item is not None, f"no account {external_id}"
        return item


def user(id: str = "1", email: str = "ann@x.test", **more: Any) -> dict[str, Any]:  # noqa: A002
    """A record of ActiveCampaign."""
    return {"id": id, "email": email, **more}


def people(directory: Table) -> dict[str, Item]:
    """Everybody, by id. Also sees to it that unique values and their keys agree."""
    items = directory.client.scan(TableName=directory.name, ConsistentRead=True)["Items"]
    places = [(item["pk"]["S"], item["sk"]["S"]) for item in items]
    every = directory.get_many(places)
    persons = {item["id"]: item for (_, sk), item in every.items() if sk == "PERSON"}
    told = {pk: item["person_id"] for (pk, sk), item in every.items() if sk == "KEY"}
    held = {
        keys.sync_key(name, person["fields"][name]): person_id
        for person_id, person in persons.items()
        for name in STANDARD
        if STANDARD[name].unique and person["fields"].get(name) not in (None, "")
    }
    assert told == held, "every unique value has its key, and every key its value"
    for item in every.values():
        if "external_id" in item and "person_id" in item:
            assert item["person_id"] in persons, "an account belongs to somebody who is there"
    return persons


def written(directory: Table) -> list[str]:
    """Everything that is stored, to see whether anything was."""
    return sorted(map(str, directory.client.scan(TableName=directory.name)["Items"]))
