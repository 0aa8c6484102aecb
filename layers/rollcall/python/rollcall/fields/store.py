"""Custom fields and the roles that people may have, in the config table.

What comes to use fields or roles (an integration's mapping) changes `link` of (`SETTING`, `FIELDS`)
in its own transaction, and so does what takes a field or a role away: each of them holds only if
nobody else did so since it looked. Every change is audited in its own transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.fields.model import STANDARD, PersonField, Type
from rollcall.items import Item
from rollcall.stamps import new_id
from rollcall.tables import ABSENT, PRESENT, Action, Condition, Table, equals, transact

KIND = "FIELD"
SETTING = "SETTING"
MOST = 200
"""Custom fields of a deployment."""
ROLES = ("Employee", "Manager", "Administrator")
"""The roles that people may have until a deployment says otherwise."""
_UNLINKED = Condition("attribute_not_exists(#link)", {"#link": "link"})
_TAKEN = 0
"""The place of the field itself in the transaction that makes it."""


class Fields:
    """The store (`FIELD`, key) and (`SETTING`, `ROLES`)."""

    def __init__(self, config: Table) -> None:
        self._config = config

    def everything(self) -> dict[str, PersonField]:
        """Every field by key: the standard ones, then the custom ones by key."""
        custom = (PersonField.from_item(item) for item in self._config.query(KIND))
        return {**STANDARD, **{field.key: field for field in custom}}

    def get(self, key: str) -> PersonField | None:
        """The field of that key, or None."""
        if key in STANDARD:
            return STANDARD[key]
        item = self._config.get(KIND, key)
        return PersonField.from_item(item) if item is not None else None

    def custom(
        self, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[PersonField], Item | None]:
        """Custom fields by key, and the key to go on after."""
        items, last = self._config.page(KIND, limit=limit, after=after)
        return [PersonField.from_item(item) for item in items], last

    def roles(self) -> tuple[str, ...]:
        """The roles that people may have."""
        item = self._config.get(SETTING, "ROLES")
        return tuple(item["roles"]) if item is not None else ROLES

    def link(self) -> str | None:
        """What `linking` must still find: read it before looking at who uses what."""
        item = self._config.get(SETTING, "FIELDS")
        return item["link"] if item is not None else None

    def linking(self, link: str | None) -> Action:
        """For a transaction: nobody has come to use fields or roles, or taken one away, since."""
        unchanged = _UNLINKED if link is None else equals("link", link)
        return self._config.updating(SETTING, "FIELDS", {"link": new_id()}, unchanged)

    def create(
        self, field: PersonField, link: str | None, actor: str
    ) -> Literal["created", "taken", "changed"]:
        """Add a custom field. "taken": its key is; "changed": fields did since `link` was read."""
        refused = transact(
            self._config.client,
            [
                self._config.putting(_item(field), ABSENT),
                self.linking(link),
                self._recording(actor, "create", None, field),
            ],
        )
        if refused is None:
            return "created"
        return "taken" if _TAKEN in refused.reasons else "changed"

    def rename(self, before: PersonField, name: str, actor: str) -> PersonField | None:
        """Give a custom field another name; None if it is gone. The same name writes nothing."""
        after = PersonField(before.key, name, before.type, before.unique)
        if after == before:
            return before
        refused = transact(
            self._config.client,
            [
                self._config.updating(KIND, before.key, {"name": name}, PRESENT),
                self._recording(actor, "update", before, after),
            ],
        )
        return after if refused is None else None

    def delete(self, field: PersonField, link: str | None, actor: str) -> bool:
        """Delete a custom field that nobody used when `link` was read; False if that changed."""
        refused = transact(
            self._config.client,
            [
                self._config.deleting(KIND, field.key, PRESENT),
                self.linking(link),
                self._recording(actor, "delete", field, None),
            ],
        )
        return refused is None

    def set_roles(self, roles: Sequence[str], link: str | None, actor: str) -> bool:
        """Set the roles; False if somebody came to use one since `link` was read."""
        before = self.roles()
        if tuple(roles) == before:
            return True
        refused = transact(
            self._config.client,
            [
                self._config.putting({"pk": SETTING, "sk": "ROLES", "roles": list(roles)}),
                self.linking(link),
                recording(
                    self._config,
                    Change(
                        actor, "update", "setting", "roles",
                        {"roles": list(before)}, {"roles": list(roles)},
                    ),
                ),
            ],
        )  # fmt: skip
        return refused is None

    def _recording(
        self, actor: str, verb: str, before: PersonField | None, after: PersonField | None
    ) -> Action:
        key = (before or after or _NONE).key
        return recording(
            self._config, Change(actor, verb, "field", key, _told(before), _told(after))
        )


_NONE = PersonField("", "", "text", unique=False)


def _item(field: PersonField) -> Item:
    return {"pk": KIND, "sk": field.key, "key": field.key, **_told(field)}


def _told(field: PersonField | None) -> dict[str, Any]:
    if field is None:
        return {}
    kind: Type = field.type
    return {"name": field.name, "type": kind, "unique": field.unique}
