"""How a request is signed. The secret is in here and in the request, and nowhere else."""

import json
import re
from base64 import b64encode
from collections.abc import Generator, Mapping
from typing import Protocol
from urllib.parse import quote, quote_plus

import httpx

from rollcall.connectors.answers import Failure


class Unsigned(Exception):  # noqa: N818 - the app was not called, and `failure` says why
    """Raised while a request is being signed; `Client.call` answers with its `failure`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


class Renewable(httpx.Auth):
    """A signature that can go out of date while it is used."""

    def renew(self, refused: httpx.Request, status: int) -> bool:
        """Is there another signature to try, now that the app answered `status` (401 or 403)?

        Status 0: the request could not even be signed.
        """
        raise NotImplementedError


_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
CONNECTION = frozenset(
    {
        "host", "content-length", "content-type", "transfer-encoding", "connection", "te",
        "trailer", "upgrade", "expect", "accept-encoding", "keep-alive",
    }
)  # fmt: skip
"""Headers that are of the connection, and that the client sets itself."""


def unfit_header(name: str) -> str | None:
    """Why no key can be sent in a header of that name, or None."""
    if not _HEADER.fullmatch(name):
        return "is no name of a header"
    if name.lower() in CONNECTION or name.lower().startswith("proxy-"):
        return f"{name} is a header that Rollcall sets itself"
    return None


class Signer(httpx.Auth):
    """Adds one header or one query parameter to each request. Its repr tells nothing."""

    def __init__(self, name: str, value: str, add_to: str) -> None:
        self._name = name
        self._value = value
        self._add_to = add_to

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request in place (httpx calls this), whatever it held under that name."""
        if self._add_to == "query":
            request.url = request.url.copy_merge_params({self._name: self._value})
        else:
            request.headers[self._name] = self._value
        yield request


class Signing(Protocol):
    """The part of a credential that may be shown; the last two are an API key's."""

    @property
    def type(self) -> str:
        """api_key, bearer or basic."""

    @property
    def param_name(self) -> str | None:
        """The header or the query parameter of an API key."""

    @property
    def add_to(self) -> str | None:
        """Where an API key goes: header or query."""


def signer(credential: Signing, secret: Mapping[str, str]) -> httpx.Auth:
    """The signer for a credential that signs by itself; raises ValueError for any other type.

    `secret` is what Secrets Manager holds: `value`, or `username` and `password`.
    """
    match credential.type:
        case "api_key" if credential.param_name and credential.add_to:
            return Signer(credential.param_name, secret["value"], credential.add_to)
        case "bearer":
            return Signer("Authorization", f"Bearer {secret['value']}", "header")
        case "basic":
            return httpx.BasicAuth(secret["username"], secret["password"])
        case unknown:
            raise ValueError(f"no way to sign with a credential of type {unknown!r}")


def traces(secret: Mapping[str, str], client_id: str | None = None) -> list[str]:
    """Every form in which an app could say a secret back: as it is, in a URL, in JSON, in a header.

    `client_id` is the one that a client secret is sent with.
    """
    values = [secret[name] for name in ("value", "password", "client_secret") if name in secret]
    pairs = []
    if "password" in secret:
        pairs.append(f"{secret.get('username', '')}:{secret['password']}")
    if client_id is not None and "client_secret" in secret:
        pairs.append(f"{quote_plus(client_id)}:{quote_plus(secret['client_secret'])}")
    encoded = [b64encode(pair.encode()).decode() for pair in pairs]
    forms = [form for value in [*values, *encoded] for form in _forms(value)]
    return [form for form in dict.fromkeys(forms) if form]


def _forms(value: str) -> list[str]:
    in_json = json.dumps(value)[1:-1]
    return [
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        in_json,
        in_json.replace("/", "\\/"),
        # So do encoders that fear for HTML write these; .NET's does, a plus included.
        re.sub(r"[+&<>'\"`]", lambda found: f"\\u{ord(found[0]):04x}", value),
        re.sub(r"[+&<>'\"`]", lambda found: f"\\u{ord(found[0]):04X}", value),
    ]
