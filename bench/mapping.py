"""The processor time of mapping one record: `python -m bench.mapping`.

`Mapper.mapped` with twenty fields of which five are templates, over the records of a page; and
`Conditions.verdict` with ten conditions, sources included, all of which must be looked at. The
floor is the same twenty fields read by their paths alone.

Reads {"rounds"} from stdin; writes {"us", "floor_us", "filter_us"}, each the median of the rounds.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bench.house import manifest
from rollcall.connectors import paths
from rollcall.fields.model import STANDARD, PersonField
from rollcall.fields.store import ROLES
from rollcall.mapping.check import filter_problems, mapping_problems
from rollcall.mapping.conditions import Conditions
from rollcall.mapping.mapper import Mapper
from rollcall.mapping.model import MappingRules

RECORDS = 100
_NOW = datetime(2026, 11, 24, tzinfo=UTC)

FIELDS = {
    **STANDARD,
    **{
        field.key: field
        for field in (
            PersonField("app_user_id", "App User Id", "text", unique=True),
            PersonField("city", "City", "text", unique=False),
            PersonField("cost", "Cost", "number", unique=False),
            PersonField("hired", "Hired", "datetime", unique=False),
            PersonField("remote", "Remote", "boolean", unique=False),
            PersonField("labels", "Labels", "json", unique=False),
            PersonField("greeting", "Greeting", "long_text", unique=False),
            PersonField("handle", "Handle", "text", unique=False),
        )
    },
}
MAPPING: dict[str, Any] = {
    "fields": [
        {"target": "email", "source": "email", "sync_key": 1},
        {"target": "app_user_id", "source": "id", "sync_key": 2, "write": "always"},
        {"target": "username", "source": "username"},
        {"target": "first_name", "source": "first_name"},
        {"target": "last_name", "source": "last_name"},
        {"target": "phone", "source": "phone"},
        {"target": "title", "source": "profile.jobs[0].title"},
        {"target": "manager", "source": "response.profile.manager.email"},
        {"target": "employee_id", "source": 'custom["Employee number"]'},
        {"target": "city", "source": "city"},
        {"target": "cost", "source": "profile.cost"},
        {"target": "hired", "source": "profile.hired"},
        {
            "target": "remote",
            "source": "profile.place",
            "convert": {"type": "boolean", "true": ["home"], "false": ["office"]},
        },
        {"target": "labels", "source": "profile.labels"},
        {"target": "role", "value": "Employee", "write": "if_empty"},
        {"target": "display_name", "template": "{{ response.firstName }} {{ response.lastName }}"},
        {
            "target": "department",
            "template": "{{ response.profile.dept | default('Sales') | title }}",
        },
        {
            "target": "status",
            "template": "{% if response.active == '1' %}active{% else %}off{% endif %}",
        },
        {"target": "greeting", "template": "Dear {{ person.first_name }} of {{ source.city }}"},
        {"target": "handle", "template": "{{ source.email | replace('@', ' at ') | lower }}"},
    ],
    "sources": [{"key": "city", "path": "profile.address.city"}],
}
FILTER: dict[str, Any] = {
    "all": [
        {"field": "email", "op": "ends_with", "value": "@example.com"},
        {"field": "email", "op": "matches", "value": r"^[a-z0-9.]+@"},
        {"field": "username", "op": "not_equals", "value": "admin"},
        {"field": "profile.dept", "op": "in", "value": ["sales", "support", "research"]},
        {"field": "profile.hired", "op": "after", "value": "-3650d"},
        {"field": "profile.cost", "op": "equals", "value": 7},
        {"field": "profile.labels", "op": "contains", "value": "vip"},
        {"field": "phone", "op": "is_not_empty"},
        {"field": "active", "op": "equals", "value": True},
        {"any": [{"field": "city", "op": "starts_with", "value": "ber"}]},
    ]
}


def record(number: int) -> dict[str, Any]:
    """An app's record of somebody."""
    return {
        "id": str(number),
        "email": f"person.{number}@example.com",
        "username": f"person{number}",
        "firstName": f"Given{number}",
        "lastName": f"Family{number}",
        "phone": f"+49 30 {number:07}",
        "signature": "Kind regards",
        "active": "1",
        "custom": {"Employee number": f"E-{number}"},
        "profile": {
            "jobs": [{"title": "Engineer"}],
            "manager": {"email": "boss@example.com"},
            "address": {"city": "Berlin"},
            "cost": "7",
            "hired": "2020-05-24T05:16:49-05:00",
            "place": "home",
            "labels": ["vip", "early"],
            "dept": "research",
        },
    }


def measure(rounds: int) -> dict[str, float]:
    """Microseconds of processor time a record, each the median of the rounds."""
    connector = manifest()
    assert not mapping_problems(MAPPING, connector, FIELDS, ROLES)
    assert not filter_problems(FILTER, connector, MAPPING)
    mapper = Mapper(connector, MappingRules.from_data(MAPPING), FIELDS, ROLES)
    conditions = Conditions(FILTER)
    ways = {field.key: field.path for field in connector.fields}
    wanted = [
        ways.get(source, source)
        for rule in MAPPING["fields"]
        for source in [rule.get("source", "profile.dept")]
    ]
    records = [record(number) for number in range(RECORDS)]
    targets = {rule["target"] for rule in MAPPING["fields"]}
    for one in records:
        mapped = mapper.mapped(one)
        assert not mapped.faults, mapped.faults
        assert mapped.values.keys() == targets, targets - mapped.values.keys()
        assert conditions.verdict(one, mapper.sources(one), _NOW).passed
    jobs: dict[str, Callable[[dict[str, Any]], object]] = {
        "us": mapper.mapped,
        "floor_us": lambda one: [paths.read(one, path) for path in wanted],
        "filter_us": lambda one: conditions.verdict(one, mapper.sources(one), _NOW),
    }
    return {name: _median(job, records, rounds) for name, job in jobs.items()}


def _median(
    job: Callable[[dict[str, Any]], object], records: list[dict[str, Any]], rounds: int
) -> float:
    took = []
    for _ in range(rounds):
        started = time.process_time()
        for one in records:
            job(one)
        took.append(time.process_time() - started)
    return statistics.median(took) * 1_000_000 / len(records)


def main() -> None:
    """Do one job."""
    job = json.load(sys.stdin)
    sys.stdout.write(json.dumps(measure(job["rounds"])))


if __name__ == "__main__":
    main()
