"""Advanced mode: any part of a preset in other words, and nobody loses their access by it."""

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from local.vendors import ActiveCampaign, Aha, Vendor, serve
from local.vendors.calls import Call
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.integration.actions.conftest import Desk


class Heard(ActiveCampaign):
    """Keeps every call whole."""

    calls: list[Call]

    def answer(self, call: Call, switches: Any) -> Any:
        self.calls.append(call)
        return super().answer(call, switches)


@pytest.fixture
def vendor() -> Iterator["Vendor[Heard]"]:
    seeded = seed_activecampaign(6, 4)
    tenant = Heard(seeded.users.values(), seeded.groups.values())
    tenant.calls = []
    with serve(tenant) as serving:
        yield serving


@pytest.fixture
def aha() -> Iterator["Vendor[Aha]"]:
    with serve(seed_aha(6)) as serving:
        yield serving


def use(desk: Desk, integration: str, preset: str, **body: Any) -> Any:
    return desk.call("POST", f"/v1/integrations/{integration}/presets/{preset}", body)


def test_every_part_is_made_of_person_account_inputs_and_variables(
    desk: Desk, vendor: "Vendor[Heard]"
) -> None:
    integration = desk.integrate(vendor)
    assert desk.call("PUT", "/v1/variables/Team", {"value": "Red"}).status == 200
    vendor.tenant.calls.clear()
    answer = use(
        desk,
        integration,
        "get_user",
        inputs={"external_id": "3"},
        overrides={
            "method": "PUT",
            "url": "/users/{{ account.external_id }}",
            "headers": {"X-Team": "{{ variables.Team | upper }}"},
            "params": {"for": "{{ person.email }}", "none": "{{ person.phone }}"},
            "body": {
                "user": {
                    "firstName": "{{ person.first_name | upper }}",
                    "lastName": "{% if account.status == 'active' %}On{% else %}Off{% endif %}",
                    "nothing": "{{ inputs.nothing }}",
                }
            },
            "response": {"now": "{{ response.user.firstName }}", "of": "{{ external_id }}"},
        },
    )
    assert answer.status == 200, answer.text
    user = vendor.tenant.users["3"]
    call = vendor.tenant.calls[0]
    assert (call.method, call.path) == ("PUT", "/api/3/users/3")
    assert call.headers["x-team"] == "RED"
    assert call.query == {"for": user.email}
    body = json.loads(call.body)["user"]
    assert body == {"firstName": body["firstName"], "lastName": "On"}
    assert user.first_name == body["firstName"] == body["firstName"].upper()
    assert answer.json["response"] == {"now": user.first_name, "of": "3"}
    assert answer.json["roster"] == "updated"
    action = desk.call("GET", f"/v1/actions/{answer.json['action_id']}").json
    assert action["request"]["headers"]["X-Team"] == "(secret)"
    assert action["overrides"]["headers"] == {"X-Team": "(secret)"}
    desk.unchanged(integration)


def test_an_address_of_the_same_api_may_be_written_whole(
    desk: Desk, vendor: "Vendor[Heard]"
) -> None:
    integration = desk.integrate(vendor)
    address = f"{vendor.url}/api/3/groups/3"
    answer = use(
        desk, integration, "get_user", inputs={"external_id": "2"}, overrides={"url": address,
        "response": "{{ response.group.title }}"},
    )  # fmt: skip
    assert (answer.status, answer.json["response"]) == (200, vendor.tenant.groups["3"].title)


UNMENDABLE: list[tuple[Any, ...]] = [
    ({"body": {"user": {"email": "{{ inputs.__class__ }}"}}}, "overrides.body.user.email"),
    ({"body": {"user": {"email": "{{ lipsum() }}"}}}, "overrides.body.user.email"),
    ({"body": {"user": {"email": "{% for x in y %}{% endfor %}"}}},
     "overrides.body.user.email"),
    ({"body": {"user": [{"a": "{{ secrets.key }}"}]}}, "overrides.body.user.0.a"),
    ({"params": {"q": "{{ response.x }}"}}, "overrides.params.q"),
    ({"headers": {"X-A": "{{ nope"}}, "overrides.headers.X-A"),
    ({"headers": {"Authorization": "x"}}, "overrides.headers.Authorization"),
    ({"headers": {"X-HTTP-Method-Override": "DELETE"}},
     "overrides.headers.X-HTTP-Method-Override"),
    ({"headers": {"a b": "x"}}, "overrides.headers.a b"),
    ({"response": {"id": "{{ response | attr('x') }}"}}, "overrides.response.id"),
    ({"url": "https://evil.example/users/2"}, "overrides.url"),
    ({"url": "//evil.example/users/2"}, "overrides.url"),
    ({"url": "/\\evil.example"}, "overrides.url"),
    ({"url": "{{ inputs.url }}"}, "overrides.url"),
    ({"url": "/users/../groups/3"}, "overrides.url"),
    ({"url": "/users/%2E%2e/x"}, "overrides.url"),
    ({"url": "/users/{% if true %}1{% endif %}"}, "overrides.url"),
    ({"url": "/users/2#x"}, "overrides.url"),
    ({"method": "TRACE"}, "overrides.method"),
    ({"method": "delete"}, "overrides.method"),
    ({"body": "text"}, "overrides.body"),
    ({"verb": "GET"}, "overrides.verb"),
]  # fmt: skip


def test_what_no_data_could_mend_is_refused_with_its_place(
    desk: Desk, vendor: "Vendor[Heard]"
) -> None:
    integration = desk.house.integrate(vendor).id
    for (overrides, place), dry in product(UNMENDABLE, ({}, {"dry_run": True})):
        body = {"inputs": {"external_id": "2"}, "overrides": overrides, **dry}
        answer = use(desk, integration, "get_user", **body)
        assert (answer.status, answer.fields[0]) == (422, place), answer.text
        if place != "overrides.url" and re.search(r"\{[{%]", json.dumps(overrides)[2:]):
            assert "(line 1, column " in answer.json["errors"][0]["message"]
    assert vendor.tenant.calls == []
    assert desk.call("GET", "/v1/actions").json["items"] == []


