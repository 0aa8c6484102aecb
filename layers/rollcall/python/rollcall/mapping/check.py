"""Is this mapping, is this filter one? Every fault is told by its path, whatever JSON it is.

What passes can be compiled: `Mapper` and `Conditions` raise nothing for it. What only a launch
needs, `missing` tells: a draft may be without it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from rollcall.connectors.manifest import Manifest
from rollcall.fields.model import PersonField
from rollcall.mapping import comparing
from rollcall.mapping.check_filter import filter_problems
from rollcall.mapping.comparing import cut
from rollcall.mapping.convert import check_options
from rollcall.mapping.mapper import TEMPLATE_NAMES, rule_names
from rollcall.mapping.model import MappingRules, Write
from rollcall.mapping.problems import (
    Problem,
    added_sources,
    gone_problem,
    near,
    path_problem,
    shown,
    unknown_properties,
)
from rollcall.mapping.storing import unstorable

__all__ = ["Problem", "filter_problems", "mapping_problems", "missing"]

MOST_RULES = 100
MOST_SOURCES = 50
_RULE = ("target", "source", "template", "value", "convert", "write", "sync_key")
_SOURCE = ("key", "path", "template")
_WRITES: tuple[str, ...] = get_args(Write)
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LONGEST = 200
"""Characters of what is said of a template's key."""
_FINDING = ("text", "number", "datetime")
"""Types of fields by whose values a person can be found."""


def mapping_problems(
    data: Any,
    manifest: Manifest,
    fields: Mapping[str, PersonField],
    roles: Sequence[str],
    before: Any = None,
) -> list[Problem]:
    """Everything wrong with an integration's mapping; empty where `MappingRules.from_data` and
    `Mapper` may have it. None is the connector's own mapping, and right. `before` is the mapping
    until now: what it added and this one does not is no source any more.
    """
    if data is None:
        return []
    if not isinstance(data, dict):
        return [Problem("mapping", 'must be an object with "fields"')]
    check = _Check(manifest, fields, roles, added_sources(before))
    return [
        *unknown_properties(data, ("fields", "sources"), "mapping"),
        # Sources first: rules may name them.
        *check.sources(data.get("sources")),
        *check.rules(data.get("fields")),
    ]


def missing(rules: MappingRules, fields: Mapping[str, PersonField]) -> list[Problem]:
    """What a mapping needs to be launched and has not; `path` is the field that is missing."""
    written = {rule.target for rule in rules.fields if rule.write != "never"}
    found = []
    if not written & {"email", "username"}:
        found.append(Problem("mapping.email", "must be mapped, or username"))
    if "role" not in written:
        said = 'must be mapped, or be a constant: {"target": "role", "value": "Employee"}'
        found.append(Problem("mapping.role", said))
    key = next((rule for rule in rules.fields if rule.sync_key == 1), None)
    if key is None or key.target not in fields or not fields[key.target].unique:
        said = "1 is needed on a field whose values are unique, such as email"
        found.append(Problem("mapping.sync_key", said))
    return found


