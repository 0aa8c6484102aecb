"""The one way out: an HTTP client that checks the address at the moment of connecting.

A name is resolved once, every address it leads to must be a public one, and the connection goes
to an address that was checked, so neither a redirect nor a name that changes its mind leads
inside. Only hosts that the deployment allows by name may be private or spoken to over plain http.
"""

import ipaddress
import logging
import math
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from rollcall.connectors.answers import Failure

# httpx logs whole URLs at INFO, and a key may be in the query.
logging.getLogger("httpx").setLevel(logging.WARNING)

USER_AGENT = "Rollcall"
TIMEOUT = httpx.Timeout(connect=5, read=15, write=10, pool=30)
"""Seconds for each step of a call."""
DEADLINE = 25.0
"""Seconds for a whole call, from connecting to the last byte, however slowly that drips in."""
LARGEST = 20 * 1024 * 1024
"""Bytes of an answer that are read; a page of 200 users is a thousandth of it."""

# What Python counts as global says too little of IPv6: only these are given to the internet
# (RFC 4291, so not NAT64, site-local and IPv4-compatible ones), and of them 6to4 and Teredo carry
# other addresses inside.
_UNICAST = ipaddress.IPv6Network("2000::/3")
_TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))


# Set by the client itself, or carrying secrets, which belong into a credential: these here are shown.
_OWN_HEADERS = frozenset(
    {
        "accept-encoding", "authorization", "connection", "content-length", "content-type",
        "cookie", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_LONGEST_VALUE = 1000
_LONGEST_PARAM = 100

Answered = tuple[int, httpx.Headers, bytes]
"""What an app said: status, headers, body."""


class NotSigned(Exception):  # noqa: N818 - a state, not a mistake
    """Signing a request takes a call of its own, and that failed: so the request's Failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


class AddressRefused(httpcore.ConnectError):
    """The name leads to an address that this deployment may not call."""


def is_public(address: str) -> bool:
    """Is this IP address one of the public internet?"""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed not in _UNICAST or any(parsed in network for network in _TUNNELS):
            return False
    return parsed.is_global and not parsed.is_multicast


class _Deadline(threading.local):
    """When the call that this thread makes must be over."""

    at = math.inf

    def within(self, timeout: float | None) -> float:
        """A step's timeout, cut to what is left of the call; ReadTimeout when nothing is."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the call took too long")
        return left if timeout is None else min(timeout, left)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """A call of so many seconds, and no more than is left of the call that it is part of."""
        outer = self.at
        self.at = min(outer, time.monotonic() + seconds)
        try:
            yield
        finally:
            self.at = outer


class _Stream(httpcore.NetworkStream):
    """A connection on which no step outlives its call."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.within(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = self._deadline.within(timeout)
        return _Stream(
            self._stream.start_tls(ssl_context, server_hostname, timeout), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _GuardedBackend(httpcore.SyncBackend):
    def __init__(self, allowed: frozenset[str], deadline: _Deadline) -> None:
        self._allowed = allowed
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if host.lower() not in self._allowed:
            host = _checked(host, port)
        timeout = self._deadline.within(timeout)
        stream = super().connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._deadline)

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        raise AddressRefused("no app lives on a Unix socket")


def _checked(host: str, port: int) -> str:
    """An address of the host, all of whose addresses are public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(f"{host} has no address: {error}") from error
    addresses = sorted({str(info[4][0]) for info in found})
    refused = [address for address in addresses if not is_public(address)]
    if refused or not addresses:
        raise AddressRefused(f"{host} leads to {', '.join(refused) or 'no address'}")
    return next((address for address in addresses if ":" not in address), addresses[0])


@cache
def _tls() -> ssl.SSLContext:
    """Loading the certificates takes 20 ms and more, so all clients share one context."""
    return httpx.create_ssl_context()


class Client:
    """Calls apps for one integration, each call within `seconds`; thread-safe.

    Connections are kept open between calls. Every call of `call` carries `headers` and `params`;
    what a call is given itself, and its signature, win over them.
    """

    def __init__(
        self,
        allow_hosts: frozenset[str],
        connections: int,
        seconds: float = DEADLINE,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        self._seconds = seconds
        self._headers = httpx.Headers({"Accept": "application/json"})
        self._headers.update(headers)
        self._params = dict(params or {})
        self._deadline = _Deadline()
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        transport = httpx.HTTPTransport(verify=_tls(), limits=limits)
        # httpx has no public way to say how to connect; its version is pinned and tests hold this.
        transport._pool = httpcore.ConnectionPool(  # noqa: SLF001
            ssl_context=_tls(),
            max_connections=connections,
            max_keepalive_connections=connections,
            network_backend=_GuardedBackend(allow_hosts, self._deadline),
        )
        self._allowed = allow_hosts
        self._http = httpx.Client(
            transport=transport,
            timeout=TIMEOUT,
            trust_env=False,
            headers={"User-Agent": USER_AGENT},
            # The app knows who calls by the key; what else it would like remembered is not.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    @property
    def left(self) -> float:
        """Seconds that are left of the call this thread is making; `seconds` outside of one."""
        return max(0.0, min(self._seconds, self._deadline.at - time.monotonic()))

    def call(
        self,
        method: str,
        url: str,
        auth: httpx.Auth,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
    ) -> Answered | Failure:
        """One request, one answer: status, headers, body; no redirect is followed.

        A Failure's detail never holds the URL's query or a header, where keys are. Where `auth`
        raises NotSigned, its Failure is the call's.
        """
        target = httpx.URL(url)
        sent = {**self._params, **(params or {})}
        return self._refused(target) or self._exchange(
            self._http.build_request(
                method, target, params=sent or None, json=body, headers=self._headers
            ),
            auth,
        )

    def post_form(
        self, url: str, form: Mapping[str, str], auth: httpx.Auth | None
    ) -> Answered | Failure:
        """Send a form, as `call` sends JSON, without the headers and parameters of the integration.

        Within a call of this thread, as when that is signed, it takes what is left of its time.
        """
        target = httpx.URL(url)
        return self._refused(target) or self._exchange(
            self._http.build_request(
                "POST", target, data=form, headers={"Accept": "application/json"}
            ),
            auth,
        )

    def _refused(self, target: httpx.URL) -> Failure | None:
        if target.scheme == "https" or target.host.lower() in self._allowed:
            return None
        return Failure("address-refused", f"{target.host} must be called over https")

    def _exchange(self, request: httpx.Request, auth: httpx.Auth | None) -> Answered | Failure:
        host = request.url.host
        started = time.monotonic()
        try:
            with self._deadline.limited(self._seconds):
                answer = self._http.send(request, auth=auth, stream=True)
                try:
                    return answer.status_code, answer.headers, _read(answer)
                finally:
                    answer.close()
        except NotSigned as error:
            return error.failure
        except httpx.TimeoutException:
            waited = round(time.monotonic() - started)
            return Failure("vendor-silent", f"{host} did not answer in {waited} s")
        except httpx.LocalProtocolError:
            # Its words hold the header that HTTP does not allow, and that is the signed one.
            detail = f"{host} was not called: the credential holds what no request can carry"
            return Failure("vendor-unauthorized", detail)
        except httpx.RequestError as error:
            if isinstance(error.__cause__, AddressRefused):
                return Failure("address-refused", f"not called: {error}")
            return Failure("vendor-broken", f"the connection to {host} failed: {error}")


def headers_fault(name: str, value: str) -> str | None:
    """Why this cannot be a header of every call, as a sentence; None where it can."""
    if not _HEADER.fullmatch(name):
        return "is no name of a header"
    if name.lower() in _OWN_HEADERS:
        return "is set by Rollcall, or belongs into a credential"
    if not value.isascii() or not value.isprintable() or value != value.strip():
        return "must be printable ASCII without spaces around it"
    return f"may have {_LONGEST_VALUE} characters" if len(value) > _LONGEST_VALUE else None


def params_fault(name: str, value: str) -> str | None:
    """Why this cannot be a query parameter of every call, as a sentence; None where it can."""
    if not name.strip() or len(name) > _LONGEST_PARAM or not name.isprintable():
        return f"is no name of a parameter: 1 to {_LONGEST_PARAM} printable characters"
    if not value.isprintable():
        return "must be printable"
    return f"may have {_LONGEST_VALUE} characters" if len(value) > _LONGEST_VALUE else None


def _read(answer: httpx.Response) -> bytes:
    chunks = bytearray()
    for chunk in answer.iter_bytes():
        chunks += chunk
        if len(chunks) > LARGEST:
            raise httpx.ReadError(f"the answer is larger than {LARGEST} bytes")
    return bytes(chunks)
