"""Asking for a batch: what is refused, what holds for every row, and the same call again."""

from rollcall.aws import Aws
from tests.integration.api.caller import Answered
from tests.integration.batches.conftest import Office, Tenant, made, new


def test_what_is_wrong_is_told_by_row_and_nothing_is_started(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    rows = [new(1), {**new(2), "email": 5}, {**new(3), "group_id": ""}]
    del rows[0]["password"]
    answer = office.start(integration, "create_user", rows)
    assert answer.status == 422
    assert answer.fields == ["rows.0.password", "rows.1.email", "rows.2.group_id"]
    assert "p4ssw0rd" not in answer.text
    for count in (None, 0, 2, 4):
        answer = office.start(integration, "create_user", [new(1)] * 3, confirm_count=count)
        assert (answer.status, answer.fields) == (422, ["confirm_count"])
        assert "which is 3" in answer.text
    answer = office.start(integration, "create_user", [{}] * 10_001)
    assert (answer.status, answer.fields) == (422, ["rows"])
    answer = office.start(integration, "create_user", [])
    assert (answer.status, answer.fields) == (422, ["rows"])
    overrides = {"body": {"user": "{{ inputs.nothing.at.all | no_filter }}"}}
    answer = office.start(integration, "create_user", [new(1)], overrides=overrides)
    assert answer.status == 422
    assert office.start(integration, "create_user", [new(1)], upload_id="ab").status == 422
    assert office.start(integration, "make_coffee", [new(1)]).status == 404
    assert office.steps.inputs == {}
    assert office.call("GET", "/v1/batches").json["items"] == []


def test_overrides_hold_for_every_row_and_their_headers_are_kept_nowhere(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    overrides = {"headers": {"X-Key": "t0p-secret"}, "response": "{{ response.user.id }}"}
    answer = office.start(integration, "create_user", [new(1)], overrides=overrides)
    batch_id = answer.json["id"]
    assert len(office.secret_names(batch_id)) == 2
    assert office.run(batch_id)["status"] == "succeeded"
    (row,) = office.rows(batch_id)
    action = office.call("GET", f"/v1/actions/{row['action_id']}").json
    assert action["response"] == row["external_id"]
    sent = next(one for one in vendor.log if one.method == "POST")
    assert sent.headers["x-key"] == "t0p-secret"
    assert "t0p-secret" not in "".join(office.call.texts)
    assert office.secret_names(batch_id) == []


def test_the_same_key_is_the_same_batch_and_goes_on_where_it_was_not_started(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    path = f"/v1/integrations/{integration}/presets/create_user/batch"
    body, key = {"rows": [new(1)], "confirm_count": 1}, {"Idempotency-Key": "once"}
    office.steps.down = True
    assert office.call("POST", path, body, headers=key).status == 503
    office.steps.down = False
    first = office.call("POST", path, body, headers=key)
    again = office.call("POST", path, body, headers=key)
    assert (first.status, again.status, first.json["id"]) == (202, 202, again.json["id"])
    other = {"rows": [new(1) | {"password": "another"}], "confirm_count": 1}
    assert office.call("POST", path, other, headers=key).status == 422
    assert len(office.call("GET", "/v1/batches").json["items"]) == 1
    assert office.run(first.json["id"])["status"] == "succeeded"
    assert made(vendor) == 1


def test_a_files_rows_are_told_wrong_and_the_file_is_not_kept(
    office: Office, vendor: Tenant
) -> None:
    integration = office.integrate(vendor)
    path = f"/v1/integrations/{integration}/presets/create_user"

    def uploaded(content: str) -> str:
        upload = office.call("POST", f"{path}/uploads", {})
        assert upload.status == 201, upload.text
        upload_id = str(upload.json["upload_id"])
        key = f"uploads/{integration}/create_user/{upload_id}.csv"
        Aws().s3.put_object(Bucket=office.bucket, Key=key, Body=content.encode())
        return upload_id

    def batch(upload_id: str, count: int | None) -> Answered:
        body = {"upload_id": upload_id, "confirm_count": count}
        return office.call("POST", f"{path}/batch", body)

    head = "username,email,password,group_id\n"
    wrong = uploaded(f"{head}a,a@northwind.example,,4\n")
    assert batch(wrong, 1).fields == ["rows.0.password"]
    assert batch(wrong, 1).fields == ["upload_id"]
    right = uploaded(f"{head}a,a@northwind.example,p4ssw0rd-a,0\nb,b@northwind.example,p,4\n")
    assert batch(right, None).fields == ["confirm_count"]
    accepted = batch(right, 2)
    assert accepted.status == 202, accepted.text
    assert batch(right, 2).fields == ["upload_id"]
    objects = Aws().s3.list_objects_v2(Bucket=office.bucket)["Contents"]
    assert [one["Key"].partition("/")[0] for one in objects] == ["batches"]
    office.run(accepted.json["id"])
    usernames = {user.username for user in vendor.tenant.users.values()}
    assert "b" in usernames
