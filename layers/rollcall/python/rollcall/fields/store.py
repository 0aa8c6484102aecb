"""Custom fields and the roles that people may have, in the config table."""

from rollcall.fields.model import STANDARD, PersonField
from rollcall.tables import Table

KIND = "FIELD"
ROLES = ("Employee", "Manager", "Administrator")
"""The roles that people may have until a deployment says otherwise."""


class Fields:
    """The store (`FIELD`, key) and (`SETTING`, `ROLES`)."""

    def __init__(self, config: Table) -> None:
        self._config = config

    def everything(self) -> dict[str, PersonField]:
        """Every field by key: the standard ones, then the custom ones by key."""
        custom = (PersonField.from_item(item) for item in self._config.query(KIND))
        return {**STANDARD, **{field.key: field for field in custom}}

    def roles(self) -> tuple[str, ...]:
        """The roles that people may have."""
        item = self._config.get("SETTING", "ROLES")
        return tuple(item["roles"]) if item is not None else ROLES
