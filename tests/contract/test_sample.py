"""A few records as a run would see them, read without storing anything."""

from collections.abc import Callable
from typing import Any

import pytest

from rollcall.connectors.answers import Failure
from rollcall.connectors.engine import App
from rollcall.connectors.manifest import build
from rollcall.sync.sample import Sample, completed, first_records, one_record, record_of_email
from tests.contract.replay import Said, Tenant, connected
from tests.contract.scattered import COUNT, failing, listed, tenant
from tests.manifests import joined, scattered


def of(told: Sample | Failure) -> Sample:
    assert isinstance(told, Sample), told
    return told


def test_a_sample_has_the_first_records_completed() -> None:
    app_tenant = tenant(scattered("page", joined()))
    with connected(app_tenant) as app:
        sample = of(first_records(app, 2))
    assert [record["name"] for record in sample.records] == ["User 0", "User 1"]
    assert [record["profile"] is None for record in sample.records] == [True, False]
    assert sample.notes == ()
    details = [asked for asked in app_tenant.asked if "/people/" in asked.path]
    assert len(details) == 2


def test_a_sample_stops_reading_a_joined_list_and_says_so() -> None:
    rows = [{"user_id": 1000 + number} for number in range(40)]
    app_tenant = tenant(scattered("page", joined(), detail=False), rows=rows)
    with connected(app_tenant) as app:
        sample = of(first_records(app, 3))
    assert sample.notes == ("profile: only 10 pages of /profiles were read",)
    assert [record["profile"] for record in sample.records] == [None] * 3
    assert sum(asked.path == "/api/profiles" for asked in app_tenant.asked) == 10


def test_a_sample_reads_no_more_of_a_joined_list_than_it_takes() -> None:
    app_tenant = tenant(scattered("page", joined(), detail=False))
    with connected(app_tenant) as app:
        sample = of(completed(app, [{"id": 2}]))
    assert sample.records[0]["profile"]["title"] == "Title 2"
    assert len(app_tenant.asked) == 1


def test_one_record_is_fetched_alone_or_looked_for_and_completed() -> None:
    data = scattered("page", joined())
    app_tenant = tenant(data)
    with connected(app_tenant) as app:
        assert of(one_record(app, "7")).records[0]["profile"]["title"] == "Title 7"
        assert of(one_record(app, "70")).records == ()
        assert of(one_record(app, "..")).records == ()
    del data["users"]["one"]
    with connected(Tenant(build(data), app_tenant.pages)) as app:
        assert of(one_record(app, "5")).records[0]["email"] == "u5@example.test"
        assert of(one_record(app, "70")) == Sample((), ())


def test_a_record_is_looked_for_by_its_email_whatever_its_case() -> None:
    users = [{"id": number, "email": f"U{number}@example.test"} for number in range(COUNT)]
    data = scattered(detail=False)
    app_tenant = tenant(data, **listed("users", users, "page", COUNT))
    for find in (
        None,
        {"path": "/users", "parameter": "email", "record": "users"},
        {"path": "/users/email/{email}", "record": "user"},
    ):
        changed = {**data, "users": {**data["users"], "find": find}}
        with connected(Tenant(build(changed), app_tenant.pages)) as app:
            assert of(record_of_email(app, " u6@Example.test")).records == (users[6],)
            assert of(record_of_email(app, "u60@example.test")).records == ()
            assert of(record_of_email(app, "6@example.test")).records == ()
            assert of(record_of_email(app, "nobody")).records == ()


def test_a_search_in_a_long_list_says_where_it_ended() -> None:
    users = [{"id": number, "email": f"u{number}@example.test"} for number in range(40)]
    app_tenant = tenant(scattered(detail=False), **listed("users", users, "page", 40))
    with connected(app_tenant) as app:
        told = of(record_of_email(app, "u39@example.test"))
    assert told == Sample((), ("only 10 pages of /users were looked through",))


@pytest.mark.parametrize(
    ("sample", "ending"),
    [
        (lambda app: first_records(app, 3), "/users"),
        (lambda app: first_records(app, 3), "/people/2"),
        (lambda app: first_records(app, 3), "/profiles"),
        (lambda app: one_record(app, "7"), "/users/7"),
        (lambda app: one_record(app, "7"), "/people/7"),
        (lambda app: record_of_email(app, "u7@example.test"), "/users"),
    ],
)
def test_a_sample_is_the_apps_failure_where_a_call_fails(
    sample: Callable[[App], Any], ending: str
) -> None:
    with connected(failing(ending, Said(503, b""))) as app:
        told = sample(app)
    assert isinstance(told, Failure)
    assert told.code == "vendor-broken"
