"""A hundred integrations due in the same minute: healthy, slow and refusing apps among them."""

from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from tests.e2e.conftest import OVER, Api, Json, until

EACH = 20
APPS = ("healthy", "slow", "healthy", "refusing", "healthy")
USERS = 6


def test_a_hundred_integrations_due_at_once_all_end(api: Api) -> None:
    made: dict[str, str] = {}
    due = datetime.now(UTC) + timedelta(seconds=100)
    schedule = {"expression": f"cron({due.minute} {due.hour} * * ? *)", "timezone": "UTC"}
    with ExitStack() as apps:
        for number, kind in enumerate(APPS):
            vendor = apps.enter_context(serve(seed_activecampaign(USERS, 1)))
            vendor.switches.latency_ms = 1000 if kind == "slow" else 0
            first = api.connect(vendor, name=f"{kind} {number}", schedule=schedule)
            credential = api.call("GET", f"/integrations/{first}", 200)["credential_id"]
            if kind == "refusing":
                wrong = {"auth": {"value": "wrong"}}
                api.call("PUT", f"/credentials/{credential}", 200, json=wrong)
            body = {
                "connector": "activecampaign",
                "base_url": vendor.url,
                "credential_id": credential,
                "rate_limit": {"requests": 500, "seconds": 1},
                "schedule": schedule,
            }
            made[first] = kind
            for one in range(1, EACH):
                named = body | {"name": f"{kind} {number}.{one}"}
                made[api.call("POST", "/integrations", 201, json=named)["id"]] = kind
        for integration in made:
            api.call("POST", f"/integrations/{integration}/launch", 200)
        assert datetime.now(UTC) < due, "the integrations were not launched in time"

        runs: dict[str, Json] = {}

        def all_over() -> bool | None:
            for integration in made.keys() - runs.keys():
                page = api.call("GET", f"/integrations/{integration}/runs", 200)["items"]
                if page and page[0]["status"] in OVER:
                    runs[integration] = page[0]
            return True if len(runs) == len(made) else None

        until(all_over, "every run ends", 400)
        for integration in made:
            api.call("POST", f"/integrations/{integration}/pause", 200)
    ends = Counter(
        (made[integration], run["trigger"], run["status"], run["counts"]["added"])
        for integration, run in runs.items()
    )
    assert ends == {
        ("healthy", "schedule", "succeeded", USERS): 3 * EACH,
        ("slow", "schedule", "succeeded", USERS): EACH,
        ("refusing", "schedule", "failed", 0): EACH,
    }
    errors = {run["error"]["code"] for run in runs.values() if run["error"]}
    assert errors == {"vendor-unauthorized"}
