"""An integration and a plan, to be varied."""

from rollcall.integrations.model import Integration, RemovalGuard
from rollcall.sync.run import Run


def integration() -> Integration:
    return Integration(
        id="i1",
        name="Aha",
        connector="aha",
        application="Aha!",
        base_url=None,
        subdomain="acme",
        credential_id="c1",
        load="people_and_accounts",
        preference="create_and_update",
        schedule={"expression": "rate(1 day)", "timezone": "UTC"},
        removal_guard=RemovalGuard(0.2, 5),
        rate_limit=None,
        contacts=(),
        priority=None,
        owner="administrator",
        headers={},
        params={},
        mapping=None,
        filter=None,
        on_leave="remove",
        on_return="restore",
        status="draft",
        created_at="2026-11-22T00:00:00.000Z",
        updated_at="2026-11-22T00:00:00.000Z",
    )


def plan(configuration: str) -> Run:
    """One that ended well an hour before noon."""
    return Run.from_item(
        {
            "id": "r1",
            "integration_id": "i1",
            "mode": "plan",
            "status": "succeeded",
            "trigger": "manual",
            "queued_at": "2026-11-24T10:59:00.000Z",
            "finished_at": "2026-11-24T11:00:00.000Z",
            "counts": {},
            "phase": "pull",
            "configuration": configuration,
        }
    )
