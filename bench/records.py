"""The processor time of one unchanged record, to parse, map, compare: `python -m bench.records`.

In it: a real page's bytes judged and decoded (`App.page`), each record read and mapped
(`Reader.account`), and `take`: the keys of the batch that is asked for, the items that come back
turned into Python values, the comparison, and the change of each account. Not in it: HTTP and
botocore, whose answers are canned, and what is saved of the page. The items are those that the
product itself makes of the same pages, with the attributes it asks for. The floor is decoding
the same bytes.

Reads {"url", "token", "rounds"} from stdin; writes {"us", "floor_us", "records"}, both the median
of the rounds.
"""

import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httpx

from bench.house import manifest
from bench.preload import EmptyDirectory, reader, rules
from rollcall.connectors.engine import App, Page
from rollcall.connectors.records import Account, Reader
from rollcall.directory.accounts import take
from rollcall.directory.source import Source
from rollcall.mapping.mapper import Mapper
from rollcall.tables import Table

if TYPE_CHECKING:
    from rollcall.connectors.client import Client
    from rollcall.connectors.limiter import Limiter

_ME = "bench"


class CannedApp:
    """An HTTP client that has every answer already."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.bodies = bodies

    def call(
        self, _method: str, _url: str, _auth: Any, params: Mapping[str, int], *_sent: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The page at the offset."""
        return 200, {}, self.bodies[params["offset"] // params["limit"]]


class CannedDirectory:
    """A DynamoDB client whose answers are made beforehand, one for each batch of keys."""

    def __init__(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        self._answers = answers

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N803
        """The batch that begins with this key."""
        return self._answers[RequestItems["directory"]["Keys"][0]["sk"]["S"]]


class Unlimited:
    """A limiter that lets every call pass."""

    def wait(self) -> None:
        """Not at all."""


class AskedFor(EmptyDirectory):
    """An empty directory that remembers which attributes it was asked for first."""

    def __init__(self) -> None:
        super().__init__()
        self.names: frozenset[str] | None = None

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Nothing is there."""
        if self.names is None:
            (wanted,) = request["RequestItems"].values()
            self.names = frozenset(wanted.get("ExpressionAttributeNames", {}).values())
        return super().batch_get_item()


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that one round needs."""

    app: App
    reader: Reader
    rules: tuple[Source, Mapper]
    directory: Table
    pages: int
    size: int

    def round(self) -> int:
        """Take every page; how many accounts were unchanged."""
        unchanged = 0
        for number in range(self.pages):
            page = self.app.page(manifest().users, number * self.size)
            assert isinstance(page, Page)
            accounts = [_account(self.reader, record) for record in page.records]
            outcomes = take(self.directory, *self.rules, accounts)
            unchanged += sum(one.change == "unchanged" for one in outcomes.values())
        return unchanged


def _account(reader: Reader, record: Mapping[str, Any]) -> Account:
    account = reader.account(record)
    assert isinstance(account, Account)
    return account


def _answer(accounts: Sequence[Account]) -> dict[str, Any]:
    """What DynamoDB answers about these accounts when they were taken before."""
    asked = AskedFor()
    take(Table(asked, "directory"), *rules(_ME, "before", "before"), accounts)
    stored = [item for item in asked.items if item["sk"]["S"].startswith("ACCOUNT#")]
    wanted = asked.names
    items = [{k: v for k, v in item.items() if not wanted or k in wanted} for item in stored]
    return {"Responses": {"directory": items}, "UnprocessedKeys": {}}


def prepare(bodies: Sequence[bytes]) -> Bench:
    """A round over these pages."""
    connector = manifest()
    by = rules(_ME, "now", "now")
    read_by = reader(*by)
    answers = {}
    for body in bodies:
        accounts = [_account(read_by, record) for record in json.loads(body)["users"]]
        answers[f"ACCOUNT#{accounts[0].external_id}"] = _answer(accounts)
    client, limiter = cast("Client", CannedApp(bodies)), cast("Limiter", Unlimited())
    app = App(connector, "http://bench", httpx.BasicAuth("", ""), client, limiter, ())
    directory = Table(CannedDirectory(answers), "directory")
    return Bench(app, read_by, by, directory, len(bodies), connector.users.paging.size)


def measure(bench: Bench, bodies: Sequence[bytes], rounds: int) -> dict[str, float]:
    """Microseconds of processor time a record, and the floor's; `bench` is over these pages."""
    records = sum(len(json.loads(body)["users"]) for body in bodies)
    work, floor = [], []
    for _ in range(rounds):
        started = time.process_time()
        for body in bodies:
            json.loads(body)
        decoded = time.process_time()
        unchanged = bench.round()
        work.append(time.process_time() - decoded)
        floor.append(decoded - started)
        assert unchanged == records, f"{records - unchanged} records were not unchanged"
    each = 1_000_000 / records
    return {
        "us": statistics.median(work) * each,
        "floor_us": statistics.median(floor) * each,
        "records": records,
    }


def main() -> None:
    """Do one job."""
    job = json.load(sys.stdin)
    bodies: list[bytes] = []
    with httpx.Client(headers={"Api-Token": job["token"]}, trust_env=False) as client:
        total = 1
        while 100 * len(bodies) < total:
            params = {"limit": 100, "offset": 100 * len(bodies)}
            answer = client.get(job["url"], params=params).raise_for_status()
            total = int(answer.json()["meta"]["total"])
            bodies.append(answer.content)
    sys.stdout.write(json.dumps(measure(prepare(bodies), bodies, job["rounds"])))


if __name__ == "__main__":
    main()
