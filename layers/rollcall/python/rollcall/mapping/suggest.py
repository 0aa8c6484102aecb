"""Smart mapping: which source is probably meant for which field of a person. Pure.

Names tell most (the same, a synonym, the same but for case and separators), then the sample: what
looks like an email raises `email` and lowers the rest. The connector's own fields are preferred to
raw paths. What is only guessed is not proposed: two equally likely sources for a unique field are
no suggestion at all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rollcall.connectors import paths
from rollcall.connectors.manifest import Manifest
from rollcall.fields.model import PersonField
from rollcall.mapping import comparing
from rollcall.mapping.synonyms import OTHERS, STRONG, WEAK

LEAST = 0.5
"""The confidence below which nothing is proposed."""
MOST_PATHS = 1000
"""Of the schema that are looked at."""
_EXACT, _ALIKE, _STRONG, _WEAK = 1.0, 0.95, 0.9, 0.7
_BY_SAMPLE = 0.6
_DEEPER = 0.95
_RAW = 0.97

Kind = Literal["email", "phone", "moment", "truth", "number", "text", "list", "object", "unknown"]

_UNLIKELY = 0.3
_KINDS: Mapping[str, Kind] = {"number": "number", "boolean": "truth", "datetime": "moment"}
"""What a sample is for a custom field of this type."""
_WEIGHTS: Mapping[str, Mapping[Kind, float]] = {
    "email": {"email": 1.1},
    "username": {"text": 1, "email": 1, "number": 1, "phone": 1},
    "phone": {"phone": 1.05, "text": 0.6, "number": 0.6},
    "status": {"text": 1, "truth": 0.9},
    "manager": {"text": 1, "email": 1},
    "employee_id": {"text": 1, "number": 1, "phone": 1},
}
"""What samples of the standard fields are, where it is not only text."""
_SAID: Mapping[Kind, str] = {
    "email": "the sample looks like an email address",
    "phone": "the sample looks like a phone number",
    "moment": "the sample is a date",
    "truth": "the sample is a yes or a no",
}

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_SHORTEST_PHONE = 7
_PHONE = re.compile(r"\+?[\d\s()./-]{6,25}", re.ASCII)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_GENERIC = frozenset({"value", "address", "number", "text"})
"""Names that say nothing beside the list they are in: `emails[0].value`."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule that may be meant. `confidence` is 0 to 1; `sample` is a value that was seen."""

    target: str
    source: str
    confidence: float
    reason: str
    sample: Any


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A source. `name` is without case and separators; `inside`: the words of what it lies in."""

    source: str
    name: str
    inside: tuple[str, ...]
    kind: Kind
    sample: Any
    listed: bool
    is_id: bool = False


def suggestions(
    schema: Sequence[Mapping[str, Any]], manifest: Manifest, fields: Mapping[str, PersonField]
) -> list[Suggestion]:
    """At most one suggestion for each field, in the fields' order.

    `schema` is `integrations.sample.schema`'s. The same input gives the same answer.
    """
    candidates = [*_listed(schema, manifest), *_raw(schema, manifest)]
    best = (_best(field, candidates, manifest) for field in fields.values())
    return [suggestion for suggestion in best if suggestion is not None]


def _best(
    field: PersonField, candidates: Sequence[_Candidate], manifest: Manifest
) -> Suggestion | None:
    scored = [
        (round(score, 2), candidate, reason)
        for candidate in candidates
        for score, reason in [_score(field, candidate, manifest)]
        if score >= LEAST
    ]
    if not scored:
        return None
    best, candidate, reason = max(scored, key=lambda one: one[0])  # the first of equals
    equals = sum(score == best for score, _, _ in scored)
    if field.unique and equals > 1:
        return None
    return Suggestion(field.key, candidate.source, min(1.0, best), reason, candidate.sample)


def _score(field: PersonField, candidate: _Candidate, manifest: Manifest) -> tuple[float, str]:
    """How likely this source is meant for this field (above 1: as certain as can be), and why."""
    if not candidate.is_id and _of_others(field, candidate):
        return 0, ""
    score, reason = _name_score(field, candidate, manifest)
    if score == 0 and field.key == "email" and candidate.kind == "email":
        score = 0 if OTHERS.intersection(_words(candidate.source)) else _BY_SAMPLE
    weight, seen = _sample_weight(field, candidate)
    score *= weight * _DEEPER ** len(candidate.inside) * (1 if candidate.listed else _RAW)
    return score, "; ".join(said for said in (reason, seen) if said)


def _name_score(field: PersonField, candidate: _Candidate, manifest: Manifest) -> tuple[float, str]:
    name, wanted = candidate.name, _squashed(field.key)
    names = {name, "".join((*candidate.inside, name))}
    app = "" if field.standard else _squashed(manifest.key)
    known = field.key if field.standard else ""
    ways = (
        (candidate.source == field.key, _EXACT, "the same name"),
        (app and candidate.is_id and wanted in (f"{app}userid", f"{app}id"),
         _ALIKE, f"the user's id in {manifest.name}"),
        (names & {wanted, _squashed(field.name)}, _ALIKE, "the same name, written differently"),
        (app and wanted == app + name, _STRONG, f"the same name, after {manifest.name}"),
        (names & STRONG.get(known, frozenset()), _STRONG, "another name for it"),
        (names & WEAK.get(known, frozenset()), _WEAK, "perhaps another name for it"),
    )  # fmt: skip
    return next(((score, reason) for holds, score, reason in ways if holds), (0, ""))


def _of_others(field: PersonField, candidate: _Candidate) -> bool:
    """It lies in what tells of somebody or something else than the user."""
    others = OTHERS.intersection(candidate.inside)
    return bool(others) and not others & set(_words(field.key))


def _sample_weight(field: PersonField, candidate: _Candidate) -> tuple[float, str]:
    """How much more or less likely the sample makes it, and what is said of it."""
    kind = candidate.kind
    if kind == "unknown" or field.type == "json":
        return 1, ""
    if field.type in _KINDS:
        return (1, _SAID.get(kind, "")) if kind == _KINDS[field.type] else (_UNLIKELY, "")
    if kind in ("list", "object"):
        return 0, ""
    if not field.standard:
        return 1, ""
    if field.key == "role":
        return 0.8, "its values must be roles of this deployment"
    weight = _WEIGHTS.get(field.key, {"text": 1}).get(kind, _UNLIKELY)
    return weight, _SAID.get(kind, "") if weight != _UNLIKELY else ""


def _listed(schema: Sequence[Mapping[str, Any]], manifest: Manifest) -> Iterator[_Candidate]:
    """The connector's own fields, and the name its accounts show."""
    samples = {entry["path"]: entry["sample"] for entry in schema}
    for field in manifest.fields:
        options = [option.strip() for option in field.path.split(" | ")]
        sample = next((samples[one] for one in options if samples.get(one) is not None), None)
        kind = _kind(sample)
        if field.type != "text":
            kind = "truth" if field.type == "boolean" else "moment"
        is_id = field.path == manifest.users.id
        yield _Candidate(field.key, _squashed(field.key), (), kind, sample, True, is_id)
    columns = manifest.users.columns.display_name
    named = any(_squashed(one.key) in ("displayname", "name") for one in manifest.fields)
    if columns and not named:
        parts = [samples.get(path) for path in columns]
        shown = " ".join(part for part in parts if isinstance(part, str) and part.strip()) or None
        yield _Candidate("display_name", "displayname", (), _kind(shown), shown, True)


