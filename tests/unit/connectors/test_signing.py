"""Requests are signed as the credential says, and nothing but the request tells the secret."""

import base64
from dataclasses import dataclass

import httpx
import pytest

from rollcall.connectors.signing import signer

SECRET = "s3cr3t&key=1"


@dataclass(frozen=True)
class Shown:
    type: str
    param_name: str | None = None
    add_to: str | None = None


def signed(credential: Shown, secret: dict[str, str], url: str = "https://app/x") -> httpx.Request:
    return next(signer(credential, secret).sync_auth_flow(httpx.Request("GET", url)))


@pytest.mark.parametrize(
    "credential",
    [
        Shown("oauth2_client_credentials"),
        Shown(""),
        Shown("api_key"),
        Shown("api_key", "Api-Token"),
        Shown("api_key", None, "header"),
    ],
)
def test_a_credential_that_cannot_sign_is_refused_without_its_value(credential: Shown) -> None:
    with pytest.raises(ValueError, match="no way to sign") as raised:
        signer(credential, {"value": SECRET})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("kind", ["api_key", "bearer", "basic"])
def test_a_secret_that_lacks_a_part_is_an_error_that_names_the_part(kind: str) -> None:
    with pytest.raises(KeyError, match=r"value|username"):
        signer(Shown(kind, "Api-Token", "header"), {})


@pytest.mark.parametrize(
    ("credential", "secret"),
    [
        (Shown("api_key", "Api-Token", "header"), {"value": SECRET}),
        (Shown("api_key", "key", "query"), {"value": SECRET}),
        (Shown("bearer"), {"value": SECRET}),
        (Shown("basic"), {"username": "user", "password": SECRET}),
    ],
)
def test_the_repr_tells_nothing(credential: Shown, secret: dict[str, str]) -> None:
    auth = signer(credential, secret)
    encoded = base64.b64encode(f"user:{SECRET}".encode()).decode()
    for told in (repr(auth), str(auth), f"{auth}", repr(signed(credential, secret))):
        assert SECRET not in told
        assert encoded not in told


def test_a_key_goes_into_its_header_and_replaces_what_was_there() -> None:
    request = signed(Shown("api_key", "Api-Token", "header"), {"value": SECRET})
    assert request.headers["Api-Token"] == SECRET
    assert "authorization" not in request.headers


def test_a_key_goes_into_the_query_beside_what_is_there() -> None:
    credential = Shown("api_key", "api key", "query")
    request = signed(credential, {"value": SECRET}, "https://app/x?page=2&api%20key=old")
    assert dict(request.url.params) == {"page": "2", "api key": SECRET}
    assert SECRET not in str(request.url)  # it is encoded, so it adds no parameter of its own


def test_a_bearer_token_and_a_password_go_into_authorization() -> None:
    bearer = signed(Shown("bearer"), {"value": SECRET})
    assert bearer.headers["Authorization"] == f"Bearer {SECRET}"
    basic = signed(Shown("basic"), {"username": "user", "password": SECRET})
    encoded = basic.headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(encoded).decode() == f"user:{SECRET}"


def test_every_request_is_signed_anew() -> None:
    auth = signer(Shown("api_key", "key", "query"), {"value": "1"})
    for _ in range(2):
        request = next(auth.sync_auth_flow(httpx.Request("GET", "https://app/x")))
        assert request.url.query == b"key=1"
