"""The sample invocations fit what the template wires."""

import json
from typing import Any

import jsonschema
import pytest

from local.stack import ROOT

EVENTS = {file.stem: json.loads(file.read_text()) for file in (ROOT / "events").glob("*.json")}


def test_there_is_one_for_every_function(functions: dict[str, Any]) -> None:
    assert set(EVENTS) == set(functions)


@pytest.mark.parametrize("name", ["api", "authorizer"])
def test_http_events_are_of_a_route_that_exists(functions: dict[str, Any], name: str) -> None:
    routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for event in functions["api"]["Events"].values()
    }
    assert EVENTS[name]["version"] == "2.0"
    assert EVENTS[name]["routeKey"] in routes


def test_the_starter_takes_events_of_the_bus_out_of_the_queue() -> None:
    [record] = EVENTS["starter"]["Records"]
    event = json.loads(record["body"])
    assert event["source"] == "rollcall"
    name = event["detail-type"].lower().replace(" ", "-")
    schema = ROOT / "docs" / "events" / f"{name}.v1.json"
    jsonschema.validate(event["detail"], json.loads(schema.read_text()))
