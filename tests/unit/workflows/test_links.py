"""A link decides one approval for a time, and nobody else can make one."""

from datetime import UTC, datetime, timedelta

import pytest

from rollcall.workflows.links import Link, made, read

KEY = b"key of the deployment"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LINK = Link("0192f1c0", "each.3", "ask", "2026-12-01T12:00:00.000Z")


def test_a_link_says_what_it_was_made_for() -> None:
    text = made(KEY, LINK)
    assert read(KEY, text, NOW) == LINK
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def test_a_link_expires() -> None:
    text = made(KEY, LINK)
    assert read(KEY, text, NOW + timedelta(days=1)) == "expired"
    assert read(KEY, text, NOW + timedelta(hours=23)) == LINK


def test_a_link_of_another_key_is_forged() -> None:
    assert read(b"another key", made(KEY, LINK), NOW) == "forged"


def test_every_change_of_a_letter_is_seen() -> None:
    text = made(KEY, LINK)
    for place, letter in enumerate(text):
        other = "A" if letter != "A" else "B"
        assert read(KEY, text[:place] + other + text[place + 1 :], NOW) == "forged", place
        assert read(KEY, text[:place] + text[place + 1 :], NOW) == "forged", place


@pytest.mark.parametrize(
    "text", ["", ".", "x", "x.y", "é.é", "=.=", "a" * 10_000, "e30.e30", "👻.x"]
)
def test_what_is_no_link_is_forged(text: str) -> None:
    assert read(KEY, text, NOW) == "forged"


def test_the_signature_of_one_link_is_not_anothers() -> None:
    mine, other = made(KEY, LINK), made(KEY, Link("other", "", "ask", LINK.until))
    assert read(KEY, f"{mine.partition('.')[0]}.{other.partition('.')[2]}", NOW) == "forged"
