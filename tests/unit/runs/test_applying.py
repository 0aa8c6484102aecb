"""A plan that no longer tells what to expect cannot be applied."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollcall.connectors import catalog
from rollcall.fields.model import STANDARD, PersonField
from rollcall.fields.store import ROLES
from rollcall.integrations.model import Integration
from rollcall.sync.applying import FRESH, configuration, refusal
from tests.unit.runs.samples import integration, plan

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def digest(
    one: Integration,
    fields: dict[str, PersonField] | None = None,
    roles: tuple[str, ...] = ROLES,
    variable: str | None = None,
) -> str:
    return configuration(one, catalog.find("aha"), fields or dict(STANDARD), roles, variable)


def test_a_fresh_plan_of_the_same_configuration_can_be_applied() -> None:
    assert refusal(plan("same"), "same", NOW) is None
    assert refusal(replace(plan("same"), status="succeeded_with_errors"), "same", NOW) is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"mode": "sync"}, "no plan"),
        ({"status": "queued"}, "queued"),
        ({"status": "running"}, "running"),
        ({"status": "failed"}, "failed"),
        ({"status": "cancelled"}, "cancelled"),
        ({"configuration": "other"}, "configuration"),
        ({"finished_at": "2026-11-23T11:59:59.000Z"}, "24 hours"),
    ],
)
def test_it_says_why_it_cannot(changes: dict[str, Any], word: str) -> None:
    one = replace(plan("same"), **changes)
    assert word in str(refusal(one, "same", NOW))


def test_a_plan_is_fresh_to_the_last_moment() -> None:
    finished = NOW - FRESH
    one = replace(plan("same"), finished_at=finished.isoformat())
    assert refusal(one, "same", NOW) is None
    assert refusal(one, "same", NOW + timedelta(seconds=1)) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"mapping": {"fields": [{"target": "email", "source": "email"}]}},
        {"filter": {"all": [{"field": "email", "op": "is_not_empty"}]}},
        {"preference": "create_only"},
        {"load": "people"},
        {"priority": 3},
        {"base_url": "https://other.example.com"},
        {"credential_id": "other"},
        {"on_leave": "keep"},
        {"headers": {"X-Tenant": "7"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_decides_about_a_run_is_configuration(changes: dict[str, Any]) -> None:
    assert digest(replace(integration(), **changes)) != digest(integration())


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Other"},
        {"contacts": ("it@example.com",)},
        {"schedule": {"expression": "rate(2 days)", "timezone": "UTC"}},
        {"status": "active"},
        {"owner": "somebody"},
        {"updated_at": "2026-11-24T00:00:00.000Z"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_decides_nothing_is_none(changes: dict[str, Any]) -> None:
    assert digest(replace(integration(), **changes)) == digest(integration())


def test_fields_roles_and_variables_are_configuration_too() -> None:
    custom = {**STANDARD, "badge": replace(STANDARD["title"], key="badge", name="Badge")}
    digests = {
        digest(integration()),
        digest(integration(), fields=custom),
        digest(integration(), roles=("Employee",)),
        digest(integration(), variable="acme"),
    }
    assert len(digests) == 4
