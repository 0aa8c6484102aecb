"""What smart mapping proposes, and what it rather leaves to a person."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollcall.connectors import catalog, paths
from rollcall.connectors.manifest import Field, Manifest
from rollcall.fields.model import STANDARD, PersonField
from rollcall.integrations.sample import schema
from rollcall.mapping.suggest import LEAST, Suggestion, suggestions

FIXTURES = Path(__file__).parents[2] / "fixtures"


def connector(key: str) -> Manifest:
    found = catalog.find(key)
    assert found is not None
    return found


AHA, ACTIVECAMPAIGN = connector("aha"), connector("activecampaign")
BARE = replace(
    AHA, fields=(), users=replace(AHA.users, columns=replace(AHA.users.columns, display_name=()))
)
"""A connector that knows no fields: what it proposes comes from the record alone."""


def custom(name: str, key: str, kind: Any = "text", *, unique: bool = False) -> PersonField:
    return PersonField(key, name, kind, unique)


def found(
    record: dict[str, Any], *more: PersonField, of: Manifest = BARE
) -> dict[str, tuple[str, float]]:
    fields = {**STANDARD, **{field.key: field for field in more}}
    made = suggestions(schema([record]), of, fields)
    assert [one.target for one in made] == [
        key for key in fields if key in {o.target for o in made}
    ]
    return {one.target: (one.source, one.confidence) for one in made}


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"a": 1, "b": "c"},
        {"roles": [], "profile": {}},
        {"title": [["Boss"]]},
        {"title": {"x": {}}, "department": []},
        {"phone": True},
        {"first_name": True},
        {"created_by_email": "bob@example.test", "parentAddress": "bob@example.test"},
        {"email": "not an address"},
        {"email": 7},
        {"manager": {"first_name": "Bob", "title": "Boss", "phone": "+49 40 112233"}},
        {"company": {"name": "Acme", "email": "info@example.test"}},
        {"created_by": {"email": "bob@example.test"}},
        {"mail": "a@example.test", "primaryEmail": "b@example.test"},
        {"login": "ann", "upn": "bob"},
    ],
)
def test_what_is_no_good_guess_is_not_proposed(record: dict[str, Any]) -> None:
    assert found(record) == {}


def test_two_sources_that_are_equally_likely_are_none_for_a_unique_field() -> None:
    both = {"home": {"email": "a@example.test"}, "work": {"email": "b@example.test"}}
    assert "email" not in found(both)
    assert found({**both, "email": "c@example.test"})["email"][0] == "email"
    titles = {"position": "a", "designation": "b"}
    assert found(titles)["title"][0] == "position"


@pytest.mark.parametrize(
    ("record", "target", "source"),
    [
        ({"firstName": "Ann"}, "first_name", "firstName"),
        ({"FIRST-NAME": "Ann"}, "first_name", "FIRST-NAME"),
        ({"first name": "Ann"}, "first_name", "first name"),
        ({"givenName": "Ann"}, "first_name", "givenName"),
        ({"name": {"familyName": "Lee"}}, "last_name", "name.familyName"),
        ({"profile": {"email": "a@example.test"}}, "email", "profile.email"),
        ({"profile": {"Mail": None}}, "email", "profile.Mail"),
        ({"emails": [{"value": "a@example.test"}]}, "email", "emails[0].value"),
        ({"emails": ["a@example.test"]}, "email", "emails[0]"),
        ({"emails": ["a@example.test"], "x": 1}, "email", "emails[0]"),
        ({"reach": "a@example.test"}, "email", "reach"),
        ({"login": "ann"}, "username", "login"),
        ({"userPrincipalName": "ann@example.test"}, "username", "userPrincipalName"),
        ({"fullName": "Ann Lee"}, "display_name", "fullName"),
        ({"mobile": "+49 40 112233", "phone": ""}, "phone", "phone"),
        ({"telephoneNumber": "(040) 11 22 33"}, "phone", "telephoneNumber"),
        ({"jobTitle": "Boss"}, "title", "jobTitle"),
        ({"dept": "Sales"}, "department", "dept"),
        ({"employeeNumber": 1234}, "employee_id", "employeeNumber"),
        ({"isActive": True}, "status", "isActive"),
        ({"active": "true"}, "status", "active"),
        ({"manager": {"email": "bob@example.test"}}, "manager", "manager.email"),
        ({"manager_email": "bob@example.test"}, "manager", "manager_email"),
        ({"role": "Manager"}, "role", "role"),
    ],
)
def test_names_synonyms_and_samples_tell_what_is_meant(
    record: dict[str, Any], target: str, source: str
) -> None:
    assert found(record)[target][0] == source


def test_an_address_of_somebody_else_is_not_the_persons() -> None:
    assert list(found({"manager_email": "bob@example.test"})) == ["manager"]


def test_a_sample_that_looks_like_an_email_address_raises_email() -> None:
    seen = found({"mail": "a@example.test"})["email"][1]
    unseen = found({"mail": None})["email"][1]
    other = found({"mail": "a"}).get("email", ("", 0.0))[1]
    assert seen > unseen > other


def test_the_same_name_is_surer_than_a_synonym_and_that_than_a_deeper_one() -> None:
    same = found({"title": "Boss"})["title"][1]
    synonym = found({"position": "Boss"})["title"][1]
    deeper = found({"profile": {"position": "Boss"}})["title"][1]
    assert 1 >= same > synonym > deeper >= LEAST


def test_a_connectors_field_comes_before_a_raw_path() -> None:
    of = replace(BARE, fields=(Field("phone", "Phone", "contact.no", "text"),))
    record = {"contact": {"no": "+49 40 112233"}, "Phone": "+49 40 445566"}
    assert found(record, of=of)["phone"][0] == "phone"
    alike = replace(BARE, fields=(Field("mail", "Mail", "x", "text"),))
    assert found({"x": "a@example.test", "Mail": "b@example.test"}, of=alike)["email"][0] == "mail"


@pytest.mark.parametrize(
    ("record", "field", "source"),
    [
        ({"costCenter": "12"}, custom("Cost Center", "cost_center"), "costCenter"),
        ({"Cost center": "12"}, custom("Cost Center", "cc"), "Cost center"),
        ({"cost.center": "12"}, custom("Cost Center", "cost_center"), '["cost.center"]'),
        ({"paid_seat": True}, custom("Aha! Paid Seat", "aha_paid_seat", "boolean"), "paid_seat"),
        ({"id": "7"}, custom("Aha! User Id", "aha_user_id", unique=True), "id"),
        ({"hired": "2026-01-31"}, custom("Hired", "hired", "datetime"), "hired"),
        ({"tags": ["a"]}, custom("Tags", "tags", "json"), "tags"),
        ({"age": 7}, custom("Age", "age", "number"), "age"),
    ],
)
def test_custom_fields_are_found_by_key_and_name(
    record: dict[str, Any], field: PersonField, source: str
) -> None:
    made = suggestions(schema([record]), BARE, {field.key: field})
    assert [(one.target, one.source) for one in made] == [(field.key, source)]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"hired": "long ago"}, custom("Hired", "hired", "datetime")),
        ({"age": "old"}, custom("Age", "age", "number")),
        ({"remote": "sometimes"}, custom("Remote", "remote", "boolean")),
        ({"tags": ["a"]}, custom("Tags", "tags_text")),
        ({"id": "7"}, custom("Other User Id", "other_user_id", unique=True)),
    ],
)
def test_a_custom_field_of_another_type_is_not_proposed(
    record: dict[str, Any], field: PersonField
) -> None:
    assert suggestions(schema([record]), BARE, {field.key: field}) == []


def test_the_apps_that_come_with_rollcall_are_mapped_as_their_manifests_say() -> None:
    for of, key in ((AHA, "aha"), (ACTIVECAMPAIGN, "activecampaign")):
        users = json.loads((FIXTURES / key / "users.1.json").read_text())["users"]
        user_id = custom(f"{of.name} User Id", f"{key}_user_id", unique=True)
        made = suggestions(schema(users), of, {**STANDARD, user_id.key: user_id})
        proposed = {one.target: one.source for one in made}
        assert proposed[user_id.key] == "id"
        for rule in of.mapping:
            if rule.source:
                assert proposed[rule.target] == rule.source
        assert {one.confidence for one in made if one.target == "email"} == {1.0}


def test_a_suggestion_says_why_and_shows_what_was_seen() -> None:
    (made,) = suggestions(schema([{"mail": "a@example.test"}]), BARE, STANDARD)
    assert made == Suggestion(
        "email",
        "mail",
        0.96,
        "another name for it; the sample looks like an email address",
        "a@example.test",
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["email", "Mail", "profile", "login", "firstName", "id", "phone", "active"])
RECORDS = st.recursive(
    st.dictionaries(NAMES, JSON | st.sampled_from(["a@b.test", "+49 40 112233", "2026-01-31"])),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=200)
@given(st.lists(RECORDS, max_size=3), st.sampled_from([BARE, AHA, ACTIVECAMPAIGN]))
def test_any_records_give_one_suggestion_a_field_at_most_and_always_the_same(
    records: list[dict[str, Any]], of: Manifest
) -> None:
    entries = schema(records)
    made = suggestions(entries, of, STANDARD)
    assert repr(suggestions(entries, of, STANDARD)) == repr(made)
    targets = [one.target for one in made]
    assert len(set(targets)) == len(targets)
    known = {field.key for field in of.fields} | {"display_name"}
    for one in made:
        assert one.target in STANDARD
        assert LEAST <= one.confidence <= 1
        assert one.reason
        assert one.source in known or not isinstance(paths.parse(one.source), paths.BadPath)
