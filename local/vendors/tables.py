"""Records kept in order of their numeric id, with the JSON of each kept once it was asked for.

A page of a hundred out of a hundred thousand is a slice of a sorted list of ids and a join of
ready bytes: no call walks all records.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Iterator, MutableMapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from threading import RLock


class Record(Protocol):
    """Immutable, so that bytes made from it stay true until it is replaced in its Table."""

    @property
    def id(self) -> str:
        """Digits only."""


R = TypeVar("R", bound=Record)


class Table(MutableMapping[str, R]):
    """A dict by id, listed in numeric order, with lookups by the keys that `keys` gives a record.

    To change a record put a new one in its place: `table["5"] = replace(table["5"], email=...)`.
    """

    def __init__(
        self, lock: RLock, keys: Callable[[R], Iterable[str]], records: Iterable[R] = ()
    ) -> None:
        self._lock = lock
        self._keys = keys
        self._records: dict[str, R] = {}
        self._ids: list[int] = []
        self._index: dict[str, list[int]] = {}
        self._rendered: dict[str, bytes] = {}
        self._shape: Hashable = None
        self._highest = 0
        self.version = 0
        for record in records:
            self[record.id] = record

    def __getitem__(self, key: str) -> R:
        return self._records[key]

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter([str(number) for number in self._ids])

    def __setitem__(self, key: str, record: R) -> None:
        if key != record.id:
            message = f"record {record.id} stored under {key}"
            raise ValueError(message)
        with self._lock:
            if key in self._records:
                del self[key]
            number = int(key)
            self._records[key] = record
            insort(self._ids, number)
            for name in self._keys(record):
                found = self._index.get(name)
                if found is None:
                    self._index[name] = [number]
                else:
                    insort(found, number)
            self._highest = max(self._highest, number)
            self.version += 1

    def __delitem__(self, key: str) -> None:
        with self._lock:
            record = self._records.pop(key)
            number = int(key)
            del self._ids[bisect_left(self._ids, number)]
            for name in self._keys(record):
                found = self._index[name]
                del found[bisect_left(found, number)]
                if not found:
                    del self._index[name]
            self._rendered.pop(key, None)
            self.version += 1

    def next_id(self) -> str:
        """Return an id above every one ever held: a removed record's id does not come back."""
        return str(self._highest + 1)

    def count(self, name: str | None = None) -> int:
        """Count the records with the lookup key `name`, or all of them."""
        return len(self._ids if name is None else self._index.get(name, ()))

    def slice(self, start: int, stop: int, name: str | None = None) -> list[R]:
        """Return the records from position `start` up to `stop`, of all or of the key `name`."""
        with self._lock:
            ids = self._ids if name is None else self._index.get(name, [])
            return [self._records[str(number)] for number in ids[start:stop]]

    def first(self, name: str) -> R | None:
        """Return the record with the lookup key `name` and the lowest id."""
        return next(iter(self.slice(0, 1, name)), None)

    def render(
        self, records: Iterable[R], shape: Hashable, make: Callable[[R], bytes]
    ) -> list[bytes]:
        """JSON of each record, made by `make` unless it is still there from a call of `shape`."""
        with self._lock:
            if shape != self._shape:
                self._rendered.clear()
                self._shape = shape
            rows = []
            for record in records:
                row = self._rendered.get(record.id)
                if row is None:
                    row = self._rendered[record.id] = make(record)
                rows.append(row)
            return rows


def check_fields(values: dict[str, Any], record: type[Any]) -> None:
    """Refuse a field that the dataclass `record` does not have, and an id that is no number."""
    unknown = values.keys() - {item.name for item in fields(record)}
    if unknown:
        message = f"a user has no {sorted(unknown)}"
        raise ValueError(message)
    int(values.get("id", 0))
