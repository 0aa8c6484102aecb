"""Launch, pause, change and delete: the status, the schedule and the order of both."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from rollcall.api.app import Api
from rollcall.api.services import Services
from rollcall.integrations.schedule import Scheduled, Schedules
from rollcall.integrations.store import Integrations
from tests.integration.api.caller import Caller


def launched(api: Caller, **changes: Any) -> Any:
    integration = api.integration(**changes)
    answer = api("POST", f"/v1/integrations/{integration['id']}/launch")
    assert answer.status == 200, answer
    return answer.json


def test_launch_makes_the_schedule_and_starts_no_run(api: Caller) -> None:
    before = datetime.now(UTC)
    integration = launched(api, schedule={"expression": "rate(2 hours)", "timezone": "UTC"})
    assert integration["status"] == "active"
    (schedule,) = api.schedules().values()
    assert schedule["Name"] == integration["id"]
    assert schedule["ScheduleExpression"] == "rate(2 hours)"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["State"] == "ENABLED"
    first = schedule["StartDate"] - before
    assert timedelta(hours=2, seconds=-1) <= first <= timedelta(hours=2, minutes=1)
    target = schedule["Target"]
    assert target["RoleArn"].endswith("role/schedule")
    assert target["DeadLetterConfig"]["Arn"].endswith(":letters")
    assert json.loads(target["Input"]) == {
        "integration_id": integration["id"],
        "trigger": "schedule",
        "scheduled_time": "<aws.scheduler.scheduled-time>",
    }
    assert api.executions() == []


def test_a_cron_begins_when_it_says(api: Caller) -> None:
    launched(api, schedule={"expression": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin"})
    (schedule,) = api.schedules().values()
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert "StartDate" not in schedule


def test_launching_again_leaves_the_schedule_in_its_rhythm(api: Caller) -> None:
    integration = launched(api)
    before = api.schedules()[integration["id"]]["LastModificationDate"]
    again = api("POST", f"/v1/integrations/{integration['id']}/launch")
    assert again.status == 200
    assert again.json == integration
    assert api.schedules()[integration["id"]]["LastModificationDate"] == before


def test_launch_names_everything_that_is_missing(api: Caller) -> None:
    integration = api.integration(subdomain=None)
    for secret in api.aws.secretsmanager.list_secrets()["SecretList"]:
        api.aws.secretsmanager.delete_secret(
            SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True
        )
    for call in ("launch", "runs", "test"):
        answer = api("POST", f"/v1/integrations/{integration['id']}/{call}")
        assert answer.status == 409, call
        assert sorted(answer.fields) == ["base_url", "credential_id", "subdomain"]
    assert api("GET", f"/v1/integrations/{integration['id']}").json["status"] == "draft"
    assert api.schedules() == {}
    assert api.executions() == []


def test_the_connectors_variable_is_address_enough(api: Caller) -> None:
    api("PUT", "/v1/variables/ActiveCampaign.Subdomain", {"value": "acme"})
    assert launched(api, subdomain=None)["status"] == "active"


def test_pause_removes_the_schedule_and_launch_brings_it_back(api: Caller) -> None:
    integration = launched(api)
    path = f"/v1/integrations/{integration['id']}"
    for _ in range(2):
        assert api("POST", f"{path}/pause").json["status"] == "paused"
        assert api.schedules() == {}
    assert api("POST", f"{path}/launch").json["status"] == "active"
    assert list(api.schedules()) == [integration["id"]]


def test_a_draft_cannot_be_paused(api: Caller) -> None:
    assert api("POST", f"/v1/integrations/{api.integration()['id']}/pause").status == 409


def test_a_new_schedule_reaches_eventbridge_once_launched(api: Caller) -> None:
    integration = api.integration()
    path = f"/v1/integrations/{integration['id']}"
    change = {"schedule": {"expression": "rate(3 days)"}}
    assert api("PATCH", path, change).status == 200
    assert api.schedules() == {}
    api("POST", f"{path}/launch")
    api("PATCH", path, {"schedule": {"expression": "rate(4 days)"}})
    schedule = api.schedules()[integration["id"]]
    assert schedule["ScheduleExpression"] == "rate(4 days)"
    assert schedule["StartDate"] > datetime.now(UTC) + timedelta(days=3, hours=23)


class Refusing(Scheduled):
    """EventBridge, which takes none of our expressions."""

    def ensure(self, *_: Any) -> None:
        return None


def test_a_schedule_that_eventbridge_refuses_changes_nothing(api: Caller) -> None:
    integration = launched(api)
    path = f"/v1/integrations/{integration['id']}"
    services = Services(api.settings, api.api_settings, api.aws)
    services.schedules = Schedules(Refusing(api.aws.scheduler, "schedules", "", "", ""))
    refusing = Caller(Api(services), api.settings, api.api_settings, api.aws)
    change = {"name": "New", "schedule": {"expression": "rate(4 days)"}}
    answer = refusing("PATCH", path, change)
    assert (answer.status, answer.fields) == (422, ["schedule.expression"])
    shown = refusing("GET", path).json
    assert {**shown, "updated_at": None} == {**integration, "updated_at": None}
    assert api.schedules()[integration["id"]]["ScheduleExpression"] == "rate(1 day)"


def test_the_same_change_again_puts_right_what_a_crash_left(api: Caller) -> None:
    integration = launched(api)
    path = f"/v1/integrations/{integration['id']}"
    api.config.update("INTEGRATION", integration["id"], {"schedule": {
        "expression": "rate(6 hours)", "timezone": "UTC"
    }})  # fmt: skip
    api("PATCH", path, {"schedule": {"expression": "rate(6 hours)"}})
    assert api.schedules()[integration["id"]]["ScheduleExpression"] == "rate(6 hours)"


def test_deletion_removes_the_schedule(api: Caller) -> None:
    integration = launched(api)
    assert api("DELETE", f"/v1/integrations/{integration['id']}").status == 204
    assert api.schedules() == {}


def test_deletion_waits_for_the_run(api: Caller) -> None:
    integration = launched(api)
    path = f"/v1/integrations/{integration['id']}"
    assert api("POST", f"{path}/runs").status == 202
    assert api("DELETE", path).status == 409
    assert api("GET", path).json["connection"] == "syncing"
    assert list(api.schedules()) == [integration["id"]]


@pytest.mark.parametrize("status", ["draft", "paused", "active", "needs_reconnect"])
def test_only_an_active_integration_needs_to_be_reconnected(api: Caller, status: str) -> None:
    with serve(seed_activecampaign(3, 2)) as vendor:
        credential_id = api.credential(value="wrong-key")
        integration = api.integration(
            base_url=vendor.url, subdomain=None, credential_id=credential_id
        )
        api.config.update("INTEGRATION", integration["id"], {"status": status})
        path = f"/v1/integrations/{integration['id']}"
        refused = api("POST", f"{path}/test")
        assert refused.status == 200
        assert refused.json["ok"] is False
        assert refused.json["error"]["code"] == "vendor-unauthorized"
        assert f"PUT /v1/credentials/{credential_id}" in refused.json["error"]["detail"]
        assert (refused.json["identity"], refused.json["sample"]) == (None, None)
        assert refused.json["schema"] == []
        expected = "needs_reconnect" if status == "active" else status
        assert api("GET", path).json["status"] == expected

        api("PUT", f"/v1/credentials/{credential_id}", {"auth": {"value": vendor.tenant.token}})
        assert api("GET", path).json["status"] == expected
        works = api("POST", f"{path}/test").json
        assert works["ok"] is True
        assert works["identity"]
        assert works["sample"]["email"]
        paths = {entry["path"]: entry for entry in works["schema"]}
        assert paths["email"]["type"] == "text"
        assert paths["email"]["sample"] == works["sample"]["email"]
        expected = "active" if expected == "needs_reconnect" else status
        assert api("GET", path).json["status"] == expected
    assert api.everything("/v1/people") == []
    assert vendor.tenant.token not in "".join(api.texts)


def test_an_app_that_is_not_there_is_told_apart_from_a_refusal(api: Caller) -> None:
    with serve(seed_activecampaign(3, 2)) as vendor:
        address = vendor.url
    integration = api.integration(base_url=address, subdomain=None)
    answer = api("POST", f"/v1/integrations/{integration['id']}/test")
    assert answer.json["error"]["code"] == "vendor-broken"


def test_two_callers_change_one_integration_and_both_are_kept(api: Caller) -> None:
    integration_id = api.integration()["id"]
    path = f"/v1/integrations/{integration_id}"
    store = Integrations(api.config)
    asked: list[int] = []

    def edit(current: Any) -> Any:
        if not asked:
            asked.append(api("PATCH", path, {"contacts": ["ann@example.com"]}).status)
        return replace(current, name="New")

    assert store.change(integration_id, "update", edit, "second") is not None
    shown = api("GET", path).json
    assert (shown["name"], shown["contacts"]) == ("New", ["ann@example.com"])
