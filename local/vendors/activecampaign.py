"""A sample ActiveCampaign account: users and groups of API v3 under /api/3.

Shapes follow the vendor's recorded answers (2020) and reference; where neither says, the
comment does. Users cannot be switched off in this app, only deleted, and each is in one group.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, Any

from local.vendors.activecampaign_answers import (
    DELETED,
    FORBIDDEN,
    UNREADABLE,
    UNROUTED,
    WRONG_KEY,
    invalid,
    limits,
    listing,
    no_result,
    now,
    permissions_in,
)
from local.vendors.activecampaign_shapes import (
    ADMIN_GROUP,
    OWNER,
    Group,
    User,
    changed_user_json,
    created_group_json,
    created_user_json,
    dumps,
    group_json,
    identifier,
    row_json,
    user_json,
)
from local.vendors.calls import Answer, Call, Visit, find, routes
from local.vendors.paging import page_of
from local.vendors.tables import Table, check_fields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.vendors.limit import Quota
    from local.vendors.switches import Switches


class ActiveCampaign:
    """One account. `users` and `groups` are tables by id that tests may change at any time.

    `token` is the key of the user `me`. `account_url` is what the links in answers begin with;
    it is not the address the server listens on, so that records are alike in every run.
    """

    connector = "activecampaign"
    base = "/api/3"

    def __init__(
        self,
        users: Iterable[User] = (),
        groups: Iterable[Group] = (),
        *,
        token: str = "sample-activecampaign-key",  # noqa: S107 (opens nothing but this server)
        me: str = OWNER,
        account_url: str = "https://northwind.api-us1.example",
    ) -> None:
        self.lock = RLock()
        self.token = token
        self.me = me
        self.url = f"{account_url}{self.base}"
        self.users: Table[User] = Table(self.lock, _user_keys, users)
        self.groups: Table[Group] = Table(self.lock, _group_keys, groups)

    def answer(self, call: Call, switches: Switches) -> Answer:
        """Answer a call as the app would. Writes change the tables."""
        if call.headers.get("api-token") != self.token or not switches.token_valid:
            return WRONG_KEY
        sent = call.parts(self.base) or []
        found = find(_ROUTES, call.method, sent)
        if found is None:
            return UNROUTED
        handler, parts = found
        if switches.users_refused and sent[0] == "users" and sent[1:] != ["me"]:
            return FORBIDDEN
        # An empty id means id 0, which no record has.
        visit = Visit(call, switches, tuple(part or "0" for part in parts))
        with self.lock:
            return handler(self, visit)

    def decorate(self, answer: Answer, quota: Quota | None, switches: Switches) -> Answer:
        """Add the headers every answer of this app carries, the rate limit among them."""
        headers = [
            ("Cache-Control", "no-store, no-cache, must-revalidate"),
            ("Set-Cookie", "PHPSESSID=0f3c5d2b; path=/; HttpOnly"),
            ("X-Request-Id", str(uuid.uuid4())),
        ]
        if quota:
            headers.append(("RateLimit-Limit", str(quota.limit)))
            headers.append(("RateLimit-Remaining", str(quota.remaining)))
            name = "Retry-After" if switches.retry_after == "vendor" else switches.retry_after
            if quota.refused and name:
                headers.append((name, str(math.ceil(quota.wait))))
        return replace(answer, headers=(*answer.headers, *headers))

    def too_many(self, switches: Switches) -> Answer:
        """Answer a call over the rate limit. The vendor does not say what its body holds."""
        return Answer(switches.rate_limit_status, dumps({"message": "Too Many Requests"}))

    def counts(self) -> dict[str, int]:
        """Count what the account holds."""
        return {"users": len(self.users), "groups": len(self.groups)}

    def check_users(self, added: Iterable[dict[str, Any]]) -> None:
        """Raise ValueError for a field that User does not have."""
        for values in added:
            check_fields(values, User)

    def put_user(self, values: dict[str, Any]) -> None:
        """Add a user from the fields of User, or change the given fields of one that is there.

        Without `id` the next free one is taken, without `email` and `username` ones made of it.
        """
        with self.lock:
            number = str(values.get("id") or self.users.next_id())
            fields = {**values, "id": number}
            old = self.users.get(number)
            if old is None:
                email = fields.setdefault("email", f"user{number}@northwind.example")
                fields.setdefault("username", email)
                self.users[number] = User(**fields)
            else:
                self.users[number] = replace(old, **fields)

    # --- users ---------------------------------------------------------------------------------

    def list_users(self, visit: Visit) -> Answer:
        """200 with users by ascending id; no filter or order is documented for users."""
        call, switches = visit.call, visit.switches
        page = page_of("users", len(self.users), *limits(call), switches)
        as_int = switches.ids_as_ints
        rows = self.users.render(
            self.users.slice(page.start, page.stop),
            (switches.user_fields, as_int),
            lambda user: dumps(user_json(user, self.url, switches.user_fields, as_int=as_int)),
        )
        return listing("users", rows, page.total)

    def show_me(self, visit: Visit) -> Answer:
        """200 with the key's own user, whatever else the key may see."""
        return self._user(self.users.get(self.me), self.me, visit.switches)

    def show_user(self, visit: Visit) -> Answer:
        """200, or the recorded "No Result found" that other resources give for an unknown id."""
        number = visit.parts[0]
        return self._user(self.users.get(number), number, visit.switches)

    def show_username(self, visit: Visit) -> Answer:
        """200 as by id. The text for an unknown name is not known; letter case is ignored."""
        name = visit.parts[0]
        return self._user(self.users.first(f"username:{name.casefold()}"), name, visit.switches)

    def show_email(self, visit: Visit) -> Answer:
        """200 as by id, an unencoded @ in the path included; letter case is ignored."""
        email = visit.parts[0]
        return self._user(self.users.first(f"email:{email.casefold()}"), email, visit.switches)

    def _user(self, user: User | None, asked: str, switches: Switches) -> Answer:
        if user is None:
            return no_result("User", asked, switches)
        as_int = switches.ids_as_ints
        shown = user_json(user, self.url, switches.user_fields, as_int=as_int)
        return Answer(200, dumps({"user": shown}))

    def create_user(self, visit: Visit) -> Answer:
        """201 with the short object. What is wrong is told in the 422 form of other resources."""
        sent = visit.call.object("user")
        if sent is None:
            return UNREADABLE
        missing = [
            name for name in ("username", "email", "group", "password") if not sent.get(name)
        ]
        if missing:
            return invalid("field_missing", *missing)
        refused = self._refused(sent, None)
        if refused:
            return refused
        moment = now()
        user = User(
            id=self.users.next_id(),
            username=str(sent["username"]),
            email=str(sent["email"]),
            first_name=str(sent.get("firstName", "")),
            last_name=str(sent.get("lastName", "")),
            group=str(sent["group"]),
            cdate=moment,
            udate=moment,
        )
        self.users[user.id] = user
        switches = visit.switches
        shown = created_user_json(user, self.url, switches.user_fields, as_int=switches.ids_as_ints)
        return Answer(201, dumps({"user": shown}))

    def change_user(self, visit: Visit) -> Answer:
        """200 with side-loaded rows; fields not sent stay. The owner cannot leave Admin."""
        number, switches = visit.parts[0], visit.switches
        old = self.users.get(number)
        if old is None:
            return no_result("User", number, switches)
        sent = visit.call.object("user")
        if sent is None:
            return UNREADABLE
        refused = self._refused(sent, old)
        if refused:
            return refused
        if number == OWNER and str(sent.get("group", ADMIN_GROUP)) != ADMIN_GROUP:
            return FORBIDDEN
        names = {"firstName": "first_name", "lastName": "last_name", "email": "email"}
        names |= {"group": "group", "phone": "phone"}
        if switches.username_change == "echoed":
            names["username"] = "username"
        values = {field: str(sent[name]) for name, field in names.items() if name in sent}
        user = replace(old, **values, udate=now())
        self.users[number] = user
        shown = changed_user_json(user, self.url, switches.user_fields, as_int=switches.ids_as_ints)
        return Answer(200, dumps(shown))

    def _refused(self, sent: dict[str, Any], old: User | None) -> Answer | None:
        """Name a username or e-mail that another user has, or a group that is not there."""
        taken = []
        for name in ("username", "email"):
            other = self.users.first(f"{name}:{str(sent.get(name, '')).casefold()}")
            if other and (old is None or other.id != old.id):
                taken.append(name)
        if taken:
            return invalid("duplicate", *taken)
        if "group" in sent and str(sent["group"]) not in self.groups:
            return invalid("related_missing", "group")
        return None

    def delete_user(self, visit: Visit) -> Answer:
        """200 {}. What the vendor says to deleting the owner is not known; here 403."""
        number = visit.parts[0]
        if number == OWNER:
            return FORBIDDEN
        if self.users.pop(number, None) is None:
            return no_result("User", number, visit.switches)
        return DELETED

    def show_user_group(self, visit: Visit) -> Answer:
        """200 with one row under userGroup; "No Result found" for a user in no group."""
        number, switches = visit.parts[0], visit.switches
        user = self.users.get(number)
        if user is None:
            return no_result("User", number, switches)
        if user.group is None:
            return no_result("UserGroup", number, switches)
        row = row_json(user, self.url, as_int=switches.ids_as_ints)
        return Answer(200, dumps({"userGroup": row}))

    # --- groups --------------------------------------------------------------------------------

    def list_groups(self, visit: Visit) -> Answer:
        """200 with every permission of each group, by ascending id."""
        switches = visit.switches
        page = page_of("groups", len(self.groups), *limits(visit.call), switches)
        as_int = switches.ids_as_ints
        groups = self.groups.slice(page.start, page.stop)
        rows = [dumps(group_json(group, self.url, as_int=as_int)) for group in groups]
        return listing("groups", rows, page.total)

    def show_group(self, visit: Visit) -> Answer:
        """200 with the same object as in the list."""
        number, switches = visit.parts[0], visit.switches
        group = self.groups.get(number)
        if group is None:
            return no_result("Group", number, switches)
        return self._group(group, switches)

    def _group(self, group: Group, switches: Switches) -> Answer:
        shown = group_json(group, self.url, as_int=switches.ids_as_ints)
        return Answer(200, dumps({"group": shown}))

    def create_group(self, visit: Visit) -> Answer:
        """201 with the short object (recorded; the reference says 200). Only title is needed."""
        sent = visit.call.object("group")
        if sent is None:
            return UNREADABLE
        if not sent.get("title"):
            return invalid("field_missing", "title")
        group = Group(
            id=self.groups.next_id(),
            title=str(sent["title"]),
            descript=str(sent.get("descript", "")),
            permissions=permissions_in(sent),
        )
        self.groups[group.id] = group
        shown = created_group_json(group, self.url, as_int=visit.switches.ids_as_ints)
        return Answer(201, dumps({"group": shown}))

    def change_group(self, visit: Visit) -> Answer:
        """200 with the whole group. The Admin group's permissions cannot be edited: 403."""
        number, switches = visit.parts[0], visit.switches
        old = self.groups.get(number)
        if old is None:
            return no_result("Group", number, switches)
        sent = visit.call.object("group")
        if sent is None:
            return UNREADABLE
        permissions = permissions_in(sent)
        if number == ADMIN_GROUP and permissions:
            return FORBIDDEN
        self.groups[number] = replace(
            old,
            title=str(sent.get("title", old.title)),
            descript=str(sent.get("descript", old.descript)),
            permissions={**old.permissions, **permissions},
            sdate=now(),
        )
        return self._group(self.groups[number], switches)

    def delete_group(self, visit: Visit) -> Answer:
        """200 {}. Not known: the Admin group (here 403), a group with members (who lose it)."""
        number = visit.parts[0]
        if number == ADMIN_GROUP:
            return FORBIDDEN
        if self.groups.pop(number, None) is None:
            return no_result("Group", number, visit.switches)
        for user in self.users.slice(0, self.users.count(f"group:{number}"), f"group:{number}"):
            self.users[user.id] = replace(user, group=None)
        return DELETED

    def list_members(self, visit: Visit) -> Answer:
        """200 with the group's userGroups rows. Neither its paging nor its total is recorded."""
        number, switches = visit.parts[0], visit.switches
        if switches.group_members_refused:
            return FORBIDDEN
        if number not in self.groups:
            return no_result("Group", number, switches)
        count = self.users.count(f"group:{number}")
        start, size = limits(visit.call) if switches.group_members_paging else (0, count)
        page = page_of("userGroups", count, start, size, switches)
        as_int = switches.ids_as_ints
        members = self.users.slice(page.start, page.stop, f"group:{number}")
        rows = [dumps(row_json(user, self.url, as_int=as_int)) for user in members]
        return listing("userGroups", rows, page.total if switches.group_members_total else None)


