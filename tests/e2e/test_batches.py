"""Batches on the deployed stack, while a sync calls the same app."""

import csv
import io
from collections import Counter
from dataclasses import replace
from typing import Any

import httpx

from local.stack import LocalStack
from local.vendors import ActiveCampaign, Vendor, serve
from local.vendors.seed import seed_activecampaign
from tests.e2e.conftest import Api, Json, until

OURS, THEIRS = 15, 25
"""Calls a second: what the integration allows itself, and what the app refuses beyond. Two who did
not share the first would come to more than the second; a loaded machine's jitter does not."""
PASSWORD = "p4ssw0rd-of-"


def person(number: int, **changes: str) -> dict[str, str]:
    return {
        "username": f"new{number}",
        "first_name": f"=Name{number}",
        "email": f"new{number}@northwind.example",
        "password": f"{PASSWORD}{number}",
        "group_id": "4",
    } | changes


def ended(api: Api, batch_id: str) -> Json:
    """The batch when no row of it is under way any more."""

    def over() -> Json | None:
        batch: Json = api.call("GET", f"/batches/{batch_id}", 200)
        counts = batch["counts"]
        assert sum(counts.values()) == 2 * counts["rows"]
        return batch if batch["status"] != "running" and not counts["running"] else None

    return until(over, f"batch {batch_id} ends")


def creations(vendor: "Vendor[ActiveCampaign]") -> list[int]:
    """The statuses that the app answered to those who made a user."""
    return [one.status for one in vendor.log if (one.method, one.path) == ("POST", "/api/3/users")]


def results(api: Api, batch_id: str) -> list[dict[str, str]]:
    text = api.http.get(f"/batches/{batch_id}/results.csv").text
    return list(csv.DictReader(io.StringIO(text)))


def secrets_of(stack: LocalStack, batch_id: str) -> list[str]:
    found = stack.client("secretsmanager").list_secrets()["SecretList"]
    return [one["Name"] for one in found if f"/batches/{batch_id}/" in one["Name"]]


def everything_kept(stack: LocalStack) -> str:
    """What the tables, the bucket, the executions and the logs hold, as text."""
    dynamodb, s3 = stack.client("dynamodb"), stack.client("s3")
    steps = stack.client("stepfunctions")
    kept: list[Any] = []
    for table in ("ConfigTable", "RunsTable", "DirectoryTable", "IdempotencyTable"):
        pages = dynamodb.get_paginator("scan").paginate(TableName=stack.outputs[table])
        kept += [item for page in pages for item in page["Items"]]
    bucket = stack.outputs["BatchBucket"]
    for one in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        kept.append(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode())
    machine = stack.outputs["BatchStateMachineArn"]
    for execution in steps.list_executions(stateMachineArn=machine)["executions"]:
        arn = execution["executionArn"]
        kept.append(steps.get_execution_history(executionArn=arn, maxResults=1000)["events"])
    log = (stack.aws.state_dir / "ministack.log").read_text()
    return str(kept) + log


