"""Runs over HTTP: started, followed, decided about."""

from typing import Any

import pytest

from rollcall.connectors import catalog
from rollcall.fields.store import Fields
from rollcall.integrations.store import Integrations
from rollcall.sync.applying import configuration
from rollcall.sync.runs import Run, Runs
from rollcall.sync.seen import Sight
from tests.integration.api.caller import Caller


def start(api: Caller) -> tuple[str, Any]:
    integration_id = api.integration()["id"]
    answer = api("POST", f"/v1/integrations/{integration_id}/runs")
    assert answer.status == 202, answer
    return integration_id, answer.json


def runs(api: Caller) -> Runs:
    return Runs(api.aws.dynamodb, api.settings)


def held(api: Caller) -> tuple[str, Run]:
    integration_id, shown = start(api)
    store = runs(api)
    run = store.get(shown["id"])
    assert run is not None
    store.kept.save_candidates(
        run.id, [("ACCOUNT#1", {"kind": "account", "external_id": "1", "name": "Ann"})]
    )
    store.end(run, "held", changes={}, state={"held_run_id": run.id})
    return integration_id, run


def test_a_draft_can_be_run_by_hand(api: Caller) -> None:
    integration_id, run = start(api)
    assert run["status"] == "queued"
    assert run["trigger"] == "manual"
    assert run["integration_id"] == integration_id
    assert run["progress"] == {"pulled": 0, "total": None}
    assert set(run["counts"].values()) == {0}
    assert api("GET", f"/v1/runs/{run['id']}").json == run
    assert api.executions() == [
        {
            "name": run["id"],
            "input": {
                "integration_id": integration_id, "trigger": "manual", "run_id": run["id"]
            },
        }
    ]  # fmt: skip


def test_one_run_at_a_time(api: Caller) -> None:
    integration_id, first = start(api)
    path = f"/v1/integrations/{integration_id}/runs"
    assert api("POST", path).status == 409
    run = runs(api).get(first["id"])
    assert run is not None
    runs(api).abandon(run, "test", "over")
    assert api("POST", path).status == 202
    assert [one["id"] for one in api.everything(path, limit=1)][-1] == first["id"]
    assert len(api.everything(path)) == 2


def test_a_run_that_cannot_be_started_is_closed_and_lets_the_next_one_in(
    api: Caller,
) -> None:
    integration_id = api.integration()["id"]
    path = f"/v1/integrations/{integration_id}/runs"
    api.aws.stepfunctions.delete_state_machine(
        stateMachineArn=api.api_settings.sync_state_machine_arn
    )
    answer = api("POST", path)
    assert answer.status == 503
    (run,) = api.everything(path)
    assert run["status"] == "failed"
    assert run["error"]["code"] == "not-started"
    shown = api("GET", f"/v1/integrations/{integration_id}").json
    assert shown["connection"] == "failing"
    assert shown["error"]["code"] == "not-started"
    assert api("POST", path).status == 503


def test_errors_log_and_candidates_are_listed(api: Caller) -> None:
    _, shown = start(api)
    store = runs(api)
    run = store.get(shown["id"])
    assert run is not None
    errors = [
        (f"users#0#{number}", {"external_id": str(number), "code": "bad", "message": "is bad"})
        for number in range(3)
    ]
    store.kept.save_errors(run.id, errors)
    store.kept.note(run.id, "began")
    path = f"/v1/runs/{run.id}"
    listed = api.everything(f"{path}/errors", limit=2)
    assert [error["external_id"] for error in listed] == ["0", "1", "2"]
    assert listed[0] == {
        "external_id": "0", "sync_key": None, "field": None, "code": "bad", "message": "is bad",
        "record": None,
    }  # fmt: skip
    assert [line["message"] for line in api.everything(f"{path}/log")] == ["began"]
    assert api.everything(f"{path}/candidates") == []


def said(api: Caller, run_id: str) -> str:
    """The last line of the run's log."""
    return str(api.everything(f"/v1/runs/{run_id}/log")[-1]["message"])


def test_an_approved_run_goes_on_in_an_execution_of_its_own(api: Caller) -> None:
    integration_id, run = held(api)
    path = f"/v1/runs/{run.id}"
    assert api("GET", f"/v1/integrations/{integration_id}").json["held_run_id"] == run.id
    assert api.everything(f"{path}/candidates")[0]["name"] == "Ann"
    answer = api("POST", f"{path}/approve")
    assert answer.status == 202
    assert answer.json["status"] == "queued"
    started = api.executions()[-1]
    assert started["name"] != run.id
    assert started["input"] == {
        "integration_id": integration_id, "trigger": "approval", "run_id": run.id
    }  # fmt: skip
    assert api("POST", f"{path}/approve").status == 409
    assert said(api, run.id) == "approved by administrator"


def test_approval_waits_for_the_run_that_is_under_way(api: Caller) -> None:
    integration_id, run = held(api)
    assert api("POST", f"/v1/integrations/{integration_id}/runs").status == 202
    answer = api("POST", f"/v1/runs/{run.id}/approve")
    assert answer.status == 409
    assert "under way" in answer.json["detail"]


