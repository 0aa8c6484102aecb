"""Uses of presets that could not work are refused by path."""

from typing import Any

import pytest

from tests.unit.workflows.samples import (
    AHA,
    CAMPAIGN,
    LEAVES,
    NOBODY,
    ONE,
    Block,
    document,
    each,
    faults,
    leaf,
    preset,
)

CREATE = {
    "username": "sam",
    "email": "{{ person.email }}",
    "password": "{{ 20 | random_password }}",
    "group_id": 4,
}


@pytest.mark.parametrize(
    ("block", "path", "said"),
    [
        (preset(integration="nowhere"), "integration", "there is no integration 'nowhere'"),
        (preset(integration="Aha!, all"), "integration", "is the name of aha-id"),
        (
            preset(preset="get_usr"),
            "preset",
            "Aha!: there is no preset 'get_usr'; did you mean get_user?",
        ),
        (preset(preset="delete_user"), "preset", "Aha!: there is no preset 'delete_user'"),
        (
            preset(integration="{{ inputs.reason }}", preset="fly"),
            "preset",
            "ActiveCampaign and Aha!: there is no preset 'fly'",
        ),
        (preset(inputs={"emial": "x"}), "inputs.emial", "is no input here"),
        (preset(inputs={"external_id": "7"}), "inputs.external_id", "beside the inputs"),
        (
            preset(preset="set_product_role", inputs={"role": "viewer"}),
            "inputs.product_id",
            "is required",
        ),
        (
            preset(preset="set_product_role", inputs={"role": "king", "product_id": "P"}),
            "inputs.role",
            "must be one of product_owner",
        ),
        (
            preset(preset="update_user", inputs={"enabled": "no"}),
            "inputs.enabled",
            "must be true or false",
        ),
        (
            preset(preset="update_user", inputs={"email": ["{{ person.email }}"]}),
            "inputs.email",
            "must be text",
        ),
        (
            preset(integration=CAMPAIGN, preset="create_user", inputs={**CREATE, "password": "x"}),
            "inputs.password",
            "is a secret",
        ),
        (
            preset(integration=CAMPAIGN, preset="create_user", inputs=CREATE, external_id="7"),
            "external_id",
            "must be left out",
        ),
        (preset(external_id=".."), "external_id", "is no id"),
        (preset(store_in="crad"), "store_in", "is no field of people; did you mean card?"),
        (preset(store_in="email"), "store_in", "is a standard field"),
        (preset(response="{{ steps.get }}"), "response", "there is no 'steps' here"),
        (preset(response={"a": ["{{ response.x | shout }}"]}), "response.a.0", "no filter 'shout'"),
        (
            {"id": "roles", "type": "roles", "integration": "nowhere"},
            "integration",
            "there is no integration",
        ),
        (
            {"id": "roles", "type": "roles", "integration": AHA, "store_in": "title"},
            "store_in",
            "is a standard field",
        ),
    ],
)
def test_a_use_of_a_preset_that_cannot_work_is_refused(block: Block, path: str, said: str) -> None:
    assert said in faults(document(block))[f"{ONE}.{path}"]


def test_a_preset_that_some_app_has_may_be_of_the_account_at_hand() -> None:
    deactivates = preset(
        integration="{{ account.integration_id }}",
        preset="deactivate_user",
        external_id="{{ account.external_id }}",
    )
    assert faults(document(each(deactivates))) == {}
    only_campaign = {"of": "accounts", "integrations": [CAMPAIGN]}
    assert (
        "ActiveCampaign: there is no preset"
        in (faults(document(each(deactivates, over=only_campaign)))["blocks.0.blocks.0.preset"])
    )


def test_an_input_that_one_of_the_apps_has_is_no_fault_of_another() -> None:
    either = preset(integration="{{ account.integration_id }}", preset="update_user")
    assert faults(document({**either, "inputs": {"phone": "1", "administrator": True}})) == {}
    found = faults(document({**either, "inputs": {"email": 1, "fax": "1"}}))
    assert set(found) == {"blocks.0.inputs.email", "blocks.0.inputs.fax"}


def test_a_decision_on_the_integration_tells_what_the_account_behind_it_is_of() -> None:
    which = {
        "id": "which",
        "type": "decision",
        "branches": [
            {"when": leaf("account.integration_id", "in", value=[AHA]), "go_to": "off"},
            {"when": leaf("account.integration_id", "equals", value=CAMPAIGN), "go_to": "gone"},
        ],
        "next": "end",
    }

    def row(first: str, second: str) -> dict[str, Any]:
        uses = {"integration": "{{ account.integration_id }}", "next": "end"}
        return document(
            each(
                which,
                preset(id="off", preset=first, **uses),
                preset(id="gone", preset=second, **uses),
            )
        )

    assert faults(row("deactivate_user", "delete_user")) == {}
    assert list(faults(row("delete_user", "deactivate_user"))) == [
        "blocks.0.blocks.1.preset",
        "blocks.0.blocks.2.preset",
    ]


@pytest.mark.parametrize("block", [preset(), {"id": "r", "type": "roles", "integration": AHA}])
def test_a_preset_about_a_user_needs_somebody(block: Block) -> None:
    assert "nobody is at hand" in faults(document(block, begin=NOBODY))[f"{ONE}.external_id"]
    for said in ({"external_id": "7"}, {"person": "p1"}):
        assert faults(document({**block, **said}, begin=NOBODY)) == {}
    people = {"of": "people"}
    assert faults(document(each(block, over=people), begin=NOBODY)) == {}
    assert faults(document(block, begin=LEAVES)) == {}
    created = preset(
        integration=CAMPAIGN,
        preset="create_user",
        inputs={**CREATE, "email": "x@example.com"},
        store_in="card",
    )
    assert list(faults(document(created, begin=NOBODY))) == [f"{ONE}.store_in"]