def test_a_batch_of_creates_its_failures_and_their_retry(api: Api, stack: LocalStack) -> None:
    with serve(seed_activecampaign(120, 4)) as vendor:
        limit = {"requests": OURS, "seconds": 1}
        vendor.switches.rate_limit = (THEIRS, 1)
        integration = api.connect(vendor, rate_limit=limit)
        assert api.run(integration)["status"] == "succeeded"
        vendor.log.clear()
        path = f"/integrations/{integration}/presets/create_user/batch"
        rows = [person(number) for number in range(20)]
        for number, taken in {3: "2", 17: "5"}.items():
            rows[number]["username"] = vendor.tenant.users[taken].username
        unconfirmed = api.call("POST", path, 422, json={"rows": rows, "confirm_count": 3})
        assert unconfirmed["errors"] == [
            {"field": "confirm_count", "message": "must be the number of rows, which is 20"}
        ]
        assert creations(vendor) == []

        body = {"rows": rows, "confirm_count": 20}
        key = {"Idempotency-Key": "twenty"}
        batch = api.call("POST", path, 202, json=body, headers=key)
        assert api.call("POST", path, 202, json=body, headers=key)["id"] == batch["id"]
        run = api.call("POST", f"/integrations/{integration}/runs", 202)
        batch_id = batch["id"]
        assert len(secrets_of(stack, batch_id)) == 1
        over = ended(api, batch_id)
        assert (over["status"], over["counts"]["succeeded"]) == ("succeeded_with_errors", 18)
        assert over["counts"]["failed"] == 2
        assert api.ended(run["id"])["status"] == "succeeded"
        assert 429 not in {one.status for one in vendor.log}, "they share the app's limit"
        assert Counter(creations(vendor)) == {201: 18, 422: 2}

        table = results(api, batch_id)
        assert [int(one["row"]) for one in table] == list(range(20))
        assert [int(one["row"]) for one in table if one["status"] == "failed"] == [3, 17]
        refused, made = table[3], table[4]
        assert refused["error"] == "vendor-rejected"
        assert refused["fields"].startswith("username: ")
        assert made["first_name"] == "'=Name4"
        assert made["external_id"] in vendor.tenant.users
        failed = api.all(f"/batches/{batch_id}/rows", status="failed")
        assert [one["row"] for one in failed] == [3, 17]

        for taken in ("2", "5"):
            user = vendor.tenant.users[taken]
            vendor.tenant.users[taken] = replace(user, username=f"{user.username}-before")
        again = api.call("POST", f"/batches/{batch_id}/retry", 202)
        assert (again["attempt"], again["counts"]["succeeded"]) == (2, 18)
        over = ended(api, batch_id)
        assert (over["status"], over["counts"]["succeeded"]) == ("succeeded", 20)
        assert Counter(creations(vendor)) == {201: 20, 422: 2}
        assert secrets_of(stack, batch_id) == []
        assert api.run(integration)["counts"]["added"] == 0, "the roster had followed"
        assert PASSWORD not in everything_kept(stack)


def test_a_batch_from_a_file_is_stopped_and_goes_on(api: Api, stack: LocalStack) -> None:
    with serve(seed_activecampaign(60, 4)) as vendor:
        integration = api.connect(vendor)
        path = f"/integrations/{integration}/presets/delete_user"
        upload = api.call("POST", f"{path}/uploads", 201)
        gone = [str(number) for number in range(3, 43)]
        content = "\ufeffexternal_id\r\n" + "\r\n".join(gone)
        put = httpx.put(upload["url"], content=content.encode(), headers=upload["headers"])
        assert put.status_code == 200, put.text
        vendor.switches.latency_ms = 300
        body = {"upload_id": upload["upload_id"], "confirm_count": 40}
        batch_id = api.call("POST", f"{path}/batch", 202, json=body)["id"]
        objects = stack.client("s3").list_objects_v2(
            Bucket=stack.outputs["BatchBucket"], Prefix="uploads/"
        )
        assert objects["KeyCount"] == 0
        api.call("POST", f"/batches/{batch_id}/retry", 409)

        def begun() -> Json | None:
            batch: Json = api.call("GET", f"/batches/{batch_id}", 200)
            return batch if batch["progress"]["done"] else None

        until(begun, "the first row is over")
        stopped = api.call("POST", f"/batches/{batch_id}/stop", 200)
        assert stopped["status"] == "stopped"
        assert stopped["counts"]["not_begun"] > 0
        api.call("POST", f"/batches/{batch_id}/stop", 409)
        over = ended(api, batch_id)
        assert over["counts"]["not_begun"] == stopped["counts"]["not_begun"]
        left = sum(number in vendor.tenant.users for number in gone)
        assert left == over["counts"]["not_begun"]
        not_begun = api.all(f"/batches/{batch_id}/rows", status="not_begun")
        assert len(not_begun) == left
        api.call("POST", f"/batches/{batch_id}/retry", 409)

        vendor.switches.latency_ms = 0
        api.call("POST", f"/batches/{batch_id}/retry", 202, json={"not_begun": True})
        assert ended(api, batch_id)["status"] == "succeeded"
        assert not set(gone) & vendor.tenant.users.keys()
        deletes = Counter(one.path for one in vendor.log if one.method == "DELETE")
        assert set(deletes.values()) == {1}
        listed = api.all("/batches", integration_id=integration)
        assert [one["id"] for one in listed] == [batch_id]
        verbs = [one["verb"] for one in api.all("/audit", object_type="batch", object_id=batch_id)]
        assert verbs == ["retry", "stop", "start"]
