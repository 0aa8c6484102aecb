"""No secret leaves with a record, and every record that is kept can be stored."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.items import from_item, to_item
from rollcall.sync.masking import (
    LARGEST,
    MASK,
    hidden,
    masked,
    named,
    without_named,
    without_secrets,
    without_values,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "key",
    ["password", "Password", "user_password", "passwd", "token", "accessToken", "client_secret",
     "api_key", "apiKey", "API-KEY", "authorization", "Authorisation"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["s3cret", 7, ["s3cret"], {"inner": "s3cret"}])
def test_what_looks_like_a_secret_is_masked(key: str, value: Any) -> None:
    assert without_secrets({"id": "1", key: value}, ()) == {"id": "1", key: MASK}
    assert without_secrets({"deep": [{key: value}]}, ()) == {"deep": [{key: MASK}]}


@pytest.mark.parametrize(
    "record",
    [{"has_password": True}, {"password": None}, {"token": ""}, {"email": "a@b.test"}, {"key": 1}],
)
def test_what_tells_no_secret_is_shown(record: dict[str, Any]) -> None:
    assert without_secrets(record, ("s3cret",)) == record


@given(st.dictionaries(TEXT, JSON, max_size=4), st.text("xyz", min_size=3, max_size=6))
def test_a_secret_of_the_credential_is_nowhere_in_it(record: dict[str, Any], secret: str) -> None:
    hidden = {**record, "said": f"your key {secret}!", secret: [secret, {"echo": secret}]}
    shown = without_secrets(hidden, (secret, ""))
    assert secret not in json.dumps(shown)


def test_of_two_secrets_the_longer_is_masked_whole() -> None:
    assert without_secrets({"a": "abcdef"}, ("abc", "abcdef")) == {"a": MASK}
    assert masked("nothing", ()) == "nothing"


def test_a_number_that_is_the_secret_is_masked() -> None:
    assert without_secrets({"pin": 123456}, ("123456",)) == {"pin": MASK}


def test_a_record_of_more_than_50_kb_is_dropped() -> None:
    assert without_secrets({"a": "x" * LARGEST}, ()) is None
    assert without_secrets({"a": "x" * (LARGEST - 100)}, ()) is not None


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_every_record_that_is_kept_can_be_stored(record: dict[str, Any]) -> None:
    shown = without_secrets(record, ())
    assert from_item(to_item({"pk": "p", "record": shown}))["record"] is not None


@pytest.mark.parametrize("value", [10**60, 1e300, 1e-300, float("inf"), float("nan")])
def test_a_number_that_no_table_holds_is_kept_as_text(value: float) -> None:
    assert without_secrets({"n": value}, ()) == {"n": str(value)}


def test_what_is_nested_too_deep_for_a_table_is_kept_as_text() -> None:
    deep: Any = "s3cret"
    for _ in range(60):
        deep = [deep]
    shown = without_secrets({"deep": deep}, ("s3cret",))
    assert MASK in json.dumps(shown)
    inner, depth = (shown or {})["deep"], 0
    while isinstance(inner, list):
        inner, depth = inner[0], depth + 1
    assert depth < 30


def test_what_is_written_under_the_name_of_a_secret_is_masked_and_a_template_stays() -> None:
    written = {
        "user": {"password": "p4ss", "name": "Sam", "pin": 7},
        "tokens": [{"value": 8}, "t0ken"],
        "secret": "{{ inputs.password }}",
        "api-key": "",
        "has_password": True,
    }
    assert without_named(written) == {
        **written,
        "user": {"password": MASK, "name": "Sam", "pin": 7},
        "tokens": [{"value": MASK}, MASK],
    }
    assert [*named(written, "body")] == [
        "body.user.password",
        "body.tokens.0.value",
        "body.tokens.1",
    ]


def test_what_is_masked_is_found_where_it_stands() -> None:
    real = {"a": "s3cret-value", "b": ["s3cret-two", "x"], "c": {"d": "short"}, "e": "shown"}
    shown = {"a": MASK, "b": [MASK, "x"], "c": MASK, "e": "shown"}
    assert [*hidden(real, shown)] == ["s3cret-value", "s3cret-two"]
    told = {"said": "it is s3cret-value!", "e": "shown"}
    assert without_values(told, [*hidden(real, shown)]) == {"said": f"it is {MASK}!", "e": "shown"}
