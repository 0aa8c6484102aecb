"""Who uses a field or a role: the mapping in effect of every integration, and saved presets.

A connector that nobody uses does not count, so that a role such as Employee, which every connector
here names, can be taken away; launching an integration asks for a role that there is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollcall.actions.saved import SavedPresets
from rollcall.connectors.manifest import Manifest
from rollcall.integrations.model import Integration
from rollcall.mapping.mapper import rule_names
from rollcall.mapping.model import MappingRules, Rule, mapping_of

if TYPE_CHECKING:
    from rollcall.api.services import Services


@dataclass(frozen=True, slots=True)
class Use:
    """One integration whose mapping uses it, and how."""

    name: str
    detail: str


def targets(services: "Services", key: str) -> list[Use]:
    """The mappings that write the field of that key, or whose templates read it."""
    names = rule_names(services.fields.everything()) - {key}
    person = re.compile(rf"""\bperson\s*(\.\s*|\[\s*['"]){key}\b""")

    def told(rule: Rule) -> str | None:
        if rule.target == key:
            return f"target {key}"
        if rule.template and (person.search(rule.template) or _lacks(rule.template, names)):
            return f"the template of {rule.target}"
        return None

    return _uses(services, told)


def _lacks(template: str, names: frozenset[str]) -> bool:
    """Is it a template no more where there are only these names?"""
    from rollcall.mapping.templates import Refused, compile_template  # noqa: PLC0415 - seldom

    return isinstance(compile_template(template, names), Refused)


def presets_filling(services: "Services", key: str) -> list[str]:
    """The presets of customers' own, as connector/preset, that keep the response in the field."""
    return [
        f"{manifest.key}/{saved.key}"
        for manifest in services.catalog.everything()
        for saved in SavedPresets(services.config, manifest.key).everything()
        if saved.response_field == key
    ]


def constant_roles(services: "Services", known: frozenset[str]) -> list[Use]:
    """The mappings with a constant role that is not among `known`, which are casefolded."""

    def unknown(rule: Rule) -> str | None:
        if rule.target != "role" or not isinstance(rule.value, str):
            return None
        gone = rule.value.strip().casefold() not in known
        return f"role {rule.value}" if gone else None

    return _uses(services, unknown)


def _uses(services: "Services", told: Callable[[Rule], str | None]) -> list[Use]:
    manifests = {manifest.key: manifest for manifest in services.catalog.everything()}
    found = []
    for integration in services.integrations.everything():
        rules = in_effect(manifests.get(integration.connector), integration)
        said = (told(rule) for rule in rules.fields)
        found += [Use(integration.name, one) for one in said if one is not None]
    return found


def in_effect(manifest: Manifest | None, integration: Integration) -> MappingRules:
    """The integration's own mapping, or its connector's; no rules where neither is there."""
    if manifest is None:
        return MappingRules.from_data(integration.mapping or {"fields": []})
    return mapping_of(manifest, integration.mapping)