def _raw(schema: Sequence[Mapping[str, Any]], manifest: Manifest) -> Iterator[_Candidate]:
    """The paths of the record that the connector's fields do not read."""
    read = {option for field in manifest.fields for option in _options(field.path)}
    for entry in schema[:MOST_PATHS]:
        path, sample = entry["path"], entry["sample"]
        options = _options(path)
        if len(options) != 1 or options[0] in read:
            continue
        keys = [step for step in options[0] if isinstance(step, str)]
        if not keys:
            continue
        *outer, last = keys
        if outer and last.lower() in _GENERIC and len(options[0]) > len(keys):
            last = outer.pop().removesuffix("s")
        elif not outer and isinstance(options[0][-1], int):
            last = last.removesuffix("s")
        inside = tuple(word for key in outer for word in _words(key))
        is_id = path == manifest.users.id
        yield _Candidate(path, _squashed(last), inside, _kind(sample), sample, False, is_id)


def _options(path: str) -> tuple[paths.Steps, ...]:
    parsed = paths.parse(path)
    return () if isinstance(parsed, paths.BadPath) else parsed


def _kind(sample: Any) -> Kind:
    match sample:
        case None:
            return "unknown"
        case bool():
            return "truth"
        case int() | float():
            return "number"
        case str():
            return _text_kind(sample.strip())
        case _:
            return "list" if isinstance(sample, list) else "object"


def _text_kind(text: str) -> Kind:
    if not text:
        return "unknown"
    if _EMAIL.fullmatch(text):
        return "email"
    if text.lower() in ("true", "false"):
        return "truth"
    if text.isdecimal():
        return "phone" if len(text) >= _SHORTEST_PHONE else "number"
    if comparing.moment(text) is not None or text.startswith("0000-00-00"):
        return "moment"
    return "phone" if _PHONE.fullmatch(text) else "text"


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)]


def _squashed(name: str) -> str:
    """A name without case and separators."""
    return re.sub(r"[\W_]+", "", name).lower()
