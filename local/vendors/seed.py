"""Demo data, the same in every run: two accounts of one made-up company, Northwind.

Three in five of the people in Aha! are in ActiveCampaign too, with the same e-mail address (one
in twenty of them in capitals there), as long as that account has enough users.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from local.vendors.activecampaign import ActiveCampaign
from local.vendors.activecampaign_shapes import Group
from local.vendors.activecampaign_shapes import User as CampaignUser
from local.vendors.aha import Aha
from local.vendors.aha_shapes import PAID_ROLES, Administers, Product, SeatGroup
from local.vendors.aha_shapes import User as AhaUser

_FIRST = (  # noqa: SIM905 (readable so)
    "Amina Bram Carla Daan Elif Femke Giulia Hugo Ines Jasper Katarzyna Lars Mei Noah Olivia "
    "Pieter Quinn Rosa Sander Tomás Ursula Vikram Wout Ximena Yusuf Zoë Anouk Benedikt Chiara "
    "Dmitri Emma Farid Greta Hannah Ivan Joost Kwame Leila Mateo Nadia"
).split()
_LAST = (  # noqa: SIM905
    "Adeyemi Bakker Chen Demir Eriksen Fischer García Hofman Ivanova Jansen Kowalski Lindqvist "
    "Moreau Nguyen Okafor Petersen Quist Rossi Smit Tanaka Ueda Visser Weber Xu Öztürk Zijlstra "
    "Andersson Brown Costa Dubois Evans Ferrari Green Haddad Ito Jones Kaya Lopez Meijer Novak "
    "O'Brien Patel Ramirez Schmidt Thomas Usman Vermeulen Williams Young Zhang"
).split()
_PLAIN = str.maketrans("áãäåçéëíñóöúüøß", "aaaaceeinoouuos", "'")
_TEAMS = (
    ("Marketing", "Campaigns and lists"),
    ("Sales", "Deals and accounts"),
    ("Support", "Replies to customers"),
    ("Content", "Templates and forms"),
    ("Events", "Fairs and webinars"),
    ("Partners", "Agencies that work for us"),
    ("Analysts", "Reports only"),
)
_ZONES = ("Europe/Amsterdam", "Europe/Berlin", "America/Chicago", "Asia/Istanbul", "Asia/Tokyo")
_PRODUCTS = (
    ("COMPANY", "Northwind", True, False),
    ("WEB", "Web shop", False, False),
    ("APP", "Mobile app", False, False),
    ("PAY", "Payments", False, False),
    ("LAB", "Skunkworks", False, True),
    ("OPS", "Operations", False, False),
    ("DATA", "Data platform", False, False),
)
_ROLES = (20, 30, 50, 40, 50, 35, 30, 0)
_CUSTOM_ROLES = {409541421: "Roadmap steward", 409541422: "Idea curator"}
_OUTSIDERS = 5_000_000  # number of the first person who is in Aha! only
_START = datetime(2020, 5, 24, 10, 16, 49, tzinfo=UTC)


class Person(NamedTuple):
    """Somebody at Northwind."""

    first: str
    last: str
    email: str


def person(number: int) -> Person:
    """Return the person with that number; everybody has an e-mail address of their own."""
    mixed = number * 1117 % (len(_FIRST) * len(_LAST))
    first, last = _FIRST[mixed % len(_FIRST)], _LAST[mixed // len(_FIRST)]
    again = number // (len(_FIRST) * len(_LAST))
    local = f"{first}.{last}{again + 1 if again else ''}".lower().translate(_PLAIN)
    return Person(first, last, f"{local}@northwind.example")


def seed_activecampaign(users: int = 250, groups: int = 8) -> ActiveCampaign:
    """Account with that many users, ids 1 (the owner, "admin") and up, and groups from id 3.

    Group 3 is Admin, with about one user in forty; the others are spread over the rest.
    """
    teams = [Group("3", "Admin", _ADMIN_TEXT)]
    for number in range(groups - 1):
        title, about = _TEAMS[number % len(_TEAMS)]
        again = number // len(_TEAMS)
        name = f"{title} {again + 1}" if again else title
        granted = {"pg_user_add": "1", "pgReportsUser": "1"} if number == 1 else {}
        teams.append(Group(str(number + 4), name, about, permissions=granted))
    members = [_campaign_user(number, groups) for number in range(users)]
    return ActiveCampaign(members, teams)


_ADMIN_TEXT = "This is a group for admin users (people that can manage content)"


def _campaign_user(number: int, groups: int) -> CampaignUser:
    who = person(number)
    joined = (_START + timedelta(hours=7 * number % 40_000)).isoformat(timespec="seconds")
    in_admin = number % 40 == 0 or groups == 1
    return CampaignUser(
        id=str(number + 1),
        username=who.email.partition("@")[0] if number else "admin",
        email=who.email,
        first_name=who.first,
        last_name=who.last,
        group="3" if in_admin else str(4 + number % (groups - 1)),
        phone=f"+31 20 555 {number % 10_000:04}" if number % 3 == 0 else "",
        zone=_ZONES[number % len(_ZONES)],
        cdate=joined if number else None,
        udate=joined if number else None,
        mfa="1" if number % 4 == 0 else "0",
    )


def seed_aha(users: int = 180) -> Aha:
    """Account with that many users; the first is an administrator in all ways and owns the key.

    One in eleven is disabled, one in nine never signed in, one in thirty each administers only
    billing, only configuration or the account; some hold no role, some one that is "None".
    """
    products = [
        Product(str(131414752 + 96617533 * number), prefix, name, line, hidden)
        for number, (prefix, name, line, hidden) in enumerate(_PRODUCTS)
    ]
    seats = [SeatGroup("572805993", "Product", 60), SeatGroup("572805994", "Engineering", 40)]
    members = [_aha_user(number, products, seats) for number in range(users)]
    for index, seat in enumerate(seats):
        seats[index] = SeatGroup(seat.id, seat.name, seat.capacity, (members[0].id,))
    return Aha(members, products, seats, _CUSTOM_ROLES)


def _aha_user(number: int, products: list[Product], seats: list[SeatGroup]) -> AhaUser:
    shared = number % 5 < 3  # noqa: PLR2004 (three in five)
    who = person(number // 5 * 3 + number % 5 if shared else _OUTSIDERS + number)
    short = number < 20  # noqa: PLR2004 (old accounts have short ids, new ones nineteen digits)
    held = [
        (products[(number + 3 * turn) % len(products)].id, _ROLES[(number + turn) % len(_ROLES)])
        for turn in range(number % 4)
    ]
    created = _START + timedelta(hours=11 * number % 40_000)
    seen = None if number % 9 == 4 and number else created + timedelta(days=number % 400 + 1)  # noqa: PLR2004
    paid = any(role in PAID_ROLES for _, role in held)
    custom = ((409541421 + number % 2, products[1 + number % 3].id),) if number % 12 == 5 else ()  # noqa: PLR2004
    return AhaUser(
        id=str(1020675218 + 1009 * number if short else 6776757454431877834 + 1013 * number),
        name=f"{who.first} {who.last}",
        email=who.email.title() if shared and number % 20 == 10 else who.email,  # noqa: PLR2004
        enabled=number % 11 != 7,  # noqa: PLR2004
        paid_seat=paid,
        administers=_administers(number),
        product_roles=tuple(held),
        user_roles=custom,
        seat_group=seats[number % 2].id if paid and number % 8 == 3 else None,  # noqa: PLR2004
        timezone="Pacific Time (US & Canada)" if number % 6 == 0 else _ZONES[number % 5],
        created_at=_stamp(created),
        updated_at=_stamp(created),
        accessed_at=None if seen is None else _stamp(seen),
        provider="Northwind SSO" if number % 4 == 1 else None,
    )


def _administers(number: int) -> Administers:
    if number == 0:
        return Administers(account=True, billing=True, configuration=True)
    kinds = {1: "billing", 2: "configuration", 3: "account"}
    kind = kinds.get(number % 30)
    return Administers(**{kind: True}) if kind else Administers()


def _stamp(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"
