"""Schedules in EventBridge, integrations' among them. What an expression means is in
`integrations.cron`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollcall.aws import Client
from rollcall.integrations.cron import interval
from rollcall.integrations.model import Integration

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""In a request, EventBridge writes the time in its place."""


@dataclass(frozen=True, slots=True)
class Ensured:
    """EventBridge has the schedule. `start` is the first time of a rate that begins now; None for
    a cron, which says its times itself, and for a rate that goes on in its rhythm.
    """

    start: datetime | None = None


class Scheduled:
    """Schedules of one group that hand a request to one target."""

    def __init__(
        self, scheduler: Client, group: str, target_arn: str, role_arn: str, dead_letters_arn: str
    ) -> None:
        self._scheduler = scheduler
        self._group = group
        self._target_arn = target_arn
        self._role_arn = role_arn
        self._dead_letters_arn = dead_letters_arn

    def ensure(
        self, name: str, schedule: Mapping[str, Any], request: Mapping[str, Any]
    ) -> Ensured | None:
        """Have a schedule of that name as `schedule` says (`expression`, `timezone` and, if it
        likes, `flexible_minutes`). One that says so already is left in its rhythm.

        The first time of a new rate is an interval from now; without a start date EventBridge
        would take one at once. None: EventBridge takes no such expression.
        """
        wanted = self._wanted(schedule, request)
        current = self._current(name)
        if current is not None and all(current.get(part) == wanted[part] for part in wanted):
            return Ensured()
        every = interval(schedule["expression"])
        start = None if every is None else datetime.now(UTC) + every
        more = {} if start is None else {"StartDate": start}
        call = (
            self._scheduler.create_schedule if current is None else self._scheduler.update_schedule
        )
        try:
            call(Name=name, GroupName=self._group, **wanted, **more)
        except self._scheduler.exceptions.ValidationException:
            return None
        return Ensured(start)

    def remove(self, name: str) -> None:
        """Have no schedule of that name."""
        try:
            self._scheduler.delete_schedule(Name=name, GroupName=self._group)
        except self._scheduler.exceptions.ResourceNotFoundException:
            return

    def _current(self, name: str) -> dict[str, Any] | None:
        try:
            current: dict[str, Any] = self._scheduler.get_schedule(Name=name, GroupName=self._group)
        except self._scheduler.exceptions.ResourceNotFoundException:
            return None
        return current

    def _wanted(self, schedule: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "ScheduleExpression": schedule["expression"],
            "ScheduleExpressionTimezone": schedule["timezone"],
            "FlexibleTimeWindow": _window(schedule.get("flexible_minutes", 0)),
            "State": "ENABLED",
            "Target": {
                "Arn": self._target_arn,
                "RoleArn": self._role_arn,
                "DeadLetterConfig": {"Arn": self._dead_letters_arn},
                "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10},
                "Input": json.dumps({**request, "scheduled_time": SCHEDULED_TIME}),
            },
        }


class Schedules:
    """The schedules of launched integrations, each named by its integration's id."""

    def __init__(self, scheduled: Scheduled) -> None:
        self._scheduled = scheduled

    def ensure(self, integration: Integration) -> Ensured | None:
        """Have a schedule as the integration says; see `Scheduled`."""
        request = {"integration_id": integration.id, "trigger": "schedule"}
        return self._scheduled.ensure(integration.id, integration.schedule, request)

    def remove(self, integration_id: str) -> None:
        """Have no schedule for the integration."""
        self._scheduled.remove(integration_id)


def _window(minutes: int) -> dict[str, Any]:
    """A run starts within so many minutes after its time; EventBridge picks when."""
    if minutes == 0:
        return {"Mode": "OFF"}
    return {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": minutes}
