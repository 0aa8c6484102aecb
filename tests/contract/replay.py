"""An app on 127.0.0.1 that answers from numbered pages, at the addresses a manifest names."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from rollcall.connectors import paths
from rollcall.connectors.client import Client
from rollcall.connectors.engine import App
from rollcall.connectors.limiter import Limiter
from rollcall.connectors.manifest import Find, Manifest, Paging
from rollcall.connectors.signing import signer
from rollcall.integrations.model import RateLimit
from rollcall.tables import Table

FIXTURES = Path(__file__).parents[1] / "fixtures"
SECRET = "n0b0dy-m4y-s33-th1s"
_TYPES = {".json": "application/json", ".html": "text/html", ".txt": "text/plain"}


@dataclass(frozen=True)
class Said:
    """One answer, as it goes over the wire."""

    status: int
    body: bytes
    kind: str = "application/json"


@dataclass(frozen=True)
class Asked:
    """One request, as it came over the wire."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass
class Tenant:
    """The pages of one connector by file name. `instead` is answered to everything, if set."""

    manifest: Manifest
    pages: dict[str, Any]
    instead: Said | None = None
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        """What the fixtures hold for this request."""
        self.asked.append(asked)
        if self.instead is not None:
            return self.instead
        found = self._found(asked)
        if found is None:
            return Said(404, json.dumps({"error": "there is no such page"}).encode())
        return Said(200, json.dumps(found).encode())

    def _found(self, asked: Asked) -> Any:
        path = asked.path.removeprefix(self.manifest.address.path)
        if path == self.manifest.test.path:
            return self.pages["me"]
        return self._list(path, asked) or self._single(path)

    def _list(self, path: str, asked: Asked) -> Any:
        users, groups = self.manifest.users, self.manifest.groups
        memberships = self.manifest.memberships
        if users.find is not None and (email := _email(users.find, path, asked)) is not None:
            return self._of_email(users.find, email)
        for joined in users.joined:
            if path == joined.path:
                return self._page(f"joined.{joined.into}", joined.paging, joined.records, asked)
        if path == users.path:
            return self._page("users", users.paging, users.records, asked)
        if groups is not None and path == groups.path:
            return self._page("groups", groups.paging, groups.records, asked)
        if memberships is not None and (owner := _id_in(memberships.path, path)) is not None:
            name = f"memberships.{owner}"
            return self._page(name, memberships.paging, memberships.records, asked)
        return None

    def _single(self, path: str) -> Any:
        groups, memberships = self.manifest.groups, self.manifest.memberships
        by_user = memberships.by_user if memberships is not None else None
        if by_user is not None and (user := _id_in(by_user.path, path)) is not None:
            return self.pages.get(f"groups_of.{user}")
        detail = self.manifest.users.detail
        if detail is not None and (user := _id_in(detail.path, path)) is not None:
            return self.pages.get(f"detail.{user}")
        one_group = groups.one if groups is not None else None
        for one, name in ((self.manifest.users.one, "one_user"), (one_group, "one_group")):
            if one is None or (wanted := _id_in(one.path, path)) is None:
                continue
            body = self.pages[name]
            if paths.text(paths.read(body, f"{one.record}.id")) == wanted:
                return body
        return None

    def _of_email(self, find: Find, email: str) -> Any:
        """As the app's own search does: by a path one user or 404, by a parameter a list."""
        users = self.manifest.users
        found = [
            record
            for name, page in self.pages.items()
            if name.startswith("users.")
            for record in paths.read(page, users.records)
            if email.lower() in str(paths.read(record, users.columns.email)).lower()
        ]
        if find.parameter:
            return {find.record: found}
        return {find.record: found[0]} if found else None

    def _page(self, name: str, paging: Paging, records: str, asked: Asked) -> Any:
        pages = [self.pages[f"{name}.{n}"] for n in range(1, 1000) if f"{name}.{n}" in self.pages]
        position = asked.query.get(paging.position_parameter)
        match paging.style:
            case "page":
                number = int(position or paging.first) - paging.first
            case "offset":
                starts = [0]
                for page in pages:
                    starts.append(starts[-1] + len(paths.read(page, records)))
                offset = int(position or 0)
                number = starts.index(offset) if offset in starts else len(pages)
            case "cursor" if position is not None:
                nexts = [paths.text(paths.read(page, paging.next)) for page in pages]
                number = nexts.index(position) + 1
            case _:
                number = 0
        if number < len(pages):
            return pages[number]
        # Beyond its end a list is empty, with the total it had.
        return {**pages[-1], records: []} if pages else None


def _email(find: Find, path: str, asked: Asked) -> str | None:
    if find.parameter:
        return asked.query.get(find.parameter) if path == find.path else None
    match = re.fullmatch(re.escape(find.path).replace(r"\{email\}", "([^/]+)"), path)
    return unquote(match[1]) if match else None


def _id_in(template: str, path: str) -> str | None:
    match = re.fullmatch(re.escape(template).replace(r"\{id\}", "([^/]+)"), path)
    return unquote(match[1]) if match else None


@contextmanager
def served(tenant: Tenant) -> Iterator[str]:
    """Serve a tenant; gives the base URL with the API's path."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet, which nobody waits for

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = tenant.answer(Asked(url.path, dict(parse_qsl(url.query)), headers))
            self.send_response(said.status)
            self.send_header("Content-Type", said.kind)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{tenant.manifest.address.path}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Idle:
    """A DynamoDB client in whose tables nobody has reserved a turn."""

    class exceptions:  # noqa: N801
        class ConditionalCheckFailedException(Exception):  # noqa: N818
            pass

    def update_item(self, **request: Any) -> dict[str, Any]:
        values = request["ExpressionAttributeValues"]
        end = sum(int(values[name]["N"]) for name in (":now", ":span") if name in values)
        return {"Attributes": {"next_at": {"N": str(end)}}}


@dataclass(frozen=True)
class Credential:
    """How the manifest says requests are signed."""

    type: str
    param_name: str | None
    add_to: str | None


@contextmanager
def connected(tenant: Tenant) -> Iterator[App]:
    """The tenant as the real engine calls it, signed for with SECRET."""
    auth = tenant.manifest.auth
    credential = Credential(auth.type, auth.name, auth.add_to)
    secret = {"value": SECRET, "username": "user", "password": SECRET}
    with served(tenant) as base_url:
        app = App(
            tenant.manifest,
            base_url,
            signer(credential, secret),
            Client(frozenset({"127.0.0.1"}), tenant.manifest.rate_limit.in_flight),
            Limiter(Table(_Idle(), "runs"), "127.0.0.1", RateLimit(1000, 1)),
            [SECRET],
        )
        try:
            yield app
        finally:
            app.close()


def recorded(manifest: Manifest) -> Tenant:
    """The tenant in tests/fixtures/<connector>."""
    folder = FIXTURES / manifest.key
    pages = {
        file.name.removesuffix(".json"): json.loads(file.read_text(encoding="utf-8"))
        for file in folder.glob("*.json")
        if not file.name.startswith("error.")
    }
    return Tenant(manifest, pages)


def errors(manifest: Manifest) -> Iterator[tuple[str, Said]]:
    """Its error answers: `error.<code>.<status>[.<number>].<type>`."""
    for file in sorted((FIXTURES / manifest.key).glob("error.*")):
        _, code, status, *_ = file.name.split(".")
        yield code, Said(int(status), file.read_bytes(), _TYPES[file.suffix])
