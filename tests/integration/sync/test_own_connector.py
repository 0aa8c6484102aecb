"""A connector of a customer's own, whose users no list tells all about, synced as a built-in is."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local import furnish
from rollcall.connectors.store import Connectors
from rollcall.integrations.model import Integration
from tests.contract.replay import Asked, Said, Tenant, served
from tests.contract.scattered import COUNT, Failing, listed, profiles, tenant
from tests.integration.sync.conftest import MINUTES, House
from tests.manifests import joined, scattered

SEATS = [{"user_id": number, "role": "editor"} for number in range(4)]


def data() -> dict[str, Any]:
    """Details, a profile, seats that are roles; nobody can be looked at alone."""
    made = scattered("page", joined(), joined(into="seats", path="/seats", many=True))
    made["users"]["joined"][1]["records"] = "profiles"
    made["users"]["listed"] = [{"type": "role", "each": "seats", "id": "role", "name": "role"}]
    del made["users"]["one"]
    made["fields"].append(
        {"key": "title", "name": "Title", "path": "profile.title", "type": "text"}
    )
    made["mapping"].append({"target": "title", "source": "title"})
    return made


def pages(**more: Any) -> Tenant:
    return tenant(data(), **listed("joined.seats", SEATS, "page", len(SEATS)), **more)


@contextmanager
def connected(house: House, app: Tenant) -> Iterator[Integration]:
    """The app served, its connector added, and an integration with it."""
    assert Connectors(house.config).create(data(), "somebody") is not None
    with served(app) as url:
        yield furnish.integrate(
            house.aws, house.settings, "example", url.removesuffix("/api"), "key"
        )


def attributes(house: House, integration: Integration) -> list[dict[str, Any]]:
    accounts = house.stored(integration, "ACCOUNT#").values()
    return [json.loads(account["attributes"]) for account in accounts]


def counted(run: Any) -> dict[str, int]:
    return {name: number for name, number in run.counts.items() if number}


def test_completed_records_are_on_the_roster_and_stay_unchanged(house: House) -> None:
    with connected(house, pages()) as integration:
        first = house.run(integration)
        assert first.status == "succeeded", first.error
        assert counted(first) == {"pulled": COUNT, "added": COUNT}
        again = house.run(integration)
    assert counted(again) == {"pulled": COUNT, "unchanged": COUNT}
    stored = {one["id"]: one for one in attributes(house, integration)}
    assert stored[3]["email"] == "u3@example.test"
    assert stored[3]["profile"]["title"] == "Title 3"
    assert stored[0]["profile"] is None
    assert {person["fields"].get("title") for person in house.people()} == {
        None,
        *(f"Title {number}" for number in range(1, COUNT)),
    }
    assert len(house.stored(integration, "GRANT#")) == len(SEATS)


def short_of_time(after: int) -> Callable[[], int]:
    """Time that is up after so many questions, and is there again after that."""
    asked = 0

    def remaining() -> int:
        nonlocal asked
        asked += 1
        return 0 if asked % after == 0 else MINUTES

    return remaining


@pytest.mark.parametrize("after", [2, 3, 5])
def test_a_run_in_many_laps_comes_to_the_same(house: House, after: int) -> None:
    with connected(house, pages()) as integration:
        run = house.finish(house.start(integration), short_of_time(after))
        assert run.status == "succeeded", run.error
        assert house.laps > 4
        assert counted(run) == {"pulled": COUNT, "added": COUNT}
        again = house.run(integration)
    assert counted(again) == {"pulled": COUNT, "unchanged": COUNT}


def test_a_row_that_is_gone_is_looked_for_again_before_its_grant_goes(house: House) -> None:
    app = pages()
    with connected(house, app) as integration:
        house.run(integration)
        app.pages |= listed("joined.seats", SEATS[1:], "page", len(SEATS) - 1)
        del app.pages["joined.seats.2"]
        before = len(app.asked)
        run = house.run(integration)
    assert run.status == "succeeded", run.error
    asked = [one.path for one in app.asked[before:]]
    assert asked.count("/api/seats") == 2
    assert counted(run)["updated"] == 1
    grants = house.stored(integration, "GRANT#").values()
    assert [grant["status"] for grant in grants].count("revoked") == 1


def test_a_joined_list_that_differs_removes_nobody_and_fails_the_run(house: House) -> None:
    app = pages()
    with connected(house, app) as integration:
        house.run(integration)
        for name, page in app.pages.items():
            if name.startswith("joined.profile"):
                page["total"] = 99
        run = house.run(integration)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == "count-mismatch"
    assert "joined of profile" in run.error["detail"]
    assert counted(run)["pulled"] == COUNT


def test_a_detail_call_that_fails_for_good_fails_the_run_at_its_page(house: House) -> None:
    usual = pages()
    app = Failing(usual.manifest, usual.pages)
    app.ending, app.said = "/people/4", Said(400, b'{"error": "broken"}')
    with connected(house, app) as integration:
        run = house.run(integration)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == "vendor-rejected"
    assert "broken" in run.error["detail"]
    assert len(attributes(house, integration)) == 3


class Unsure(Tenant):
    """Fails each call once."""

    def answer(self, asked: Asked) -> Said:
        known = [(one.path, one.query) for one in self.asked]
        usual = super().answer(asked)
        first = (asked.path, asked.query) not in known
        return Said(503, b"") if first and asked.path.endswith(("/seats", "/people/5")) else usual


def test_a_call_that_fails_in_passing_is_made_again(house: House) -> None:
    usual = pages()
    with connected(house, Unsure(usual.manifest, usual.pages)) as integration:
        run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert counted(run) == {"pulled": COUNT, "added": COUNT}


def test_a_new_version_reads_every_record_anew(house: House) -> None:
    with connected(house, pages()) as integration:
        house.run(integration)
        store = Connectors(house.config)
        seen = store.seen("example")
        assert seen is not None
        changed = data()
        changed["mapping"][1] = {"target": "department", "source": "title"}
        assert store.replace(seen, changed, "somebody") != "changed"
        run = house.run(integration)
    assert counted(run) == {"pulled": COUNT, "updated": COUNT}
    departments = {person["fields"].get("department") for person in house.people()}
    assert "Title 3" in departments


def test_where_only_people_are_loaded_joined_lists_are_read_all_the_same(house: House) -> None:
    app = tenant(data(), rows=profiles(), **listed("joined.seats", SEATS, "page", len(SEATS)))
    assert Connectors(house.config).create(data(), "somebody") is not None
    with served(app) as url:
        integration = furnish.integrate(
            house.aws,
            house.settings,
            "example",
            url.removesuffix("/api"),
            "key",
            load="people",
        )
        run = house.run(integration)
    assert run.status == "succeeded", run.error
    assert {person["fields"].get("title") for person in house.people()} >= {"Title 1", "Title 7"}
