"""YAML means what JSON would, and what JSON cannot say is refused with its place."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rollcall.api.yaml_body import DEEPEST, LONGEST, Fault, read

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cn", "Cs", "Zl", "Zp"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)

DOCUMENT = """
# Somebody left.
name: Offboard
begin:
  trigger: event
  events: [Person Updated]
  when: {field: changes.status.new, op: equals, value: inactive}
blocks:
  - id: ask
    type: approval
    message: |
      {{ person.display_name }} has left.
      Deactivate them?
    deadline: 3d
  - id: tell
    type: notification
    subject: 'Gone'
    message: >-
      It
      is done.
"""


def test_a_document_is_read_as_it_is_written() -> None:
    assert read(DOCUMENT) == {
        "name": "Offboard",
        "begin": {
            "trigger": "event",
            "events": ["Person Updated"],
            "when": {"field": "changes.status.new", "op": "equals", "value": "inactive"},
        },
        "blocks": [
            {
                "id": "ask",
                "type": "approval",
                "message": "{{ person.display_name }} has left.\nDeactivate them?\n",
                "deadline": "3d",
            },
            {"id": "tell", "type": "notification", "subject": "Gone", "message": "It is done."},
        ],
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None), ("~", None), ("", None), ("true", True), ("false", False),
        ("0", 0), ("-7", -7), ("1.5", 1.5), ("1e3", 1000.0), ("9" * 20, 10**20 - 1),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("True", "True"), ("y", "y"),
        ("2026-01-31", "2026-01-31"), ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
        ("007", "007"), ("0x1F", "0x1F"), ("0o17", "0o17"), ("1_000", "1_000"), ("+1", "+1"),
        ("12:30:45", "12:30:45"), (".inf", ".inf"), (".nan", ".nan"), ("1.", "1."), ("=", "="),
        ("'true'", "true"), ('"1"', "1"), ("''", ""), ("|\n  1\n", "1\n"), ("'~'", "~"),
    ],
)  # fmt: skip
def test_what_is_not_quoted_means_what_json_would_read(text: str, value: object) -> None:
    found = read(f"a: {text}")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


@pytest.mark.parametrize("key", ["on", "yes", "2026-01-31", "<<", "007", "'1'", '"null"'])
def test_a_key_may_be_any_text(key: str) -> None:
    assert read(f"{key}: x") == {key.strip("'\""): "x"}


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        (BOMB, "an anchor", (1, 4)),
        ("a: *b", "an alias", (1, 4)),
        ("a: 1\nb: !!python/object:os.system x", "a tag", (2, 4)),
        ("a: !!str 1", "a tag", (1, 4)),
        ("a: ! 1", "a tag", (1, 4)),
        ("a: !x [1]", "a tag", (1, 4)),
        ("!x\na: 1", "a tag", (1, 1)),
        ("a: 1\n---\nb: 2", "a second document", (2, 1)),
        ("a: 1\n1: 2", "the key 1, which is no text", (2, 1)),
        ("true: 2", "the key true,", (1, 1)),
        ("? \n: 2", "the key null,", (1, 2)),
        ("? [a]\n: 2", "a key that is no text", (1, 3)),
        ("{{ a }}: 2", "a key that is no text", (1, 1)),
        ("a: {{ person.id }}", "a key that is no text", (1, 5)),
        ("a: 1\nb: 2\na: 3", "the key 'a' twice", (3, 1)),
        ("a: 1e999", "too large", (1, 4)),
        ("a: " + "9" * 5000, "too large", (1, 4)),
        ("a: [1", "is no YAML", (2, 1)),
        ("a: 'x", "is no YAML", (1, 6)),
        ("a: 1\n\tb: 2", "is no YAML", (2, 1)),
        ("a: b: c", "is no YAML", (1, 5)),
        ("a: 1\nb: \x07", "U+0007", (2, 4)),
        ("a: \ud800", "U+D800", (1, 4)),
        ('a: "\\ud800"', "is no YAML", (1, 7)),
        ("%YAML 2.0\n---\na: 1", "is no YAML", (1, 1)),
        ("[" * (DEEPEST + 1), "nested more than", (1, DEEPEST + 1)),
        ("[" * 500_000, "nested more than", (1, DEEPEST + 1)),
        ("- " * 100_000, "nested more than", (1, 2 * DEEPEST + 1)),
        ("a" * (LONGEST + 1), "characters", (1, 1)),
    ],
)  # fmt: skip
def test_what_json_cannot_say_is_refused_with_its_place(
    text: str, said: str, place: tuple[int, int]
) -> None:
    fault = read(text)
    assert isinstance(fault, Fault), fault
    assert said in fault.message
    assert (fault.line, fault.column) == place


@pytest.mark.parametrize("text", ["", "# nothing", "---\n...\n", "null"])
def test_nothing_is_null(text: str) -> None:
    assert read(text) is None


@given(JSON)
def test_json_is_read_as_itself(value: Any) -> None:
    assert read(json.dumps(value, ensure_ascii=False)) == value


@given(JSON)
def test_what_is_written_without_tags_comes_back(value: Any) -> None:
    found = read(yaml.safe_dump(value, allow_unicode=True))
    assert isinstance(found, Fault) or json.dumps(found) is not None


@given(st.text() | st.text("-:?[]{},&*!|>'\"%@` \n#~ab1"))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = read(text)
    if not isinstance(found, Fault):
        json.dumps(found, allow_nan=False).encode()
