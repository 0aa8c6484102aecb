"""Marking what a deleted integration brought as removed, in as many calls as that takes."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from rollcall.directory import keys
from rollcall.tables import Action, Table, equals

_AT_ONCE = 25
_KINDS = {"ACCOUNT": "account", "GROUP": "group", "GRANT": "grant"}
_MARKED = ("sk", "status", "version")

Retired = Literal["all", "none", "some"]
"""Whether everything is marked now, was before, or must be gone on with."""


def retire(
    directory: Table, integration_id: str, moment: str, has_time: Callable[[], bool]
) -> Retired:
    """Mark accounts and groups removed and grants revoked while there is time.

    By no run: `removed_by_run` stays empty. What is removed or revoked already stays as it is, and
    people stay as they are. Whoever changes an account at the same time comes first.
    """
    pk = keys.integration(integration_id)
    found = "none"
    waiting: list[Action] = []
    for item in directory.query(pk, attributes=_MARKED):
        kind = _KINDS[item["sk"].split("#", 1)[0]]
        if item["status"] == ("revoked" if kind == "grant" else "removed"):
            continue
        found = "all"
        waiting.append(
            directory.updating(
                pk, item["sk"], _marks(kind, item, moment), equals("version", item["version"])
            )
        )
        if len(waiting) == _AT_ONCE:
            if not has_time() or directory.transact(waiting) is not None:
                return "some"
            waiting = []
    if waiting and directory.transact(waiting) is not None:
        return "some"
    return "all" if found == "all" else "none"


def _marks(kind: str, item: Mapping[str, Any], moment: str) -> dict[str, Any]:
    gone = "revoked" if kind == "grant" else "removed"
    marks: dict[str, Any] = {
        "status": gone,
        f"{gone}_at": moment,
        "version": item["version"] + 1,
    }
    if kind == "account":
        marks |= {"change": "removed", "last_changed_at": moment, "left_at": None}
    return marks