def test_a_rejected_run_is_cancelled(api: Caller) -> None:
    integration_id, run = held(api)
    path = f"/v1/runs/{run.id}"
    answer = api("POST", f"{path}/reject")
    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert api("POST", f"{path}/reject").status == 409
    assert api("POST", f"{path}/approve").status == 409
    assert api("GET", f"/v1/integrations/{integration_id}").json["held_run_id"] is None
    assert said(api, run.id) == "rejected by administrator: nothing was removed"


def test_a_run_that_is_not_held_waits_for_no_decision(api: Caller) -> None:
    _, run = start(api)
    for decision in ("approve", "reject"):
        answer = api("POST", f"/v1/runs/{run['id']}/{decision}")
        assert answer.status == 409
        assert "queued" in answer.json["detail"]


def planned(api: Caller) -> tuple[str, str]:
    """A plan that ended well, with an integration that can be called."""
    integration_id = api.integration()["id"]
    answer = api("POST", f"/v1/integrations/{integration_id}/runs", {"mode": "plan"})
    assert (answer.status, answer.json["mode"]) == (202, "plan"), answer
    plan_id = str(answer.json["id"])
    store, run = runs(api), begun(api, plan_id)
    assert store.end(run, "succeeded", changes={}, state={"last_good_at": "never"})
    return integration_id, plan_id


def begun(api: Caller, run_id: str) -> Run:
    """The run as begin leaves it."""
    store = runs(api)
    run = store.get(run_id)
    assert run is not None
    return store.start(run, f"execution of {run_id}", digest(api, run.integration_id))


def digest(api: Caller, integration_id: str) -> str:
    """What begin keeps of the configuration."""
    integration = Integrations(api.config).get(integration_id)
    assert integration is not None
    manifest = catalog.find(integration.connector)
    fields = Fields(api.config)
    return configuration(integration, manifest, fields.everything(), fields.roles(), None)


@pytest.mark.parametrize("body", [None, {}, {"mode": "sync"}], ids=str)
def test_a_run_is_a_sync_unless_it_is_said_to_be_a_plan(
    api: Caller, body: dict[str, str] | None
) -> None:
    integration_id = api.integration()["id"]
    answer = api("POST", f"/v1/integrations/{integration_id}/runs", body)
    assert (answer.status, answer.json["mode"]) == (202, "sync")
    for name in ("duration_seconds", "plan_id", "applied_by"):
        assert answer.json[name] is None


@pytest.mark.parametrize("body", [{"mode": "dry"}, {"mode": None}, {"plan": True}], ids=str)
def test_a_run_of_no_such_kind_is_refused_and_takes_no_lock(
    api: Caller, body: dict[str, Any]
) -> None:
    integration_id = api.integration()["id"]
    path = f"/v1/integrations/{integration_id}/runs"
    answer = api("POST", path, body)
    assert answer.status == 422
    assert answer.fields == [next(iter(body))]
    assert api.everything(path) == []
    assert api("POST", path).status == 202


def test_a_plan_leaves_nothing_on_its_integration(api: Caller) -> None:
    integration_id, plan_id = planned(api)
    assert runs(api).state(integration_id) == {}
    shown = api("GET", f"/v1/runs/{plan_id}").json
    assert shown["status"] == "succeeded"
    assert shown["duration_seconds"] >= 0
    assert api("POST", f"/v1/integrations/{integration_id}/runs").status == 202


def test_a_plan_takes_the_lock_like_any_run(api: Caller) -> None:
    integration_id = api.integration()["id"]
    path = f"/v1/integrations/{integration_id}/runs"
    assert api("POST", path, {"mode": "plan"}).status == 202
    assert api("POST", path).status == 409
    assert api("POST", path, {"mode": "plan"}).status == 409


def test_applying_a_plan_starts_a_sync_that_names_it(api: Caller) -> None:
    integration_id, plan_id = planned(api)
    answer = api("POST", f"/v1/runs/{plan_id}/apply")
    assert answer.status == 202, answer
    applying = answer.json
    assert (applying["mode"], applying["trigger"], applying["plan_id"]) == ("sync", "plan", plan_id)
    assert api("GET", f"/v1/runs/{plan_id}").json["applied_by"] == applying["id"]
    assert {"name": applying["id"], "input": {
        "integration_id": integration_id, "trigger": "plan", "run_id": applying["id"],
    }} in api.executions()  # fmt: skip
    audited = api.everything("/v1/audit", object_type="run")
    assert [(one["verb"], one["object_id"]) for one in audited] == [("apply", plan_id)]


def test_a_plan_is_not_applied_while_a_run_is_under_way(api: Caller) -> None:
    integration_id, plan_id = planned(api)
    api("POST", f"/v1/integrations/{integration_id}/runs")
    answer = api("POST", f"/v1/runs/{plan_id}/apply")
    assert answer.status == 409
    assert "under way" in answer.json["detail"]
    assert api("GET", f"/v1/runs/{plan_id}").json["applied_by"] is None


