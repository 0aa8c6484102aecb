"""Local AWS, sample apps, connect, sync, roster; then serve until Ctrl-C or SIGTERM."""

import argparse
import os
import shlex
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from local.deployment import DeploymentError
from local.ministack import HOST, StartError, require_free
from local.run import RunError, Stopped, connecting, following, roster
from local.run.caller import Caller
from local.run.connecting import Connected
from local.run.roster import Roster
from local.run.samples import SAMPLES, Samples
from local.run.screen import Screen
from local.stack import LOCAL, LocalStack, settings_from_environment, until_told_to_stop


def main(arguments: list[str]) -> int:
    """0 after a clean end, whenever it was asked for; 1 if something failed."""
    parser = argparse.ArgumentParser(prog="python -m local.run", description=__doc__)
    parser.add_argument("--folder", type=Path, default=LOCAL, help="where the state is kept")
    folder: Path = parser.parse_args(arguments).folder
    told = until_told_to_stop()
    screen = Screen(told)
    try:
        with ExitStack() as running:
            _run(folder, screen, told, running)
    except Stopped:
        screen.say("Stopped, with nothing left running.")
    except (StartError, DeploymentError, RunError) as error:
        screen.fail(str(error))
        return 1
    return 0


def _run(folder: Path, screen: Screen, told: threading.Event, running: ExitStack) -> None:
    settings = settings_from_environment()
    allow_hosts = ",".join(filter(None, [settings["allow_hosts"], HOST]))
    require_free(settings["port"])
    (folder / "endpoint.json").unlink(missing_ok=True)  # of one that was killed
    screen.say("Rollcall: who holds what in two sample apps, all on this machine.")
    with screen.step(f"Start the local AWS on port {settings['port']}, deploy template.yaml"):
        start = {**settings, "allow_hosts": allow_hosts, "state_dir": folder / "state"}
        stack = running.enter_context(LocalStack.start(**start))
    with screen.step(f"Start the sample apps: {' and '.join(map(str, SAMPLES))}"):
        samples = running.enter_context(Samples.start(folder))
    caller = running.enter_context(Caller(stack.api_url, stack.token))

    connected = connecting.connect(caller, samples, screen, lambda: _sweep(stack))
    with screen.step("Start a run of each, side by side in the state machine"):
        runs = [(one.name, following.start(caller, one)) for one in connected]
    following.follow(caller, runs, screen, told)
    with screen.step("Read the roster"):
        found = roster.read(caller, [(one.name, one.id) for one in connected])
    screen.show(roster.tables(found))

    file = stack.write_endpoint(folder)
    screen.say(*_where(stack, connected, samples, found, file))
    told.wait()
    file.unlink(missing_ok=True)
    screen.say("Saving the state and stopping.")


def _sweep(stack: LocalStack) -> None:
    """Do at once what the sweeper's schedule does every few minutes."""
    described = stack.client("cloudformation").describe_stack_resource(
        StackName=stack.stack, LogicalResourceId="SweeperFunction"
    )
    name = described["StackResourceDetail"]["PhysicalResourceId"]
    stack.client("lambda").invoke(FunctionName=name, Payload=b"{}")


def _where(
    stack: LocalStack, connected: list[Connected], samples: Samples, found: Roster, file: Path
) -> list[str]:
    """Addresses, the token, and lines to paste into another terminal."""
    first = connected[0]
    lines = [
        "It keeps serving:",
        f"  API    {stack.api_url}/v1",
        f"  Docs   {stack.api_url}/v1/docs",
        f"  AWS    {stack.aws_endpoint}",
        f"  Token  {stack.token}  (also in {os.path.relpath(file)})",
        "",
        "To paste into another terminal:",
        f"  API={shlex.quote(f'{stack.api_url}/v1')}",
        f'  AUTH="Authorization: Bearer {stack.token}"',
    ]
    if found.in_both:
        person = found.in_both[0]
        gone = person.accounts[first.name].external_id
        leave = shlex.quote(f'{{"remove_users": ["{gone}"]}}')
        lines += [
            f'  curl -sgH "$AUTH" "$API/people?email={person.email}"',
            f"  # {person.name} leaves {first.name}, and the next sync finds out:",
            f"  curl -so /dev/null -X PUT {samples.urls[first.connector]}/_control -d {leave}",
            f'  curl -sH "$AUTH" -X POST $API/integrations/{first.id}/runs',
            f'  curl -sH "$AUTH" $API/integrations/{first.id}/accounts/{gone}',
        ]
    return [*lines, "", "Ctrl-C ends it and keeps the state; FRESH=1 make run begins anew."]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
