"""Taking things off the roster: marked and never deleted, by the sort keys that a run compares.

Who left the app or the filter may also be kept, as they are or deactivated: they have left then,
which is noted so that they are no candidate again and again.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from rollcall.directory import keys
from rollcall.directory.people import Person, Write, merged
from rollcall.directory.source import Source
from rollcall.items import Item
from rollcall.tables import Action, Table, equals

KINDS = {"ACCOUNT": "account", "GROUP": "group", "GRANT": "grant"}
_GONE = {"account": "removed", "group": "removed", "grant": "revoked"}
_DESCRIBED = (
    "external_id", "display_name", "email", "username", "name", "account", "type",
    "entitlement_id", "scope", "told_by", "status", "left_at",
)  # fmt: skip
_MARKED = ("version", "status", "removed_by_run", "left_at", "load", "person_id")
_TRIES = 8
_ALWAYS: Mapping[str, Write] = {"status": "always"}


def kind(sort_key: str) -> str:
    """The kind of thing a sort key stands for: account, group or grant."""
    return KINDS[sort_key.split("#", 1)[0]]


def held(directory: Table, integration_id: str, *, left: bool) -> set[str]:
    """The sort keys of everything of the integration that is on the roster now.

    Who has left and was kept is among them, with what they hold, only where `left` says so.
    """
    items = directory.query(
        keys.integration(integration_id), attributes=("sk", "status", "left_at")
    )
    found: set[str] = set()
    kept: set[str] = set()
    for item in items:  # accounts come before grants
        sk = item["sk"]
        if "left_at" in item and not left:
            kept.add(keys.account_id(sk))
        elif item["status"] not in ("removed", "revoked") and not (
            kept and kind(sk) == "grant" and keys.grant_account(sk) in kept
        ):
            found.add(sk)
    return found


def described(
    directory: Table, integration_id: str, sort_keys: Collection[str], *, left: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a person must see to judge a removal: kind, id, name; of a grant its account too.

    What is not in the directory or is gone already is left out, and so is who has left and was
    kept, unless `left` says that they go too.
    """
    pk = keys.integration(integration_id)
    items = directory.get_many(((pk, sk) for sk in sort_keys), _DESCRIBED)
    for (_, sk), item in sorted(items.items()):
        if item["status"] in _GONE.values() or ("left_at" in item and not left):
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

    An account takes every grant it holds with it, also one that was listed before it left; of an
    integration that loads people it takes the person, unless another such integration has them.
    Doing it again changes nothing. Returns how many accounts this run has removed.
    """
    pk = keys.integration(source.integration_id)
    leaving = [keys.account_id(sk) for sk in sort_keys if kind(sk) == "account"]
    going = sorted({*sort_keys, *_grants_held(directory, pk, leaving)})
    stored = directory.get_many(((pk, sk) for sk in going), _MARKED)
    accounts = 0
    with_person = {"removed_at": source.now, "removed_by_run": source.run_id}
    for sk in going:
        item = stored.get((pk, sk))
        if item is None:
            continue
        if item["status"] == _GONE[kind(sk)]:
            accounts += kind(sk) == "account" and item.get("removed_by_run") == source.run_id
            continue
        _mark(directory, pk, sk, item, _marks(source, sk, item), lambda _: with_person)
        accounts += kind(sk) == "account"
    return accounts


def leave(directory: Table, source: Source, sort_keys: Collection[str]) -> int:
    """Note of accounts that they have left, and where the source deactivates, make them inactive.

    What they hold stays as it is. Of an integration that loads people the person is made inactive,
    unless another such integration has them or a higher one says what they are. Doing it again
    changes nothing. Returns how many have left.
    """
    pk = keys.integration(source.integration_id)
    left = 0
    stored = directory.get_many(((pk, sk) for sk in sort_keys), _MARKED)
    for sk in sorted(sort_keys):
        item = stored.get((pk, sk))
        if item is None or item["status"] == "removed" or "left_at" in item:
            continue
        marks = {
            "left_at": source.now,
            "left_by_run": source.run_id,
            "version": item["version"] + 1,
        }
        if source.on_leave == "deactivate":
            marks |= {"status": "inactive", "change": "updated", "run_id": source.run_id}
            marks["by"] = source.by
            marks["last_changed_at"] = source.now
        _mark(directory, pk, sk, item, marks, lambda person: _inactive(source, person))
        left += 1
    return left


def _mark(
    directory: Table,
    pk: str,
    sk: str,
    item: Mapping[str, Any],
    marks: Mapping[str, Any],
    of_person: Callable[[Item], Mapping[str, Any]],
) -> None:
    """Store the marks of an item, and with a record of a person those of the person.

    Raises RuntimeError when others change the same things.
    """
    same = equals("version", item["version"])
    person_id = item.get("person_id") if item.get("load") == "people" else None
    if person_id is None:
        if directory.update(pk, sk, marks, same):
            return
    else:
        for _ in range(_TRIES):
            actions = _person_actions(directory, pk, sk, person_id, of_person)
            refused = directory.transact([directory.updating(pk, sk, marks, same), *actions])
            if refused is None:
                return
            if 0 in refused.reasons:
                break
    raise RuntimeError(f"{sk} of {pk} changed while it was removed")


def _person_actions(
    directory: Table,
    pk: str,
    sk: str,
    person_id: str,
    of_person: Callable[[Item], Mapping[str, Any]],
) -> list[Action]:
    """What becomes of the person of a record that goes; nothing while another one is there."""
    index = directory.query(
        keys.person(person_id), "RECORD#", index="gsi1", attributes=("pk", "sk")
    )
    others = [(one["pk"], one["sk"]) for one in index if (one["pk"], one["sk"]) != (pk, sk)]
    records = directory.get_many(others, ("status", "left_at", "person_id", "load"))
    person = directory.get(keys.person(person_id), "PERSON")
    if person is None or any(_lives(record, person_id) for record in records.values()):
        return []
    changes = of_person(person)
    if not changes:
        return []
    changes = {**changes, "version": person["version"] + 1}
    whole = equals("version", person["version"])
    return [directory.updating(keys.person(person_id), "PERSON", changes, whole)]


def _lives(record: Mapping[str, Any], person_id: str) -> bool:
    """Is the record there, and still the person's? The index lags a little."""
    there = record["status"] != "removed" and "left_at" not in record
    return there and record.get("person_id") == person_id and record.get("load") == "people"


def _inactive(source: Source, person: Item) -> Mapping[str, Any]:
    if source.on_leave != "deactivate":
        return {}
    before = Person(person["fields"], person["sources"])
    after = merged(before, {"status": "inactive"}, _ALWAYS, source.integration_id, source.ranks)
    if after == before:
        return {}
    fields, sources = dict(after.fields), dict(after.sources)
    return {"fields": fields, "sources": sources, "updated_at": source.now}


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
        "by": source.by,
        f"{_GONE[what]}_at": source.now,
        f"{_GONE[what]}_by_run": source.run_id,
    }
    if what == "account":
        marks |= {"change": "removed", "last_changed_at": source.now, "left_at": None}
    return marks