FAILING: list[tuple[Any, ...]] = [
    ({"body": {"user": {"phone": "{{ inputs.phone | number }}"}}}, "phone"),
    ({"body": {"user": {"phone": "{{ person.email | number }}"}}}, "overrides.body.user.phone"),
    ({"url": "/users/{{ inputs.phone | truncate(0) }}"}, "phone"),
    ({"url": "/users/{{ person.nobody }}"}, "overrides.url"),
]


def test_a_template_that_fails_for_these_data_names_the_input_and_nothing_is_called(
    desk: Desk, vendor: "Vendor[Heard]"
) -> None:
    integration = desk.integrate(vendor)
    vendor.tenant.calls.clear()
    for overrides, field in FAILING:
        body = {"inputs": {"external_id": "3", "phone": "none"}, "overrides": overrides}
        dry = use(desk, integration, "update_user", **body, dry_run=True)
        real = use(desk, integration, "update_user", **body)
        assert (dry.status, dry.fields) == (real.status, real.fields) == (422, [field]), real.text
    assert {call.method for call in vendor.tenant.calls} <= {"GET"}
    actions = desk.call("GET", "/v1/actions").json["items"]
    assert {(one["status"], one["error"]["code"]) for one in actions} == {
        ("failed", "invalid-input")
    }


def test_what_a_preset_knows_of_its_own_request_does_not_stop_another(
    desk: Desk, aha: "Vendor[Aha]"
) -> None:
    integration = desk.integrate(aha)
    user = next(one for one in aha.tenant.users.values() if one.id != aha.tenant.me)
    path = f"/v1/integrations/{integration}/users/{user.id}/deactivate"
    assert desk.call("POST", path).json["outcome"] == "done"
    assert desk.call("POST", path).json["outcome"] == "already-so"
    renamed = use(
        desk,
        integration,
        "deactivate_user",
        inputs={"external_id": user.id},
        overrides={"body": {"user": {"email": "gone@northwind.example", "enabled": False}}},
    )
    assert (renamed.status, renamed.json["outcome"]) == (200, "done")
    assert aha.tenant.users[user.id].email == "gone@northwind.example"


def test_a_list_in_other_words_is_one_request(desk: Desk, vendor: "Vendor[Heard]") -> None:
    integration = desk.integrate(vendor)
    titles = use(
        desk,
        integration,
        "list_groups",
        overrides={"response": "{{ response | map('title') | join(', ') }}"},
    )
    assert titles.status == 200, titles.text
    wanted = [group.title for group in vendor.tenant.groups.values()]
    assert sorted(titles.json["response"].split(", ")) == sorted(wanted)
    one = use(desk, integration, "list_groups", overrides={"url": "/groups/3"})
    assert one.json["response"]["group"]["id"] == "3"


OWNERS_END: list[tuple[Any, ...]] = [
    ("get_user", {"method": "DELETE"}),
    ("update_user", {"method": "DELETE", "url": "/users/1"}),
    ("list_groups", {"method": "DELETE", "url": "/users/1/"}),
    ("get_user", {"method": "DELETE", "url": "/users/1?x=1"}),
    ("get_user", {"method": "DELETE", "url": "/users/%31"}),
    ("get_user", {"method": "DELETE", "url": "/users%2F1"}),
    ("get_user", {"method": "DELETE", "url": "/users/01"}),
    ("get_user", {"method": "DELETE", "url": "/Users/1.json"}),
    ("get_user", {"method": "DELETE", "url": "/users/{{ 1 }}"}),
]


def test_the_owner_is_not_deleted_by_any_other_words(desk: Desk, vendor: "Vendor[Heard]") -> None:
    integration = desk.integrate(vendor)
    vendor.tenant.calls.clear()
    for (preset, overrides), dry in product(OWNERS_END, ({"dry_run": True}, {})):
        inputs = {"external_id": "1"} if preset != "list_groups" else {}
        answer = use(desk, integration, preset, inputs=inputs, overrides=overrides, **dry)
        assert answer.status == 409, answer.text
    assert {call.method for call in vendor.tenant.calls} <= {"GET"}


OWN_END: list[tuple[Any, ...]] = [
    ("deactivate_user", {}),
    ("update_user", {"body": {"user": {"enabled": "{{ 1 == 2 }}"}}}),
    ("update_user", {"body": {"user": {"enabled": "off"}}}),
    ("update_user", {"body": {"enabled": False}}),
    ("update_user", {"method": "PATCH", "body": {"user": {"enabled": 0}}}),
    ("update_user", {"params": {"user[enabled]": "false"}}),
    ("update_user", {"url": "/users/{{ external_id }}?user[enabled]=0"}),
    ("get_user", {"method": "PUT", "body": {"user": {"enabled": False}}}),
]


def test_the_keys_own_user_is_not_deactivated_by_any_other_words(
    desk: Desk, aha: "Vendor[Aha]"
) -> None:
    integration = desk.integrate(aha)
    me = aha.tenant.me
    for preset, overrides in OWN_END:
        answer = use(desk, integration, preset, inputs={"external_id": me}, overrides=overrides)
        assert answer.status == 409, answer.text
    assert not [call for call in aha.log if call.method in ("PUT", "PATCH")]
    assert aha.tenant.users[me].enabled
    fine = use(desk, integration, "update_user", inputs={"external_id": me, "first_name": "Mine"})
    assert fine.status == 200, fine.text
