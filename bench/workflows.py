"""Many executions of a workflow at once, against an app that takes five calls a second."""

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from bench.figures import Figure, at_most, reported
from bench.processes import SampleVendor, Watch, vendor
from bench.progress import Progress
from local.ministack import free_port
from local.stack import LocalStack

LIMIT = (5, 1.0)
THROTTLED = 429
_LOOK_SECONDS = 2.0
_COUNT_SECONDS = 5.0
_LONGEST_SECONDS = 1800
_FEW = {
    "ActionsReservedConcurrency": "2",
    "SyncReservedConcurrency": "2",
    "WorkflowsReservedConcurrency": "6",
}
"""Functions at once: as many as the cores of a small machine carry."""


class Api:
    """Rollcall over HTTP."""

    def __init__(self, stack: LocalStack) -> None:
        headers = {"Authorization": f"Bearer {stack.token}"}
        url = f"{stack.api_url}/v1"
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    def call(self, method: str, path: str, **request: Any) -> Any:
        """The JSON of an answer, which must be none of an error."""
        answer = self._http.request(method, path, **request)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def connect(self, app: SampleVendor) -> str:
        """An integration with the app, synced; its id."""
        auth = {"value": app.token}
        key = {"name": "key", "connector": "activecampaign", "auth": auth}
        body = {
            "name": "many",
            "connector": "activecampaign",
            "base_url": app.url,
            "credential_id": self.call("POST", "/credentials", json=key)["id"],
            "rate_limit": {"requests": LIMIT[0], "seconds": int(LIMIT[1])},
        }
        integration = str(self.call("POST", "/integrations", json=body)["id"])
        run = self.call("POST", f"/integrations/{integration}/runs")
        while run["status"] in ("queued", "running"):
            time.sleep(_LOOK_SECONDS)
            run = self.call("GET", f"/runs/{run['id']}")
        assert run["status"] == "succeeded", run
        return integration

    def statuses(self, workflow: str) -> Counter[str]:
        """How many of its executions are in which status."""
        found: Counter[str] = Counter()
        cursor = None
        while True:
            params = {"limit": 100} | ({"cursor": cursor} if cursor else {})
            page = self.call("GET", f"/workflows/{workflow}/executions", params=params)
            found.update(one["status"] for one in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return found


def measure(executions: int, progress: Progress) -> list[Figure]:
    """The figures of so many executions that begin at once, each with one call of the app."""
    with (
        tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder,
        vendor(executions, 4) as app,
        LocalStack.start(
            port=free_port(), state_dir=Path(folder), allow_hosts="127.0.0.1", parameters=_FEW
        ) as stack,
    ):
        api = Api(stack)
        with progress.stage(f"a roster of {executions:,} users", None):
            integration = api.connect(app)
        app.switch(rate_limit=LIMIT)
        app.take_log()
        with progress.stage(f"{executions:,} executions at once", executions) as watch:
            seconds = _run(api, _workflow(api, integration, executions), executions, watch)
        log = app.take_log()
    return figures(executions, seconds, log)


def figures(executions: int, seconds: float, log: list[dict[str, Any]]) -> list[Figure]:
    """What they came to, against the time that the app's limit asks for."""
    throttled = sum(call["status"] == THROTTLED for call in log)
    floor = executions * LIMIT[1] / LIMIT[0]
    return [
        at_most("answers 429 to workflows, 5 calls a second", throttled, 0, "none"),
        at_most("app calls of workflows", len(log), executions, "one each", executions),
        reported("executions at once, 5 calls a second (s)", seconds, floor),
    ]


def _workflow(api: Api, integration: str, most: int) -> str:
    document = {
        "name": "Many",
        "begin": {
            "trigger": "event",
            "events": ["Account Created"],
            "when": {"field": "integration_id", "op": "equals", "value": integration},
            "most_per_hour": max(most, 1),
        },
        "blocks": [
            {"id": "get", "type": "preset", "integration": integration, "preset": "get_user"}
        ],
    }
    return str(api.call("POST", "/workflows", json=document)["id"])


def _run(api: Api, workflow: str, executions: int, watch: Watch) -> float:
    began = time.monotonic()
    api.call("POST", f"/workflows/{workflow}/activate", json={"matching": "start"})
    while True:
        time.sleep(_COUNT_SECONDS)
        statuses = api.statuses(workflow)
        watch(statuses["succeeded"])
        seconds = time.monotonic() - began
        assert statuses.keys() <= {"running", "succeeded"}, statuses
        if statuses["succeeded"] == executions:
            return seconds
        assert seconds < _LONGEST_SECONDS, statuses
