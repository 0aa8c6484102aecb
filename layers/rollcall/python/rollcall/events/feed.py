"""The change feed: records of a table's stream in, events on the bus out."""

from collections.abc import Mapping, Sequence
from typing import Any

from rollcall.directory import keys
from rollcall.events.changes import Change, associated, association, events_of
from rollcall.events.model import Event
from rollcall.events.publishing import Publisher
from rollcall.integrations.store import Integrations
from rollcall.tables import Table

Record = Mapping[str, Any]


class Feed:
    """Turns stored changes into events. Doing it again publishes the same events again."""

    def __init__(self, publisher: Publisher, config: Table, directory: Table) -> None:
        self._publisher = publisher
        self._config = config
        self._directory = directory
        self._applications: dict[str, str] = {}

    def take(self, records: Sequence[Record]) -> int:
        """Publish what the records tell, in their order; how many events had to be parked.

        A record that no events can be made of is parked whole, and the others go on.
        """
        events: list[Event] = []
        parked = 0
        self._applications.clear()  # they can be changed
        for record in records:
            try:
                events += self.events(record)
            except Exception as error:  # noqa: BLE001 - one record must not stop the stream
                self._publisher.park({"record": record}, f"{type(error).__name__}: {error}")
                parked += 1
        return parked + self._publisher.publish(events)

    def events(self, record: Record) -> list[Event]:
        """The events of one record."""
        change = Change.from_record(record)
        made = events_of(change)
        person_id = associated(change)
        if person_id is not None and (application := self._first_in(change, person_id)):
            made.append(association(change, application))
        return made

    def _first_in(self, change: Change, person_id: str) -> str | None:
        """The application in which the person had no account before; None where they had."""
        item = change.either
        application = self._application(item["integration_id"])
        index = self._directory.query(
            keys.person(person_id), "ACCOUNT#", index="gsi1", attributes=("pk", "sk")
        )
        places = [(one["pk"], one["sk"]) for one in index]
        others = self._directory.get_many(
            [place for place in places if place != (item["pk"], item["sk"])],
            ("integration_id", "status", "person_id", "first_seen_at"),
        )
        for other in others.values():
            if other["status"] == "removed" or other.get("person_id") != person_id:
                continue
            same = self._application(other["integration_id"]) == application
            if same and other["first_seen_at"] < item["first_seen_at"]:
                return None
        return application

    def _application(self, integration_id: str) -> str:
        if integration_id not in self._applications:
            integration = Integrations(self._config).get(integration_id)
            name = integration.application if integration is not None else integration_id
            self._applications[integration_id] = name
        return self._applications[integration_id]
