"""A new version of a connector breaks nobody who uses it unnoticed."""

from dataclasses import replace
from typing import Any

import pytest

from rollcall.connectors.manifest import Manifest, build
from rollcall.connectors.uses import broken as broken_with
from rollcall.fields.model import STANDARD
from rollcall.fields.store import ROLES
from rollcall.integrations.model import Integration, RateLimit, RemovalGuard
from tests.manifests import plain, scattered

TITLE = {"key": "title", "name": "Title", "path": "profile.title", "type": "text"}
INTEGRATION = Integration(
    id="1",
    name="Mine",
    connector="example",
    application="Example",
    base_url=None,
    subdomain=None,
    credential_id="2",
    load="people_and_accounts",
    preference="create_and_update",
    schedule={"expression": "rate(1 day)", "timezone": "UTC"},
    removal_guard=RemovalGuard(0.2, 5),
    rate_limit=None,
    contacts=(),
    priority=None,
    owner="somebody",
    headers={},
    params={},
    mapping=None,
    filter=None,
    on_leave="remove",
    on_return="restore",
    status="active",
    created_at="2026-11-24T00:00:00.000Z",
    updated_at="2026-11-24T00:00:00.000Z",
)


def broken(integration: Integration, before: Manifest, after: Manifest) -> list[str]:
    return broken_with(integration, before, after, STANDARD, ROLES)


def example(**changes: Any) -> Manifest:
    return build({**plain(), **changes})


WITH_TITLE = example(fields=[*plain()["fields"], TITLE])


@pytest.mark.parametrize(
    ("mapping", "filter_"),
    [
        ({"fields": [{"target": "title", "source": "title"}]}, None),
        (None, {"field": "title", "op": "is_empty"}),
        (None, {"all": [{"any": [{"not": {"field": "title", "op": "is_empty"}}]}]}),
    ],
)
def test_a_field_that_is_used_may_not_go(mapping: Any, filter_: Any) -> None:
    integration = replace(INTEGRATION, mapping=mapping, filter=filter_)
    place = "mapping" if mapping else "filter"
    assert broken(integration, WITH_TITLE, example()) == [f"its {place} uses the field title"]
    assert broken(integration, WITH_TITLE, WITH_TITLE) == []


@pytest.mark.parametrize(
    ("mapping", "place"),
    [
        ({"fields": [{"target": "title", "template": "{{ source.title | upper }}"}]}, "fields"),
        ({"fields": [{"target": "title", "template": "{{ source['title'] }}"}]}, "fields"),
        ({"fields": [], "sources": [{"key": "x", "template": "{{ source.title }}"}]}, "sources"),
    ],
)
def test_a_field_that_a_template_reads_may_not_go(mapping: Any, place: str) -> None:
    integration = replace(INTEGRATION, mapping=mapping)
    (said,) = broken(integration, WITH_TITLE, example())
    assert said.startswith(f"mapping.{place}.0.template line 1, column 4: there is no source.title")
    assert broken(integration, WITH_TITLE, WITH_TITLE) == []


@pytest.mark.parametrize(
    "mapping",
    [
        None,
        {"fields": [{"target": "email", "source": "email"}]},
        {"fields": [{"target": "title", "source": "profile.title"}]},
        {"fields": [{"target": "title", "value": "title"}], "sources": None},
        {"fields": [{"target": "title", "template": "{{ response.title }}"}]},
    ],
)
def test_a_field_that_nobody_uses_may_go(mapping: Any) -> None:
    integration = replace(INTEGRATION, mapping=mapping)
    assert broken(integration, WITH_TITLE, example()) == []


def test_a_subdomain_must_still_lead_somewhere() -> None:
    fixed = example(address={"path": "/api", "base_url": "https://api.example.com"})
    there = replace(INTEGRATION, subdomain="acme")
    (said,) = broken(there, example(), fixed)
    assert "subdomain_url" in said
    assert broken(replace(INTEGRATION, base_url="https://a.example.com"), example(), fixed) == []


def test_details_must_fit_the_rate_limit_of_the_integration() -> None:
    detailed = build(scattered())
    slow = replace(INTEGRATION, rate_limit=RateLimit(1, 60))
    (said,) = broken(slow, example(), detailed)
    assert "a page of 3 users" in said
    assert broken(INTEGRATION, example(), detailed) == []


def test_a_new_field_may_not_take_the_name_of_a_source_that_was_added() -> None:
    sources = [{"key": "title", "path": "job"}]
    mapping = {"fields": [{"target": "title", "source": "title"}], "sources": sources}
    added = replace(INTEGRATION, mapping=mapping)
    (said,) = broken(added, example(), WITH_TITLE)
    assert said.startswith("mapping.sources.0.key 'title' is a source of the connector")
    assert broken(added, WITH_TITLE, WITH_TITLE) == []
