"""The roster as the API tells it, and the tables it is shown in."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from local.run.caller import Caller
from local.run.screen import table

_PEOPLE = 5
_ADMINS = 5


@dataclass(frozen=True)
class Account:
    """An account with what it holds."""

    external_id: str
    name: str
    email: str
    status: str
    person_id: str | None
    holds: tuple[str, ...]
    admin: bool


@dataclass(frozen=True)
class App:
    """One integration's part of the roster."""

    name: str
    accounts: tuple[Account, ...]
    groups: int
    grants: int


@dataclass(frozen=True)
class Both:
    """A person with an account in every app, by the app's name."""

    name: str
    email: str
    accounts: dict[str, Account]


@dataclass(frozen=True)
class Roster:
    """What is shown. `in_both` begins with those who hold most."""

    people: int
    apps: tuple[App, ...]
    in_both: tuple[Both, ...]


def read(caller: Caller, integrations: Sequence[tuple[str, str]]) -> Roster:
    """The roster of these integrations, given as (name, id). Raises RunError."""
    apps = tuple(_app(caller, name, integration_id) for name, integration_id in integrations)
    people = list(caller.every("people"))
    return Roster(len(people), apps, tuple(_in_both(people, apps)))


def _app(caller: Caller, name: str, integration_id: str) -> App:
    path = f"integrations/{integration_id}"
    grants: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for grant in caller.every(f"{path}/grants"):
        grants[grant["account"]].append(grant["entitlement"])
    accounts = tuple(
        _account(account, grants[account["external_id"]])
        for account in caller.every(f"{path}/accounts")
        if account["status"] != "removed"
    )
    groups = sum(1 for _ in caller.every(f"{path}/groups"))
    return App(name, accounts, groups, sum(map(len, grants.values())))


def _account(account: dict[str, Any], entitlements: list[dict[str, Any]]) -> Account:
    return Account(
        external_id=account["external_id"],
        name=account["display_name"] or account["username"] or account["external_id"],
        email=account["email"] or "",
        status=account["status"],
        person_id=account["person_id"],
        holds=tuple(map(_held, entitlements)),
        admin=any(one["type"] == "admin" for one in entitlements),
    )


def _held(entitlement: dict[str, Any]) -> str:
    name = entitlement["name"] or entitlement["id"]
    if entitlement["type"] == "role":
        scope = entitlement["scope_name"] or entitlement["scope"]
        return f"{name} on {scope}" if scope else str(name)
    return f"{entitlement['type']} {name}" if entitlement["type"] == "group" else "admin right"


def _in_both(people: Iterable[dict[str, Any]], apps: Sequence[App]) -> list[Both]:
    by_person = [{account.person_id: account for account in app.accounts} for app in apps]
    found = [
        Both(
            person["display_name"] or "",
            person["email"] or "",
            {app.name: of[person["id"]] for app, of in zip(apps, by_person, strict=True)},
        )
        for person in people
        if all(person["id"] in of for of in by_person)
    ]
    return sorted(found, key=lambda both: (-_grants(both), both.email))


def _grants(both: Both) -> int:
    return sum(len(account.holds) for account in both.accounts.values())


def tables(roster: Roster) -> list[RenderableType]:
    """The counts, a sample of the people who are in both apps, the administrators."""
    return [_counts(roster), _people(roster), _admins(roster)]


def _counts(roster: Roster) -> RenderableType:
    numbers = ("Accounts", "inactive", "Groups", "Grants", "Admins")
    shown = table(
        f"The roster: {roster.people} people, {len(roster.in_both)} with accounts in both apps",
        "App",
        *numbers,
        numbers=numbers,
    )
    for app in roster.apps:
        states = Counter(account.status for account in app.accounts)
        admins = sum(account.admin for account in app.accounts)
        counts = (len(app.accounts), states["inactive"], app.groups, app.grants, admins)
        shown.add_row(app.name, *map(str, counts))
    return shown


def _people(roster: Roster) -> RenderableType:
    sample = roster.in_both[:_PEOPLE]
    shown = table(
        f"In both apps: {len(sample)} of {len(roster.in_both)}, those who hold most first",
        "Person",
        "App",
        "Account",
        "Holds",
    )
    for both in sample:
        if shown.row_count:
            shown.add_row()
        who = [Text(both.name), Text(both.email, "dim")]
        for app, account in both.accounts.items():
            state = "" if account.status == "active" else f"{account.status}; "
            holds = state + (", ".join(account.holds) or "nothing")
            shown.add_row(who.pop(0) if who else "", app, account.external_id, Text(holds))
    return shown


def _admins(roster: Roster) -> RenderableType:
    total = sum(account.admin for app in roster.apps for account in app.accounts)
    shown = table(f"Administrators: {total}", "App", "Account", "Name", "Email", "Status")
    for app in roster.apps:
        if shown.row_count:
            shown.add_row()
        admins = [account for account in app.accounts if account.admin]
        for account in admins[:_ADMINS]:
            shown.add_row(
                app.name,
                account.external_id,
                Text(account.name),
                Text(account.email),
                account.status,
            )
        if len(admins) > _ADMINS:
            shown.add_row(app.name, "…", f"and {len(admins) - _ADMINS} more", "", "")
    return shown
