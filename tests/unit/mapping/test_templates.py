"""What a template may say, what is refused and where, and that no data make it raise or grow."""

import itertools
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.mapping.expressions import MOST_NODES
from rollcall.mapping.library import FILTERS, LONGEST_TEXT
from rollcall.mapping.templates import (
    LONGEST_SOURCE,
    Failed,
    Refused,
    Template,
    compile_template,
)
from rollcall.mapping.tokens import DEEPEST

RESPONSE = {
    "name": "Ann", "none": None, "yes": True, "no": False, "count": 3, "share": 0.5, "empty": "",
    "items": [1, {"a": "b"}], "keys": {"values": "v"}, "date": "2026-01-31", "odd key": "odd",
}  # fmt: skip
CONTEXT = {"response": RESPONSE, "person": {"email": "a@example.com"}}


def compiled(source: str) -> Template:
    template = compile_template(source)
    assert isinstance(template, Template), template
    return template


def refused(source: str) -> Refused:
    answer = compile_template(source)
    assert isinstance(answer, Refused), source
    return answer


def rendered(source: str, context: dict[str, Any] = CONTEXT) -> str | Failed:
    return compiled(source).render(context)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("plain } text { % }} %}", "plain } text { % }} %}"),
        ("{{ response.name }}, {{ person.email }}", "Ann, a@example.com"),
        ("{{ response.yes }} {{ response.no }} {{ response.count }}", "true false 3"),
        ("{{ response.none }}{{ response.nowhere }}{{ response.a.b[3].c }}", ""),
        ("{{ response.items }} {{ response.keys }}", '[1,{"a":"b"}] {"values":"v"}'),
        ("{{ response.items[1].a }}{{ response.items[-2] }}{{ response.items.0 }}", "b11"),
        ("{{ response.items[9] }}{{ response.items['1'] }}{{ response.keys[0] }}", ""),
        ('{{ response["odd key"] }} {{ response.name[0] }}', "odd A"),
        ("{{ response.keys.values }}{{ response.keys.keys }}{{ response.items.append }}", "v"),
        ("{{ response.name.upper }}{{ response.count.real }}{{ person.get }}", ""),
        ("{{ 'yes' if response.yes else 'no' }}{{ 'x' if response.no }}", "yes"),
        ("{% if response.no %}a{% elif response.yes %}b{% else %}c{% endif %}", "b"),
        ("{% if response.nowhere %}a{% else %}{% if response.yes %}d{% endif %}{% endif %}", "d"),
        ("{{ response.count > 2 and not response.no }}", "true"),
        ("{{ response.none or response.name }}", "Ann"),
        ("{{ 1 < response.count <= 3 }}{{ response.count != 3 }}", "truefalse"),
        ("{{ response.name < 1 }}{{ none < 1 }}{{ response.items > response.keys }}", "false" * 3),
        ("{{ 'A' in response.name }}{{ 1 in response.items }}", "truetrue"),
        (
            "{{ 1 in response.name }}{{ 'a' in none }}{{ 'a' not in response.count }}",
            "falsefalsetrue",
        ),
        ("{{ response.none is defined }}{{ response.name is not defined }}", "falsefalse"),
        ("{{ response.none is none }}{{ response.empty is empty }}", "truetrue"),
        ("{{ response.yes is number }}{{ response.share is number }}", "falsetrue"),
        ("{{ response.items is list }}{{ response.keys is mapping }}", "truetrue"),
        ("{{ response.name ~ 1 ~ response.none ~ true }}", "Ann1true"),
        ("{{ ['a', -1, {'b': none}] }}", '["a",-1,{"b":null}]'),
        ("{# said #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("a {{- response.name -}} b", "aAnnb"),
        (r"{{ '\d\\1\t\u00e9é' }}", "\\d\\1\té\u00e9"),
        ("{{ response.nowhere | default(person.email) | upper }}", "A@EXAMPLE.COM"),
    ],
)
def test_expressions_and_conditions_give_text(source: str, text: str) -> None:
    assert rendered(source) == text


def test_a_single_expression_gives_its_value() -> None:
    for source, value in (
        ("{{ response.items }}", RESPONSE["items"]),
        ("{{ response.none }}", None),
        ("{{ response.count }}", 3),
        ("{{ response.yes and response.share }}", 0.5),
        ("{{ [1, 'a'] }}", [1, "a"]),
        ("{{ '12' | number }}", 12),
        (" {{ response.count }}", " 3"),
        ("{{ response.count }}{{ response.count }}", "33"),
        ("3", "3"),
        ("", ""),
    ):
        assert compiled(source).value(CONTEXT) == value