def _user_keys(user: User) -> Iterable[str]:
    return (
        f"group:{identifier(user.group, as_int=False)}",
        f"email:{user.email.casefold()}",
        f"username:{user.username.casefold()}",
    )


def _group_keys(_group: Group) -> Iterable[str]:
    return ()


_ROUTES = routes(
    [
        ("GET users", ActiveCampaign.list_users),
        ("GET users/", ActiveCampaign.list_users),
        ("POST users", ActiveCampaign.create_user),
        ("POST users/", ActiveCampaign.create_user),
        ("GET users/me", ActiveCampaign.show_me),
        ("GET users/username/*", ActiveCampaign.show_username),
        ("GET users/email/*", ActiveCampaign.show_email),
        ("GET users/*", ActiveCampaign.show_user),
        ("PUT users/*", ActiveCampaign.change_user),
        ("DELETE users/*", ActiveCampaign.delete_user),
        ("GET users/*/userGroup", ActiveCampaign.show_user_group),
        ("GET groups", ActiveCampaign.list_groups),
        ("GET groups/", ActiveCampaign.list_groups),
        ("POST groups", ActiveCampaign.create_group),
        ("POST groups/", ActiveCampaign.create_group),
        ("GET groups/*", ActiveCampaign.show_group),
        ("PUT groups/*", ActiveCampaign.change_group),
        ("DELETE groups/*", ActiveCampaign.delete_group),
        ("GET groups/*/userGroups", ActiveCampaign.list_members),
    ]
)
