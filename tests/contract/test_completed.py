"""Where one list does not tell all: detail calls and joined lists, with apps that are nowhere."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from rollcall.connectors import paths
from rollcall.connectors.answers import Failure
from rollcall.connectors.complete import Rows, merged, row_id
from rollcall.connectors.engine import App, Page, Record
from rollcall.connectors.manifest import Joined, Manifest, Users, build
from rollcall.connectors.records import Account, Reader
from rollcall.sync import joined as joined_lists
from rollcall.sync.joined import JoinedLists, TooManyRows
from rollcall.sync.kept import Kept
from rollcall.sync.listing import CursorCameBack
from rollcall.sync.plan import JOINED, USERS, Plan, Task, loaded
from rollcall.sync.seen import Sight
from tests.contract.replay import Asked, Said, Tenant, connected
from tests.contract.scattered import COUNT, IDS, failing, listed, profiles, tenant
from tests.manifests import PAGES, joined, scattered


class Memory:
    """The part of a table that runs keep pages in."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    def write_many(self, puts: Any) -> None:
        self.items |= {item["sk"]: dict(item) for item in puts}

    def query(self, _: str, prefix: str) -> list[dict[str, Any]]:
        return [self.items[sk] for sk in sorted(self.items) if sk.startswith(prefix)]

    def page(self, pk: str, prefix: str, *, limit: int, backwards: bool) -> Any:
        return self.query(pk, prefix)[:: -1 if backwards else 1][:limit], None


class Lap:
    """The pull without a roster: pages of the plan, saved in a table, until `stop` says so."""

    def __init__(self, app: App, table: Memory) -> None:
        self.app = app
        self.table = table
        self.manifest = app.manifest
        kept = Kept(table, 1)  # type: ignore[arg-type]
        self.kept = kept
        self.rows = JoinedLists(
            table,  # type: ignore[arg-type]
            kept,
            "run",
            "pull",
            self.manifest.users.joined,
        )
        saved = [
            Sight.from_item(item)
            for name in ("test", JOINED, USERS)
            for item in table.query("", f"PAGE#pull#{name}#")
        ]
        self.plan = loaded(self.manifest, (), saved, "people")
        self.records: list[Record] = []

    def pull(self, stop: Callable[[Task, str], bool] = lambda *_: False) -> Failure | None:
        while (task := next(self.plan.wanted(()), None)) is not None:
            if stop(task, "before"):
                return None
            page = self.fetch(task)
            if isinstance(page, Failure):
                return page
            if task.list == JOINED:
                assert task.owner is not None
                self.rows.save(task.owner, task.pass_number, task.page.number, page.records)
            if stop(task, "between"):
                return None
            if task.list == USERS:
                self.records += page.records
            self.keep(task, page)
        return None

    def fetch(self, task: Task) -> Page | Failure:
        users = self.manifest.users
        if task.list == "test":
            return Page(({"id": "me"},), None, None)
        listing: Users | Joined = users
        if task.list == JOINED:
            listing = next(one for one in users.joined if one.into == task.owner)
        page = self.app.page(listing, task.page.position)
        if isinstance(page, Failure) or task.list == JOINED:
            return page
        found = self.app.detailed(page.records)
        if isinstance(found, Failure):
            return found
        return Page(tuple(self.rows.complete(found)), page.total, page.next)

    def keep(self, task: Task, page: Page) -> None:
        ids = [
            row_id(row) if task.list == JOINED else paths.text(row["id"]) for row in page.records
        ]
        sight = Sight(
            task.list, task.owner, task.pass_number, task.page.number, page.total, page.next, ids
        )
        self.kept.save("run", [(sight.sort_key("pull"), sight.item())])
        self.plan.add(sight)


def whole(app: App) -> list[Record]:
    lap = Lap(app, Memory())
    assert lap.pull() is None
    assert lap.plan.differing == []
    assert not lap.plan.unfinished
    return lap.records


