"""The pages that a link to an approval leads to. Pure: plain data in, HTML out.

A page loads nothing and runs nothing: whatever stands in a message, an app's record or a comment is
shown as text, and the policy that comes with it lets a browser do nothing else.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from html import escape

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#1b1f24;background:#f4f5f7;margin:0;padding:2rem 1rem}
main{max-width:36rem;margin:auto;background:#fff;border:1px solid #d9dde3;border-radius:8px;
padding:1.5rem 2rem}
h1{font-size:1.25rem;margin:0 0 1rem}
.message{white-space:pre-wrap;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1.25rem 0}
dt{color:#5a6370}
dd{margin:0;overflow-wrap:anywhere}
label{display:block;margin-top:.5rem}
textarea{width:100%;box-sizing:border-box;font:inherit;padding:.5rem;margin:.25rem 0 .75rem}
form{border-top:1px solid #d9dde3;padding:1rem 0}
button{font:inherit;padding:.5rem 1.5rem;border-radius:6px;border:1px solid #1b1f24;cursor:pointer}
.approve{background:#1a7f37;border-color:#1a7f37;color:#fff}
.deny{background:#fff;border-color:#b42318;color:#b42318}
"""
_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
LONGEST_COMMENT = 2000


@dataclass(frozen=True, slots=True)
class Question:
    """What an approval asks: of which workflow, about whom, and until when (ISO 8601)."""

    workflow: str
    message: str
    about: Sequence[tuple[str, str]] = ()
    until: str | None = None


def question(asked: Question, link: str, *, denied: bool = False) -> str:
    """The page that asks. It is at `…/approvals/<link>`, and its forms post below that; `denied`:
    the one that denies comes first.
    """
    known = [*asked.about, *([("Until", when(asked.until))] if asked.until else [])]
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in known)
    both = [_form(link, "approve", "Approve"), _form(link, "deny", "Deny")]
    forms = "".join(reversed(both) if denied else both)
    return _page(
        f"{asked.workflow} asks for a decision",
        f'<p class="message">{escape(asked.message)}</p><dl>{facts}</dl>{forms}',
    )


def notice(title: str, text: str) -> str:
    """A page that says one thing."""
    return _page(title, f'<p class="message">{escape(text)}</p>')


def when(moment: str) -> str:
    """A moment as people read it, in UTC."""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%d %B %Y, %H:%M} UTC"


def _form(link: str, decision: str, name: str) -> str:
    action = escape(f"{link}/{decision}")
    return (
        f'<form method="post" action="{action}">'
        f'<label for="{decision}">Comment</label>'
        f'<textarea id="{decision}" name="comment" rows="2" maxlength="{LONGEST_COMMENT}">'
        f'</textarea><button class="{decision}">{name}</button></form>'
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex, nofollow">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
