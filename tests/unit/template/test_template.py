"""What the template promises and no linter looks at."""

from typing import Any

import pytest

from rollcall.batches.store import RETRYABLE
from rollcall.workflows.compile import TASK_SECONDS

Resources = dict[str, dict[str, Any]]
PUBLIC = {("GET", "/v1/health"), ("GET", "/v1/openapi.json"), ("GET", "/v1/docs")}
SIGNED = {("GET", "/v1/approvals/{link}"), ("POST", "/v1/approvals/{link}/{decision}")}
"""What is asked for is in the link."""
EVERY_FUNCTION = {
    *("STACK_NAME", "CONFIG_TABLE", "DIRECTORY_TABLE", "RUNS_TABLE", "SECRET_PREFIX"),
    *("ALLOW_HOSTS", "RUN_DAYS", "POWERTOOLS_SERVICE_NAME", "LOG_LEVEL"),
}
ONLY = {
    "api": {
        *("IDEMPOTENCY_TABLE", "SYNC_STATE_MACHINE_ARN", "NOTICE_TOPIC_ARN"),
        *(
            "SCHEDULE_GROUP",
            "SCHEDULE_ROLE_ARN",
            "SCHEDULE_DLQ_ARN",
            "ACTIONS_FUNCTION",
            "ACTION_SECONDS",
        ),
        *("BATCH_BUCKET", "BATCH_STATE_MACHINE_ARN"),
        *("WORKFLOWS_FUNCTION_ARN", "WORKFLOW_ROLE_ARN", "WORKFLOW_LOG_GROUP_ARN"),
        *("STARTER_FUNCTION", "LINK_SECRET_ARN", "REPORT_BUCKET"),
    },
    "authorizer": {"TOKEN_SECRET_ARN"},
    "sync": {"NOTICE_TOPIC_ARN"},
    "sweeper": {"NOTICE_TOPIC_ARN", "BATCH_STATE_MACHINE_ARN"},
    "actions": {"NOTICE_TOPIC_ARN"},
    "changes": {"EVENT_BUS", "PARKED_EVENTS_URL"},
    "workflows": {"NOTICE_TOPIC_ARN", "API_URL", "LINK_SECRET_ARN", "REPORT_BUCKET"},
    "starter": {"NOTICE_TOPIC_ARN"},
}


def of_type(resources: Resources, kind: str) -> Resources:
    return {name: value for name, value in resources.items() if value["Type"] == kind}


def test_every_route_is_authorized_but_three_and_signed_links(
    resources: Resources, functions: Resources
) -> None:
    [api] = of_type(resources, "AWS::Serverless::HttpApi").values()
    auth = api["Properties"]["Auth"]
    assert auth["DefaultAuthorizer"] in auth["Authorizers"]
    authorizer = auth["Authorizers"][auth["DefaultAuthorizer"]]
    assert authorizer["EnableSimpleResponses"] is True
    assert authorizer["Identity"]["Headers"] == ["Authorization"]
    assert 0 < authorizer["Identity"]["ReauthorizeEvery"] <= 300

    routes = [
        event["Properties"]
        for function in functions.values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]
    public = {(route["Method"], route["Path"]) for route in routes if "Auth" in route}
    assert public == PUBLIC | SIGNED
    assert {(route["Method"], route["Path"]) for route in routes} - public == {
        ("ANY", "/v1/{proxy+}")
    }


def test_the_api_is_throttled_and_logged(resources: Resources) -> None:
    [api] = of_type(resources, "AWS::Serverless::HttpApi").values()
    assert set(api["Properties"]["DefaultRouteSettings"]) == {
        "ThrottlingRateLimit",
        "ThrottlingBurstLimit",
    }
    log = api["Properties"]["AccessLogSettings"]
    assert "authorization" not in log["Format"].lower().replace("authorizer", "")
    assert "$context.path" not in log["Format"], "the link of an approval is a secret"


