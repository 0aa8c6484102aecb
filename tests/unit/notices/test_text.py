"""What a notice says fits what SNS takes, whatever an integration is called."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rollcall.notices.due import Kind
from rollcall.notices.text import LONGEST_SUBJECT, plain_subject, text

KINDS: tuple[Kind, ...] = get_args(Kind)
ERROR = {"code": "vendor-broken", "detail": "users, page 3: it answers 500."}


@pytest.mark.parametrize("kind", KINDS)
def test_a_notice_names_the_integration_and_says_what_to_do(kind: Kind) -> None:
    notice = text(kind, "i1", "Marketing", "r1", ERROR)
    assert "Marketing" in notice.subject
    assert "{" not in notice.body.replace("{id}", "")
    assert notice.body.endswith(".")


@pytest.mark.parametrize("kind", ["failure", "time-limit", "reconnect", "quarantine"])
def test_a_notice_of_a_failure_gives_its_code_and_its_reason(kind: Kind) -> None:
    body = text(kind, "i1", "Marketing", "r1", ERROR).body
    assert "users, page 3: it answers 500 (code vendor-broken)" in body


def test_a_hold_says_how_to_decide() -> None:
    body = text("hold", "i1", "Marketing", "r1", None).body
    for call in ("candidates", "approve", "reject"):
        assert f"/v1/runs/r1/{call}" in body


def test_a_detail_without_end_is_cut() -> None:
    error = {"code": "vendor-broken", "detail": "x" * 100_000}
    assert len(text("failure", "i1", "Marketing", "r1", error).body) < 2000


@given(name=some.text(max_size=300))
@pytest.mark.parametrize("kind", KINDS)
def test_a_subject_is_one_short_line_of_ascii(kind: Kind, name: str) -> None:
    subject = text(kind, "i1", name, "r1", ERROR).subject
    assert len(subject) <= LONGEST_SUBJECT
    assert subject.isascii()
    assert subject.isprintable()


@given(name=some.text(alphabet="{}0a!.[]", max_size=20), detail=some.text(alphabet="{}%s0"))
def test_braces_in_what_others_wrote_are_only_text(name: str, detail: str) -> None:
    body = text("failure", "i1", name, "r1", {"code": "vendor-broken", "detail": detail}).body
    assert name in body
    assert detail in body


@given(some.text(max_size=400))
def test_any_subject_becomes_one_that_sns_takes(said: str) -> None:
    subject = plain_subject(said)
    assert 0 < len(subject) <= LONGEST_SUBJECT
    assert subject.isascii()
    assert subject.isprintable()
    assert subject == subject.strip()