@pytest.mark.parametrize("style", sorted(PAGES))
def test_records_are_completed_in_every_style_of_paging(style: str) -> None:
    detail = style != "none"
    with connected(tenant(scattered(style, joined(style), detail=detail), style)) as app:
        records = whole(app)
    assert [str(record["id"]) for record in records] == IDS
    assert [record["profile"] and record["profile"]["title"] for record in records] == [
        None,
        *(f"Title {number}" for number in range(1, COUNT)),
    ]
    if detail:
        assert [record["email"] for record in records] == [f"u{n}@example.test" for n in IDS]
        assert records[3]["name"] == "User 3"


def killed(met: list[Task], when: str, after: int, task: Task, now: str) -> bool:
    met.append(task)
    return now == when and len(met) > after


def test_a_run_that_is_killed_at_any_page_goes_on_to_the_same_records() -> None:
    data = scattered("page", joined(), joined(into="again", on="profile.user_id"))
    for row in range(12):
        app_tenant = tenant(data, **listed("joined.again", profiles(), "page", COUNT))
        table = Memory()
        records: dict[str, Record] = {}
        for when in ("before", "between"):
            met: list[Task] = []

            with connected(app_tenant) as app:
                lap = Lap(app, table)
                assert lap.pull(partial(killed, met, when, row)) is None
                records |= {str(record["id"]): record for record in lap.records}
        with connected(app_tenant) as app:
            lap = Lap(app, table)
            assert lap.pull() is None
            records |= {str(record["id"]): record for record in lap.records}
            assert lap.plan.differing == []
        with connected(app_tenant) as app:
            assert [records[one] for one in IDS] == whole(app)


def test_users_come_after_every_joined_list() -> None:
    manifest = build(scattered("page", joined(), joined(into="seats")))
    plan = Plan(manifest, ())
    plan.add(Sight("test", None, 0, 0, None, None, ["me"]))
    order = []
    while (task := next(plan.wanted(()), None)) is not None:
        order.append((task.list, task.owner))
        plan.add(Sight(task.list, task.owner, 0, task.page.number, 1, None, ["a"]))
    assert order == [(JOINED, "profile"), (JOINED, "seats"), (USERS, None)]
    again = Plan(manifest, (USERS,))
    assert {task.list for task in again.wanted(())} == {JOINED}


def test_a_page_whose_users_have_detail_calls_is_read_alone() -> None:
    manifest = build(scattered())
    plan = Plan(manifest, (USERS,))
    plan.add(Sight(USERS, None, 0, 0, 9, None, ["a", "b", "c"]))
    assert [task.page.number for task in plan.wanted(())] == [1]
    assert list(plan.wanted({(USERS, None, 1)})) == []
    assert list(plan.wanted({(JOINED, "x", 1)})) != []


def test_a_joined_list_that_repeats_a_cursor_is_refused() -> None:
    data = scattered("cursor", joined("cursor"))
    pages = listed("joined.profile", profiles(), "cursor", COUNT)
    pages["joined.profile.2"]["next"] = "after 1"
    with connected(tenant(data, "cursor", **pages)) as app, pytest.raises(CursorCameBack):
        Lap(app, Memory()).pull()


def test_a_joined_list_that_differs_from_its_total_is_read_twice_and_told() -> None:
    app_tenant = tenant(scattered("page", joined()))
    for name, page in app_tenant.pages.items():
        if name.startswith("joined."):
            page["total"] = COUNT + 1
    with connected(app_tenant) as app:
        lap = Lap(app, Memory())
        assert lap.pull() is None
    assert lap.plan.differing == [f"joined of profile: {COUNT} different, {COUNT + 1} announced"]
    assert not lap.plan.whole(USERS)
    assert lap.records[1]["profile"]["title"] == "Title 1"
    paths_asked = [asked.path for asked in app_tenant.asked]
    assert paths_asked.count("/api/profiles") == 6


