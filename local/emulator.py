"""The local AWS with two gaps closed.

A schedule's input may hold `<aws.scheduler.scheduled-time>`, by which the sync drops a time that it
has seen; the local AWS would hand that over as it stands. And it would take a JSONata expression
that says where a distributed map reads its items for the name of an object. Run as a script, not as
a module, so that this folder does not come before the installed packages.
"""

import runpy
from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge, stepfunctions

PLACEHOLDER = "<aws.scheduler.scheduled-time>"


def with_scheduled_time(target: dict[str, Any], fired_at: float) -> dict[str, Any]:
    """The schedule's target, its input telling when it fired, in AWS's form."""
    moment = datetime.fromtimestamp(fired_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**target, "Input": target.get("Input", "").replace(PLACEHOLDER, moment)}


def main() -> None:
    """Run the local AWS until it is told to stop."""
    invoke = eventbridge._invoke_target  # noqa: SLF001

    def invoke_in_time(
        target: dict[str, Any], event: dict[str, Any], rule: Any, view: Any = None
    ) -> Any:
        if event.get("Source") == "aws.scheduler" and PLACEHOLDER in target.get("Input", ""):
            target = with_scheduled_time(target, event["Time"])
        return invoke(target, event, rule, view)

    eventbridge._invoke_target = invoke_in_time  # noqa: SLF001

    read = stepfunctions._read_map_items  # noqa: SLF001
    evaluate = stepfunctions._apply_jsonata_template  # noqa: SLF001

    def read_where_it_says(reader: dict[str, Any], effective: Any, ctx: Any) -> Any:
        where = evaluate(reader.get("Arguments", {}), effective, ctx)
        return read({**reader, "Arguments": where}, effective, ctx)

    stepfunctions._read_map_items = read_where_it_says  # noqa: SLF001
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
