"""What must hold of an integration: what it is given, and what a launch needs. Pure functions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rollcall.connectors.manifest import Manifest
from rollcall.connectors.signing import unfit_header
from rollcall.fields.model import PersonField
from rollcall.integrations.cron import next_times
from rollcall.integrations.model import Integration
from rollcall.mapping.check import filter_problems, mapping_problems, missing
from rollcall.mapping.model import mapping_of

Faults = list[tuple[str, str]]
"""What is wrong: fields, each with a sentence."""

_OF_CREDENTIALS = frozenset({"authorization", "cookie"})
"""Headers that carry secrets, which are shown here."""
_LONGEST = 1000
_LONGEST_PARAM = 100


def pair_faults(headers: Mapping[str, str], params: Mapping[str, str]) -> Faults:
    """What is wrong with headers and parameters that go with every call."""
    found = [(f"headers.{name}", _header_fault(name, value)) for name, value in headers.items()]
    found += [(f"params.{name}", _param_fault(name, value)) for name, value in params.items()]
    return [(field, fault) for field, fault in found if fault is not None]


def _header_fault(name: str, value: str) -> str | None:
    fault = unfit_header(name)
    if fault is not None:
        return fault
    if name.lower() in _OF_CREDENTIALS:
        return "carries a secret, which belongs into a credential"
    if not value.isascii() or not value.isprintable() or value != value.strip():
        return "must be printable ASCII without spaces around it"
    return f"may have {_LONGEST} characters" if len(value) > _LONGEST else None


def _param_fault(name: str, value: str) -> str | None:
    if not name.strip() or len(name) > _LONGEST_PARAM or not name.isprintable():
        return f"is no name of a parameter: 1 to {_LONGEST_PARAM} printable characters"
    if not value.isprintable() or len(value) > _LONGEST:
        return f"must be printable and have at most {_LONGEST} characters"
    return None


def schedule_faults(schedule: Mapping[str, Any], moment: datetime) -> Faults:
    """Whether it ever fires again: 30 February and a past year do not."""
    if next_times(schedule["expression"], schedule["timezone"], moment, 1):
        return []
    return [("schedule.expression", "never fires: there is no such day, or it is past")]


def mapping_faults(
    manifest: Manifest,
    mapping: Any,
    condition: Any,
    fields: Mapping[str, PersonField],
    roles: Sequence[str],
    before: Any = None,
) -> Faults:
    """What is wrong with a mapping and a filter (null: the connector's, none), by path.

    `before` is the integration's mapping until now.
    """
    problems = [
        *mapping_problems(mapping, manifest, fields, roles, before),
        *filter_problems(condition, manifest, mapping, before),
    ]
    return [(problem.path, problem.message) for problem in problems]


def lacking(
    integration: Integration,
    manifest: Manifest,
    fields: Mapping[str, PersonField],
    roles: Sequence[str],
    moment: datetime,
) -> Faults:
    """What a launch needs of the integration itself and has not."""
    rules = mapping_of(manifest, integration.mapping)
    found = [(problem.path, problem.message) for problem in missing(rules, fields)]
    known = {role.casefold() for role in roles}
    for rule in rules.fields:
        if rule.target not in fields:
            found.append(("mapping", f"{rule.target} is no field of a person any more"))
        elif (
            rule.target == "role"
            and isinstance(rule.value, str)
            and rule.value.strip().casefold() not in known
        ):
            said = f"{rule.value!r} is no role any more; roles are {', '.join(roles)}"
            found.append(("mapping.role", said))
    return [*found, *schedule_faults(integration.schedule, moment)]
