"""Integrations as JSON: the bodies that are taken, and what is shown."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rollcall.api.paging import Page
from rollcall.api.routing import Body
from rollcall.integrations.schedule import expression_fault, is_timezone

# What a path segment can carry through the HTTP API and Powertools' routes unchanged.
_SEGMENT = re.compile(r"[^\x00-\x1f\x7f/\\?#\"`]+")
_LEAST_SHARE = 1e-6


def _expression(text: str) -> str:
    fault = expression_fault(text)
    if fault is not None:
        raise ValueError(fault)
    return text


def _timezone(name: str) -> str:
    if not is_timezone(name):
        raise ValueError("is no time zone of the IANA database, such as Europe/Berlin")
    return name


def _segment(text: str) -> str:
    if not _SEGMENT.fullmatch(text) or text != text.strip() or text in (".", ".."):
        raise ValueError('must not hold / \\ ? # " ` or surrounding spaces: it is used in URLs')
    return text


def _share(value: float) -> float:
    if 0 < value < _LEAST_SHARE:
        raise ValueError("must be 0 or at least 0.000001")
    return value


def _not_yet(message: str) -> BeforeValidator:
    def refuse(value: Any) -> None:
        if value is not None:
            raise ValueError(message)

    return BeforeValidator(refuse)


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Key = Annotated[str, Field(min_length=1, max_length=100)]
Url = Annotated[str, Field(min_length=1, max_length=300, description="The host, over https")]
Subdomain = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Load = Literal["people_and_accounts"]
Preference = Literal["create_and_update"]
Expression = Annotated[
    str,
    AfterValidator(_expression),
    Field(max_length=256, description="rate(…) or cron(…) of EventBridge Scheduler"),
]
Timezone = Annotated[str, AfterValidator(_timezone), Field(max_length=64)]
Application = Annotated[str, AfterValidator(_segment), Field(min_length=1, max_length=100)]
Contacts = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=320)]], Field(max_length=50)
]
Priority = Annotated[int, Field(ge=0, le=999_999, description="0 is the highest")]
Share = Annotated[float, AfterValidator(_share), Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Mapping = Annotated[
    None, _not_yet("mappings cannot be edited yet; the connector's default mapping applies")
]
Filter = Annotated[None, _not_yet("filters cannot be set yet; every record is taken")]


class Schedule(Body):
    """When to sync."""

    expression: Expression = "rate(1 day)"
    timezone: Timezone = "UTC"


class Guard(Body):
    """A run that would remove more than both is held: a share (0 to 1) and a number."""

    share: Share = 0.2
    count: Count = 5


class Limit(Body):
    """At most so many requests in so many seconds."""

    requests: int = Field(ge=1, le=10_000)
    seconds: int | float = Field(ge=0.01, le=3600)


class NewIntegration(Body):
    """One connection to one tenant of an app.

    The app is at `base_url`, or at `subdomain`, or where neither is given at the connector's
    variable.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "ActiveCampaign",
                    "connector": "activecampaign",
                    "subdomain": "acme",
                    "credential_id": "0199c0ffee00aabbccddeeff0011",
                    "schedule": {"expression": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin"},
                }
            ]
        }
    )
    name: Name
    connector: Key
    credential_id: Key
    base_url: Url | None = None
    subdomain: Subdomain | None = None
    load: Load = "people_and_accounts"
    preference: Preference = "create_and_update"
    schedule: Schedule = Schedule()
    mapping: Mapping = None
    filter: Filter = None
    application: Application | None = Field(default=None, description="Default: the app's name")
    removal_guard: Guard = Guard()
    rate_limit: Limit | None = Field(default=None, description="Default: the connector's")
    contacts: Contacts = Field(default=[])
    priority: Priority | None = None


class ScheduleChanges(Body):
    """What is left out stays."""

    expression: Expression = Field(default_factory=str)
    timezone: Timezone = Field(default_factory=str)


class GuardChanges(Body):
    """What is left out stays."""

    share: Share = Field(default_factory=float)
    count: Count = Field(default_factory=int)


class IntegrationChanges(Body):
    """What is left out stays. Connector and status are not changed here.

    A `base_url` takes the place of a `subdomain`, and the other way round.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"schedule": {"expression": "rate(12 hours)"}}]}
    )
    name: Name = Field(default_factory=str)
    credential_id: Key = Field(default_factory=str)
    base_url: Url | None = None
    subdomain: Subdomain | None = None
    load: Load = Field(default_factory=lambda: "people_and_accounts")
    preference: Preference = Field(default_factory=lambda: "create_and_update")
    schedule: ScheduleChanges = Field(default_factory=ScheduleChanges)
    mapping: Mapping = None
    filter: Filter = None
    application: Application | None = Field(default=None, description="Null: the app's name")
    removal_guard: GuardChanges = Field(default_factory=GuardChanges)
    rate_limit: Limit | None = Field(default=None, description="Null: the connector's")
    contacts: Contacts = Field(default_factory=list)
    priority: Priority | None = None


class RunError(BaseModel):
    """Why a call or a run failed: a code for programs, a sentence for people."""

    code: str
    detail: str


class ShownSchedule(BaseModel):
    """When it is synced, once launched."""

    expression: str
    timezone: str


class ShownGuard(BaseModel):
    """See the promise about removals."""

    share: float
    count: int


class ShownLimit(BaseModel):
    """The limit that is kept: its own, or the connector's."""

    requests: int
    seconds: int | float


class ShownIntegration(BaseModel):
    """An integration. `base_url` is the host that is called, wherever that is said."""

    id: str
    name: str
    connector: str
    application: str
    base_url: str | None
    subdomain: str | None
    credential_id: str
    load: str
    preference: str
    schedule: ShownSchedule
    removal_guard: ShownGuard
    rate_limit: ShownLimit
    contacts: list[str]
    priority: int | None
    status: Literal["draft", "active", "paused", "needs_reconnect"]
    connection: Literal["never", "syncing", "connected", "failing"]
    last_good_at: str | None = Field(description="When the last run that succeeded ended")
    last_run_id: str | None
    held_run_id: str | None = Field(description="The run that waits for approval")
    error: RunError | None = Field(description="Why the last run failed")
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
    error: RunError | None = Field(description="Why it did not work, and what to do")