def test_what_a_template_gives_may_be_changed_without_changing_the_template() -> None:
    template = compiled("{{ {'a': [1]} }}")
    template.value({})["a"].append(2)
    assert template.value({}) == {"a": [1]}


# Refused, with the place


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("{{ response.name.^__class__ }}", "underscore"),
        ("{{ response . ^__class__ . __mro__ }}", "underscore"),
        ("{{ response[^'__class__'] }}", "underscore"),
        ('{{ response.name | map("a") }}{{ person[^"_x"].y }}', "underscore"),
        ("{{ response[^'\\x5f_class__'] }}", "underscore"),
        ("{{ response[^response.name] }}", "constant"),
        ("{{ response.items[^0:1] }}", "constant"),
        ("{{ response[^true] }}", "constant"),
        ("{{ response[^1.5] }}", "constant"),
        ("{{ ^range }}", "'range'"),
        ("{{ response.a }}\n\n  {{ ^self.x }}", "'self'"),
        ("text\r\ntext {{ ^lipsum }}", "'lipsum'"),
        ("{{ response.name^() }}", "calls"),
        ("{{ ''.join^(response) }}", "calls"),
        ("{{ cycler^('a') }}", "calls"),
        ("{% ^for a in response %}{% endfor %}", "loops"),
        ("{% ^set a = 1 %}", "set"),
        ("{% ^set a %}{% endset %}", "set"),
        ("{% ^macro a() %}{% endmacro %}", "macros"),
        ("{% ^call a() %}{% endcall %}", "calls"),
        ("{% ^include 'a' %}", "include"),
        ("{% ^import 'a' as b %}", "import"),
        ("{% ^from 'a' import b %}", "import"),
        ("{% ^extends 'a' %}", "extends"),
        ("{% ^block a %}{% endblock %}", "blocks"),
        ("{% ^filter upper %}{% endfilter %}", "filter blocks"),
        ("{% ^with a = 1 %}{% endwith %}", "with"),
        ("{% ^autoescape true %}{% endautoescape %}", "not allowed"),
        ("{% ^do x %}", "do"),
        ("{{ response.count ^+ 1 }}", "(+)"),
        ("{{ response.count ^- 1 }}", "(-)"),
        ("{{ ^-response.count }}", "(-)"),
        ("{{ ^+1 }}", "(+)"),
        ("{{ 'a' ^* 2000000000 }}", "(*)"),
        ("{{ 1 ^/ 0 }}", "(/)"),
        ("{{ 1 ^// 0 }}", "(//)"),
        ("{{ '%1500000000d' ^% 1 }}", "(%)"),
        ("{{ 10 ^** 10000000 }}", "(**)"),
        ("{{ ('+' ~ response.name) | replace('a', 1 ^+ 1) }}", "(+)"),
        ("{{ response | ^attr('x') }}", "'attr'"),
        ("{{ response.name | upper | ^center(1500000000) }}", "'center'"),
        ("{{ '%1500000000d' | ^format(1) }}", "'format'"),
        ("{{ response.name | ^a.b }}", "'a.b'"),
        ("{{ response.name is ^callable }}", "test"),
        ("{{ response.name is ^divisibleby 3 }}", "test"),
        ("{{ response.name is ^defined(1) }}", "test"),
        ("{{ response.name | ^upper(1) }}", "upper: too many"),
        ("{{ response.name | ^replace('a') }}", "replace: missing"),
        ("{{ response.name | ^split(separater=',') }}", "split: got an unexpected"),
        ("{{ response.items | join(*^response) }}", "*"),
        ("{{ response.items | join(**^response) }}", "**"),
        ("{{ response.date | format_date(^'%Q') }}", "format_date: the format"),
        ("{{ response.date | parse_date(timezone=^'Nowhere') }}", "parse_date: there is no"),
        ("{{ response.name | regex_replace(^'(a', '') }}", "regex_replace: the pattern"),
        ("{{ response.name | truncate(^-1) }}", "truncate: length"),
        ("{{ ^99999999999999999999 }}", "too large"),
        ("{{ ^1e999 }}", "too large"),
        ("{{ -^1e999 }}", "too large"),
        ("{{ [^response] }}", "constants"),
        ("{{ {'a': ^response} }}", "constants"),
        ("{{ {^1: 2} }}", "constant text"),
        ("{{ response, 1 }}", "tuples"),
        ("{{ response.name ^$ }}", "unexpected char"),
        ("{{ response.name ^) }}", "unexpected"),
        ("{{ response.name ^'a' }}", "expected"),
        ("{{", "end of template"),
        ("{{ ^'a }}", "unexpected char"),
        ("{% if response %}a", "expected"),
        ("{{ '", "unexpected char"),
        ("{{ ^'\\x1' }}", "escape"),
    ],
)
def test_what_no_template_may_say_is_refused_where_it_stands(source: str, word: str) -> None:
    place = source.find("^")
    plain = source.replace("^", "", 1)
    answer = refused(plain)
    assert word in answer.message
    if place >= 0:
        before = source[:place].replace("\r\n", "\n").split("\n")
        assert (answer.line, answer.column) == (len(before), len(before[-1]) + 1)


