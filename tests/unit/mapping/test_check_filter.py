"""What is refused when a filter is saved, and where it says the fault is."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollcall.connectors import catalog
from rollcall.mapping.check import filter_problems
from rollcall.mapping.conditions import OPERATORS, Conditions

AHA = catalog.find("aha")


def filter_faults(data: Any, mapping: Any = None) -> dict[str, str]:
    assert AHA is not None
    return {problem.path: problem.message for problem in filter_problems(data, AHA, mapping)}


LEAF = {"field": "email", "op": "equals", "value": "x"}


def nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = LEAF
    for _ in range(depth):
        data = {"not": data}
    return data


@pytest.mark.parametrize(
    "data",
    [
        None,
        LEAF,
        {"all": [LEAF] * 200},
        nested(10),
        {"any": [{"field": "is_enabled", "op": "equals", "value": True}, {"not": LEAF}]},
        {"field": "display_name", "op": "is_empty"},
        {"field": "a.b[0]['c d']", "op": "is_not_empty", "value": None},
        {"field": "accessed_at", "op": "after", "value": "-90d"},
        {"field": "accessed_at", "op": "before", "value": "2026-01-31T00:00:00Z"},
        {"field": "id", "op": "in", "value": ["1", 2, True, 2.5]},
        {"field": "id", "op": "starts_with", "value": 12},
        {"field": "email", "op": "matches", "value": r"(?i)@example\.(com|test)$"},
    ],
)
def test_a_filter_that_is_right_has_no_problems(data: Any) -> None:
    assert filter_faults(data) == {}


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ([LEAF], "filter"),
        ("all", "filter"),
        ({}, "filter.field"),
        ({"all": LEAF}, "filter.all"),
        ({"all": []}, "filter.all"),
        ({"any": None}, "filter.any"),
        ({"not": [LEAF]}, "filter.not"),
        ({"all": [LEAF], "any": [LEAF]}, "filter"),
        ({"all": [LEAF], "note": "x"}, "filter.note"),
        ({"all": [LEAF, 7]}, "filter.all.1"),
        ({"all": [{"any": [{**LEAF, "op": "like"}]}]}, "filter.all.0.any.0.op"),
        ({**LEAF, "op": None}, "filter.op"),
        ({**LEAF, "op": ["equals"]}, "filter.op"),
        ({**LEAF, "op": "Equals"}, "filter.op"),
        ({**LEAF, "field": "a[x]"}, "filter.field"),
        ({**LEAF, "field": "{{ response.a }}"}, "filter.field"),
        ({**LEAF, "field": None}, "filter.field"),
        ({**LEAF, "case": True}, "filter.case"),
        ({**LEAF, "value": None}, "filter.value"),
        ({**LEAF, "value": ""}, "filter.value"),
        ({**LEAF, "value": ["x"]}, "filter.value"),
        ({**LEAF, "value": {"x": 1}}, "filter.value"),
        ({**LEAF, "value": "x" * 1001}, "filter.value"),
        ({**LEAF, "value": float("nan")}, "filter.value"),
        ({**LEAF, "op": "in", "value": "x"}, "filter.value"),
        ({**LEAF, "op": "in", "value": []}, "filter.value"),
        ({**LEAF, "op": "not_in", "value": ["x", None]}, "filter.value"),
        ({**LEAF, "op": "not_in", "value": ["x"] * 501}, "filter.value"),
        ({**LEAF, "op": "contains", "value": True}, "filter.value"),
        ({**LEAF, "op": "is_empty", "value": True}, "filter.value"),
        ({**LEAF, "op": "before", "value": "soon"}, "filter.value"),
        ({**LEAF, "op": "after", "value": "-90"}, "filter.value"),
        ({**LEAF, "op": "after", "value": "90d"}, "filter.value"),
        ({**LEAF, "op": "after", "value": "-999999w"}, "filter.value"),
        ({**LEAF, "op": "after", "value": True}, "filter.value"),
        ({**LEAF, "op": "matches", "value": "("}, "filter.value"),
        ({**LEAF, "op": "matches", "value": r"(a)\1"}, "filter.value"),
        ({**LEAF, "op": "matches", "value": "(?=a)"}, "filter.value"),
        ({**LEAF, "op": "matches", "value": 7}, "filter.value"),
        ({"all": [LEAF] * 201}, "filter"),
        ({"all": [{"any": [LEAF] * 150}, {"any": [LEAF] * 51}]}, "filter"),
        (nested(11), "filter" + ".not" * 10),
        (nested(400), "filter" + ".not" * 10),
    ],
)
def test_a_wrong_filter_is_refused_where_it_is(data: Any, path: str) -> None:
    assert path in filter_faults(data)


def test_a_wrong_operator_is_told_with_all_there_are() -> None:
    told = filter_faults({**LEAF, "op": "equal"})["filter.op"]
    assert all(op in told for op in OPERATORS)
    assert "did you mean equals?" in told


@pytest.mark.parametrize("mapping", [7, {"sources": 7}, {"sources": [7, {}, {"key": ["x"]}]}])
def test_a_filter_is_checked_whatever_the_mapping_is(mapping: Any) -> None:
    assert filter_faults(LEAF, mapping) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "field": st.sampled_from(["email", "a.b", "a["]) | JSON,
        "op": st.sampled_from(OPERATORS) | JSON,
        "value": st.sampled_from(["x", "-90d", ["x"], 7, True, None, "("]) | JSON,
    },
)
FILTERS = st.recursive(
    CONDITIONS | JSON,
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3) | JSON})
        | st.fixed_dictionaries({"any": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(FILTERS, JSON | st.fixed_dictionaries({"sources": JSON}))
def test_any_json_is_checked_as_a_filter_and_what_passes_can_be_compiled(
    data: Any, mapping: Any
) -> None:
    assert AHA is not None
    found = filter_problems(data, AHA, mapping)
    assert all(one.path.startswith("filter") and one.message for one in found)
    if not found:
        Conditions(data)
