"""Access tokens by OAuth 2.0 client credentials (RFC 6749, 4.4): fetched, kept, renewed in time.

A token is kept in this process for all that signs with the same credential, and nowhere else. It
is given up a minute (or a tenth of its life) before it ends, and when the app refuses it. One
thread fetches while the others wait for what it gets, a failure too.

Calls of the token endpoint take no turn of the app's rate limit: it usually is another host, and
where it is the same one there is a call in a token's life.
"""

import hashlib
import json
import math
import re
import threading
import time
from collections.abc import Callable, Generator, Mapping, MutableSequence
from concurrent.futures import Future
from dataclasses import astuple, dataclass, field
from typing import Any, Literal
from urllib.parse import quote_plus

import httpx

from rollcall.connectors.answers import Failure, judge
from rollcall.connectors.signing import Renewable, Unsigned, traces

Post = Callable[
    [str, Mapping[str, str], httpx.Auth | None], tuple[int, httpx.Headers, bytes] | Failure
]
"""Sends a form to an address, signed or not: `Client.post`."""

UNSAID = 300.0
"""Seconds a token is kept whose end nobody tells; a number of 0 or less tells nothing."""
LONGEST = 86_400.0
"""Seconds a token is kept at most, whatever it is said to live."""
_AHEAD = 60.0
_PATIENCE = 30.0
_USABLE = re.compile(r"[\x21-\x7e]{1,16384}")
_WORDS = 300
_REFUSING = (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN)
_CACHED = "rollcall.cached"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is asked with; `of` is whose it is (a credential's id and when it changed)."""

    of: tuple[str, str]
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    audience: str | None = None
    send: Literal["basic", "body"] = "basic"

    @property
    def key(self) -> bytes:
        """The same for the same grant; it does not tell the secret."""
        return hashlib.sha256(json.dumps(astuple(self)).encode()).digest()


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, and the moment (Unix seconds) from which another one is fetched."""

    value: str = field(repr=False)
    until: float


class Tokens:
    """The tokens of a process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[bytes, Token] = {}
        self._fetching: dict[bytes, Future[Token | Failure]] = {}

    def get(self, key: bytes, fetch: Callable[[], Token | Failure]) -> tuple[Token | Failure, bool]:
        """The token of that key, and whether it was there already.

        Whoever comes while another thread fetches gets what that one gets.
        """
        with self._lock:
            # By the clock: a function that is frozen between two calls does not feel time pass.
            moment = time.time()
            token = self._known.get(key)
            if token is not None and moment < token.until:
                return token, True
            waiting = self._fetching.get(key)
            if waiting is None:
                mine = self._fetching[key] = Future()
        if waiting is not None:
            try:
                return waiting.result(_PATIENCE), False
            except TimeoutError:
                return Failure("vendor-silent", "another call still waits for the token"), False
        return self._fetched(key, mine, fetch), False

    def _fetched(
        self, key: bytes, mine: "Future[Token | Failure]", fetch: Callable[[], Token | Failure]
    ) -> Token | Failure:
        got: Token | Failure | None = None
        try:
            got = fetch()
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                moment = time.time()
                self._known = {k: t for k, t in self._known.items() if moment < t.until}
                if isinstance(got, Token):
                    self._known[key] = got
                del self._fetching[key]
        mine.set_result(got)
        return got

    def drop(self, key: bytes, value: str) -> None:
        """Forget this token; one that has taken its place meanwhile stays."""
        with self._lock:
            token = self._known.get(key)
            if token is not None and token.value == value:
                del self._known[key]


_PROCESS = Tokens()


class TokenSigner(Renewable):
    """Signs with a token of the process, fetched by `post` where there is none.

    Every token it signs with is added to `secrets`. Where no token comes, signing raises Unsigned.
    """

    def __init__(
        self,
        grant: Grant,
        post: Post,
        secrets: MutableSequence[str],
        tokens: Tokens = _PROCESS,
    ) -> None:
        self._grant = grant
        self._post = post
        self._secrets = secrets
        self._tokens = tokens

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request in place (httpx calls this)."""
        got, cached = self._tokens.get(self._grant.key, lambda: granted(self._grant, self._post))
        if isinstance(got, Failure):
            raise Unsigned(got)
        if got.value not in self._secrets:
            self._secrets.extend(traces({"value": got.value}))
        request.headers["Authorization"] = f"Bearer {got.value}"
        request.extensions[_CACHED] = cached
        yield request

    def renew(self, refused: httpx.Request, status: int) -> bool:
        """A token that was fetched for this very call is as good as another one would be."""
        if status != httpx.codes.UNAUTHORIZED or not refused.extensions.get(_CACHED):
            return False
        value = refused.headers["Authorization"].removeprefix("Bearer ")
        self._tokens.drop(self._grant.key, value)
        return True


def granted(grant: Grant, post: Post) -> Token | Failure:
    """A new token, or why there is none. A Failure holds no secret.

    Its code is vendor-unauthorized where the endpoint refuses the client, and else one that says
    that it may pass: whatever a token endpoint answers tells nothing about the app's records.
    """
    form = {"grant_type": "client_credentials"}
    form |= {"scope": grant.scope} if grant.scope else {}
    form |= {"audience": grant.audience} if grant.audience else {}
    auth = None
    if grant.send == "basic":
        # RFC 6749, 2.3.1: both are form-encoded before they are joined.
        auth = httpx.BasicAuth(quote_plus(grant.client_id), quote_plus(grant.client_secret))
    else:
        form |= {"client_id": grant.client_id, "client_secret": grant.client_secret}
    asked = time.time()
    raw = post(grant.token_url, form, auth)
    host = httpx.URL(grant.token_url).host
    if isinstance(raw, Failure):
        return Failure(raw.code, f"no token: {raw.detail}", raw.wait_seconds)
    status, headers, body = raw
    said = _object(body)
    if httpx.codes.is_success(status) and ("error" not in said or "access_token" in said):
        return _token(host, said, asked)
    parts = [said.get(name) for name in ("error", "error_description", "message")]
    words = ": ".join(part for part in parts if isinstance(part, str) and part)
    for trace in traces({"client_secret": grant.client_secret}, grant.client_id):
        words = words.replace(trace, "(secret)")
    return _refused(host, status, headers, said, words)


def _refused(
    host: str, status: int, headers: Mapping[str, str], said: Mapping[str, Any], words: str
) -> Failure:
    error = said.get("error")
    shown = "".join(char if char.isprintable() else " " for char in words[:_WORDS])
    if httpx.codes.is_redirect(status):
        shown = "redirects, which is not followed"
    judged = judge(status, headers, b"")
    throttled = isinstance(judged, Failure) and judged.code == "vendor-throttled"
    detail = f"{host} gives no token: {status}" + (f" {shown}" if shown else "")
    if throttled or error == "slow_down":
        wait = judged.wait_seconds if isinstance(judged, Failure) else None
        return Failure("vendor-throttled", detail, wait)
    # A page where JSON belongs is not from the endpoint, except where it is a plain 401.
    refused = status == httpx.codes.UNAUTHORIZED or (
        bool(said) and (status in _REFUSING or httpx.codes.is_success(status))
    )
    if refused and error not in ("temporarily_unavailable", "server_error"):
        return Failure("vendor-unauthorized", detail)
    return Failure("vendor-broken", detail)


def _token(host: str, said: Mapping[str, Any], asked: float) -> Token | Failure:
    value, kind = said.get("access_token"), said.get("token_type")
    if not isinstance(value, str) or not value:
        return Failure("vendor-broken", f"{host} answers without an access_token")
    if not _USABLE.fullmatch(value):
        return Failure("vendor-broken", f"{host} gives a token that no header can carry")
    if kind is not None and str(kind).lower() != "bearer":
        return Failure("vendor-broken", f"{host} gives a token that is no bearer token")
    life = _seconds(said.get("expires_in"))
    return Token(value, asked + life - min(_AHEAD, life / 10))


def _seconds(told: Any) -> float:
    try:
        seconds = math.nan if isinstance(told, bool) or told is None else float(told)
    except (TypeError, ValueError, OverflowError):
        return UNSAID
    return min(seconds, LONGEST) if seconds > 0 else UNSAID


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
