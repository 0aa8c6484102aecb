"""What a schedule remembers: the rows that it has begun for, as long as they are among the rows.
And what events have begun while an activation looks at those who match.

| item                                  | pk            | sk                          |
|---------------------------------------|---------------|-----------------------------|
| a row that was begun for              | WORKFLOW#id   | SEEN#subject                |
| a row of which an event was begun for | WORKFLOW#id   | TOLD#activation#version#subject |

Memories are renewed while their rows are there, and expire where nobody looks any more: when the
workflow was deleted, or its schedule fires less than once in half a year.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from rollcall.items import Item
from rollcall.tables import ABSENT, BATCH_WRITE, Action, Table, equals, transact

KEPT_DAYS = 400
_RENEWED_DAYS = 200
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Seen:
    """Since when a row is remembered, and until when if nobody renews it (Unix seconds)."""

    at: str
    expires_at: int


class Memory:
    """The memories of workflows."""

    def __init__(self, runs: Table) -> None:
        self._runs = runs

    def seen(self, workflow_id: str) -> dict[str, Seen]:
        """The subjects that a workflow remembers."""
        found = self._runs.query(_pk(workflow_id), "SEEN#", attributes=("sk", "at", "expires_at"))
        return {
            item["sk"].removeprefix("SEEN#"): Seen(item["at"], item["expires_at"]) for item in found
        }

    def remembering(self, workflow_id: str, subject: str, at: str, *, anew: bool) -> Action:
        """Remember a subject, in the transaction that begins for it; refuses where it is
        remembered, unless it is begun for `anew`.
        """
        return self._runs.putting(_item(workflow_id, subject, at), None if anew else ABSENT)

    def remember(self, workflow_id: str, subjects: Iterable[str], at: str) -> None:
        """Remember these without beginning anything for them."""
        self._runs.write_many(_item(workflow_id, one, at) for one in subjects)

    def renew(self, workflow_id: str, seen: Mapping[str, Seen], still: Collection[str]) -> None:
        """Keep the memories of the subjects that are still there."""
        soon = time.time() + _RENEWED_DAYS * _DAY
        due = [one for one in still if one in seen and seen[one].expires_at < soon]
        self._runs.write_many(_item(workflow_id, one, seen[one].at) for one in due)

    def forget(self, workflow_id: str, gone: Mapping[str, Seen]) -> None:
        """Forget these, but not what was remembered anew since they were read."""
        left = iter(gone.items())
        while some := list(islice(left, BATCH_WRITE)):
            forgetting = [self._forgetting(workflow_id, one, seen) for one, seen in some]
            if transact(self._runs.client, forgetting) is not None:
                for one, seen in some:
                    same = equals("at", seen.at)
                    self._runs.delete(_pk(workflow_id), _sk(one), same)

    def telling(self, workflow_id: str, cause: str) -> Action:
        """Remember that an event has begun what an activation would, in the same transaction."""
        return self._runs.putting(
            {"pk": _pk(workflow_id), "sk": f"TOLD#{cause}", "expires_at": _expiry()}
        )

    def untold(self, workflow_id: str, cause: str) -> Action:
        """Refuse where an event has begun what an activation would."""
        return self._runs.checking(_pk(workflow_id), f"TOLD#{cause}", ABSENT)

    def _forgetting(self, workflow_id: str, subject: str, seen: Seen) -> Action:
        return self._runs.deleting(_pk(workflow_id), _sk(subject), equals("at", seen.at))


def _item(workflow_id: str, subject: str, at: str) -> Item:
    return {
        "pk": _pk(workflow_id),
        "sk": _sk(subject),
        "at": at,
        "expires_at": _expiry(),
    }


def _expiry() -> int:
    return int(time.time()) + KEPT_DAYS * _DAY


def _pk(workflow_id: str) -> str:
    return f"WORKFLOW#{workflow_id}"


def _sk(subject: str) -> str:
    return f"SEEN#{subject}"
