"""A token endpoint (RFC 6749, 4.4) that opens a sample app: the newest token is the app's key."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus


class Endpoint:
    """Gives tokens to one client. `secret` may be changed, as by who rotates it in the app."""

    def __init__(self, on_token: Callable[[str], None], secret: str) -> None:
        self.client = "rollcall client"
        self.secret = secret
        self.expires_in = 3600
        self.given: list[str] = []
        self.url = ""
        self._on_token = on_token

    def auth(self, **more: Any) -> dict[str, Any]:
        """The credential's `auth` for this client."""
        return {
            "type": "oauth2_client_credentials",
            "token_url": self.url,
            "client_id": self.client,
            "client_secret": self.secret,
            **more,
        }

    def answer(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """Status and JSON of one request."""
        encoded = authorization.removeprefix("Basic ")
        client = [unquote_plus(one) for one in base64.b64decode(encoded).decode().split(":")]
        if client != [self.client, self.secret]:
            return 401, {"error": "invalid_client"}
        if form["grant_type"] != ["client_credentials"]:
            return 400, {"error": "unsupported_grant_type"}
        self.given.append(f"token-{len(self.given)}")
        self._on_token(self.given[-1])
        return 200, {
            "access_token": self.given[-1],
            "token_type": "Bearer",
            "expires_in": self.expires_in,
        }


@contextmanager
def giving_tokens(on_token: Callable[[str], None], secret: str) -> Iterator[Endpoint]:
    """Serve an endpoint for the length of a with block."""
    endpoint = Endpoint(on_token, secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, said = endpoint.answer(self.headers["Authorization"], form)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/oauth/token"
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
