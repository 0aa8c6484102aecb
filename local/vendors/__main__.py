"""Run a sample vendor as a process: `python -m local.vendors activecampaign --users 250`.

Prints one line of JSON when it answers, {"url", "token", "connector"}, and serves until SIGTERM
or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from typing import Any

from local.vendors.seed import seed_activecampaign, seed_aha
from local.vendors.server import Vendor
from local.vendors.switches import Switches


def main(arguments: list[str]) -> None:
    """Serve what the arguments ask for until a signal comes."""
    options = _options(arguments)
    tenant: Any
    if options.app == "activecampaign":
        tenant = seed_activecampaign(options.users or 250, options.groups)
    else:
        tenant = seed_aha(options.users or 180)
    tenant.token = options.token or tenant.token
    switches = Switches(latency_ms=options.latency_ms, rate_limit=options.rate_limit)
    vendor = Vendor(tenant, switches, options.port)
    done = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: done.set())
    vendor.start()
    ready = {"url": vendor.url, "token": tenant.token, "connector": tenant.connector}
    sys.stdout.write(f"{json.dumps(ready)}\n")
    sys.stdout.flush()
    done.wait()
    vendor.stop()


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.vendors")
    parser.add_argument("app", choices=["activecampaign", "aha"])
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--users", type=int, help="how many (250, or 180 in Aha!)")
    parser.add_argument("--groups", type=int, default=8, help="groups in ActiveCampaign")
    parser.add_argument("--token", help="the key that opens it")
    parser.add_argument("--latency-ms", type=float, default=0, help="what each call takes")
    parser.add_argument("--rate-limit", type=_rate, help="calls/seconds, such as 5/1")
    return parser.parse_args(arguments)


def _rate(text: str) -> tuple[int, float]:
    requests, _, seconds = text.partition("/")
    return int(requests), float(seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
