"""What a mapping does not do again for each record, and not at all where nothing asks for it."""

import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from rollcall.connectors import catalog
from rollcall.fields.model import STANDARD
from rollcall.mapping.mapper import Mapper
from rollcall.mapping.model import MappingRules

ROOT = Path(__file__).parents[3]
MAPPING = {
    "fields": [
        {"target": "email", "source": "email", "sync_key": 1},
        {"target": "title", "template": "{% if source.hi %}{{ response.job | title }}{% endif %}"},
        {"target": "department", "template": "{{ person.title | regex_replace('o', '0') }}"},
    ],
    "sources": [{"key": "hi", "template": "Dear {{ response.name }}"}],
}


def test_a_record_is_mapped_without_a_look_at_the_text_of_its_templates() -> None:
    aha = catalog.find("aha")
    assert aha is not None
    mapper = Mapper(aha, MappingRules.from_data(MAPPING), STANDARD, ("Employee",))
    modules: set[str] = set()

    def called(frame: FrameType, _event: str, _argument: Any) -> None:
        modules.add(frame.f_globals.get("__name__", ""))

    sys.setprofile(called)
    try:
        values = mapper.mapped({"email": "a@x.test", "job": "boss", "name": "Ann"}).values
    finally:
        sys.setprofile(None)
    assert values["department"] == "B0ss"
    assert "rollcall.mapping.expressions" in modules, "the templates were rendered"
    assert not any(name.partition(".")[0] == "jinja2" for name in modules), "and not read again"


def test_without_a_template_neither_jinja2_nor_re2_is_imported() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from rollcall.connectors import catalog;"
        "from rollcall.fields.model import STANDARD;"
        "from rollcall.mapping.mapper import Mapper;"
        "from rollcall.mapping.model import mapping_of;"
        "from rollcall.mapping.conditions import Conditions;"
        "aha = catalog.find('aha');"
        "mapper = Mapper(aha, mapping_of(aha, None), STANDARD, ('Employee',));"
        "print(len(mapper.mapped({'email': 'a@example.test'}).values));"
        "Conditions({'field': 'a', 'op': 'is_empty'});"
        "print({'jinja2', 're2', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT / "layers/rollcall/python")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.split("\n")[:2], done.stderr) == (["2", "set()"], "")
