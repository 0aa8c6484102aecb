"""The keys that are made from names."""

import pytest

from rollcall.fields.model import RESERVED, STANDARD, key_of


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ActiveCampaign User Id", "activecampaign_user_id"),
        ("  Shoe -- size (EU) ", "shoe_size_eu"),
        ("e-mail", "e_mail"),
        ("2nd", "2nd"),
        ("Stra\u00dfe", "stra_e"),
        ("\u540d\u524d", ""),
        ("___", ""),
    ],
)
def test_a_key_is_letters_digits_and_single_underscores(name: str, key: str) -> None:
    assert key_of(name) == key


def test_a_key_is_its_own() -> None:
    for key in (*STANDARD, *RESERVED):
        assert key_of(key) == key
        assert key_of(key.replace("_", " ").upper()) == key


def test_no_standard_field_is_named_like_something_else() -> None:
    assert not RESERVED & STANDARD.keys()
