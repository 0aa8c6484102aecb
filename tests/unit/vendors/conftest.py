"""The two sample vendors, small, each served on a port of its own."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from local.vendors import ActiveCampaign, Aha, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha

if TYPE_CHECKING:
    from collections.abc import Iterator

# Made once: building one takes longer than most of these tests, and nothing here is encrypted.
TLS = ssl.create_default_context()


@pytest.fixture
def campaign() -> Iterator[tuple[Vendor[ActiveCampaign], httpx.Client]]:
    with (
        serve(seed_activecampaign(users=45, groups=4)) as vendor,
        httpx.Client(
            base_url=f"{vendor.url}/api/3",
            headers={"Api-Token": vendor.tenant.token},
            verify=TLS,
        ) as client,
    ):
        yield vendor, client


@pytest.fixture
def aha() -> Iterator[tuple[Vendor[Aha], httpx.Client]]:
    with (
        serve(seed_aha(users=70)) as vendor,
        httpx.Client(
            base_url=f"{vendor.url}/api/v1",
            headers={"Authorization": f"Bearer {vendor.tenant.token}"},
            verify=TLS,
        ) as client,
    ):
        yield vendor, client
