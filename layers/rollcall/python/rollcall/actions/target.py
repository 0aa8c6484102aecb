"""Whom an action is about: the app's id of the user, and the person it belongs to.

The id is the one that the call says, or the one in the person's field `<connector>_user_id`, or
that of the one account that the person has in the integration. An id that could be another one's
is no answer: nothing is called, and the input at fault is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollcall.actions.inputs import EXTERNAL_ID, Faults, id_fault
from rollcall.connectors.presets import Preset
from rollcall.directory import keys
from rollcall.directory.people import writer
from rollcall.integrations.model import Integration
from rollcall.integrations.store import Integrations
from rollcall.items import Item
from rollcall.tables import Table

PERSON_ID = "person_id"


@dataclass(frozen=True, slots=True)
class Target:
    """The app's id of the user, None for a preset that is about none; and the person, if any."""

    external_id: str | None
    person_id: str | None


@dataclass(frozen=True, slots=True)
class Targets:
    """Finds whom actions of one integration are about."""

    directory: Table
    config: Table
    integration: Integration

    def of(self, preset: Preset, external_id: Any, person_id: str | None) -> Target | Faults:
        """Who is meant by what a call says; or what is wrong with it, by input."""
        if preset.about_user and external_id is not None and (fault := id_fault(external_id)):
            return [(EXTERNAL_ID, fault)]
        person = None
        if person_id is not None:
            person = self.directory.get(keys.person(person_id), "PERSON")
            if person is None:
                return [(PERSON_ID, "there is no such person")]
        if not preset.about_user:
            return Target(None, person_id)
        if external_id is not None:
            whom = str(external_id).strip()
            return Target(whom, person_id or (self._account(whom) or {}).get("person_id"))
        if person is None:
            return [(EXTERNAL_ID, "is required, or a person_id")]
        found = self._in_field(person)
        if found is None:
            found = self._linked(person["id"])
        return found if isinstance(found, list) else Target(found, person["id"])

    def _in_field(self, person: Item) -> str | Faults | None:
        """The id in the person's field; None where it has none that is of this integration."""
        key = f"{self.integration.connector}_user_id"
        kept = person["fields"].get(key)
        if kept is None or str(kept).strip() == "" or self._of_another(person, key):
            return None
        if fault := id_fault(kept):
            return [(PERSON_ID, f"their field {key} {fault}")]
        whom = str(kept).strip()
        account = self._account(whom)
        if account is None or account.get(PERSON_ID) in (None, person["id"]):
            return None if account is not None and account["status"] == "removed" else whom
        return [(PERSON_ID, f"their field {key} says {whom}, which is somebody else's account")]

    def _of_another(self, person: Mapping[str, Any], key: str) -> bool:
        """Was the field written by another integration of the same app, with its own ids?"""
        by = writer(person["sources"].get(key))
        if by is None or by.integration_id == self.integration.id:
            return False
        other = Integrations(self.config).get(by.integration_id)
        return other is not None and other.connector == self.integration.connector

    def _linked(self, person_id: str) -> str | Faults:
        """The id of the one account that the person has."""
        index = self.directory.query(
            keys.person(person_id),
            keys.owned(self.integration.load, self.integration.id, ""),
            index="gsi1",
            attributes=("pk", "sk"),
        )
        places = [(one["pk"], one["sk"]) for one in index]
        items = self.directory.get_many(places, ("external_id", PERSON_ID, "status"))
        mine = [item for item in items.values() if item.get(PERSON_ID) == person_id]
        ids = sorted(item["external_id"] for item in mine if item["status"] != "removed")
        if len(ids) == 1:
            return str(ids[0])
        if ids:
            return [(PERSON_ID, f"has {len(ids)} accounts here, {', '.join(ids)}: say which")]
        gone = "no account that was not removed" if mine else "no account"
        return [(PERSON_ID, f"has {gone} in this integration")]

    def _account(self, external_id: str) -> Item | None:
        return self.directory.get(keys.integration(self.integration.id), keys.account(external_id))
