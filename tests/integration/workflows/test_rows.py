"""For-each and reports: the rows of the roster, each the same row whenever it is asked for."""

import csv
import io
from typing import Any

import pytest

from local.vendors import serve
from local.vendors.seed import seed_aha
from rollcall.aws import Aws
from rollcall.workflows.blocks import for_each as rows
from tests.integration.workflows.conftest import Json, Shop, Tenant

SEEN = {
    "id": "seen",
    "type": "notification",
    "subject": "{{ item.account.external_id | default(item) }}",
    "message": "{{ account.external_id }} of {{ person.id }} in {{ account.application }}",
}


def each(over: Any, *blocks: Json, **more: Any) -> Json:
    return {"id": "each", "type": "for_each", "over": over, "blocks": list(blocks), **more}


def report(**more: Any) -> Json:
    columns = [
        {"name": "Who", "value": "{{ account.email }}"},
        {"name": "What", "value": "{{ grant.name }}"},
        {"name": "=Row", "value": "{{ item.grant.type }} of {{ execution.workflow }}"},
    ]
    return {"id": "list", "type": "report", "query": {"of": "grants"}, "columns": columns, **more}


def messages(shop: Shop) -> list[str]:
    return [one["Message"] for one in shop.topic.published]


def test_the_accounts_of_a_person_are_the_rows(shop: Shop, vendor: Tenant) -> None:
    with serve(seed_aha(6)) as other:
        activecampaign, aha = shop.integrate(vendor), shop.integrate(other, priority=5)
        person = shop.person_of(activecampaign, "3")
        execution = shop.of(each("accounts", SEEN), person_id=person)
        assert shop.run(execution).status == "succeeded"
        assert shop.step(execution, "each").output == {"count": 2}
        assert {text.partition(" in ")[2] for text in messages(shop)} == {
            "ActiveCampaign",
            "Aha!",
        }
        assert all(f"of {person} " in text for text in messages(shop))
        assert aha != activecampaign


def test_a_query_finds_the_rows_and_each_is_at_hand_as_it_is_now(
    shop: Shop, vendor: Tenant
) -> None:
    integration = shop.integrate(vendor)
    when = {"field": "account.external_id", "op": "in", "value": ["2", "3"]}
    execution = shop.of(each({"of": "accounts", "when": when}, SEEN))
    assert shop.take(execution, "each") == {
        "execution": execution.id,
        "at": "",
        "attempt": 1,
        "outcome": "done",
        "count": 2,
    }
    # What changes before its row comes is seen; which rows there are stays.
    shop.house.directory.update(
        f"I#{integration}", "ACCOUNT#3", {"person_id": shop.person_of(integration, "4")}
    )
    person = shop.person_of(integration, "2")
    assert shop.take(execution, "seen", "each.0")["outcome"] == "done"
    assert messages(shop)[0] == f"2 of {person} in ActiveCampaign"


def test_a_template_makes_the_rows(shop: Shop) -> None:
    execution = shop.of(each("{{ inputs.names }}", SEEN), inputs={"names": ["a", "b", "c"]})
    assert shop.run(execution).status == "succeeded"
    assert [one["Subject"] for one in shop.topic.published] == ["a", "b", "c"]
    assert shop.step(execution, "seen", "each.1").input["subject"] == "b"


def test_rows_within_rows(shop: Shop) -> None:
    inner = {**each("{{ item.inner }}", SEEN), "id": "within"}
    given = [{"inner": ["a"]}, {"inner": []}, {"inner": ["b", "c"]}]
    execution = shop.of(each("{{ inputs.rows }}", inner), inputs={"rows": given})
    assert shop.run(execution).status == "succeeded"
    assert shop.step(execution, "within", "each.1").output == {"count": 0}
    assert shop.step(execution, "seen", "each.2/within.1").input["subject"] == "c"


def test_steps_of_the_own_row_and_around_it_are_seen(shop: Shop) -> None:
    look = {"id": "look", "type": "wait", "for": "1s"}
    told = {
        **SEEN,
        "message": "{{ steps.first.until }} {{ steps.look.until }} {{ steps.each.count }}",
    }
    execution = shop.of(
        {"id": "first", "type": "wait", "for": "1h"},
        each("{{ inputs.rows }}", look, told),
        inputs={"rows": [1]},
    )
    assert shop.run(execution).status == "succeeded"
    first, own = shop.step(execution, "first"), shop.step(execution, "look", "each.0")
    assert messages(shop) == [f"{first.output['until']} {own.output['until']} 1"]


