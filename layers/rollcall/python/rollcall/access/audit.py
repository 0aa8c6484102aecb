"""The audit log: who changed what, and when, stored with the change or not at all.

`recording` gives an action for the transaction that makes the change. An entry is kept under its
month, so that the log is read backwards without an index.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from rollcall.items import Item
from rollcall.stamps import new_id, now
from rollcall.tables import Action, Condition, Table, equals

# No deployment is older, so no entry is: reading backwards ends here.
_FIRST_MONTH = date(2026, 11, 1)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one object. `before` and `after` hold plain values and never a secret."""

    actor: str
    verb: str
    object_type: str
    object_id: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    @property
    def differences(self) -> dict[str, dict[str, Any]]:
        """The fields whose values differ, each with what it was and what it is (null: nothing)."""
        names = sorted({*self.before, *self.after} - {"updated_at"})
        return {
            name: {"before": self.before.get(name), "after": self.after.get(name)}
            for name in names
            if self.before.get(name) != self.after.get(name)
        }


@dataclass(frozen=True, slots=True)
class Filter:
    """What entries are wanted; None wants all."""

    actor: str | None = None
    object_type: str | None = None
    object_id: str | None = None

    def condition(self) -> Condition | None:
        """As a condition of the table, None where everything is wanted."""
        whole: Condition | None = None
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if value is not None:
                part = equals(name, value)
                whole = part if whole is None else whole & part
        return whole


def recording(config: Table, change: Change) -> Action:
    """The entry for `change`, to be stored in the transaction that makes it."""
    moment, entry_id = now(), new_id()
    return config.putting(
        {
            "pk": f"AUDIT#{moment[:7]}",
            "sk": f"{moment}#{entry_id}",
            "id": entry_id,
            "at": moment,
            "actor": change.actor,
            "verb": change.verb,
            "object_type": change.object_type,
            "object_id": change.object_id,
            "changes": change.differences,
        }
    )


def entries(
    config: Table, wanted: Filter, limit: int, after: Mapping[str, Any] | None
) -> tuple[list[Item], Item | None]:
    """Up to `limit` entries, newest first, and the key to go on after (None at the end)."""
    found: list[Item] = []
    month = date.fromisoformat(f"{after['pk'][6:]}-01") if after else _this_month()
    while month >= _FIRST_MONTH and len(found) <= limit:
        page, _ = config.page(
            f"AUDIT#{month:%Y-%m}",
            limit=limit + 1 - len(found),
            after=after,
            where=wanted.condition(),
            backwards=True,
        )
        found += page
        after = None
        month = _before(month)
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], {"pk": last["pk"], "sk": last["sk"]}


def _this_month() -> date:
    return datetime.now(UTC).date().replace(day=1)


def _before(month: date) -> date:
    return month.replace(month=month.month - 1) if month.month > 1 else date(month.year - 1, 12, 1)
