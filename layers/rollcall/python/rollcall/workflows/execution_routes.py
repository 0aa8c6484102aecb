"""Executions of workflows over HTTP: started, read, cancelled, done again, decided about."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from rollcall.access.problems import unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, cursor, key_of
from rollcall.api.routing import Id, Routes
from rollcall.workflows import asking, handling, life, reading
from rollcall.workflows import execution_shapes as shapes
from rollcall.workflows.asking import StartCall, TestCall
from rollcall.workflows.executions import Execution, Status
from rollcall.workflows.report_files import SECONDS

routes = Routes("Executions")

MOST_STEPS = 1000
"""Steps that an execution is shown with."""

Of = Annotated[str | None, Query(min_length=1, max_length=200)]
Wanted = Annotated[Status | None, Query(description="Only executions of this status")]


@routes.on("POST /workflows/<workflow_id>/executions", status=202, problems=(503,))
def start_execution(
    workflow_id: Id, body: shapes.StartExecution | None = None
) -> shapes.ShownExecution:
    """Begin a workflow whose trigger is `call` or `hand`.

    Where it would be one more than the workflow may begin in an hour it is `held`, until somebody
    decides. Answers 409 where the workflow is not active, or begins by itself.
    """
    asked = body or shapes.StartExecution()
    call = StartCall(
        actor=routes.actor,
        inputs=asked.inputs,
        person_id=asked.person_id,
        account=asked.account,
        key=_key(),
    )
    return shapes.shown(asking.start(routes.services, workflow_id, call))


def _key() -> str | None:
    """The Idempotency-Key with whose it is."""
    key = routes.current_event.headers.get("idempotency-key")
    return f"{routes.actor}\n{key}" if key else None


@routes.on("POST /workflows/<workflow_id>/test", status=202, problems=(503,))
def try_workflow(workflow_id: Id, body: shapes.StartTest | None = None) -> shapes.Begun:
    """Run the latest version for chosen people and accounts, and change nothing.

    Each gets an execution of its own, in which presets say the requests that they would make, waits
    pass at once, and approvals come to what `approve` says.
    """
    asked = body or shapes.StartTest()
    call = TestCall(
        actor=routes.actor,
        person_ids=tuple(asked.person_ids),
        accounts=tuple(asked.accounts),
        inputs=asked.inputs,
        event=asked.event,
        approves=asked.approve,
    )
    begun = asking.test(routes.services, workflow_id, call)
    return shapes.Begun(items=[shapes.shown(execution) for execution in begun])


@routes.on("GET /workflows/<workflow_id>/executions")
def list_workflow_executions(
    workflow_id: Id, status: Wanted = None, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> shapes.ExecutionPage:
    """List the executions of a workflow, the newest first; also of one that was deleted.

    With `status` a page may be shorter than `limit` before the end.
    """
    services = routes.services
    name = f"W#{workflow_id}"
    page = _page(name, status, limit, after)
    if not page.items and after is None:
        life.found_workflow(services, workflow_id)
    return page


@routes.on("GET /executions")
def list_executions(
    person_id: Of = None,
    status: Wanted = None,
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
) -> shapes.ExecutionPage:
    """List executions of all workflows, the newest first: all, or those about a person.

    With `status` a page may be shorter than `limit` before the end.
    """
    return _page("all" if person_id is None else f"P#{person_id}", status, limit, after)


def _page(name: str, status: Status | None, limit: int, after: str | None) -> shapes.ExecutionPage:
    listing = f"executions {name} {status}"
    executions = routes.services.executions
    page, last = executions.page(name, limit, key_of(listing, after), status)
    items = [shapes.shown(execution) for execution in page]
    return shapes.ExecutionPage(items=items, next_cursor=cursor(listing, last))


@routes.on("GET /executions/<execution_id>")
def get_execution(execution_id: Id) -> shapes.WholeExecution:
    """One execution, with its steps: what each was done with, what came of it, how long it took.

    Up to 1,000 steps, or 3 MB of them; `steps_complete` says whether that is all.
    """
    return _whole(handling.found_execution(routes.services, execution_id))


def _whole(execution: Execution) -> shapes.WholeExecution:
    executions = routes.services.executions
    steps, last = reading.some_steps(executions, execution.id, MOST_STEPS, None)
    return shapes.whole(execution, steps, complete=last is None)


@routes.on("GET /executions/<execution_id>/steps")
def list_execution_steps(
    execution_id: Id, limit: Limit = DEFAULT_LIMIT, after: Cursor = None
) -> shapes.StepPage:
    """List the steps of an execution, those of each row of a for-each together.

    A page has 3 MB at most, and may be shorter than `limit` before the end.
    """
    services = routes.services
    execution = handling.found_execution(services, execution_id)
    listing = f"steps of {execution_id}"
    steps, last = reading.some_steps(
        services.executions, execution.id, limit, key_of(listing, after)
    )
    items = [shapes.shown_step(step) for step in steps]
    return shapes.StepPage(items=items, next_cursor=cursor(listing, last))


@routes.on("POST /executions/<execution_id>/cancel", problems=(503,))
def cancel_execution(execution_id: Id) -> shapes.ShownExecution:
    """End an execution, and those that its blocks wait for, as they are. What was done stays done.

    Answers 409 where it is over; cancelled again, it is stopped again.
    """
    return shapes.shown(handling.cancel(routes.services, execution_id, routes.actor))


@routes.on("POST /executions/<execution_id>/redrive", status=202, problems=(503,))
def redrive_execution(execution_id: Id) -> shapes.ShownExecution:
    """Do what failed or was cancelled again: blocks that succeeded are not done a second time.

    It is the same version of the workflow, with the same inputs. Answers 409 where the execution
    did not fail, was refused by a guard, or has no workflow any more.
    """
    return shapes.shown(handling.redrive(routes.services, execution_id, routes.actor))


@routes.on("GET /approvals")
def list_approvals(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> shapes.WaitingPage:
    """List the approvals that wait for a decision. A page may be shorter than `limit` before the
    end.
    """
    services = routes.services
    found, last = reading.waiting(
        services.runs.table, services.executions, limit, key_of("approvals", after)
    )
    items = [shapes.waiting(execution, step) for execution, step in found]
    return shapes.WaitingPage(items=items, next_cursor=cursor("approvals", last))


@routes.on("POST /executions/<execution_id>/approvals/<block>")
def decide_approval(execution_id: Id, block: Id, body: shapes.Decide) -> shapes.ShownStep:
    """Approve or deny what waits for it.

    The same decision again is answered alike; answers 409 where it was decided otherwise, or
    nothing waits for it any more.
    """
    services = routes.services
    step = handling.found_approval(services, execution_id, block, body.at)
    decided = handling.decide(services, step, body.decision, routes.actor, body.comment)
    return shapes.shown_step(decided)


@routes.on("GET /reports/<report_id>")
def get_report(report_id: Id) -> shapes.Report:
    """Where the file of a report can be fetched, for 15 minutes. A block that wrote one says its
    id.
    """
    url = routes.services.reports.url(report_id)
    if url is None:
        raise unknown("report", report_id)
    return shapes.Report(url=url, expires_in=SECONDS)
