"""A preset that could never work, or that speaks of what is not there, is told by its path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors.check import problems
from rollcall.connectors.manifest import build
from tests.manifests import GONE, bent, plain


def acting() -> dict[str, Any]:
    """The plain manifest with a preset that uses nearly everything, and a create."""
    data = plain()
    data["protected"] = [
        {"method": "PATCH", "path": "/users/{id}", "when": "{{ body.enabled is false }}"}
    ]
    data["presets"] = [
        {
            "key": "update_user",
            "name": "Update",
            "does": "update",
            "method": "PATCH",
            "path": "/users/{{ external_id }}?notify={{ inputs.notify }}",
            "headers": {"X-Reason": "{{ inputs.why }}"},
            "params": {"dry": False, "team": "{{ reads.team }}"},
            "body": {"user": {"name": "{{ inputs.name or reads.user.name }}", "tags": ["{{ 1 }}"]}},
            "needless": "{{ reads.user.name == inputs.name }}",
            "expects": "{{ response.ok }}",
            "response": "user",
            "inputs": [
                {"key": "name", "name": "Name", "default": "Sam", "choices": ["Sam", "Kim"]},
                {"key": "notify", "name": "Notify", "type": "boolean", "default": False},
                {"key": "why", "name": "Why", "secret": True},
            ],
            "reads": [
                {"name": "user", "path": "/users/{{ external_id }}", "at": "user"},
                {"name": "team", "path": "/teams/{{ reads.user.team_id }}", "optional": True},
            ],
            "says": [{"status": [409], "contains": "no change", "means": "already-so"}],
            "rows": [
                {"each": "user.roles", "columns": {"role": "id"}, "constants": {"kind": "own"}},
                {"read": "team", "gathered": {"rights": "can_"}},
            ],
        },
        {
            "key": "create_user",
            "name": "Create",
            "does": "create",
            "method": "POST",
            "path": "/users",
            "body": {"email": "{{ inputs.email }}"},
            "id": "user.id",
            "inputs": [{"key": "email", "name": "Email", "required": True}],
        },
        {
            "key": "list_groups",
            "name": "Groups",
            "does": "list",
            "method": "GET",
            "path": "/groups",
            "lists": "groups",
        },
    ]
    return data


def told(changed: str, value: Any) -> list[tuple[str, str]]:
    return [(one.path, one.message) for one in problems(bent(changed, value, acting()))]


def test_a_manifest_with_such_presets_passes() -> None:
    assert problems(acting()) == []


@pytest.mark.parametrize(
    ("changed", "value", "path", "says"),
    [
        ("key", "Update User", "key", "lower case"),
        ("key", "create_user", "presets", "'create_user' is there twice"),
        ("name", "", "name", "1 to 100"),
        ("does", "destroy", "does", "'create', 'read'"),
        ("method", "HEAD", "method", "'GET', 'POST'"),
        ("verb", "GET", "verb", "nexpected"),
        ("lists", "groups", "lists", "only for a preset that lists"),
        ("description", "d" * 501, "description", "500"),
        # Where the request goes
        ("path", "", "path", "1 to 300"),
        ("path", "users", "path", "must begin with /"),
        ("path", "//evil.example/users", "path", "must begin with /"),
        ("path", "https://evil.example/users", "path", "must begin with /"),
        ("path", "{{ inputs.name }}", "path", "must begin with /"),
        ("path", "/users/../admin", "path", "upwards"),
        ("path", "/users/%2e%2E/admin", "path", "upwards"),
        ("path", "/users/..%2fadmin", "path", "upwards"),
        ("path", "/users/{{ external_id }}/..", "path", "upwards"),
        ("path", "/users\\..\\admin", "path", "upwards"),
        ("path", "/users#x", "path", "URL's path"),
        ("path", "/users/%zz", "path", "URL's path"),
        ("path", "/users /x", "path", "URL's path"),
        ("path", "/users\r\nX: y", "path", "control"),
        ("path", "/{% if 1 %}users{% endif %}", "path", "expressions }} only"),
        ("path", "/users/{# no #}", "path", "expressions }} only"),
        ("path", "/users/{{ external_id", "path", "without its }} (column 8)"),
        ("path", "/users/{{ user.id }}", "path", "there is no 'user' here"),
        ("path", "/users/{{ inputs.id }}", "path", "there is no input 'id'"),
        ("path", "/users/{{ inputs['id'] }}", "path", "there is no input 'id'"),
        ("path", "/users/{{ response.id }}", "path", "there is no 'response' here"),
        # What goes with it
        ("headers", {"Authorization": "x"}, "headers.Authorization", "not to be overridden"),
        ("headers", {"X-HTTP-Method-Override": "x"}, "headers.X-HTTP-Method-Override", "overrid"),
        ("headers", {"X Y": "x"}, "headers.X Y", "name of a header"),
        ("headers", {"X-Y": 1}, "headers.X-Y", "string"),
        ("headers", {"X-Y": "{{ nobody }}"}, "headers.X-Y", "there is no 'nobody'"),
        ("params", {"a&b": "x"}, "params", "name of a parameter"),
        ("params", {"a": ["x"]}, "params.a", "must be text, a number"),
        ("params", {"a": "{{ inputs.nope }}"}, "params.a", "there is no input 'nope'"),
        ("body", [], "body", "object"),
        ("body", {"a": {"b": ["{{ 1 + }}"]}}, "body.a.b.0", "line 1"),
        ("body", {"a": {"b": ["{{ inputs.nope }}"]}}, "body.a.b.0", "there is no input 'nope'"),
        ("body", {"a": "{{ reads.nope }}"}, "body.a", "there is no read 'nope'"),
        ("body", {str(n): 1 for n in range(51)}, "body", "50"),
        # What is asked of data
        ("needless", "true", "needless", "one {{ expression }}"),
        ("needless", "{{ response.ok }}", "needless", "there is no 'response'"),
        ("needless", "{{ inputs.nope }}", "needless", "there is no input 'nope'"),
        ("expects", "{{ ok }}", "expects", "there is no 'ok'"),
        ("response", "a..b", "response", "no path"),
        ("looks_for", "{{ email }}", "looks_for", "there is no 'email'"),
        # What is read before
        ("reads.1.name", "user", "reads", "'user' is there twice"),
        ("reads.0.name", "The User", "reads.0.name", "lower case"),
        ("reads.0.path", "/users/{{ reads.team }}", "reads.0.path", "no earlier read 'team'"),
        ("reads.0.path", "/users/{{ reads }}", "reads.0.path", "no earlier read"),
        ("reads.0.path", "users", "reads.0.path", "must begin with /"),
        ("reads.0.path", "/users/{{ inputs.nope }}", "reads.0.path", "no input 'nope'"),
        ("reads.0.path", "/users/{{ inputs.why }}", "reads.0.path", "the secret 'why'"),
        ("reads.0.at", "a[", "reads.0.at", "no path"),
        ("reads.0.roster", "person", "reads.0.roster", "'record'"),
        # What a caller may say
        ("inputs.0.key", "external_id", "inputs.0.key", "every preset about one user has"),
        ("inputs.0.key", "First Name", "inputs.0.key", "lower case"),
        ("inputs.1.key", "name", "inputs", "'name' is there twice"),
        ("inputs.0.type", "date", "inputs.0.type", "'text', 'id'"),
        ("inputs.0.type", "number", "inputs.0.choices", "are texts"),
        ("inputs.0.choices", ["Sam", "Sam"], "inputs.0.choices", "twice"),
        ("inputs.0.choices", [""], "inputs.0.choices.0", "1 to 200"),
        ("inputs.0.default", "Tim", "inputs.0.default", "must be one of Sam, Kim"),
        ("inputs.0.default", 1, "inputs.0.default", "none of type text"),
        ("inputs.1.default", "false", "inputs.1.default", "none of type boolean"),
        ("inputs.1.default", 0, "inputs.1.default", "none of type boolean"),
        ("inputs.2.default", "x", "inputs.2.secret", "everybody sees"),
        ("inputs.2.type", "json", "inputs.2.secret", "is a text"),
        # What an answer means
        ("says.0.contains", " ", "says.0.contains", "match anything"),
        ("says.0.status", [200], "says.0.status.0", "400 to 599"),
        ("says.0.means", "fine", "says.0.means", "'already-so'"),
        ("rows.1.read", "nope", "rows.1.read", "there is no read 'nope'"),
        ("rows.0.columns", {}, "rows.0.columns", "no columns"),
        ("rows.0.columns", {"kind": "id"}, "rows.0", "'kind' is there twice"),
        ("rows.0.columns", {"role": "a["}, "rows.0.columns.role", "no path"),
        ("rows.0.each", "a[", "rows.0.each", "no path"),
    ],
)
def test_every_fault_of_a_preset_is_told_by_its_path(
    changed: str, value: Any, path: str, says: str
) -> None:
    found = told(f"presets.0.{changed}", value)
    where = path if path == "presets" else f"presets.0.{path}"
    assert where in {place for place, _ in found}, found
    assert any(says in message for place, message in found if place == where), found


@pytest.mark.parametrize(
    ("changed", "value", "path", "says"),
    [
        ("presets.1.id", GONE, "presets.1.id", "is needed where a user is created"),
        ("presets.1.inputs", [], "presets.1.looks_for", "there is no input 'email'"),
        ("groups", GONE, "presets.2.lists", "there are no groups"),
        ("protected.0.path", "/users", "protected.0.path", "{id} once"),
        ("protected.0.path", "/users/{id}/{id}", "protected.0.path", "{id} once"),
        ("protected.0.method", "GET", "protected.0.method", "'POST'"),
        ("protected.0.when", "{{ user }}", "protected.0.when", "there is no 'user'"),
        ("protected.0.when", "yes", "protected.0.when", "one {{ expression }}"),
    ],
)
def test_so_are_the_faults_that_are_no_single_presets(
    changed: str, value: Any, path: str, says: str
) -> None:
    found = told(changed, value)
    assert any(says in message for place, message in found if place == path), found


@pytest.mark.parametrize("kind", ["id", "number"])
def test_true_is_no_number_though_python_has_it_for_one(kind: str) -> None:
    inputs = {"key": "n", "name": "N", "type": kind}
    for default, fine in ((5, True), (True, False)):
        data = bent("presets.0.inputs.1", inputs | {"default": default}, acting())
        data["presets"][0]["path"] = "/users"
        assert (problems(data) == []) == fine


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
        max_leaves=8,
    ),
    st.sampled_from(
        ["path", "body", "params", "headers", "needless", "reads", "rows", "says", "inputs",
         "inputs.0.default", "inputs.0.choices", "reads.0.path", "rows.0.columns", "lists"]
    ),
)  # fmt: skip
def test_anything_at_all_in_a_preset_is_taken_or_told(value: Any, place: str) -> None:
    data = bent(f"presets.0.{place}", value, acting())
    if not problems(data):
        assert build(data).presets[0].key == "update_user"
