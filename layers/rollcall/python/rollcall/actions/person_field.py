"""Storing what an app answered in a custom field of a person."""

from dataclasses import replace
from typing import Any

from rollcall.directory import keys
from rollcall.directory.source import Source
from rollcall.directory.writing import People
from rollcall.fields.model import PersonField
from rollcall.mapping import values
from rollcall.mapping.mapper import Mapped
from rollcall.mapping.storing import unstorable
from rollcall.tables import Table

_TRIES = 5


def field_fault(field: PersonField | None) -> str | None:
    """Why nothing can be stored in that field, in words that follow its name; None: it can."""
    if field is None:
        return "is no field of people"
    if field.standard:
        return "is a standard field: only a custom one can hold an answer"
    return None


def stored_value(field: PersonField, value: Any) -> Any:
    """The value as the field has it: a text field holds an object or a list as JSON."""
    if field.type in ("text", "long_text") and value is not None:
        return values.text(value)
    return value


def store_field(
    directory: Table, source: Source, person_id: str, field: PersonField, response: Any
) -> str | None:
    """Store the response there; why it cannot be stored, or None. Null empties the field."""
    value = stored_value(field, response)
    fault = unstorable(value, field.type) if value is not None else None
    if fault is not None:
        return f"is not written: the answer {fault}"
    mapped = {field.key: value} if value is not None else {}
    only = replace(source, writes={field.key: "always"}, sync_keys=(), load="people_and_accounts")
    for _ in range(_TRIES):
        person = directory.get(keys.person(person_id), "PERSON")
        if person is None:
            return "is not written: the person is gone"
        wanted = {keys.sync_key(name, one) for name, one in mapped.items() if field.unique}
        items = directory.get_many((pk, "KEY") for pk in wanted)
        found = {pk: item["person_id"] for (pk, _), item in items.items()}
        people = People(directory, only, {person_id: person}, found)
        actions, faults = people.actions(person_id, None, Mapped(mapped))
        if faults:
            return f"is not written: {faults[0].message}"
        if value is not None and not actions and person["fields"].get(field.key) != value:
            return "is not written: an integration that ranks higher has written it"
        if not actions or directory.transact(actions) is None:
            return None
    return "is not written: others change the person all the time"
