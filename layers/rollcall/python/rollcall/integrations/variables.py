"""Variables: named values that integrations share, such as `ActiveCampaign.Subdomain`."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rollcall.access.audit import Change, recording
from rollcall.items import Item
from rollcall.stamps import now
from rollcall.tables import PRESENT, Table, transact

KIND = "VARIABLE"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")


def is_name(text: str) -> bool:
    """Letters, digits, `_`, `.` and `-`, at most 100, a letter first."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. Its value is no secret: it is shown, and kept in the audit log."""

    name: str
    value: str
    created_at: str
    updated_at: str

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Variable":
        """Read the config table's item; raises KeyError for an attribute that must be there."""
        return cls(item["name"], item["value"], item["created_at"], item["updated_at"])


class Variables:
    """The store (`VARIABLE`, name). Every change is audited."""

    def __init__(self, config: Table) -> None:
        self._config = config

    def get(self, name: str) -> Variable | None:
        """The variable of that name, or None."""
        item = self._config.get(KIND, name)
        return Variable.from_item(item) if item is not None else None

    def value(self, name: str) -> str | None:
        """Its value, or None where it is not set, or where the name is empty."""
        variable = self.get(name) if name else None
        return variable.value if variable is not None else None

    def page(
        self, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Variable], Item | None]:
        """Variables by name, and the key to go on after."""
        items, last = self._config.page(KIND, limit=limit, after=after)
        return [Variable.from_item(item) for item in items], last

    def put(self, name: str, value: str, actor: str) -> Variable:
        """Set the variable; of two callers at once the later one wins."""
        before = self.get(name)
        moment = now()
        variable = Variable(name, value, before.created_at if before else moment, moment)
        verb = "update" if before else "create"
        old = asdict(before) if before else {}
        refused = transact(
            self._config.client,
            [
                self._config.putting({"pk": KIND, "sk": name, **asdict(variable)}),
                recording(
                    self._config, Change(actor, verb, "variable", name, old, asdict(variable))
                ),
            ],
        )
        if refused is not None:
            raise RuntimeError(f"variable {name} could not be stored: {refused}")
        return variable

    def delete(self, name: str, actor: str) -> bool:
        """Delete the variable; False if there is none."""
        before = self.get(name)
        if before is None:
            return False
        refused = transact(
            self._config.client,
            [
                self._config.deleting(KIND, name, PRESENT),
                recording(
                    self._config, Change(actor, "delete", "variable", name, asdict(before), {})
                ),
            ],
        )
        return refused is None
