"""A preset and what is overridden of it become the exact request, or a sentence why not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.actions.request import NAMES, Fault, Plan, Rendered, compiled, reshaped
from rollcall.connectors.presets import Input, Preset, Said
from rollcall.sync.masking import MASK

ORIGIN = "https://acme.example.com/api"
PRESET = Preset(
    "create_user",
    "Create",
    "create",
    "POST",
    "/teams/{{ inputs.team }}/users",
    inputs=(
        Input("team", "Team", "id", required=True),
        Input("email", "Email"),
        Input("password", "Password", secret=True),
    ),
    headers={"X-Team": "{{ inputs.team }}"},
    params={"notify": False, "by": "{{ person.email }}"},
    body={"user": {"mail": "{{ inputs.email }}", "secret": "{{ inputs.password }}"}},
)


def plan(**overrides: Any) -> Plan:
    made = compiled(PRESET, overrides, ORIGIN)
    assert isinstance(made, Plan), made
    return made


def rendered(made: Plan, **context: Any) -> Rendered:
    inputs = {"team": "a/b", "email": "sam@example.com", "password": "hunter2"}
    told = made.render({**dict.fromkeys(NAMES), "inputs": inputs, **context})
    assert isinstance(told, Rendered), told
    return told


def test_the_request_is_whole_and_what_is_shown_of_it_tells_no_secret() -> None:
    made = rendered(plan(), person={"email": "boss@example.com"})
    request = made.request
    assert (request.method, request.url) == ("POST", "/teams/a%2Fb/users")
    assert request.headers == {"X-Team": "a/b"}
    assert request.params == {"notify": "false", "by": "boss@example.com"}
    assert request.body == {"user": {"mail": "sam@example.com", "secret": "hunter2"}}
    assert made.shown == replace(
        request, body={"user": {"mail": "sam@example.com", "secret": MASK}}
    )


def test_what_nobody_said_is_not_sent_and_not_shown() -> None:
    made = rendered(plan(), inputs={"team": "1"})
    assert made.request.body == made.shown.body == {"user": {}}
    assert made.request.params == {"notify": "false"}


def test_each_part_is_overridden_by_itself() -> None:
    made = rendered(
        plan(
            method="PUT",
            url=f"{ORIGIN}/users/{{{{ external_id }}}}?a=b",
            headers={"X-Key": "k3y"},
            params={"page": 2},
            body={"name": "{{ account.name }}"},
        ),
        external_id="7",
        account={"name": "Sam"},
    )
    request = made.request
    assert (request.method, request.url) == ("PUT", "/users/7?a=b")
    assert (request.headers, request.params) == ({"X-Key": "k3y"}, {"page": "2"})
    assert request.body == {"name": "Sam"}
    assert made.shown.headers == {"X-Key": MASK}


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"method": "TRACE"}, "overrides.method"),
        ({"method": None}, "overrides.method"),
        ({"url": "https://evil.example/x"}, "overrides.url"),
        ({"url": "/users/../x"}, "overrides.url"),
        ({"url": "/{{ response.id }}"}, "overrides.url"),
        ({"url": None}, "overrides.url"),
        ({"headers": {"Authorization": "x"}}, "overrides.headers.Authorization"),
        ({"headers": {"host": "x"}}, "overrides.headers.host"),
        ({"headers": {"a\r\nb": "x"}}, "overrides.headers.a\r\nb"),
        ({"headers": {"X": "{{"}}, "overrides.headers.X"),
        ({"headers": None}, "overrides.headers"),
        ({"params": {"a": "{{ nobody }}"}}, "overrides.params.a"),
        ({"params": []}, "overrides.params"),
        ({"body": {"a": ["{% for x in y %}"]}}, "overrides.body.a.0"),
        ({"body": {"a": "x" * 100_001}}, "overrides.body"),
    ],
)
def test_an_override_that_no_data_could_mend_is_refused_by_its_place(
    overrides: dict[str, Any], field: str
) -> None:
    refused = compiled(PRESET, overrides, ORIGIN)
    assert isinstance(refused, Fault)
    assert refused.field == field


def test_it_is_known_which_input_each_place_of_the_body_comes_from() -> None:
    wanted = {"mail": "email", "secret": "password", "team": "team", "X-Team": "team"}
    assert plan().fields == wanted


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_request_never_leaves_the_app_whatever_is_said(team: str, email: str) -> None:
    made = plan().render(
        {**dict.fromkeys(NAMES), "inputs": {"team": team, "email": email, "password": email}}
    )
    if isinstance(made, Fault):
        assert made.field == "team"
        return
    assert made.request.url.startswith("/teams/")
    assert made.request.url.endswith("/users")
    assert made.request.url.count("/") == 3
    assert not set("?#\\ \r\n") & set(made.request.url)
    assert made.shown.body["user"]["secret"] == MASK


def test_what_is_true_of_a_presets_own_request_is_not_of_another() -> None:
    told = replace(
        PRESET,
        needless="{{ true }}",
        expects="{{ true }}",
        says=(Said((404,), "gone", "already-gone"),),
        lists="groups",
    )
    assert reshaped(told, {"response": "x"}) == told
    assert reshaped(told, {"headers": {}}) == replace(told, lists="")
    for part in ("method", "url", "params", "body"):
        bare = replace(told, needless="", expects="", says=(), lists="")
        assert reshaped(told, {part: "x"}) == bare


def test_what_is_written_into_a_request_by_hand_may_be_a_secret() -> None:
    made = rendered(plan(headers={"X-Key": "k3y-of-mine"}, body={"password": "p4ssw0rd"}))
    assert made.request.body == {"password": "p4ssw0rd"}
    assert (made.shown.body, made.shown.headers) == ({"password": MASK}, {"X-Key": MASK})
    assert made.secrets == ("k3y-of-mine", "p4ssw0rd")
