"""Links that decide an approval: signed, so that nobody can make one, and good for a time.

A link says which step it is for and until when; an HMAC with SHA-256 (RFC 2104) over that, under a
key that only the functions know, is its signature. It is a secret: whoever has it can decide.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

Refused = Literal["forged", "expired"]


@dataclass(frozen=True, slots=True)
class Link:
    """Which step a link decides, and until when (ISO 8601)."""

    execution_id: str
    at: str
    block: str
    until: str


def made(key: bytes, link: Link) -> str:
    """The link's text: letters, digits, `-`, `_` and a dot, so it can stand in a path."""
    said = json.dumps(asdict(link), sort_keys=True, separators=(",", ":")).encode()
    return f"{_text(said)}.{_text(_signature(key, said))}"


def read(key: bytes, text: str, now: datetime) -> Link | Refused:
    """What a link says, if it was made with this key and is good yet."""
    said, _, signature = text.partition(".")
    try:
        content = _bytes(said)
        told = _bytes(signature)
    except (ValueError, binascii.Error):
        return "forged"
    # The text is compared too: base64 has several texts for the same bytes.
    same = hmac.compare_digest(_signature(key, content), told)
    if not same or not text.isascii() or f"{_text(content)}.{_text(told)}" != text:
        return "forged"
    link = Link(**json.loads(content))
    return link if now < datetime.fromisoformat(link.until) else "expired"


def _signature(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, said, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