def test_a_plan_is_not_applied_twice(api: Caller) -> None:
    _, plan_id = planned(api)
    first = api("POST", f"/v1/runs/{plan_id}/apply").json
    run = begun(api, first["id"])
    runs(api).abandon(run, "vendor-broken", "it answers 500")
    answer = api("POST", f"/v1/runs/{plan_id}/apply")
    assert answer.status == 409
    assert "written since" in answer.json["detail"]


def test_a_plan_can_be_applied_again_if_its_run_never_began(api: Caller) -> None:
    _, plan_id = planned(api)
    first = api("POST", f"/v1/runs/{plan_id}/apply").json
    assert api("POST", f"/v1/runs/{first['id']}/cancel").status == 200
    assert api("POST", f"/v1/runs/{plan_id}/apply").status == 202


def test_a_plan_from_before_the_first_sync_is_void_after_it(api: Caller) -> None:
    integration_id, plan_id = planned(api)
    sync = api("POST", f"/v1/integrations/{integration_id}/runs").json
    runs(api).cancel(begun(api, sync["id"]), "somebody")
    answer = api("POST", f"/v1/runs/{plan_id}/apply")
    assert answer.status == 409
    assert "written since" in answer.json["detail"]


def test_a_plan_of_another_configuration_is_not_applied(api: Caller) -> None:
    integration_id, plan_id = planned(api)
    assert api("PATCH", f"/v1/integrations/{integration_id}", {"name": "Renamed"}).status == 200
    changed = {"subdomain": "other"}
    assert api("PATCH", f"/v1/integrations/{integration_id}", changed).status == 200
    answer = api("POST", f"/v1/runs/{plan_id}/apply")
    assert answer.status == 409
    assert "configuration" in answer.json["detail"]
    back = {"subdomain": "acme"}
    assert api("PATCH", f"/v1/integrations/{integration_id}", back).status == 200
    assert api("POST", f"/v1/runs/{plan_id}/apply").status == 202


def test_a_plan_that_is_old_is_not_applied(api: Caller) -> None:
    _, plan_id = planned(api)
    old = {"finished_at": "2026-01-01T00:00:00.000Z"}
    runs(api).table.update(f"RUN#{plan_id}", "RUN", old)
    answer = api("POST", f"/v1/runs/{plan_id}/apply")
    assert answer.status == 409
    assert "24 hours" in answer.json["detail"]


def test_what_is_no_plan_is_not_applied(api: Caller) -> None:
    _, run = held(api)
    answer = api("POST", f"/v1/runs/{run.id}/apply")
    assert answer.status == 409
    assert "no plan" in answer.json["detail"]
    assert api("POST", "/v1/runs/nothing/apply").status == 404


def test_a_plan_of_a_deleted_integration_is_not_applied(api: Caller) -> None:
    integration_id, plan_id = planned(api)
    assert api("DELETE", f"/v1/integrations/{integration_id}").status in (200, 204)
    assert api("POST", f"/v1/runs/{plan_id}/apply").status == 404


def test_a_plan_whose_run_cannot_be_started_can_be_applied_later(api: Caller) -> None:
    _, plan_id = planned(api)
    machine = api.api_settings.sync_state_machine_arn
    api.aws.stepfunctions.delete_state_machine(stateMachineArn=machine)
    for _ in range(2):
        assert api("POST", f"/v1/runs/{plan_id}/apply").status == 503


def test_a_queued_run_is_cancelled_and_lets_the_next_one_in(api: Caller) -> None:
    integration_id, run = start(api)
    answer = api("POST", f"/v1/runs/{run['id']}/cancel")
    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert answer.json["duration_seconds"] is None
    assert answer.json["error"] is None
    assert api("POST", f"/v1/integrations/{integration_id}/runs").status == 202
    (entry,) = api.everything("/v1/audit", object_type="run")
    assert (entry["verb"], entry["object_id"]) == ("cancel", run["id"])
    assert said(api, run["id"]) == "cancelled by administrator"


def test_a_running_run_keeps_its_counts_when_it_is_cancelled(api: Caller) -> None:
    integration_id, shown = start(api)
    run = begun(api, shown["id"])
    sight = Sight("users", None, 0, 0, 40, None, ids=["1", "2", "3"], marks="aa=")
    runs(api).kept.save(run.id, [(sight.sort_key("pull"), sight.item())])
    cancelled = api("POST", f"/v1/runs/{run.id}/cancel").json
    assert cancelled["progress"] == {"pulled": 3, "total": 40}
    assert cancelled["counts"]["added"] == 2
    assert cancelled["duration_seconds"] >= 0
    state = runs(api).state(integration_id)
    assert state["last_run_id"] == run.id
    assert "last_status" not in state, "it tells nothing of how the app does"


def test_a_run_that_is_over_or_held_is_not_cancelled(api: Caller) -> None:
    _, run = held(api)
    answer = api("POST", f"/v1/runs/{run.id}/cancel")
    assert answer.status == 409
    assert "reject" in answer.json["detail"]
    api("POST", f"/v1/runs/{run.id}/reject")
    answer = api("POST", f"/v1/runs/{run.id}/cancel")
    assert answer.status == 409
    assert "over" in answer.json["detail"]
    assert api("POST", "/v1/runs/nothing/cancel").status == 404
