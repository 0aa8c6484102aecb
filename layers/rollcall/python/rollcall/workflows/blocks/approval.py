"""Waiting for somebody to decide. See `rollcall.workflows.approvals` for the decision itself."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from rollcall.connectors.templated import Fault
from rollcall.mapping import values
from rollcall.stamps import instant
from rollcall.workflows import approvals, links
from rollcall.workflows.document import ApprovalBlock, duration
from rollcall.workflows.executions import Step
from rollcall.workflows.links import Link
from rollcall.workflows.place import Came, Place, failed, wrong
from rollcall.workflows.webhooks import host_of

DEADLINE = "deadline"
"""Who decided where nobody did."""
_OTHERS = "somebody else decides it in this moment"


def approval(at: Place, block: ApprovalBlock) -> Came:
    """Ask, and wait; a test is decided at once."""
    made: dict[str, str | None] = {}
    for name, data in (("message", block.message), ("webhook", block.ask.webhook)):
        value = at.made(data, name) if data is not None else None
        if isinstance(value, Fault):
            return wrong(value)
        made[name] = values.text(value).strip() if value is not None else None
    webhook = made["webhook"]
    shown = {
        "message": made["message"],
        "email": list(block.ask.email),
        "webhook": host_of(webhook) if webhook else None,
    }
    if at.rehearses:
        decision = "approve" if at.execution.approves else "deny"
        step = replace(at.step, branch=decision, decided_by="test")
        return _decided(block, step, shown)
    if at.token is None:
        return failed("invalid-input", "an approval is asked for with a token", shown)
    if at.before is not None and at.before.status == "waiting":
        if at.before.branch is not None:  # also where a try before this one was over by then
            return _decided(block, at.before, shown)
        if at.goes_on:
            return _again(at, block, webhook, shown)
    until = instant(at.now + duration(block.deadline))
    at.keep(status="waiting", token=at.token, until=until, input=shown)
    return _asked(at, block, webhook, shown)


def late(at: Place, block: ApprovalBlock) -> Came:
    """The deadline has passed; a decision that was kept before it was seen to counts."""
    executions, before = at.tools.executions, at.before
    if before is None:
        return failed("not-found", "nobody was asked")
    shown = before.input
    if before.branch is None and before.status == "waiting":
        executions.decide(replace(before, branch="late", decided_by=DEADLINE), at.actor)
    there = executions.step(at.execution.id, at.at, block.id)
    if there is None or there.branch is None:
        return failed("conflict", _OTHERS, shown)
    return _decided(block, there, shown)


def _again(at: Place, block: ApprovalBlock, webhook: str | None, shown: dict[str, Any]) -> Came:
    """An earlier function asked, or was about to: its token is of no use any more."""
    there = at.tools.executions.revise(at.step, {"token": at.token})
    if there is None:
        there = at.tools.executions.step(at.execution.id, at.at, block.id)
    if there is None:
        return failed("conflict", _OTHERS, shown)
    at.step = there
    if there.branch is not None:
        return _decided(block, there, shown)
    return _asked(at, block, webhook, shown)


def _asked(at: Place, block: ApprovalBlock, webhook: str | None, shown: dict[str, Any]) -> Came:
    """Tell who can decide, unless they were told. Over the API it can be decided in any case."""
    if not at.step.notes:
        notes = _told(at, block, webhook, str(shown["message"] or ""))
        at.tools.executions.revise(at.step, {"notes": notes})
    return Came("waiting", "waits")


def _told(at: Place, block: ApprovalBlock, webhook: str | None, message: str) -> list[str]:
    """Who was told, and who could not be, in sentences."""
    until = at.step.until or ""
    link = links.made(at.tools.link_key, Link(at.execution.id, at.at, block.id, until))
    address = f"{at.tools.work.api_url}/v1/approvals/{link}"
    ways = {name: f"{address}?{urlencode({'decision': name})}" for name in ("approve", "deny")}
    name = at.graph.document.name
    subject = f"Rollcall: {name} asks for your approval"
    told = []
    if block.ask.email:
        text = (
            f"{message}\n\nApprove: {ways['approve']}\nDeny: {ways['deny']}\n\n"
            f"The links are good until {until}."
        )
        email, whom = block.ask.email, ", ".join(block.ask.email)
        workflow_id = at.execution.workflow_id
        sent = at.tools.notices.tell("approval", workflow_id, subject, text, email)
        told.append(f"asked {whom}" if sent else f"could not ask {whom} by mail")
    if webhook:
        body = {
            "subject": subject,
            "message": message,
            "workflow": name,
            "execution_id": at.execution.id,
            "until": until,
            **ways,
        }
        why, host = at.tools.webhooks.post(webhook, body), host_of(webhook)
        told.append(f"asked {host}" if why is None else f"could not ask {host}: {why}")
    return told or ["asked over the API alone"]


def _decided(block: ApprovalBlock, step: Step, shown: Any) -> Came:
    return Came(
        "succeeded",
        approvals.outcome(block, step),
        dict(approvals.output(step)),
        shown,
        notes=step.notes,
        changes={
            "branch": step.branch,
            "decided_by": step.decided_by,
            "comment": step.comment,
            "until": step.until,
            "token": None,
        },
    )
