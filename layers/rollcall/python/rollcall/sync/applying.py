"""What decides what a run does, and when a plan may be applied. Pure.

A run goes by what its integration said when it began, however often the function is started anew.

To apply a plan is to sync: the app is read again, so what happens is what it says then, and the
confirming look and the guard protect as ever. These conditions see to it that the plan still tells
what to expect.
"""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from rollcall.connectors.manifest import Manifest
from rollcall.fields.model import PersonField
from rollcall.integrations.model import Integration
from rollcall.sync.run import ENDED_WELL, Run

FRESH = timedelta(hours=24)
DECIDING = (
    *("connector", "base_url", "subdomain", "credential_id", "load", "preference", "priority"),
    *("removal_guard", "headers", "params", "mapping", "filter", "on_leave", "on_return"),
)
"""What of an integration decides what a run does; its name, contacts and schedule do not."""


def as_begun(now: Integration, then: Mapping[str, Any]) -> Integration:
    """The integration of `now`, with what decides as it was `then`, when the run began.

    Name, contacts and rate limit are those of now.
    """
    begun = Integration.from_item(then)
    return replace(now, **{name: getattr(begun, name) for name in DECIDING})


def configuration(
    integration: Integration,
    manifest: Manifest | None,
    person_fields: Mapping[str, PersonField],
    roles: Sequence[str],
    variable: str | None,
) -> str:
    """A digest of everything that decides what a run makes of the same answers of the app."""
    own = {name: getattr(integration, name) for name in DECIDING}
    text = json.dumps(_plain([own, manifest, person_fields, roles, variable]), sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    """As JSON that is the same in every process."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def refusal(plan: Run, current: str, moment: datetime) -> str | None:
    """Why the run cannot be applied, as far as it tells by itself; None if nothing speaks against.

    `current` is the `configuration` of now.
    """
    if plan.mode != "plan":
        return "it is no plan: it was a sync"
    if plan.status not in ENDED_WELL or plan.finished_at is None:
        return f"the plan is {plan.status}; only one that ended well can be applied"
    if moment - datetime.fromisoformat(plan.finished_at) > FRESH:
        return "the plan is older than 24 hours: make a new one"
    if plan.configuration != current:
        return "the configuration has changed since the plan: make a new one"
    return None
