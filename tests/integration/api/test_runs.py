"""Runs over HTTP: started, followed, decided about."""

from typing import Any

from rollcall.sync.runs import Run, Runs
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
        "external_id": "0", "sync_key": None, "code": "bad", "message": "is bad"
    }  # fmt: skip
    assert [line["message"] for line in api.everything(f"{path}/log")] == ["began"]
    assert api.everything(f"{path}/candidates") == []


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


def test_a_run_that_is_not_held_waits_for_no_decision(api: Caller) -> None:
    _, run = start(api)
    for decision in ("approve", "reject"):
        answer = api("POST", f"/v1/runs/{run['id']}/{decision}")
        assert answer.status == 409
        assert "queued" in answer.json["detail"]
