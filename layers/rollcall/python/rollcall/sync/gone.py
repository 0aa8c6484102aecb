"""What a run showed to be there, and what is told of what is not. Sets of sort keys."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rollcall.directory import keys
from rollcall.directory.removal import kind
from rollcall.integrations.model import RemovalGuard
from rollcall.sync.plan import USERS
from rollcall.sync.runs import Runs
from rollcall.sync.seen import final, sort_keys


@dataclass(frozen=True, slots=True)
class Listed:
    """What a run's pages and looks showed: the sort keys of what is there, and of the accounts that
    the filter left out. `anybody`: the app listed users, whatever became of them.
    """

    seen: set[str]
    filtered: set[str]
    anybody: bool


def listed_by(runs: Runs, run_id: str) -> Listed:
    """What the run's pages and looks showed."""
    seen: set[str] = set()
    filtered: set[str] = set()
    anybody = False
    for sight in final(runs.kept.pages(run_id)):
        seen.update(sort_keys(sight))
        if sight.list == USERS:
            anybody = anybody or any(one is not None for one in sight.ids)
            filtered.update(map(keys.account, sight.filtered))
    for look in runs.kept.looks(run_id):
        seen.update(look["still"])
    return Listed(seen, filtered - seen, anybody or bool(accounts(seen)))


def seen_by(runs: Runs, run_id: str, phase: str = "") -> set[str]:
    """The sort keys of everything that the run's pages and looks showed to be there."""
    seen: set[str] = set()
    for sight in final(runs.kept.pages(run_id, phase)):
        seen.update(sort_keys(sight))
    for look in runs.kept.looks(run_id, phase):
        seen.update(look["still"])
    return seen


def exceeds(guard: RemovalGuard, stored: Collection[str], going: Collection[str]) -> bool:
    """Would more go, of accounts, groups or grants, than both the share and the number?

    The grants of an account that goes are no loss of their own.
    """
    leaving = {keys.account_id(sk) for sk in going if kind(sk) == "account"}
    counted = [sk for sk in going if kind(sk) != "grant" or keys.grant_account(sk) not in leaving]
    for what in ("account", "group", "grant"):
        number = sum(kind(sk) == what for sk in counted)
        whole = sum(kind(sk) == what for sk in stored)
        if number > guard.count and number > guard.share * whole:
            return True
    return False


def accounts(sort_keys_: Iterable[str]) -> list[str]:
    """Those of the sort keys that are accounts'."""
    return [sk for sk in sort_keys_ if kind(sk) == "account"]


def with_grants(those: Collection[str], candidates: Collection[str]) -> set[str]:
    """Those of the candidates that are these accounts, or held by them."""
    ids = {keys.account_id(sk) for sk in those}
    return {
        sk
        for sk in candidates
        if sk in those or (kind(sk) == "grant" and keys.grant_account(sk) in ids)
    }


def summary(sort_keys_: Collection[str]) -> str:
    """How many things of each kind, in words."""
    numbers = {
        what: sum(kind(sk) == what for sk in sort_keys_) for what in ("account", "group", "grant")
    }
    parts = [number(n, what) for what, n in numbers.items() if n]
    return ", ".join(parts) or "nothing"


def number(count: int, what: str) -> str:
    """So many of these, in words."""
    return f"{count} {what}{'s' * (count != 1)}"
