"""What an app's answer to a preset means, and what of it the caller wants. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rollcall.actions.request import ANSWER_NAMES, Fault, Request, Tree
from rollcall.actions.store import Action
from rollcall.connectors import paths
from rollcall.connectors.answers import Failure
from rollcall.connectors.complete import top_keys
from rollcall.connectors.presets import Preset, Rows, Said
from rollcall.mapping.templates import Failed, Refused, Template, compile_template

Context = Mapping[str, Any]
_MOST_COMPLAINTS = 50
_LONGEST = 500
"""Characters of a complaint of an app's: it goes into a table, an event and an answer."""
Outcome = str
"""`done`, or what was found instead: `already-so`, `already-gone`, `adopted`; `differs` where a
user was made in another way than was asked.
"""


def holds(source: str, context: Context) -> bool:
    """Is the preset's template true of these data? An empty one is not."""
    return bool(source) and template(source).value(context) is True


def text_of(source: str, context: Context) -> str:
    """The text that the preset's template makes; empty where it makes none."""
    made = template(source).render(context)
    return "" if isinstance(made, Failed) else made.strip()


def template(source: str) -> Template:
    """A preset's template. Raises TypeError for one that `check` would have refused."""
    compiled = compile_template(source, ANSWER_NAMES)
    if isinstance(compiled, Refused):
        raise TypeError(f"{source}: {compiled.message}")
    return compiled


def already(preset: Preset, failure: Failure) -> Outcome | None:
    """What an error says was so before; None: it is an error."""
    said = next((one for one in preset.says if _says(one, failure)), None)
    return said.means if said is not None else None


def _says(said: Said, failure: Failure) -> bool:
    return failure.status in said.status and said.contains in failure.detail


def lacking(preset: Preset, body: Any) -> bool:
    """Is it no answer at all to a preset that reads? What is wanted may be null, not missing."""
    keys = top_keys(preset.response) if preset.does == "read" and preset.response else set()
    return bool(keys) and not (isinstance(body, Mapping) and keys & body.keys())


def wanted(preset: Preset, context: Context, mapping: Tree | None) -> Any:
    """What the caller wants of `context["response"]`; a Fault where the mapping fails.

    `mapping` is the caller's own, and takes the place of the preset's.
    """
    if mapping is not None:
        return mapping.value(context)
    if preset.rows:
        return [row for rows in preset.rows for row in _rows(rows, context)]
    if preset.response:
        return paths.read(context.get("response"), preset.response)
    return context.get("response")


def _rows(rows: Rows, context: Context) -> list[dict[str, Any]]:
    whole = context["reads"].get(rows.read) if rows.read else context["response"]
    found = paths.read(whole, rows.each) if rows.each else whole
    objects = found if isinstance(found, list) else [found]
    return [_row(rows, one) for one in objects if isinstance(one, Mapping)]


def _row(rows: Rows, one: Mapping[str, Any]) -> dict[str, Any]:
    columns = {name: paths.read(one, path) for name, path in rows.columns.items()}
    gathered = {
        name: {key: value for key, value in one.items() if key.startswith(letters)}
        for name, letters in rows.gathered.items()
    }
    return {**rows.constants, **columns, **gathered}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended: well, with an `outcome` and what the caller wants, or with an error.

    `touched`: the app may have changed something. `request` is what was sent, as it may be shown.
    """

    outcome: Outcome = "done"
    response: Any = None
    error: Mapping[str, Any] | None = None
    external_id: str | None = None
    touched: bool = False
    request: Request | None = None


def error_of(failure: Failure, fields: Mapping[str, str]) -> Mapping[str, Any]:
    """The app's failure as an action keeps it; its complaints by the names of our inputs."""
    told: dict[str, Any] = {"code": failure.code, "detail": failure.detail}
    if failure.wait_seconds is not None:
        told["wait_seconds"] = failure.wait_seconds
    said = [(name, message[:_LONGEST]) for name, message in failure.fields[:_MOST_COMPLAINTS]]
    placed = [[_placed(name, message, fields)[:_LONGEST], message] for name, message in said]
    if errors := [[name, message] for name, message in placed if name]:
        told["errors"] = errors
    return told


def _placed(name: str, message: str, fields: Mapping[str, str]) -> str:
    """Which of our inputs the app means, by the field it names or by how its sentence begins:
    "First name can't be blank" is said of `first_name`. Empty where neither tells.
    """
    if name:
        return fields.get(name, name)
    said = message.casefold()
    for key in sorted(fields, key=len, reverse=True):
        words = key.removesuffix("_id").replace("_", " ").casefold()
        if said.startswith((f"{words} ", f"{key.casefold()} ")):
            return fields[key]
    return ""


def fault_error(fault: Fault) -> Mapping[str, Any]:
    """What is wrong with what was asked, as an action keeps it."""
    return {
        "code": "invalid-input",
        "detail": f"{fault.field}: {fault.message}",
        "errors": [[fault.field, fault.message]],
    }


def failed(action: Action, code: str, detail: str) -> Action:
    """The action, failed for a reason of our own."""
    return replace(action, status="failed", error={"code": code, "detail": detail})
