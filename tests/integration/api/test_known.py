"""What a document of a workflow may speak of is what there is in the deployment."""

from dataclasses import replace
from typing import Any

import pytest

from rollcall.tables import Table
from rollcall.workflows.known import Known, KnownWorkflow, known
from rollcall.workflows.store import Workflows
from tests.integration.api.caller import Caller

ASKED: dict[str, Any] = {"trigger": "call", "inputs": [{"key": "reason", "required": True}]}


def calling(name: str, *runs: str) -> dict[str, Any]:
    """A document that runs these workflows, in a branch each."""
    ending = {"blocks": [{"id": "over", "type": "end"}]}
    branches = [
        {"blocks": [{"id": f"run{number}", "type": "workflow", "workflow": one}]}
        for number, one in enumerate(runs)
    ]
    both = {"id": "both", "type": "parallel", "branches": [ending, *branches]}
    tell = {"id": "tell", "type": "notification", "subject": name, "message": name}
    return {"name": name, "begin": ASKED, "blocks": [both] if runs else [tell]}


def test_a_fresh_deployment_knows_the_standard_fields_and_nothing_to_call(api: Caller) -> None:
    found = known(api.config)
    assert "email" in found.fields
    assert found.roles == ("Employee", "Manager", "Administrator")
    assert found.variables == frozenset()
    assert (found.integrations, found.connectors, found.workflows) == ({}, {}, {})


def test_everything_that_was_made_is_known(api: Caller) -> None:
    campaign = api.integration(name="Ours")
    aha = api.integration(name="Theirs", connector="aha", subdomain="acme")
    assert api("PUT", "/v1/variables/Office.Floor", {"value": "3"}).status == 200
    field = {"name": "Card", "type": "json", "unique": False}
    assert api("POST", "/v1/fields", field).status == 201
    own = {"name": "Card", "base": "get_user", "inputs": [{"key": "greeting", "name": "G"}]}
    assert api("PUT", "/v1/connectors/aha/presets/card", own).status == 200

    found = known(api.config)
    assert {key: one.name for key, one in found.integrations.items()} == {
        campaign["id"]: "Ours",
        aha["id"]: "Theirs",
    }
    assert found.integrations[aha["id"]].status == "draft"
    assert found.connector(campaign["id"]).last_active == ""
    assert found.connector(aha["id"]).last_active == "accessed_at"
    assert [one.key for one in found.connector(aha["id"]).presets["card"].inputs] == ["greeting"]
    assert "card" not in found.connector(campaign["id"]).presets
    assert found.fields["card"].type == "json"
    assert found.variables == {"Office.Floor"}


def test_a_workflow_is_known_by_its_latest_document(api: Caller) -> None:
    workflows = Workflows(api.config)
    child = workflows.create(calling("Child"), "me")
    parent = workflows.create(calling("Parent"), "me")
    assert known(api.config).workflows[parent.id].runs == frozenset()
    assert workflows.save(parent, calling("Parent", child.id), "me") is not None
    found = known(api.config).workflows
    assert found[parent.id].runs == {child.id}
    assert [one.key for one in found[child.id].inputs] == ["reason"]
    assert found[child.id] == replace(found[parent.id], name="Child", runs=frozenset())


def test_a_document_of_another_time_is_left_out(api: Caller) -> None:
    Workflows(api.config).create({**calling("Old"), "unheard_of": True}, "me")
    assert known(api.config).workflows == {}


@pytest.mark.parametrize("more", [0, 5])
def test_more_workflows_and_integrations_are_no_more_reads(api: Caller, more: int) -> None:
    api.integration()
    for number in range(more):
        api.integration(name=f"Another {number}")
        Workflows(api.config).create(calling(f"Another {number}"), "me")
    read: list[str] = []
    client = api.aws.dynamodb

    def watch(model: Any, **_: Any) -> None:
        read.append(model.name)

    client.meta.events.register("before-parameter-build.dynamodb", watch)
    try:
        found: Known = known(Table(client, api.settings.config_table))
    finally:
        client.meta.events.unregister("before-parameter-build.dynamodb", watch)
    assert len(found.workflows) == more
    assert len(read) <= 8
    assert all(isinstance(one, KnownWorkflow) for one in found.workflows.values())
