"""What a hand decides about an account: whose it is, and whether it is a person's at all.

Later syncs respect it. Each change is one transaction with its audit entry, under the account's
version, so it never meets a run halfway; what is left for the next run is to merge the values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.directory import keys
from rollcall.directory.read import Kind
from rollcall.items import Item
from rollcall.tables import PRESENT, Table, equals

Refusal = Literal["no-account", "no-person", "no-persons-account", "busy"]
_TRIES = 5
_DECIDED = ("person_id", "kind", "link")
_Changes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody with the directory, and the config table with the audit log, before them."""

    directory: Table
    config: Table
    actor: str

    def link(self, integration_id: str, external_id: str, person_id: str) -> Item | Refusal:
        """The account belongs to that person, whatever its sync keys say.

        "no-persons-account": it is a service or system account.
        """
        if self.directory.get(keys.person(person_id), "PERSON") is None:
            return "no-person"

        def changes(account: Item) -> _Changes | Refusal:
            if account.get("kind", "person") != "person":
                return "no-persons-account"
            if (account.get("person_id"), account.get("link")) == (person_id, "manual"):
                return {}
            return {
                "person_id": person_id,
                "link": "manual",
                "unsettled": True,
                "moved_from": _former(account),
                "gsi1pk": keys.person(person_id),
                "gsi1sk": keys.owned("people_and_accounts", integration_id, external_id),
            }

        return self._change(integration_id, external_id, "link", changes, person_id)

    def unlink(self, integration_id: str, external_id: str) -> Item | Refusal:
        """The account belongs to nobody, and no sync makes or finds a person for it."""

        def changes(account: Item) -> _Changes:
            if account.get("link") == "none":
                return {}
            return {**_NOBODY, "link": "none", "moved_from": _former(account)}

        return self._change(integration_id, external_id, "unlink", changes)

    def release(self, integration_id: str, external_id: str) -> Item | Refusal:
        """What a hand said of whose it is counts no more: the account belongs to nobody until its
        sync keys decide, in the next run.
        """

        def changes(account: Item) -> _Changes:
            if "link" not in account:
                return {}
            former = _former(account)
            return {**_NOBODY, "link": None, "unsettled": True, "moved_from": former}

        return self._change(integration_id, external_id, "release", changes)

    def set_kind(self, integration_id: str, external_id: str, kind: Kind) -> Item | Refusal:
        """Say whether it is a person's account. One that becomes a person's again is matched by
        its sync keys in the next run.
        """

        def changes(account: Item) -> _Changes:
            if account.get("kind", "person") == kind:
                return {}
            if kind == "person":
                return {"kind": None, "link": None, "unsettled": True}
            nobody = {**_NOBODY, "moved_from": _former(account)}
            return {**nobody, "kind": kind, "link": None}

        return self._change(integration_id, external_id, "mark", changes)

    def _change(
        self,
        integration_id: str,
        external_id: str,
        verb: str,
        changes: Callable[[Item], _Changes | Refusal],
        person_id: str | None = None,
    ) -> Item | Refusal:
        """The account after the changes, which are what `changes` says of it as it is now."""
        pk, sk = keys.integration(integration_id), keys.account(external_id)
        for _ in range(_TRIES):
            account = self.directory.get(pk, sk)
            if account is None or account.get("load") == "people":
                return "no-account"
            wanted = changes(account)
            if isinstance(wanted, str):
                return wanted
            if not wanted:
                return account
            wanted = {**wanted, "version": account["version"] + 1}
            after = {n: v for n, v in {**account, **wanted}.items() if v is not None}
            actions = [
                self.directory.updating(pk, sk, wanted, equals("version", account["version"])),
                recording(
                    self.config,
                    Change(
                        self.actor,
                        verb,
                        "account",
                        f"{integration_id}/{external_id}",
                        _decided(account),
                        _decided(after),
                    ),
                ),
            ]
            if person_id is not None:
                actions.append(self.directory.checking(keys.person(person_id), "PERSON", PRESENT))
            if self.directory.transact(actions) is None:
                return after
        return "busy"


_NOBODY: _Changes = {"person_id": None, "gsi1pk": None, "gsi1sk": None}


def _former(account: Item) -> str | None:
    """Whom what the account wrote is with: a run that gives it to somebody else takes it along."""
    former: str | None = account.get("moved_from", account.get("person_id"))
    return former


def _decided(account: Item) -> dict[str, Any]:
    return {name: account.get(name) for name in _DECIDED}
