"""The layer that `sam build` builds: everything the handlers import, nothing the runtime has."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from local import built
from local.stack import ROOT

pytestmark = pytest.mark.slow

# What Lambda's Python 3.13 brings, and no layer should carry again.
RUNTIME = {
    *("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"),
    *("python-dateutil", "awslambdaric", "snapshot_restore_py"),
}


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    return built.build(ROOT, folder, for_this_machine=False).parent / "RollcallLayer" / "python"


def imports(folder: Path) -> Iterator[str]:
    """The top-level name of everything imported, anywhere in a module, below `folder`."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module.split(".")[0]


def distributions(layer: Path) -> dict[str, Distribution]:
    found = [PathDistribution(folder) for folder in layer.glob("*.dist-info")]
    return {found_one.metadata["Name"].lower().replace("_", "-"): found_one for found_one in found}


def test_it_holds_the_package_with_its_data(layer: Path) -> None:
    source = ROOT / "layers" / "rollcall" / "python" / "rollcall"
    wanted = {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert all((layer / "rollcall" / path).is_file() for path in wanted)


def test_everything_imported_is_in_it_or_in_the_runtime(layer: Path) -> None:
    inside = {path.name.split(".")[0] for path in layer.iterdir()}
    wanted = {*imports(layer / "rollcall"), *imports(ROOT / "functions")}
    # Type stubs are imported under TYPE_CHECKING only; `app` is the function's own module.
    missing = {
        name
        for name in wanted - inside - RUNTIME - set(sys.stdlib_module_names)
        if not name.startswith(("mypy_boto3", "types_"))
    }
    assert missing == set()


def test_everything_required_is_in_it_or_in_the_runtime(layer: Path) -> None:
    inside = distributions(layer)
    environment = {"python_version": "3.13", "python_full_version": "3.13.0", "extra": ""}
    for name, distribution in inside.items():
        for line in distribution.requires or []:
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate(environment):
                continue
            required = requirement.name.lower().replace("_", "-")
            assert required in inside.keys() | RUNTIME, f"{name} requires {line}"


def test_it_repeats_nothing_the_runtime_has(layer: Path) -> None:
    inside = {path.name.split(".")[0] for path in layer.iterdir()} | distributions(layer).keys()
    assert inside & RUNTIME == set()


def test_its_compiled_parts_are_for_lambda(layer: Path) -> None:
    compiled = [path.name for path in layer.rglob("*.so")]
    assert compiled
    for name in compiled:
        assert name.endswith("cpython-313-aarch64-linux-gnu.so")


def test_it_is_small(layer: Path) -> None:
    size = sum(path.stat().st_size for path in layer.rglob("*") if path.is_file())
    assert size < 40 * 2**20


def test_every_handler_imports_with_it_and_the_runtime_alone(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The same layer with wheels for this machine, boto3 beside it, and no other package."""
    folder = tmp_path_factory.mktemp("here")
    built.build(ROOT, folder, for_this_machine=True)
    runtime = tmp_path_factory.mktemp("runtime")
    versions = (ROOT / "requirements" / "dev.txt").read_text().splitlines()
    brought = [line for line in versions if line.split("==")[0] in RUNTIME]
    uv = Path(sys.executable).with_name("uv")
    options = ["--quiet", "--no-deps", "--target", str(runtime)]
    subprocess.run([str(uv), "pip", "install", *options, *brought], check=True)
    apps = sorted((ROOT / "functions").glob("*/app.py"))
    assert apps
    for app in apps:
        path = [str(app.parent), str(folder / "RollcallLayer" / "python"), str(runtime)]
        program = f"import sys; sys.path += {path!r}; import app; assert callable(app.handler)"
        subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)
