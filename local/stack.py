"""The stack of template.yaml on a local AWS: `make stack`, and what the tests stand on.

with LocalStack.start(port=free_port(), state_dir=tmp_path, allow_hosts="127.0.0.1") as stack:
    httpx.get(f"{stack.api_url}/v1/health")
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console

from local import deployment, ministack
from local.ministack import HOST, REGION, Ministack, StartError

ROOT = Path(__file__).resolve().parent.parent
STACK = "rollcall"
DEFAULT_PORT = 4566
LOCAL = ROOT / ".local"


@dataclass(frozen=True)
class LocalStack:
    """The deployed stack. Leaving its context stops it, with its state saved."""

    aws: Ministack
    outputs: dict[str, str]
    token: str
    stack: str = STACK
    region: str = REGION

    @classmethod
    def start(
        cls,
        *,
        port: int,
        state_dir: Path,
        fresh: bool = True,
        allow_hosts: str = "",
        root: Path = ROOT,
        parameters: Mapping[str, str] | None = None,
    ) -> Self:
        """Start the local AWS on `port` and deploy the template of `root`, with these parameters.

        With `fresh`, what `state_dir` holds is removed first; else the stack found there is
        updated. Raises StartError with a message for the user if the port is taken, and
        DeploymentError if the template does not deploy.
        """
        aws = ministack.start(port, state_dir, fresh=fresh)
        try:
            given = {"AllowHosts": allow_hosts, **(parameters or {})}
            outputs = deployment.deploy_source(aws.endpoint, root, STACK, given)
            return cls.attach(aws, outputs)
        except BaseException:
            aws.stop()
            raise

    @classmethod
    def attach(cls, aws: Ministack, outputs: dict[str, str]) -> Self:
        """What is deployed already on `aws`, by whatever means."""
        secrets = deployment.client(aws.endpoint, "secretsmanager")
        token = secrets.get_secret_value(SecretId=outputs["TokenSecretArn"])["SecretString"]
        return cls(aws, outputs, token)

    @property
    def aws_endpoint(self) -> str:
        """Where every AWS service answers."""
        return self.aws.endpoint

    @property
    def api_url(self) -> str:
        """Address of the HTTP API, without /v1."""
        return f"{self.aws.endpoint}/_aws/execute-api/{self.outputs['ApiId']}/$default"

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS."""
        return deployment.client(self.aws.endpoint, service)

    def scale_waits(self, scale: float) -> None:
        """Let the Wait states of every state machine take `scale` times what they say."""
        self.aws.configure(_SFN_WAIT_SCALE=scale)

    def stop(self) -> None:
        """Save the state and end, with every process that was started."""
        self.aws.stop()

    def kill9(self) -> None:
        """End at once as in a power cut: nothing is saved."""
        self.aws.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def endpoint(self) -> dict[str, str | int]:
        """What .local/endpoint.json says of a running stack."""
        return {
            "api_url": self.api_url,
            "token": self.token,
            "aws_endpoint": self.aws_endpoint,
            "region": self.region,
            "stack": self.stack,
            "pid": os.getpid(),
        }

    def write_endpoint(self, folder: Path = LOCAL) -> Path:
        """Write `folder`/endpoint.json at once and whole, readable by its owner only."""
        file = folder / "endpoint.json"
        draft = folder / "endpoint.json.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(self.endpoint(), indent=2) + "\n")
        draft.replace(file)
        return file


def settings_from_environment() -> dict[str, Any]:
    """PORT, ALLOW_HOSTS and FRESH as arguments of LocalStack.start; StartError if one is wrong."""
    port = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not port.isdigit() or not 0 < int(port) < 2**16:
        raise StartError(f"PORT={port} is not a port number")
    return {
        "port": int(port),
        "allow_hosts": os.environ.get("ALLOW_HOSTS", ""),
        "fresh": os.environ.get("FRESH", "") not in ("", "0"),
        "state_dir": LOCAL / "state",
    }


def until_told_to_stop() -> threading.Event:
    """An event that SIGTERM, SIGINT and SIGHUP set; until then they raise nothing."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: told.set())
    return told


def main() -> int:
    """Keep the stack up until a signal; 0 after a clean end, 1 if it never came up."""
    console = Console(stderr=True, highlight=False)
    told = until_told_to_stop()
    try:
        settings = settings_from_environment()
        with console.status("Starting the local AWS and deploying template.yaml"):
            stack = LocalStack.start(**settings)
    except (StartError, deployment.DeploymentError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    with stack:
        file = stack.write_endpoint()
        console.print(f"[green]Ready[/green]  API    {stack.api_url}/v1")
        console.print(f"       Docs   {stack.api_url}/v1/docs")
        console.print(f"       AWS    {stack.aws_endpoint} ({HOST} only, region {stack.region})")
        console.print(f"       Token  in {file.relative_to(ROOT)}")
        console.print("Ctrl-C stops it; the state is kept under .local/.")
        told.wait()
        file.unlink(missing_ok=True)
        console.print("Saving the state and stopping.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
