"""The real template, deployed on the local AWS, and a client that knows the API's contract only."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from local.ministack import free_port
from local.stack import LocalStack
from local.vendors import Aha, Vendor

PATIENCE = 90
"""Seconds that a test waits for something that must happen."""
OVER = {"succeeded", "succeeded_with_errors", "failed", "held", "cancelled"}
Json = dict[str, Any]
T = TypeVar("T")


def until(ask: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """Ask until there is an answer."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.3)
    raise AssertionError(f"{what}: not in {patience} s")


class Api:
    """Rollcall over HTTP, with an administrator's token."""

    def __init__(self, stack: LocalStack) -> None:
        self.http = httpx.Client(
            base_url=f"{stack.api_url}/v1",
            headers={"Authorization": f"Bearer {stack.token}"},
            timeout=30,
            trust_env=False,
        )

    def call(self, method: str, path: str, expected: int, **request: Any) -> Any:
        """The JSON of an answer that has the expected status."""
        answer = self.http.request(method, path, **request)
        assert answer.status_code == expected, (
            f"{method} {path}: {answer.status_code} {answer.text}"
        )
        return answer.json() if answer.content else None

    def all(self, path: str, **params: Any) -> list[Json]:
        """Every item of a list, page by page."""
        items: list[Json] = []
        cursor = None
        while True:
            page = {"limit": 100, **params} | ({"cursor": cursor} if cursor else {})
            answer = self.call("GET", path, 200, params=page)
            items += answer["items"]
            cursor = answer["next_cursor"]
            if cursor is None:
                return items

    def connect(self, vendor: "Vendor[Any]", **body: Any) -> str:
        """An integration with a sample vendor; its id."""
        connector = "aha" if isinstance(vendor.tenant, Aha) else "activecampaign"
        secret = {"value": vendor.tenant.token}
        credential = self.call(
            "POST",
            "/credentials",
            201,
            json={"name": "key", "connector": connector, "auth": secret},
        )
        integration = {
            "name": f"{connector} sample",
            "connector": connector,
            "base_url": vendor.url,
            "credential_id": credential["id"],
            "rate_limit": {"requests": 200, "seconds": 1},
        }
        made = self.call("POST", "/integrations", 201, json=integration | body)
        return str(made["id"])

    def run(self, integration: str) -> Json:
        """Run now, and wait for the end."""
        return self.ended(self.call("POST", f"/integrations/{integration}/runs", 202)["id"])

    def ended(self, run_id: str) -> Json:
        """The run when it is over."""

        def over() -> Json | None:
            run: Json = self.call("GET", f"/runs/{run_id}", 200)
            return run if run["status"] in OVER else None

        return until(over, f"run {run_id} ends")


@contextmanager
def started(state_dir: Path) -> Iterator[LocalStack]:
    """A stack of the source tree; Step Functions waits a twentieth of the time.

    A small account: no more sync functions run at once than a machine with two cores can carry.
    """
    few = {"SyncReservedConcurrency": "6"}
    with LocalStack.start(
        port=free_port(), state_dir=state_dir, allow_hosts="127.0.0.1", parameters=few
    ) as running:
        running.scale_waits(0.05)
        yield running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The stack that most tests share: whatever others have made is there too."""
    with started(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def api(stack: LocalStack) -> Iterator[Api]:
    """The API of the stack."""
    client = Api(stack)
    yield client
    client.http.close()
