"""The engine turns the pages of every style, one call a page, with a connector that is nowhere."""

from typing import Any

import pytest

from rollcall.connectors.answers import Failure
from rollcall.sync.listing import Reading
from tests.contract.replay import Asked, Said, Tenant, connected
from tests.manifests import PAGES, manifest

USERS = [{"id": number, "email": f"u{number}@example.test"} for number in range(8)]


def pages(style: str, total: bool) -> dict[str, Any]:
    size = PAGES[style].get("size", len(USERS))
    cut = [USERS[start : start + size] for start in range(0, len(USERS), size)]
    found: dict[str, Any] = {"me": {"email": "me@example.test"}}
    for number, users in enumerate(cut, 1):
        page: dict[str, Any] = {"users": users}
        if total:
            page["total"] = str(len(USERS))
        if style == "cursor" and number < len(cut):
            page["next"] = f"after {number}&"
        found[f"users.{number}"] = page
    return found


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("style", sorted(PAGES))
def test_a_list_is_read_to_its_end_in_every_style(style: str, total: bool) -> None:
    example = manifest(style)
    tenant = Tenant(example, pages(style, total))
    reading = Reading("users", example.users.paging)
    ids: list[str] = []
    with connected(tenant) as app:
        while (wanted := next(reading.wanted(), None)) is not None:
            before = len(tenant.asked)
            page = app.page(example.users, wanted.position)
            assert not isinstance(page, Failure)
            assert len(tenant.asked) == before + 1
            read = [str(record["id"]) for record in page.records]
            reading.add(wanted.number, read, page.total, page.next)
            ids += read
    assert reading.verdict() == "whole"
    assert ids == [str(user["id"]) for user in USERS]
    assert [asked.query for asked in tenant.asked] == {
        "offset": [
            {"limit": "3", "offset": "0"},
            {"limit": "3", "offset": "3"},
            {"limit": "3", "offset": "6"},
        ],
        "page": [
            {"per_page": "3", "page": "1"},
            {"per_page": "3", "page": "2"},
            {"per_page": "3", "page": "3"},
        ],
        "cursor": [
            {"limit": "3"},
            {"limit": "3", "after": "after 1&"},
            {"limit": "3", "after": "after 2&"},
        ],
        "none": [{}],
    }[style]


class Moody(Tenant):
    """Answers what it was told to, one after the other, and then what the fixtures hold."""

    def __init__(self, *moods: Said) -> None:
        super().__init__(manifest(), pages("page", total=True))
        self.moods = list(moods)

    def answer(self, asked: Asked) -> Said:
        usual = super().answer(asked)
        return self.moods.pop(0) if self.moods else usual


def test_a_403_that_the_test_call_does_not_share_is_asked_once_more() -> None:
    tenant = Moody(Said(403, b""))
    with connected(tenant) as app:
        page = app.page(tenant.manifest.users, 1)
    assert not isinstance(page, Failure)
    assert [asked.path for asked in tenant.asked] == ["/api/users", "/api/me", "/api/users"]


def test_a_403_that_stays_is_forbidden_and_no_refused_credential() -> None:
    me = Said(200, b'{"email": "me@example.test"}')
    tenant = Moody(Said(403, b""), me, Said(403, b'{"message": "Forbidden"}'))
    with connected(tenant) as app:
        told = app.page(tenant.manifest.users, 1)
    assert told == Failure("vendor-forbidden", "403: Forbidden", status=403)
    assert len(tenant.asked) == 3


def test_nothing_else_is_asked_again() -> None:
    for status in (400, 401, 404, 422, 429, 500, 503):
        tenant = Moody(Said(status, b""))
        with connected(tenant) as app:
            assert isinstance(app.page(tenant.manifest.users, 1), Failure)
        assert len(tenant.asked) == 1


def test_a_test_call_that_does_not_say_whose_the_key_is_fails() -> None:
    tenant = Moody(Said(200, b'{"id": 1}'))
    with connected(tenant) as app:
        told = app.test()
    assert isinstance(told, Failure)
    assert told.code == "vendor-broken"


def test_the_rows_of_a_user_are_a_list_or_a_single_object() -> None:
    row = {"user": "1", "group": "2"}
    for rows in (row, [row], []):
        tenant = Tenant(manifest(), {"groups_of.1": {"groups": rows}})
        with connected(tenant) as app:
            assert app.groups_of("1") == ((row,) if rows else ())
