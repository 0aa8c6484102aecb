"""Which person an account belongs to, and what it may write there. Pure functions.

A person is found by the sync key, whose value is unique in the directory. Each field of a person
remembers the integration that wrote it; another one writes it only while it is empty or if it
ranks higher, so that two sources never overwrite each other in turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STANDARD_FIELDS = (
    "username", "email", "first_name", "last_name", "display_name", "phone", "role", "status",
    "title", "department", "manager", "employee_id",
)  # fmt: skip
"""The columns that People has from the start."""

Rank = tuple[int, str, str]
_NOBODY: Rank = (2_000_000, "", "")
"""The rank of an integration that is gone: everybody may write what it wrote."""


@dataclass(frozen=True, slots=True)
class Person:
    """What of a person a source may change: the fields, and who wrote each."""

    fields: Mapping[str, Any]
    sources: Mapping[str, str]


def linked(current: str | None, found: str | None) -> str | None:
    """The person an account belongs to; None where there is nobody yet.

    The one its sync key leads to comes first, so that an account whose address was corrected
    joins the person who has that address; else it stays with the person it had.
    """
    return found or current


def merged(
    person: Person,
    values: Mapping[str, Any],
    targets: frozenset[str],
    integration_id: str,
    ranks: Mapping[str, Rank],
) -> Person:
    """The person after one source's `values`; `targets` are all the fields its mapping writes.

    A field of the source's own that is a target and came out empty is emptied.
    """
    fields, sources = dict(person.fields), dict(person.sources)
    mine = ranks[integration_id]
    for target in targets:
        writer = sources.get(target)
        if target in values:
            may_write = (
                writer in (None, integration_id)
                or fields.get(target) in (None, "")
                or mine < ranks.get(str(writer), _NOBODY)
            )
            if may_write:
                fields[target] = values[target]
                sources[target] = integration_id
        elif writer == integration_id:
            fields.pop(target, None)
            sources.pop(target, None)
    return Person(fields, sources)
