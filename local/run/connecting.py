"""From two apps and their keys to two launched integrations; those of an earlier start are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.run import RunError
from local.run.caller import Caller
from local.run.samples import SAMPLES, Sample, Samples
from local.run.screen import Screen

ANEW = "begin anew with FRESH=1 make run"


@dataclass(frozen=True)
class Connected:
    """An integration that was tested and launched."""

    id: str
    name: str
    connector: str


def connect(
    caller: Caller, samples: Samples, screen: Screen, sweep: Callable[[], None]
) -> list[Connected]:
    """Both integrations. `sweep` closes runs that the last stop cut short, where there are any.

    Raises RunError where the API or an app refuses something.
    """
    with screen.step("Connect ActiveCampaign and Aha! with their keys") as detail:
        known = {one["name"]: one for one in caller.every("integrations")}
        if any(one["connection"] == "syncing" for one in known.values()):
            sweep()
        integrations = []
        for sample in SAMPLES:
            there = known.get(sample.name)
            made = (
                _moved(caller, there, sample, samples) if there else _made(caller, sample, samples)
            )
            integrations.append(made)
            detail.append(f"{sample.name} at {made['base_url']}, {'kept' if there else 'new'}")
    with screen.step("Test both connections") as detail:
        for integration in integrations:
            detail.append(f"{integration['name']}: {_identity(caller, integration)}")
    with screen.step("Launch both, to be synced daily from now on"):
        for integration in integrations:
            caller.post(f"integrations/{integration['id']}/launch")
    return [Connected(one["id"], one["name"], one["connector"]) for one in integrations]


def _made(caller: Caller, sample: Sample, samples: Samples) -> dict[str, Any]:
    credential = caller.post(
        "credentials",
        {
            "name": f"{sample.name}, roster",
            "connector": sample.connector,
            "auth": {"value": samples.tokens[sample.connector]},
        },
    )
    return caller.post(
        "integrations",
        {
            "name": sample.name,
            "connector": sample.connector,
            "base_url": samples.urls[sample.connector],
            "credential_id": credential["id"],
        },
    )


def _moved(
    caller: Caller, integration: dict[str, Any], sample: Sample, samples: Samples
) -> dict[str, Any]:
    """The sample app has a new port each time."""
    if integration["connector"] != sample.connector:
        raise RunError(
            f"The integration {sample.name} is one for {integration['connector']}:"
            f" rename it, or {ANEW}"
        )
    url = samples.urls[sample.connector]
    if integration["base_url"] == url:
        return integration
    return caller.patch(f"integrations/{integration['id']}", {"base_url": url})


def _identity(caller: Caller, integration: dict[str, Any]) -> str:
    tested = caller.post(f"integrations/{integration['id']}/test")
    if not tested["ok"]:
        error = tested["error"]
        raise RunError(
            f"{integration['name']} failed its test: {error['code']}: {error['detail']}; or {ANEW}"
        )
    return f"the key is {tested['identity']}'s"
