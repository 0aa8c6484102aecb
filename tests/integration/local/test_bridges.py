"""What the local AWS leaves out and local/ makes up for."""

import json
from pathlib import Path

import httpx
import pytest

from deploy.teardown import tear_down
from local import ministack
from local.ministack import StartError, free_port
from local.stack import LocalStack


def get(stack: LocalStack, path: str, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(f"{stack.api_url}{path}", headers=headers, timeout=30)


def test_the_links_of_approvals_need_no_token(stack: LocalStack) -> None:
    link = f"{stack.api_url}/v1/approvals/abc.def"
    assert httpx.get(link, timeout=30).json()["route"] == "GET /v1/approvals/{link}"
    answer = httpx.post(f"{link}/approve", timeout=30)
    assert answer.json()["route"] == "POST /v1/approvals/{link}/{decision}"


def test_the_workflows_function_knows_the_address_of_the_api(stack: LocalStack) -> None:
    found = stack.client("lambda").get_function(FunctionName="rollcall-rollcall-workflows")
    variables = found["Configuration"]["Environment"]["Variables"]
    assert variables["API_URL"] == stack.api_url
    assert stack.outputs["ApiUrl"] == stack.api_url


@pytest.mark.parametrize("path", ["/v1/health", "/v1/openapi.json", "/v1/docs"])
def test_public_routes_need_no_token(stack: LocalStack, path: str) -> None:
    answer = get(stack, path)
    assert answer.json() == {"route": f"GET {path}", "authorizer": None}


def test_every_other_route_asks_the_authorizer(stack: LocalStack) -> None:
    assert get(stack, "/v1/people").status_code == 401
    assert get(stack, "/v1/approvals").status_code == 401
    assert get(stack, "/v1/workflows/1/held/approve").status_code == 401
    assert get(stack, "/v1/people", "wrong").status_code == 403
    answer = get(stack, "/v1/people", stack.token)
    assert answer.json() == {
        "route": "ANY /v1/{proxy+}",
        "authorizer": {"lambda": {"actor": "administrator"}},
    }


def test_paths_beside_the_api_are_the_gateways_404(stack: LocalStack) -> None:
    answer = get(stack, "/elsewhere", stack.token)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_a_broken_handler_shows_what_aws_shows(stack: LocalStack) -> None:
    answer = get(stack, "/v1/broken", stack.token)
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


def test_tables_have_their_time_to_live(stack: LocalStack) -> None:
    dynamodb = stack.client("dynamodb")
    for output, attribute in {"RunsTable": "expires_at", "IdempotencyTable": "expiration"}.items():
        answer = dynamodb.describe_time_to_live(TableName=stack.outputs[output])
        assert answer["TimeToLiveDescription"] == {
            "TimeToLiveStatus": "ENABLED",
            "AttributeName": attribute,
        }


def test_the_token_is_plain_to_type(stack: LocalStack) -> None:
    assert len(stack.token) == 48
    assert stack.token.isalnum()


def test_functions_know_the_allowed_hosts_and_nothing_of_ours(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = stack.client("lambda").list_functions()["Functions"]
    for function in functions:
        assert function["Environment"]["Variables"]["ALLOW_HOSTS"] == "127.0.0.1"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-users-own")
    monkeypatch.setenv("AWS_PROFILE", "the-users-own")
    assert "the-users-own" not in ministack.environment(1, stack.aws.state_dir).values()


def test_a_taken_port_is_said_plainly(stack: LocalStack, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=f"Port {stack.aws.port} is taken"):
        LocalStack.start(port=stack.aws.port, state_dir=tmp_path)


def test_the_state_outlives_a_stop_and_a_fresh_start_forgets_it(
    source: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with LocalStack.start(port=free_port(), state_dir=state, root=source) as first:
        table = first.outputs["ConfigTable"]
        item = {"pk": {"S": "VARIABLE"}, "sk": {"S": "Subdomain"}}
        first.client("dynamodb").put_item(TableName=table, Item=item)
    assert not (state / "tmp").exists(), "the unpacked functions are left behind"

    with LocalStack.start(port=free_port(), state_dir=state, root=source, fresh=False) as kept:
        assert kept.outputs["ConfigTable"] == table
        assert kept.token == first.token
        assert kept.client("dynamodb").scan(TableName=table)["Items"] == [item]
        assert get(kept, "/v1/people", kept.token).status_code == 200

    with LocalStack.start(port=free_port(), state_dir=state, root=source) as anew:
        assert anew.client("dynamodb").scan(TableName=anew.outputs["ConfigTable"])["Items"] == []


def test_a_changed_setting_reaches_a_kept_stack(source: Path, tmp_path: Path) -> None:
    LocalStack.start(port=free_port(), state_dir=tmp_path, root=source).stop()
    with LocalStack.start(
        port=free_port(), state_dir=tmp_path, root=source, fresh=False, allow_hosts="localhost"
    ) as kept:
        for function in kept.client("lambda").list_functions()["Functions"]:
            assert function["Environment"]["Variables"]["ALLOW_HOSTS"] == "localhost"


def test_a_power_cut_leaves_no_process(source: Path, tmp_path: Path) -> None:
    stack = LocalStack.start(port=free_port(), state_dir=tmp_path, root=source)
    get(stack, "/v1/health")
    stack.kill9()
    ministack.require_free(stack.aws.port)
    assert stack.aws.process.returncode == -9


def test_teardown_removes_what_was_made_at_run_time_and_nothing_else(stack: LocalStack) -> None:
    group, prefix = stack.outputs["ScheduleGroup"], stack.outputs["SecretPrefix"]
    scheduler, secrets = stack.client("scheduler"), stack.client("secretsmanager")
    scheduler.create_schedule(
        Name="one",
        GroupName=group,
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": stack.outputs["StateMachineArn"],
            "RoleArn": "arn:aws:iam::000000000000:role/any",
            "Input": json.dumps({}),
        },
    )
    stack.scale_waits(1)
    states = stack.client("stepfunctions")
    waiting = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1000, "End": True}}}
    for name in ("rollcall-rollcall-wf-one", "rollcall-another-wf-one"):
        machine = states.create_state_machine(
            name=name,
            definition=json.dumps(waiting),
            roleArn="arn:aws:iam::000000000000:role/any",
        )["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    secrets.create_secret(Name=f"{prefix}credentials/one", SecretString="x")
    secrets.create_secret(Name=f"{prefix}batches/one/0", SecretString="x")
    secrets.create_secret(Name="another/credentials/one", SecretString="x")
    bucket, s3 = stack.outputs["BatchBucket"], stack.client("s3")
    s3.put_object(Bucket=bucket, Key="batches/one/1.json", Body=b"[]")

    removed = list(tear_down(StackSession(stack), stack.stack))

    ours = "state machine rollcall-rollcall-wf-"
    assert f"{ours}one" in removed
    others = [one for one in removed if not one.startswith(ours)]
    assert others[:3] == [
        f"schedule {group}/one",
        f"secret {prefix}credentials/one",
        f"secret {prefix}batches/one/0",
    ]
    assert others[3].endswith(f"objects of {bucket}")
    machines = [one["name"] for one in states.list_state_machines()["stateMachines"]]
    assert sorted(name for name in machines if "-wf-" in name) == ["rollcall-another-wf-one"]
    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    states.stop_execution(executionArn=execution)
    states.delete_state_machine(stateMachineArn=machine)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert scheduler.list_schedules(GroupName=group)["Schedules"] == []
    assert len(scheduler.list_schedules()["Schedules"]) == 1, "the sweeper's own schedule"
    names = [secret["Name"] for secret in secrets.list_secrets()["SecretList"]]
    kept = [f"{prefix}administrator-token", f"{prefix}link-key"]
    assert sorted(names) == ["another/credentials/one", *kept]
    assert list(tear_down(StackSession(stack), stack.stack)) == []
    secrets.delete_secret(SecretId="another/credentials/one", ForceDeleteWithoutRecovery=True)


class StackSession:
    """A session whose clients are those of a local stack."""

    def __init__(self, stack: LocalStack) -> None:
        self.client = stack.client
