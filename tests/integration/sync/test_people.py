"""One human is one person, whoever brings them and when."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.vendors import ActiveCampaign, Aha, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.integration.sync.conftest import House


def person(house: House, email: str) -> dict[str, Any]:
    key = house.directory.get(f"KEY#email#{email}", "KEY")
    assert key is not None, f"nobody has {email}"
    found = house.directory.get(f"PERSON#{key['person_id']}", "PERSON")
    assert found is not None
    return found


def linked(house: House, person_id: str) -> int:
    return len(list(house.directory.query(f"PERSON#{person_id}", "ACCOUNT#", index="gsi1")))


def test_two_integrations_that_bring_the_same_people_at_once_make_each_person_once(
    house: House,
) -> None:
    with serve(seed_activecampaign(120, 3)) as first, serve(seed_activecampaign(120, 3)) as second:
        for vendor in (first, second):
            vendor.switches.page_cap = 20
        both = [house.integrate(first), house.integrate(second)]
        with ThreadPoolExecutor(2) as at_once:
            runs = list(at_once.map(house.run, both))
    assert [run.status for run in runs] == ["succeeded", "succeeded"], [run.error for run in runs]
    people = house.people()
    assert len(people) == 120
    assert {linked(house, one["id"]) for one in people} == {2}


def test_an_older_source_keeps_its_fields_and_a_newer_one_fills_the_empty_ones(
    house: House,
) -> None:
    first: Vendor[ActiveCampaign]
    second: Vendor[Aha]
    with serve(seed_activecampaign(3, 1)) as first, serve(seed_aha(3)) as second:
        first.tenant.put_user(
            {"id": "2", "email": "ada@example.test", "first_name": "Ada", "last_name": "L"}
        )
        number = next(iter(second.tenant.users))
        second.tenant.put_user({"id": number, "email": "ADA@example.test", "name": "Countess"})
        older, newer = house.integrate(first), house.integrate(second)
        house.run(newer)
        assert person(house, "ada@example.test")["fields"]["display_name"] == "Countess"
        house.run(older)
        fields = person(house, "ada@example.test")["fields"]
        assert fields["display_name"] == "Ada L", "the older integration ranks higher"
        assert fields["first_name"] == "Ada"
        second.tenant.put_user({"id": number, "name": "Lady"})
        assert house.run(newer).counts["updated"] == 1
        assert person(house, "ada@example.test")["fields"]["display_name"] == "Ada L"
        for integration in (older, newer, older, newer):
            counts = house.run(integration).counts
            assert (counts["updated"], counts["added"]) == (0, 0), "they do not take turns"


def test_a_corrected_address_moves_the_person_and_its_key(house: House) -> None:
    with serve(seed_activecampaign(3, 1)) as vendor:
        integration = house.integrate(vendor)
        vendor.tenant.put_user({"id": "2", "email": "old@example.test"})
        house.run(integration)
        before = person(house, "old@example.test")
        vendor.tenant.put_user({"id": "2", "email": "new@example.test"})
        house.run(integration)
        after = person(house, "new@example.test")
        assert after["id"] == before["id"]
        assert after["fields"]["email"] == "new@example.test"
        assert house.directory.get("KEY#email#old@example.test", "KEY") is None
        assert len(house.people()) == 3


def test_an_address_that_is_handed_on_within_a_page_keeps_two_people_apart(house: House) -> None:
    with serve(seed_activecampaign(3, 1)) as vendor:
        integration = house.integrate(vendor)
        vendor.tenant.put_user({"id": "2", "email": "first@example.test"})
        vendor.tenant.put_user({"id": "3", "email": "second@example.test"})
        house.run(integration)
        first, second = person(house, "first@example.test"), person(house, "second@example.test")
        vendor.tenant.put_user({"id": "3", "email": "new@example.test"})
        vendor.tenant.put_user({"id": "2", "email": "second@example.test"})
        assert house.run(integration).counts["updated"] == 2
        assert person(house, "second@example.test")["id"] == first["id"]
        assert person(house, "new@example.test")["id"] == second["id"]
        assert linked(house, first["id"]) == linked(house, second["id"]) == 1


def test_an_account_whose_address_becomes_somebody_elses_joins_them(house: House) -> None:
    with serve(seed_activecampaign(3, 1)) as vendor, serve(seed_aha(1)) as other:
        number = next(iter(other.tenant.users))
        other.tenant.put_user({"id": number, "email": "work@example.test"})
        vendor.tenant.put_user({"id": "2", "email": "private@example.test"})
        integration = house.integrate(vendor)
        house.run(house.integrate(other))
        house.run(integration)
        vendor.tenant.put_user({"id": "2", "email": "work@example.test"})
        assert house.run(integration).status == "succeeded"
        assert linked(house, person(house, "work@example.test")["id"]) == 2


def test_an_account_without_an_address_is_on_the_roster_and_says_so(house: House) -> None:
    with serve(seed_activecampaign(5, 1)) as vendor:
        integration = house.integrate(vendor)
        vendor.tenant.put_user({"id": "3", "email": ""})
        for _ in range(2):
            run = house.run(integration)
            assert run.status == "succeeded_with_errors"
            assert run.counts["errors"] == 1
            (error,), _ = house.runs.kept.errors(run.id, 10, None)
            assert (error["external_id"], error["code"]) == ("3", "sync-key-missing")
        account = house.stored(integration, "ACCOUNT#3")["ACCOUNT#3"]
        assert account["status"] == "active"
        assert "person_id" not in account


def test_an_unchanged_run_writes_nothing_to_the_directory(house: House) -> None:
    with serve(seed_activecampaign(60, 3)) as vendor:
        vendor.switches.page_cap = 20
        integration = house.integrate(vendor)
        house.run(integration)
        table = house.settings.directory_table
        before = house.aws.dynamodb.scan(TableName=table)["Items"]
        run = house.run(integration)
        assert run.counts["unchanged"] == 60
        after = house.aws.dynamodb.scan(TableName=table)["Items"]
        assert sorted(map(str, before)) == sorted(map(str, after))


def test_the_key_is_in_no_table_and_in_no_log(house: House, capsys: Any) -> None:
    with serve(seed_activecampaign(5, 1)) as vendor:
        integration = house.integrate(vendor)
        house.run(integration)
        vendor.switches.token_valid = False
        house.run(integration)
        token = vendor.tenant.token
    tables = (
        house.settings.config_table, house.settings.directory_table, house.settings.runs_table
    )  # fmt: skip
    for table in tables:
        assert token not in str(house.aws.dynamodb.scan(TableName=table)["Items"])
    captured = capsys.readouterr()
    assert "run failed" in captured.out + captured.err, "the failure is logged"
    assert token not in captured.out + captured.err
