r"""What a mapping says, as plain data that passed `check`: rules, and sources added to them.

```json
{"fields": [{"target": "email", "source": "email", "sync_key": 1},
            {"target": "display_name", "template": "{{ response.firstName }}"},
            {"target": "role", "value": "Employee", "write": "if_empty"}],
 "sources": [{"key": "cost_center", "path": "custom[\"Cost center\"]"}]}
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rollcall.connectors.manifest import Manifest

Write = Literal["always", "if_empty", "never"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One target: a field of a person, and exactly one of `source`, `template` and `value`.

    `source` is a source's key or the app's own path; `convert` is for `mapping.convert`. A sync
    key of 1 finds a person and is written; later ones find, and are written where `write` says so.
    """

    target: str
    source: str | None = None
    template: str | None = None
    value: Any = None
    convert: Mapping[str, Any] | None = None
    write: Write = "always"
    sync_key: int = 0

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Rule":
        """A rule as it is written in JSON."""
        sync_key = data.get("sync_key") or 0
        return cls(
            target=data["target"],
            source=data.get("source"),
            template=data.get("template"),
            value=data.get("value"),
            convert=data.get("convert"),
            write=data.get("write") or ("never" if sync_key > 1 else "always"),
            sync_key=sync_key,
        )


@dataclass(frozen=True, slots=True)
class ExtraSource:
    """A source that the connector does not list: exactly one of `path` and `template`."""

    key: str
    path: str | None = None
    template: str | None = None

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "ExtraSource":
        """A source as it is written in JSON."""
        return cls(data["key"], data.get("path"), data.get("template"))


@dataclass(frozen=True, slots=True)
class MappingRules:
    """The whole mapping of one integration."""

    fields: tuple[Rule, ...]
    sources: tuple[ExtraSource, ...] = ()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "MappingRules":
        """A mapping as it is written in JSON and stored with the integration."""
        return cls(
            tuple(Rule.from_data(rule) for rule in data["fields"]),
            tuple(ExtraSource.from_data(source) for source in data.get("sources") or ()),
        )

    @property
    def sync_keys(self) -> tuple[Rule, ...]:
        """The rules that find a person, in order."""
        keyed = (rule for rule in self.fields if rule.sync_key)
        return tuple(sorted(keyed, key=lambda rule: rule.sync_key))


def mapping_of(manifest: Manifest, data: Mapping[str, Any] | None) -> MappingRules:
    """The integration's own mapping, or the connector's where `data` is None."""
    if data is not None:
        return MappingRules.from_data(data)
    return MappingRules(
        tuple(
            Rule(
                target=rule.target,
                source=rule.source or None,
                template=rule.template or None,
                value=None if rule.value == "" else rule.value,
                convert=rule.convert,
                write=rule.write or ("never" if rule.sync_key > 1 else "always"),
                sync_key=rule.sync_key,
            )
            for rule in manifest.mapping
        )
    )
