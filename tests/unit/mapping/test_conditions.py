"""Which records a filter takes, and what it says of those it does not."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.connectors import catalog
from rollcall.mapping.check import filter_problems
from rollcall.mapping.conditions import OPERATORS, Conditions, Verdict

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AHA = catalog.find("aha")
assert AHA is not None

SCALARS = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["5", "5.0", "true", " Ann ", "ann", "2026-11-24", "2026-11-24T11:00:00Z"])
)
JSON = st.recursive(
    st.none() | SCALARS | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON)
FIELDS = st.sampled_from(["a", "b", "c", "a[0]", "b.a", "nowhere"])
WANTED = st.sampled_from([True, False, 0, 1, 5, 5.0, "5", "5.0", "true", "ann", "ANN "])
TEXTS = st.sampled_from(["a", "An", "5", "tru", "é", 5])
MOMENTS = st.sampled_from(["-1d", "+1d", "-90d", "-5m", "2026-11-24", "2026-11-24T11:00:00+01:00"])
LEAVES = st.one_of(
    *(
        st.fixed_dictionaries({"field": FIELDS, "op": st.just(op), "value": values})
        for op, values in {
            "equals": WANTED,
            "not_equals": WANTED,
            "in": st.lists(WANTED, min_size=1, max_size=3),
            "not_in": st.lists(WANTED, min_size=1, max_size=3),
            "contains": TEXTS,
            "starts_with": TEXTS,
            "ends_with": TEXTS,
            "before": MOMENTS,
            "after": MOMENTS,
        }.items()
    ),
    st.fixed_dictionaries({"field": FIELDS, "op": st.sampled_from(["is_empty", "is_not_empty"])}),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=8,
)


def verdict(data: Any, record: dict[str, Any], sources: dict[str, Any] | None = None) -> Verdict:
    return Conditions(data).verdict(record, sources or {}, NOW)


def holds(op: str, seen: Any, value: Any = None) -> bool:
    leaf = {"field": "x", "op": op} | ({} if value is None else {"value": value})
    assert AHA is not None
    assert filter_problems(leaf, AHA, None) == []
    return verdict(leaf, {"x": seen}).passed


@pytest.mark.parametrize(
    ("op", "seen", "value"),
    [
        ("equals", "ann", "bob"),
        ("equals", "ann", "an"),
        ("equals", "05", "5"),
        ("equals", "5 apples", 5),
        ("equals", 5, "five"),
        ("equals", "yes", True),
        ("equals", 2, True),
        ("equals", False, True),
        ("equals", {"a": 1}, "a"),
        ("equals", ["a"], "b"),
        ("equals", [], "b"),
        ("equals", [["a"]], "a"),
        ("equals", "", "b"),
        ("equals", "\u0665", 5),
        ("in", "d", ["a", "b"]),
        ("in", None, ["null"]),
        ("contains", "example", "examples"),
        ("contains", ["sales team"], "sales"),
        ("contains", {"sales": 1}, "sales"),
        ("contains", True, "true"),
        ("starts_with", "bob", "ob"),
        ("starts_with", True, "tr"),
        ("ends_with", "a@example.com.evil.test", "@example.com"),
        ("ends_with", None, "null"),
        ("before", "2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z"),
        ("before", "2026-11-25", "2026-11-25"),
        ("before", "yesterday", "+1d"),
        ("before", "0000-00-00 00:00:00", "+1d"),
        ("before", "2026-13-01", "+1d"),
        ("before", 5, "+1d"),
        ("before", True, "+1d"),
        ("before", "", "+1d"),
        ("before", {}, "+1d"),
        ("after", "2026-08-26T11:59:59Z", "-90d"),
        ("after", "2026-11-24", "-12h"),
        ("after", None, "-90d"),
        ("before", "0001-01-01T00:00:00+23:59", "-2w"),
        ("matches", "ann@example.com", r"^\\d"),
        ("matches", "ann@example.com", "^Ann"),
        ("matches", True, "."),
        ("matches", None, ".*"),
        ("matches", ["a", "b"], "^ab$"),
    ],
)
def test_what_does_not_hold(op: str, seen: Any, value: Any) -> None:
    assert not holds(op, seen, value)


@pytest.mark.parametrize(
    ("op", "seen", "value"),
    [
        ("equals", "Ann", "aNN"),
        ("equals", " ann ", "ann "),
        ("equals", "straße", "STRASSE"),
        ("equals", 5, "5"),
        ("equals", "5", 5),
        ("equals", "5.0", 5),
        ("equals", 5.0, "5"),
        ("equals", 6776757454431877834, "6776757454431877834"),
        ("equals", "1", True),
        ("equals", 1, True),
        ("equals", "TRUE", True),
        ("equals", True, "true"),
        ("equals", True, 1),
        ("equals", 0, False),
        ("equals", "0", False),
        ("equals", ["a", "B"], "b"),
        ("in", "B", ["a", "b"]),
        ("in", 7, ["a", "7"]),
        ("in", ["x", "a"], ["a", "b"]),
        ("contains", "Bob Smith", "SMITH"),
        ("contains", ["Sales", "Support"], "support"),
        ("contains", [1, 2], "2"),
        ("contains", 12345, "234"),
        ("contains", "a b", " b"),
        ("starts_with", "Bob", "bo"),
        ("ends_with", "Ann@Example.com ", "@example.COM"),
        ("ends_with", ["a@other.test", "a@example.com"], "@example.com"),
        ("before", "2026-11-24T12:59:59+01:00", "2026-11-24T12:00:00Z"),
        ("before", "2026-11-24 11:59", "2026-11-24T12:00:00+00:00"),
        ("before", "2020-05-24T05:16:49-05:00", "-2w"),
        ("before", "0001-01-01T00:00:00Z", "-2w"),
        ("before", 1590000000, "-2w"),
        ("before", "Tue, 24 Nov 2026 11:00:00 +0000", "-30m"),
        ("after", "2026-08-26T12:00:01Z", "-90d"),
        ("after", "2026-11-24T10:00:00Z", "2026-11-24"),
        ("after", "2026-11-24T11:31:00Z", "-30m"),
        ("after", "9999-12-31T23:59:59Z", "+99999w"),
        ("after", "2026-11-26", "+1d"),
        ("matches", "ann@example.com", "@example"),
        ("matches", "ann@example.com", "(?i)^ANN@"),
        ("matches", 12345, "^12"),
        ("matches", ["a", "bb"], "^b+$"),
    ],
)
def test_what_holds(op: str, seen: Any, value: Any) -> None:
    assert holds(op, seen, value)


@pytest.mark.parametrize("seen", [None, "", "  ", [], {}])
def test_nothing_is_empty(seen: Any) -> None:
    assert holds("is_empty", seen)
    assert not holds("is_not_empty", seen)


@pytest.mark.parametrize("seen", [0, False, "0", "x", [None], {"a": None}])
def test_something_is_not_empty(seen: Any) -> None:
    assert not holds("is_empty", seen)
    assert holds("is_not_empty", seen)


@pytest.mark.parametrize("op", OPERATORS)
def test_of_a_missing_value_only_emptiness_and_the_negative_ones_hold(op: str) -> None:
    value: Any = {"in": ["a"], "not_in": ["a"], "before": "+1d", "after": "-90d"}.get(op, "a")
    leaf = {"field": "x.y", "op": op, "value": value}
    for record in ({}, {"x": None}, {"x": {"y": None}}, {"x": "text"}):
        passed = verdict(leaf, record).passed
        assert passed is (op in ("is_empty", "not_equals", "not_in"))


def test_without_a_filter_everything_passes() -> None:
    assert verdict(None, {}) == Verdict(True, "", "there is no filter")


def test_a_source_comes_before_a_path_of_its_name() -> None:
    leaf = {"field": "is_enabled", "op": "equals", "value": True}
    assert verdict(leaf, {"is_enabled": "0"}, {"is_enabled": True}).passed
    assert not verdict(leaf, {"is_enabled": True}, {"is_enabled": None}).passed
    assert verdict({**leaf, "field": "response.is_enabled"}, {"is_enabled": True}, {}).passed


DESIGN = {
    "all": [
        {"field": "email", "op": "ends_with", "value": "@example.com"},
        {
            "any": [
                {"field": "is_enabled", "op": "equals", "value": True},
                {"field": "accessed_at", "op": "after", "value": "-90d"},
            ]
        },
        {"not": {"field": "tags", "op": "contains", "value": "test"}},
    ]
}


@pytest.mark.parametrize(
    ("record", "path", "reason"),
    [
        (
            {"email": "a@other.test"},
            "all.0",
            "email is a@other.test, wanted ends_with @example.com",
        ),
        ({}, "all.0", "email is missing, wanted ends_with @example.com"),
        (
            {"email": "a@example.com", "is_enabled": False},
            "all.1.any",
            (
                "none of 2 conditions holds: is_enabled is false, wanted equals true; "
                "accessed_at is missing, wanted after -90d"
            ),
        ),
        (
            {"email": "a@example.com", "is_enabled": "no", "accessed_at": "lately"},
            "all.1.any",
            (
                "none of 2 conditions holds: is_enabled is no, wanted equals true; "
                "accessed_at is lately, which is no date, wanted after -90d"
            ),
        ),
        (
            {"email": "a@example.com", "is_enabled": True, "tags": ["Test"]},
            "all.2.not",
            'tags is ["Test"], wanted not contains test',
        ),
    ],
)
def test_a_record_left_out_is_told_by_which_condition(
    record: dict[str, Any], path: str, reason: str
) -> None:
    assert verdict(DESIGN, record) == Verdict(False, path, reason)


def test_a_record_taken_is_told_by_which_condition_too() -> None:
    taken = verdict(DESIGN, {"email": "a@example.com", "accessed_at": "2026-11-01"})
    assert (taken.passed, taken.path) == (True, "all")
    assert taken.reason.startswith("each of 3 conditions holds: email is a@example.com")
    only = verdict({"any": DESIGN["all"]}, {"is_enabled": 1})
    assert only == Verdict(True, "any.1.any.0", "is_enabled is 1, wanted equals true")


def test_what_was_seen_is_shown_short() -> None:
    long = verdict({"field": "x", "op": "equals", "value": "y" * 900}, {"x": ["z" * 9000]})
    assert len(long.reason) < 200
    many = {"any": [{"field": "x" * 100, "op": "equals", "value": "y" * 900}] * 200}
    assert len(verdict(many, {}).reason) <= 600


@pytest.mark.parametrize(
    "data",
    [
        {"field": "x", "op": "like", "value": "y"},
        {"field": "x", "op": "before", "value": "soon"},
        {"field": "x", "op": "contains", "value": ""},
        {"all": []},
    ],
)
def test_what_the_check_refuses_is_not_compiled(data: dict[str, Any]) -> None:
    assert AHA is not None
    assert filter_problems(data, AHA, None)
    with pytest.raises(ValueError, match=r"is no|no conditions"):
        Conditions(data)


def test_the_version_tells_filters_apart() -> None:
    versions = {
        Conditions(data).version
        for data in (None, DESIGN, {"all": DESIGN["all"][:1]}, {"any": DESIGN["all"]})
    }
    assert len(versions) == 4
    assert all(len(version) == 8 for version in versions)
    again = Conditions(json.loads(json.dumps(DESIGN)))
    assert again.version == Conditions(DESIGN).version


@given(FILTERS, RECORDS, RECORDS)
def test_any_filter_judges_any_record_and_always_the_same(
    data: dict[str, Any], record: dict[str, Any], sources: dict[str, Any]
) -> None:
    assert AHA is not None
    assert filter_problems(data, AHA, None) == []
    conditions = Conditions(data)
    first = conditions.verdict(record, sources, NOW)
    assert first.reason
    assert conditions.verdict(record, sources, NOW) == first
    assert Conditions(json.loads(json.dumps(data))).verdict(record, sources, NOW) == first


@given(FILTERS, RECORDS)
def test_the_path_of_a_verdict_leads_to_what_decided(
    data: dict[str, Any], record: dict[str, Any]
) -> None:
    path = verdict(data, record).path
    part: Any = data
    for step in path.split(".") if path else ():
        part = part[int(step)] if isinstance(part, list) else part[step]
    assert isinstance(part, list) or "op" in part


@given(FILTERS, RECORDS)
def test_not_is_the_opposite(data: dict[str, Any], record: dict[str, Any]) -> None:
    held = verdict(data, record).passed
    assert verdict({"not": data}, record).passed is not held
    assert verdict({"not": {"not": data}}, record).passed is held


@given(st.lists(FILTERS, min_size=1, max_size=4), RECORDS)
def test_all_and_any_are_what_de_morgan_says(
    inner: list[dict[str, Any]], record: dict[str, Any]
) -> None:
    held = [verdict(data, record).passed for data in inner]
    assert verdict({"all": inner}, record).passed is all(held)
    assert verdict({"any": inner}, record).passed is any(held)
    negated = [{"not": data} for data in inner]
    assert (
        verdict({"not": {"all": inner}}, record).passed is verdict({"any": negated}, record).passed
    )
    assert (
        verdict({"not": {"any": inner}}, record).passed is verdict({"all": negated}, record).passed
    )


@given(FIELDS, RECORDS, st.lists(WANTED, min_size=1, max_size=3))
def test_negative_operators_are_the_opposites(
    field: str, record: dict[str, Any], wanted: list[Any]
) -> None:
    def passed(op: str, value: Any = None) -> bool:
        return verdict({"field": field, "op": op, "value": value}, record).passed

    assert passed("equals", wanted[0]) is not passed("not_equals", wanted[0])
    assert passed("in", wanted) is not passed("not_in", wanted)
    assert passed("is_empty") is not passed("is_not_empty")
    assert passed("in", wanted) is any(passed("equals", one) for one in wanted)


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)), MOMENTS)  # noqa: DTZ001
def test_a_moment_is_never_before_and_after(seen: datetime, value: str) -> None:
    leaf = {"field": "x", "value": value}
    record = {"x": seen.replace(tzinfo=UTC).isoformat()}
    before = verdict({**leaf, "op": "before"}, record).passed
    after = verdict({**leaf, "op": "after"}, record).passed
    assert not (before and after)
    later = (seen.replace(tzinfo=UTC) + timedelta(seconds=1)).isoformat()
    assert verdict({**leaf, "op": "after"}, {"x": later}).passed or not after
