"""Integrations as JSON: what is shown. The bodies that are taken are in `integrations.forms`."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from rollcall.api.paging import Page
from rollcall.directory.source import Load, OnLeave, OnReturn, Preference


class RunError(BaseModel):
    """Why a call or a run failed: a code for programs, a sentence for people."""

    code: str
    detail: str


class ShownSchedule(BaseModel):
    """When it is synced, once launched."""

    expression: str
    timezone: str
    flexible_minutes: int
    next_runs: list[str] = Field(
        description="The next three times in UTC, or fewer where a cron ends; of a draft those "
        "that it would have. A rate is counted from its launch, or else from its creation"
    )


class ShownGuard(BaseModel):
    """See the promise about removals."""

    share: float
    count: int


class ShownLimit(BaseModel):
    """The limit that is kept: its own, or the connector's."""

    requests: int
    seconds: int | float


class ShownRule(BaseModel):
    """One rule of a mapping: a person's field, and one of `source`, `template` and `value`."""

    target: str
    source: str | None = Field(default=None, description="A source's key, or a path in the record")
    template: str | None = None
    value: Any = None
    convert: dict[str, Any] | None = None
    write: Literal["always", "if_empty", "never"] = Field(description="never: it only finds")
    sync_key: int | None = Field(default=None, description="1 for the first, and so on")


class ShownSource(BaseModel):
    """A source that the connector does not list."""

    key: str
    path: str | None = None
    template: str | None = None


class ShownMapping(BaseModel):
    """The mapping that is in effect."""

    fields: list[ShownRule]
    sources: list[ShownSource]


class ListHealth(BaseModel):
    """When a list was last read whole, and how long it was."""

    last_good_at: str
    count: int


class Health(BaseModel):
    """The lists of the app; null: never read whole, or the app has no such list."""

    users: ListHealth | None
    groups: ListHealth | None
    grants: ListHealth | None


class Quarantine(BaseModel):
    """The app is broken: until then the schedule rests. Running by hand still works."""

    since: str
    until: str
    failures: int = Field(description="Runs that failed in a row")
    reason: str


class ShownIntegration(BaseModel):
    """An integration. `base_url` is the host that is called, wherever that is said."""

    id: str
    name: str
    connector: str
    application: str
    base_url: str | None
    subdomain: str | None
    credential_id: str
    owner: str
    headers: dict[str, str]
    params: dict[str, str]
    load: Load
    preference: Preference
    on_leave: OnLeave
    on_return: OnReturn
    schedule: ShownSchedule
    mapping: ShownMapping
    mapping_source: Literal["own", "connector"]
    filter: dict[str, Any] | None
    removal_guard: ShownGuard
    rate_limit: ShownLimit | None = Field(description="Null where the connector is gone")
    contacts: list[str]
    priority: int | None
    status: Literal["draft", "active", "paused", "needs_reconnect"]
    connection: Literal["never", "syncing", "connected", "failing"]
    last_good_at: str | None = Field(description="When the last run that succeeded ended")
    last_run_id: str | None
    held_run_id: str | None = Field(description="The run that waits for approval")
    error: RunError | None = Field(description="Why the last run failed")
    health: Health
    quarantine: Quarantine | None
    created_at: str
    updated_at: str


class IntegrationPage(Page[ShownIntegration]):
    """A page of integrations."""


class SchemaEntry(BaseModel):
    """One path in the app's records."""

    path: str
    type: Literal["text", "number", "boolean", "list", "object", "null"]
    sample: Any = Field(description="A value that was seen there")


class Trial(BaseModel):
    """What a test call found: whose credential it is, and what the app's records look like."""

    ok: bool
    identity: str | None
    sample: dict[str, Any] | None = Field(description="One of the app's records")
    # A field cannot be named like pydantic's own method.
    paths: list[SchemaEntry] = Field(alias="schema")
    notes: list[str] = Field(description="What was not read to its end")
    error: RunError | None = Field(description="Why it did not work, and what to do")