@pytest.mark.parametrize("name", sorted(ONLY))
class TestEachFunction:
    def test_has_a_timeout_below_its_callers(self, functions: Resources, name: str) -> None:
        limits = {"api": 29, "authorizer": 10, "sync": 329, "sweeper": 300}
        limits |= {"actions": 129, "changes": 60, "workflows": TASK_SECONDS - 1, "starter": 120}
        assert 0 < functions[name]["Timeout"] <= limits[name]

    def test_logs_json_to_a_group_of_its_own(
        self, functions: Resources, resources: Resources, name: str
    ) -> None:
        logging = functions[name]["LoggingConfig"]
        assert logging["LogFormat"] == "JSON"
        group = resources[logging["LogGroup"]["Ref"]]["Properties"]
        assert group["LogGroupName"]["Fn::Sub"].endswith(f"/{name}")

    def test_gets_exactly_the_environment_it_reads(
        self, functions: Resources, template: dict[str, Any], name: str
    ) -> None:
        common = template["Globals"]["Function"]["Environment"]["Variables"]
        own = functions[name].get("Environment", {}).get("Variables", {})
        assert set(common) == EVERY_FUNCTION
        assert set(own) == ONLY[name]

    def test_reserves_no_concurrency_by_default(
        self, functions: Resources, template: dict[str, Any], name: str
    ) -> None:
        reserved = functions[name].get("ReservedConcurrentExecutions")
        if reserved is not None:
            condition, wanted, otherwise = reserved["Fn::If"]
            assert otherwise == {"Ref": "AWS::NoValue"}
            parameter = wanted["Ref"]
            assert template["Parameters"][parameter]["Default"] == ""
            assert template["Conditions"][condition] == {
                "Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]
            }


def test_functions_run_python_3_13_on_arm64_with_the_layer(
    template: dict[str, Any], functions: Resources, resources: Resources
) -> None:
    common = template["Globals"]["Function"]
    assert (common["Runtime"], common["Architectures"]) == ("python3.13", ["arm64"])
    assert common["Handler"] == "app.handler"
    [layer] = of_type(resources, "AWS::Serverless::LayerVersion")
    assert common["Layers"] == [{"Ref": layer}]
    for function in functions.values():
        assert not {"Runtime", "Architectures", "Handler", "Layers"} & set(function)


def test_only_the_authorizer_knows_the_token(functions: Resources, resources: Resources) -> None:
    for name, function in functions.items():
        role = resources[function["Role"]["Fn::GetAtt"][0]]
        knows = "AdministratorToken" in str(role) + str(function)
        assert knows == (name == "authorizer"), name


def test_logs_are_not_kept_for_ever(resources: Resources) -> None:
    for name, group in of_type(resources, "AWS::Logs::LogGroup").items():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


def test_tables_are_on_demand_and_outlive_the_stack(resources: Resources) -> None:
    tables = of_type(resources, "AWS::DynamoDB::Table")
    assert set(tables) == {"ConfigTable", "DirectoryTable", "RunsTable", "IdempotencyTable"}
    for name, table in tables.items():
        properties = table["Properties"]
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain", name
        assert properties["BillingMode"] == "PAY_PER_REQUEST", name
        recovery = properties["PointInTimeRecoverySpecification"]
        assert recovery == {"PointInTimeRecoveryEnabled": True}, name
        assert "TableName" not in properties, f"{name} could not stand beside a retained one"


def test_what_expires_says_so(resources: Resources) -> None:
    expires = {
        name: table["Properties"]["TimeToLiveSpecification"]["AttributeName"]
        for name, table in of_type(resources, "AWS::DynamoDB::Table").items()
        if "TimeToLiveSpecification" in table["Properties"]
    }
    assert expires == {"RunsTable": "expires_at", "IdempotencyTable": "expiration"}


