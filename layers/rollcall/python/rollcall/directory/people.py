"""Which person an account belongs to, and what it may write there. Pure functions.

A person is found by sync keys, whose values are unique in the directory. Each field of a person
remembers the integration that wrote it; another one writes it only while it is empty or if it
ranks higher, so that two sources never overwrite each other in turn. What was written only because
the field was empty was written weakly: it gives way to whoever always writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Rank = tuple[int, str, str]
_NOBODY: Rank = (2_000_000, "", "")
"""The rank of an integration that is gone: everybody may write what it wrote."""
Write = Literal["always", "if_empty"]
_WEAK = "~"


@dataclass(frozen=True, slots=True)
class Person:
    """What of a person a source may change: the fields, and who wrote each (see `writer`)."""

    fields: Mapping[str, Any]
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote a field; `weak`: only because it was empty."""

    integration_id: str
    weak: bool = False

    @property
    def source(self) -> str:
        """As a person's `sources` have it: `~` before the id is weak."""
        return _WEAK + self.integration_id if self.weak else self.integration_id


def writer(source: str | None) -> Writer | None:
    """Who wrote a field, from what a person's `sources` say of it."""
    if source is None:
        return None
    return Writer(source.removeprefix(_WEAK), source.startswith(_WEAK))


def merged(
    person: Person,
    values: Mapping[str, Any],
    writes: Mapping[str, Write],
    integration_id: str,
    ranks: Mapping[str, Rank],
) -> Person:
    """The person after one source's `values`; `writes` are all the fields its mapping writes.

    A field of the source's own that it writes and that came out empty is emptied. Raises KeyError
    for a source without a rank.
    """
    fields, sources = dict(person.fields), dict(person.sources)
    mine = ranks[integration_id]
    for target, write in writes.items():
        by = writer(sources.get(target))
        own = by is not None and by.integration_id == integration_id
        if target not in values:
            if own:
                fields.pop(target, None)
                sources.pop(target, None)
            continue
        value = values[target]
        if fields.get(target) in (None, ""):
            may_write = True
        elif write == "if_empty":
            # What was written always and is the same now gives way from here on.
            may_write = own and by is not None and (by.weak or fields[target] == value)
        else:
            may_write = by is None or own or by.weak or mine < ranks.get(by.integration_id, _NOBODY)
        if may_write:
            fields[target] = value
            sources[target] = Writer(integration_id, weak=write == "if_empty").source
    return Person(fields, sources)
