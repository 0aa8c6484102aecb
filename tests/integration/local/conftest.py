from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ministack import free_port
from local.stack import ROOT, LocalStack

STUBS = Path(__file__).parent / "stubs"


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source tree with our template and state machine, and functions that only play parts."""
    root = tmp_path_factory.mktemp("source")
    for name in ("template.yaml", "statemachines"):
        (root / name).symlink_to(ROOT / name)
    (root / "functions").symlink_to(STUBS)
    (root / "layers/rollcall/python/rollcall").mkdir(parents=True)
    (root / "layers/rollcall/python/rollcall/__init__.py").touch()
    return root


@pytest.fixture(scope="session")
def stack(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("state")
    with LocalStack.start(
        port=free_port(), state_dir=folder, root=source, allow_hosts="127.0.0.1"
    ) as running:
        yield running
