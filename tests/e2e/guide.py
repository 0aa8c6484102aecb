"""The requests of the guide's pages: read out of the text, sent, and their answers compared.

A request is a fenced block of kind `http`: method and path, headers where there are any, an empty
line and the JSON body where there is one, and last `# 201`, the status. `# 201 field_key = key`
keeps that part of the answer for `{field_key}` in later requests of the page; `# 202 wait` waits
until the run is over. A block of kind `json` right after it, or after a line that ends with a
colon, shows the answer: what is shown must be there and be of the shown kind.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BLOCKS = re.compile(r"^```(http|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = re.compile(r"# (\d{3})(?: (wait)| ([a-z_]+) = ([a-z_.0-9]+))?")


@dataclass(frozen=True)
class Request:
    """One request of a page: its line there, what is sent, and what must come back."""

    line: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: str | None
    status: int
    wait: bool
    keep: str | None
    kept_from: str
    answer: Any


def requests(page: Path) -> Iterator[Request]:
    """The page's requests in order. Raises ValueError for a block that is none."""
    text = page.read_text(encoding="utf-8")
    blocks = list(_BLOCKS.finditer(text))
    for number, block in enumerate(blocks):
        if block[1] != "http":
            continue
        line = text[: block.start()].count("\n") + 2
        follower = blocks[number + 1] if number + 1 < len(blocks) else None
        shown = None
        if follower is not None and follower[1] == "json":
            between = text[block.end() : follower.start()].strip()
            if not between or (between.endswith(":") and "\n" not in between):
                shown = json.loads(follower[2])
        yield _request(block[2], line, shown, page.name)


def _request(block: str, line: int, answer: Any, page: str) -> Request:
    *sent, last = block.strip().splitlines()
    end = _END.fullmatch(last.strip())
    if end is None:
        raise ValueError(f"{page}:{line}: the block must end with a line like '# 201'")
    head, _, body = "\n".join(sent).partition("\n\n")
    first, *lines = head.splitlines()
    method, _, path = first.partition(" ")
    headers = dict(one.split(": ", 1) for one in lines)
    return Request(
        line,
        method,
        path,
        headers,
        body.strip() or None,
        int(end[1]),
        bool(end[2]),
        end[3],
        end[4] or "",
        answer,
    )


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with `{name}` replaced where the name is known, and the samples' addresses."""
    for name, value in values.items():
        text = text.replace(name if "://" in name or name.isupper() else f"{{{name}}}", value)
    return text


def part(answer: Any, path: str) -> str:
    """The value at `items.0.id` of an answer, as text."""
    for key in path.split("."):
        answer = answer[int(key)] if isinstance(answer, list) else answer[key]
    return str(answer)


def differences(shown: Any, answer: Any, path: str = "") -> Iterator[str]:
    """What the page shows of an answer and the answer has not, or has of another kind."""
    if isinstance(shown, dict):
        if not isinstance(answer, dict):
            yield f"{path or 'the answer'} is no object"
            return
        for key, inner in shown.items():
            if key not in answer:
                yield f"{path}.{key} is not there"
            else:
                yield from differences(inner, answer[key], f"{path}.{key}")
    elif isinstance(shown, list):
        if not isinstance(answer, list):
            yield f"{path} is no list"
        elif shown and not answer:
            yield f"{path} is empty"
        elif shown:
            yield from differences(shown[0], answer[0], f"{path}.0")
    elif shown is not None and type(shown) is not type(answer):
        yield f"{path} is {answer!r}, the page shows {shown!r}"