def test_the_directory_streams_both_images(resources: Resources) -> None:
    stream = resources["DirectoryTable"]["Properties"]["StreamSpecification"]
    assert stream == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_every_schedule_retries_and_has_a_dead_letter_queue(functions: Resources) -> None:
    schedules = [
        event["Properties"]
        for function in functions.values()
        for event in function.get("Events", {}).values()
        if event["Type"].startswith("Schedule")
    ]
    assert schedules
    for schedule in schedules:
        assert schedule["DeadLetterConfig"] == {
            "Arn": {"Fn::GetAtt": ["ScheduleDeadLetters", "Arn"]}
        }
        assert schedule["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert schedule["OmitName"] is True, "a fixed name lets no second deployment in"
        assert "RoleArn" in schedule


def test_queues_are_encrypted_keep_for_two_weeks_and_raise_an_alarm(resources: Resources) -> None:
    watched = str(of_type(resources, "AWS::CloudWatch::Alarm"))
    for name, queue in of_type(resources, "AWS::SQS::Queue").items():
        read = {"VisibilityTimeout", "RedrivePolicy"} if name == "WorkflowEvents" else set()
        properties = {key: value for key, value in queue["Properties"].items() if key not in read}
        assert properties == {
            "SqsManagedSseEnabled": True,
            "MessageRetentionPeriod": 14 * 24 * 3600,
        }
        assert f"['{name}', 'QueueName']" in watched


def test_every_event_comes_to_the_starter_and_what_it_cannot_take_is_kept(
    resources: Resources, functions: Resources
) -> None:
    rule = resources["WorkflowEventsRule"]["Properties"]
    assert rule["EventBusName"] == {"Ref": "EventBus"}
    assert rule["EventPattern"] == {"source": ["rollcall"]}
    [target] = rule["Targets"]
    queue, letters = "WorkflowEvents", "WorkflowDeadLetters"
    assert target["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [letters, "Arn"]}}
    policy = resources["WorkflowEventsPolicy"]["Properties"]
    assert policy["Queues"] == [{"Ref": queue}, {"Ref": letters}]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["WorkflowEventsRule", "Arn"]}}
    }
    [source] = functions["starter"]["Events"].values()
    assert source["Properties"]["Queue"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["Properties"]["MaximumBatchingWindowInSeconds"] <= 1, "within two seconds"
    properties = resources[queue]["Properties"]
    assert properties["VisibilityTimeout"] >= 6 * functions["starter"]["Timeout"]
    assert properties["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [letters, "Arn"]},
        "maxReceiveCount": 20,
    }


def test_links_lead_to_the_api_unless_it_is_known_by_another_address(
    template: dict[str, Any], functions: Resources
) -> None:
    condition, told, own = functions["workflows"]["Environment"]["Variables"]["API_URL"]["Fn::If"]
    assert told == {"Ref": "PublicUrl"}
    assert own == template["Outputs"]["ApiUrl"]["Value"]
    assert template["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "PublicUrl"}, ""]}]
    }


def test_alarms_say_it_to_the_topic(resources: Resources) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm").values()
    metrics = {alarm["Properties"]["MetricName"] for alarm in alarms}
    assert metrics == {
        *("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"),
        *("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"),
        *("Errors", "IteratorAge"),
    }
    for alarm in alarms:
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": "AlarmTopic"}]
        assert alarm["Properties"]["TreatMissingData"] == "notBreaching"
    [subscription] = of_type(resources, "AWS::SNS::Subscription").values()
    assert subscription["Condition"] == "HasAlarmEmail"


def test_only_this_account_reaches_the_topics(resources: Resources) -> None:
    # A topic without a policy of its own is its account's: nobody else publishes or subscribes.
    assert set(of_type(resources, "AWS::SNS::Topic")) == {"AlarmTopic", "NoticeTopic"}
    assert of_type(resources, "AWS::SNS::TopicPolicy") == {}


def test_outputs_are_there(template: dict[str, Any]) -> None:
    assert set(template["Outputs"]) == {
        *("ApiId", "ApiUrl", "TokenSecretArn", "StateMachineArn", "ScheduleGroup", "SecretPrefix"),
        *("ConfigTable", "DirectoryTable", "RunsTable", "IdempotencyTable"),
        *("AlarmTopic", "NoticeTopic", "EventBus", "ParkedEvents"),
        *("BatchBucket", "BatchStateMachineArn", "WorkflowPrefix"),
    }


def test_every_change_that_makes_events_is_read_from_the_oldest_on(functions: Resources) -> None:
    streams = functions["changes"]["Events"]
    tables = {stream["Properties"]["Stream"]["Fn::GetAtt"][0] for stream in streams.values()}
    assert tables == {"DirectoryTable", "RunsTable", "ConfigTable"}
    for stream in streams.values():
        assert stream["Properties"]["StartingPosition"] == "TRIM_HORIZON"
        assert "MaximumRetryAttempts" not in stream["Properties"], "tried as long as it is kept"
        assert stream["Properties"]["DestinationConfig"]["OnFailure"]["Type"] == "SQS"


def test_there_is_a_webhook_only_where_one_is_wanted(resources: Resources) -> None:
    parts = {name: one for name, one in resources.items() if name.startswith("Webhook")}
    assert len(parts) == 7
    assert {one["Condition"] for one in parts.values()} == {"HasWebhook", None} - {None}
    assert resources["Webhook"]["Properties"]["EventBusName"] == {"Ref": "EventBus"}


def test_the_rows_of_batches_are_private_encrypted_and_soon_forgotten(resources: Resources) -> None:
    [(name, bucket)] = of_type(resources, "AWS::S3::Bucket").items()
    properties = bucket["Properties"]
    assert "BucketName" not in properties
    assert "VersioningConfiguration" not in properties, "what is deleted must be gone"
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert properties["OwnershipControls"] == {
        "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]
    }
    assert "AES256" in str(properties["BucketEncryption"])
    rules = properties["LifecycleConfiguration"]["Rules"]
    kept = {rule["Prefix"]: (rule["Status"], rule["ExpirationInDays"]) for rule in rules}
    days = RETRYABLE.days
    assert kept == {
        "uploads/": ("Enabled", 1),
        "batches/": ("Enabled", days + 1),
        "reports/": ("Enabled", 90),
    }
    [policy] = of_type(resources, "AWS::S3::BucketPolicy").values()
    assert policy["Properties"]["Bucket"] == {"Ref": name}
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
