"""What a new version of a connector would break in the integrations that use it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rollcall.connectors.check import too_slow
from rollcall.connectors.manifest import Manifest
from rollcall.fields.model import PersonField
from rollcall.integrations.model import Integration
from rollcall.mapping.check import filter_problems, mapping_problems


def broken(
    integration: Integration,
    before: Manifest,
    after: Manifest,
    fields: Mapping[str, PersonField],
    roles: Sequence[str],
) -> list[str]:
    """Why the integration could not go on with `after`, in words that follow its name.

    A field's key that is gone would be read as a path from then on, and lead nowhere unnoticed.
    What was wrong with `before` already is not told.
    """
    gone = {field.key for field in before.fields} - {field.key for field in after.fields}
    found = [
        f"its {place} uses the field {key}"
        for place, names in (
            ("mapping", set(_mapped(integration.mapping or {}))),
            ("filter", set(_filtered(integration.filter or {}))),
        )
        for key in sorted(names & gone)
    ]
    mapping, filter_ = integration.mapping, integration.filter
    old, new = (
        {*mapping_problems(mapping, one, fields, roles), *filter_problems(filter_, one, mapping)}
        for one in (before, after)
    )
    found += sorted(f"{problem.path} {problem.message}" for problem in new - old)
    if integration.subdomain and not after.address.subdomain_url:
        found.append("it has a subdomain, and there is no subdomain_url")
    rate = integration.rate_limit or after.rate_limit
    if fault := too_slow(after, rate.requests, rate.seconds):
        found.append(f"at its rate limit {fault}")
    return found


def _mapped(mapping: Mapping[str, Any]) -> Iterator[str]:
    """The sources that a mapping's rules name; those in templates, its own check knows."""
    for rule in mapping.get("fields", ()):
        if rule.get("source"):
            yield rule["source"]


def _filtered(condition: Mapping[str, Any]) -> Iterator[str]:
    """The sources that a filter names."""
    if "field" in condition:
        yield condition["field"]
    for inner in condition.values():
        for part in inner if isinstance(inner, list) else (inner,):
            if isinstance(part, Mapping):
                yield from _filtered(part)
