"""From an app's record to a person's values: a mapping, compiled once, applied to each record.

Order: constants and sources first, then templates, each in the order they are written. A template
may use `response` (the record), `source.<key>` (every source by its key) and `person.<field>`, or
`<field>` alone (what was mapped before it). jinja2 is imported only where a mapping has a template.

A source is named by its key, else by the app's own path. Text is stripped, and what is empty then
(null, "", [] and {} too) is left out of the values. Whether a rule's value may be written, only
found by, or only fill an empty field, `Mapper.writes` says.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Literal

from rollcall.connectors import paths
from rollcall.connectors.manifest import Manifest
from rollcall.connectors.records import LONGEST_KEY, read_field
from rollcall.fields.model import PersonField
from rollcall.mapping.convert import Unconvertible, convert
from rollcall.mapping.model import MappingRules, Rule
from rollcall.mapping.storing import unstorable

TEMPLATE_NAMES = ("response", "source", "person")
"""What a rule's template may use beside the fields; an added source's may use the first two."""
_WAY = 1
"""Counts the changes of this module that make something else of the same record."""
_TEXTS = ("text", "long_text")
_NONE: tuple[Any, ...] = ([], {})
_EMPTY: tuple[Any, ...] = (None, "", *_NONE)

Record = Mapping[str, Any]
Sources = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record's mapping failed. `field` is a person's field, or an added source's key.

    Codes: `required-missing`, `sync-key-unusable`, `convert-failed`, `template-failed`,
    `role-unknown`.
    """

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping makes of one record: what is not empty, of the target's type, by target."""

    values: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class _Bad:
    """A value that did not come out."""

    code: str
    message: str


class Mapper:
    """One integration's mapping. It holds nothing of the records and may be used by many threads.

    Raises ValueError for rules that `mapping.check` refuses: an unknown target, a template that is
    none.
    """

    def __init__(
        self,
        manifest: Manifest,
        rules: MappingRules,
        fields: Mapping[str, PersonField],
        roles: Sequence[str],
    ) -> None:
        self._manifest = manifest
        self._names = rule_names(fields)
        self._display_name = manifest.users.columns.display_name
        self._fields = {field.key: field for field in manifest.fields}
        self._paths = {extra.key: extra.path for extra in rules.sources if extra.path}
        self._templates = {
            extra.key: _template(extra.template, TEMPLATE_NAMES[:2])
            for extra in rules.sources
            if extra.template
        }
        self._all_sources = bool(self._templates) or any(rule.template for rule in rules.fields)
        targets = [_target(rule, fields) for rule in rules.fields]
        self._rules = [
            _Rule(rule, target, roles, self._getter(rule, target))
            for rule, target in sorted(
                zip(rules.fields, targets, strict=True),
                key=lambda pair: pair[0].template is not None,
            )
        ]
        self.sync_keys: tuple[str, ...] = tuple(rule.target for rule in rules.sync_keys)
        """The fields that a person is found by, in order."""
        self.writes: Mapping[str, Literal["always", "if_empty"]] = {
            rule.target: rule.write for rule in rules.fields if rule.write != "never"
        }
        """Of each field that is written, whether always or only while it is empty."""
        self.source_keys: frozenset[str] = frozenset(
            {"display_name", *self._fields, *self._paths, *self._templates}
        )
        """The names that are sources; any other is a path."""
        way = (_WAY, asdict(rules), [asdict(field) for field in manifest.fields],
               self._display_name, [(one.key, one.type, one.unique) for one in targets],
               roles if "role" in self.writes else ())  # fmt: skip
        text = json.dumps(way, sort_keys=True, default=repr)
        self.version: bytes = blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
        """8 bytes that are others where something else may come out of the same record."""

    def sources(self, record: Record) -> dict[str, Any]:
        """Every source by its key: the connector's fields, `display_name`, the added ones.

        One that is not there, or whose template failed, is None.
        """
        return self._sources(record)[0]

    def mapped(self, record: Record) -> Mapped:
        """What the mapping makes of this record."""
        sources: Sources = {}
        faults: list[Fault] = []
        if self._all_sources:
            sources, faults = self._sources(record)
        values: dict[str, Any] = {}
        for rule in self._rules:
            value = rule.value(record, sources, values)
            if isinstance(value, _Bad):
                faults.append(Fault(rule.target, value.code, value.message))
            elif value is not None:
                values[rule.target] = value
        if "email" not in values and "username" not in values:
            message = "neither email nor username came out; a person needs one of them"
            faults.append(Fault("email", "required-missing", message))
        return Mapped(values, tuple(faults))

    def _sources(self, record: Record) -> tuple[dict[str, Any], list[Fault]]:
        sources: dict[str, Any] = {"display_name": self._shown_name(record)}
        for key, field in self._fields.items():
            sources[key] = read_field(field, record)
        for key, path in self._paths.items():
            sources[key] = paths.read(record, path)
        faults = []
        for key, template in self._templates.items():
            value = template({"response": record, "source": sources})
            if isinstance(value, _Bad):
                faults.append(Fault(key, value.code, value.message))
                value = None
            sources[key] = value
        return sources, faults

    def _shown_name(self, record: Record) -> str | None:
        names = (paths.text(paths.read(record, path)) for path in self._display_name)
        return " ".join(name for name in names if name) or None

    def _getter(self, rule: Rule, target: PersonField) -> "Getter":
        """How a rule's value is got, before it is made what its target wants."""
        if rule.template is not None:
            native = bool(rule.convert) or target.type not in _TEXTS
            template = _template(rule.template, self._names, native=native)
            return lambda record, sources, values: template(
                {**values, "response": record, "source": sources, "person": values}
            )
        if rule.source is None:
            constant = rule.value
            return lambda _record, _sources, _values: constant
        if (field := self._fields.get(rule.source)) is not None:
            return lambda record, _sources, _values: read_field(field, record)
        if rule.source == "display_name":
            return lambda record, _sources, _values: self._shown_name(record)
        if rule.source in self._templates:
            key = rule.source
            return lambda _record, sources, _values: sources[key]
        path = self._paths.get(rule.source, rule.source)
        return lambda record, _sources, _values: paths.read(record, path)


