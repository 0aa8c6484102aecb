"""Mapping, filter and schedule: what is refused when it is typed, and what a launch still needs."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from tests.integration.api.caller import Answered, Caller, with_topic

MAPPING: dict[str, Any] = {
    "fields": [
        {"target": "email", "source": "email", "sync_key": 1},
        {"target": "username", "source": "username"},
        {"target": "display_name", "template": "{{ response.firstName }} {{ response.lastName }}"},
        {"target": "role", "value": "Employee", "write": "if_empty"},
    ]
}
FILTER: dict[str, Any] = {
    "all": [
        {"field": "email", "op": "ends_with", "value": "@example.com"},
        {"any": [{"field": "phone", "op": "is_empty"}, {"field": "id", "op": "in", "value": [1]}]},
    ]
}


def bent(place: int, **changes: Any) -> dict[str, Any]:
    mapping = deepcopy(MAPPING)
    rule = {**mapping["fields"][place], **changes}
    mapping["fields"][place] = {name: value for name, value in rule.items() if value is not None}
    return mapping


BAD: list[tuple[dict[str, Any], str]] = [
    ({"mapping": bent(1, target="shoe_size")}, "mapping.fields.1.target"),
    ({"mapping": bent(2, target="activecampaign_user_id")}, "mapping.fields.2.target"),
    ({"mapping": bent(3, target="department", sync_key=2)}, "mapping.fields.3.sync_key"),
    ({"mapping": bent(2, template=None, source="name", sync_key=2)}, "mapping.fields.2.sync_key"),
    ({"mapping": bent(1, target="role", source=None, value="Manager")}, "mapping.fields.3.target"),
    ({"mapping": bent(2, value="Ann")}, "mapping.fields.2"),
    ({"mapping": bent(1, source=None, value="ann")}, "mapping.fields.1.value"),
    ({"mapping": bent(3, value="King")}, "mapping.fields.3.value"),
    ({"mapping": bent(2, template="{{ response.__class__ }}")}, "mapping.fields.2.template"),
    ({"mapping": bent(2, template="{% for x in 1 %}")}, "mapping.fields.2.template"),
    ({"mapping": bent(0, source="a[")}, "mapping.fields.0.source"),
    ({"filter": {"field": "email", "op": "resembles", "value": "x"}}, "filter.op"),
    ({"filter": {"all": [FILTER, {"field": "email", "op": "after", "value": "x"}]}},
     "filter.all.1.value"),
    ({"filter": {"any": []}}, "filter.any"),
    ({"schedule": {"expression": "cron(0 0 30 2 ? *)"}}, "schedule.expression"),
    ({"schedule": {"expression": "cron(0 0 1 1 ? 2000)"}}, "schedule.expression"),
    ({"schedule": {"expression": "cron(30 2 28 3 ? 2027)", "timezone": "Europe/Berlin"}},
     "schedule.expression"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_bad_input_is_named_and_nothing_is_made(
    api: Caller, changes: dict[str, Any], field: str
) -> None:
    body = {"name": "AC", "connector": "activecampaign", "credential_id": api.credential()}
    answer = api("POST", "/v1/integrations", {**body, **changes})
    assert (answer.status, set(answer.fields)) == (422, {field})
    assert api.everything("/v1/integrations") == []


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_bad_input_is_named_and_nothing_is_changed(
    api: Caller, changes: dict[str, Any], field: str
) -> None:
    created = api.integration(mapping=MAPPING, filter=FILTER)
    path = f"/v1/integrations/{created['id']}"
    entries = len(api.everything("/v1/audit"))
    answer = api("PATCH", path, {"name": "New", **changes})
    assert (answer.status, set(answer.fields)) == (422, {field})
    assert api("GET", path).json == created
    assert len(api.everything("/v1/audit")) == entries


def test_every_field_at_fault_is_named_at_once(api: Caller) -> None:
    body = {
        "name": "AC",
        "connector": "activecampaign",
        "credential_id": "nothing",
        "mapping": bent(1, target="shoe_size"),
        "filter": {"field": "email", "op": "resembles"},
        "schedule": {"expression": "cron(0 0 30 2 ? *)"},
        "headers": {"Host": "x"},
    }
    answer = api("POST", "/v1/integrations", body)
    assert set(answer.fields) == {
        "credential_id", "mapping.fields.1.target", "filter.op", "schedule.expression",
        "headers.Host",
    }  # fmt: skip


@pytest.mark.parametrize("value", [1e300, 10**60, 1e-200])
def test_a_number_that_no_table_holds_is_refused(api: Caller, value: float) -> None:
    condition = {"field": "id", "op": "equals", "value": value}
    answer = api("PATCH", f"/v1/integrations/{api.integration()['id']}", {"filter": condition})
    assert (answer.status, answer.fields) == (422, ["filter"])


def test_what_is_nested_without_end_is_refused(api: Caller) -> None:
    deep: dict[str, Any] = {"field": "id", "op": "is_empty"}
    for _ in range(60):
        deep = {"not": deep}
    answer = api("PATCH", f"/v1/integrations/{api.integration()['id']}", {"filter": deep})
    assert answer.status == 422
    assert all(field.startswith("filter") for field in answer.fields)


def test_what_is_too_large_to_be_kept_is_refused(api: Caller) -> None:
    values = [f"{number:0900}" for number in range(100)]
    condition = {"field": "id", "op": "in", "value": values}
    answer = api("PATCH", f"/v1/integrations/{api.integration()['id']}", {"filter": condition})
    assert (answer.status, answer.fields) == (422, ["filter"])


def test_an_own_mapping_and_filter_are_kept_and_given_back(api: Caller) -> None:
    created = api.integration(mapping=MAPPING, filter=FILTER)
    assert created["mapping_source"] == "own"
    assert created["filter"] == FILTER
    shown = [{name: value for name, value in rule.items() if value is not None}
             for rule in created["mapping"]["fields"]]  # fmt: skip
    assert shown == [{"write": "always", **rule} for rule in MAPPING["fields"]]
    path = f"/v1/integrations/{created['id']}"
    # What is shown can be sent as it is.
    again = api("PATCH", path, {"mapping": created["mapping"], "filter": created["filter"]})
    assert again.status == 200, again.text
    assert again.json["mapping"] == created["mapping"]
    cleared = api("PATCH", path, {"mapping": None, "filter": None}).json
    assert (cleared["mapping_source"], cleared["filter"]) == ("connector", None)
    (entry, *_) = api.everything("/v1/audit")
    assert entry["changes"]["filter"] == {"before": FILTER, "after": None}


def test_a_filter_may_name_a_source_that_the_mapping_adds(api: Caller) -> None:
    mapping = {**MAPPING, "sources": [{"key": "plan", "path": "account.plan"}]}
    condition = {"field": "plan", "op": "equals", "value": "pro"}
    created = api.integration(mapping=mapping, filter=condition)
    assert created["mapping"]["sources"] == [
        {"key": "plan", "path": "account.plan", "template": None}
    ]


@pytest.mark.parametrize("mapping", [None, MAPPING])
def test_a_source_that_the_mapping_adds_may_not_go_while_the_filter_asks_for_it(
    api: Caller, mapping: Any
) -> None:
    adding = {**MAPPING, "sources": [{"key": "plan", "path": "account.plan"}]}
    condition = {"not": {"field": "plan", "op": "equals", "value": "pro"}}
    created = api.integration(mapping=adding, filter=condition)
    path = f"/v1/integrations/{created['id']}"
    for call in (("PATCH", path), ("POST", f"{path}/preview")):
        answer = api(*call, {"mapping": mapping})
        assert (answer.status, answer.fields) == (422, ["filter.not.field"])
        assert "response.plan" in answer.json["errors"][0]["message"]
    assert api("GET", path).json == created
    by_path = {"not": {**condition["not"], "field": "response.plan"}}
    assert api("PATCH", path, {"mapping": mapping, "filter": by_path}).status == 200


def launch(api: Caller, integration: Any) -> Answered:
    return api("POST", f"/v1/integrations/{integration['id']}/launch")


def only(*targets: str) -> dict[str, Any]:
    return {"fields": [rule for rule in MAPPING["fields"] if rule["target"] in targets]}


@pytest.mark.parametrize(
    ("mapping", "missing"),
    [
        (only("email"), ["mapping.role"]),
        (only("role"), ["mapping.email", "mapping.sync_key"]),
        (only("display_name"), ["mapping.email", "mapping.role", "mapping.sync_key"]),
        ({"fields": [{"target": "email", "source": "email"}, MAPPING["fields"][3]]},
         ["mapping.sync_key"]),
    ],
)  # fmt: skip
def test_a_draft_may_be_without_what_a_launch_names(
    api: Caller, mapping: dict[str, Any], missing: list[str]
) -> None:
    integration = api.integration(mapping=mapping)
    answer = launch(api, integration)
    assert (answer.status, answer.fields) == (409, missing)
    path = f"/v1/integrations/{integration['id']}"
    assert api("GET", path).json["status"] == "draft"
    assert api.schedules() == {}
    api("PATCH", path, {"mapping": MAPPING})
    assert launch(api, integration).json["status"] == "active"


def test_launch_names_address_credential_and_mapping_at_once(api: Caller) -> None:
    integration = api.integration(subdomain=None, mapping=only("email"))
    for secret in api.aws.secretsmanager.list_secrets()["SecretList"]:
        api.aws.secretsmanager.delete_secret(
            SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True
        )
    answer = launch(api, integration)
    assert answer.status == 409
    assert sorted(answer.fields) == ["base_url", "credential_id", "mapping.role", "subdomain"]


def test_a_connector_that_is_gone_is_named(api: Caller) -> None:
    integration = api.integration()
    api.config.update("INTEGRATION", integration["id"], {"connector": "gone"})
    path = f"/v1/integrations/{integration['id']}"
    assert api("GET", path).json["rate_limit"] is None
    assert len(api.everything("/v1/integrations")) == 1
    assert launch(api, integration).fields == ["connector"]
    for call in ("test", "runs", "preview"):
        answer = api("POST", f"{path}/{call}")
        assert (answer.status, answer.fields) == (409, ["connector"]), call
    assert api("DELETE", path).status == 204


def test_a_schedule_that_has_ended_meanwhile_is_named(api: Caller) -> None:
    integration = api.integration()
    schedule = {"expression": "cron(0 0 1 1 ? 2020)", "timezone": "UTC"}
    api.config.update("INTEGRATION", integration["id"], {"schedule": schedule})
    shown = api("GET", f"/v1/integrations/{integration['id']}").json
    assert shown["schedule"]["next_runs"] == []
    assert launch(api, integration).fields == ["schedule.expression"]
    assert api("PATCH", f"/v1/integrations/{integration['id']}", {"name": "x"}).status == 200


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"mapping": only("email")}, {"mapping.role"}),
        ({"mapping": only("role")}, {"mapping.email", "mapping.sync_key"}),
        ({"subdomain": None}, {"base_url"}),
    ],
)
def test_a_launched_integration_stays_one_that_can_be_launched(
    api: Caller, changes: dict[str, Any], missing: set[str]
) -> None:
    integration = launch(api, api.integration()).json
    path = f"/v1/integrations/{integration['id']}"
    answer = api("PATCH", path, {"name": "New", **changes})
    assert (answer.status, set(answer.fields)) == (422, missing)
    assert api("GET", path).json == integration
    # Paused, it may be changed piece by piece.
    api("POST", f"{path}/pause")
    assert api("PATCH", path, changes).status == 200
    assert launch(api, integration).status == 409


def instants(schedule: Any) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in schedule["next_runs"]]


def test_the_next_runs_of_a_cron_are_shown_for_a_draft_too(api: Caller) -> None:
    schedule = {"expression": "cron(0 3 * * ? *)", "timezone": "Asia/Kolkata"}
    times = instants(api.integration(schedule=schedule)["schedule"])
    assert len(times) == 3
    assert all(time > datetime.now(UTC) for time in times)
    assert {(time.hour, time.minute) for time in times} == {(21, 30)}


def test_the_next_runs_of_a_rate_count_from_its_launch(api: Caller) -> None:
    integration = api.integration(schedule={"expression": "rate(2 days)"})
    launched = launch(api, integration).json
    start = api.schedules()[integration["id"]]["StartDate"]
    times = instants(launched["schedule"])
    assert abs(times[0] - start) < timedelta(seconds=1)
    assert times[1] - times[0] == times[2] - times[1] == timedelta(days=2)
    start = (start - timedelta(days=5)).isoformat(timespec="seconds")
    api.config.update("STATE", integration["id"], {"scheduled_from": start})
    shown = api("GET", f"/v1/integrations/{integration['id']}").json
    assert instants(shown["schedule"])[0] == datetime.fromisoformat(start) + timedelta(days=4)


def test_a_flexible_window_reaches_eventbridge(api: Caller) -> None:
    integration = launch(api, api.integration(schedule={"flexible_minutes": 30})).json
    path = f"/v1/integrations/{integration['id']}"
    window = api.schedules()[integration["id"]]["FlexibleTimeWindow"]
    assert window == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30}
    api("PATCH", path, {"schedule": {"flexible_minutes": 0}})
    assert api.schedules()[integration["id"]]["FlexibleTimeWindow"] == {"Mode": "OFF"}


def test_health_and_quarantine_are_shown(api: Caller) -> None:
    integration = api.integration()
    health = {"users": {"last_good_at": "2026-11-24T00:00:00.000Z", "count": 3}}
    quarantine = {
        "since": "2026-11-24T00:00:00.000Z",
        "until": "2026-11-25T00:00:00.000Z",
        "failures": 3,
        "reason": "vendor-broken: 500",
    }
    marks = {"health": health, "quarantine": quarantine}
    api.config.update("STATE", integration["id"], marks)
    shown = api("GET", f"/v1/integrations/{integration['id']}").json
    assert shown["health"] == {**health, "groups": None, "grants": None}
    assert shown["quarantine"] == quarantine


def test_new_contacts_are_asked_to_confirm(api: Caller) -> None:
    topic = api.aws.sns.create_topic(Name="notices")["TopicArn"]
    api = with_topic(api, topic)
    integration = api.integration(contacts=["ann@example.com"])
    path = f"/v1/integrations/{integration['id']}"
    api("PATCH", path, {"contacts": ["ann@example.com", "bob@example.com"]})
    found = api.aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert sorted(one["Endpoint"] for one in found) == ["ann@example.com", "bob@example.com"]


def test_a_test_that_stops_the_schedule_tells_the_contacts_once(api: Caller) -> None:
    api = with_topic(api, api.aws.sns.create_topic(Name="notices")["TopicArn"])
    sqs = api.aws._client("sqs")
    queue = sqs.create_queue(QueueName="team")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    api.aws.sns.subscribe(
        TopicArn=api.settings.notice_topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
    )
    with serve(seed_activecampaign(3, 2)) as vendor:
        credential = api.credential(value="wrong-key")
        integration = api.integration(
            name="Marketing", base_url=vendor.url, subdomain=None, credential_id=credential
        )
        path = f"/v1/integrations/{integration['id']}"
        assert api("POST", f"{path}/test").json["ok"] is False
        assert "Messages" not in sqs.receive_message(QueueUrl=queue), "a draft has no schedule"
        api.config.update("INTEGRATION", integration["id"], {"status": "active"})
        for call in ("test", "preview", "test"):
            api("POST", f"{path}/{call}")
    (told,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(told["Body"])["Subject"] == "Rollcall: Marketing needs a new key"
    assert "PUT /v1/credentials" in json.loads(told["Body"])["Message"]
    assert vendor.tenant.token not in told["Body"]


def test_contacts_that_cannot_be_asked_are_kept_all_the_same(api: Caller) -> None:
    gone = "arn:aws:sns:eu-west-1:123456789012:gone"
    broken = with_topic(api, gone)
    integration = broken.integration(contacts=["ann@example.com"])
    assert integration["contacts"] == ["ann@example.com"]
    path = f"/v1/integrations/{integration['id']}"
    changed = broken("PATCH", path, {"contacts": ["bob@example.com"]})
    assert (changed.status, changed.json["contacts"]) == (200, ["bob@example.com"])
    # The same change again asks again.
    topic = api.aws.sns.create_topic(Name="notices")["TopicArn"]
    with_topic(api, topic)("PATCH", path, {"contacts": ["bob@example.com"]})
    found = api.aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [one["Endpoint"] for one in found] == ["bob@example.com"]
