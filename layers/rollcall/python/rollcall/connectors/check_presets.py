"""Are these a manifest's presets? What one of their values means for another, told by its path.

A template that passes can fail for somebody's data only: it is compiled here as it is for a use,
and speaks of nothing but inputs and reads that there are.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from rollcall.connectors.manifest import Manifest
from rollcall.connectors.presets import ANSWER_NAMES, NAMES, USER, WHEN, Input, Preset, Rows
from rollcall.connectors.templated import (
    Compiler,
    Rejected,
    below,
    headers_of,
    is_template,
    used,
)

Problems = Iterator[tuple[str, str]]
"""(path, what is wrong there)."""
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "text": str,
    "id": (str, int),
    "number": (int, float),
    "boolean": bool,
}


def preset_problems(manifest: Manifest) -> Problems:
    """Everything wrong with the presets and the protected requests of a manifest."""
    yield from _twice("presets", [preset.key for preset in manifest.presets])
    for number, preset in enumerate(manifest.presets):
        yield from _preset(f"presets.{number}", preset, manifest)
    for number, rule in enumerate(manifest.protected):
        if rule.when:
            yield from _expression(f"protected.{number}.when", rule.when, WHEN)


def _preset(where: str, preset: Preset, manifest: Manifest) -> Problems:
    if preset.does == "create" and not preset.id:
        yield f"{where}.id", "is needed where a user is created: the answer's place of the id"
    if preset.lists and preset.does != "list":
        yield f"{where}.lists", "is only for a preset that lists"
    if preset.lists and manifest.groups is None:
        yield f"{where}.lists", "there are no groups to be listed"
    yield from _inputs(f"{where}.inputs", preset.inputs)
    yield from _reads(f"{where}.reads", preset)
    yield from _rejected(lambda: below(preset.path, "", f"{where}.path"))
    yield from _rejected(lambda: headers_of(preset.headers, f"{where}.headers"))
    compiler = Compiler(frozenset())
    yield from _rejected(lambda: compiler.url(preset.path, f"{where}.path"))
    for name, data in _trees(preset):
        yield from _rejected(lambda: compiler.tree(data, f"{where}.{name}"))  # noqa: B023 - at once
    for name, source, names in (
        ("needless", preset.needless, NAMES),
        ("expects", preset.expects, ANSWER_NAMES),
    ):
        if source:
            yield from _expression(f"{where}.{name}", source, names)
    yield from _rejected(lambda: compiler.tree(preset.looks_for, f"{where}.looks_for"))
    yield from _spoken(where, preset)
    for number, said in enumerate(preset.says):
        if not said.contains.strip():
            yield f"{where}.says.{number}.contains", "must not be empty: it would match anything"
    for number, rows in enumerate(preset.rows):
        yield from _rows(f"{where}.rows.{number}", rows, preset)


def _trees(preset: Preset) -> Iterator[tuple[str, Any]]:
    yield "headers", preset.headers
    yield "params", preset.params
    yield "body", preset.body


def _inputs(where: str, inputs: tuple[Input, ...]) -> Problems:
    yield from _twice(where, [one.key for one in inputs])
    for number, one in enumerate(inputs):
        place = f"{where}.{number}"
        if one.key == USER.key:
            yield f"{place}.key", f"{USER.key!r} is what every preset about one user has"
        if one.secret and one.type != "text":
            yield f"{place}.secret", "what is secret is a text"
        if one.secret and (one.default is not None or one.choices):
            yield f"{place}.secret", "has a default or choices, which everybody sees"
        if one.choices and one.type != "text":
            yield f"{place}.choices", f"are texts, and the input is of type {one.type}"
        yield from _twice(f"{place}.choices", list(one.choices))
        if one.default is not None and (fault := _default(one)):
            yield f"{place}.default", fault


def _default(one: Input) -> str | None:
    kind = _TYPES.get(one.type)
    fits = kind is None or isinstance(one.default, kind)
    if not fits or (isinstance(one.default, bool) and one.type in ("id", "number")):
        return f"is none of type {one.type}"
    if one.choices and one.default not in one.choices:
        return f"must be one of {', '.join(one.choices)}"
    return None


def _reads(where: str, preset: Preset) -> Problems:
    yield from _twice(where, [read.name for read in preset.reads])
    known: set[str | None] = set()
    secret = {one.key for one in preset.inputs if one.secret}
    for number, read in enumerate(preset.reads):
        place = f"{where}.{number}.path"
        yield from _rejected(lambda: below(read.path, "", place))  # noqa: B023 - at once
        yield from _rejected(lambda: Compiler(frozenset()).url(read.path, place))  # noqa: B023
        for name in sorted(map(str, used(read.path, "reads") - known)):
            yield place, f"there is no earlier read {name!r}"
        for name in sorted(map(str, used(read.path, "inputs") & secret)):
            yield place, f"must not hold the secret {name!r}: errors tell what was read"
        known.add(read.name)


def _spoken(where: str, preset: Preset) -> Problems:
    """Inputs and reads that are spoken of and are not there."""
    inputs = {one.key for one in preset.inputs}
    reads = {one.name for one in preset.reads}
    texts = {
        "path": preset.path,
        "needless": preset.needless,
        "expects": preset.expects,
        **{f"reads.{number}.path": one.path for number, one in enumerate(preset.reads)},
    }
    if preset.does == "create":
        texts["looks_for"] = preset.looks_for
    sources = chain(texts.items(), *(_texts(name, data) for name, data in _trees(preset)))
    for name, source in sources:
        for unknown in sorted(used(source, "inputs") - inputs - {None}, key=str):
            yield f"{where}.{name}", f"there is no input {unknown!r}"
        if not name.startswith("reads."):
            for unknown in sorted(used(source, "reads") - reads - {None}, key=str):
                yield f"{where}.{name}", f"there is no read {unknown!r}"


def _texts(place: str, data: Any) -> Iterator[tuple[str, str]]:
    """Every template in JSON, by its place."""
    if isinstance(data, str) and is_template(data):
        yield place, data
    if isinstance(data, Mapping):
        for key, inner in data.items():
            yield from _texts(f"{place}.{key}", inner)
    if isinstance(data, list | tuple):
        for number, inner in enumerate(data):
            yield from _texts(f"{place}.{number}", inner)


def _rows(where: str, rows: Rows, preset: Preset) -> Problems:
    if rows.read and rows.read not in {read.name for read in preset.reads}:
        yield f"{where}.read", f"there is no read {rows.read!r}"
    if not rows.columns and not rows.gathered:
        yield f"{where}.columns", "or gathered is needed: a row has no columns"
    yield from _twice(where, [*rows.columns, *rows.constants, *rows.gathered])


def _expression(where: str, source: str, names: frozenset[str]) -> Problems:
    """What is true or false is one expression, and no text around it."""
    if not (source.strip().startswith("{{") and source.strip().endswith("}}")):
        yield where, "must be one {{ expression }}"
        return
    yield from _rejected(lambda: Compiler(frozenset(), names).tree(source, where))


def _rejected(read: Callable[[], object]) -> Problems:
    try:
        read()
    except Rejected as rejected:
        yield rejected.fault.field, rejected.fault.message


def _twice(where: str, names: list[str]) -> Problems:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield where, f"{name!r} is there twice"
