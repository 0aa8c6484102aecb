"""How a sample vendor can be made to behave: plain settings, faults, and changes between pages."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Mapping

FaultKind = Literal[
    "status",  # answer `status` (500) with `body`, and Retry-After when `retry_after` is set
    "drop",  # close the connection without a byte
    "html",  # an HTML page, status 200 unless `status` says otherwise
    "not_json",  # 200 application/json whose body is not JSON
    "wrong_shape",  # 200 with valid JSON that has none of the expected keys
    "redirect",  # 302 to `location`
    "truncate",  # half of the body under the full Content-Length, then the connection closes
    "truncated_json",  # a whole HTTP answer whose JSON text stops half-way
    "hang",  # nothing for `seconds` or until the fault is taken back, then the true answer
    "slow_drip",  # the true answer, its body spread over `seconds`
]

USERS_LISTING = r"^GET /api/(3|v1)/users/?(\?|$)"

_counting = threading.Lock()


@dataclass(slots=True)
class Rule:
    """A rule for the calls whose Call.target contains `match` or fits it as a regular expression.

    It counts the calls it matches: the first `after` pass untouched, the next `times` are hit
    (None: all of them for ever).
    """

    match: str = ""
    after: int = 0
    times: int | None = None
    seen: int = 0

    def __post_init__(self) -> None:
        """Refuse a pattern that cannot be compiled: it would never match."""
        try:
            re.compile(self.match)
        except re.error as error:
            message = f"match {self.match!r}: {error}"
            raise ValueError(message) from error

    def hits(self, target: str) -> bool:
        """Count the call if it matches; True when this one is to be hit."""
        if self.match not in target and not re.search(self.match, target):
            return False
        with _counting:
            self.seen += 1
            number = self.seen - self.after
        return number >= 1 and (self.times is None or number <= self.times)


@dataclass(slots=True)
class Fault(Rule):
    """A call that goes wrong in the way of `kind`. `body` replaces what the kind would send.

    `done`: the app does what it was asked, whatever it says; by default where the kind answers
    truly in some way. With False nothing but the connection's end follows a hang.
    """

    kind: FaultKind = "status"
    status: int | None = None
    body: str | None = None
    retry_after: str | int | None = None
    location: str = "https://login.example/"
    seconds: float = 1.0
    done: bool | None = None

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist."""
        Rule.__post_init__(self)
        if self.kind not in get_args(FaultKind):
            message = f"no fault of kind {self.kind!r}"
            raise ValueError(message)


