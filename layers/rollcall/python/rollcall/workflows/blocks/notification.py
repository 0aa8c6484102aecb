"""Telling people and systems. What was told once is not told again when the block is done again."""

from typing import Any

from rollcall.connectors.templated import Fault
from rollcall.mapping import values
from rollcall.workflows.document import NotificationBlock
from rollcall.workflows.place import Came, Place, done, failed, wrong
from rollcall.workflows.webhooks import host_of

NO_TOPIC = "the deployment has no notice topic, so nobody is told by mail"
TOPIC = "topic"


def notification(at: Place, block: NotificationBlock) -> Came:
    """Tell the notice topic, with the addresses for whom it is by mail, and the webhook."""
    made: dict[str, Any] = {}
    for name in ("subject", "message", "webhook"):
        data = getattr(block, name)
        value = at.made(data, name) if data is not None else None
        if isinstance(value, Fault):
            return wrong(value)
        made[name] = values.text(value).strip() if value is not None else None
    subject, message, webhook = made["subject"] or "", made["message"] or "", made["webhook"]
    host = host_of(webhook) if webhook else ""
    shown = {"subject": subject, "message": message, "email": list(block.email), "webhook": host}
    if block.webhook is not None and not webhook:
        return failed("invalid-input", "webhook: its template makes nothing", shown)
    if at.rehearses:
        return done({"sent": []}, shown)
    sent: list[str] = list((at.step.output or {}).get("sent", ()))
    notes: tuple[str, ...] = ()
    if not at.tools.settings.notice_topic:
        notes = (NO_TOPIC,)
    elif TOPIC not in sent:
        told = at.tools.notices.tell(
            "workflow", at.execution.workflow_id, subject, message or subject, block.email
        )
        if not told:
            return failed("not-told", "the notice topic could not be told", shown)
        sent += [TOPIC, *block.email]
        at.keep(output={"sent": sent}, input=shown)
    if webhook and host not in sent:
        body = {
            "subject": subject,
            "message": message,
            "workflow": at.graph.document.name,
            "execution_id": at.execution.id,
        }
        if (why := at.tools.webhooks.post(webhook, body)) is not None:
            return failed("not-told", why, shown)
        sent.append(host)
    return done({"sent": sent}, shown, notes)
