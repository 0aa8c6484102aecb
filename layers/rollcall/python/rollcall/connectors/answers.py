"""What an app's answer means. Nothing here raises: an app that fails is an expected outcome.

Answer              it said what was asked, in JSON
Failure             it did not; `code` says whose fault, `detail` says it in a sentence
"""

import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from rollcall.connectors.manifest import Error

Code = Literal[
    "vendor-unauthorized",  # the credential is refused
    "vendor-forbidden",  # the credential is good, and may not do this
    "vendor-not-found",
    "vendor-rejected",  # the input is at fault; the detail has the app's own words
    "vendor-throttled",
    "vendor-broken",  # 5xx, a dropped connection, or an answer that makes no sense
    "vendor-silent",  # no answer in time
    "address-refused",  # the address is none that this deployment may call
]
PASSING: frozenset[Code] = frozenset({"vendor-throttled", "vendor-broken", "vendor-silent"})
"""What may be different in a minute."""

MAX_WAIT = 900
"""Seconds: an app that asks for more is asked again after this."""

_DETAIL = 300
_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
"""Where half a UTF-16 pair may be: some apps cut text between the two."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful call: the decoded JSON, None where the body was empty."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that did not succeed. `wait_seconds` is set where the app said when to come back.

    `status` is the app's, None where it gave none. `fields` are (field, message), the app's own,
    where it finds fault with the input; the field is empty where only the sentence says which.
    """

    code: Code
    detail: str
    wait_seconds: int | None = None
    status: int | None = None
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def passing(self) -> bool:
        """Worth another try later."""
        return self.code in PASSING


def judge(
    status: int, headers: Mapping[str, str], body: bytes, errors: tuple[Error, ...] = ()
) -> Answer | Failure:
    """What an HTTP answer means; `errors` are the manifest's exceptions to the statuses."""
    if 300 <= status < 400:
        return Failure("vendor-broken", f"the app redirects ({status}), which is not followed")
    if 200 <= status < 300:
        return _decoded(status, body)
    said = _said(body)
    for error in errors:
        if status in error.status and error.contains in said:
            return _failure(f"vendor-{error.means}", status, headers, said)
    failure = _failure(_code(status, headers), status, headers, said)
    if failure.code != "vendor-rejected":
        return failure
    return replace(failure, fields=tuple(dict.fromkeys(_fields(body))))


def _decoded(status: int, body: bytes) -> Answer | Failure:
    if not body.strip():
        return Answer(status, None)
    try:
        return Answer(status, _json(body))
    except ValueError:
        return Failure("vendor-broken", f"the app's answer of {len(body)} bytes is not whole JSON")


def _json(body: bytes) -> Any:
    """Decoded JSON whose text can be stored: half a pair is a question mark. Raises ValueError."""
    try:
        data = json.loads(body)
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error
    if _HALF.search(body):
        data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    return data


def _code(status: int, headers: Mapping[str, str]) -> str:
    if status == 503 and _announced_wait(headers) is not None:
        return "vendor-throttled"
    return {
        401: "vendor-unauthorized",
        403: "vendor-forbidden",
        404: "vendor-not-found",
        408: "vendor-broken",
        429: "vendor-throttled",
    }.get(status, "vendor-rejected" if 400 <= status < 500 else "vendor-broken")


def _failure(code: Any, status: int, headers: Mapping[str, str], said: str) -> Failure:
    wait = _announced_wait(headers) if code == "vendor-throttled" else None
    detail = f"{status}: {said}" if said else f"{status} with an empty body"
    return Failure(code, detail, wait, status)


def _fields(body: bytes) -> Iterator[tuple[str, str]]:
    """What the app finds fault with, and where: ActiveCampaign's `errors[].source.pointer`, and
    `errors` by field, as a sentence or several. The field is empty where only the sentence tells.
    """
    try:
        data = _json(body)
    except ValueError:
        return
    if not isinstance(data, Mapping):
        return
    errors = data.get("errors")
    if isinstance(errors, list):
        for error in errors:
            source = error.get("source") if isinstance(error, Mapping) else None
            pointer = source.get("pointer") if isinstance(source, Mapping) else None
            field = pointer.rpartition("/")[2] if isinstance(pointer, str) else ""
            yield field, "; ".join(_sentences([error])) or "is refused"
    elif isinstance(errors, Mapping):
        for name, inner in errors.items():
            field = "" if name in ("message", "title", "detail") else name
            yield from ((field, sentence) for sentence in _sentences(inner))
    else:
        told = (errors, data.get("error"), data.get("message"))
        yield from (("", sentence) for sentence in told if isinstance(sentence, str) and sentence)


def _announced_wait(headers: Mapping[str, str]) -> int | None:
    """Whole seconds, 1 to MAX_WAIT, from `Retry-After` (seconds or a date), Aha!'s `retry_after`,
    or `X-Ratelimit-Reset` (Unix seconds).
    """
    for name in ("retry-after", "retry_after"):
        value = headers.get(name, "").strip()
        if value.isdecimal():
            return _bounded(float(value))
        if value:
            try:
                return _bounded(parsedate_to_datetime(value).timestamp() - time.time())
            except ValueError:
                continue
    reset = headers.get("x-ratelimit-reset", "").strip()
    return _bounded(float(reset) - time.time()) if reset.isdecimal() else None


def _bounded(seconds: float) -> int:
    return math.ceil(max(1, min(MAX_WAIT, seconds)))


def _said(body: bytes) -> str:
    """The app's own words: `message`, `error`, and `errors` as a list or a mapping of anything."""
    try:
        data = _json(body)
    except ValueError:
        words = body.decode("utf-8", "replace")
        return "a page, not JSON" if "<html" in words.lower() else words.strip()[:_DETAIL]
    if not isinstance(data, Mapping):
        return str(data)[:_DETAIL]
    parts = [data[name] for name in ("error", "message") if isinstance(data.get(name), str)]
    parts += _sentences(data.get("errors"))
    return "; ".join(dict.fromkeys(part for part in parts if part))[:_DETAIL]


def _sentences(errors: Any) -> list[str]:
    if isinstance(errors, str):
        return [errors]
    if isinstance(errors, list):
        return [sentence for error in errors for sentence in _sentences(error)]
    if not isinstance(errors, Mapping):
        return []
    known = [errors.get(name) for name in ("title", "detail", "message")]
    sentences = [text for text in known if isinstance(text, str) and text]
    if sentences:
        return [": ".join(sentences)]
    return [
        f"{name} {sentence}" for name, inner in errors.items() for sentence in _sentences(inner)
    ]
