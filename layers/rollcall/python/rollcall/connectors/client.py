"""The one way out: an HTTP client that checks the address at the moment of connecting.

A name is resolved once, every address it leads to must be a public one, and the connection goes
to an address that was checked, so neither a redirect nor a name that changes its mind leads
inside. Only hosts that the deployment allows by name may be private or spoken to over plain http.
"""

import ipaddress
import logging
import math
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
from rollcall.connectors.signing import Renewable, Unsigned
from rollcall.settings import CALL_SECONDS

# httpx logs whole URLs at INFO, and a key may be in the query.
logging.getLogger("httpx").setLevel(logging.WARNING)

USER_AGENT = "Rollcall"
STANDING = {"Accept": "application/json", "User-Agent": USER_AGENT}
"""Headers that go with every call of an app."""
TIMEOUT = httpx.Timeout(connect=5, read=15, write=10, pool=30)
"""Seconds for each step of a call."""
LARGEST = 20 * 1024 * 1024
"""Bytes of an answer that are read; a page of 200 users is a thousandth of it."""
_REFUSALS = (401, 403)

Reply = tuple[int, httpx.Headers, bytes]
"""Status, headers and body."""

# What Python counts as global says too little of IPv6: only these are given to the internet
# (RFC 4291, so not NAT64, site-local and IPv4-compatible ones), and of them 6to4 and Teredo carry
# other addresses inside.
_UNICAST = ipaddress.IPv6Network("2000::/3")
_TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))


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

    @contextmanager
    def starting(self, seconds: float) -> Iterator[None]:
        """A call of at most so long. One that is made within another ends with that at the latest:
        a token is fetched in the time of the call that it is for.
        """
        outer = self.at
        self.at = min(outer, time.monotonic() + seconds)
        try:
            yield
        finally:
            self.at = outer

    def within(self, timeout: float | None) -> float:
        """A step's timeout, cut to what is left of the call; ReadTimeout when nothing is."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the call took too long")
        return left if timeout is None else min(timeout, left)


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
    """Calls apps for one integration; thread-safe.

    A call takes `seconds` at most, from connecting to the last byte, however slowly that drips in.
    Connections are kept open between calls. `headers` and `params` go with every call of the app,
    and give way to what a call says itself and to its signature.
    """

    def __init__(
        self,
        allow_hosts: frozenset[str],
        connections: int,
        seconds: float = CALL_SECONDS,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        self._seconds = seconds
        self._deadline = _Deadline()
        self._headers = httpx.Headers(STANDING)
        self._headers.update(headers)
        self._params = httpx.QueryParams(params)
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

    def call(
        self,
        method: str,
        url: str,
        auth: httpx.Auth,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply | Failure:
        """One request, one answer: status, headers, body; no redirect is followed.

        A refused signature that is out of date is renewed, and the request is made once more; the
        app has done nothing for the first one, and the second takes no turn of its own. A Failure's
        detail never holds the URL's query or a header, where keys are.
        """
        target = httpx.URL(url)
        query = self._params.merge(target.params).merge(params)
        if query:
            target = target.copy_with(params=query)

        sent = httpx.Headers(self._headers)
        sent.update(headers)

        def request() -> httpx.Request:
            return self._http.build_request(method, target, json=body, headers=sent)

        with self._deadline.starting(self._seconds):
            made = request()
            answer = self._sent(made, auth)
            status = _refusal(answer)
            if status is not None and isinstance(auth, Renewable) and auth.renew(made, status):
                answer = self._sent(request(), auth)
            return answer

    def post(
        self, url: str, form: Mapping[str, str], auth: httpx.Auth | None = None
    ) -> Reply | Failure:
        """A form sent to an address that is not the app's: without its headers and parameters."""
        accept = {"Accept": "application/json"}
        with self._deadline.starting(self._seconds):
            made = self._http.build_request("POST", url, data=form, headers=accept)
            return self._sent(made, auth)

    def _sent(self, request: httpx.Request, auth: httpx.Auth | None) -> Reply | Failure:
        host = request.url.host
        if request.url.scheme != "https" and host.lower() not in self._allowed:
            return Failure("address-refused", f"{host} must be called over https")
        started = time.monotonic()
        try:
            answer = self._http.send(request, auth=auth, stream=True)
            try:
                return answer.status_code, answer.headers, _read(answer)
            finally:
                answer.close()
        except Unsigned as unsigned:
            return unsigned.failure
        except httpx.RequestError as error:
            return _failed(error, host, round(time.monotonic() - started))


def _failed(error: httpx.RequestError, host: str, waited: int) -> Failure:
    if isinstance(error, httpx.TimeoutException):
        return Failure("vendor-silent", f"{host} did not answer in {waited} s")
    if isinstance(error, httpx.LocalProtocolError):
        # Its words hold the header that HTTP does not allow, and that is the signed one.
        detail = f"{host} was not called: the credential holds what no request can carry"
        return Failure("vendor-unauthorized", detail)
    if isinstance(error.__cause__, AddressRefused):
        return Failure("address-refused", f"not called: {error}")
    return Failure("vendor-broken", f"the connection to {host} failed: {error}")


def _refusal(answer: Reply | Failure) -> int | None:
    """The status that refuses a signature, 0 where there was none to send, None where all is well
    or something else is wrong.
    """
    if isinstance(answer, Failure):
        return 0 if answer.code == "vendor-unauthorized" else None
    return answer[0] if answer[0] in _REFUSALS else None


def _read(answer: httpx.Response) -> bytes:
    chunks = bytearray()
    for chunk in answer.iter_bytes():
        chunks += chunk
        if len(chunks) > LARGEST:
            raise httpx.ReadError(f"the answer is larger than {LARGEST} bytes")
    return bytes(chunks)
