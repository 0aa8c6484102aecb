"""A sample Aha! account: users, their roles, products and paid seat groups under /api/v1.

Shapes follow the vendor's OpenAPI (2026-08) and its 2025 pages; where neither says, the comment
does. Nobody is deleted in this app: a user who leaves is disabled and stays in the list.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, Any

from local.vendors.aha_answers import (
    FORBIDDEN,
    GONE,
    NOT_FOUND,
    UNROUTED,
    WRONG_KEY,
    as_json,
    invalid,
    listing,
    now,
    page_for,
    paged,
    truth,
)
from local.vendors.aha_shapes import (
    PAID_ROLES,
    WRITTEN_ROLES,
    Administers,
    Product,
    SeatGroup,
    User,
    dumps,
    me_json,
    product_json,
    product_role_json,
    project_user_json,
    seat_group_json,
    user_fields,
    user_json,
    user_role_json,
)
from local.vendors.calls import Answer, Call, Visit, find, routes
from local.vendors.tables import Table, check_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.vendors.limit import Quota
    from local.vendors.switches import Switches


class Aha:
    """One account. `users`, `products` and `seat_groups` are tables by id, open to change.

    `token` is the key of the user `me`, by default the user with the lowest id. `custom_roles`
    gives the names of the account's custom roles by id.
    """

    connector = "aha"
    base = "/api/v1"

    def __init__(
        self,
        users: Iterable[User] = (),
        products: Iterable[Product] = (),
        seat_groups: Iterable[SeatGroup] = (),
        custom_roles: Mapping[int, str] | None = None,
        *,
        token: str = "sample-aha-key",  # noqa: S107 (opens nothing but this server)
        me: str | None = None,
    ) -> None:
        self.lock = RLock()
        self.token = token
        self.users: Table[User] = Table(self.lock, _user_keys, users)
        self.products: Table[Product] = Table(self.lock, _product_keys, products)
        self.seat_groups: Table[SeatGroup] = Table(self.lock, _seat_group_keys, seat_groups)
        self.custom_roles = dict(custom_roles or {})
        self.me = me or next(iter(self.users), "0")

    def answer(self, call: Call, switches: Switches) -> Answer:
        """Answer a call as the app would. Writes change the tables."""
        right = call.headers.get("authorization") == f"Bearer {self.token}"
        if not right or not switches.token_valid:
            return WRONG_KEY
        parts = call.parts(self.base) or []
        found = find(_ROUTES, call.method, parts[:-1] if parts[-1:] == [""] else parts)
        if found is None:
            return UNROUTED
        handler, variables = found
        if switches.users_refused and parts[0] == "users":
            return FORBIDDEN
        with self.lock:
            return handler(self, Visit(call, switches, variables))

    def decorate(self, answer: Answer, quota: Quota | None, switches: Switches) -> Answer:
        """Add the rate limit's headers: X-Ratelimit-*, Reset in Unix seconds."""
        if quota is None:
            return answer
        headers = [
            ("X-Ratelimit-Limit", str(quota.limit)),
            ("X-Ratelimit-Remaining", str(quota.remaining)),
            ("X-Ratelimit-Reset", str(math.ceil(time.time() + quota.wait))),
        ]
        if quota.refused and switches.retry_after not in ("vendor", ""):
            headers.append((switches.retry_after, str(math.ceil(quota.wait))))
        return replace(answer, headers=(*answer.headers, *headers))

    def too_many(self, switches: Switches) -> Answer:
        """Answer a call over the rate limit. The vendor does not say what its body holds."""
        return as_json({"error": "Rate limit exceeded"}, switches.rate_limit_status)

    def counts(self) -> dict[str, int]:
        """Count what the account holds."""
        return {
            "users": len(self.users),
            "products": len(self.products),
            "paid_seat_groups": len(self.seat_groups),
        }

    def check_users(self, added: Iterable[dict[str, Any]]) -> None:
        """Raise ValueError for a field that User does not have."""
        for values in added:
            check_fields(values, User)

    def put_user(self, values: dict[str, Any]) -> None:
        """Add a user from the fields of User, or change the given fields of one that is there.

        Without `id` the next free one is taken, without `email` and `name` ones made of it.
        """
        fields = user_fields(values)
        with self.lock:
            number = str(fields.get("id") or self.users.next_id())
            fields["id"] = number
            old = self.users.get(number)
            if old is None:
                fields.setdefault("email", f"user{number}@northwind.example")
                fields.setdefault("name", f"User {number}")
                self.users[number] = User(**fields)
            else:
                self.users[number] = replace(old, **fields)

    # --- users ---------------------------------------------------------------------------------

    def list_users(self, visit: Visit) -> Answer:
        """List everybody, or with ?email= that one (letter case does not matter: assumed)."""
        call, switches = visit.call, visit.switches
        key = None if switches.disabled_listed else "enabled"
        if "email" in call.query:
            key = f"email:{call.query['email'].casefold()}"
        page, number = page_for("users", self.users.count(key), call, switches)
        shape = (
            switches.user_shape,
            switches.paid_seat_group,
            switches.product_names_hidden,
            switches.ids_as_ints,
            self.products.version,
            self.seat_groups.version,
        )
        rows = self.users.render(
            self.users.slice(page.start, page.stop, key),
            shape,
            lambda user: dumps(self._user_json(user, switches)),
        )
        return listing("users", rows, page, number)

    def _user_json(self, user: User, switches: Switches) -> dict[str, Any]:
        seat_group = self.seat_groups.get(user.seat_group or "")
        roles = self._product_roles(user, switches)
        return user_json(user, roles, self._user_roles(user), seat_group, switches)

    def _product_roles(self, user: User, switches: Switches) -> list[dict[str, Any]]:
        return [
            product_role_json(product, role, self.products, switches)
            for product, role in user.product_roles
        ]

    def _user_roles(self, user: User) -> list[dict[str, Any]]:
        return [
            user_role_json(role, self.custom_roles[role], product, self.products)
            for role, product in user.user_roles
        ]

    def show_user(self, visit: Visit) -> Answer:
        """200 {"user": ...} without user_roles. An e-mail in place of the id finds nobody."""
        user = self.users.get(visit.parts[0])
        if user is None:
            return NOT_FOUND
        shown = self._user_json(user, visit.switches)
        del shown["user_roles"]
        return as_json({"user": shown})

    def show_me(self, visit: Visit) -> Answer:
        """200 with the key's own user."""
        user = self.users.get(self.me)
        if user is None:
            return NOT_FOUND
        product = next(iter(self.products.slice(0, 1)), None)
        roles = self._product_roles(user, visit.switches)
        return as_json({"user": me_json(user, roles, product, visit.switches)})

    def change_user(self, visit: Visit) -> Answer:
        """200 with the bare user. Roles and paid seat stay as they are when one is disabled.

        Disabling oneself is answered 400 here; what the vendor says is not known.
        """
        user = self.users.get(visit.parts[0])
        sent = visit.call.object("user")
        if user is None:
            return NOT_FOUND
        if sent is None:
            return invalid("User is missing")
        if sent.get("enabled") in (False, "false") and user.id == self.me:
            return invalid("You cannot disable yourself")
        first, _, last = user.name.partition(" ")
        name = f"{sent.get('first_name', first)} {sent.get('last_name', last)}".strip()
        administers = user.administers
        if "administrator" in sent:
            administers = Administers(*[truth(sent["administrator"])] * 3)
        for kind, value in sent.get("administrator_roles", {}).items():
            field = kind.removeprefix("administer_")
            if field not in Administers._fields:
                return invalid(f"{kind} is not an administrator role")
            administers = administers._replace(**{field: truth(value)})
        self.users[user.id] = user = replace(
            user,
            name=name,
            email=str(sent.get("email", user.email)),
            enabled=truth(sent.get("enabled", user.enabled)),
            administers=administers,
            updated_at=now(),
        )
        shown = self._user_json(user, visit.switches)
        for left_out in ("user_roles", "roadmaps_seat", "develop_seat"):
            shown.pop(left_out, None)
        return as_json(shown)

    # --- roles ---------------------------------------------------------------------------------

    def list_product_roles(self, visit: Visit) -> Answer:
        """200 with one role a product, role 0 among them."""
        user = self.users.get(visit.parts[0])
        if user is None:
            return NOT_FOUND
        return paged("product_roles", self._product_roles(user, visit.switches), visit)

    def set_product_role(self, visit: Visit) -> Answer:
        """200 with the bare role, replacing the user's role there; "none" leaves a role 0."""
        user = self.users.get(visit.parts[0])
        sent = visit.call.object("product_role") or {}
        product = self._product(str(sent.get("product_id", "")))
        if user is None or product is None:
            return NOT_FOUND
        role = WRITTEN_ROLES.get(str(sent.get("role")))
        if role is None:
            return invalid("Role is not included in the list")
        roles = {**dict(user.product_roles), product.id: role}
        self.users[user.id] = replace(user, product_roles=tuple(roles.items()))
        return as_json(product_role_json(product.id, role, self.products, visit.switches))

    def drop_product_role(self, visit: Visit) -> Answer:
        """204, or 404 where there is no such role."""
        user = self.users.get(visit.parts[0])
        product = self._product(visit.parts[1])
        roles = dict(user.product_roles) if user else {}
        if user is None or product is None or roles.pop(product.id, None) is None:
            return NOT_FOUND
        self.users[user.id] = replace(user, product_roles=tuple(roles.items()))
        return GONE

    def list_user_roles(self, visit: Visit) -> Answer:
        """200 with custom roles (Enterprise+)."""
        user = self.users.get(visit.parts[0])
        return paged("user_roles", self._user_roles(user), visit) if user else NOT_FOUND

    def set_user_role(self, visit: Visit) -> Answer:
        """200 with the bare custom role, replacing the one the user had in that product."""
        user = self.users.get(visit.parts[0])
        sent = visit.call.object("user_role") or {}
        product = self._product(str(sent.get("product_id", "")))
        role = sent.get("custom_role_id")
        if user is None or product is None or role not in self.custom_roles:
            return NOT_FOUND
        kept = tuple(pair for pair in user.user_roles if pair[1] != product.id)
        self.users[user.id] = replace(user, user_roles=(*kept, (role, product.id)))
        return as_json(user_role_json(role, self.custom_roles[role], product.id, self.products))

    def drop_user_role(self, visit: Visit) -> Answer:
        """204, or 404 where there is no such role."""
        user = self.users.get(visit.parts[0])
        product = self._product(visit.parts[1])
        if user is None or product is None:
            return NOT_FOUND
        kept = tuple(pair for pair in user.user_roles if pair[1] != product.id)
        if kept == user.user_roles:
            return NOT_FOUND
        self.users[user.id] = replace(user, user_roles=kept)
        return GONE

    # --- products and seats --------------------------------------------------------------------

    def _product(self, key: str) -> Product | None:
        """Find a product by id or by reference prefix."""
        return self.products.get(key) or self.products.first(key)

    def list_products(self, visit: Visit) -> Answer:
        """200 with workspaces and product lines by ascending id."""
        products = self.products.slice(0, len(self.products))
        rows = [product_json(product, visit.switches) for product in products]
        return paged("products", rows, visit)

    def list_product_users(self, visit: Visit) -> Answer:
        """200 with the users that hold a role there, under project_users."""
        product = self._product(visit.parts[0])
        if product is None:
            return NOT_FOUND
        key = f"product:{product.id}"
        page, number = page_for("project_users", self.users.count(key), visit.call, visit.switches)
        rows = [
            dumps(project_user_json(user, dict(user.product_roles)[product.id], visit.switches))
            for user in self.users.slice(page.start, page.stop, key)
        ]
        return listing("project_users", rows, page, number)

    def create_product_user(self, visit: Visit) -> Answer:
        """200 with role and short user. An e-mail that is there already: 400, assumed."""
        product = self._product(visit.parts[0])
        sent = visit.call.object("user") or {}
        if product is None:
            return NOT_FOUND
        for name in ("email", "first_name", "last_name", "role"):
            if not sent.get(name):
                return invalid(f"{name.replace('_', ' ').capitalize()} can't be blank")
        role = WRITTEN_ROLES.get(str(sent["role"]))
        if role is None:
            return invalid("Role is not included in the list")
        if self.users.first(f"email:{str(sent['email']).casefold()}"):
            return invalid("Email has already been taken")
        if visit.switches.created_role != "asked":
            role = WRITTEN_ROLES[visit.switches.created_role]
        moment = now()
        user = User(
            id=self.users.next_id(),
            name=f"{sent['first_name']} {sent['last_name']}",
            email=str(sent["email"]),
            paid_seat=role in PAID_ROLES,
            product_roles=((product.id, role),),
            created_at=moment,
            updated_at=moment,
        )
        self.users[user.id] = user
        return as_json(project_user_json(user, role, visit.switches))

    def list_seat_groups(self, visit: Visit) -> Answer:
        """200 without a pagination block."""
        rows = [
            seat_group_json(group, self.users.count(f"seat:{group.id}"), self.users, visit.switches)
            for group in self.seat_groups.slice(0, len(self.seat_groups))
        ]
        return as_json({"paid_seat_groups": rows})


