"""Tokens are asked for as RFC 6749 has it, kept while they live, and never told."""

import base64
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from rollcall.connectors.answers import Failure
from rollcall.connectors.signing import Unsigned
from rollcall.connectors.tokens import LONGEST, UNSAID, Grant, Token, Tokens, TokenSigner, granted

SECRET = "s3cr3t/&+key"
GRANT = Grant(("credential", "now"), "https://login.example/token", "me:1", SECRET)
GOOD = {"access_token": "abc", "token_type": "bearer", "expires_in": 3600}


@dataclass
class Endpoint:
    """Answers what it is told to, and remembers what it was asked."""

    body: Any = field(default_factory=lambda: GOOD)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    forms: list[Mapping[str, str]] = field(default_factory=list)
    signed: list[str | None] = field(default_factory=list)

    def post(
        self, url: str, form: Mapping[str, str], auth: httpx.Auth | None
    ) -> tuple[int, httpx.Headers, bytes] | Failure:
        request = httpx.Request("POST", url)
        if auth is not None:
            request = next(auth.sync_auth_flow(request))
        self.forms.append(form)
        self.signed.append(request.headers.get("Authorization"))
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return self.failure or (self.status, httpx.Headers(self.headers), body)


def test_the_client_goes_into_the_header_encoded() -> None:
    endpoint = Endpoint()
    assert isinstance(granted(replace(GRANT, scope="a b", audience="api"), endpoint.post), Token)
    assert endpoint.forms == [
        {"grant_type": "client_credentials", "scope": "a b", "audience": "api"}
    ]
    client = base64.b64encode(b"me%3A1:s3cr3t%2F%26%2Bkey").decode()
    assert endpoint.signed == [f"Basic {client}"]


def test_the_client_goes_into_the_body_where_that_is_asked_for() -> None:
    endpoint = Endpoint()
    granted(replace(GRANT, send="body"), endpoint.post)
    assert endpoint.forms == [
        {"grant_type": "client_credentials", "client_id": "me:1", "client_secret": SECRET}
    ]
    assert endpoint.signed == [None]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (3600, 3540),
        ("3600", 3540),
        (100, 90),
        (None, UNSAID - 30),
        (0, UNSAID - 30),
        ("soon", UNSAID - 30),
        (10**9, LONGEST - 60),
    ],
)
def test_a_token_is_given_up_before_it_ends(told: Any, kept: float) -> None:
    before = time.time()
    token = granted(GRANT, Endpoint({**GOOD, "expires_in": told}).post)
    assert isinstance(token, Token)
    assert before + kept <= token.until <= time.time() + kept


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        (Endpoint({"error": "invalid_client"}, 401), "vendor-unauthorized"),
        (Endpoint(b"<html>who?</html>", 401), "vendor-unauthorized"),
        (Endpoint({"error": "invalid_scope"}, 400), "vendor-unauthorized"),
        (Endpoint({"error": "unauthorized_client"}, 403), "vendor-unauthorized"),
        (Endpoint({"error": "invalid_client"}, 200), "vendor-unauthorized"),
        (Endpoint(b"<html>blocked</html>", 403), "vendor-broken"),
        (Endpoint({"error": "temporarily_unavailable"}, 400), "vendor-broken"),
        (Endpoint(b"<html>wrong page</html>", 404), "vendor-broken"),
        (Endpoint(b"", 500), "vendor-broken"),
        (Endpoint(b"", 302), "vendor-broken"),
        (Endpoint({"token": "abc"}, 200), "vendor-broken"),
        (Endpoint({**GOOD, "access_token": "a b\n"}, 200), "vendor-broken"),
        (Endpoint({**GOOD, "token_type": "mac"}, 200), "vendor-broken"),
        (Endpoint(b"\xff", 200), "vendor-broken"),
        (Endpoint({"error": "slow_down"}, 400), "vendor-throttled"),
        (Endpoint({"error": "too many"}, 429, {"Retry-After": "7"}), "vendor-throttled"),
        (Endpoint(failure=Failure("vendor-silent", "no answer")), "vendor-silent"),
    ],
    ids=lambda value: f"{value.status}-{value.body}" if isinstance(value, Endpoint) else value,
)
def test_what_is_no_token_says_why(endpoint: Endpoint, code: str) -> None:
    failure = granted(GRANT, endpoint.post)
    assert isinstance(failure, Failure)
    assert failure.code == code
    assert failure.wait_seconds == (7 if endpoint.status == 429 else None)


