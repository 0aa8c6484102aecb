"""An integration is read whatever version of Rollcall stored it."""

from typing import Any

from rollcall.integrations.model import Integration

OLDEST: dict[str, Any] = {
    "id": "i", "name": "AC", "connector": "activecampaign", "application": "AC",
    "credential_id": "c", "load": "people_and_accounts", "preference": "create_and_update",
    "schedule": {"expression": "rate(1 day)", "timezone": "UTC"},
    "removal_guard": {"share": 0.2, "count": 5}, "contacts": [], "status": "active",
    "created_at": "2026-11-22T12:00:00.000Z", "updated_at": "2026-11-22T12:00:00.000Z",
}  # fmt: skip


def test_one_of_the_first_version_has_its_choices_as_they_were() -> None:
    read = Integration.from_item(OLDEST)
    assert (read.owner, read.on_leave, read.on_return) == ("administrator", "remove", "restore")
    assert (read.mapping, read.filter, read.headers, read.params) == (None, None, {}, {})