def test_the_rows_of_the_second_reading_hold() -> None:
    table = Memory()
    lists = build(scattered("page", joined())).users.joined
    rows = JoinedLists(table, Kept(table, 1), "run", "pull", lists)  # type: ignore[arg-type]
    rows.save("profile", 0, 0, [{"user_id": 1, "title": "old"}, {"user_id": 2, "title": "gone"}])
    rows.save("profile", 1, 0, [{"user_id": 1, "title": "new"}])
    completed_ = rows.complete([{"id": 1}, {"id": "2"}])
    assert [record["profile"] for record in completed_] == [{"user_id": 1, "title": "new"}, None]


def test_a_page_of_rows_that_is_larger_than_an_item_is_kept_in_parts() -> None:
    table = Memory()
    lists = build(scattered("page", joined())).users.joined
    kept = Kept(table, 1)  # type: ignore[arg-type]
    noise = [row_id({"n": number}) for number in range(60_000)]
    large = [{"user_id": 1, "noise": noise}, {"user_id": 2, "noise": []}]
    for page in (large, large[1:], large):
        JoinedLists(table, kept, "run", "pull", lists).save("profile", 0, 0, page)  # type: ignore[arg-type]
        sizes = [len(item["rows"]) for item in table.query("", "ROWS#")]
        assert len(sizes) > 1
        assert max(sizes) < 350_000
        again = JoinedLists(table, kept, "run", "pull", lists)  # type: ignore[arg-type]
        found = again.complete([{"id": 1}])[0]["profile"]
        assert (found is None) == (page == large[1:])


def test_joined_lists_that_do_not_fit_the_memory_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joined_lists, "MOST_BYTES", 1000)
    app_tenant = tenant(scattered("page", joined()), rows=profiles(note="x" * 200))
    with connected(app_tenant) as app, pytest.raises(TooManyRows, match="joined lists"):
        Lap(app, Memory()).pull()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Said(500, b""), "vendor-broken"),
        (Said(429, b""), "vendor-throttled"),
        (Said(400, b'{"error": "bad"}'), "vendor-rejected"),
        (Said(404, b'{"error": "no route"}'), "vendor-not-found"),
        (Said(200, b'{"person": []}'), "vendor-broken"),
        (Said(200, b"{}"), "vendor-broken"),
    ],
)
def test_a_detail_call_that_fails_fails_its_page(said: Said, code: str) -> None:
    with connected(failing("/people/4", said)) as app:
        lap = Lap(app, Memory())
        told = lap.pull()
    assert isinstance(told, Failure)
    assert told.code == code
    assert [str(record["id"]) for record in lap.records] == IDS[:3]


def test_somebody_the_detail_call_does_not_know_stays_as_listed() -> None:
    gone = Said(404, b'{"error": "no such person"}')
    with connected(failing("/people/4", gone)) as app:
        records = whole(app)
    assert records[4] == {
        "id": 4,
        "name": "as listed",
        "profile": {"id": 904, "user_id": 4, "title": "Title 4"},
    }
    assert records[5]["email"] == "u5@example.test"


def test_a_detail_call_that_knows_nobody_fails_its_page() -> None:
    app_tenant = tenant(scattered())
    for number in IDS:
        del app_tenant.pages[f"detail.{number}"]
    manifest = build({**scattered(), "errors": []})
    with connected(Tenant(manifest, app_tenant.pages)) as app:
        told = Lap(app, Memory()).pull()
    assert isinstance(told, Failure)
    assert told.code == "vendor-broken"
    assert "none of the 3" in told.detail


def test_no_detail_is_asked_of_an_id_that_leads_elsewhere() -> None:
    app_tenant = tenant(scattered())
    records = [{"id": ".."}, {"id": ""}, {"name": "nobody"}, {"id": "x" * 300}, {"id": "1"}]
    with connected(app_tenant) as app:
        found = app.detailed(records)
    assert not isinstance(found, Failure)
    assert list(found[:4]) == records[:4]
    assert [asked.path for asked in app_tenant.asked] == ["/api/people/1"]