@pytest.mark.parametrize("form", [SECRET, "s3cr3t%2F%26%2Bkey"])
def test_an_endpoint_that_says_the_secret_back_is_not_repeated(form: str) -> None:
    said = {"error": "invalid_client", "error_description": f"{form} is wrong"}
    failure = granted(GRANT, Endpoint(said, 401).post)
    assert isinstance(failure, Failure)
    assert "(secret) is wrong" in failure.detail
    assert SECRET not in repr(GRANT)


def signed(signer: TokenSigner) -> httpx.Request:
    return next(signer.sync_auth_flow(httpx.Request("GET", "https://app.example/users")))


def test_a_token_signs_until_it_ends_and_is_a_secret() -> None:
    endpoint, secrets, tokens = Endpoint(), list[str](), Tokens()
    for _ in range(3):
        request = signed(TokenSigner(GRANT, endpoint.post, secrets, tokens))
        assert request.headers["Authorization"] == "Bearer abc"
    assert len(endpoint.forms) == 1
    assert "abc" in secrets


def test_a_token_that_has_ended_is_fetched_anew() -> None:
    tokens = Tokens()
    ended = time.time() - 1
    assert tokens.get(b"key", lambda: Token("old", ended)) == (Token("old", ended), False)
    fresh = Token("new", time.time() + 60)
    assert tokens.get(b"key", lambda: fresh) == (fresh, False)
    assert tokens.get(b"key", lambda: Token("newer", 0)) == (fresh, True)


@pytest.mark.parametrize(
    "change",
    [
        {"of": ("credential", "rotated")},
        {"of": ("another", "now")},
        {"client_secret": "new"},
        {"scope": "users:read"},
        {"token_url": "https://other.example/token"},
    ],
)
def test_another_grant_has_another_token(change: dict[str, Any]) -> None:
    endpoint, tokens = Endpoint(), Tokens()
    for grant in (GRANT, replace(GRANT, **change)):
        signed(TokenSigner(grant, endpoint.post, [], tokens))
    assert len(endpoint.forms) == 2


def test_a_token_the_app_refuses_is_fetched_anew_once() -> None:
    endpoint, tokens = Endpoint(), Tokens()
    signer = TokenSigner(GRANT, endpoint.post, [], tokens)
    first = signed(signer)
    assert not signer.renew(first, 401), "it was fetched for this very call"
    kept = signed(signer)
    assert not signer.renew(kept, 403), "the token is good, and may not do this"
    endpoint.body = {**GOOD, "access_token": "def"}
    assert signer.renew(kept, 401)
    assert signed(signer).headers["Authorization"] == "Bearer def"
    # Another thread was refused with the old one meanwhile: the new one stays.
    assert signer.renew(kept, 401)
    signed(signer)
    assert len(endpoint.forms) == 2


def test_without_a_token_the_app_is_not_called() -> None:
    signer = TokenSigner(GRANT, Endpoint({"error": "invalid_client"}, 401).post, [], Tokens())
    with pytest.raises(Unsigned) as raised:
        signed(signer)
    assert raised.value.failure.code == "vendor-unauthorized"


def test_one_thread_fetches_and_the_others_wait_for_what_it_gets() -> None:
    tokens, fetched = Tokens(), list[int]()
    others, go = threading.Barrier(4), threading.Event()
    token = Token("abc", time.time() + 60)

    def fetch() -> Token:
        fetched.append(1)
        go.wait(10)
        return token

    found: list[Any] = []

    def ask() -> None:
        others.wait()
        found.append(tokens.get(b"key", fetch)[0])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert found == [token] * 4
    assert len(fetched) == 1


def test_a_fetch_that_breaks_breaks_nobody_after_it() -> None:
    tokens = Tokens()

    def broken() -> Token:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        tokens.get(b"key", broken)
    fresh = Token("abc", time.time() + 60)
    assert tokens.get(b"key", lambda: fresh) == (fresh, False)
