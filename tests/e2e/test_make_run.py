"""What `make run` runs, from nothing to the roster, and down again."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.ministack import HOST, free_port, require_free
from local.stack import ROOT

pytestmark = pytest.mark.slow
SECONDS = 120


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    environment = {"PATH": os.environ["PATH"], "PORT": str(port), "LANG": "C.UTF-8"}
    return subprocess.Popen(
        [sys.executable, "-m", "local.run", "--folder", str(folder)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until_it_serves(command: subprocess.Popen[str]) -> str:
    """What it has printed when it says how to end it; a watchdog ends one that never does."""
    assert command.stdout is not None
    watchdog = threading.Timer(SECONDS, command.send_signal, [signal.SIGTERM])
    watchdog.start()
    said = ""
    for line in command.stdout:
        said += line
        if line.startswith("Ctrl-C ends it"):
            break
    watchdog.cancel()
    return said


def alive(process: int) -> bool:
    """A zombie is not: it only waits for somebody to hear of its end."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descendants(parent: int) -> Iterator[int]:
    """Every process below `parent`, as Linux tells it."""
    for child in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = child.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == parent:
            yield int(child.parent.name)
            yield from descendants(int(child.parent.name))


def end(command: subprocess.Popen[str], number: signal.Signals) -> None:
    """It ends well, and nothing it had started is left."""
    started = list(descendants(command.pid))
    command.send_signal(number)
    rest, _ = command.communicate(timeout=60)
    assert command.returncode == 0, rest
    if sys.platform == "linux":
        assert len(started) >= 3  # the local AWS and two sample apps
    assert not list(filter(alive, started))


def test_it_shows_the_roster_serves_and_does_it_again_on_what_it_kept(tmp_path: Path) -> None:
    port = free_port()
    with start(tmp_path, port) as command:
        said = until_it_serves(command)
        assert "ActiveCampaign: 250 of 250 accounts, succeeded: 250 added" in said
        assert "Aha!: 180 of 180 accounts, succeeded: 180 added" in said
        assert "The roster: 322 people, 108 with accounts in both apps" in said
        assert "Administrators: 26" in said
        assert "Traceback" not in said

        endpoint = json.loads((tmp_path / "endpoint.json").read_text())
        assert set(endpoint) == {"api_url", "token", "aws_endpoint", "region", "stack", "pid"}
        assert endpoint["pid"] == command.pid
        people = httpx.get(
            f"{endpoint['api_url']}/v1/people",
            params={"email": "amina.adeyemi@northwind.example"},
            headers={"Authorization": f"Bearer {endpoint['token']}"},
            trust_env=False,
        ).json()["items"]
        assert [len(person["accounts"]) for person in people] == [2]
        end(command, signal.SIGINT)
    assert not (tmp_path / "endpoint.json").exists()
    require_free(port)

    with start(tmp_path, port) as command:
        said = until_it_serves(command)
        assert "ActiveCampaign: 250 of 250 accounts, succeeded: 250 unchanged" in said
        assert "Aha!: 180 of 180 accounts, succeeded: 180 unchanged" in said
        assert "The roster: 322 people, 108 with accounts in both apps" in said
        end(command, signal.SIGTERM)


def test_told_to_stop_on_the_way_it_goes_down_clean(tmp_path: Path) -> None:
    with start(tmp_path, free_port()) as command:
        assert command.stdout is not None
        while "Test both connections" not in command.stdout.readline():
            assert command.poll() is None
        end(command, signal.SIGTERM)


def test_a_taken_port_is_one_line_and_an_error(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        command = start(tmp_path, port)
        said, _ = command.communicate(timeout=30)
    assert command.returncode == 1
    assert said.strip().splitlines() == [
        f"Port {port} is taken. Stop what listens there, or choose another: PORT={port + 1}"
    ]
