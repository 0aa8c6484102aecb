"""The schedules of workflows, in the group of those of integrations."""

from collections.abc import Mapping

from rollcall.integrations.schedule import Ensured, Scheduled
from rollcall.workflows.document import Schedule


class WorkflowSchedules:
    """What calls the starter for workflows that begin at their times."""

    def __init__(self, scheduled: Scheduled) -> None:
        self._scheduled = scheduled

    def ensure(self, workflow_id: str, schedule: Schedule) -> Ensured | None:
        """Have a schedule as the workflow says. None: EventBridge takes no such expression."""
        wanted = {"expression": schedule.expression, "timezone": schedule.timezone}
        return self._scheduled.ensure(_name(workflow_id), wanted, _request(workflow_id))

    def remove(self, workflow_id: str) -> None:
        """Have no schedule for the workflow."""
        self._scheduled.remove(_name(workflow_id))


def _name(workflow_id: str) -> str:
    return f"wf-{workflow_id}"


def _request(workflow_id: str) -> Mapping[str, str]:
    return {"step": "scheduled", "workflow_id": workflow_id}
