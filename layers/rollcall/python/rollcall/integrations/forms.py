"""Integrations as JSON: the bodies that are taken. What is shown is in `integrations.shapes`."""

import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from rollcall.api.routing import Body
from rollcall.directory import source
from rollcall.integrations.cron import expression_fault, is_timezone
from rollcall.mapping.storing import unstorable

# What a path segment can carry through the HTTP API and Powertools' routes unchanged.
_SEGMENT = re.compile(r"[^\x00-\x1f\x7f/\\?#\"`]+")
_LEAST_SHARE = 1e-6
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?=.{1,255}\Z)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)
_LARGEST = 64_000
"""Characters of a mapping and of a filter: an entry of the audit log holds each of them twice."""


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


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("must be an email address, such as ann@example.com")
    return text


def _plain(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must not be empty, nor hold a line break or another control character")
    return text


def _storable(data: dict[str, Any]) -> dict[str, Any]:
    """Whatever else is wrong with it, the check of mappings and filters says by its path."""
    fault = unstorable(data, "json")
    if fault is None and len(json.dumps(data)) > _LARGEST:
        fault = f"has more than {_LARGEST} characters"
    if fault is not None:
        raise ValueError(fault)
    return data


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Key = Annotated[str, Field(min_length=1, max_length=100)]
Url = Annotated[str, Field(min_length=1, max_length=300, description="The host, over https")]
Subdomain = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Owner = Annotated[str, AfterValidator(_plain), Field(min_length=1, max_length=200)]
Expression = Annotated[
    str,
    AfterValidator(_expression),
    Field(max_length=256, description="rate(…) or cron(…) of EventBridge Scheduler"),
]
Timezone = Annotated[str, AfterValidator(_timezone), Field(max_length=64)]
Window = Annotated[
    int, Field(ge=0, le=1440, description="A run begins within so many minutes after its time")
]
Application = Annotated[str, AfterValidator(_segment), Field(min_length=1, max_length=100)]
Contacts = Annotated[
    list[Annotated[str, AfterValidator(_email), Field(max_length=320)]],
    Field(max_length=50, description="Email addresses that are told of trouble"),
]
Pairs = Annotated[dict[str, str], Field(max_length=20)]
Priority = Annotated[int, Field(ge=0, le=999_999, description="0 is the highest")]
Share = Annotated[float, AfterValidator(_share), Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Mapping = Annotated[
    dict[str, Any],
    AfterValidator(_storable),
    Field(
        description="Rules: what of the app's record becomes which field of a person",
        examples=[
            {
                "fields": [
                    {"target": "email", "source": "email", "sync_key": 1},
                    {"target": "role", "value": "Employee"},
                ]
            }
        ],
    ),
]
Filter = Annotated[
    dict[str, Any],
    AfterValidator(_storable),
    Field(
        description="Which of the app's records are taken",
        examples=[{"all": [{"field": "email", "op": "ends_with", "value": "@example.com"}]}],
    ),
]
_HEADERS = "Sent with every call to the app, and shown: no place for secrets"
_PARAMS = "Added to the address of every call to the app, and shown: no place for secrets"
_MAPPING = "Null: the connector's"
_FILTER = "Null: every record is taken"


class Schedule(Body):
    """When to sync."""

    expression: Expression = "rate(1 day)"
    timezone: Timezone = "UTC"
    flexible_minutes: Window = 0


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
    load: source.Load = "people_and_accounts"
    preference: source.Preference = "create_and_update"
    on_leave: source.OnLeave = Field(default="remove", description="Who is gone from the app")
    on_return: source.OnReturn = Field(default="restore", description="Who was removed and is back")
    schedule: Schedule = Schedule()
    mapping: Mapping | None = Field(default=None, description=_MAPPING)
    filter: Filter | None = Field(default=None, description=_FILTER)
    headers: Pairs = Field(default={}, description=_HEADERS)
    params: Pairs = Field(default={}, description=_PARAMS)
    owner: Owner | None = Field(default=None, description="Default: who asks")
    application: Application | None = Field(default=None, description="Default: the app's name")
    removal_guard: Guard = Guard()
    rate_limit: Limit | None = Field(default=None, description="Default: the connector's")
    contacts: Contacts = Field(default=[])
    priority: Priority | None = None


class ScheduleChanges(Body):
    """What is left out stays."""

    expression: Expression = Field(default_factory=str)
    timezone: Timezone = Field(default_factory=str)
    flexible_minutes: Window = Field(default_factory=int)


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
    load: source.Load = Field(default_factory=lambda: "people_and_accounts")
    preference: source.Preference = Field(default_factory=lambda: "create_and_update")
    on_leave: source.OnLeave = Field(default_factory=lambda: "remove")
    on_return: source.OnReturn = Field(default_factory=lambda: "restore")
    schedule: ScheduleChanges = Field(default_factory=ScheduleChanges)
    mapping: Mapping | None = Field(default=None, description=_MAPPING)
    filter: Filter | None = Field(default=None, description=_FILTER)
    headers: Pairs = Field(default_factory=dict, description=_HEADERS)
    params: Pairs = Field(default_factory=dict, description=_PARAMS)
    owner: Owner = Field(default_factory=str)
    application: Application | None = Field(default=None, description="Null: the app's name")
    removal_guard: GuardChanges = Field(default_factory=GuardChanges)
    rate_limit: Limit | None = Field(default=None, description="Null: the connector's")
    contacts: Contacts = Field(default_factory=list)
    priority: Priority | None = None
