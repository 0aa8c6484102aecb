"""Who brings something to the directory, and by which rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rollcall.directory.people import Rank

Load = Literal["people", "people_and_accounts"]
Preference = Literal["create_and_update", "create_only", "update_only"]
OnLeave = Literal["remove", "keep", "deactivate"]
OnReturn = Literal["restore", "ignore"]


@dataclass(frozen=True, slots=True)
class Source:
    """Who takes: one run of one integration, at one moment, by the integration's choices.

    `sync_keys` are the fields a person is found by, in order; `writes` says of each field of a
    person that the mapping writes whether always or only while it is empty; no two people hold
    the same value of a field in `unique`.
    """

    integration_id: str
    run_id: str
    now: str
    sync_keys: tuple[str, ...]
    writes: Mapping[str, Literal["always", "if_empty"]]
    unique: frozenset[str]
    ranks: Mapping[str, Rank]
    load: Load = "people_and_accounts"
    preference: Preference = "create_and_update"
    on_leave: OnLeave = "remove"
    on_return: OnReturn = "restore"
    by: Literal["sync", "action"] = "sync"
    """What `run_id` is the id of."""
    asked_at: str | None = None
    """When the app was asked for what is brought; None: just now. See `knows_less`."""

    def knows_less(self, stored: Mapping[str, Any], changed_at: str) -> bool:
        """Has an action changed what is stored since the app was asked for what is brought?

        A page of a run waits for its turn to be saved, and an action does not wait for the run.
        `changed_at` names the attribute that says when.
        """
        if self.asked_at is None or stored.get("by") != "action":
            return False
        return str(stored.get(changed_at, "")) >= self.asked_at

    @property
    def picks(self) -> bool:
        """Whether a record that can be read may be left out all the same."""
        return self.preference != "create_and_update" or self.on_return == "ignore"
