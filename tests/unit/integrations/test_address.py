"""Where an integration's app is reached."""

from dataclasses import replace

import pytest

from rollcall.connectors import catalog
from rollcall.connectors.manifest import Manifest
from rollcall.integrations.address import Unusable, is_subdomain, origin, resolve
from rollcall.integrations.model import Integration, RemovalGuard

ALLOWED = frozenset({"127.0.0.1", "vendor.internal"})
DRAFT = Integration(
    id="1",
    name="AC",
    connector="activecampaign",
    application="ActiveCampaign",
    base_url=None,
    subdomain=None,
    credential_id="1",
    load="people_and_accounts",
    preference="create_and_update",
    schedule={"expression": "rate(1 day)", "timezone": "UTC"},
    removal_guard=RemovalGuard(0.2, 5),
    rate_limit=None,
    contacts=(),
    priority=None,
    owner="ann",
    headers={},
    params={},
    mapping=None,
    filter=None,
    on_leave="remove",
    on_return="restore",
    status="draft",
    created_at="",
    updated_at="",
)


@pytest.fixture
def manifest() -> Manifest:
    found = catalog.find("activecampaign")
    assert found is not None
    return found


def test_the_integrations_own_address_comes_first(manifest: Manifest) -> None:
    both = replace(DRAFT, base_url="https://x.example", subdomain="acme")
    assert resolve(manifest, both, "other") == "https://x.example/api/3"
    named = replace(DRAFT, subdomain="acme")
    assert resolve(manifest, named, "other") == "https://acme.api-us1.com/api/3"
    assert resolve(manifest, DRAFT, "other") == "https://other.api-us1.com/api/3"
    assert resolve(manifest, DRAFT, None) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://Acme.Example.COM", "https://acme.example.com"),
        ("HTTPS://acme.example", "https://acme.example"),
        ("https://acme.example/api/3/", "https://acme.example"),
        ("https://acme.example:443", "https://acme.example"),
        ("https://acme.example:8443/api/3", "https://acme.example:8443"),
        ("https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://vendor.internal:9000", "http://vendor.internal:9000"),
        ("https://[2606:4700::1111]:8443", "https://[2606:4700::1111]:8443"),
    ],
)
def test_an_origin_is_read(text: str, expected: str) -> None:
    assert origin(text, "/api/3", ALLOWED) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "https://"),
        ("//acme.example", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https:///api/3", "host name"),
        ("http://acme.example", "https://"),
        ("http://127.0.0.1.example", "https://"),
        ("https://ann@acme.example", "user name"),
        ("https://@acme.example", "user name"),
        ("https://acme.example/api/3?key=1", "query"),
        ("https://acme.example/api/4", "host only"),
        ("https://acme.example//api/3", "host only"),
        ("https://acme.example/api/3/users", "host only"),
        ("https://acme_.example.1", "host name"),
        ("https://münchen.example", "host name"),
        ("https://a..example", "host name"),
        ("https://-a.example", "host name"),
        (f"https://{'a' * 64}.example", "host name"),
        (f"https://{'a.' * 130}example", "host name"),
        ("https://127.1", "host name"),
        ("https://0xA9FEA9FE", "host name"),
        ("https://localhost:8080", "public host name"),
        ("https://app.localhost", "public host name"),
        ("https://192.168.1.1", "private"),
        ("https://100.64.0.1", "private"),
        ("https://0.0.0.0", "private"),
        ("https://[::1]", "private"),
        ("https://[fe80::1]", "private"),
        ("https://[::ffff:127.0.0.1]", "private"),
        ("https://acme.example:x", "not a URL"),
        ("https://acme.example:0", "port"),
        ("https://[::1", "not a URL"),
    ],
)
def test_what_cannot_be_called_is_refused(text: str, said: str) -> None:
    fault = origin(text, "/api/3", ALLOWED)
    assert isinstance(fault, Unusable)
    assert said in fault.message


def test_subdomains() -> None:
    assert all(map(is_subdomain, ("a", "acme", "acme-2", "0" * 63)))
    assert not any(map(is_subdomain, ("", "-a", "A", "a.b", "a/b", "a\n", "a" * 64, "ä")))
