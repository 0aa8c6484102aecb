"""What a mapping makes of a record, and what it says where nothing comes out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rollcall.connectors import catalog
from rollcall.connectors.manifest import Field, Manifest
from rollcall.connectors.records import LONGEST_KEY
from rollcall.fields.model import STANDARD, PersonField
from rollcall.mapping.check import mapping_problems
from rollcall.mapping.mapper import Fault, Mapped, Mapper
from rollcall.mapping.model import MappingRules, mapping_of

ROOT = Path(__file__).parents[3]
ROLES = ("Employee", "Manager", "Administrator")
FIELDS = {
    **STANDARD,
    **{
        field.key: field
        for field in (
            PersonField("notes", "Notes", "long_text", unique=False),
            PersonField("cost", "Cost", "number", unique=False),
            PersonField("remote", "Remote", "boolean", unique=False),
            PersonField("hired", "Hired", "datetime", unique=False),
            PersonField("extra", "Extra", "json", unique=False),
            PersonField("app_user_id", "App User Id", "text", unique=True),
            PersonField("badge", "Badge", "number", unique=True),
        )
    },
}
EMAIL = {"target": "email", "source": "email", "sync_key": 1}


def connector(key: str) -> Manifest:
    found = catalog.find(key)
    assert found is not None
    return found


AHA, ACTIVECAMPAIGN = connector("aha"), connector("activecampaign")


def mapper(*rules: dict[str, Any], sources: list[dict[str, Any]] | None = None) -> Mapper:
    data = {"fields": [EMAIL, *rules]} | ({"sources": sources} if sources else {})
    assert mapping_problems(data, AHA, FIELDS, ROLES) == []
    return Mapper(AHA, MappingRules.from_data(data), FIELDS, ROLES)


def outcome(rule: dict[str, Any], record: dict[str, Any]) -> Any:
    """The value of the rule's target, or its fault's code."""
    mapped = mapper(rule).mapped({"email": "a@example.test", **record})
    assert mapped.values.get("email") == "a@example.test"
    if mapped.faults:
        (fault,) = mapped.faults
        assert fault.field == rule["target"]
        assert fault.message
        assert rule["target"] not in mapped.values
        return Fault, fault.code
    return mapped.values.get(rule["target"])


def listed(key: str) -> list[dict[str, Any]]:
    pages = sorted((ROOT / "tests/fixtures" / key).glob("users.*.json"))
    return [user for page in pages for user in json.loads(page.read_text())["users"]]


@pytest.mark.parametrize(
    ("rule", "record"),
    [
        ({"target": "title", "source": "job"}, {"job": {"name": "Boss"}}),
        ({"target": "title", "source": "job"}, {"job": ["Boss"]}),
        ({"target": "title", "source": "job"}, {"job": "x" * 4001}),
        ({"target": "title", "source": "job"}, {"job": "half \ud800"}),
        ({"target": "notes", "source": "job"}, {"job": "x" * 100_001}),
        ({"target": "cost", "source": "cost"}, {"cost": "much"}),
        ({"target": "cost", "source": "cost"}, {"cost": [1]}),
        ({"target": "cost", "source": "cost"}, {"cost": float("nan")}),
        ({"target": "cost", "source": "cost"}, {"cost": float("inf")}),
        ({"target": "cost", "source": "cost"}, {"cost": 10**40}),
        ({"target": "cost", "source": "cost"}, {"cost": 1e-200}),
        ({"target": "remote", "source": "home"}, {"home": "sometimes"}),
        ({"target": "remote", "source": "home"}, {"home": {"office": True}}),
        ({"target": "hired", "source": "since"}, {"since": "long ago"}),
        ({"target": "hired", "source": "since"}, {"since": ["2026-01-01"]}),
        ({"target": "extra", "source": "more"}, {"more": {"": 1}}),
        ({"target": "extra", "source": "more"}, {"more": [float("nan")]}),
        ({"target": "extra", "source": "more"}, {"more": ["x" * 100_001]}),
        ({"target": "username", "source": "name"}, {"name": "x" * (LONGEST_KEY + 1)}),
    ],
)
def test_what_a_field_cannot_hold_is_a_fault(rule: dict[str, Any], record: dict[str, Any]) -> None:
    assert outcome(rule, record) == (Fault, "convert-failed")


def test_json_nested_too_deep_is_a_fault() -> None:
    value: Any = "x"
    for _ in range(500):
        value = [value]
    rule = {"target": "extra", "source": "more"}
    assert outcome(rule, {"more": value}) == (Fault, "convert-failed")


@pytest.mark.parametrize(
    "record",
    [{}, {"role": None}, {"role": ""}, {"role": "  "}, {"role": []}, {"role": {}}],
)
@pytest.mark.parametrize("target", ["title", "role", "extra", "cost", "remote", "hired"])
def test_what_is_empty_is_left_out(target: str, record: dict[str, Any]) -> None:
    assert outcome({"target": target, "source": "role"}, record) is None


@pytest.mark.parametrize(
    ("rule", "record", "value"),
    [
        ({"target": "title", "source": "job"}, {"job": " Boss "}, "Boss"),
        ({"target": "title", "source": "response.job"}, {"job": 7}, "7"),
        (
            {
                "target": "hired",
                "source": "since",
                "convert": {"type": "date", "format": "%d.%m.%Y", "timezone": "Europe/Berlin"},
            },
            {"since": "24.12.2025"},
            "2025-12-23T23:00:00.000Z",
        ),
        (
            {
                "target": "remote",
                "source": "home",
                "convert": {"type": "boolean", "true": ["home"], "false": ["office"]},
            },
            {"home": "Office"},
            False,
        ),
        (
            {"target": "cost", "source": "cost", "convert": {"type": "number", "decimal": ","}},
            {"cost": "1.234,5"},
            1234.5,
        ),
        (
            {"target": "title", "source": "jobs", "convert": {"type": "list", "pick": "first"}},
            {"jobs": ["Boss", "Clerk"]},
            "Boss",
        ),
        (
            {
                "target": "notes",
                "template": "{{ response.jobs }}",
                "convert": {"type": "list", "pick": "all", "join": "; "},
            },
            {"jobs": ["Boss", "Clerk"]},
            "Boss; Clerk",
        ),
        ({"target": "title", "source": "jobs[-1].name"}, {"jobs": [{"name": "Boss"}]}, "Boss"),
        ({"target": "title", "source": 'x["odd key"]'}, {"x": {"odd key": "Boss"}}, "Boss"),
        ({"target": "title", "source": "a | b"}, {"b": "Boss"}, "Boss"),
        ({"target": "cost", "source": "cost"}, {"cost": "7"}, 7),
        ({"target": "cost", "source": "cost"}, {"cost": 7.5}, 7.5),
        ({"target": "cost", "source": "cost"}, {"cost": 0}, 0),
        ({"target": "remote", "source": "home"}, {"home": "1"}, True),
        ({"target": "remote", "source": "is_enabled"}, {"enabled": "0"}, False),
        ({"target": "extra", "source": "more"}, {"more": {"a": [1, None]}}, {"a": [1, None]}),
        ({"target": "role", "source": "role"}, {"role": " manager "}, "Manager"),
        ({"target": "role", "value": "Employee"}, {}, "Employee"),
        ({"target": "cost", "value": 0}, {}, 0),
        ({"target": "remote", "value": False}, {}, False),
        ({"target": "title", "template": "{{ response.job | upper }}!"}, {"job": "a"}, "A!"),
        ({"target": "title", "template": " {{ response.job }} "}, {}, None),
        ({"target": "title", "template": "{{ source.is_enabled }}"}, {"enabled": 1}, "true"),
        ({"target": "title", "template": "{{ source.display_name }}"}, {"name": "Ann"}, "Ann"),
        ({"target": "title", "template": "{{ person.email }}"}, {}, "a@example.test"),
        ({"target": "title", "template": "{{ email | upper }}"}, {}, "A@EXAMPLE.TEST"),
        ({"target": "title", "template": "[{{ notes }}]"}, {}, "[]"),
        ({"target": "cost", "template": "{{ response.cost }}"}, {"cost": "7"}, 7),
        ({"target": "extra", "template": "{{ response.more }}"}, {"more": [1]}, [1]),
    ],
)
def test_a_value_is_what_its_target_wants(
    rule: dict[str, Any], record: dict[str, Any], value: Any
) -> None:
    made = outcome(rule, record)
    assert made == value
    assert type(made) is type(value)


def test_a_role_that_is_none_is_told_with_those_there_are() -> None:
    mapped = mapper({"target": "role", "source": "role"}).mapped(
        {"email": "a@example.test", "role": "Owner"}
    )
    (fault,) = mapped.faults
    assert (fault.field, fault.code) == ("role", "role-unknown")
    assert "'Owner'" in fault.message
    assert "Employee, Manager, Administrator" in fault.message


def test_a_template_that_fails_is_a_fault() -> None:
    rule = {"target": "title", "template": "{{ response.since | parse_date }}"}
    assert outcome(rule, {"since": "long ago"}) == (Fault, "template-failed")


def test_a_template_sees_only_what_was_mapped_before_it() -> None:
    both = mapper(
        {"target": "title", "template": "[{{ person.phone }}|{{ person.notes }}]"},
        {"target": "notes", "template": "{{ person.title }}"},
        {"target": "phone", "source": "phone"},
    )
    values = both.mapped({"email": "a@example.test", "phone": "1"}).values
    assert values["title"] == "[1|]"
    assert values["notes"] == "[1|]"


def test_added_sources_are_read_by_path_and_by_template_in_order() -> None:
    added = mapper(
        {"target": "title", "source": "job"},
        {"target": "notes", "source": "both"},
        {"target": "phone", "template": "{{ source.both }}"},
        sources=[
            {"key": "both", "template": "{{ source.job }} {{ source.email }}"},
            {"key": "job", "path": "custom['Job title']"},
            {"key": "tags", "template": "{{ response.tags }}"},
        ],
    )
    record = {"email": "a@example.test", "custom": {"Job title": "Boss"}, "tags": ["x"]}
    sources = added.sources(record)
    assert sources["job"] == "Boss"
    assert sources["both"] == "Boss a@example.test"
    assert sources["tags"] == ["x"]
    assert set(sources) == added.source_keys
    values = added.mapped(record).values
    assert (values["title"], values["notes"]) == ("Boss", "Boss a@example.test")
    assert values["phone"] == "Boss a@example.test"


def test_an_added_source_that_fails_is_a_fault_of_its_own_and_missing_elsewhere() -> None:
    added = mapper(
        {"target": "title", "source": "day"},
        sources=[{"key": "day", "template": "{{ response.since | parse_date }}"}],
    )
    record = {"email": "a@example.test", "since": "long ago"}
    mapped = added.mapped(record)
    assert [(fault.field, fault.code) for fault in mapped.faults] == [("day", "template-failed")]
    assert mapped.values == {"email": "a@example.test"}
    assert added.sources(record)["day"] is None


def test_a_field_of_ones_own_stands_in_a_template_by_its_key() -> None:
    mapping = mapper(
        {"target": "title", "template": "{{ app_user_id }} of {{ response.id }}"},
        {"target": "app_user_id", "source": "id"},
    )
    mapped = mapping.mapped({"email": "a@example.test", "id": "7"})
    assert mapped.values["title"] == "7 of 7"


@pytest.mark.parametrize("record", [{}, {"email": None}, {"email": " "}, {"email": True}])
def test_a_person_needs_an_email_or_a_username(record: dict[str, Any]) -> None:
    faults = mapper().mapped(record).faults
    assert "required-missing" in [fault.code for fault in faults]
    with_name = mapper({"target": "username", "source": "login"})
    named = with_name.mapped({"login": "ann"})
    assert named == Mapped({"username": "ann"}, ())


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"target": "app_user_id", "source": "number", "sync_key": 2}, "x" * (LONGEST_KEY + 1)),
        ({"target": "app_user_id", "source": "number", "sync_key": 2}, "é" * (LONGEST_KEY + 1)),
    ],
)
def test_a_sync_key_that_cannot_be_one_is_left_out(rule: dict[str, Any], value: Any) -> None:
    assert outcome(rule, {"number": value}) == (Fault, "sync-key-unusable")


def test_sync_keys_find_in_their_order_and_are_written_where_told() -> None:
    keyed = mapper(
        {"target": "app_user_id", "source": "id", "sync_key": 3},
        {"target": "username", "source": "login", "sync_key": 2, "write": "if_empty"},
        {"target": "role", "value": "Employee", "write": "if_empty"},
    )
    assert keyed.sync_keys == ("email", "username", "app_user_id")
    assert keyed.writes == {"email": "always", "username": "if_empty", "role": "if_empty"}
    values = keyed.mapped({"id": 7, "email": "a@example.test"}).values
    assert values["app_user_id"] == "7"


def test_several_targets_may_have_one_source() -> None:
    values = (
        mapper({"target": "title", "source": "x"}, {"target": "notes", "source": "x"})
        .mapped({"email": "a@example.test", "x": "y"})
        .values
    )
    assert values["title"] == values["notes"] == "y"


def test_the_default_mappings_are_what_the_connectors_say() -> None:
    for of in (AHA, ACTIVECAMPAIGN):
        default = Mapper(of, mapping_of(of, None), STANDARD, ROLES)
        assert default.sync_keys == ("email",)
        assert set(default.writes.values()) == {"always"}
    made = Mapper(ACTIVECAMPAIGN, mapping_of(ACTIVECAMPAIGN, None), STANDARD, ROLES)
    assert made.mapped(listed("activecampaign")[1]) == Mapped(
        {
            "email": "hokus@example.test",
            "username": "hokus",
            "first_name": "Hokus",
            "last_name": "Pokus",
            "display_name": "Hokus Pokus",
            "phone": "+49 30 1234",
            "role": "Employee",
        }
    )
    empty = {"id": "1", "email": " ", "username": "ann", "firstName": "Ann", "phone": ""}
    assert made.mapped(empty).values == {
        "username": "ann",
        "first_name": "Ann",
        "display_name": "Ann",
        "role": "Employee",
    }
    aha = Mapper(AHA, mapping_of(AHA, None), STANDARD, ROLES)
    assert aha.mapped(listed("aha")[2]).values == {
        "email": "sam.doe@example.test",
        "display_name": "sam doe",
        "role": "Employee",
    }


def test_the_version_changes_with_all_that_decides_what_comes_out() -> None:
    rules = MappingRules.from_data(
        {
            "fields": [
                EMAIL,
                {"target": "title", "source": "job"},
                {"target": "role", "value": "Employee"},
            ]
        }
    )
    other_rules: list[dict[str, Any]] = [
        {"fields": [EMAIL]},
        {"fields": [EMAIL, {"target": "title", "source": "work"}]},
        {"fields": [EMAIL, {"target": "title", "template": "{{ response.job }}"}]},
        {"fields": [EMAIL, {"target": "title", "source": "job", "write": "if_empty"}]},
        {"fields": [EMAIL], "sources": [{"key": "x", "path": "x"}]},
    ]
    name = Field("x", "X", "x", "text")
    columns = replace(AHA.users.columns, display_name=("email",))
    number = {**FIELDS, "title": PersonField("title", "Title", "number", unique=False)}
    mappers = [
        Mapper(AHA, rules, FIELDS, ROLES),
        *(Mapper(AHA, MappingRules.from_data(data), FIELDS, ROLES) for data in other_rules),
        Mapper(replace(AHA, fields=(*AHA.fields, name)), rules, FIELDS, ROLES),
        Mapper(replace(AHA, users=replace(AHA.users, columns=columns)), rules, FIELDS, ROLES),
        Mapper(AHA, rules, number, ROLES),
        Mapper(AHA, rules, FIELDS, ("Employee",)),
    ]
    assert len({one.version for one in mappers}) == len(mappers)
    assert all(len(one.version) == 8 for one in mappers)


def test_the_version_stays_where_nothing_else_comes_out() -> None:
    rules = MappingRules.from_data({"fields": [EMAIL]})
    first = Mapper(AHA, rules, FIELDS, ROLES).version
    assert Mapper(AHA, rules, STANDARD, ROLES).version == first
    assert Mapper(AHA, rules, FIELDS, ()).version == first
    assert Mapper(replace(AHA, description="New words"), rules, FIELDS, ROLES).version == first


@pytest.mark.parametrize(
    "rule",
    [
        {"target": "shoe_size", "source": "x"},
        {"target": "title", "template": "{{ 7 * 7 }}"},
    ],
)
def test_what_the_check_refuses_is_not_compiled(rule: dict[str, Any]) -> None:
    data = {"fields": [EMAIL, rule]}
    assert mapping_problems(data, AHA, FIELDS, ROLES)
    with pytest.raises(ValueError, match=r"is no field|refuses"):
        Mapper(AHA, MappingRules.from_data(data), FIELDS, ROLES)
