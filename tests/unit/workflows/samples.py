"""A deployment with an integration of each app, and documents to be checked against it."""

from typing import Any

from rollcall.connectors import catalog
from rollcall.fields.model import STANDARD, PersonField
from rollcall.workflows.check import problems
from rollcall.workflows.document import Document, Input, parsed
from rollcall.workflows.known import Known, KnownConnector, KnownIntegration, KnownWorkflow

CAMPAIGN, AHA, OTHER_AHA = "campaign-id", "aha-id", "other-aha-id"
CHILD, PARENT, LISTENING, DAILY = "child-id", "parent-id", "listening-id", "daily-id"


def connector(key: str) -> KnownConnector:
    """A connector that comes with Rollcall, with its own presets."""
    manifest = catalog.find(key)
    assert manifest is not None
    return KnownConnector.of(manifest, {preset.key: preset for preset in manifest.presets})


def deployment(**names: str) -> Known:
    """Both apps, two custom fields, a variable, three workflows; `names` are further integrations,
    each with its connector.
    """
    campaign = KnownIntegration("ActiveCampaign, all", "activecampaign")
    integrations = {
        CAMPAIGN: campaign,
        AHA: KnownIntegration("Aha!, all", "aha"),
        OTHER_AHA: KnownIntegration("Aha!, labs", "aha"),
        **{key: KnownIntegration(key, of) for key, of in names.items()},
    }
    custom = {
        "card": PersonField("card", "Card", "json", unique=False),
        "joined": PersonField("joined", "Joined", "datetime", unique=False),
        "badge": PersonField("badge", "Badge", "text", unique=True),
    }
    workflows = {
        CHILD: KnownWorkflow(
            "Child",
            "call",
            (Input(key="reason", required=True), Input(key="times", type="number")),
        ),
        PARENT: KnownWorkflow("Parent", "call", (), frozenset({"mine"})),
        LISTENING: KnownWorkflow("Listening", "event"),
        DAILY: KnownWorkflow("Daily", "schedule"),
    }
    return Known(
        integrations,
        {key: connector(key) for key in ("activecampaign", "aha")},
        {**STANDARD, **custom},
        ("Employee", "Manager"),
        frozenset({"ActiveCampaign.Subdomain", "floor"}),
        workflows,
    )


KNOWN = deployment()
Block = dict[str, Any]
CALL: Block = {
    "trigger": "call",
    "inputs": [{"key": "reason"}, {"key": "rows", "type": "json"}],
}
EVERY_MORNING = {"expression": "cron(0 7 * * ? *)"}
NOBODY: Block = {"trigger": "schedule", "schedule": EVERY_MORNING}
LEAVES: Block = {
    "trigger": "event",
    "events": ["Person Updated"],
    "when": {"field": "changes.status.new", "op": "equals", "value": "inactive"},
}
ONE = "blocks.0"
TELL: Block = {"id": "tell", "type": "notification", "subject": "Hello", "message": "Hello"}


def document(*blocks: Block, begin: Block = CALL) -> dict[str, Any]:
    """A document of these blocks; a notification where there are none."""
    return {"name": "Sample", "begin": begin, "blocks": list(blocks or [TELL])}


def faults(data: dict[str, Any], known: Known = KNOWN, workflow: str | None = None) -> Block:
    """What is wrong with it, by path; its form must be right."""
    read = parsed(data)
    assert isinstance(read, Document), read
    return {problem.path: problem.message for problem in problems(read, known, workflow)}


def preset(**changes: Any) -> Block:
    """A use of a preset, changed."""
    return {
        "id": "get",
        "type": "preset",
        "integration": AHA,
        "preset": "get_user",
        **changes,
    }


def told(message: str) -> Block:
    """A notification with that message."""
    return {**TELL, "message": message}


def each(*blocks: Block, over: Any = "accounts", **changes: Any) -> Block:
    """These blocks for each row."""
    return {"id": "each", "type": "for_each", "over": over, "blocks": list(blocks), **changes}


def decides(when: Any, **changes: Any) -> Block:
    """A decision that ends the workflow if the condition holds."""
    branch = {"when": when, "go_to": "end"}
    return {"id": "which", "type": "decision", "branches": [branch], **changes}


def leaf(field: str, op: str = "is_not_empty", **more: Any) -> Block:
    """A condition."""
    return {"field": field, "op": op, **more}
