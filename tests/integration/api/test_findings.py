"""What a run says of single records, over HTTP: errors, skips and a plan's changes."""

import csv
import io

import pytest

from rollcall.sync.seen import Sight
from tests.integration.api.caller import Caller
from tests.integration.api.test_runs import runs, start


def with_errors(api: Caller, number: int) -> str:
    _, shown = start(api)
    errors = [
        (
            f"users#{place:05d}#{code}",
            {
                "external_id": f"={place}",
                "code": code,
                "field": field,
                "message": 'says "no"',
                "record": {"id": place, "names": ["a", "b"]},
            },
        )
        for place in range(number)
        for code, field in (("convert-failed", "title"), ("required-missing", "email"))
    ]
    runs(api).kept.save_errors(shown["id"], errors)
    return f"/v1/runs/{shown['id']}"


def test_errors_are_narrowed_down(api: Caller) -> None:
    path = with_errors(api, 7)
    assert len(api.everything(f"{path}/errors", limit=3)) == 14
    assert len(api.everything(f"{path}/errors", limit=3, code="required-missing")) == 7
    assert len(api.everything(f"{path}/errors", limit=3, field="title")) == 7
    assert api.everything(f"{path}/errors", code="required-missing", field="title") == []
    (one,) = api.everything(f"{path}/errors", external_id="=3", field="title")
    assert one["record"] == {"id": 3, "names": ["a", "b"]}


def test_a_cursor_is_of_the_errors_it_was_given_for(api: Caller) -> None:
    path = with_errors(api, 3)
    first = api("GET", f"{path}/errors", query={"limit": "1", "code": "convert-failed"}).json
    other = {"limit": "1", "cursor": first["next_cursor"]}
    assert api("GET", f"{path}/errors", query=other).fields == ["cursor"]


def test_errors_are_a_file_that_runs_nothing(api: Caller) -> None:
    path = with_errors(api, 2)
    answer = api("GET", f"{path}/errors.csv", query={"field": "title"})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "Link" not in answer.headers
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["external_id"] for row in rows] == ["'=0", "'=1"]
    assert rows[0]["message"] == 'says "no"'
    assert rows[0]["record"] == '{"id": 0, "names": ["a", "b"]}'


def test_a_long_file_leads_to_its_next_part(api: Caller) -> None:
    _, shown = start(api)
    much = [
        (f"users#{n:03d}", {"external_id": str(n), "code": code, "message": "m" * 90_000})
        for n in range(120)
        for code in ("convert-failed" if n % 2 else "required-missing",)
    ]
    runs(api).kept.save_errors(shown["id"], much)
    first = api("GET", f"/v1/runs/{shown['id']}/errors.csv", query={"code": "convert-failed"})
    csv.field_size_limit(100_000)
    rows = list(csv.DictReader(io.StringIO(first.text, newline="")))
    assert 40 < len(rows) < 60
    target, relation = first.headers["Link"].removeprefix("<").split(">; ")
    assert relation == 'rel="next"'
    path, _, query = target.partition("?")
    second = api("GET", path, query=dict(part.split("=") for part in query.split("&")))
    assert second.status == 200, second.text
    assert "Link" not in second.headers
    rows += csv.DictReader(io.StringIO(second.text, newline=""))
    assert [row["external_id"] for row in rows] == [str(n) for n in range(1, 120, 2)]


def test_who_was_left_out_is_listed_in_the_order_of_the_app(api: Caller) -> None:
    _, shown = start(api)
    store = runs(api)
    for pass_number in (0, 1):
        for number in range(12):
            skips = [
                [f"{number}-{place}", None, "Ann", "filtered", "email is empty"]
                for place in range(number % 3)
            ]
            sight = Sight("users", None, pass_number, number, None, None, ids=[], skips=skips)
            store.kept.save(shown["id"], [(sight.sort_key("pull"), sight.item())])
    path = f"/v1/runs/{shown['id']}/skipped"
    wanted = [f"{number}-{place}" for number in range(12) for place in range(number % 3)]
    for limit in (1, 2, 5, 100):
        assert [one["external_id"] for one in api.everything(path, limit=limit)] == wanted
    assert api.everything(path)[0] == {
        "external_id": "1-0", "sync_key": None, "name": "Ann", "code": "filtered",
        "message": "email is empty",
    }  # fmt: skip


def test_a_run_that_read_nothing_left_nobody_out_and_changes_nothing(api: Caller) -> None:
    _, shown = start(api)
    for listed in ("skipped", "changes", "errors"):
        assert api.everything(f"/v1/runs/{shown['id']}/{listed}") == []


def test_the_changes_of_a_plan_are_listed_by_kind_and_change(api: Caller) -> None:
    _, shown = start(api)
    changes = [
        (
            f"CHANGE#{kind}#{number:03d}",
            {
                "kind": kind,
                "id": str(number),
                "change": change,
                "before": None,
                "after": {"email": f"{number}@example.com"},
            },
        )
        for number in range(5)
        for kind, change in (("person", "created"), ("account", "updated"))
    ]
    runs(api).kept.save(shown["id"], changes)
    path = f"/v1/runs/{shown['id']}/changes"
    assert len(api.everything(path, limit=3)) == 10
    people = api.everything(path, limit=2, kind="person")
    assert [one["id"] for one in people] == list("01234")
    assert people[0]["after"] == {"email": "0@example.com"}
    assert api.everything(path, kind="person", change="updated") == []


@pytest.mark.parametrize(
    "listed", ["errors", "errors.csv", "skipped", "changes", "log", "candidates"]
)
def test_what_an_unknown_run_found_is_unknown(api: Caller, listed: str) -> None:
    assert api("GET", f"/v1/runs/nothing/{listed}").status == 404
