"""What is refused when a mapping is saved, and where it says the fault is."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollcall.connectors import catalog
from rollcall.connectors.manifest import Manifest
from rollcall.fields.model import STANDARD, PersonField
from rollcall.mapping.check import mapping_problems, missing
from rollcall.mapping.mapper import Mapper
from rollcall.mapping.model import MappingRules, mapping_of

ROLES = ("Employee", "Manager", "Administrator")
FIELDS = {
    **STANDARD,
    "hired": PersonField("hired", "Hired", "datetime", unique=False),
    "cost": PersonField("cost", "Cost", "number", unique=False),
    "remote": PersonField("remote", "Remote", "boolean", unique=False),
    "extra": PersonField("extra", "Extra", "json", unique=False),
    "odd": PersonField("odd", "Odd", "json", unique=True),
    "aha_user_id": PersonField("aha_user_id", "Aha! User Id", "text", unique=True),
}
EMAIL = {"target": "email", "source": "email", "sync_key": 1}


def connector(key: str) -> Manifest:
    found = catalog.find(key)
    assert found is not None
    return found


AHA = connector("aha")


def faults(data: Any) -> dict[str, str]:
    found = mapping_problems(data, AHA, FIELDS, ROLES)
    assert len({problem.path for problem in found}) == len(found)
    return {problem.path: problem.message for problem in found}


def rule_faults(**rule: Any) -> dict[str, str]:
    return faults({"fields": [{"target": "title", "source": "job"} | rule]})


DESIGN = {
    "fields": [
        EMAIL,
        {"target": "display_name", "template": "{{ response.firstName }} {{ response.lastName }}"},
        {"target": "role", "value": "Employee"},
        {"target": "aha_user_id", "source": "id", "sync_key": 2},
    ]
}


@pytest.mark.parametrize(
    "data",
    [
        None,
        DESIGN,
        {"fields": []},
        {"fields": [], "sources": None},
        {"fields": [{"target": "title", "source": "profile.jobs[0].title"}]},
        {"fields": [{"target": "title", "source": 'response.x["odd key"]'}]},
        {"fields": [{"target": "title", "source": "job", "template": None, "sync_key": None}]},
        {
            "fields": [
                EMAIL,
                {"target": "username", "source": "a", "sync_key": 2, "write": "always"},
            ]
        },
        {"fields": [{"target": "cost", "value": 0}, {"target": "remote", "value": False}]},
        {"fields": [{"target": "hired", "value": "2026-01-31"}]},
        {"fields": [{"target": "role", "value": "employee", "write": "if_empty"}]},
        {"fields": [{"target": "extra", "value": {"a": [1, None]}}]},
        {
            "fields": [{"target": "title", "source": "cost_center"}],
            "sources": [
                {"key": "cost_center", "path": "custom['Cost center']"},
                {"key": "both", "template": "{{ source.name }} {{ source.cost_center }}"},
            ],
        },
    ],
)
def test_what_is_right_has_no_problems(data: Any) -> None:
    assert faults(data) == {}


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ([], "mapping"),
        ("email", "mapping"),
        (7, "mapping"),
        ({}, "mapping.fields"),
        ({"fields": None}, "mapping.fields"),
        ({"fields": {"email": "email"}}, "mapping.fields"),
        ({"fields": ["email"]}, "mapping.fields.0"),
        ({"fields": [], "filter": None}, "mapping.filter"),
        ({"fields": [], "sources": {}}, "mapping.sources"),
        ({"fields": [], "sources": ["x"]}, "mapping.sources.0"),
        ({"fields": [], "sources": [{"path": "x"}]}, "mapping.sources.0.key"),
        ({"fields": [], "sources": [{"key": "A b", "path": "x"}]}, "mapping.sources.0.key"),
        ({"fields": [], "sources": [{"key": "email", "path": "x"}]}, "mapping.sources.0.key"),
        (
            {"fields": [], "sources": [{"key": "display_name", "path": "x"}]},
            "mapping.sources.0.key",
        ),
        ({"fields": [], "sources": [{"key": "response", "path": "x"}]}, "mapping.sources.0.key"),
        ({"fields": [], "sources": [{"key": "x"}]}, "mapping.sources.0"),
        (
            {"fields": [], "sources": [{"key": "x", "path": "x", "template": "x"}]},
            "mapping.sources.0",
        ),
        ({"fields": [], "sources": [{"key": "x", "path": "a[x]"}]}, "mapping.sources.0.path"),
        ({"fields": [], "sources": [{"key": "x", "path": 7}]}, "mapping.sources.0.path"),
        (
            {"fields": [], "sources": [{"key": "x", "path": "{{ response.y }}"}]},
            "mapping.sources.0.path",
        ),
        (
            {"fields": [], "sources": [{"key": "x", "path": "x", "type": "text"}]},
            "mapping.sources.0.type",
        ),
        (
            {"fields": [], "sources": [{"key": "x", "path": "x"}, {"key": "x", "path": "y"}]},
            "mapping.sources.1.key",
        ),
        (
            {"fields": [], "sources": [{"key": "x", "template": "{{ person.email }}"}]},
            "mapping.sources.0.template",
        ),
        (
            {"fields": [], "sources": [{"key": f"x{n}", "path": "x"} for n in range(51)]},
            "mapping.sources",
        ),
        ({"fields": [EMAIL] + [{}] * 100}, "mapping.fields"),
    ],
)
def test_a_mapping_of_the_wrong_shape_is_refused_where_it_is(data: Any, path: str) -> None:
    assert path in faults(data)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"target": "shoe_size"}, "target"),
        ({"target": None}, "target"),
        ({"target": ["email"]}, "target"),
        ({"source": None}, ""),
        ({"value": "Boss"}, ""),
        ({"template": "{{ response.job }}"}, ""),
        ({"source": None, "value": "Boss", "template": "Boss"}, ""),
        ({"source": 7}, "source"),
        ({"source": ""}, "source"),
        ({"source": "jobs["}, "source"),
        ({"source": "{{ response.job }}"}, "source"),
        ({"source": "Dr. {{ response.name }}"}, "source"),
        ({"source": "{% if response.job %}job{% endif %}"}, "source"),
        ({"source": None, "template": ""}, "template"),
        ({"source": None, "template": 7}, "template"),
        ({"source": None, "template": "{{ response.job"}, "template"),
        ({"source": None, "template": "{% for x in response %}{% endfor %}"}, "template"),
        ({"source": None, "template": "{{ response.__class__ }}"}, "template"),
        ({"source": None, "template": "{{ 9 ** 9 ** 9 }}"}, "template"),
        ({"source": None, "template": "{{ firstName }}"}, "template"),
        ({"source": None, "value": 7}, "value"),
        ({"source": None, "value": ""}, "value"),
        ({"source": None, "value": ["Boss"]}, "value"),
        ({"source": None, "target": "cost", "value": "7"}, "value"),
        ({"source": None, "target": "cost", "value": True}, "value"),
        ({"source": None, "target": "remote", "value": "yes"}, "value"),
        ({"source": None, "target": "hired", "value": "soon"}, "value"),
        ({"source": None, "target": "hired", "value": 7}, "value"),
        ({"source": None, "target": "extra", "value": {"": 1}}, "value"),
        ({"source": None, "target": "extra", "value": []}, "value"),
        ({"source": None, "target": "role", "value": "Owner"}, "value"),
        ({"source": None, "target": "email", "value": "a@example.test"}, "value"),
        ({"source": None, "value": "Boss", "convert": {}}, "convert"),
        ({"convert": "date"}, "convert"),
        ({"convert": {"type": "dates"}}, "convert.type"),
        ({"convert": {"type": "date", "timezone": "Mars"}}, "convert.timezone"),
        ({"convert": {"type": "date", "zone": "UTC"}}, "convert.zone"),
        ({"write": "sometimes"}, "write"),
        ({"write": ["always"]}, "write"),
        ({"write": "never"}, "write"),
        ({"target": "email", "sync_key": 1, "write": "never"}, "write"),
        ({"sync_key": 1}, "sync_key"),
        ({"target": "email", "sync_key": "1"}, "sync_key"),
        ({"target": "email", "sync_key": True}, "sync_key"),
        ({"target": "email", "sync_key": False}, "sync_key"),
        ({"target": "email", "sync_key": -1}, "sync_key"),
        ({"target": "email", "sync_key": 1.0}, "sync_key"),
        ({"target": "email", "sync_key": 2}, "sync_key"),
        ({"target": "email", "sync_key": 10**30}, "sync_key"),
        ({"target": "odd", "sync_key": 1}, "sync_key"),
        ({"target": "role", "source": None, "value": "Employee", "sync_key": 1}, "sync_key"),
        ({"synckey": 1}, "synckey"),
    ],
)
def test_a_wrong_rule_is_refused_where_it_is(rule: dict[str, Any], path: str) -> None:
    assert f"mapping.fields.0.{path}".removesuffix(".") in rule_faults(**rule)


def test_a_field_that_is_unknown_is_told_with_one_like_it() -> None:
    assert (
        "did you mean display_name?" in rule_faults(target="displayname")["mapping.fields.0.target"]
    )


def test_a_template_is_refused_with_its_position() -> None:
    told = rule_faults(source=None, template="line one\n{{ response.job | shout }}")
    assert told["mapping.fields.0.template"].startswith("line 2, column 19: ")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            "a\n{{ person.emial }}",
            "line 2, column 4: there is no person.emial; did you mean email?",
        ),
        ("{{ source.firstName }}", "line 1, column 4: there is no source.firstName"),
        ("{{ source['nobody'].x }}", "line 1, column 4: there is no source.nobody"),
        ("{% if response.a %}{{ person.x | upper }}{% endif %}", "line 1, column 23: "),
    ],
)
def test_a_template_that_reads_what_there_cannot_be_is_refused(template: str, said: str) -> None:
    told = rule_faults(source=None, template=template)
    assert told["mapping.fields.0.template"].startswith(said)


def test_a_template_may_read_every_source_and_field_there_is() -> None:
    template = "{{ source.name }}{{ source.b }}{{ person.aha_user_id }}{{ response.new }}"
    sources = [{"key": "a", "template": "{{ source.b }}"}, {"key": "b", "path": "x"}]
    rule = {"target": "title", "template": template}
    assert faults({"fields": [rule], "sources": sources}) == {}
    sources[0] = {"key": "a", "template": "{{ source.c }}"}
    assert list(faults({"fields": [], "sources": sources})) == ["mapping.sources.0.template"]


def test_a_source_that_was_added_until_now_is_not_taken_for_a_path() -> None:
    before = {"fields": [], "sources": [{"key": "job", "path": "x.job"}]}
    rule = {"target": "title", "source": "job"}

    def told(data: Any) -> list[str]:
        return [one.path for one in mapping_problems(data, AHA, FIELDS, ROLES, before)]

    assert told({"fields": [rule]}) == ["mapping.fields.0.source"]
    assert told({"fields": [{**rule, "source": "response.job"}]}) == []
    assert told({**before, "fields": [rule]}) == []
    assert told(None) == []


def test_a_path_is_refused_with_its_position() -> None:
    assert "at character 5" in rule_faults(source="jobs[x]")["mapping.fields.0.source"]


def test_a_role_that_is_none_is_told_with_those_there_are() -> None:
    told = rule_faults(target="role", source=None, value="Owner")
    assert "Employee, Manager, Administrator" in told["mapping.fields.0.value"]


def test_two_constants_for_one_field_are_refused() -> None:
    role = {"target": "role", "value": "Employee"}
    told = faults({"fields": [EMAIL, role, {**role, "value": "Manager"}]})
    assert told == {"mapping.fields.2.target": "role is mapped by mapping.fields.1 already"}


@pytest.mark.parametrize(("keys", "path"), [((1, 3), 1), ((1, 1), 1), ((2, 3), 0)])
def test_sync_keys_are_numbered_from_one_without_gaps(keys: tuple[int, int], path: int) -> None:
    rules = [
        {"target": "email", "source": "a", "sync_key": keys[0]},
        {"target": "username", "source": "b", "sync_key": keys[1]},
    ]
    assert list(faults({"fields": rules})) == [f"mapping.fields.{path}.sync_key"]


def test_every_fault_is_told_at_once() -> None:
    told = faults(
        {
            "fields": [
                {"target": "shoe_size", "source": "x["},
                {"target": "title", "value": 7, "sync_key": 1},
            ],
            "sources": [{"key": "Bad", "path": ""}],
        }
    )
    assert set(told) == {
        "mapping.sources.0.key",
        "mapping.sources.0.path",
        "mapping.fields.0.target",
        "mapping.fields.0.source",
        "mapping.fields.1.value",
        "mapping.fields.1.sync_key",
    }


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        ({"fields": []}, ["mapping.email", "mapping.role", "mapping.sync_key"]),
        ({"fields": [EMAIL]}, ["mapping.role"]),
        ({"fields": [{**EMAIL, "sync_key": 0}]}, ["mapping.role", "mapping.sync_key"]),
        (
            {"fields": [{**EMAIL, "target": "title"}, {"target": "role", "source": "x"}]},
            ["mapping.email", "mapping.sync_key"],
        ),
        (
            {
                "fields": [
                    {"target": "aha_user_id", "source": "id", "sync_key": 1},
                    {"target": "email", "source": "email", "sync_key": 2},
                    {"target": "role", "value": "Employee"},
                ]
            },
            ["mapping.email"],
        ),
    ],
)
def test_a_launch_is_told_what_is_missing(data: dict[str, Any], paths: list[str]) -> None:
    found = missing(MappingRules.from_data(data), FIELDS)
    assert [problem.path for problem in found] == paths


def test_the_default_mappings_lack_nothing() -> None:
    for key in ("aha", "activecampaign"):
        assert missing(mapping_of(connector(key), None), STANDARD) == []
    assert missing(MappingRules.from_data(DESIGN), FIELDS) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "target": st.sampled_from(sorted(FIELDS)) | JSON,
        "source": st.sampled_from(["email", "a.b", "a[", "new"]) | JSON,
        "template": st.sampled_from(["{{ response.a }}", "{{", "{{ source.a.b }}"]) | JSON,
        "value": st.sampled_from(["Employee", 7, True, "2026-01-31"]) | JSON,
        "write": st.sampled_from(["always", "if_empty", "never"]) | JSON,
        "sync_key": st.integers(0, 3) | JSON,
    },
)
ADDED = st.fixed_dictionaries(
    {},
    optional={
        "key": st.sampled_from(["new", "email", "other"]) | JSON,
        "path": st.sampled_from(["a.b", "a["]) | JSON,
        "template": st.sampled_from(["{{ response.a }}", "{{ person.a }}"]) | JSON,
    },
)
MAPPINGS = JSON | st.fixed_dictionaries(
    {"fields": st.lists(RULES | JSON, max_size=3)},
    optional={"sources": st.lists(ADDED | JSON, max_size=2) | JSON},
)


@settings(max_examples=300)
@given(MAPPINGS)
def test_any_json_is_checked_as_a_mapping_and_what_passes_can_be_compiled(data: Any) -> None:
    found = mapping_problems(data, AHA, FIELDS, ROLES)
    assert mapping_problems(data, AHA, FIELDS, ROLES) == found
    assert all(one.path.startswith("mapping") and one.message for one in found)
    if not found:
        rules = mapping_of(AHA, data)
        Mapper(AHA, rules, FIELDS, ROLES).mapped({"email": "a@example.test"})
        missing(rules, FIELDS)
