"""The one way out leads to public addresses only, ends in time, and keeps what it was given."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpcore
import httpx
import pytest

from rollcall.connectors import client as client_module
from rollcall.connectors.answers import Failure
from rollcall.connectors.client import LARGEST, Client, is_public
from rollcall.connectors.signing import Signer

SECRET = "s3cr3t-k3y"
HEADER = Signer("Api-Token", SECRET, "header")
QUERY = Signer("api_key", SECRET, "query")
HERE = frozenset({"127.0.0.1"})
NOBODY: frozenset[str] = frozenset()
Speak = Callable[[socket.socket, bytes], None]


@contextmanager
def listening(speak: Speak) -> Iterator[tuple[str, list[bytes]]]:
    """A server on a port of its own that hears one request a connection, and then speaks."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while True:
            connection, _ = server.accept()
            with connection:
                if over.is_set():
                    return
                request = connection.recv(65536)
                heard.append(request)
                try:
                    speak(connection, request)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    port = server.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", heard
    finally:
        over.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
        server.close()


def saying(raw: bytes) -> Speak:
    return lambda connection, _: connection.sendall(raw)


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def call(
    url: str, allowed: frozenset[str] = HERE, auth: httpx.Auth = HEADER
) -> tuple[int, httpx.Headers, bytes] | Failure:
    client = Client(allowed, 1)
    try:
        return client.call("GET", url, auth)
    finally:
        client.close()


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.1.2.3",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::7f00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%2",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["nowhere", "", "0xA9FEA9FE", "127.1", "1.2.3.4.5"])
def test_what_is_no_address_raises_and_is_never_taken_for_public(address: str) -> None:
    with pytest.raises(ValueError, match="IPv4 or IPv6"):
        is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "99.83.0.1", "::ffff:8.8.8.8", "2606:4700:4700::1111"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0xA9FEA9FE",
        "169.254.169.254",
        "0",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "10.0.0.1",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
    ],
)
def test_no_way_to_write_an_address_inside_leads_there(host: str) -> None:
    failure = call(f"https://{host}/x", NOBODY, QUERY)
    assert isinstance(failure, Failure)
    assert failure.code == "address-refused"
    assert not failure.passing
    assert SECRET not in failure.detail


def test_a_server_here_hears_nothing_unless_the_deployment_allows_its_host() -> None:
    with listening(saying(answer(b"{}"))) as (url, heard):
        refused = call(url.replace("http:", "https:"), NOBODY)
        assert isinstance(refused, Failure)
        assert refused.code == "address-refused"
        assert heard == []
        allowed = call(url)
        assert not isinstance(allowed, Failure)
        assert allowed[0] == 200
        assert len(heard) == 1


@pytest.mark.parametrize("allowed", [NOBODY, frozenset({"localhost"}), frozenset({"127.0.0.10"})])
def test_plain_http_is_refused_but_to_the_very_host_that_is_allowed(
    allowed: frozenset[str],
) -> None:
    with listening(saying(answer(b"{}"))) as (url, heard):
        failure = call(f"{url}/x", allowed, QUERY)
        assert isinstance(failure, Failure)
        assert failure.code == "address-refused"
        assert "https" in failure.detail
        assert SECRET not in failure.detail
        assert heard == []


def test_a_unix_socket_is_no_way_out() -> None:
    backend = client_module._GuardedBackend(HERE, client_module._Deadline())
    with pytest.raises(httpcore.ConnectError, match="Unix socket"):
        backend.connect_unix_socket("/tmp/socket")


def test_the_pool_of_the_pinned_httpx_connects_by_way_of_the_guard() -> None:
    client = Client(NOBODY, 1)
    transport = client._http._transport
    assert isinstance(transport, httpx.HTTPTransport)
    assert isinstance(transport._pool._network_backend, client_module._GuardedBackend)
    client.close()


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(saying(answer(b"{}"))) as (proxy, asked):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy)
        with listening(saying(answer(b"{}"))) as (url, heard):
            assert not isinstance(call(url), Failure)
            assert len(heard) == 1
        assert asked == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 Moved"])
