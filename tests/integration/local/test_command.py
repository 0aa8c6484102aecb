"""`make stack`, as a program of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.ministack import free_port, require_free
from local.stack import ROOT, LocalStack


@pytest.fixture
def checkout(source: Path, tmp_path: Path) -> Path:
    """A copy of what `python -m local.stack` needs, so that it keeps its state apart from ours."""
    shutil.copytree(source, tmp_path / "checkout")
    shutil.copytree(
        ROOT / "local", tmp_path / "checkout" / "local", ignore=shutil.ignore_patterns("vendors")
    )
    return tmp_path / "checkout"


def start(checkout: Path, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.stack"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **settings},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_goes_down_clean(checkout: Path, number: signal.Signals) -> None:
    port = free_port()
    with start(checkout, PORT=str(port), ALLOW_HOSTS="127.0.0.1") as command:
        file = checkout / ".local" / "endpoint.json"
        deadline = time.monotonic() + 60
        while not file.exists():
            assert command.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        endpoint = json.loads(file.read_text())
        command.send_signal(number)
        assert command.wait(30) == 0
    assert set(endpoint) == {"api_url", "token", "aws_endpoint", "region", "stack", "pid"}
    assert endpoint["pid"] == command.pid
    assert endpoint["aws_endpoint"] == f"http://127.0.0.1:{port}"
    assert not endpoint["api_url"].endswith("/v1")
    assert not file.exists()
    assert (checkout / ".local/state/services/dynamodb.json").exists()
    require_free(port)


def test_it_refuses_a_taken_port_in_one_line(checkout: Path, stack: LocalStack) -> None:
    port = stack.aws.port
    with start(checkout, PORT=str(port)) as command:
        said = command.communicate(timeout=30)[1]
    assert command.returncode == 1
    assert f"Port {port} is taken" in said
    assert "Traceback" not in said


def test_it_refuses_a_port_that_is_none(checkout: Path) -> None:
    with start(checkout, PORT="http") as command:
        said = command.communicate(timeout=30)[1]
    assert (command.returncode, said.strip()) == (1, "PORT=http is not a port number")
