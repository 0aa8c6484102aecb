"""What a run keeps below itself, in the runs table: what it saw, and what there is to say of it.

| item                | pk       | sk                         |
|---------------------|----------|----------------------------|
| what it goes by     | RUN#id   | TERMS                      |
| what a page saw     | RUN#id   | PAGE#phase#list#pass#page  |
| a confirming look   | RUN#id   | LOOK#phase#unit            |
| a record error      | RUN#id   | ERROR#list#record#code     |
| who would go        | RUN#id   | CANDIDATE#sort key         |
| a change of a plan  | RUN#id   | CHANGE#…                   |
| a line of the log   | RUN#id   | LOG#time#id                |

All but the log's lines have keys that follow from what they are, so that storing one twice changes
nothing.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from rollcall.items import Item
from rollcall.stamps import new_id, now
from rollcall.sync.seen import Sight
from rollcall.tables import Table

_NOTHING: Mapping[str, str] = {}
_CHUNK = 500
_USERS = "PAGE#pull#users#"
_SKIP = ("external_id", "sync_key", "name", "code", "message")
_HIDDEN = frozenset({"pk", "sk", "expires_at"})


def expiry(days: int) -> int:
    """The moment, in Unix seconds, after which the table may forget an item of today."""
    return int(time.time()) + days * 86_400


class Kept:
    """The store of what runs keep; every item expires after `days`."""

    def __init__(self, table: Table, days: int) -> None:
        self._table = table
        self._days = days

    def save_terms(self, run_id: str, integration: Mapping[str, Any]) -> None:
        """Keep the integration as it is when the run begins."""
        self.save(run_id, [("TERMS", integration)])

    def terms(self, run_id: str) -> Item | None:
        """The integration as it was when the run began; None before that."""
        return self._table.get(f"RUN#{run_id}", "TERMS")

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

    def errors(
        self, run_id: str, limit: int, after: Item | None, wanted: Mapping[str, str] = _NOTHING
    ) -> tuple[list[Item], Item | None]:
        """Record errors: `external_id, sync_key, field, code, message, record`.

        `wanted` names attributes and the values that they must have.
        """
        return self._listed(run_id, "ERROR#", limit, after, wanted)

    def every_error(
        self, run_id: str, after: Item | None, wanted: Mapping[str, str]
    ) -> Iterator[tuple[Item, Item]]:
        """The same to the end, each with the key to go on after."""
        return self._matching(run_id, "ERROR#", after, wanted, _CHUNK)

    def changes(
        self, run_id: str, limit: int, after: Item | None, wanted: Mapping[str, str]
    ) -> tuple[list[Item], Item | None]:
        """What a plan would change: `kind, id, change, before, after`; `wanted` as for errors."""
        return self._listed(run_id, "CHANGE#", limit, after, wanted)

    def skipped(
        self, run_id: str, limit: int, after: Item | None
    ) -> tuple[list[Item], Item | None]:
        """The records that the filter or the preference left out, in the order of the pages.

        `external_id, sync_key, name, code, message`. They are told by the last pass over the
        users, of which each page says its own.
        """
        pk = f"RUN#{run_id}"
        last, _ = self._table.page(pk, _USERS, limit=1, backwards=True)
        if not last:
            return [], None
        prefix = last[0]["sk"].rsplit("#", 1)[0] + "#"
        page, place = (after["page"], after["place"]) if after else (0, 0)
        found: list[Item] = []
        start = {"pk": pk, "sk": f"{prefix}{page - 1:06d}"} if page else None
        while True:
            items, start = self._table.page(pk, prefix, limit=10, after=start)
            for item in items:
                skips = Sight.from_item(item).skips
                first = place if item["number"] == page else 0
                for number, skip in enumerate(skips[first:], first):
                    if len(found) == limit:
                        return found, {"page": item["number"], "place": number}
                    found.append(dict(zip(_SKIP, skip, strict=True)))
            if start is None:
                return found, None

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
        self,
        run_id: str,
        prefix: str,
        limit: int,
        after: Item | None,
        wanted: Mapping[str, str] = _NOTHING,
    ) -> tuple[list[Item], Item | None]:
        chunk = _CHUNK if wanted else limit + 1
        found = list(islice(self._matching(run_id, prefix, after, wanted, chunk), limit + 1))
        last = found[limit - 1][0] if len(found) > limit else None
        return [shown for _, shown in found[:limit]], last

    def _matching(
        self,
        run_id: str,
        prefix: str,
        after: Item | None,
        wanted: Mapping[str, str],
        chunk: int,
    ) -> Iterator[tuple[Item, Item]]:
        while True:
            items, after = self._table.page(f"RUN#{run_id}", prefix, limit=chunk, after=after)
            for item in items:
                if all(item.get(name) == value for name, value in wanted.items()):
                    key = {"pk": item["pk"], "sk": item["sk"]}
                    yield key, {k: v for k, v in item.items() if k not in _HIDDEN}
            if after is None:
                return

    def note(self, run_id: str, message: str) -> None:
        """Add a line to the run's log."""
        at = now()
        self.save(run_id, [(f"LOG#{at}#{new_id()}", {"at": at, "message": message})])
