"""What the template grants is the least that works. The local AWS does not enforce it: we look."""

from collections.abc import Iterator
from typing import Any

Resources = dict[str, dict[str, Any]]
# Actions for which AWS knows no narrower resource.
ANYWHERE = ("logs:", "xray:", "states:SendTask")
CREDENTIALS = ":secret:rollcall/${AWS::StackName}/credentials/*"
BATCHES = ":secret:rollcall/${AWS::StackName}/batches/*"


def statements(resources: Resources, role: str | None = None) -> Iterator[dict[str, Any]]:
    for name, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Role" and role in (None, name):
            for policy in resource["Properties"]["Policies"]:
                yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(resources: Resources, role: str, service: str) -> dict[str, set[str]]:
    """The actions of `service` that `role` may take, by the resource as text."""
    found: dict[str, set[str]] = {}
    for statement in statements(resources, role):
        for action in listed(statement["Action"]):
            if action.startswith(f"{service}:"):
                for resource in listed(statement["Resource"]):
                    found.setdefault(str(resource), set()).add(action.split(":")[1])
    return found


def test_every_function_and_machine_has_a_role_written_out(resources: Resources) -> None:
    for name, resource in resources.items():
        if resource["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine"):
            role = resource["Properties"]["Role"]["Fn::GetAtt"][0]
            assert resources[role]["Type"] == "AWS::IAM::Role", name
            assert "Policies" not in resource["Properties"], name
    for name, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            assert "ManagedPolicyArns" not in resource["Properties"], name


def test_actions_are_listed_one_by_one(resources: Resources) -> None:
    for statement in statements(resources):
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            assert "*" not in action, statement["Sid"]


def test_resources_are_named(resources: Resources) -> None:
    for statement in statements(resources):
        if "*" in listed(statement["Resource"]):
            assert all(action.startswith(ANYWHERE) for action in listed(statement["Action"]))


def test_only_state_machines_may_do_something_anywhere(resources: Resources) -> None:
    for name in resources:
        anywhere = [s for s in statements(resources, name) if "*" in listed(s["Resource"])]
        assert (
            not anywhere
            or name.endswith("StateMachineRole")
            or {action for s in anywhere for action in listed(s["Action"])} <= TOKENS[name]
        )


TOKENS = {
    "ApiRole": {"states:SendTaskSuccess"},
    "StarterRole": {"states:SendTaskSuccess"},
    "SweeperRole": {"states:SendTaskSuccess"},
    "WorkflowsRole": {"states:SendTaskSuccess"},
}
"""A task's token is all that tells it from others: AWS knows no resource for it."""


def secrets_for(resources: Resources, role: str, which: str) -> set[str]:
    found = granted(resources, role, "secretsmanager")
    return {action for resource, some in found.items() if which in resource for action in some}


def test_credentials_are_written_by_the_api_and_read_by_what_calls_apps(
    resources: Resources,
) -> None:
    written = {
        *("CreateSecret", "PutSecretValue", "GetSecretValue"),
        *("DescribeSecret", "DeleteSecret", "TagResource"),
    }
    allowed = {
        "ApiRole": written,
        "SyncRole": {"GetSecretValue"},
        "ActionsRole": {"GetSecretValue"},
        "WorkflowsRole": {"GetSecretValue"},
    }
    for role in resources:
        assert secrets_for(resources, role, CREDENTIALS) == allowed.get(role, set()), role
    assert granted(resources, "AuthorizerRole", "secretsmanager") == {
        "{'Ref': 'AdministratorToken'}": {"GetSecretValue"}
    }


def test_the_secrets_of_batches_are_written_by_the_api_and_read_by_what_does_the_rows(
    resources: Resources,
) -> None:
    allowed = {
        "ApiRole": {"CreateSecret", "PutSecretValue"},
        "ActionsRole": {"GetSecretValue", "DeleteSecret"},
        "SweeperRole": {"DeleteSecret"},
    }
    for role in resources:
        assert secrets_for(resources, role, BATCHES) == allowed.get(role, set()), role


def test_the_key_of_links_is_read_by_what_writes_and_what_checks_them(
    resources: Resources,
) -> None:
    for role in resources:
        allowed = {"GetSecretValue"} if role in ("ApiRole", "WorkflowsRole") else set()
        assert secrets_for(resources, role, "'LinkSecret'") == allowed, role


def test_the_rows_of_batches_are_read_by_their_state_machine_and_the_api(
    resources: Resources,
) -> None:
    bucket = "{'Fn::Sub': '${BatchBucket.Arn}/"
    rows, uploads = f"{bucket}batches/*'}}", f"{bucket}uploads/*'}}"
    assert granted(resources, "BatchStateMachineRole", "s3") == {rows: {"GetObject"}}
    assert granted(resources, "ApiRole", "s3") == {
        rows: {"GetObject", "PutObject"},
        uploads: {"GetObject", "PutObject", "DeleteObject"},
        f"{bucket}reports/*'}}": {"GetObject"},
        "{'Fn::GetAtt': ['BatchBucket', 'Arn']}": {"ListBucket"},
    }
    reports = {f"{bucket}reports/*'}}": {"GetObject", "PutObject"}}
    assert granted(resources, "WorkflowsRole", "s3") == reports
    for role in ("SyncRole", "ActionsRole", "SweeperRole", "AuthorizerRole", "StarterRole"):
        assert granted(resources, role, "s3") == {}


