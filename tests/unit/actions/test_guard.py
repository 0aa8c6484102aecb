"""No request takes the access of an owner or of the key's own user, however it is written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.actions.guard import Forbidden, refusal
from rollcall.actions.request import Request
from rollcall.connectors import catalog
from rollcall.connectors.answers import Failure
from rollcall.connectors.manifest import Manifest

OWN = "1020675218"


def manifest(key: str) -> Manifest:
    found = catalog.find(key)
    assert found is not None
    return found


def asked(method: str, url: str, body: Any = None, **params: str) -> Request:
    return Request(method, url, {}, params, body)


def told(key: str, request: Request, own: str | Failure | None = OWN) -> Any:
    return refusal(manifest(key), request, lambda: own)


def disable(value: Any) -> dict[str, Any]:
    return {"user": {"enabled": value}}


@pytest.mark.parametrize(
    "url",
    [
        "/users/1", "/users/1/", "//users//1", "/users/1?x=y", "/users/%31", "/users/01",
        "/users/+1", "/users/1.0", "/users/1.json", "/users/1x", "/users/ 1", "/Users/1",
        "/%75sers/1", "/users/1%20", "/users/1%0A",
        "/users%2F1", "/users/1%2F", "/users/1%2Fx", "/users/5%2F..%2F1", "/x%2F..%2Fusers/1",
    ],
)  # fmt: skip
def test_an_owner_is_never_deleted_however_the_id_is_written(url: str) -> None:
    refused = told("activecampaign", asked("DELETE", url))
    assert isinstance(refused, Forbidden)
    assert "owns the account" in refused.detail


@pytest.mark.parametrize("url", ["/users/10", "/users/21", "/users/x1", "/users/1/tags", "/tags/1"])
def test_another_user_is_no_owner(url: str) -> None:
    assert told("activecampaign", asked("DELETE", url)) is None


def test_what_takes_no_access_is_not_looked_at() -> None:
    def never() -> str:
        raise AssertionError

    for request in (
        asked("GET", "/users/1"),
        asked("PUT", "/users/1", {"user": {"email": "a@b.c"}}),
        asked("POST", "/users"),
    ):
        assert refusal(manifest("activecampaign"), request, never) is None


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("body", "params"),
    [
        (disable(False), {}),
        (disable("false"), {}),
        (disable(0), {}),
        (disable("0"), {}),
        (disable("off"), {}),
        (disable(""), {}),
        (disable([]), {}),
        ({"enabled": False}, {}),
        (None, {"enabled": "false"}),
        ({"user": {"first_name": "Sam"}}, {"user[enabled]": "no"}),
    ],
)
def test_the_keys_own_user_is_never_disabled(
    method: str, body: Any, params: dict[str, str]
) -> None:
    request = asked(method, f"/users/{OWN}", body, **params)
    refused = told("aha", request)
    assert isinstance(refused, Forbidden)
    assert "whose key" in refused.detail
    assert told("aha", request, own="7") is None


@pytest.mark.parametrize("body", [None, {}, [], "x", disable(True), disable("true"), disable(None)])
def test_what_disables_nobody_is_let_through(body: Any) -> None:
    assert told("aha", asked("PUT", f"/users/{OWN}", body)) is None


def test_the_query_of_the_url_is_looked_at_too() -> None:
    request = asked("PUT", f"/users/{OWN}?user%5Benabled%5D=false", {})
    assert isinstance(told("aha", request), Forbidden)


def test_an_app_that_does_not_say_whose_the_key_is_is_a_failure() -> None:
    failure = Failure("vendor-broken", "500")
    assert told("aha", asked("PUT", f"/users/{OWN}", disable(False)), failure) == failure


def test_where_nobody_knows_whose_the_key_is_only_owners_are_protected() -> None:
    assert told("aha", asked("PUT", f"/users/{OWN}", disable(False)), None) is None
    assert told("activecampaign", asked("DELETE", "/users/1"), None) is not None


@given(st.integers(min_value=2, max_value=10**20), st.integers(min_value=2, max_value=10**20))
def test_nobody_but_the_own_user_is_refused(user: int, own: int) -> None:
    refused = told("activecampaign", asked("DELETE", f"/users/{user}"), str(own))
    assert (refused is not None) == (user == own)


@pytest.mark.parametrize(
    "request_",
    [
        asked("POST", "/users/1?_method=DELETE"),
        asked("POST", "/users/1", _method="delete"),
        asked("POST", "/users/1", {"_method": " DELETE "}),
    ],
)
def test_a_method_that_is_named_in_a_request_is_one_that_an_app_may_read(request_: Request) -> None:
    assert isinstance(told("activecampaign", request_), Forbidden)
