"""A mapping as it is written, and the connector's own as the same thing."""

from dataclasses import replace
from typing import Any

import pytest

from rollcall.connectors.manifest import Target
from rollcall.mapping.model import MappingRules, Rule, mapping_of
from tests.manifests import manifest


@pytest.mark.parametrize(
    ("written", "write"),
    [
        ({}, "always"),
        ({"sync_key": 0}, "always"),
        ({"sync_key": None, "write": None}, "always"),
        ({"sync_key": 1}, "always"),
        ({"sync_key": 2}, "never"),
        ({"sync_key": 2, "write": "always"}, "always"),
        ({"sync_key": 3, "write": "if_empty"}, "if_empty"),
        ({"write": "if_empty"}, "if_empty"),
    ],
)
def test_a_later_sync_key_only_finds_unless_it_says_otherwise(
    written: dict[str, Any], write: str
) -> None:
    rule = Rule.from_data({"target": "email", "source": "email", **written})
    assert rule.write == write
    assert rule.sync_key == (written.get("sync_key") or 0)


def test_sync_keys_are_in_their_own_order() -> None:
    rules = MappingRules.from_data(
        {
            "fields": [
                {"target": "c", "source": "c", "sync_key": 3},
                {"target": "a", "source": "a", "sync_key": 1},
                {"target": "x", "source": "x"},
                {"target": "b", "source": "b", "sync_key": 2},
            ],
            "sources": None,
        }
    )
    assert [rule.target for rule in rules.sync_keys] == ["a", "b", "c"]
    assert rules.sources == ()


def test_a_constant_that_counts_as_nothing_is_a_constant_all_the_same() -> None:
    connector = replace(
        manifest(),
        mapping=(
            Target("email", source="email", sync_key=1),
            Target("title", value=0),
            Target("status", value=False),
            Target("phone", template="{{ response.phone }}", write="if_empty"),
            Target("username", source="login", sync_key=2),
        ),
    )
    email, title, status, phone, username = mapping_of(connector, None).fields
    assert (email.source, email.template, email.value) == ("email", None, None)
    assert (title.source, title.value) == (None, 0)
    assert status.value is False
    assert (phone.template, phone.write) == ("{{ response.phone }}", "if_empty")
    assert username.write == "never"


def test_an_integrations_own_mapping_comes_before_the_connectors() -> None:
    own = {"fields": [{"target": "username", "source": "login", "sync_key": 1}]}
    assert mapping_of(manifest(), own) == MappingRules.from_data(own)
    assert [rule.target for rule in mapping_of(manifest(), None).fields] == ["email"]
