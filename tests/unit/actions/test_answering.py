"""What an app's answer means for whoever asked."""

from dataclasses import replace
from typing import Any

import pytest

from rollcall.actions import answering
from rollcall.actions.answering import already, error_of, fault_error, holds, lacking, wanted
from rollcall.actions.invoking import status_of
from rollcall.actions.request import Fault, Tree, compiled_tree
from rollcall.connectors.answers import Failure, judge
from rollcall.connectors.presets import Preset, Rows, Said

PRESET = Preset("user_role", "Role", "read", "GET", "/users/{{ external_id }}")
ANSWER = {
    "user": {
        "id": 7,
        "roles": [{"id": 1, "name": "Owner"}, {"id": 2}, "none"],
        "can_read": "1",
        "can_write": "0",
    }
}


def context(response: Any = ANSWER, **reads: Any) -> dict[str, Any]:
    return {"response": response, "reads": reads, "inputs": {}}


def rows(*wanted_rows: Rows, **reads: Any) -> Any:
    return wanted(replace(PRESET, rows=wanted_rows), context(**reads), None)


def test_the_whole_answer_is_wanted_or_what_is_at_a_path() -> None:
    assert wanted(PRESET, context(), None) == ANSWER
    assert wanted(replace(PRESET, response="user.id"), context(), None) == 7
    assert wanted(replace(PRESET, response="nobody"), context(), None) is None


def test_a_list_is_a_row_for_each_object_and_an_object_is_one() -> None:
    each = Rows("user.roles", columns={"role": "id", "name": "name"}, constants={"kind": "own"})
    assert rows(each) == [
        {"kind": "own", "role": 1, "name": "Owner"},
        {"kind": "own", "role": 2, "name": None},
    ]
    one = Rows("user", columns={"id": "id"}, gathered={"rights": "can_"})
    assert rows(one) == [{"id": 7, "rights": {"can_read": "1", "can_write": "0"}}]
    assert rows(Rows("nobody", columns={"id": "id"})) == []


def test_rows_come_from_a_read_too_and_none_where_it_is_null() -> None:
    more = Rows(read="custom", columns={"role": "id"})
    assert rows(more, custom=[{"id": 3}]) == [{"role": 3}]
    assert rows(more, custom=None) == []


def test_a_mapping_of_the_callers_takes_the_place_of_the_presets() -> None:
    tree = compiled_tree({"n": "{{ response.user.id }}"}, "overrides.response")
    assert isinstance(tree, Tree)
    assert wanted(replace(PRESET, response="user"), context(), tree) == {"n": 7}
    failing = compiled_tree("{{ response.user.roles | number }}", "overrides.response")
    assert isinstance(failing, Tree)
    failed = wanted(PRESET, context(), failing)
    assert isinstance(failed, Fault)
    assert failed.field == "overrides.response"


@pytest.mark.parametrize(
    ("does", "response", "body", "lacks"),
    [
        ("read", "user", {"user": {"id": "7"}}, False),
        ("read", "user.manager", {"user": None}, False),
        ("read", "user | person", {"person": {}}, False),
        ("read", "user", {"message": "later"}, True),
        ("read", "user", None, True),
        ("read", "user", [], True),
        ("read", "", None, False),
        ("read", "[0].user", [], False),
        ("update", "user", {}, False),
    ],
)
def test_a_preset_that_reads_lacks_what_no_key_of_the_answer_leads_to(
    does: Any, response: str, body: Any, lacks: bool
) -> None:
    assert lacking(replace(PRESET, does=does, response=response), body) is lacks


@pytest.mark.parametrize(
    ("source", "true"),
    [
        ("", False),
        ("{{ reads.user.enabled is false }}", True),
        ("{{ reads.nobody }}", False),
        ("{{ 'true' }}", False),
        ("{{ 1 }}", False),
        ("{{ reads.user | number }}", False),
    ],
)
def test_only_what_is_true_holds(source: str, true: bool) -> None:
    assert holds(source, context(user={"enabled": False})) is true


def test_a_preset_says_which_errors_mean_that_nothing_was_left_to_do() -> None:
    preset = replace(PRESET, says=(Said((404, 422), "no such role", "already-gone"),))
    assert already(preset, Failure("vendor-not-found", "404: no such role", status=404)) == (
        "already-gone"
    )
    assert already(preset, Failure("vendor-not-found", "404: no such user", status=404)) is None
    assert already(preset, Failure("vendor-broken", "500: no such role", status=500)) is None


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            b'{"errors":[{"title":"Taken","source":{"pointer":"/data/attributes/firstName"}}]}',
            [["first_name", "Taken"]],
        ),
        (b'{"errors":{"firstName":["is rude","is odd"]}}',
         [["first_name", "is rude"], ["first_name", "is odd"]]),
        (b'{"errors":{"seat":"is taken"}}', [["seat", "is taken"]]),
        (b'{"error":"Validation failed","errors":{"message":"Email is odd"}}',
         [["email", "Email is odd"]]),
        (b'{"errors":["Product is gone"]}', [["product_id", "Product is gone"]]),
        (b'{"errors":[{"message":"Emailing is off"}]}', None),
        (b'{"error":"email must be one"}', [["email", "email must be one"]]),
        (b'{"message":"No seat is left"}', None),
        (b"[]", None),
        (b"<html>", None),
    ],
)  # fmt: skip
def test_the_apps_complaints_are_told_by_our_inputs(body: bytes, errors: Any) -> None:
    fields = {"firstName": "first_name", "email": "email", "product_id": "product_id"}
    for status in (400, 422):
        failure = judge(status, {}, body)
        assert isinstance(failure, Failure)
        told = error_of(failure, fields)
        assert told["code"] == "vendor-rejected"
        assert told.get("errors") == errors


def test_how_long_to_wait_is_kept() -> None:
    failure = judge(429, {"retry-after": "7"}, b"")
    assert isinstance(failure, Failure)
    assert error_of(failure, {})["wait_seconds"] == 7
    assert "wait_seconds" not in error_of(Failure("vendor-broken", "500"), {})


def test_a_fault_of_what_was_asked_names_its_input() -> None:
    assert fault_error(Fault("email", "is odd")) == {
        "code": "invalid-input",
        "detail": "email: is odd",
        "errors": [["email", "is odd"]],
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("vendor-not-found", 404), ("vendor-rejected", 422), ("vendor-unauthorized", 502),
        ("vendor-forbidden", 502), ("vendor-throttled", 503), ("vendor-broken", 502),
        ("vendor-silent", 504), ("conflict", 409), ("invalid-input", 422), ("unavailable", 503),
    ],
)  # fmt: skip
def test_each_error_has_its_status(code: str, status: int) -> None:
    assert status_of(code) == status


def test_a_template_makes_a_text_or_none() -> None:
    assert answering.text_of("{{ response.user.id }} ", context()) == "7"
    assert answering.text_of("{{ response.user | number }}", context()) == ""
