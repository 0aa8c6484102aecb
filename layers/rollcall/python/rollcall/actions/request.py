"""From a preset and what is overridden of it to the exact request. Pure.

Compiling refuses what no data could mend, with its place; rendering says which input is at fault
for these data. Beside the request stands what may be shown of it: where a template speaks of a
secret, there is `(secret)`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rollcall.connectors.presets import ANSWER_NAMES, NAMES, Preset
from rollcall.connectors.templated import (
    Compiler,
    Fault,
    Rejected,
    Tree,
    below,
    compiled_tree,
    headers_of,
    mapping_of,
    rendered_path,
)
from rollcall.mapping import values
from rollcall.mapping.storing import unstorable
from rollcall.sync.masking import MASK, hidden, without_named

__all__ = [
    "ANSWER_NAMES", "NAMES", "Fault", "Plan", "Rendered", "Request", "Tree", "compiled",
    "compiled_tree", "rendered_path", "reshaped", "response_mapping",
]  # fmt: skip

LARGEST = 100_000
"""Bytes of a body, and of everything that is overridden, as it is written, with its templates."""
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the app; `url` is below the API's path, with its query in `params`."""

    method: str
    url: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Rendered:
    """A request, what may be shown of it, and the texts that may not."""

    request: Request
    shown: Request
    secrets: tuple[str, ...] = ()


class Plan:
    """A preset, with what is overridden of it, ready to be rendered for many users."""

    def __init__(self, preset: Preset, overrides: Mapping[str, Any], origin: str) -> None:
        """Use `compiled`. Raises Rejected."""
        secrets = frozenset(one.key for one in preset.inputs if one.secret)
        compiler = Compiler(secrets)

        def part(name: str, own: Any) -> tuple[Any, str]:
            return (overrides[name], f"overrides.{name}") if name in overrides else (own, name)

        self.method = _method(*part("method", preset.method))
        url, place = part("url", preset.path)
        self._url = compiler.url(below(url, origin, place), place)
        headers, place = part("headers", preset.headers)
        self._headers = compiler.tree(headers_of(headers, place), place)
        params, place = part("params", preset.params)
        self._params = compiler.tree(mapping_of(params, place), place)
        body, place = part("body", preset.body)
        if len(json.dumps(body)) > LARGEST:
            raise Rejected(place, f"has more than {LARGEST} bytes")
        self._body = compiler.tree(body, place)
        self.fields = compiler.fields
        self._hides_headers = "headers" in overrides

    def render(self, context: Mapping[str, Any]) -> Rendered | Fault:
        """The request for these data: one value for each of NAMES."""
        try:
            url, shown_url = self._url(context)
            headers, shown_headers = self._headers(context)
            params, shown_params = self._params(context)
            body, shown_body = self._body(context)
        except Rejected as rejected:
            return rejected.fault
        if self._hides_headers:
            # What somebody wrote by hand into a header may be a key.
            shown_headers = dict.fromkeys(shown_headers, MASK)
        request = Request(self.method, url, _texts(headers), _texts(params), body)
        shown_params = without_named(_texts(shown_params))
        shown = Request(
            self.method, shown_url, _texts(shown_headers), shown_params, without_named(shown_body)
        )
        parts = ("headers", "params", "body")
        secrets = (hidden(getattr(request, part), getattr(shown, part)) for part in parts)
        return Rendered(request, shown, tuple(text for found in secrets for text in found))


def compiled(preset: Preset, overrides: Mapping[str, Any], origin: str) -> Plan | Fault:
    """The preset with these parts in place of its own: method, url, headers, params, body.

    A `url` is a path below the API's, or an address at `origin`, where the credential belongs. What
    is overridden is kept with the action, so it must be what a table can hold.
    """
    try:
        plan = Plan(preset, overrides, origin)
    except Rejected as rejected:
        return rejected.fault
    fault = unstorable(overrides, "json")
    if fault is None and len(json.dumps(overrides)) > LARGEST:
        fault = f"has more than {LARGEST} bytes"
    return plan if fault is None else Fault("overrides", fault)


def reshaped(preset: Preset, overrides: Mapping[str, Any]) -> Preset:
    """The preset without what is true of its own request alone, where another one is made."""
    parts = {"method", "url", "headers", "params", "body"} & overrides.keys()
    if not parts:
        return preset
    preset = replace(preset, lists="")
    if preset.does == "delete" and parts & {"method", "url"}:
        preset = replace(preset, does="update")  # whether the user is gone, the app must tell
    return preset if parts == {"headers"} else replace(preset, needless="", expects="", says=())


def response_mapping(overrides: Mapping[str, Any]) -> Tree | Fault | None:
    """The caller's own mapping of the response, compiled; None where there is none."""
    if "response" not in overrides:
        return None
    return compiled_tree(overrides["response"], "overrides.response")


def _method(value: Any, place: str) -> str:
    if value not in _METHODS:
        raise Rejected(place, f"must be one of {', '.join(sorted(_METHODS))}")
    return str(value)


def _texts(made: Mapping[str, Any]) -> dict[str, str]:
    return {name: values.text(value) for name, value in made.items()}
