"""A key that is rotated in Rollcall and in the app while a run signs with it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.vendors import Aha, Vendor, serve
from local.vendors.seed import seed_aha
from rollcall.connectors import engine
from rollcall.connectors.answers import Failure
from rollcall.connectors.catalog import Catalog
from rollcall.credentials.store import Credentials
from rollcall.integrations.address import resolve
from rollcall.integrations.model import Integration
from rollcall.sync.connect import connect
from tests.integration.sync.conftest import House


@pytest.fixture
def vendor() -> Iterator["Vendor[Aha]"]:
    """A small Aha!."""
    with serve(seed_aha(5)) as vendor:
        yield vendor


def store(house: House) -> Credentials:
    return Credentials(house.config, house.aws.secretsmanager, house.settings.secret_prefix)


def rotate(house: House, integration: Integration, value: str) -> None:
    credential = store(house).get(integration.credential_id)
    assert credential is not None
    secret = {"value": value}
    assert store(house).rotate(credential, credential.name, credential.scheme, secret, "test")


@contextmanager
def connected(house: House, integration: Integration) -> Iterator[engine.App]:
    """The app as a lap has it that read the credential when it began."""
    manifest = Catalog(house.config).find("aha")
    credential = store(house).get(integration.credential_id)
    assert manifest is not None
    assert credential is not None
    url = resolve(manifest, integration, None)
    assert url is not None
    secret = store(house).secret(credential.id)
    app = connect(house.settings, house.aws, manifest, url, integration, credential, secret)
    try:
        yield app
    finally:
        app.close()


def test_a_lap_goes_on_with_the_new_key(house: House, vendor: "Vendor[Aha]") -> None:
    integration = house.integrate(vendor)
    with connected(house, integration) as app:
        assert isinstance(app.test(), engine.Tested)
        rotate(house, integration, "n3w-key")
        assert isinstance(app.test(), engine.Tested), "the old one still works"
        vendor.tenant.token = "n3w-key"
        for _ in range(2):
            assert isinstance(app.test(), engine.Tested)
        assert [call.status for call in vendor.log] == [200, 200, 401, 200, 200]
        assert "n3w-key" in app.secrets


def test_a_key_that_is_refused_and_was_not_rotated_is_asked_with_twice_and_no_more(
    house: House, vendor: "Vendor[Aha]"
) -> None:
    integration = house.integrate(vendor)
    with connected(house, integration) as app:
        vendor.tenant.token = "n3w-key"
        refused = app.test()
        assert isinstance(refused, Failure)
        assert refused.code == "vendor-unauthorized"
        assert len(vendor.log) == 2, "some are refused in passing"


def test_one_rotation_serves_every_integration_that_signs_with_it(
    house: House, vendor: "Vendor[Aha]"
) -> None:
    first = house.integrate(vendor)
    second = house.integrate(vendor, credential_id=first.credential_id)
    vendor.tenant.token = "n3w-key"
    assert {house.run(one).status for one in (first, second)} == {"failed"}
    rotate(house, first, "n3w-key")
    assert {house.run(one).status for one in (first, second)} == {"succeeded"}
