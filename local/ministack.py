"""The local AWS as a child process, on loopback, with nothing of the user's environment in it."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

HOST = "127.0.0.1"
REGION = "us-east-1"
START_SECONDS = 30
EMULATOR = Path(__file__).with_name("emulator.py")
STOP_SECONDS = 30
# Dummies: the local AWS takes any, and the user's own never reach it.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class StartError(Exception):
    """The local AWS cannot be started; the message tells the user why and what to do."""


def free_port() -> int:
    """A TCP port on loopback that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def require_free(port: int) -> None:
    """Raise StartError if something listens on `port` already."""
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise StartError(
                f"Port {port} is taken. Stop what listens there, or choose another: PORT={port + 1}"
            )


def environment(port: int, state_dir: Path) -> dict[str, str]:
    """The whole environment of the local AWS, which its functions inherit."""
    return {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        **CREDENTIALS,
        "HOME": str(state_dir),
        # Its functions' code is unpacked here and never removed: we remove it (see Ministack.stop).
        "TMPDIR": str(state_dir / "tmp"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MINISTACK_REGION": REGION,
        "MINISTACK_HOST": HOST,
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state_dir / "services"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state_dir / "s3"),
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
    }


@dataclass(frozen=True)
class Ministack:
    """A running local AWS. Its state is in `state_dir`, its log in `state_dir`/ministack.log."""

    process: subprocess.Popen[bytes]
    port: int
    state_dir: Path
    lock: IO[str]
    """Held as long as anything of it is left, so that no other one takes the same state."""

    @property
    def endpoint(self) -> str:
        """Where every AWS service answers."""
        return f"http://{HOST}:{self.port}"

    def configure(self, **settings: float) -> None:
        """Change a setting of Step Functions while it runs, such as `_SFN_WAIT_SCALE`."""
        body = {f"stepfunctions.{name}": value for name, value in settings.items()}
        url = f"{self.endpoint}/_ministack/config"
        applied = httpx.post(url, json=body, trust_env=False).json()["applied"]
        if len(applied) != len(settings):
            raise ValueError(f"the local AWS took only {applied}")

    def stop(self) -> None:
        """Save the state and end, with every process it started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                print("The local AWS did not stop in time; its state may be lost.", file=sys.stderr)
        self.kill()

    def kill(self) -> None:
        """End at once, with every process it started, as in a power cut: the state is lost."""
        with contextlib.suppress(ProcessLookupError):  # nobody is left in the group
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.state_dir / "tmp", ignore_errors=True)
        self.lock.close()


def start(port: int, state_dir: Path, *, fresh: bool = False) -> Ministack:
    """A local AWS that answers on `port` with the state found in `state_dir`, or without any.

    Waits for the one before to be down. Raises StartError if it stays, or if the port is taken.
    """
    require_free(port)
    state_dir = state_dir.resolve()
    lock = _locked(state_dir)
    if fresh:
        shutil.rmtree(state_dir, ignore_errors=True)
    (state_dir / "tmp").mkdir(parents=True, exist_ok=True)
    log_file = state_dir / "ministack.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", str(EMULATOR)],
            env=environment(port, state_dir),
            cwd=state_dir,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us only, and we stop it in order
        )
    ministack = Ministack(process, port, state_dir, lock)
    deadline = time.monotonic() + START_SECONDS
    while not _ready(ministack):
        if process.poll() is not None or time.monotonic() > deadline:
            ministack.kill()
            raise StartError(f"The local AWS did not start; its log: {log_file}")
        time.sleep(0.05)
    return ministack


def _locked(state_dir: Path) -> IO[str]:
    state_dir.parent.mkdir(parents=True, exist_ok=True)
    lock = state_dir.with_name(f"{state_dir.name}.lock").open("w")
    deadline = time.monotonic() + STOP_SECONDS + 5
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                lock.close()
                message = f"Another local AWS uses {state_dir}. Stop it first."
                raise StartError(message) from None
            time.sleep(0.1)
        else:
            return lock


def _ready(ministack: Ministack) -> bool:
    try:
        url = f"{ministack.endpoint}/_ministack/ready"
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False
