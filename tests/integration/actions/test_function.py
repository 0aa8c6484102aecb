"""The actions function as Lambda loads it, started with the sample event."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from rollcall.actions.store import Asked
from rollcall.stamps import now
from tests.integration.actions.conftest import Desk
from tests.integration.api.caller import Context
from tests.integration.api.test_functions import load

EVENT = json.loads((Path(__file__).parents[3] / "events/actions.json").read_text())


def test_the_sample_event_performs_its_action_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in asdict(desk.house.settings).items():
        monkeypatch.setenv(name.upper(), str(value))
    monkeypatch.setenv("ALLOW_HOSTS", "127.0.0.1")
    handler = load("actions").handler
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = desk.integrate(vendor)
        asked = Asked(
            id=EVENT["action_id"],
            integration_id=integration,
            connector="activecampaign",
            preset="update_user",
            actor="administrator",
            at=now(),
            digest="",
            inputs=EVENT["inputs"],
            overrides=EVENT["overrides"],
            external_id="3",
        )
        assert desk.actions.begin(asked)
        event = EVENT | {"integration_id": integration}
        ended = handler(event, Context(function_name="actions"))
        assert (ended["status"], ended["response"]["firstName"]) == ("succeeded", "Sam")
        assert vendor.tenant.users["3"].first_name == "Sam"
        assert handler(event, Context(function_name="actions")) is None
