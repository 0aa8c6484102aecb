"""An integration as the rest of Rollcall sees it. The sync reads it, so nothing here is slow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rollcall.directory.source import Load, OnLeave, OnReturn, Preference

Status = Literal["draft", "active", "paused", "needs_reconnect"]
LAUNCHED: tuple[Status, ...] = ("active", "needs_reconnect")
"""Those that have a schedule."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `requests` calls in any `seconds`."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RemovalGuard:
    """A run that would remove more than both is held: a share (0 to 1) and a number."""

    share: float
    count: int


@dataclass(frozen=True, slots=True)
class Integration:
    """One connection to one tenant of an app.

    The app is reached at `base_url` (the host, without the API's path), or at `subdomain`, or
    where both are None at the connector's variable: `integrations.address` says which. `headers`
    and `params` go with every call. `schedule` has `expression`, `timezone` and, where runs may
    begin later than their time, `flexible_minutes`. `mapping` None is the connector's (see
    `mapping.model`), and `filter` None takes every record (see `mapping.conditions`).
    """

    id: str
    name: str
    connector: str
    application: str
    base_url: str | None
    subdomain: str | None
    credential_id: str
    load: Load
    preference: Preference
    schedule: Mapping[str, Any]
    removal_guard: RemovalGuard
    rate_limit: RateLimit | None
    contacts: tuple[str, ...]
    priority: int | None
    owner: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    mapping: Mapping[str, Any] | None
    filter: Mapping[str, Any] | None
    on_leave: OnLeave
    on_return: OnReturn
    status: Status
    created_at: str
    updated_at: str

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Integration":
        """Read the config table's item; a KeyError names an attribute that is missing."""
        rate_limit = item.get("rate_limit")
        return cls(
            id=item["id"],
            name=item["name"],
            connector=item["connector"],
            application=item["application"],
            base_url=item.get("base_url"),
            subdomain=item.get("subdomain"),
            credential_id=item["credential_id"],
            load=item["load"],
            preference=item["preference"],
            schedule=item["schedule"],
            removal_guard=RemovalGuard(**item["removal_guard"]),
            rate_limit=RateLimit(**rate_limit) if rate_limit else None,
            contacts=tuple(item["contacts"]),
            priority=item.get("priority"),
            # Before integrations had owners there was one caller.
            owner=item.get("owner", "administrator"),
            headers=item.get("headers", {}),
            params=item.get("params", {}),
            mapping=item.get("mapping"),
            filter=item.get("filter"),
            on_leave=item.get("on_leave", "remove"),
            on_return=item.get("on_return", "restore"),
            status=item["status"],
            created_at=item["created_at"],
            updated_at=item["updated_at"],
        )

    @property
    def rank(self) -> tuple[int, str, str]:
        """Priority first (0 is highest; none given comes last), then the older integration."""
        priority = self.priority if self.priority is not None else 1_000_000
        return (priority, self.created_at, self.id)
