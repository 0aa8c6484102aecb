"""When an integration is synced: the expressions that are taken, and its EventBridge schedule.

Grammar: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (2026-11).
One-time schedules, at(...), are no way to keep a roster and are refused.
"""

import json
import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from rollcall.aws import Client
from rollcall.integrations.model import Integration

_RATE = re.compile(r"rate\(([1-9][0-9]{0,4}) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a cron expression: its name, its numbers, their names, what else it takes."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    special: str = ""

    def fault(self, text: str) -> str | None:
        """Why `text` is no value of this field, or None."""
        if text == "?" and self.special:
            return None
        if all(self._takes(part) for part in text.upper().split(",")):
            return None
        return f"{text!r} is no value for {self.name} ({self.first} to {self.last})"

    def _takes(self, part: str) -> bool:
        if self.special and re.fullmatch(self.special, part):
            return True
        base, slash, step = part.partition("/")
        if slash and not (step.isascii() and step.isdecimal() and 0 < int(step) <= self.last):
            return False
        if base == "*":
            return True
        start, dash, end = base.partition("-")
        low, high = self._number(start), self._number(end if dash else start)
        return low is not None and high is not None and low <= high

    def _number(self, text: str) -> int | None:
        if text in self.names:
            return self.names.index(text) + 1
        if not (text.isascii() and text.isdecimal() and len(text) <= 4):  # noqa: PLR2004 - a year
            return None
        return int(text) if self.first <= int(text) <= self.last else None


_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day-of-month", 1, 31, special=r"L|LW|(0?[1-9]|[12][0-9]|3[01])W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day-of-week", 1, 7, _DAYS, special=rf"L|([1-7]|{'|'.join(_DAYS)})(L|#[1-5])"),
    _Field("year", 1970, 2199),
)


def expression_fault(expression: str) -> str | None:
    """Why EventBridge Scheduler would refuse `expression`, or None: rate(…) and cron(…) only."""
    if expression.startswith("at("):
        return "a one-time schedule keeps nothing in sync: use rate(…) or cron(…)"
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        number, unit, plural = int(rate[1]), rate[2], bool(rate[3])
        if (number == 1) == plural:
            return f"write rate(1 {unit}) in the singular and everything else in the plural"
        return None
    cron = _CRON.fullmatch(expression)
    if cron is None:
        return "must be rate(value unit), such as rate(1 day), or cron(…) with six fields"
    return _cron_fault(cron[1].split(" "))


def _cron_fault(texts: list[str]) -> str | None:
    if len(texts) != len(_FIELDS):
        return "cron(…) has six fields: minutes hours day-of-month month day-of-week year"
    for field, text in zip(_FIELDS, texts, strict=True):
        fault = field.fault(text)
        if fault is not None:
            return fault
    if (texts[2] == "?") == (texts[4] == "?"):
        return "exactly one of day-of-month and day-of-week must be ?"
    return None


def is_timezone(name: str) -> bool:
    """Is this a time zone by its IANA name? UTC always is."""
    return name == "UTC" or name in _timezones()


@cache
def _timezones() -> set[str]:
    """Lambda's Amazon Linux 2023 has the database at /usr/share/zoneinfo, where Python looks."""
    return zoneinfo.available_timezones()


def interval(expression: str) -> timedelta | None:
    """The time between two runs of a rate(…), None for a cron(…), which says its times itself."""
    rate = _RATE.fullmatch(expression)
    return timedelta(**{f"{rate[2]}s": int(rate[1])}) if rate is not None else None


class Schedules:
    """The schedules of launched integrations, each named by its integration's id."""

    def __init__(
        self, scheduler: Client, group: str, target_arn: str, role_arn: str, dead_letters_arn: str
    ) -> None:
        self._scheduler = scheduler
        self._group = group
        self._target_arn = target_arn
        self._role_arn = role_arn
        self._dead_letters_arn = dead_letters_arn

    def ensure(self, integration: Integration) -> bool:
        """Have a schedule as the integration says. One that says so already is left in its rhythm.

        The first run of a new rate is an interval from now; without a start date EventBridge
        would take one at once. False: EventBridge takes no such expression.
        """
        wanted = self._wanted(integration)
        current = self._current(integration.id)
        if current is not None and all(current.get(name) == wanted[name] for name in wanted):
            return True
        every = interval(integration.schedule["expression"])
        start = {} if every is None else {"StartDate": datetime.now(UTC) + every}
        call = (
            self._scheduler.create_schedule if current is None else self._scheduler.update_schedule
        )
        try:
            call(Name=integration.id, GroupName=self._group, **wanted, **start)
        except self._scheduler.exceptions.ValidationException:
            return False
        return True

    def remove(self, integration_id: str) -> None:
        """Have no schedule for the integration."""
        try:
            self._scheduler.delete_schedule(Name=integration_id, GroupName=self._group)
        except self._scheduler.exceptions.ResourceNotFoundException:
            return

    def _current(self, integration_id: str) -> dict[str, Any] | None:
        try:
            current: dict[str, Any] = self._scheduler.get_schedule(
                Name=integration_id, GroupName=self._group
            )
        except self._scheduler.exceptions.ResourceNotFoundException:
            return None
        return current

    def _wanted(self, integration: Integration) -> dict[str, Any]:
        return {
            "ScheduleExpression": integration.schedule["expression"],
            "ScheduleExpressionTimezone": integration.schedule["timezone"],
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": self._target_arn,
                "RoleArn": self._role_arn,
                "DeadLetterConfig": {"Arn": self._dead_letters_arn},
                "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10},
                "Input": json.dumps(
                    {
                        "integration_id": integration.id,
                        "trigger": "schedule",
                        "scheduled_time": "<aws.scheduler.scheduled-time>",
                    }
                ),
            },
        }
