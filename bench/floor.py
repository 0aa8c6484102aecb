"""The bare loop that a sync is held against: the same pages, as many in flight, nothing stored.

`python -m bench.floor` reads {"urls", "token", "in_flight"} from stdin and writes {"seconds"},
the HTTP client's making included, imports not.
"""

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx


def fetch(urls: Sequence[str], token: str, in_flight: int) -> float:
    """Seconds to fetch and read every page."""
    started = time.monotonic()
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    with (
        httpx.Client(headers={"Api-Token": token}, limits=limits, trust_env=False) as client,
        ThreadPoolExecutor(in_flight) as fetchers,
    ):
        for answer in fetchers.map(client.get, urls):
            answer.raise_for_status()
    return time.monotonic() - started


if __name__ == "__main__":
    job = json.load(sys.stdin)
    sys.stdout.write(json.dumps({"seconds": fetch(job["urls"], job["token"], job["in_flight"])}))
