"""What a run keeps below itself, in the runs table: what it saw, and what there is to say of it.

| item                | pk       | sk                         |
|---------------------|----------|----------------------------|
| what a page saw     | RUN#id   | PAGE#phase#list#pass#page  |
| a confirming look   | RUN#id   | LOOK#phase#unit            |
| a record error      | RUN#id   | ERROR#list#record#code     |
| who would go        | RUN#id   | CANDIDATE#sort key         |
| a line of the log   | RUN#id   | LOG#time#id                |

All but the log's lines have keys that follow from what they are, so that storing one twice changes
nothing.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rollcall.stamps import new_id, now
from rollcall.tables import Item, Table


def expiry(days: int) -> int:
    """The moment, in Unix seconds, after which the table may forget an item of today."""
    return int(time.time()) + days * 86_400


class Kept:
    """The store of what runs keep; every item expires after `days`."""

    def __init__(self, table: Table, days: int) -> None:
        self._table = table
        self._days = days

    def pages(self, run_id: str, phase: str = "") -> Iterator[Item]:
        """What the run's pages saw, of one phase or of all."""
        return self._table.query(f"RUN#{run_id}", f"PAGE#{phase}#" if phase else "PAGE#")

    def looks(self, run_id: str, phase: str = "") -> Iterator[Item]:
        """The confirming looks that were taken."""
        return self._table.query(f"RUN#{run_id}", f"LOOK#{phase}#" if phase else "LOOK#")

    def save_look(self, run_id: str, phase: str, unit: str, still: Iterable[str]) -> Item:
        """Store which sort keys a look found to be there; returns what is stored."""
        look = {"unit": unit, "still": sorted(still)}
        self.save(run_id, [(f"LOOK#{phase}#{unit}", look)])
        return look

    def drop_candidates(self, run_id: str, candidates: Iterable[str]) -> None:
        """These are there after all."""
        self._table.write_many((), ((f"RUN#{run_id}", f"CANDIDATE#{sk}") for sk in candidates))

    def save_errors(self, run_id: str, errors: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Store record errors, each under its own key so that doing it twice changes nothing."""
        self.save(run_id, ((f"ERROR#{place}", error) for place, error in errors))

    def save_candidates(
        self, run_id: str, candidates: Iterable[tuple[str, Mapping[str, Any]]]
    ) -> None:
        """Store who would be removed, by sort key in the directory."""
        self.save(run_id, ((f"CANDIDATE#{place}", who) for place, who in candidates))

    def save(self, run_id: str, items: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Store items below the run, by their sort keys."""
        expires_at = expiry(self._days)
        self._table.write_many(
            {"pk": f"RUN#{run_id}", "sk": sk, "expires_at": expires_at, **item}
            for sk, item in items
        )

    def errors(self, run_id: str, limit: int, after: Item | None) -> tuple[list[Item], Item | None]:
        """Record errors: `external_id, sync_key, code, message`."""
        return self._listed(run_id, "ERROR#", limit, after)

    def count_errors(self, run_id: str) -> int:
        """How many record errors the run has."""
        return sum(1 for _ in self._table.query(f"RUN#{run_id}", "ERROR#", attributes=("sk",)))

    def candidates(
        self, run_id: str, limit: int, after: Item | None
    ) -> tuple[list[Item], Item | None]:
        """Who a held run would remove: `kind, external_id, name`, of a grant also its account."""
        return self._listed(run_id, "CANDIDATE#", limit, after)

    def every_candidate(self, run_id: str) -> set[str]:
        """The directory's sort keys of all candidates."""
        found = self._table.query(f"RUN#{run_id}", "CANDIDATE#", attributes=("sk",))
        return {item["sk"].removeprefix("CANDIDATE#") for item in found}

    def log(self, run_id: str, limit: int, after: Item | None) -> tuple[list[Item], Item | None]:
        """What the run did, step by step: `at, message`."""
        return self._listed(run_id, "LOG#", limit, after)

    def _listed(
        self, run_id: str, prefix: str, limit: int, after: Item | None
    ) -> tuple[list[Item], Item | None]:
        items, last = self._table.page(f"RUN#{run_id}", prefix, limit=limit, after=after)
        hidden = {"pk", "sk", "expires_at"}
        shown = [{k: v for k, v in item.items() if k not in hidden} for item in items]
        return shown, last

    def note(self, run_id: str, message: str) -> None:
        """Add a line to the run's log."""
        at = now()
        self.save(run_id, [(f"LOG#{at}#{new_id()}", {"at": at, "message": message})])
