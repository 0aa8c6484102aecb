"""What a column of People is. The standard ones are here; custom ones are in the config table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Type = Literal["text", "long_text", "number", "boolean", "datetime", "json"]
TYPES: tuple[Type, ...] = ("text", "long_text", "number", "boolean", "datetime", "json")


@dataclass(frozen=True, slots=True)
class PersonField:
    """One column. No two people hold the same value of a `unique` one."""

    key: str
    name: str
    type: Type
    unique: bool
    standard: bool = False

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "PersonField":
        """Read the config table's item; raises KeyError for an attribute that must be there."""
        return cls(item["key"], item["name"], item["type"], item["unique"])


def _standard(key: str, *, unique: bool = False) -> PersonField:
    return PersonField(key, key.replace("_", " ").capitalize(), "text", unique, standard=True)


STANDARD: Mapping[str, PersonField] = {
    field.key: field
    for field in (
        _standard("username", unique=True),
        _standard("email", unique=True),
        _standard("first_name"),
        _standard("last_name"),
        _standard("display_name"),
        _standard("phone"),
        _standard("role"),
        _standard("status"),
        _standard("title"),
        _standard("department"),
        _standard("manager"),
        _standard("employee_id", unique=True),
    )
}
"""The columns that People has from the start, by key."""

# Attributes of a person that are no fields, and what templates have beside fields: a custom field
# may not take their names.
RESERVED = frozenset(
    {
        "id", "accounts", "created_at", "updated_at", "removed_at", "removed_by_run",
        "response", "source", "person",
    }
)  # fmt: skip


def key_of(name: str) -> str:
    """The key made from a name: `ActiveCampaign User Id` is `activecampaign_user_id`.

    Empty where the name has neither a letter nor a digit of ASCII.
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
