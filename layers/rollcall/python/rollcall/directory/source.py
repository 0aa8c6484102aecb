"""Who brings something to the directory."""

from collections.abc import Mapping
from dataclasses import dataclass

from rollcall.directory.people import Rank


@dataclass(frozen=True, slots=True)
class Source:
    """Who takes: one run of one integration, at one moment, with its mapping's targets."""

    integration_id: str
    run_id: str
    now: str
    sync_key: str
    targets: frozenset[str]
    ranks: Mapping[str, Rank]
