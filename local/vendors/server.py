"""An HTTP server on 127.0.0.1 that lets a sample vendor answer, late, badly or not at all."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode

from local.vendors import control
from local.vendors.calls import Answer, Call
from local.vendors.faults import in_place_of, spoiled
from local.vendors.limit import Quota, Window
from local.vendors.switches import Fault, Switches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SECRET_HEADERS = frozenset({"api-token", "authorization", "cookie"})
_SECRET_PARAMETERS = frozenset({"api_key", "access_token"})
_DRIPS = 20
_NOTHING = Answer(204, content_type=None)
_LEAVE_SECONDS = 5.0
_HANG_LOOK_SECONDS = 0.02


class Tenant(Protocol):
    """An account in an app: its records, and what it answers."""

    connector: str
    base: str
    token: str
    users: Any

    def answer(self, call: Call, switches: Switches) -> Answer:
        """Answer a call that reached the app."""

    def decorate(self, answer: Answer, quota: Quota | None, switches: Switches) -> Answer:
        """Add the headers every answer of the app carries."""

    def too_many(self, switches: Switches) -> Answer:
        """Answer a call over the rate limit."""

    def counts(self) -> dict[str, int]:
        """Count the records, by kind."""

    def check_users(self, added: Iterable[dict[str, Any]]) -> None:
        """Raise ValueError when put_user could not take one of these."""

    def put_user(self, values: dict[str, Any]) -> None:
        """Add or change a user."""


T = TypeVar("T", bound=Tenant)


@dataclass(frozen=True, slots=True)
class Request:
    """A call as logged. `at` is its arrival in Unix seconds; status 0: it got no answer.

    Headers and query parameters that carry a secret are not there.
    """

    method: str
    path: str
    query: str
    status: int
    at: float
    headers: Mapping[str, str]


class Vendor(Generic[T]):
    """A tenant being served. `switches` and `log` may be used from any thread.

    Port 0 takes a free one. After `stop` it can be started again, on the port it had.
    """

    def __init__(self, tenant: T, switches: Switches | None = None, port: int = 0) -> None:
        self.tenant = tenant
        self.switches = switches or Switches()
        self.log: list[Request] = []
        self.port = port
        self.stopping = threading.Event()
        self._window = Window()
        self._connections: dict[socket, threading.Thread] = {}
        self._connections_lock = threading.Lock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port; the app's own base path comes after it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Bind and serve in a thread of its own; the address answers when this returns."""
        self.stopping.clear()
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.vendor = self
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every open connection; calls that hang or wait are let go."""
        if self._server is None or self._thread is None:
            return
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        with self._connections_lock:
            left = dict(self._connections)
            for connection in left:
                _hang_up(connection)
        for thread in left.values():
            thread.join(_LEAVE_SECONDS)
        self._server = self._thread = None

    def entered(self, connection: socket) -> None:
        """Note a connection; one that comes while stopping is hung up at once."""
        with self._connections_lock:
            self._connections[connection] = threading.current_thread()
            if self.stopping.is_set():
                _hang_up(connection)

    def left(self, connection: socket) -> None:
        """Forget a connection that is done."""
        with self._connections_lock:
            self._connections.pop(connection, None)

    def hang(self, fault: Fault) -> None:
        """Wait for as long as the fault says, or until it is taken back or the vendor stops."""
        until = time.monotonic() + fault.seconds
        while any(one is fault for one in self.switches.faults):
            left = until - time.monotonic()
            if left <= 0 or self.stopping.wait(min(left, _HANG_LOOK_SECONDS)):
                return

    def respond(self, call: Call) -> tuple[Answer, Fault | None]:
        """Take a call through latency, limit, faults and the tenant, and log it."""
        at = time.time()
        switches = self.switches
        if switches.latency_ms:
            self.stopping.wait(switches.latency_ms / 1000)
        quota = self._window.take(switches.rate_limit, time.monotonic())
        fault = None
        if quota and quota.refused:
            answer = self.tenant.too_many(switches)
        else:
            fault = switches.fault_for(call.target)
            answer = self._answer(call, switches, fault)
        answer = self.tenant.decorate(answer, quota, switches)
        status = 0 if fault and _silent(fault) else answer.status
        self.log.append(_logged(call, status, at))
        return answer, fault

    def _answer(self, call: Call, switches: Switches, fault: Fault | None) -> Answer:
        for change in list(switches.changes):
            if change.hits(call.target):
                for number in change.remove:
                    self.tenant.users.pop(number, None)
                for values in change.add:
                    self.tenant.put_user(values)
        if fault is None:
            return self.tenant.answer(call, switches)
        instead = _NOTHING if _silent(fault) else in_place_of(fault)
        if instead is None or fault.done:
            answer = self.tenant.answer(call, switches)
        return instead or spoiled(fault, answer)


@contextmanager
def serve(tenant: T, switches: Switches | None = None, port: int = 0) -> Iterator[Vendor[T]]:
    """Serve a tenant for the length of a with block."""
    vendor = Vendor(tenant, switches, port)
    vendor.start()
    try:
        yield vendor
    finally:
        vendor.stop()


class _Server(ThreadingHTTPServer):
    """Threads end with their connections, which Vendor.stop closes."""

    request_queue_size = 1024
    daemon_threads = True
    vendor: Vendor[Any]

    def server_bind(self) -> None:
        """Bind without looking the host's name up, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: object) -> None:
        """Say nothing of a caller that went away: with faults and timeouts that is expected."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.vendor.entered(self.connection)

    def finish(self) -> None:
        self.server.vendor.left(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Keep quiet: Vendor.log is the log."""

    def _call(self) -> None:
        vendor = self.server.vendor
        path, _, query = self.path.partition("?")
        call = Call(
            method=self.command,
            path=path,
            raw_query=query,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        if path == control.PATH or path.startswith(f"{control.PATH}/"):
            self._send(control.answer(vendor, call))
            return
        answer, fault = vendor.respond(call)
        self._deliver(answer, fault)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _call  # noqa: N815 (the base's names)

    def _deliver(self, answer: Answer, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        if fault and kind == "hang":
            self.server.vendor.hang(fault)
        if fault and _silent(fault):
            self.close_connection = True
        elif kind == "truncate":
            self.wfile.write(self._head(answer) + answer.body[: len(answer.body) // 2])
            self.close_connection = True
        elif fault and kind == "slow_drip":
            self._drip(answer, fault.seconds)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.wfile.write(self._head(answer) + answer.body)

    def _drip(self, answer: Answer, seconds: float) -> None:
        self.wfile.write(self._head(answer))
        size = max(1, -(-len(answer.body) // _DRIPS))
        for start in range(0, len(answer.body), size):
            self.wfile.write(answer.body[start : start + size])
            self.server.vendor.stopping.wait(seconds / _DRIPS)

    def _head(self, answer: Answer) -> bytes:
        """Status line and headers in one piece, so that an answer is one write."""
        lines = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            f"Date: {formatdate(usegmt=True)}",
        ]
        if answer.content_type:
            lines.append(f"Content-Type: {answer.content_type}")
        if answer.status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {len(answer.body)}")
        lines += [f"{name}: {value}" for name, value in answer.headers]
        lines.append("Connection: close" if self.close_connection else "Connection: keep-alive")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _silent(fault: Fault) -> bool:
    """Does the connection close without a byte?"""
    return fault.kind == "drop" or (fault.kind == "hang" and fault.done is False)


def _hang_up(connection: socket) -> None:
    try:
        connection.shutdown(SHUT_RDWR)
    except OSError:
        return  # the other side was faster


def _logged(call: Call, status: int, at: float) -> Request:
    headers = {name: text for name, text in call.headers.items() if name not in _SECRET_HEADERS}
    query = call.raw_query
    if _SECRET_PARAMETERS & call.query.keys():
        kept = {name: text for name, text in call.query.items() if name not in _SECRET_PARAMETERS}
        query = urlencode(kept)
    return Request(call.method, call.path, query, status, at, headers)
