"""Importing costs little, reads nothing and opens nothing: a function starts fast and clean."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/rollcall/python"
FUNCTIONS = sorted(file.parent.name for file in ROOT.glob("functions/*/app.py"))
MODULES = sorted(
    ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    for file in PACKAGE.glob("rollcall/**/*.py")
)
WITHOUT_PYDANTIC = {"sync", "sweeper", "authorizer", "actions"}

IMPORT_FUNCTION = """
import json, sys
sys.path[:0] = sys.argv[1:]
import app
print(json.dumps(sorted(sys.modules)))
"""

# Whatever a module of ours does itself while it is imported is seen; what Python does to find and
# read modules, and what other packages do when they are imported, is theirs.
WATCH = """
import importlib, json, os, sys

package = sys.argv[1]
sys.path.insert(0, package)
seen = []


def ours(through):
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if "importlib" in name or ("site-packages" in name and not through):
            return None
        if name.startswith(package):
            return f"{name[len(package) + 1:]}:{frame.f_lineno}"
        frame = frame.f_back
    return None


class Watched(type(os.environ)):
    def __getitem__(self, key):
        where = ours(through=False)  # pydantic reads it for every model
        if where:
            seen.append(f"{where} reads {key} from the environment")
        return super().__getitem__(key)


def audit(event, arguments):
    opening = event in ("open", "os.listdir", "os.scandir", "subprocess.Popen")
    if opening or event.startswith("socket."):
        where = ours(through=True)
        if where:
            seen.append(f"{where} does {event} {arguments[0]!r}")


os.environ.__class__ = Watched
sys.addaudithook(audit)
for module in sys.argv[2:]:
    importlib.import_module(module)
print(json.dumps(seen))
"""


def python(program: str, *arguments: str, **environment: str) -> object:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "HOME": "/nowhere", **environment},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("function", sorted(WITHOUT_PYDANTIC))
def test_a_function_that_must_start_fast_imports_neither_pydantic_nor_the_api(
    function: str,
) -> None:
    loaded = python(IMPORT_FUNCTION, str(ROOT / "functions" / function), str(PACKAGE))
    assert isinstance(loaded, list)
    for slow in (
        "pydantic",
        "pydantic_core",
        "rollcall.api",
        "rollcall.connectors.check",
        "aws_lambda_powertools.event_handler",
    ):
        assert not [name for name in loaded if name == slow or name.startswith(f"{slow}.")]
    assert not [name for name in loaded if name.startswith("rollcall.") and name.endswith("routes")]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_can_be_imported_without_its_environment(function: str) -> None:
    assert python(IMPORT_FUNCTION, str(ROOT / "functions" / function), str(PACKAGE))


def test_no_module_reads_the_environment_or_opens_anything_when_it_is_imported() -> None:
    assert "rollcall.sync.steps" in MODULES
    assert python(WATCH, str(PACKAGE), *MODULES) == []


def test_the_watch_sees_what_it_is_there_for(tmp_path: Path) -> None:
    (tmp_path / "careless.py").write_text(
        "import os, socket\nfrom pathlib import Path\n"
        "os.environ.get('HOME')\nos.getenv('PATH')\n"
        "Path(__file__).read_text()\nsocket.socket().close()\n"
    )
    seen = python(WATCH, str(tmp_path), "careless")
    assert isinstance(seen, list)
    told = "\n".join(seen)
    for word in ("careless.py:3", "HOME", "PATH", "does open", "does socket."):
        assert word in told


@pytest.mark.parametrize("module", ["rollcall.settings", "rollcall.connectors.manifest"])
def test_a_plain_module_imports_neither_boto3_nor_httpx(module: str) -> None:
    program = (
        "import importlib, json, sys; sys.path.insert(0, sys.argv[1]);"
        "importlib.import_module(sys.argv[2]); print(json.dumps(sorted(sys.modules)))"
    )
    loaded = python(program, str(PACKAGE), module)
    assert isinstance(loaded, list)
    assert not {"boto3", "httpx", "pydantic"} & set(loaded)