def test_a_place_is_inside_the_source() -> None:
    for source in (
        "{{",
        "{% if",
        "{% if response %}",
        "{{ 'a",
        "{#",
        "{% raw %}",
        "\n\n{{",
        "{{\n\n",
    ):
        answer = refused(source)
        lines = source.split("\n")
        assert 1 <= answer.line <= len(lines)
        assert 1 <= answer.column <= len(lines[answer.line - 1]) + 1


def test_the_same_text_is_compiled_once() -> None:
    source = "{{ response.name | upper }} for the first time"
    assert compile_template(source) is compile_template(source)
    assert compile_template(source, ("response",)) is not compile_template(source, ("person",))


def test_names_are_those_that_were_given() -> None:
    assert isinstance(compile_template("{{ source.email }}"), Refused)
    assert isinstance(compile_template("{{ source.email }}", ("source",)), Template)
    answer = compile_template("{{ response.a }}", ("source", "inputs"))
    assert isinstance(answer, Refused)
    assert answer.message.endswith("inputs, source")


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("a" * (LONGEST_SOURCE + 1), "characters"),
        ("{{ " + "(" * 1_000 + "1" + ")" * 1_000 + " }}", "deep"),
        ("{{ " + "[" * 1_000 + "]" * 1_000 + " }}", "deep"),
        ("{{ " + "not " * 950 + "1 }}", "deep"),
        ("{{ " + "-" * 3_900 + "1 }}", "deep|not allowed"),  # as deep as Python goes
        ("{{ " + "1 if 1 else " * 300 + "1 }}", "deep"),
        ("{{ response" + ".a" * (DEEPEST + 1) + " }}", "deep"),
        ("{{ response" + "|trim" * (DEEPEST + 1) + " }}", "deep"),
        ("{{ 1" + " or 1" * (DEEPEST + 1) + " }}", "deep"),
        ("{% if 1 %}" * 150 + "{% endif %}" * 150, "deep"),
        ("{{ 1 }}" * (MOST_NODES + 1), "parts"),
        ("{{ 1" + "~1" * MOST_NODES + " }}", "parts"),
        ("{{ 1" + "<1" * MOST_NODES + " }}", "parts"),
        ("{{ [" + "1," * MOST_NODES + "] }}", "parts"),
    ],
)
def test_what_is_too_long_too_deep_or_too_much_is_refused(source: str, word: str) -> None:
    assert re.search(word, refused(source).message)


# Failing


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ response.secret | parse_date }}", "parse_date: it is no date"),
        ("{{ response.secret | number | lower }}", "number: it is no number"),
        ("a {% if 1 %}{{ response.secret | from_json }}{% endif %}", "from_json: it is no JSON"),
        (
            "{{ 1 | format_date(response.secret) | default(response.secret | boolean) }}",
            "boolean: ",
        ),
        (
            "{{ response.date | format_date('%Y', response.secret) }}",
            "format_date: there is no such",
        ),
        ("{{ 'a' | regex_replace(response.secret, '') }}", "regex_replace: the pattern is refused"),
        ("{{ response.secret | split | map(response.secret) }}", "map: attribute is no path"),
        ("{{ response.secret | random_password }}", "random_password: "),
        ("{{ response.big | lower }}", "lower: the text grows"),
        ("{{ response.big ~ 'a' }}", "the text grows"),
        ("{{ response.half }}{{ response.half }}", "the text grows"),
        ("{{ response.big }}", "the text grows"),
        ("{{ response.lone }}", "lone surrogate"),
        ("{{ response.nan }}", "it is no finite number"),
        ("{{ response.huge }}", "it has more than 38 digits"),
        ("{{ [1] | first | upper }}{{ response.deep }}", "deep"),
        ("{{ response.deep == response.deeper }}", "deep"),
    ],
)
def test_a_template_that_fails_names_the_filter_and_not_the_value(
    source: str, message: str
) -> None:
    deep: Any = []
    deeper: Any = []
    for _ in range(100_000):
        deep, deeper = [deep], [deeper]
    response = {
        "secret": "(hunter2..", "big": "x" * (LONGEST_TEXT + 1), "half": "x" * 60_000,
        "lone": "\ud800", "nan": float("nan"), "huge": 10**5_000, "deep": deep, "deeper": deeper,
        "date": "2026-01-31",
    }  # fmt: skip
    failed = rendered(source, {"response": response})
    assert isinstance(failed, Failed)
    assert message in failed.message
    assert "hunter2" not in failed.message


