"""Taking things off the roster: marked and never deleted, by the sort keys that a run compares."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rollcall.directory import keys
from rollcall.directory.source import Source
from rollcall.tables import Table, equals

KINDS = {"ACCOUNT": "account", "GROUP": "group", "GRANT": "grant"}
_GONE = {"account": "removed", "group": "removed", "grant": "revoked"}
_DESCRIBED = (
    "external_id", "display_name", "email", "username", "name", "account", "type",
    "entitlement_id", "scope", "told_by", "status",
)  # fmt: skip


def kind(sort_key: str) -> str:
    """The kind of thing a sort key stands for: account, group or grant."""
    return KINDS[sort_key.split("#", 1)[0]]


def held(directory: Table, integration_id: str) -> set[str]:
    """The sort keys of everything of the integration that is on the roster now."""
    items = directory.query(keys.integration(integration_id), attributes=("sk", "status"))
    return {item["sk"] for item in items if item["status"] not in ("removed", "revoked")}


def described(
    directory: Table, integration_id: str, sort_keys: Collection[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a person must see to judge a removal: kind, id, name; of a grant its account too.

    What is not in the directory, or is gone already, is left out.
    """
    pk = keys.integration(integration_id)
    items = directory.get_many(((pk, sk) for sk in sort_keys), _DESCRIBED)
    for (_, sk), item in sorted(items.items()):
        if item["status"] in _GONE.values():
            continue
        names = (item.get(name) for name in ("display_name", "name", "username", "email"))
        yield (
            sk,
            {
                "kind": kind(sk),
                "external_id": item.get("external_id", item.get("entitlement_id")),
                "name": next((name for name in names if name), None),
                "account": item.get("account"),
                "scope": item.get("scope"),
                "told_by": item.get("told_by"),
            },
        )


def remove(directory: Table, source: Source, sort_keys: Collection[str]) -> int:
    """Mark accounts and groups removed and grants revoked, with when and by which run.

    An account takes every grant it holds with it, also one that was listed before it left. Doing
    it again changes nothing. Returns how many accounts this run has removed.
    """
    pk = keys.integration(source.integration_id)
    accounts = 0
    leaving = [keys.account_id(sk) for sk in sort_keys if kind(sk) == "account"]
    sort_keys = sorted({*sort_keys, *_grants_held(directory, pk, leaving)})
    stored = directory.get_many(
        ((pk, sk) for sk in sort_keys), ("version", "status", "removed_by_run")
    )
    for sk in sort_keys:
        item = stored.get((pk, sk))
        if item is None:
            continue
        if item["status"] == _GONE[kind(sk)]:
            accounts += kind(sk) == "account" and item.get("removed_by_run") == source.run_id
        elif directory.update(pk, sk, _marks(source, sk, item), equals("version", item["version"])):
            accounts += kind(sk) == "account"
        else:
            raise RuntimeError(f"{sk} of {source.integration_id} changed while it was removed")
    return accounts


def _grants_held(directory: Table, pk: str, accounts: Collection[str]) -> Iterator[str]:
    for account in accounts:
        for item in directory.query(pk, keys.grants_of(account), attributes=("sk", "status")):
            if item["status"] == "held":
                yield item["sk"]


def _marks(source: Source, sort_key: str, item: Mapping[str, Any]) -> dict[str, Any]:
    what = kind(sort_key)
    marks = {
        "status": _GONE[what],
        "version": item["version"] + 1,
        "run_id": source.run_id,
        f"{_GONE[what]}_at": source.now,
        f"{_GONE[what]}_by_run": source.run_id,
    }
    if what == "account":
        marks |= {"change": "removed", "last_changed_at": source.now}
    return marks
