"""What an app's answer means, in every shape that these two apps have been seen to answer in."""

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors.answers import MAX_WAIT, PASSING, Answer, Failure, judge
from rollcall.connectors.manifest import Error

HTML = b"<!DOCTYPE html>\n<HTML><body><h1>Not here</h1></body></HTML>"
NO_RESULT = Error(status=(403, 404), contains="No Result found", means="not-found")
BUSY = Error(status=(403,), contains="too many", means="throttled")


def failed(
    status: int,
    body: Any = b"",
    headers: dict[str, str] | None = None,
    errors: tuple[Error, ...] = (),
) -> Failure:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    judged = judge(status, headers or {}, raw, errors)
    assert isinstance(judged, Failure)
    return judged


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (301, "vendor-broken"),
        (302, "vendor-broken"),
        (304, "vendor-broken"),
        (400, "vendor-rejected"),
        (401, "vendor-unauthorized"),
        (402, "vendor-rejected"),
        (403, "vendor-forbidden"),
        (404, "vendor-not-found"),
        (405, "vendor-rejected"),
        (406, "vendor-rejected"),
        (408, "vendor-broken"),
        (409, "vendor-rejected"),
        (422, "vendor-rejected"),
        (429, "vendor-throttled"),
        (500, "vendor-broken"),
        (502, "vendor-broken"),
        (503, "vendor-broken"),
        (504, "vendor-broken"),
        (520, "vendor-broken"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"  \n", HTML, b"{}", b'{"message": "no"}', b"\xff\xfe\x00"])
def test_a_failure_is_told_by_its_status_whatever_the_body(
    status: int, code: str, body: bytes
) -> None:
    failure = failed(status, body)
    assert failure.code == code
    assert str(status) in failure.detail
    assert failure.passing == (code in PASSING)


def test_an_empty_403_says_so() -> None:
    assert failed(403).detail == "403 with an empty body"


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_a_page_of_html_is_not_repeated(status: int) -> None:
    assert failed(status, HTML).detail == f"{status}: a page, not JSON"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "Forbidden"}, "Forbidden"),
        ({"error": "Record not found."}, "Record not found."),
        (
            {"error": "Validation failed", "errors": {"message": "Status can't be blank"}},
            "Validation failed; Status can't be blank",
        ),
        ({"errors": [{"message": "Name can't be blank"}]}, "Name can't be blank"),
        ({"errors": ["Name can't be blank"]}, "Name can't be blank"),
        ({"errors": "Name can't be blank"}, "Name can't be blank"),
        ({"errors": {"email": ["is taken", "is odd"]}}, "email is taken; email is odd"),
        ({"errors": {"email": "is taken"}}, "email is taken"),
        (
            {
                "errors": [
                    {
                        "title": "Email address already exists in the system",
                        "detail": "",
                        "code": "duplicate",
                        "source": {"pointer": "/data/attributes/email"},
                    }
                ]
            },
            "Email address already exists in the system",
        ),
        (
            {
                "errors": [
                    {"status": 403, "title": "Forbidden", "detail": "You may not view lists."}
                ]
            },
            "Forbidden: You may not view lists.",
        ),
        ({"errors": [{"status": 404, "title": "Not Found"}]}, "Not Found"),
        ({"errors": [{"status": 404}]}, ""),
        ({"errors": None, "error": 7, "message": ["a"]}, ""),
        ({"error": "Gone", "message": "Gone"}, "Gone"),
        (["a", "b"], "['a', 'b']"),
        ("words", "words"),
        (7, "7"),
        (None, "None"),
    ],
)
def test_the_apps_own_words_are_told_in_whatever_shape_they_come(body: Any, said: str) -> None:
    expected = f"422: {said}" if said else "422 with an empty body"
    assert failed(422, body).detail == expected


def test_plain_text_is_told_as_it_is() -> None:
    assert failed(400, b" Bad Request \n").detail == "400: Bad Request"


def test_long_words_are_cut() -> None:
    assert len(failed(400, b"x" * 10_000).detail) < 400
    assert len(failed(400, {"message": "x" * 10_000}).detail) < 400
    assert len(failed(400, {"errors": ["x" * 200] * 3 + ["y" * 200] * 3}).detail) < 400


def test_the_manifest_says_which_words_mean_something_else() -> None:
    body = {"message": "No Result found for Group with id 8"}
    assert failed(403, body, errors=(NO_RESULT,)).code == "vendor-not-found"
    assert failed(404, body, errors=(NO_RESULT,)).code == "vendor-not-found"
    assert failed(403, {"message": "Forbidden"}, errors=(NO_RESULT,)).code == "vendor-forbidden"
    assert failed(422, body, errors=(NO_RESULT,)).code == "vendor-rejected"
    assert failed(403, body).code == "vendor-forbidden"


