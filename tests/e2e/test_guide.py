"""Every request of the guide, sent to the deployed template with the sample apps behind it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.stack import ROOT
from local.vendors import ActiveCampaign, Aha, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.e2e.conftest import Api, until
from tests.e2e.guide import differences, filled, part, requests

PAGES = sorted((ROOT / "docs/guide").glob("*.md"))
WITH_REQUESTS = [page for page in PAGES if "```http" in page.read_text(encoding="utf-8")]


@dataclass
class Samples:
    """The sample apps that the guide's addresses stand for."""

    activecampaign: "Vendor[ActiveCampaign]"
    aha: "Vendor[Aha]"
    leaving: "Vendor[Aha]"
    """Some of its users leave between two runs."""


@pytest.fixture(scope="module")
def samples() -> Iterator[Samples]:
    with (
        serve(seed_activecampaign(30, 4)) as activecampaign,
        serve(seed_aha(30)) as aha,
        serve(seed_aha(30)) as leaving,
    ):
        yield Samples(activecampaign, aha, leaving)


def prepared(api: Api, samples: Samples, page: str) -> dict[str, str]:
    """What every page may use: an integration of each app that was synced once, and their parts."""
    values: dict[str, str] = {
        "https://acme.api-us1.com": samples.activecampaign.url,
        "https://acme.aha.io": samples.aha.url,
        "YOUR-KEY": samples.activecampaign.tenant.token,
        "YOUR-AHA-KEY": samples.aha.tenant.token,
    }
    for name, vendor in (("integration", samples.activecampaign), ("aha", samples.aha)):
        integration = api.connect(vendor, name=f"{name} of {page}")
        shown = api.call("GET", f"/integrations/{integration}", 200)
        run = api.run(integration)
        assert run["status"] == "succeeded", run
        prefix = "" if name == "integration" else "aha_"
        account = api.all(f"/integrations/{integration}/accounts")[0]
        values |= {
            f"{prefix}integration_id": integration,
            f"{prefix}credential_id": shown["credential_id"],
            f"{prefix}run_id": run["id"],
            f"{prefix}account_id": account["external_id"],
            f"{prefix}account_email": account["email"],
            f"{prefix}person_id": account["person_id"],
        }
    return values


def faulty(api: Api, samples: Samples) -> dict[str, str]:
    """A run that could not take one record."""
    samples.leaving.tenant.put_user({"id": "4711", "email": ""})
    run = api.run(api.connect(samples.leaving, name="faulty"))
    del samples.leaving.tenant.users["4711"]
    assert run["status"] == "succeeded_with_errors", run
    return {"faulty_run_id": run["id"]}


def held(api: Api, samples: Samples) -> dict[str, str]:
    """Two runs that wait for a decision."""
    integrations = [api.connect(samples.leaving, name="leaving") for _ in range(2)]
    for integration in integrations:
        api.run(integration)
    for user in list(samples.leaving.tenant.users)[-12:]:
        del samples.leaving.tenant.users[user]
    runs = [api.run(integration) for integration in integrations]
    assert [run["status"] for run in runs] == ["held", "held"]
    return {"held_run_id": runs[0]["id"], "other_held_run_id": runs[1]["id"]}


def settled(api: Api, execution_id: str) -> str:
    """The id of an execution of a workflow, when it is over or waits for a decision."""

    def done() -> str | None:
        status = api.call("GET", f"/executions/{execution_id}", 200)["status"]
        steps = api.all(f"/executions/{execution_id}/steps")
        waits = any((one["type"], one["status"]) == ("approval", "waiting") for one in steps)
        return execution_id if waits or status not in ("held", "running") else None

    return until(done, f"execution {execution_id}")


@pytest.mark.parametrize("page", WITH_REQUESTS, ids=lambda page: page.stem)
def test_every_request_of_the_page_works(api: Api, samples: Samples, page: Path) -> None:
    values = prepared(api, samples, page.stem)
    if "{faulty_run_id}" in page.read_text(encoding="utf-8"):
        values |= faulty(api, samples)
    if "{held_run_id}" in page.read_text(encoding="utf-8"):
        values |= held(api, samples)
    for request in requests(page):
        where = f"{page.name}:{request.line}"
        path = filled(request.path, values)
        assert "{" not in path, f"{where}: {path} has a name that nothing gave"
        sent: dict[str, Any] = {"headers": dict(request.headers)}
        if request.body is not None:
            body = filled(request.body, values)
            is_yaml = "yaml" in request.headers.get("Content-Type", "")
            sent |= {"content": body} if is_yaml else {"json": json.loads(body)}
        answer = api.http.request(request.method, path.removeprefix("/v1"), **sent)
        assert answer.status_code == request.status, f"{where}: {answer.text}"
        kind = answer.headers.get("content-type", "")
        data: Any = answer.json() if answer.content and "json" in kind else None
        if request.answer is not None:
            assert not list(differences(request.answer, data)), where
        if request.wait and path.endswith("/executions"):
            values |= {"execution_id": settled(api, data["id"])}
        elif request.wait:
            ended = api.ended(data["id"])
            values |= {"run_id": ended["id"]}
        if request.keep is not None:
            values[request.keep] = part(data, request.kept_from)


def test_every_task_has_a_page() -> None:
    stems = {page.stem for page in WITH_REQUESTS}
    assert stems >= {
        "actions",
        "connect-activecampaign",
        "connect-aha",
        "map-fields",
        "sync-keys",
        "filters",
        "read-errors",
        "add-an-app",
        "launch-and-delete",
        "runs-and-removals",
        "workflows",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_request_is_written_so_that_it_is_run(page: Path) -> None:
    """`curl` only where it is explained how the others are sent."""
    assert page.stem == "send-a-request" or "curl" not in page.read_text(encoding="utf-8")
