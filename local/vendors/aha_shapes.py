"""Aha!'s records and the JSON they are sent as: the examples of the vendor's OpenAPI (2026-08).

ids are strings of up to nineteen digits; those inside user_roles are numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.vendors.switches import Switches

_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
# 20 to 50 are documented; a 0 is seen in a client of the vendor, its description is assumed.
ROLE_NAMES: Mapping[int, str] = MappingProxyType(
    {20: "Owner", 30: "Contributor", 35: "Developer", 40: "Reviewer", 50: "Viewer", 0: "None"}
)
WRITTEN_ROLES: Mapping[str, int] = MappingProxyType(
    {"product_owner": 20, "contributor": 30, "reviewer": 40, "viewer": 50, "none": 0}
)
_DEVELOPER = 35
PAID_ROLES = frozenset({20, 30, 35})


class Administers(NamedTuple):
    """The three kinds of administrator; `administrator` is true when any of them is."""

    account: bool = False
    billing: bool = False
    configuration: bool = False


_NO_ADMINISTRATOR = Administers()


@dataclass(frozen=True, slots=True)
class User:
    """`product_roles` are (product id, role), `user_roles` (custom role id, product id).

    `accessed_at` None: never signed in. `provider` is the name of an identity provider, None
    for a user with a password. `seat_group` is the id of a paid seat group.
    """

    id: str
    name: str
    email: str
    enabled: bool = True
    paid_seat: bool = False
    administers: Administers = _NO_ADMINISTRATOR
    product_roles: tuple[tuple[str, int], ...] = ()
    user_roles: tuple[tuple[int, str], ...] = ()
    seat_group: str | None = None
    timezone: str = "Pacific Time (US & Canada)"
    created_at: str = "2019-01-01T00:00:00.000Z"
    updated_at: str = "2019-01-01T00:00:00.000Z"
    accessed_at: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A workspace, or a product line when `line`. `hidden`: its name shows as null in roles."""

    id: str
    prefix: str
    name: str
    line: bool = False
    hidden: bool = False
    created_at: str = "2019-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class SeatGroup:
    """A paid seat group (Enterprise+); its members are the users that name it."""

    id: str
    name: str
    capacity: int = 20
    administrators: tuple[str, ...] = ()


def dumps(value: object) -> bytes:
    """JSON in UTF-8, no spaces."""
    return _JSON.encode(value).encode()


def identifier(text: str, switches: Switches) -> str | int:
    """Give an id as the string the vendor sends, or as a number when switched so."""
    return int(text) if switches.ids_as_ints else text


def short_json(user: User, switches: Switches) -> dict[str, Any]:
    """Build the five fields of a user inside other answers."""
    return {
        "id": identifier(user.id, switches),
        "name": user.name,
        "email": user.email,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }


def product_role_json(
    product_id: str, role: int, products: Mapping[str, Product], switches: Switches
) -> dict[str, Any]:
    """Build one role of a user; product_name is null where the caller cannot see the product."""
    product = products.get(product_id)
    hidden = product is None or product.hidden or switches.product_names_hidden
    return {
        "role": role,
        "role_description": ROLE_NAMES[role],
        "product_id": identifier(product_id, switches),
        "product_name": None if product is None or hidden else product.name,
    }


def user_role_json(
    role: int, name: str, product_id: str, products: Mapping[str, Product]
) -> dict[str, Any]:
    """Build one custom role of a user, its ids numbers."""
    product = products.get(product_id)
    scope = {"type": "project", "name": product.name if product else None, "id": int(product_id)}
    return {"role_id": role, "name": name, "scope": scope}


def user_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give fields of User that came as JSON the types User has: lists become tuples."""
    fields = dict(values)
    for name in ("product_roles", "user_roles"):
        if name in fields:
            fields[name] = tuple((pair[0], pair[1]) for pair in fields[name])
    if "administers" in fields:
        fields["administers"] = Administers(*fields["administers"])
    return fields


def project_user_json(user: User, role: int, switches: Switches) -> dict[str, Any]:
    """Build a user of one product: the role there around the short user."""
    shown = short_json(user, switches)
    return {"role": role, "role_description": ROLE_NAMES[role], "user": shown}


def user_json(
    user: User,
    product_roles: list[dict[str, Any]],
    user_roles: list[dict[str, Any]],
    seat_group: SeatGroup | None,
    switches: Switches,
) -> dict[str, Any]:
    """Build a user as GET users lists it, in the field set of 2026 or 2025."""
    recent = switches.user_shape == "2026"
    shown: dict[str, Any] = {
        "id": identifier(user.id, switches),
        "name": user.name,
        "email": user.email,
        **({"timezone": user.timezone} if recent else {}),
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "accessed_at": user.accessed_at,
        "product_roles": product_roles,
        "user_roles": user_roles,
        "enabled": user.enabled,
        "paid_seat": user.paid_seat,
        "administrator": any(user.administers),
    }
    if recent:
        shown["roadmaps_seat"] = user.paid_seat
        shown["develop_seat"] = any(role == _DEVELOPER for _, role in user.product_roles)
    shown["administrator_roles"] = {
        f"administer_{kind}": value for kind, value in user.administers._asdict().items()
    }
    if seat_group and switches.paid_seat_group != "absent":
        as_int = switches.paid_seat_group == "int"
        number = int(seat_group.id) if as_int else identifier(seat_group.id, switches)
        shown["paid_seat_group"] = {"id": number, "name": seat_group.name}
    provider = {"type": "saml", "name": user.provider} if user.provider else None
    shown["identity_provider"] = provider or {"type": "password"}
    return shown


def product_json(product: Product, switches: Switches) -> dict[str, Any]:
    """Build a product as GET products lists it."""
    return {
        "id": identifier(product.id, switches),
        "reference_prefix": product.prefix,
        "name": product.name,
        "product_line": product.line,
        "created_at": product.created_at,
        "url": f"https://northwind.aha.example/projects/{product.prefix}",
        "workspace_type": "product_workspace",
    }


def seat_group_json(
    group: SeatGroup, members: int, users: Mapping[str, User], switches: Switches
) -> dict[str, Any]:
    """Build a paid seat group. `members` is how many users it holds."""
    leaders = [users[number] for number in group.administrators if number in users]
    return {
        "id": identifier(group.id, switches),
        "name": group.name,
        "administrators": [short_json(leader, switches) for leader in leaders],
        "capacity": group.capacity,
        "allocated_seats": members,
        "description": None,
        "created_at": "2019-01-01T00:00:00.000Z",
        "updated_at": "2019-01-01T00:00:00.000Z",
    }


def me_json(
    user: User, roles: list[dict[str, Any]], product: Product | None, switches: Switches
) -> dict[str, Any]:
    """Build the key's own user; it does not say whether that user is an administrator."""
    shown: dict[str, Any] = short_json(user, switches)
    if switches.user_shape == "2025":
        shown["accessed_at"] = user.accessed_at
    shown["product_roles"] = roles
    shown["preferences"] = {"current_product_id": int(product.id) if product else None}
    account = {"name": "Northwind", "domain": "northwind", "logo": None, "alt_logo": None}
    shown["accounts"] = [{"account": {**account, "enabled": True}}]
    return shown
