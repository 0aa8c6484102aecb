"""Schedules, deaths and races on the deployed template."""

import json
import os
import signal
from pathlib import Path

import pytest

from local.stack import ROOT, LocalStack
from local.vendors import serve
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.e2e.conftest import Api, Json, until


def functions_of(stack: LocalStack, name: str) -> list[int]:
    """The processes that run a function of the stack."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text()
            group = os.getpgid(int(process.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if group == stack.aws.process.pid and f"-{name}-" in command:
            found.append(int(process.name))
    return found


def test_the_schedule_fires_and_the_roster_fills(api: Api, stack: LocalStack) -> None:
    with serve(seed_aha(30)) as vendor:
        schedule = {"expression": "rate(1 minute)", "timezone": "UTC"}
        integration = api.connect(vendor, schedule=schedule)
        api.call("POST", f"/integrations/{integration}/launch", 200)
        assert not api.all(f"/integrations/{integration}/runs"), "launching starts no run"

        def first() -> Json | None:
            runs = api.all(f"/integrations/{integration}/runs")
            return runs[-1] if runs else None

        run = api.ended(until(first, "the schedule fires", 110)["id"])
        assert (run["trigger"], run["status"]) == ("schedule", "succeeded")
        assert len(api.all(f"/integrations/{integration}/accounts")) == 30
        api.call("POST", f"/integrations/{integration}/pause", 200)
        group = stack.outputs["ScheduleGroup"]
        schedules = stack.client("scheduler").list_schedules(GroupName=group)["Schedules"]
        assert integration not in {one["Name"] for one in schedules}


def test_a_killed_pull_goes_on_from_its_page(api: Api, stack: LocalStack) -> None:
    with serve(seed_activecampaign(400, 4)) as vendor:
        vendor.switches.page_cap = 20
        vendor.switches.latency_ms = 400
        integration = api.connect(vendor)
        run_id = api.call("POST", f"/integrations/{integration}/runs", 202)["id"]

        def under_way() -> bool | None:
            progress = api.call("GET", f"/runs/{run_id}", 200)["progress"]
            return True if 60 <= progress["pulled"] < 300 else None

        until(under_way, "some pages are saved")
        victims = functions_of(stack, "SyncFunction")
        assert victims, "the sync function has a process"
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        vendor.switches.latency_ms = 0
        run = api.ended(run_id)
        assert run["status"] == "succeeded", run
        assert run["counts"]["added"] == run["counts"]["pulled"] == 400
        pages = [call.query for call in vendor.log if call.path.endswith("/users")]
        assert len(pages) <= 20 + 8, "only what was in hand is fetched again"
        assert api.run(integration)["counts"]["unchanged"] == 400


def test_a_run_whose_execution_is_gone_is_closed(api: Api, stack: LocalStack) -> None:
    with serve(seed_aha(200)) as vendor:
        vendor.switches.latency_ms = 1500
        vendor.switches.page_cap = 10
        integration = api.connect(vendor)
        run_id = api.call("POST", f"/integrations/{integration}/runs", 202)["id"]
        until(
            lambda: api.call("GET", f"/runs/{run_id}", 200)["status"] == "running" or None,
            "the run begins",
        )
        states = stack.client("stepfunctions")
        machine = stack.outputs["StateMachineArn"]
        running = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")
        (execution,) = running["executions"]
        states.stop_execution(executionArn=execution["executionArn"])
        assert invoked(stack, "sweeper", {})["closed"] == [run_id]
        run = api.call("GET", f"/runs/{run_id}", 200)
        assert (run["status"], run["error"]["code"]) == ("failed", "execution-gone")
        vendor.switches.latency_ms = 0
        assert api.run(integration)["status"] == "succeeded"


def invoked(stack: LocalStack, function: str, event: Json) -> Json:
    """What a function of the stack answers; it must not break."""
    described = stack.client("cloudformation").describe_stack_resource(
        StackName=stack.stack, LogicalResourceId=f"{function.capitalize()}Function"
    )
    name = described["StackResourceDetail"]["PhysicalResourceId"]
    answer = stack.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    body: Json = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    return body


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("api", {"statusCode": 200}),
        ("authorizer", {"isAuthorized": False}),
        ("sync", {"next": "dropped"}),
        ("sweeper", {"closed": [], "batches": []}),
    ],
)
def test_the_sample_invocations_are_answered(
    stack: LocalStack, function: str, expected: Json
) -> None:
    event = json.loads((ROOT / "events" / f"{function}.json").read_text())
    assert expected.items() <= invoked(stack, function, event).items()


def test_two_integrations_at_once_make_one_person_of_one_human(api: Api) -> None:
    with serve(seed_activecampaign(80, 2)) as first, serve(seed_activecampaign(80, 2)) as second:
        both = [api.connect(first, application="One"), api.connect(second, application="Two")]
        runs = [api.call("POST", f"/integrations/{one}/runs", 202)["id"] for one in both]
        assert {api.ended(run)["status"] for run in runs} == {"succeeded"}
        people = [
            {account["external_id"]: account["person_id"] for account in api.all(path)}
            for path in (f"/integrations/{one}/accounts" for one in both)
        ]
        assert people[0] == people[1]
        assert len(set(people[0].values())) == 80
        assert len(api.all("/applications/One/accounts")) == 80