@dataclass(slots=True)
class Change(Rule):
    """Users that go and come between two pages.

    `after=1` alters the tenant just before the second listing call that matches, once. A user
    removed from an earlier page shifts the rest, so that offset paging misses one; a user added
    with a lower id makes the last row of one page come again on the next. `remove` holds ids,
    `add` the fields of records as for `add_users` of the control endpoint.
    """

    match: str = USERS_LISTING
    times: int | None = 1
    remove: list[str] = field(default_factory=list)
    add: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Switches:
    """Set any of these while the vendor runs; the next call sees it. The defaults are a good day.

    A name that does not exist raises AttributeError.
    """

    # --- both vendors -------------------------------------------------------------------------
    # Milliseconds each call takes before anything else happens to it.
    latency_ms: float = 0
    # (requests, seconds): at most so many calls in any window of so many seconds, None: no limit.
    # The vendors say (5, 1) for ActiveCampaign, (300, 60) and (20, 1) for Aha!.
    rate_limit: tuple[int, float] | None = None
    # What a call over the limit is answered: 429, or 503 as reported for ActiveCampaign in 2021.
    rate_limit_status: Literal[429, 503] = 429
    # Name of the header that tells how long to wait: "Retry-After", "retry_after", "" for none.
    # "vendor" means Retry-After from ActiveCampaign and none from Aha! (only X-Ratelimit-Reset).
    retry_after: str = "vendor"
    # False: the key was revoked, every call is answered as for a wrong key.
    token_valid: bool = True
    # True: the key may not see users; the users paths say 403 with JSON, "me" still works.
    users_refused: bool = False
    # Calls that go wrong; the first rule that hits decides.
    faults: list[Fault] = field(default_factory=list)
    # Users that go or come while somebody is paging.
    changes: list[Change] = field(default_factory=list)
    # Which collections the next five switches touch: their names in the answers.
    lists: tuple[str, ...] = ("users",)
    # The number announced next to the rows: "true", "missing", "wrong" (true + total_wrong_by),
    # "moving" (the first page true, each further page total_wrong_by more).
    announce_total: Literal["true", "missing", "wrong", "moving"] = "true"
    total_wrong_by: int = 7
    # Most rows in a page, whatever the caller asks for (short pages); None: the vendor's own cap.
    page_cap: int | None = None
    # Rows after this many never come although the total counts them; None: all rows come.
    rows_stop_at: int | None = None
    # The list answers no rows and total 0.
    empty_listing: bool = False
    # ids are JSON numbers where the vendor normally sends strings.
    ids_as_ints: bool = False

    # --- ActiveCampaign -----------------------------------------------------------------------
    # Fields of a user: "recorded" (2020 answers), "documented" (the reference's shorter example),
    # "lang" (recorded plus lang, as in the 2022 create example).
    user_fields: Literal["recorded", "documented", "lang"] = "recorded"
    # Status of {"message":"No Result found for ..."}: recorded 404, documented 403 for groups.
    not_found_status: Literal[404, 403] = 404
    # True: groups/{id}/userGroups says 403, so membership is read at users/{id}/userGroup.
    group_members_refused: bool = False
    # Whether groups/{id}/userGroups carries meta.total, and whether it heeds limit and offset.
    group_members_total: bool = True
    group_members_paging: bool = True
    # What PUT users/{id} does with a new username: recorded "echoed" (it is taken over), or
    # "ignored" as the reference's "Username cannot be changed!" has it.
    username_change: Literal["echoed", "ignored"] = "echoed"

    # --- Aha! ---------------------------------------------------------------------------------
    # "2025": users without timezone, roadmaps_seat and develop_seat.
    user_shape: Literal["2026", "2025"] = "2026"
    # paid_seat_group.id: a string (2026), an int (2025), or no paid_seat_group at all.
    paid_seat_group: Literal["string", "int", "absent"] = "string"
    # False: disabled users are left out of GET users.
    disabled_listed: bool = True
    # The role of a user created in a product: the one asked for, or "viewer", as the vendor's 2026
    # example answers a request for a contributor.
    created_role: Literal["asked", "viewer"] = "asked"
    # True: the caller sees no product, every product_name is null.
    product_names_hidden: bool = False

    def fault_for(self, target: str) -> Fault | None:
        """Give each rule its count of the call; return the first one that hits."""
        hit = [fault for fault in list(self.faults) if fault.hits(target)]
        return hit[0] if hit else None

    def change(self, values: Mapping[str, Any]) -> None:
        """Set switches from JSON values, all or none. ValueError or TypeError name what is bad."""
        hints = get_type_hints(Switches)
        read = {name: _read(name, value, hints.get(name)) for name, value in values.items()}
        for name, value in read.items():
            setattr(self, name, value)


def _read(name: str, value: Any, hint: object) -> Any:
    """One switch from its JSON value."""
    if hint is None:
        message = f"no switch named {name!r}"
        raise ValueError(message)
    if name in {"faults", "changes"}:
        kind = Fault if name == "faults" else Change
        return [kind(**item) for item in value]
    choices = get_args(hint)
    if name == "lists":
        return tuple(value)
    if name == "rate_limit":
        return None if value is None else (int(value[0]), float(value[1]))
    if isinstance(value, bool) != (hint is bool):
        message = f"{name} must {'' if hint is bool else 'not '}be true or false"
        raise ValueError(message)
    if choices and type(None) in choices:
        choices = ()
    if choices and value not in choices:
        message = f"{name} must be one of {choices}"
        raise ValueError(message)
    return value


def as_json(switches: Switches) -> dict[str, Any]:
    """Switches as JSON values, in the form `Switches.change` takes."""
    plain: dict[str, Any] = {}
    for item in fields(Switches):
        value = getattr(switches, item.name)
        if item.name in {"faults", "changes"}:
            value = [{f.name: getattr(rule, f.name) for f in fields(rule)} for rule in value]
        plain[item.name] = list(value) if isinstance(value, tuple) else value
    return plain