def test_the_batch_machine_starts_executions_of_itself_alone(resources: Resources) -> None:
    name = resources["BatchStateMachine"]["Properties"]["Name"]["Fn::Sub"]
    found = granted(resources, "BatchStateMachineRole", "states")
    assert {resource.split(":${AWS::AccountId}:")[1]: some for resource, some in found.items()} == {
        f"stateMachine:{name}'}}": {"StartExecution"},
        f"execution:{name}/*'}}": {"DescribeExecution", "StopExecution"},
        f"execution:{name}:*'}}": {"DescribeExecution", "StopExecution"},
    }


MACHINES = "stateMachine:rollcall-${AWS::StackName}-wf-*'}"
EXECUTIONS = "execution:rollcall-${AWS::StackName}-wf-*'}"
ANY = "*"


def of_workflows(resources: Resources, role: str) -> dict[str, set[str]]:
    """What the role may do with the state machines of workflows, and with tokens."""
    found = granted(resources, role, "states")
    return {
        resource.split(":${AWS::AccountId}:")[-1]: some
        for resource, some in found.items()
        if resource == ANY or "-wf-" in resource
    }


def test_the_machines_of_workflows_are_deployed_by_the_api_and_started_by_what_begins_them(
    resources: Resources,
) -> None:
    deployed = {
        *("CreateStateMachine", "UpdateStateMachine", "DeleteStateMachine"),
        *("PublishStateMachineVersion", "TagResource", "StartExecution"),
    }
    allowed = {
        "ApiRole": {
            MACHINES: deployed,
            EXECUTIONS: {"DescribeExecution", "StopExecution"},
            ANY: {"SendTaskSuccess"},
        },
        "StarterRole": {MACHINES: {"StartExecution"}, ANY: {"SendTaskSuccess"}},
        "WorkflowsRole": {MACHINES: {"StartExecution"}, ANY: {"SendTaskSuccess"}},
        # Of a distributed map each row is an execution of its own.
        "WorkflowStateMachineRole": {
            MACHINES: {"StartExecution"},
            EXECUTIONS: {"DescribeExecution", "StopExecution"},
        },
        "SweeperRole": {
            MACHINES: {"StartExecution"},
            EXECUTIONS: {"DescribeExecution"},
            ANY: {"SendTaskSuccess"},
        },
    }
    for role in resources:
        assert of_workflows(resources, role) == allowed.get(role, {}), role


def test_the_machines_of_workflows_call_one_function_alone(
    resources: Resources, functions: dict[str, Any]
) -> None:
    [(function, actions)] = granted(resources, "WorkflowStateMachineRole", "lambda").items()
    name = functions["workflows"]["FunctionName"]["Fn::Sub"]
    assert function.endswith(f":function:{name}'}}")
    assert actions == {"InvokeFunction"}
    told = functions["api"]["Environment"]["Variables"]["WORKFLOWS_FUNCTION_ARN"]
    assert str(told) == function


def test_contacts_are_subscribed_by_the_api_and_told_by_what_calls_apps_or_ends_runs(
    resources: Resources,
) -> None:
    topic = "{'Ref': 'NoticeTopic'}"
    assert granted(resources, "ApiRole", "sns") == {
        topic: {"Subscribe", "ListSubscriptionsByTopic", "Publish"}
    }
    for role in ("SyncRole", "SweeperRole", "StarterRole", "WorkflowsRole"):
        assert granted(resources, role, "sns") == {topic: {"Publish"}}
    assert granted(resources, "AuthorizerRole", "sns") == {}


def test_the_api_hands_one_role_to_the_scheduler_and_one_to_step_functions(
    resources: Resources,
) -> None:
    passing = [s for s in statements(resources) if "iam:PassRole" in listed(s["Action"])]
    assert passing == [s for s in statements(resources, "ApiRole") if s in passing]
    passed = {one["Resource"]["Fn::GetAtt"][0]: one["Condition"] for one in passing}
    assert len(passing) == len(passed)
    assert passed == {
        "ScheduleRole": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        "WorkflowStateMachineRole": {
            "StringEquals": {"iam:PassedToService": "states.amazonaws.com"}
        },
    }


def test_only_this_account_assumes_the_roles_of_services_that_act_for_others(
    resources: Resources,
) -> None:
    for name, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            [trust] = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            if trust["Principal"] != {"Service": "lambda.amazonaws.com"}:
                account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
                assert trust["Condition"] == account, name


def test_a_schedule_starts_syncs_and_workflows_and_nothing_else(resources: Resources) -> None:
    assert {a for s in statements(resources, "ScheduleRole") for a in listed(s["Action"])} == {
        "states:StartExecution",
        "lambda:InvokeFunction",
        "sqs:SendMessage",
    }
    assert granted(resources, "ScheduleRole", "lambda") == {
        "{'Fn::GetAtt': ['StarterFunction', 'Arn']}": {"InvokeFunction"}
    }


def test_the_starter_reads_the_roster_and_deletes_only_of_executions(resources: Resources) -> None:
    written = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
    for table, actions in granted(resources, "StarterRole", "dynamodb").items():
        if "DirectoryTable" in table:
            assert not actions & written
        if "ConfigTable" in table:
            # It audits, and takes a workflow's choice about who matches off.
            assert actions & written == {"PutItem", "UpdateItem"}
    assert granted(resources, "StarterRole", "sqs") == {
        "{'Fn::GetAtt': ['WorkflowEvents', 'Arn']}": {
            *("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"),
        },
        "{'Fn::GetAtt': ['FunctionDeadLetters', 'Arn']}": {"SendMessage"},
    }


def test_the_starter_hands_what_is_left_to_itself_alone(
    resources: Resources, functions: dict[str, Any]
) -> None:
    [(function, actions)] = granted(resources, "StarterRole", "lambda").items()
    name = functions["starter"]["FunctionName"]["Fn::Sub"]
    assert function.endswith(f":function:{name}'}}")
    assert actions == {"InvokeFunction"}