def test_a_redirect_is_answered_and_not_followed(status: str) -> None:
    with listening(saying(answer(b"{}"))) as (elsewhere, asked):
        moved = answer(b"", f"Location: {elsewhere}/x", status=status)
        with listening(saying(moved)) as (url, heard):
            told = call(url)
            assert not isinstance(told, Failure)
            assert told[0] == int(status[:3])
            assert len(heard) == 1
        assert asked == []


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "vendor-broken"),
        (b"nonsense\r\n\r\n", "vendor-broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", "vendor-broken"),
        (answer(b"no gzip", "Content-Encoding: gzip"), "vendor-broken"),
        (b"HTTP/1.1 302 Found\r\nLocation: x://[\r\nContent-Length: 0\r\n\r\n", "vendor-broken"),
    ],
)
@pytest.mark.parametrize("auth", [HEADER, QUERY])
def test_an_answer_that_makes_no_sense_is_a_failure_without_the_secret(
    raw: bytes, code: str, auth: httpx.Auth
) -> None:
    with listening(saying(raw)) as (url, _):
        told = call(f"{url}/x?page=1", auth=auth)
    if raw.startswith(b"HTTP/1.1 302") and not isinstance(told, Failure):
        assert told[0] == 302
        return
    assert isinstance(told, Failure)
    assert told.code == code
    assert SECRET not in told.detail


def test_nobody_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    failure = call(f"http://127.0.0.1:{port}/x", auth=QUERY)
    assert isinstance(failure, Failure)
    assert failure.code == "vendor-broken"
    assert SECRET not in failure.detail


def test_a_name_that_leads_nowhere_is_a_failure_that_may_pass() -> None:
    failure = call("https://rollcall.invalid/x", NOBODY, QUERY)
    assert isinstance(failure, Failure)
    assert failure.code == "vendor-broken"
    assert "rollcall.invalid" in failure.detail
    assert SECRET not in failure.detail


@pytest.mark.parametrize("value", [f"{SECRET}\n", f"{SECRET}\r\nX: y", f"{SECRET}\x00"])
def test_a_key_that_no_header_can_carry_is_not_told(value: str) -> None:
    with listening(saying(answer(b"{}"))) as (url, heard):
        failure = call(url, auth=Signer("Api-Token", value, "header"))
        assert isinstance(failure, Failure)
        assert failure.code == "vendor-unauthorized"
        assert SECRET not in failure.detail
        assert not any(SECRET.encode() in request for request in heard)


def test_silence_is_a_failure_in_the_end() -> None:
    over = threading.Event()
    client = Client(HERE, 1)
    client._http.timeout = httpx.Timeout(0.05)

    def say_nothing(_: socket.socket, __: bytes) -> None:
        over.wait(10)

    with listening(say_nothing) as (url, _):
        failure = client.call("GET", url, QUERY)
        over.set()
    client.close()
    assert isinstance(failure, Failure)
    assert failure.code == "vendor-silent"
    assert SECRET not in failure.detail


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"])
def test_an_answer_that_drips_past_its_deadline_is_given_up(start: bytes) -> None:
    """Each byte comes well within its own timeout, in the headers as in the body."""
    over = threading.Event()

    def drip(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        while not over.wait(0.05):
            try:
                connection.sendall(b"H")
            except OSError:
                return

    with listening(drip) as (url, _):
        client = Client(HERE, 1, seconds=0.5)
        failure = client.call("GET", url, QUERY)
        over.set()
        client.close()
    assert isinstance(failure, Failure)
    assert failure.code in {"vendor-silent", "vendor-broken"}


def test_an_answer_too_large_is_given_up() -> None:
    def flood(connection: socket.socket, _: bytes) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {4 * LARGEST}\r\n\r\n".encode())
        for _number in range(4 * LARGEST // 1_000_000):
            connection.sendall(b" " * 1_000_000)

    with listening(flood) as (url, _):
        failure = call(url)
    assert isinstance(failure, Failure)
    assert failure.code == "vendor-broken"
    assert "larger" in failure.detail


def test_nothing_is_logged_of_the_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), listening(saying(answer(b"{}"))) as (url, heard):
        call(f"{url}/x", auth=QUERY)
        call(f"{url}/x", auth=HEADER)
    assert all(SECRET.encode() in request for request in heard)
    assert SECRET not in caplog.text


def test_a_call_says_who_calls_what_it_takes_and_nothing_that_it_was_not_given() -> None:
    with listening(saying(answer(b'{"a": 1}', "Set-Cookie: a=b"))) as (url, heard):
        told = call(f"{url}/x")
    assert not isinstance(told, Failure)
    assert told[2] == b'{"a": 1}'
    request = heard[0].decode().lower()
    assert request.startswith("get /x http/1.1")
    assert "user-agent: rollcall" in request
    assert "accept: application/json" in request
    assert f"api-token: {SECRET}" in request
