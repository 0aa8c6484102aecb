"""The control endpoint and the process, as another process meets them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from typing import TypeAlias

    from local.vendors import ActiveCampaign, Aha, Vendor

    Served: TypeAlias = tuple[Vendor[ActiveCampaign], httpx.Client]
    ServedAha: TypeAlias = tuple[Vendor[Aha], httpx.Client]


def test_switches_are_read_and_set(campaign: Served) -> None:
    vendor, client = campaign
    control = f"{vendor.url}/_control"
    state = client.get(control).json()
    assert state["counts"] == {"users": 45, "groups": 4, "calls": 0}
    change = {
        "latency_ms": 3,
        "rate_limit": [5, 1],
        "faults": [{"kind": "status", "status": 500, "times": 2}],
        "changes": [{"after": 1, "remove": ["4"]}],
    }
    state = client.put(control, json=change).json()
    assert vendor.switches.rate_limit == (5, 1.0)
    assert vendor.switches.faults[0].times == 2
    assert state["switches"]["changes"][0]["remove"] == ["4"]
    again = client.put(control, json=state["switches"])
    assert again.json() == state


def test_users_are_added_changed_and_removed(campaign: Served, aha: ServedAha) -> None:
    vendor, client = campaign
    added = [{"id": "80", "email": "new@example.test", "group": "4"}, {"id": "6", "phone": "1"}]
    body = {"remove_users": ["5"], "add_users": added}
    state = client.put(f"{vendor.url}/_control", json=body).json()
    assert state["counts"]["users"] == 45
    assert vendor.tenant.users["80"].username == "new@example.test"
    assert vendor.tenant.users["6"].phone == "1"
    assert client.get("/users/5").status_code == 404
    other, aha_client = aha
    role = [[next(iter(other.tenant.products)), 20]]
    added_there = [{"id": "99", "product_roles": role, "administers": [False, True, False]}]
    answer = aha_client.put(f"{other.url}/_control", json={"add_users": added_there})
    assert answer.status_code == 200
    user = aha_client.get("/users/99").json()["user"]
    assert (user["administrator"], user["product_roles"][0]["role"]) == (True, 20)


@pytest.mark.parametrize(
    "bad",
    [
        {"latency": 5},
        {"remove_users": ["999"]},
        {"add_users": [{"surname": "x"}]},
        {"faults": [{"kind": "explode"}]},
        {"faults": [{"match": "("}]},
        [],
    ],
)
def test_a_bad_change_is_refused_whole(campaign: Served, bad: object) -> None:
    vendor, client = campaign
    body = {"remove_users": ["5"], "latency_ms": 9, **bad} if isinstance(bad, dict) else bad
    answer = client.put(f"{vendor.url}/_control", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert len(vendor.tenant.users) == 45
    assert vendor.switches.latency_ms == 0


def test_the_log_is_read_and_forgotten_and_control_is_not_in_it(campaign: Served) -> None:
    vendor, client = campaign
    client.get("/users?limit=2")
    (request,) = client.get(f"{vendor.url}/_control/log").json()["log"]
    assert (request["method"], request["path"]) == ("GET", "/api/3/users")
    assert (request["query"], request["status"]) == ("limit=2", 200)
    assert client.delete(f"{vendor.url}/_control/log").status_code == 204
    assert client.get(f"{vendor.url}/_control/log").json() == {"log": []}
    assert client.get(f"{vendor.url}/_control/other").status_code == 404


@pytest.mark.parametrize("app", ["activecampaign", "aha"])
def test_the_process_says_where_it_is_and_ends_on_a_signal(app: str) -> None:
    command = [sys.executable, "-m", "local.vendors", app, "--users", "12", "--rate-limit", "5/1"]
    with subprocess.Popen([*command, "--token", "k"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert (ready["connector"], ready["token"]) == (app, "k")
        state = httpx.get(f"{ready['url']}/_control").json()
        assert state["counts"]["users"] == 12
        assert state["switches"]["rate_limit"] == [5, 1.0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
