"""What the switches do to any list and any answer, over HTTP."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from local.vendors import Change, Fault, Switches, serve
from local.vendors.limit import Window
from local.vendors.seed import seed_activecampaign

if TYPE_CHECKING:
    from typing import TypeAlias

    from local.vendors import ActiveCampaign, Aha, Vendor

    Served: TypeAlias = tuple[Vendor[ActiveCampaign], httpx.Client]
    ServedAha: TypeAlias = tuple[Vendor[Aha], httpx.Client]


def listed(client: httpx.Client, size: int = 20) -> list[str]:
    """Page by offset until a page comes short, as a simple client does."""
    found: list[str] = []
    while True:
        page = client.get("/users", params={"limit": size, "offset": len(found)}).json()["users"]
        found += [user["id"] for user in page]
        if len(page) < size:
            return found


def test_a_good_day_lists_everybody_once(campaign: Served) -> None:
    _, client = campaign
    assert listed(client) == [str(number) for number in range(1, 46)]


def test_a_call_takes_its_latency(campaign: Served) -> None:
    vendor, client = campaign
    vendor.switches.latency_ms = 60
    before = time.monotonic()
    client.get("/users/me")
    assert time.monotonic() - before >= 0.06


def test_the_window_slides() -> None:
    window = Window()
    taken = [window.take((2, 1.0), now) for now in (0.0, 0.5, 0.9, 1.1, 1.2)]
    assert [quota.refused for quota in taken if quota] == [False, False, True, False, True]
    assert taken[2] is not None
    assert taken[2].wait == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("fault", "status", "start"),
    [
        (Fault(kind="status", status=502, retry_after=7), 502, b'{"message"'),
        (Fault(kind="status", body=""), 500, b""),
        (Fault(kind="html"), 200, b"<!DOCTYPE html>"),
        (Fault(kind="not_json"), 200, b"upstream"),
        (Fault(kind="wrong_shape"), 200, b'{"data"'),
        (Fault(kind="wrong_shape", body="[]"), 200, b"[]"),
        (Fault(kind="redirect", location="http://169.254.169.254/"), 302, b""),
        (Fault(kind="truncated_json"), 200, b'{"users":['),
    ],
)
def test_a_fault_answers_in_place_of_the_app_once(
    campaign: Served, fault: Fault, status: int, start: bytes
) -> None:
    vendor, client = campaign
    fault.times = 1
    vendor.switches.faults = [fault]
    answer = client.get("/users")
    assert answer.status_code == status
    assert answer.content.startswith(start)
    assert answer.headers.get("retry-after") == (
        str(fault.retry_after) if fault.retry_after else None
    )
    if fault.kind == "redirect":
        assert answer.headers["location"] == fault.location
    if fault.kind == "truncated_json":
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            answer.json()
    assert client.get("/users").json()["meta"] == {"total": "45"}


@pytest.mark.parametrize("kind", ["drop", "truncate"])
def test_a_connection_can_break_before_or_within_the_answer(campaign: Served, kind: str) -> None:
    vendor, client = campaign
    vendor.switches.change({"faults": [{"kind": kind, "times": 1}]})
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/users")
    assert client.get("/users").status_code == 200
    assert [request.status for request in vendor.log] == [0 if kind == "drop" else 200, 200]


def test_an_answer_can_hang_or_drip(campaign: Served) -> None:
    vendor, client = campaign
    vendor.switches.faults = [Fault(kind="hang", seconds=5, times=1)]
    with pytest.raises(httpx.ReadTimeout):
        client.get("/users", timeout=0.1)
    vendor.switches.faults = [Fault(kind="slow_drip", seconds=0.3)]
    before = time.monotonic()
    assert len(client.get("/users", timeout=0.2).json()["users"]) == 20
    assert time.monotonic() - before >= 0.25


def test_an_answer_hangs_until_its_fault_is_taken_back(campaign: Served) -> None:
    vendor, client = campaign
    vendor.switches.faults = [Fault(kind="hang", seconds=60)]
    taken_back = threading.Timer(0.2, setattr, (vendor.switches, "faults", []))
    taken_back.start()
    assert len(client.get("/users", timeout=30).json()["users"]) == 20
    taken_back.join()


def test_a_rule_counts_the_calls_it_matches(campaign: Served) -> None:
    vendor, client = campaign
    vendor.switches.faults = [
        Fault(status=500, match="offset=20", after=1, times=1),
        Fault(status=503, match=r"^GET .*/groups/\d+$"),
    ]
    assert [client.get("/users?offset=20").status_code for _ in range(3)] == [200, 500, 200]
    assert client.get("/groups").status_code == 200
    assert client.get("/groups/3").status_code == 503


def test_the_announced_total_can_be_wrong_missing_or_moving(
    campaign: Served, aha: ServedAha
) -> None:
    vendor, client = campaign
    vendor.switches.announce_total = "wrong"
    vendor.switches.total_wrong_by = -2
    assert client.get("/users").json()["meta"] == {"total": "43"}
    assert client.get("/groups").json()["meta"] == {"total": "4"}
    vendor.switches.lists = ("users", "groups")
    assert client.get("/groups").json()["meta"] == {"total": "2"}
    vendor.switches.announce_total = "missing"
    assert "meta" not in client.get("/users").json()
    vendor.switches.announce_total = "moving"
    totals = [client.get(f"/users?offset={at}").json()["meta"]["total"] for at in (0, 20, 40)]
    assert totals == ["45", "43", "41"]
    other, aha_client = aha
    other.switches.announce_total = "missing"
    assert "pagination" not in aha_client.get("/users").json()


def test_pages_can_be_short_and_rows_stop_before_the_total(
    campaign: Served, aha: ServedAha
) -> None:
    vendor, client = campaign
    vendor.switches.page_cap = 7
    assert len(client.get("/users?limit=20").json()["users"]) == 7
    vendor.switches.page_cap = None
    vendor.switches.rows_stop_at = 25
    page = client.get("/users?limit=20&offset=20").json()
    assert (len(page["users"]), page["meta"]["total"]) == (5, "45")
    assert client.get("/users?limit=20&offset=40").json()["users"] == []
    other, aha_client = aha
    other.switches.page_cap = 20
    pages = [aha_client.get(f"/users?per_page=50&page={n}").json() for n in (1, 2, 3, 4)]
    assert [len(page["users"]) for page in pages] == [20, 20, 20, 10]
    assert pages[0]["pagination"]["total_pages"] == 4


def test_a_list_can_be_empty(campaign: Served, aha: ServedAha) -> None:
    vendor, client = campaign
    vendor.switches.empty_listing = True
    assert client.get("/users").json() == {"users": [], "meta": {"total": "0"}}
    other, aha_client = aha
    other.switches.empty_listing = True
    answer = aha_client.get("/users").json()
    assert answer["pagination"] == {"total_records": 0, "total_pages": 0, "current_page": 1}


def test_a_user_who_leaves_between_pages_makes_another_one_missed(campaign: Served) -> None:
    vendor, client = campaign
    vendor.switches.changes = [Change(after=1, remove=["5"])]
    found = listed(client)
    assert "21" not in found
    assert "21" in vendor.tenant.users


def test_a_user_who_comes_between_pages_makes_another_one_come_twice(campaign: Served) -> None:
    vendor, client = campaign
    del vendor.tenant.users["5"]
    vendor.switches.changes = [Change(after=1, add=[{"id": "5"}])]
    found = listed(client)
    assert found.count("21") == 2
    assert "5" not in found


def test_stop_does_not_wait_for_calls_that_hang() -> None:
    switches = Switches(faults=[Fault(kind="hang", seconds=60)])
    tenant = seed_activecampaign(users=1)
    with serve(tenant, switches) as vendor, httpx.Client(base_url=vendor.url) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/api/3/users", timeout=0.05)
        before = time.monotonic()
        vendor.stop()
        assert time.monotonic() - before < 2
        vendor.switches.faults = []
        vendor.start()
        assert client.get("/api/3/users").status_code == 403


def test_secrets_stay_out_of_the_log(campaign: Served, aha: ServedAha) -> None:
    for vendor, client in (campaign, aha):
        client.get("/users?api_key=topsecret&page=1", headers={"X-Request-Id": "r1"})
        (request,) = vendor.log
        assert request.query == "page=1"
        assert request.headers["x-request-id"] == "r1"
        assert "topsecret" not in repr(request)
        assert vendor.tenant.token not in repr(request)


def test_mistakes_in_switches_are_told() -> None:
    switches = Switches()
    with pytest.raises(AttributeError):
        switches.latency = 5  # type: ignore[attr-defined]
    for bad in ({"latency": 5}, {"announce_total": "perhaps"}, {"token_valid": "no"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            switches.change({"latency_ms": 9, **bad})
    assert switches.latency_ms == 0
    with pytest.raises(ValueError, match="explode"):
        Fault(kind="explode")  # type: ignore[arg-type]
