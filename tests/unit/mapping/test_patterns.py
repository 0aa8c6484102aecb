"""Patterns end in time whatever they are, and cost nothing until there is one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.mapping.patterns import BadPattern, Pattern, compile_pattern, replace, search
from rollcall.mapping.values import Unusable

PACKAGE = Path(__file__).parents[3] / "layers/rollcall/python"


def compiled(text: str) -> Pattern:
    pattern = compile_pattern(text)
    assert isinstance(pattern, Pattern), pattern
    return pattern


def test_a_pattern_matches_anywhere_and_with_case() -> None:
    assert search(compiled("b"), "abc")
    assert not search(compiled("^b"), "abc")
    assert not search(compiled("B"), "abc")
    assert search(compiled("(?i)Ü"), "grün")
    assert search(compiled(""), "")


@pytest.mark.parametrize(
    "text", ["(a+)+$", "(a|aa)+$", "(a*)*b", "(.*)(.*)(.*)(.*)x$", "a{0,999}b"]
)
def test_a_pattern_that_would_hang_others_answers(text: str) -> None:
    assert not search(compiled(text), "a" * 100_000 + "!")


@pytest.mark.parametrize("text", ["(", "a{1001}", r"\1", "(?<=a)b", "\ud800", "a" * 501, "[z-a]"])
def test_what_is_no_pattern_is_told_so(text: str) -> None:
    bad = compile_pattern(text)
    assert isinstance(bad, BadPattern)
    assert bad.message


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=40))
def test_no_text_raises(text: str, replacement: str, whole: str) -> None:
    for one in (text, f"({text})*", f"[{text}]"):
        pattern = compile_pattern(one)
        if isinstance(pattern, Pattern):
            search(pattern, whole)
            try:
                replace(pattern, replacement, whole + "\ud800")
            except Unusable as unusable:
                assert "no group" in str(unusable)  # noqa: PT017


def test_who_uses_no_template_and_no_pattern_waits_for_neither() -> None:
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1]);"
        "import rollcall.mapping.mapper, rollcall.mapping.conditions, rollcall.mapping.patterns;"
        "print(json.dumps(sorted(sys.modules)))"
    )
    arguments = [sys.executable, "-c", program, str(PACKAGE)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert not {"jinja2", "re2", "pydantic"} & set(json.loads(done.stdout))
