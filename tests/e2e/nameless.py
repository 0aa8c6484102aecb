"""An app that no file knows: its paths, its keys and its names are drawn anew for each test.

Its list of people has ids only. A call for each person tells more, and a second list, joined on a
key of its own, tells the rest.
"""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NAMES = (
    "connector", "path", "people", "teams", "seats", "id", "mail", "name", "on", "badge", "desk",
    "rows", "count", "page", "size", "members", "who", "title", "boss", "header",
)  # fmt: skip
SIZE = 5


class Nameless:
    """One tenant: `count` people, each in one of two teams, everybody but the first with a desk."""

    def __init__(self, count: int) -> None:
        self.word = {name: f"{name[0]}{secrets.token_hex(4)}" for name in NAMES}
        self.key = secrets.token_urlsafe(20)
        self.off: set[str] = set()
        self.people = {str(1000 + number): number for number in range(count)}

    def email(self, number: int) -> str:
        return f"{self.word['who']}.{number}@example.test"

    def manifest(self) -> dict[str, Any]:
        """What a customer who reads the app's documentation would write."""
        word = self.word

        def listed(path: str) -> dict[str, Any]:
            return {
                "path": path,
                "records": word["rows"],
                "total": word["count"],
                "paging": {
                    "style": "page",
                    "size": SIZE,
                    "size_parameter": word["size"],
                    "position_parameter": word["page"],
                    "first": 1,
                },
            }

        return {
            "key": word["connector"],
            "name": word["connector"].title(),
            "description": "Found over the API alone.",
            "address": {"path": f"/{word['path']}"},
            "auth": {"type": "api_key", "name": word["header"], "add_to": "header"},
            "rate_limit": {"requests": 500, "seconds": 1, "in_flight": 4},
            "test": {"path": f"/{word['boss']}", "identity": word["mail"]},
            "users": {
                **listed(f"/{word['people']}"),
                "id": word["id"],
                "detail": {"path": f"/{word['people']}/{{id}}", "record": word["who"]},
                "one": {"path": f"/{word['people']}/{{id}}", "record": word["who"]},
                "joined": [
                    {
                        **listed(f"/{word['seats']}"),
                        "key": word["badge"],
                        "on": word["id"],
                        "into": word["desk"],
                    }
                ],
                "columns": {
                    "email": word["mail"],
                    "display_name": [word["name"]],
                    "enabled": word["on"],
                },
            },
            "groups": {**listed(f"/{word['teams']}"), "id": word["id"], "name": word["name"]},
            "memberships": {
                **listed(f"/{word['teams']}/{{id}}/{word['members']}"),
                "account": word["id"],
                "group": word["title"],
            },
            "errors": [{"status": [404], "contains": "nobody", "means": "not-found"}],
            "fields": [
                {"key": "email", "name": "Email", "path": word["mail"], "type": "text"},
                {"key": "name", "name": "Name", "path": word["name"], "type": "text"},
                {
                    "key": "title",
                    "name": "Title",
                    "path": f"{word['desk']}.{word['title']}",
                    "type": "text",
                },
            ],
            "mapping": [
                {"target": "email", "source": "email", "sync_key": 1},
                {"target": "display_name", "source": "name"},
                {"target": "title", "source": "title"},
                {"target": "role", "value": "Employee"},
            ],
            "presets": [
                {
                    "key": "create_user",
                    "name": "Create",
                    "does": "create",
                    "method": "POST",
                    "path": f"/{word['people']}",
                    "body": {word["mail"]: "{{ inputs.email }}"},
                    "inputs": [{"key": "email", "name": "Email", "required": True}],
                    "id": f"{word['who']}.{word['id']}",
                    "response": word["who"],
                },
                {
                    "key": "switch_off",
                    "name": "Switch off",
                    "does": "deactivate",
                    "method": "PUT",
                    "path": f"/{word['people']}/{{{{ external_id }}}}",
                    "body": {word["on"]: False},
                    "expects": f"{{{{ response.{word['who']}.{word['on']} is false }}}}",
                },
            ],
        }

    def change(self, path: str, sent: Any) -> tuple[int, Any]:
        """Status and JSON of one call that makes somebody, or switches somebody off."""
        _, _, *rest = path.strip("/").split("/")
        if rest:
            self.off |= {rest[0]} if sent == {self.word["on"]: False} else set()
            return self._person(rest[0])
        number = int(sent[self.word["mail"]].split(".")[1].partition("@")[0])
        self.people[str(1000 + number)] = number
        return self._person(str(1000 + number))

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Status and JSON of one call."""
        word = self.word
        _, name, *rest = path.strip("/").split("/")
        if name == word["boss"]:
            return 200, {word["mail"]: "boss@example.test"}
        if name == word["people"] and rest:
            return self._person(rest[0])
        lists = {
            word["people"]: [{word["id"]: one} for one in self.people],
            word["seats"]: [
                {word["badge"]: one, word["title"]: f"Desk {number}"}
                for one, number in self.people.items()
                if number
            ],
            word["teams"]: [{word["id"]: str(n), word["name"]: f"Team {n}"} for n in (0, 1)],
        }
        if rest and rest[-1] == word["members"]:
            lists[name] = [
                {word["id"]: one, word["title"]: rest[0]}
                for one, number in self.people.items()
                if number % 2 == int(rest[0])
            ]
        return self._page(lists[name], query) if name in lists else (404, {"error": "nobody"})

    def _person(self, one: str) -> tuple[int, Any]:
        word = self.word
        if one not in self.people:
            return 404, {"error": "nobody"}
        number = self.people[one]
        person = {
            word["id"]: one,
            word["mail"]: self.email(number),
            word["name"]: f"Person {number}",
            word["on"]: number % 4 != 0 and one not in self.off,
        }
        return 200, {word["who"]: person}

    def _page(self, rows: list[Any], query: dict[str, list[str]]) -> tuple[int, Any]:
        size = int(query[self.word["size"]][0])
        start = (int(query[self.word["page"]][0]) - 1) * size
        return 200, {self.word["rows"]: rows[start : start + size], self.word["count"]: len(rows)}


@contextmanager
def served(app: Nameless) -> Iterator[str]:
    """The app on a port of its own; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._say(*app.answer(parts.path, parse_qs(parts.query)))

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            self._say(*app.change(self.path, json.loads(sent)))

        do_PUT = do_POST  # noqa: N815

        def _say(self, status: int, body: Any) -> None:
            if self.headers.get(app.word["header"]) != app.key:
                status, body = 401, {"error": "who is it?"}
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing: tests say what they find."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
