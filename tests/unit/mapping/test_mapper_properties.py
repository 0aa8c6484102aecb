"""What holds of every mapping and every record."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rollcall.connectors import catalog
from rollcall.connectors.records import LONGEST_KEY
from rollcall.fields.model import STANDARD, PersonField
from rollcall.items import from_item, to_item
from rollcall.mapping.check import mapping_problems
from rollcall.mapping.mapper import Mapper
from rollcall.mapping.model import MappingRules
from rollcall.mapping.storing import unstorable

AHA = catalog.find("aha")
assert AHA is not None
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

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["a@example.test", "Manager", "2026-01-31", "7", "yes", "x" * 300])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
RECORDS = st.dictionaries(
    st.sampled_from(["id", "email", "name", "enabled", "accessed_at", "a", "b"]), JSON
)
SOURCES = st.sampled_from(["id", "email", "is_enabled", "accessed_at", "a", "a[0].b", "b.a", "new"])
TEMPLATES = st.sampled_from(
    [
        "{{ response.a }}",
        "{{ response.a }} {{ source.email }}",
        "{{ person.email | upper }}",
        "{% if response.enabled %}yes{% else %}{{ response.b }}{% endif %}",
        "{{ response.a | parse_date }}",
        "{{ source.new }}",
    ]
)
CONSTANTS: dict[str, Any] = {
    "text": st.sampled_from(["x", "y z"]),
    "long_text": st.just("x"),
    "number": st.sampled_from([0, 7, 1.5]),
    "boolean": st.booleans(),
    "datetime": st.just("2026-01-31"),
    "json": st.sampled_from([[1], {"a": None}]),
}


@st.composite
def mappings(draw: st.DrawFn) -> dict[str, Any]:
    targets = draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=8))
    rules, keys = [], 0
    for target in targets:
        field = FIELDS[target]
        rule: dict[str, Any] = {"target": target}
        kind = draw(st.sampled_from(["source", "template", "value"]))
        if kind == "value" and not field.unique:
            constant = st.sampled_from(ROLES) if target == "role" else CONSTANTS[field.type]
            rule["value"] = draw(constant)
        elif kind == "template":
            rule["template"] = draw(TEMPLATES)
        else:
            rule["source"] = draw(SOURCES)
        if field.unique and draw(st.booleans()):
            keys += 1
            rule["sync_key"] = keys
        rules.append(rule)
    added = draw(st.sampled_from([{"path": "a.b"}, {"template": "{{ response.a }}!"}]))
    return {"fields": rules, "sources": [{"key": "new", **added}]}


@settings(max_examples=300)
@given(mappings(), RECORDS)
def test_any_mapping_takes_any_record_and_makes_only_what_is_declared(
    data: dict[str, Any], record: dict[str, Any]
) -> None:
    assert AHA is not None
    assert mapping_problems(data, AHA, FIELDS, ROLES) == []
    compiled = Mapper(AHA, MappingRules.from_data(data), FIELDS, ROLES)
    before = repr(record)
    mapped = compiled.mapped(record)
    assert repr(compiled.mapped(record)) == repr(mapped)
    assert repr(record) == before
    assert set(mapped.values) <= {rule["target"] for rule in data["fields"]}
    for target, value in mapped.values.items():
        assert unstorable(value, FIELDS[target].type) is None
        assert value not in ("", [], {}, None)
        if target == "role":
            assert value in ROLES
        if FIELDS[target].unique:
            assert len(str(value)) <= LONGEST_KEY
    faulty = {fault.field for fault in mapped.faults if fault.code != "required-missing"}
    assert not faulty & set(mapped.values)
    assert from_item(to_item(mapped.values)) == mapped.values
