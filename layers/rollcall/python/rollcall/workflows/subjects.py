"""Rows of the roster: what a query finds, and the one row of a person, an account or a grant.

A row is `{"person", "account", "grant", "integration_id", "application", "versions"}`: of a query
of grants all of it, of accounts without a grant, of people the person alone; what is not there is
None. Whom an account belongs to is shown also where that person was removed. `versions` has the
version of each part that is there, as events tell it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from json import loads
from typing import Any, Protocol

from rollcall.connectors import paths
from rollcall.connectors.catalog import Catalog
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.records import read_fields
from rollcall.directory import keys
from rollcall.integrations.store import Integrations
from rollcall.items import Item
from rollcall.mapping.conditions import GROUPS, Conditions
from rollcall.tables import BATCH_GET, Condition, Table, absent, equals
from rollcall.workflows.document import Query

Row = dict[str, Any]
EVERYTHING = frozenset({"person", "account", "grant"})
"""The parts of a row."""
_ACCOUNT = ("username", "email", "display_name", "status", "person_id", "last_active_at")
_GRANT = ("account", "type", "entitlement_id", "name", "scope", "scope_name")
_THERE = Condition("#status <> :removed", {"#status": "status"}, {":removed": "removed"})


class Roster(Protocol):
    """What holds the two tables that rows are read from."""

    @property
    def config(self) -> Table:
        """The integrations."""

    @property
    def directory(self) -> Table:
        """People, accounts and grants."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """An integration as its accounts show it."""

    integration_id: str
    application: str | None
    manifest: Manifest | None


@dataclass(slots=True)
class _Found:
    """A row that is being put together, and what its other parts are found by."""

    row: Row
    person_id: str | None = None
    origin: _Origin | None = None
    account: tuple[str, str] | None = None


def rows(stores: Roster, query: Query, needs: Collection[str] = EVERYTHING) -> Iterator[Row]:
    """What the query finds, by person or by integration and account; read as it is asked for.

    `needs` are the parts that the caller looks at: what neither they nor the condition speak of
    is not read, and is None. A condition that asks nothing of the other parts is judged before
    these are read.
    """
    for batch in batches(stores, query, needs):
        yield from batch


def batches(
    stores: Roster, query: Query, needs: Collection[str] = EVERYTHING
) -> Iterator[list[Row]]:
    """The same by what is read at once, of which nothing may hold: for who has little time."""
    return _Reading(stores, query, frozenset(needs)).batches()


def person_row(stores: Roster, person_id: str) -> Row | None:
    """The row of one person, also of one who was removed; None where there is none."""
    item = stores.directory.get(keys.person(person_id), "PERSON")
    return _row(person=item) if item is not None else None


def account_row(stores: Roster, integration_id: str, external_id: str) -> Row | None:
    """The row of one account with its person, also of one that was removed; None: there is none."""
    item = stores.directory.get(keys.integration(integration_id), keys.account(external_id))
    if item is None or "load" in item:
        return None
    origin = _origin(stores, integration_id)
    person_id = item.get("person_id")
    person = stores.directory.get(keys.person(person_id), "PERSON") if person_id else None
    return _row(origin, person=person, account=item)


def accounts_of(stores: Roster, person_id: str) -> list[Row]:
    """The accounts that the person has now, as rows."""
    directory = stores.directory
    person = directory.get(keys.person(person_id), "PERSON")
    index = directory.query(
        keys.person(person_id), "ACCOUNT#", index="gsi1", attributes=("pk", "sk")
    )
    places = [(one["pk"], one["sk"]) for one in index]
    items = directory.get_many(places)
    found: list[Row] = []
    origins: dict[str, _Origin] = {}
    for place in sorted(items):
        item = items[place]
        if item["status"] == "removed" or item.get("person_id") != person_id:
            continue
        integration_id = item["integration_id"]
        if integration_id not in origins:
            origins[integration_id] = _origin(stores, integration_id)
        origin = origins[integration_id]
        found.append(_row(origin, person=person, account=item))
    return found


def spoken_of(condition: Mapping[str, Any] | None) -> frozenset[str]:
    """The first keys of every path that a condition asks for: `person` of `person.status`."""
    return frozenset(str(steps[0]) for steps in asked_for(condition))


def asked_for(condition: Mapping[str, Any] | None) -> Iterator[paths.Steps]:
    """The steps of every path that a condition asks for."""
    if condition is None:
        return
    for kind in GROUPS:
        if kind in condition:
            inner = condition[kind]
            for one in inner if isinstance(inner, list) else [inner]:
                yield from asked_for(one)
            return
    parsed = paths.parse(str(condition["field"]))
    if not isinstance(parsed, paths.BadPath):
        yield from parsed


@dataclass(slots=True)
class _Reading:
    """One query on its way through the directory, a hundred rows at a time."""

    stores: Roster
    query: Query
    needs: frozenset[str]
    conditions: Conditions = field(init=False)
    asked: frozenset[str] = field(init=False)
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.conditions = Conditions(self.query.when)
        self.asked = spoken_of(self.query.when) & EVERYTHING
        self.now = datetime.now(UTC)

    def batches(self) -> Iterator[list[Row]]:
        for chunk in self._chunks():
            self._join(chunk, self.asked)
            held = [one for one in chunk if self._holds(one.row)]
            self._join(held, self.needs)
            yield [one.row for one in held]

    def _holds(self, row: Row) -> bool:
        return self.conditions.verdict(row, {}, self.now).passed

    def _chunks(self) -> Iterator[list[_Found]]:
        match self.query.of:
            case "people":
                found = self._people()
            case "accounts":
                found = self._accounts()
            case "grants":
                found = self._grants()
        while chunk := list(islice(found, BATCH_GET)):
            yield chunk

    def _people(self) -> Iterator[_Found]:
        directory = self.stores.directory
        ids = self._people_of(self.query.integrations) if self.query.integrations else self._all()
        while some := list(islice(ids, BATCH_GET)):
            items = directory.get_many((keys.person(one), "PERSON") for one in some)
            for one in some:
                item = items.get((keys.person(one), "PERSON"))
                if item is not None and "removed_at" not in item:
                    yield _Found(_row(person=item))

    def _all(self) -> Iterator[str]:
        index = self.stores.directory.query(keys.PEOPLE, index="gsi1", attributes=("pk",))
        return (one["pk"].removeprefix(keys.person("")) for one in index)

    def _people_of(self, integration_ids: Sequence[str]) -> Iterator[str]:
        """Who has an account there, or a record where people only are loaded: each once."""
        seen: set[str] = set()
        for one in integration_ids:
            pk = keys.integration(one)
            wanted = ("person_id",)
            items = self.stores.directory.query(pk, "ACCOUNT#", attributes=wanted, where=_THERE)
            for item in items:
                person_id = item.get("person_id")
                if person_id is not None and person_id not in seen:
                    seen.add(person_id)
                    yield person_id

    def _accounts(self) -> Iterator[_Found]:
        for origin in self._origins():
            pk = keys.integration(origin.integration_id)
            where = _THERE & absent("load")
            for item in self.stores.directory.query(pk, "ACCOUNT#", where=where):
                yield _Found(_row(origin, account=item), item.get("person_id"), origin)

    def _grants(self) -> Iterator[_Found]:
        for origin in self._origins():
            pk = keys.integration(origin.integration_id)
            items = self.stores.directory.query(
                pk, "GRANT#", attributes=(*_GRANT, "version"), where=equals("status", "held")
            )
            for item in items:
                account = (pk, keys.account(item["account"]))
                yield _Found(_row(origin, grant=item), None, origin, account)

    def _origins(self) -> Iterator[_Origin]:
        """The integrations that have accounts, in the order of their ids."""
        catalog = Catalog(self.stores.config)
        manifests: dict[str, Manifest | None] = {}
        wanted = self.query.integrations
        for one in Integrations(self.stores.config).everything():
            if one.load == "people" or (wanted and one.id not in wanted):
                continue
            if one.connector not in manifests:
                manifests[one.connector] = catalog.find(one.connector)
            yield _Origin(one.id, one.application, manifests[one.connector])

    def _join(self, found: Sequence[_Found], parts: frozenset[str]) -> None:
        """Read those parts of the rows that are not there yet."""
        if self.query.of == "people":
            return
        if self.query.of == "grants" and parts & {"account", "person"}:
            self._join_accounts(found, whole="account" in parts)
        if "person" in parts:
            self._join_people(found)

    def _join_accounts(self, found: Sequence[_Found], *, whole: bool) -> None:
        """The accounts of grants; of those that nobody looks at only whose they are."""
        lacking = [
            one
            for one in found
            if one.account is not None
            and (one.row["account"] is None if whole else one.person_id is None)
        ]
        places = [one.account for one in lacking if one.account is not None]
        items = self.stores.directory.get_many(places, () if whole else ("person_id",))
        for one in lacking:
            item = items.get(one.account) if one.account is not None else None
            if item is None or one.origin is None:
                continue
            one.person_id = item.get("person_id")
            if whole and item["status"] != "removed":
                _show(one.row, "account", item, one.origin)

    def _join_people(self, found: Sequence[_Found]) -> None:
        lacking = [one for one in found if one.person_id is not None and one.row["person"] is None]
        ids = {one.person_id for one in lacking if one.person_id is not None}
        items = self.stores.directory.get_many((keys.person(one), "PERSON") for one in ids)
        for one in lacking:
            item = items.get((keys.person(one.person_id or ""), "PERSON"))
            if item is not None:
                _show(one.row, "person", item)


def _row(
    origin: _Origin | None = None,
    *,
    person: Item | None = None,
    account: Item | None = None,
    grant: Item | None = None,
) -> Row:
    """A row of these parts, each given as its item."""
    row: Row = {
        "person": None,
        "account": None,
        "grant": None,
        "integration_id": origin.integration_id if origin is not None else None,
        "application": origin.application if origin is not None else None,
        "versions": {},
    }
    for part, item in (("person", person), ("account", account), ("grant", grant)):
        if item is not None:
            _show(row, part, item, origin)
    return row


def _show(row: Row, part: str, item: Item, origin: _Origin | None = None) -> None:
    """Put a part into the row, and its version."""
    match part:
        case "person":
            row[part] = _person(item)
        case "account":
            row[part] = _account(item, origin)
        case _:
            row[part] = {name: item.get(name) for name in _GRANT}
    row["versions"][part] = item["version"]


def _origin(stores: Roster, integration_id: str) -> _Origin:
    integration = Integrations(stores.config).get(integration_id)
    if integration is None:
        return _Origin(integration_id, None, None)
    manifest = Catalog(stores.config).find(integration.connector)
    return _Origin(integration_id, integration.application, manifest)


def _person(item: Item) -> Row:
    return {**item["fields"], "id": item["id"]}


def _account(item: Item, origin: _Origin | None) -> Row:
    manifest = origin.manifest if origin is not None else None
    attributes = loads(item["attributes"])
    return {
        "integration_id": item["integration_id"],
        "application": origin.application if origin is not None else None,
        "external_id": item["external_id"],
        **{name: item.get(name) for name in _ACCOUNT},
        "kind": item.get("kind", "person"),
        "link": item.get("link"),
        "left_at": item.get("left_at"),
        "attributes": attributes,
        "fields": read_fields(manifest, attributes) if manifest else {},
    }