def test_a_row_that_fails_does_not_stop_the_others_and_a_redrive_does_only_that_row(
    shop: Shop, vendor: Tenant
) -> None:
    integration = shop.integrate(vendor)
    rename = {
        "id": "rename",
        "type": "preset",
        "integration": integration,
        "preset": "update_user",
        "external_id": "{{ item }}",
        "inputs": {"first_name": "New"},
    }
    execution = shop.of(each("{{ inputs.ids }}", rename), inputs={"ids": ["2", "77", "3"]})
    ended = shop.run(execution)
    assert ended.status == "failed"
    assert ended.error is not None
    assert (ended.error["block"], ended.error["at"]) == ("rename", "each.1")
    step = shop.step(execution, "each")
    assert step.error is not None
    assert (step.status, step.error["code"]) == ("failed", "some-failed")
    vendor.tenant.put_user({"id": "77", "first_name": "Late", "group": "3"})
    before = len(vendor.log)
    redriven = shop.executions.reopen(ended, "tests")
    assert redriven is not None
    assert shop.run(redriven).status == "succeeded"
    assert shop.step(execution, "each").status == "succeeded"
    puts = [one.path for one in vendor.log[before:] if one.method == "PUT"]
    assert puts == ["/api/3/users/77"]


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ("accounts", "not-found"),
        ("{{ inputs.word }}", "invalid-input"),
        ("{{ inputs.word | number }}", "template-failed"),
    ],
)
def test_what_makes_no_rows_is_a_failure(shop: Shop, over: str, code: str) -> None:
    ended = shop.run(shop.of(each(over, SEEN), inputs={"word": "x"}))
    assert ended.error is not None
    assert (ended.error["code"], ended.error["block"]) == (code, "each")


def test_more_rows_than_an_execution_can_take_are_a_failure(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_ROWS", 3)
    fits = shop.of(each("{{ inputs.rows }}", SEEN), inputs={"rows": [1, 2, 3]})
    assert shop.take(fits, "each")["count"] == 3
    over = shop.of(each("{{ inputs.rows }}", SEEN), inputs={"rows": [1, 2, 3, 4]})
    assert shop.take(over, "each")["outcome"] == "failed"
    error = shop.step(over, "each").error
    assert error is not None
    assert error["code"] == "too-large"


def test_a_report_has_a_line_for_each_row_and_no_formula(shop: Shop, vendor: Tenant) -> None:
    vendor.tenant.put_user({"id": "3", "email": "=cmd@northwind.example"})
    integration = shop.integrate(vendor)
    execution = shop.of(report())
    assert shop.run(execution).status == "succeeded"
    output = shop.step(execution, "list").output
    assert output["report_id"] == f"{execution.id}.list"
    found = Aws().s3.get_object(Bucket=shop.bucket, Key=f"reports/{execution.id}/list.csv")
    lines = list(csv.reader(io.StringIO(found["Body"].read().decode())))
    assert lines[0] == ["Who", "What", "'=Row"]
    assert len(lines) == output["rows"] + 1 > 6
    mails = {line[0] for line in lines[1:]}
    assert "'=cmd@northwind.example" in mails
    assert all(line[2].endswith(" of Leaving") for line in lines[1:])
    assert integration


def test_a_report_of_each_row_has_a_place_of_its_own(shop: Shop) -> None:
    execution = shop.of(each("{{ inputs.rows }}", report()), inputs={"rows": [1, 2]})
    assert shop.run(execution).status == "succeeded"
    ids = {shop.step(execution, "list", f"each.{n}").output["report_id"] for n in (0, 1)}
    assert ids == {f"{execution.id}.list.each.0", f"{execution.id}.list.each.1"}


def test_a_report_that_cannot_be_made_leaves_no_file(shop: Shop, vendor: Tenant) -> None:
    shop.integrate(vendor)
    bad = [{"name": "x", "value": "{{ account.email | number }}"}]
    ended = shop.run(shop.of(report(columns=bad)))
    assert ended.error is not None
    assert ended.error["code"] == "template-failed"
    assert Aws().s3.list_objects_v2(Bucket=shop.bucket)["KeyCount"] == 0


def test_a_test_shows_the_first_lines_and_writes_none(shop: Shop, vendor: Tenant) -> None:
    shop.integrate(vendor)
    execution = shop.of(report(), mode="test")
    assert shop.run(execution).status == "succeeded"
    output = shop.step(execution, "list").output
    assert output["report_id"] is None
    assert len(output["sample"]) == 5
    assert Aws().s3.list_objects_v2(Bucket=shop.bucket)["KeyCount"] == 0
