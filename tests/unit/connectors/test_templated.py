"""Paths and JSON with templates: whatever is said in them, they lead nowhere else."""

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors.presets import NAMES
from rollcall.connectors.templated import (
    Compiler,
    Fault,
    Rejected,
    Tree,
    below,
    compiled_tree,
    rendered_path,
    used,
)
from rollcall.sync.masking import MASK

ORIGIN = "https://acme.example.com/api"
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.text(alphabet="./\\%2eE5cf?#&:@; \n", max_size=8)
)


def context(**inputs: Any) -> dict[str, Any]:
    return {**dict.fromkeys(NAMES), "inputs": inputs}


def shown(data: Any, secrets: set[str], inputs: dict[str, Any]) -> Any:
    return Compiler(frozenset(secrets)).tree(data, "body")(context(**inputs))[1]


@given(ANYTHING, ANYTHING)
def test_a_path_leads_nowhere_else_whatever_the_inputs(first: Any, second: Any) -> None:
    path = "/users/{{ inputs.a }}/roles/x-{{ inputs.b }}?as={{ inputs.a }}"
    made = rendered_path(path, context(a=first, b=second))
    if isinstance(made, Fault):
        assert made.field in ("a", "b", "path")
        return
    url = urlsplit(f"{ORIGIN}{made}")
    assert url.netloc == "acme.example.com"
    assert url.fragment == ""
    parts = url.path.removeprefix("/api").split("/")
    assert [parts[0], parts[1], parts[3]] == ["", "users", "roles"]
    assert len(parts) == 5
    assert unquote(parts[2]).strip() not in ("", ".", "..")
    assert url.query.count("=") == 1
    assert "&" not in url.query


@pytest.mark.parametrize("value", [None, "", "  ", ".", "..", " .. ", "\n"])
def test_an_empty_part_of_a_path_is_refused_by_its_input(value: Any) -> None:
    made = rendered_path("/users/{{ inputs.id }}", context(id=value))
    assert isinstance(made, Fault)
    assert made.field == "id"
    assert "empty" in made.message


@pytest.mark.parametrize(
    ("path", "inputs"),
    [
        ("/users/{{ inputs.a }}{{ inputs.b }}/x", {"a": "%2e", "b": "."}),
        ("/users/.{{ inputs.a }}", {"a": "%2e"}),
        ("/users/%2{{ inputs.a }}.", {"a": "e"}),
        ("/{{ inputs.a }}%2e/x", {"a": "%2e"}),
    ],
)
def test_what_is_put_together_does_not_lead_upwards(path: str, inputs: dict[str, Any]) -> None:
    try:
        made = below(path, "", "path")
    except Rejected:
        return
    rendered = rendered_path(made, context(**inputs))
    assert isinstance(rendered, Fault) or ".." not in [
        unquote(part) for part in rendered.split("/")
    ]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/users", "/users"),
        ("/users?a=b&c=..x", "/users?a=b&c=..x"),
        (f"{ORIGIN}/users", "/users"),
        ("/users/{{ 'a b' }}", "/users/{{ 'a b' }}"),
        ("/users/{{ inputs['}}'] }}", "/users/{{ inputs['}}'] }}"),
    ],
)
def test_a_url_is_a_path_or_an_address_of_the_apps(url: str, path: str) -> None:
    assert below(url, ORIGIN, "url") == path


@pytest.mark.parametrize(
    "url",
    [
        None, "", "users", "//evil.example/", "https://evil.example/", f"{ORIGIN}.evil.example/x",
        f"{ORIGIN}@evil.example/", ORIGIN, "/../x", "/a/..", "/a/./b", "/%2e%2e/x", "/a/%2E./x",
        "/..%2fx", "/..%5cx", "/a\\..\\b", "/a#b", "/a b", "/a\tb", "/a\u202eb", "/a%", "/a%2",
        "/{{ 'x' }}/../y", "/{{ '}}' }}/../y", "/{{ '}} {{' }}/../{{ 'y' }}", "/{{ x",
    ],
)  # fmt: skip
def test_no_url_leads_elsewhere(url: Any) -> None:
    with pytest.raises(Rejected) as told:
        below(url, ORIGIN, "overrides.url")
    assert told.value.fault.field == "overrides.url"


