"""What no table and no answer has room for is refused before the call, or left out after it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from local.vendors.switches import Fault
from rollcall.actions.perform import LARGEST_ANSWER
from tests.integration.actions.conftest import Desk
from tests.integration.api.caller import Answered

DEEP = json.loads('{"a":' * 40 + "1" + "}" * 40)


@pytest.fixture
def vendor() -> Iterator[Vendor[ActiveCampaign]]:
    with serve(seed_activecampaign(6, 4)) as serving:
        yield serving


def rename(desk: Desk, integration: str, **body: Any) -> Answered:
    path = f"/v1/integrations/{integration}/presets/update_user"
    return desk.call("POST", path, {"inputs": {"external_id": "3", "first_name": "New"}, **body})


def test_what_is_overridden_and_no_table_holds_is_refused_and_nothing_is_sent(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    vendor.log.clear()
    saved = {"name": "Saved", "base": "update_user"}
    large = ({"a": "x" * 100_001}, ["\N{GRINNING FACE}" * 5000] * 2)
    for wrong in (DEEP, {"a": 10**60}, {"a": 1e-200}, *large):
        overrides = {"response": wrong}
        answers = [
            rename(desk, integration, overrides=overrides),
            rename(desk, integration, overrides=overrides, dry_run=True),
            desk.call(
                "PUT", "/v1/connectors/activecampaign/presets/own", saved | {"overrides": overrides}
            ),
        ]
        assert [(one.status, one.fields) for one in answers] == [(422, ["overrides"])] * 3
    assert vendor.log == []


@pytest.mark.parametrize(
    ("user", "kept"),
    [
        ('{"x": NaN}', {"x": "nan"}),
        ('{"x": 1e999}', {"x": "inf"}),
        (json.dumps({"x": 10**60}), {"x": 10**60}),
        (json.dumps(DEEP), DEEP),
        (json.dumps({"x": "\N{GRINNING FACE}" * 30_000}), None),
    ],
    ids=["nan", "infinite", "digits", "deep", "large"],
)
def test_an_action_has_succeeded_whatever_the_app_answers(
    desk: Desk, vendor: Vendor[ActiveCampaign], user: str, kept: Any
) -> None:
    integration = desk.integrate(vendor)
    vendor.switches.faults = [Fault("^PUT", status=200, body=f'{{"user": {user}}}', done=True)]
    answer = rename(desk, integration)
    assert answer.status == 200, answer.text
    assert vendor.tenant.users["3"].first_name == "New"
    action = desk.call("GET", f"/v1/actions/{answer.json['action_id']}").json
    assert (action["status"], action["response"]) == ("succeeded", kept)
    assert kept is not None or "too large to be kept" in action["notes"][-1]


def test_a_response_that_lambda_would_not_hand_on_is_left_out_and_the_rest_is_told(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    body = json.dumps({"user": {"x": "x" * LARGEST_ANSWER}})
    vendor.switches.faults = [Fault("^PUT", status=200, body=body, done=True)]
    answer = rename(desk, integration)
    assert (answer.status, answer.json["response"]) == (200, None)
    assert "too large to be handed on" in answer.json["notes"][-1]


def test_an_answer_too_large_to_be_remembered_is_no_failure_and_nothing_is_done_twice(
    desk: Desk, vendor: Vendor[ActiveCampaign]
) -> None:
    integration = desk.integrate(vendor)
    body = json.dumps({"user": {"x": "x" * 500_000}})
    vendor.switches.faults = [Fault("^PUT", status=200, body=body, done=True)]
    path = f"/v1/integrations/{integration}/presets/update_user"
    said = {"inputs": {"external_id": "3", "first_name": "New"}}
    first = desk.call("POST", path, said, headers={"Idempotency-Key": "key"})
    assert (first.status, len(first.json["response"]["x"])) == (200, 500_000)
    vendor.log.clear()
    again = desk.call("POST", path, said, headers={"Idempotency-Key": "key"})
    assert (again.status, again.json["action_id"]) == (200, first.json["action_id"]), again.text
    assert vendor.log == []