def _user_keys(user: User) -> Iterable[str]:
    yield f"email:{user.email.casefold()}"
    if user.enabled:
        yield "enabled"
    if user.seat_group:
        yield f"seat:{user.seat_group}"
    for product, _ in user.product_roles:
        yield f"product:{product}"


def _product_keys(product: Product) -> Iterable[str]:
    return (product.prefix,)


def _seat_group_keys(_group: SeatGroup) -> Iterable[str]:
    return ()


_ROUTES = routes(
    [
        ("GET me", Aha.show_me),
        ("GET users", Aha.list_users),
        ("GET users/*", Aha.show_user),
        ("PUT users/*", Aha.change_user),
        ("GET users/*/product_roles", Aha.list_product_roles),
        ("POST users/*/product_roles", Aha.set_product_role),
        ("DELETE users/*/product_roles/*", Aha.drop_product_role),
        ("GET users/*/user_roles", Aha.list_user_roles),
        ("POST users/*/user_roles", Aha.set_user_role),
        ("DELETE users/*/user_roles/*", Aha.drop_user_role),
        ("GET products", Aha.list_products),
        ("GET products/*/users", Aha.list_product_users),
        ("POST products/*/users", Aha.create_product_user),
        ("GET paid_seat_groups", Aha.list_seat_groups),
    ]
)