def test_a_single_value_has_the_same_bounds() -> None:
    assert isinstance(
        compiled("{{ response.a }}").value({"response": {"a": "x" * 100_001}}), Failed
    )
    assert isinstance(compiled("{{ response.a | number }}").value({"response": {"a": "x"}}), Failed)


def test_texts_that_double_each_time_end() -> None:
    source = "{{ response.a" + " | replace('a', 'aaaaaaaaaa')" * 30 + " }}"
    failed = rendered(source, {"response": {"a": "a"}})
    assert failed == Failed("replace: the text grows beyond 100000 characters")


def test_a_template_may_be_without_its_data() -> None:
    assert rendered("{{ response.a.b }}{{ person }}", {}) == ""


# Nothing raises

PIECES = [
    "{{", "}}", "{%", "%}", "{#", "#}", "{{-", "-%}", "if", "elif", "else", "endif", "for",
    "endfor", "set", "raw", "endraw", "macro", "in", "is", "not", "and", "or", "none", "true",
    "response", "person", ".", "[", "]", "(", ")", "{", "}", ",", ":", "|", "~", "+", "-", "*", "/",
    "%", "**", "==", "<", "=", "!", "'", '"', "'a'", "'%Y'", "1", "0", "1e9", "0x", "99", "_x",
    "__class__", "\\", "\n", "\r", " ", " ", " ", "é", "\ud800", "\x00", "defined", "range", "self",
    "loop", "x", *FILTERS,
]  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def check_never_raises(source: str, response: Any) -> None:
    answer = compile_template(source)
    if isinstance(answer, Refused):
        assert answer.line >= 1
        assert answer.column >= 1
        assert answer.message
        return
    text = answer.render({"response": response, "person": {}})
    assert isinstance(text, Failed) or len(text.encode()) <= 4 * LONGEST_TEXT
    value = answer.value({"response": response, "person": {}})
    assert isinstance(value, Failed) or len(json.dumps(value)) < 10 * LONGEST_TEXT


@given(st.text(max_size=60), json_values)
def test_no_text_raises(source: str, response: Any) -> None:
    check_never_raises(source, response)


@given(st.lists(st.sampled_from(PIECES), max_size=25), json_values)
def test_no_pieces_of_templates_raise(pieces: list[str], response: Any) -> None:
    check_never_raises(" ".join(pieces), response)
    check_never_raises("{{" + "".join(pieces) + "}}", response)


arguments = st.sampled_from(
    ["'a'", "''", "'%Y'", "','", "'('", "1", "-1", "99999", "none", "true", "[1]", "{'a': 1}",
     "response", "response.a", "'UTC'", "format='%d'", "days=2", "separator='-'"]
)  # fmt: skip
calls = st.tuples(st.sampled_from(sorted(FILTERS)), st.lists(arguments, max_size=3))


@given(st.lists(calls, min_size=1, max_size=6), json_values)
def test_no_chain_of_filters_raises(chain: list[tuple[str, list[str]]], response: Any) -> None:
    filters = "".join(f" | {name}({', '.join(given)})" for name, given in chain)
    for start in ("response", "response.a", "'2026-01-31'", "[3, 'b']", "'{\"a\": 1}'"):
        check_never_raises("{{ " + start + filters + " }}", response)


def test_every_known_way_out_of_a_sandbox_is_refused() -> None:
    starts = ("response", "person.x", "''", "[]", "{}", "1", "(response | text)")
    ways = (
        ".__class__", "['__class__']", '["\\x5f\\x5fclass__"]', "|attr('__class__')",
        ".__init__.__globals__", ".format(1)", ".format_map(1)", "|format(1)", "|map('upper')()",
        "|map(attribute='a')|xmlattr", "()", ".mro()", "['__getitem__']('a')", "._x", "|string",
        "|batch(1)", "|groupby('a')", "|tojson()|safe", "|selectattr('a')", "|pprint", "|list",
    )  # fmt: skip
    for start, way in itertools.product(starts, ways):
        refused("{{ " + start + way + " }}")
        refused("{% if " + start + way + " %}{% endif %}")