def test_a_status_that_the_manifest_calls_throttled_waits_as_told() -> None:
    failure = failed(403, {"error": "too many"}, {"retry-after": "9"}, errors=(NO_RESULT, BUSY))
    assert (failure.code, failure.wait_seconds) == ("vendor-throttled", 9)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "30"}, 30),
        ({"retry-after": " 30 "}, 30),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "86400"}, MAX_WAIT),
        ({"retry-after": "9" * 400}, MAX_WAIT),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 1),
        ({"retry-after": "Sat, 31 Dec 2199 23:59:59 GMT"}, MAX_WAIT),
        ({"retry-after": "Sat, 31 Dec 2199 23:59:59 -0000"}, MAX_WAIT),
        ({"retry-after": "Sat, 99 Dec 2199 23:59:59 GMT"}, None),
        ({"retry_after": "12"}, 12),
        ({"retry-after": "7", "retry_after": "12"}, 7),
        ({"retry-after": "soon", "retry_after": "12"}, 12),
        ({"x-ratelimit-reset": "1"}, 1),
        ({"x-ratelimit-reset": "9999999999"}, MAX_WAIT),
        ({"x-ratelimit-reset": "9" * 400}, MAX_WAIT),
        ({"x-ratelimit-reset": "later"}, None),
        ({"retry-after": "7", "x-ratelimit-reset": "9999999999"}, 7),
        ({"retry-after": "soon", "x-ratelimit-reset": "1"}, 1),
    ],
)
def test_the_wait_is_what_the_app_announces_in_any_of_its_ways(
    headers: dict[str, str], seconds: int | None
) -> None:
    failure = failed(429, b"", headers)
    assert (failure.code, failure.wait_seconds) == ("vendor-throttled", seconds)


def test_a_date_and_a_reset_are_counted_from_now() -> None:
    soon = time.time() + 100
    by_date = failed(429, b"", {"retry-after": formatdate(soon, usegmt=True)}).wait_seconds
    by_reset = failed(429, b"", {"x-ratelimit-reset": str(int(soon))}).wait_seconds
    assert by_date is not None
    assert by_reset is not None
    assert 1 <= by_date <= 101
    assert 1 <= by_reset <= 101


def test_a_503_that_says_when_to_come_back_is_a_limit_and_any_other_is_a_fault() -> None:
    assert failed(503, HTML, {"retry-after": "20"}) == Failure(
        "vendor-throttled", "503: a page, not JSON", 20, 503
    )
    assert failed(503, HTML).code == "vendor-broken"
    assert failed(503, HTML, {"retry-after": "soon"}).code == "vendor-broken"


def test_no_other_failure_says_how_long_to_wait() -> None:
    for status in (400, 401, 403, 404, 500):
        assert failed(status, b"", {"retry-after": "20"}).wait_seconds is None


@pytest.mark.parametrize(
    "body",
    [b'{"users":[{"id":"1"', b'{"users":', b"[1,2", HTML, b"ok", b"\xff", b"[" * 200_000],
)
def test_an_answer_that_is_not_whole_json_is_broken(body: bytes) -> None:
    failure = failed(200, body)
    assert failure.code == "vendor-broken"
    assert "not whole JSON" in failure.detail


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_not_an_answer(status: int) -> None:
    failure = failed(status, b'{"users": []}', {"location": "https://elsewhere/?key=secret"})
    assert failure.code == "vendor-broken"
    assert "elsewhere" not in failure.detail


@given(
    st.integers(100, 599),
    st.dictionaries(
        st.sampled_from(["retry-after", "retry_after", "x-ratelimit-reset"]),
        st.text() | st.integers().map(str),
    ),
    st.binary() | st.text().map(str.encode) | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner)
        | st.dictionaries(st.sampled_from(["error", "errors", "message", "title", "x"]), inner),
    ).map(lambda body: json.dumps(body).encode()),
)  # fmt: skip
def test_nothing_an_app_can_answer_raises(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    judged = judge(status, headers, body, (NO_RESULT,))
    if isinstance(judged, Failure):
        assert judged.wait_seconds is None or 1 <= judged.wait_seconds <= MAX_WAIT
        assert len(judged.detail) < 400
    else:
        assert 200 <= status < 300


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_the_decoded_body_or_none(status: int) -> None:
    assert judge(status, {}, b'{"users": []}') == Answer(status, {"users": []})
    assert judge(status, {}, b" ") == Answer(status, None)
    assert judge(status, {}, b'\xef\xbb\xbf{"a": "\xc3\xa9"}') == Answer(status, {"a": "é"})


def test_half_a_pair_of_utf_16_becomes_a_question_mark_so_that_it_can_be_stored() -> None:
    whole = judge(200, {}, b'{"a": "cut \\ud83d", "b": "\\ud83d\\ude00", "c": "\xed\xa0\xbd"}')
    assert isinstance(whole, Answer)
    assert whole.body["a"] == "cut ?"
    assert whole.body["b"] == "\N{GRINNING FACE}"
    assert json.dumps(whole.body, ensure_ascii=False).encode()
