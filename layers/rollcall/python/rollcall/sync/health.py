"""Which lists of an app were read whole, when, and how long they were.

An integration's STATE keeps it as `health`, list by list: a run that failed at the groups has
still read the users.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rollcall.connectors.manifest import Manifest
from rollcall.directory.source import Load
from rollcall.sync.kept import Kept
from rollcall.sync.listing import CursorCameBack
from rollcall.sync.plan import GROUPS, MEMBERS, ORDER, USERS, loaded
from rollcall.sync.seen import Sight, final

LISTS = ("users", "groups", "grants")


def health(state: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
    """`{"users", "groups", "grants"}`, each `{"last_good_at", "count"}`.

    None: never read whole, or the app has no such list. `state` is the stored STATE.
    """
    known = state.get("health") or {}
    return {name: known.get(name) for name in LISTS}


def measured(
    kept: Kept, run_id: str, manifest: Manifest, load: Load, moment: str, *, complete: bool
) -> dict[str, dict[str, Any]]:
    """The lists that the run read whole, with `last_good_at` and `count`, from the pages it kept.

    `complete`: it read all of them whole. Where only people are loaded, groups and grants are of no
    interest.
    """
    counts = _counts(kept, run_id)
    whole: Sequence[str] = LISTS if complete else _whole(kept, run_id, manifest)
    if manifest.groups is None:
        whole = [name for name in whole if name != "groups"]
    if load == "people":
        whole = [name for name in whole if name == "users"]
    return {name: {"last_good_at": moment, "count": counts[name]} for name in whole}


def _whole(kept: Kept, run_id: str, manifest: Manifest) -> Sequence[str]:
    """Those of LISTS that the run has read to their end, and that agree with their count."""
    sights = (
        Sight.from_item(item) for name in ORDER for item in kept.pages(run_id, f"pull#{name}")
    )
    try:
        plan = loaded(manifest, (), sights)
    except CursorCameBack:
        return []
    users, groups = plan.whole(USERS), plan.whole(GROUPS)
    grants = users
    if manifest.memberships is not None:
        grants = users and groups and plan.whole(MEMBERS)
    told = {"users": users, "groups": groups, "grants": grants}
    return [name for name in LISTS if told[name]]


def _counts(kept: Kept, run_id: str) -> dict[str, int]:
    users: set[str | None] = set()
    groups: set[str] = set()
    grants: set[str] = set()
    for sight in final(kept.pages(run_id, "pull")):
        if sight.list == USERS:
            users.update(sight.ids)
        groups.update(group_id for group_id, _, _ in sight.groups)
        grants.update(sight.grants)
    users.discard(None)
    return {"users": len(users), "groups": len(groups), "grants": len(grants)}