class _Check:
    """One mapping's check: it learns the added sources and the targets as it goes."""

    def __init__(
        self,
        manifest: Manifest,
        fields: Mapping[str, PersonField],
        roles: Sequence[str],
        added_before: set[str],
    ) -> None:
        self._added_before = added_before
        self._fields = fields
        self._names = rule_names(fields)
        self._roles = roles
        self._own = {field.key for field in manifest.fields} | {"display_name"}
        self._added: dict[str, str] = {}
        self._targets: dict[str, str] = {}
        self._sync_keys: dict[int, str] = {}

    def sources(self, data: Any) -> Iterator[Problem]:
        """What is wrong with the added sources."""
        if data is None:
            return
        if not isinstance(data, list):
            yield Problem("mapping.sources", "must be a list")
            return
        if len(data) > MOST_SOURCES:
            yield Problem("mapping.sources", f"has {len(data)} sources; {MOST_SOURCES} may be")
        named = [
            (f"mapping.sources.{number}", source)
            for number, source in enumerate(data[:MOST_SOURCES])
        ]
        for where, source in named:
            if isinstance(source, dict):
                yield from self._source_key(source.get("key"), f"{where}.key")
            else:
                yield Problem(where, "must be an object")
        # Their templates may read any source.
        for where, source in named:
            if isinstance(source, dict):
                yield from self._source(source, where)

    def _source(self, source: dict[str, Any], where: str) -> Iterator[Problem]:
        yield from unknown_properties(source, _SOURCE, where)
        path, template = source.get("path"), source.get("template")
        if (path is None) is (template is None):
            yield Problem(where, "needs one of path and template, and not both")
        if path is not None and (bad := path_problem(path, f"{where}.path")):
            yield bad
        if template is not None:
            yield from self._template(template, TEMPLATE_NAMES[:2], f"{where}.template")

    def _source_key(self, key: Any, where: str) -> Iterator[Problem]:
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            said = "must be lower case letters, digits and _, a letter first, at most 64"
            yield Problem(where, said)
        elif key in self._own:
            yield Problem(where, f"{key!r} is a source of the connector already")
        elif key in TEMPLATE_NAMES:
            yield Problem(where, f"{key!r} means something else in templates")
        elif key in self._added:
            yield Problem(where, f"is the key of {self._added[key]} already")
        else:
            self._added[key] = where.removesuffix(".key")

    def rules(self, data: Any) -> Iterator[Problem]:
        """What is wrong with the rules."""
        if not isinstance(data, list):
            yield Problem("mapping.fields", "must be a list of rules")
            return
        if len(data) > MOST_RULES:
            yield Problem("mapping.fields", f"has {len(data)} rules; {MOST_RULES} may be")
        for number, rule in enumerate(data[:MOST_RULES]):
            where = f"mapping.fields.{number}"
            if isinstance(rule, dict):
                yield from self._rule(rule, where)
            else:
                yield Problem(where, "must be an object")
        for expected, (number, where) in enumerate(sorted(self._sync_keys.items()), 1):
            if number != expected:
                said = f"must be {expected}: sync keys are numbered from 1 without gaps"
                yield Problem(f"{where}.sync_key", said)
                break

    def _rule(self, rule: dict[str, Any], where: str) -> Iterator[Problem]:
        yield from unknown_properties(rule, _RULE, where)
        field, bad = self._target(rule.get("target"), where)
        if bad is not None:
            yield bad
        given = [name for name in ("source", "template", "value") if rule.get(name) is not None]
        if len(given) != 1:
            has = f"has {' and '.join(given)}" if given else "has none of them"
            yield Problem(where, f"needs one of source, template and value; it {has}")
        if "source" in given:
            source = rule["source"]
            if not (isinstance(source, str) and (source in self._own or source in self._added)):
                bad = self._path(source, f"{where}.source")
                if bad is not None:
                    yield bad
        if "template" in given:
            yield from self._template(rule["template"], self._names, f"{where}.template")
        if "value" in given and field is not None:
            yield from self._constant(rule["value"], field, f"{where}.value")
        yield from _convert(rule.get("convert"), field, where, constant="value" in given)
        yield from self._sync_key(rule, field, where, constant="value" in given)
        yield from _write(rule, where)

    def _path(self, source: Any, where: str) -> Problem | None:
        if isinstance(source, str) and source in self._added_before:
            return gone_problem(source, where)
        return path_problem(source, where)

    def _target(self, target: Any, where: str) -> tuple[PersonField | None, Problem | None]:
        place = f"{where}.target"
        if not isinstance(target, str):
            return None, Problem(place, "must be the key of a person's field")
        field = self._fields.get(target)
        if field is None:
            said = f"{shown(target)} is no field of a person{near(target, self._fields)}"
            return None, Problem(place, said)
        if target in self._targets:
            return field, Problem(place, f"{target} is mapped by {self._targets[target]} already")
        self._targets[target] = where
        return field, None

    def _template(
        self, source: Any, names: tuple[str, ...] | frozenset[str], where: str
    ) -> Iterator[Problem]:
        if not isinstance(source, str) or not source.strip():
            yield Problem(where, "must be a template, such as {{ response.firstName }}")
            return
        # jinja2 is for those who use templates.
        from rollcall.mapping.templates import Refused, compile_template  # noqa: PLC0415

        made = compile_template(source, names)
        if isinstance(made, Refused):
            yield Problem(where, f"line {made.line}, column {made.column}: {made.message}")
            return
        known = {"source": self._own | self._added.keys(), "person": self._fields.keys()}
        for read in made.reads:
            keys = known.get(read.name)
            if keys is not None and read.key not in keys:
                said = f"line {read.line}, column {read.column}: there is no {read.name}.{read.key}"
                yield Problem(where, cut(said, _LONGEST) + near(read.key, keys))
                return

    def _constant(self, value: Any, field: PersonField, where: str) -> Iterator[Problem]:
        if field.unique:
            said = f"no two people may have the same {field.key}: it cannot be a constant"
            yield Problem(where, said)
        elif field.type == "datetime" and comparing.moment(value) is None:
            yield Problem(where, "must be an ISO date or time, such as 2026-01-31")
        elif (fault := unstorable(value, field.type)) is not None:
            yield Problem(where, f"{shown(value)} {fault}; {field.key} is of type {field.type}")
        elif comparing.is_empty(value):
            yield Problem(where, "must not be empty")
        elif field.key == "role" and value.strip().casefold() not in {
            role.casefold() for role in self._roles
        }:
            yield Problem(where, f"{shown(value)} is no role; roles are {', '.join(self._roles)}")

    def _sync_key(
        self, rule: dict[str, Any], field: PersonField | None, where: str, *, constant: bool
    ) -> Iterator[Problem]:
        number, place = rule.get("sync_key"), f"{where}.sync_key"
        if number is None or (number == 0 and number is not False):
            return
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= MOST_RULES:
            yield Problem(place, "must be 1 for the first sync key, 2 for the next, and so on")
            return
        if constant:
            yield Problem(place, "a constant finds nobody: it cannot be a sync key")
        elif field is not None and not field.unique:
            yield Problem(place, f"{field.key} is not unique: it cannot be a sync key")
        elif field is not None and field.type not in _FINDING:
            yield Problem(place, f"{field.key} is of type {field.type}: it cannot be a sync key")
        if number in self._sync_keys:
            yield Problem(place, f"{number} is the sync key of {self._sync_keys[number]} already")
        else:
            self._sync_keys[number] = where


def _write(rule: dict[str, Any], where: str) -> Iterator[Problem]:
    write, number, place = rule.get("write"), rule.get("sync_key"), f"{where}.write"
    if write is None:
        return
    if not isinstance(write, str) or write not in _WRITES:
        yield Problem(place, f"must be one of {', '.join(_WRITES)}")
    elif write == "never" and not number:
        yield Problem(place, "never is for sync keys that only find: this rule would do nothing")
    elif write == "never" and number == 1:
        yield Problem(place, "the first sync key is written, or nobody would be found again")


def _convert(
    options: Any, field: PersonField | None, where: str, *, constant: bool
) -> Iterator[Problem]:
    if options is None or field is None:
        return
    place = f"{where}.convert"
    if constant:
        yield Problem(place, "a constant is not converted: write it as it should be")
        return
    for option, message in check_options(options):
        yield Problem(f"{place}.{option}".removesuffix("."), message)