def test_a_page_that_would_take_too_long_is_refused_before_any_call() -> None:
    app_tenant = tenant(scattered())
    with connected(app_tenant) as app:
        records = [{"id": str(number)} for number in range(200_000)]
        told = app.detailed(records)
        assert app.page_seconds < 1
    assert isinstance(told, Failure)
    assert "lower users.paging.size" in told.detail
    assert app_tenant.asked == []


def test_the_detail_wins_except_for_who_it_is() -> None:
    record = {"id": 1, "name": "a", "address": {"city": "Berlin", "zip": "1"}, "old": True}
    detail = {"id": 77, "name": "b", "address": {"city": "Bern"}}
    expected = {"id": 1, "name": "b", "address": {"city": "Bern"}, "old": True}
    assert merged(record, detail, "id") == expected
    assert merged(record, detail, "uid | id") == expected
    assert merged({"user": {"id": 1}}, {"user": {"id": 2}}, "user.id") == {"user": {"id": 1}}


def test_rows_are_found_by_text_or_number_and_all_of_them_where_many() -> None:
    rows: list[Record] = [
        {"k": 1, "n": "a"},
        {"k": "1", "n": "b"},
        {"k": True, "n": "c"},
        {"n": "d"},
    ]
    [one, many] = [
        Rows(build(scattered("page", joined(key="k", many=many))).users.joined[0])
        for many in (False, True)
    ]
    one.add(rows)
    many.add(rows)
    assert one.of({"id": "1"}) == rows[0]
    assert many.of({"id": 1}) == rows[:2]
    assert (one.of({"id": 2}), many.of({"id": 2}), many.of({})) == (None, [], [])


def test_grants_are_told_by_details_and_by_joined_rows() -> None:
    data = scattered("page", joined(into="seats", many=True))
    data["users"]["listed"] = [{"type": "role", "each": "seats", "id": "role", "name": "role"}]
    data["users"]["flagged"] = [{"type": "admin", "when": "boss", "id": "boss", "name": "Boss"}]
    app_tenant = tenant(
        data,
        **listed(
            "joined.seats",
            [{"user_id": 1, "role": "editor"}, {"user_id": 1, "role": "owner"}],
        ),
    )
    app_tenant.pages["detail.2"]["person"]["boss"] = True
    with connected(app_tenant) as app:
        accounts = [Reader(app.manifest).account(record) for record in whole(app)]
    held = {
        account.external_id: [grant.id for grant in account.grants]
        for account in accounts
        if isinstance(account, Account) and account.grants
    }
    assert held == {"1": ["editor", "owner"], "2": ["boss"]}


def test_the_answer_itself_may_be_the_list_and_the_record() -> None:
    data = scattered("page", joined(records="", total=""))
    data["users"] |= {"records": "", "total": ""}
    data["users"]["detail"]["record"] = ""
    answers: Mapping[str, Any] = {
        "/api/users": [{"id": 1}, {"id": 2}],
        "/api/people/1": {"email": "a@example.test"},
        "/api/people/2": {"email": "b@example.test"},
        "/api/profiles": [{"user_id": 2, "title": "B"}],
    }

    class Bare(Tenant):
        def answer(self, asked: Asked) -> Said:
            return Said(200, json.dumps(answers[asked.path]).encode())

    with connected(Bare(build(data), {})) as app:
        records = whole(app)
    assert records == [
        {"id": 1, "email": "a@example.test", "profile": None},
        {"id": 2, "email": "b@example.test", "profile": {"user_id": 2, "title": "B"}},
    ]


@pytest.mark.parametrize(
    "manifest",
    [
        build(scattered("page", joined())),
        build(scattered("cursor", joined("cursor"), joined("none", into="b", many=True))),
    ],
)
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"profiles": [1]}', b"<html>"])
def test_a_joined_list_of_another_shape_is_a_failure(manifest: Manifest, body: bytes) -> None:
    app_tenant = Tenant(manifest, {}, Said(200, body))
    with connected(app_tenant) as app:
        told = app.page(manifest.users.joined[0], None)
    assert isinstance(told, Failure)
    assert told.code == "vendor-broken"