Getter = Callable[[Record, Sources, Mapping[str, Any]], Any]


class _Rule:
    """A rule, compiled."""

    def __init__(self, rule: Rule, field: PersonField, roles: Sequence[str], get: Getter) -> None:
        self.target = rule.target
        self._field = field
        self._get = get
        self._convert = rule.convert or {}
        self._as_it_is = field.type in _TEXTS and not rule.convert
        self._key = bool(rule.sync_key)
        self._found_again = self._key or field.unique
        self._roles = {role.casefold(): role for role in roles} if rule.target == "role" else None

    def value(self, record: Record, sources: Sources, values: Mapping[str, Any]) -> Any:
        """The value for the target, None where it is empty, _Bad where none comes out."""
        found = self._get(record, sources, values)
        if found is None or isinstance(found, _Bad):
            return found
        if self._as_it_is and type(found) is str:
            found = found.strip()
        elif found in _NONE:  # how some apps say that there is nothing
            return None
        else:
            found = convert(found, self._field.type, self._convert)
            if isinstance(found, Unconvertible):
                return _Bad("convert-failed", found.message)
        if found in _EMPTY:
            return None
        fault = unstorable(found, self._field.type)
        return self._accepted(found) if fault is None else _Bad("convert-failed", f"it {fault}")

    def _accepted(self, value: Any) -> Any:
        """The value, or why no person may have it."""
        if self._roles is not None:
            role = self._roles.get(str(value).casefold())
            if role is None:
                known = ", ".join(self._roles.values())
                return _Bad("role-unknown", f"{_short(value)} is no role; roles are {known}")
            return role
        if self._found_again:
            code = "sync-key-unusable" if self._key else "convert-failed"
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                return _Bad(code, "only text or a number can be found again")
            if (size := len(str(value))) > LONGEST_KEY:
                return _Bad(code, f"has {size} characters; {LONGEST_KEY} can be found again")
        return value


def _target(rule: Rule, fields: Mapping[str, PersonField]) -> PersonField:
    field = fields.get(rule.target)
    if field is None:
        raise ValueError(f"{rule.target!r} is no field of a person")
    return field


def rule_names(fields: Collection[str]) -> frozenset[str]:
    """The names that a rule's template may use; a field of one of TEMPLATE_NAMES is not seen."""
    return frozenset({*fields, *TEMPLATE_NAMES})


def _template(
    source: str, names: tuple[str, ...] | frozenset[str], *, native: bool = True
) -> Callable[[Mapping[str, Any]], Any]:
    """The template as a function of what it may use, whose value is _Bad where it failed.

    `native`: a template of a single expression gives its value as it is; else text.
    """
    from rollcall.mapping.templates import Failed, Refused, compile_template  # noqa: PLC0415

    template = compile_template(source, names)
    if isinstance(template, Refused):
        raise ValueError(f"a template that check refuses: {template}")  # noqa: TRY004
    make = template.value if native else template.render

    def made(context: Mapping[str, Any]) -> Any:
        value = make(context)
        return _Bad("template-failed", value.message) if isinstance(value, Failed) else value

    return made


def _short(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else f"{text[:39]}…")  # noqa: PLR2004
