"""The scheduled time reaches the schedule's target."""

import json

from local.emulator import PLACEHOLDER, with_scheduled_time


def test_the_placeholder_becomes_the_time_in_aws_form() -> None:
    target = {"Arn": "arn", "Input": json.dumps({"scheduled_time": PLACEHOLDER, "other": 1})}
    filled = with_scheduled_time(target, 1_770_000_000.4)
    assert json.loads(filled["Input"]) == {"scheduled_time": "2026-02-02T02:40:00Z", "other": 1}
    assert filled["Arn"] == "arn"
    assert PLACEHOLDER in target["Input"]
