"""How a request is signed. The secret is in here and in the request, and nowhere else."""

from collections.abc import Generator, Mapping
from typing import Protocol

import httpx


class Signer(httpx.Auth):
    """Adds one header or one query parameter to each request. Its repr tells nothing."""

    def __init__(self, name: str, value: str, add_to: str) -> None:
        self._name = name
        self._value = value
        self._add_to = add_to

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request in place (httpx calls this)."""
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
    """The signer for a credential; raises ValueError for a type that this version cannot sign.

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
