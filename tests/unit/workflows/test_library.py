"""The workflows that come with Rollcall are right, and become state machines."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from deploy.states import faults, lint
from local.stack import ROOT
from rollcall.mapping.problems import Problem
from rollcall.workflows.check import problems
from rollcall.workflows.compile import compiled
from rollcall.workflows.document import Document, parsed
from rollcall.workflows.library import Shipped, everything, find, installed
from tests.unit.workflows.samples import AHA, CAMPAIGN, KNOWN, OTHER_AHA, deployment

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:rollcall-test-workflows"
IT = ["it@example.com"]
CHOSEN: dict[str, list[dict[str, Any]]] = {
    "onboard": [
        {"tell": IT, "activecampaign": CAMPAIGN, "group_id": "4", "aha": AHA, "product_id": "WEB"},
        {"tell": IT, "aha": AHA, "product_id": "WEB", "role": "reviewer"},
        {
            "tell": IT,
            "activecampaign": CAMPAIGN,
            "group_id": "4",
            "begin": {
                "trigger": "event",
                "events": ["Person Created"],
                "when": {"field": "person.department", "op": "equals", "value": "Sales"},
            },
        },
    ],
    "offboard": [
        {"tell": IT, "deactivate": [AHA, OTHER_AHA], "delete": [CAMPAIGN], "approvers": IT},
        {"tell": IT, "deactivate": [AHA]},
        {"tell": IT, "delete": [CAMPAIGN], "deadline": "1d"},
    ],
    "role_review": [{"tell": IT}, {"tell": IT, "integrations": [AHA], "timezone": "Asia/Tokyo"}],
    "dormant_accounts": [{"tell": IT, "integrations": [AHA, OTHER_AHA], "approvers": IT}],
    "paid_seats_unused": [{"tell": IT, "integrations": [AHA], "not_since": "-30d"}],
    "new_admin_alert": [{"tell": IT}],
}
EVERY = [
    pytest.param(key, parameters, id=f"{key}-{number}")
    for key, choices in CHOSEN.items()
    for number, parameters in enumerate(choices)
]


def document(key: str, parameters: Mapping[str, Any]) -> Document:
    data = installed(key, parameters)
    assert isinstance(data, dict), data
    read = parsed(data)
    assert isinstance(read, Document), read
    return read


def told(key: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    found = installed(key, parameters)
    assert isinstance(found, list), found
    return {problem.path: problem.message for problem in found}


def texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping | list):
        for inner in data.values() if isinstance(data, Mapping) else data:
            yield from texts(inner)


def test_the_six_are_there() -> None:
    assert [shipped.key for shipped in everything()] == sorted(CHOSEN)
    assert find("nothing") is None


@pytest.mark.parametrize(("key", "parameters"), EVERY)
def test_each_is_right_and_becomes_a_state_machine(key: str, parameters: dict[str, Any]) -> None:
    read = document(key, parameters)
    assert problems(read, KNOWN) == []
    assert list(faults(compiled(read, FUNCTION))) == []


@pytest.mark.slow
def test_aws_takes_the_state_machines() -> None:
    linter = ROOT / ".venv-sam/bin/cfn-lint"
    if not linter.exists() and not os.environ.get("CI"):
        pytest.skip("cfn-lint is not here: make .venv-sam/ready")
    machines = [compiled(document(key, one), FUNCTION) for key, (one, *_) in CHOSEN.items()]
    assert lint(str(linter), *machines) == ""


@pytest.mark.slow
def test_the_linter_finds_a_fault_in_any_of_them() -> None:
    linter = ROOT / ".venv-sam/bin/cfn-lint"
    if not linter.exists() and not os.environ.get("CI"):
        pytest.skip("cfn-lint is not here: make .venv-sam/ready")
    right = compiled(document("new_admin_alert", {"tell": IT}), FUNCTION)
    wrong = {**right, "States": {**right["States"], "tell": {"Type": "Walk", "End": True}}}
    assert lint(str(linter), right, wrong) != ""


@pytest.mark.parametrize("shipped", everything(), ids=lambda one: one.key)
def test_every_parameter_has_its_place_and_is_required_or_has_a_default(shipped: Shipped) -> None:
    places = [text for text in texts(shipped.document) if "${" in text]
    assert all(re.fullmatch(r"\$\{[a-z_]+\}", text) for text in places), "a whole value only"
    used = {text[2:-1] for text in places}
    assert used == {one.key for one in shipped.parameters}
    assert all(one.name for one in shipped.parameters)
    for one in shipped.parameters:
        assert one.default is None or not one.required
    assert re.search(r"[^.]\.$", shipped.description.strip())


@pytest.mark.parametrize("shipped", everything(), ids=lambda one: one.key)
def test_a_file_is_named_after_its_workflow(shipped: Shipped) -> None:
    assert shipped.key == shipped.name.lower().replace(" ", "_")


@pytest.mark.parametrize(
    ("key", "parameters", "path", "said"),
    [
        ("offboard", {}, "parameters.tell", "is required"),
        ("offboard", {"tell": []}, "parameters.tell", "must be a list of addresses"),
        ("offboard", {"tell": "it@example.com"}, "parameters.tell", "must be a list of addresses"),
        ("offboard", {"tell": [7]}, "parameters.tell", "must be a list of addresses"),
        (
            "offboard",
            {"tell": IT, "delete": CAMPAIGN},
            "parameters.delete",
            "must be a list of ids",
        ),
        (
            "offboard",
            {"tell": IT, "aprovers": IT},
            "parameters.aprovers",
            "did you mean approvers?",
        ),
        ("offboard", {"tell": IT, "deadline": 3}, "parameters.deadline", "must be text"),
        ("onboard", {"tell": IT, "aha": ""}, "parameters.aha", "must be text, and not empty"),
        (
            "onboard",
            {"tell": IT, "role": "king"},
            "parameters.role",
            "must be one of product_owner",
        ),
        ("dormant_accounts", {"tell": IT}, "parameters.integrations", "is required"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(
    key: str, parameters: dict[str, Any], path: str, said: str
) -> None:
    assert said in told(key, parameters)[path]


def test_what_a_parameter_makes_wrong_in_the_document_is_told_by_its_place() -> None:
    assert "contacts.0" in told("new_admin_alert", {"tell": ["nobody"]})
    soon = told("offboard", {"tell": IT, "delete": [CAMPAIGN], "deadline": "soon"})
    assert "blocks.0.blocks.1.deadline" in soon
    assert list(told("offboard", {"tell": IT})) == ["blocks.0.blocks.0.branches"]


def test_a_workflow_for_an_app_that_cannot_do_it_is_refused() -> None:
    wrong = document("offboard", {"tell": IT, "deactivate": [CAMPAIGN]})
    assert problems(wrong, KNOWN) == [
        Problem("blocks.0.blocks.1.preset", "ActiveCampaign: there is no preset 'deactivate_user'")
    ]
    unknown = document("dormant_accounts", {"tell": IT, "integrations": [CAMPAIGN]})
    assert [one.path for one in problems(unknown, KNOWN)] == [
        "begin.query.when.all.1.field",
        "blocks.1.preset",
    ]
    nowhere = document("role_review", {"tell": IT, "integrations": ["nowhere"]})
    assert [one.path for one in problems(nowhere, KNOWN)] == ["blocks.0.query.integrations.0"]


def test_a_parameter_is_taken_as_it_is() -> None:
    read = installed("new_admin_alert", {"tell": ["${tell}@example.com"]})
    assert isinstance(read, dict)
    assert read["contacts"] == ["${tell}@example.com"]


def test_installing_changes_no_other() -> None:
    parameters = CHOSEN["offboard"][1]
    first = installed("offboard", parameters)
    installed("offboard", CHOSEN["offboard"][0])
    assert installed("offboard", parameters) == first
    assert "${" not in yaml.safe_dump(first)


def test_a_deployment_of_one_app_has_its_part() -> None:
    read = document("onboard", {"tell": IT, "aha": AHA, "product_id": "WEB"})
    assert [block.id for block in read.blocks] == ["in_aha", "told_of_aha"]
    assert problems(read, deployment(more="aha")) == []