@pytest.mark.parametrize(
    "source",
    [
        "{{ inputs.password }}",
        "{{ inputs['password'] }}",
        '{{ inputs [ "password" ] }}',
        "{{ inputs . password }}",
        "{{ inputs['pass\\x77ord'] }}",
        "{{ inputs }}",
        "{{ inputs | json }}",
        "{{ (inputs).password }}",
        "{{ inputs.name }} and {{ inputs.password | upper }}",
        "{% if inputs.password == 'a' %}yes{% endif %}",
        "{{ 'x' if inputs.password else 'y' }}",
        "{{ 16 | random_password }}",
    ],
)
def test_what_speaks_of_a_secret_is_not_shown(source: str) -> None:
    inputs = {"name": "Sam", "password": "hunter2-and-more"}
    made = shown({"a": source, "b": [source], "c": "{{ inputs.name }}"}, {"password"}, inputs)
    assert made["c"] == "Sam"
    assert made.get("a", MASK) == MASK
    assert "hunter2" not in str(made)


def test_what_speaks_of_no_secret_is_shown() -> None:
    inputs = {"name": "Sam", "password": "x"}
    assert shown("{{ inputs.name }}", {"password"}, inputs) == "Sam"
    assert shown("{{ inputs.name }}", set(), inputs) == "Sam"
    assert shown("{{ inputs | json }}", set(), {"name": "Sam"}) == '{"name":"Sam"}'


def test_null_is_left_out_of_objects_and_lists_and_false_is_not() -> None:
    data = {"a": "{{ inputs.none }}", "b": ["{{ inputs.none }}", "{{ inputs.no }}"], "c": None}
    tree = compiled_tree(data, "body")
    assert isinstance(tree, Tree)
    assert tree.value(context(no=False)) == {"b": [False]}


@given(
    st.recursive(
        st.booleans() | st.integers() | st.text(alphabet="abc .", max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    )
)
def test_json_without_templates_is_as_it_stands(data: Any) -> None:
    tree = compiled_tree(data, "body")
    assert isinstance(tree, Tree)
    assert tree.value(context()) == data


def test_a_template_keeps_the_kind_of_its_value() -> None:
    tree = compiled_tree({"n": "{{ inputs.n }}", "t": "no {{ inputs.n }}"}, "body")
    assert isinstance(tree, Tree)
    assert tree.value(context(n=5)) == {"n": 5, "t": "no 5"}


def test_a_template_that_fails_names_its_input_or_its_place() -> None:
    one = compiled_tree({"a": ["{{ inputs.n | number }}"]}, "body")
    two = compiled_tree({"a": ["{{ (inputs.n or inputs.m) | number }}"]}, "body")
    assert isinstance(one, Tree)
    assert isinstance(two, Tree)
    for tree, field in ((one, "n"), (two, "body.a.0")):
        failed = tree.value(context(n="ten"))
        assert isinstance(failed, Fault)
        assert failed.field == field
        assert "ten" not in failed.message


def test_a_template_that_is_none_is_refused_with_its_place() -> None:
    refused = compiled_tree({"a": ["{{ nobody }}"]}, "overrides.body")
    assert isinstance(refused, Fault)
    assert refused.field == "overrides.body.a.0"
    assert "line 1, column 4" in refused.message


def test_it_is_known_what_a_template_speaks_of() -> None:
    assert used("{{ inputs.a or inputs['b'] }} {{ reads.c }}", "inputs") == {"a", "b"}
    assert used("{{ inputs.a or inputs['b'] }} {{ reads.c }}", "reads") == {"c"}
    assert used("{{ inputs }}", "inputs") == {None}
    assert used("{{ myinputs.a }}", "inputs") == set()
