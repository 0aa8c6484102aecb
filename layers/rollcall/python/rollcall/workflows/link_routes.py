"""Approvals by a signed link: pages for people who have no token.

To look decides nothing: programs that read mail follow links. Only a form that is posted does.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from rollcall.api.routing import Routes
from rollcall.workflows import approvals, links, page
from rollcall.workflows.approvals import Decision
from rollcall.workflows.execution_shapes import Comment
from rollcall.workflows.executions import OVER, Execution, Step
from rollcall.workflows.page import Question
from rollcall.workflows.subjects import account_row, person_row

routes = Routes("Approvals")

ACTOR = "link"
"""Who decides by a link: whoever has it."""
Text = Annotated[str, Path(max_length=5000)]
Meant = Annotated[str | None, Query(max_length=20, description="`approve` or `deny`")]
_DONE = {"approve": "approved", "deny": "denied"}
Page = Response[str]


@routes.on("GET /approvals/<link>", public=True, media_type="text/html", also=(404, 410))
def show_approval(link: Text, decision: Meant = None) -> Page:
    """The page that a link leads to: who asks what about whom, and two forms, of which the one that
    is meant comes first.

    Answers 404 for a link that nobody signed, and 410 where there is nothing to decide any more.
    """
    found = _found(link)
    if isinstance(found, Response):
        return found
    execution, step = found
    asked = page.question(_question(execution, step), link, denied=decision == "deny")
    return _over(execution, step) or _answer(200, asked)


@routes.on(
    "POST /approvals/<link>/approve", public=True, media_type="text/html", also=(404, 409, 410)
)
def approve_by_link(link: Text, body: Comment | None = None) -> Page:
    """Approve, as the page's form does. Answers 409 where it was denied already."""
    return _decided(link, "approve", body)


@routes.on("POST /approvals/<link>/deny", public=True, media_type="text/html", also=(404, 409, 410))
def deny_by_link(link: Text, body: Comment | None = None) -> Page:
    """Deny, as the page's form does. Answers 409 where it was approved already."""
    return _decided(link, "deny", body)


def _decided(link: str, decision: Decision, body: Comment | None) -> Page:
    found = _found(link)
    if isinstance(found, Response):
        return found
    _, step = found
    comment = body.comment if body is not None else None
    services = routes.services
    stepfunctions = services.aws.stepfunctions
    match approvals.decide(
        services.executions, stepfunctions, step, decision, ACTOR, comment or None
    ):
        case "decided" | "repeated":
            said = "Thank you. You can close this page."
            return _page(200, f"It is {_DONE[decision]}", said)
        case "decided-otherwise":
            now_is = services.executions.step(step.execution_id, step.at, step.block) or step
            return _page(409, "It was decided already", _said(now_is))
        case "over":
            return _gone()


def _found(text: str) -> tuple[Execution, Step] | Page:
    """The approval that a link is for, or the page that says why there is none."""
    link = links.read(routes.services.link_key, text, datetime.now(UTC))
    if link == "expired":
        said = "The time to decide has passed: what was asked goes on, or has ended, without it."
        return _page(410, "This link has expired", said)
    if link == "forged":
        said = "Open it as it stands in the message that you got: a part of it may be missing."
        return _page(404, "This is no link of ours", said)
    executions = routes.services.executions
    execution = executions.get(link.execution_id)
    step = executions.step(link.execution_id, link.at, link.block)
    if execution is None or step is None or step.type != "approval":
        return _gone()
    if step.until != link.until:  # an earlier try asked, perhaps something else
        return _gone()
    return execution, step


def _over(execution: Execution, step: Step) -> Page | None:
    """The page that says that there is nothing to decide any more, if that is so."""
    if step.branch is not None:
        return _page(410, "It was decided already", _said(step))
    waits = execution.status not in OVER and step.status == "waiting"
    return None if waits else _gone()


def _gone() -> Page:
    said = "What was asked for has ended, and nothing waits for a decision any more."
    return _page(410, "There is nothing to decide any more", said)


def _said(step: Step) -> str:
    if step.branch not in _DONE:
        return "The time to decide has passed."
    by = "over a link" if step.decided_by == ACTOR else f"by {step.decided_by}"
    said = f"It was {_DONE[step.branch]} {by}."
    return f"{said}\n\n{step.comment}" if step.comment else said


def _question(execution: Execution, step: Step) -> Question:
    workflow = routes.services.workflows.get(execution.workflow_id)
    asked = step.input if isinstance(step.input, dict) else {}
    return Question(
        workflow=workflow.name if workflow is not None else "A workflow",
        message=str(asked.get("message") or ""),
        about=list(_about(execution)),
        until=step.until,
    )


def _about(execution: Execution) -> Iterator[tuple[str, str]]:
    services = routes.services
    if execution.integration_id is not None and execution.external_id is not None:
        row = account_row(services, execution.integration_id, execution.external_id)
        if row is not None:
            yield "Account", _named(row["account"], execution.external_id)
            yield "Application", str(row["application"] or "")
    if execution.person_id is not None:
        row = person_row(services, execution.person_id)
        if row is not None:
            yield "Person", _named(row["person"], execution.person_id)
    yield "Begun", page.when(execution.created_at)


def _named(of: Mapping[str, Any], known_as: str) -> str:
    """The name and the address of a person or an account, or else the id."""
    name, email = of.get("display_name"), of.get("email")
    told = [str(one) for one in (name, f"<{email}>" if email and name else email) if one]
    return " ".join(told) or known_as


def _page(status: int, title: str, text: str) -> Page:
    return _answer(status, page.notice(title, text))


def _answer(status: int, html: str) -> Page:
    return Response(status, content_type="text/html", body=html, headers=dict(page.HEADERS))
