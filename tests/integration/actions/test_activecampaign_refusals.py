"""How the refusals of ActiveCampaign reach the caller, each as what it is."""

from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from local.vendors.switches import Fault
from tests.integration.actions.conftest import Desk

PROBLEM = "urn:rollcall:problem:"
NO_RESULT = '{"message":"No Result found for User with id 3"}'
POINTED = (
    '{"errors":[{"title":"First name is rude","source":{"pointer":"/data/attributes/firstName"}},'
    '{"title":"Group is full","source":{"pointer":"/data/attributes/group"}}]}'
)
FAULTS = [
    (Fault("^PUT", status=403, body='{"message":"Forbidden"}'), 502, "vendor-forbidden"),
    (Fault("^PUT", status=403, body=NO_RESULT), 404, "vendor-not-found"),
    (Fault("^PUT", status=404, body=NO_RESULT), 404, "vendor-not-found"),
    (Fault("^PUT", status=400, body='{"message":"no"}'), 422, "vendor-rejected"),
    (Fault("^PUT", status=422, body=POINTED), 422, "vendor-rejected"),
    (Fault("^PUT", status=429, retry_after=7), 503, "vendor-throttled"),
    (Fault("^PUT", status=503, retry_after=7), 503, "vendor-throttled"),
    (Fault("^PUT", kind="html", status=503), 502, "vendor-broken"),
    (Fault("^PUT", status=500), 502, "vendor-broken"),
    (Fault("^PUT", kind="drop"), 502, "vendor-broken"),
    (Fault("^PUT", kind="truncated_json"), 502, "vendor-broken"),
    (Fault("^GET .*/users/3", status=500), 502, "vendor-broken"),
]
NO_USER = ("", "[]", '{"message":"Try again"}')


def test_each_failure_of_the_app_is_told_apart(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = f"/v1/integrations/{desk.integrate(vendor)}"
        for fault, status, problem in FAULTS:
            vendor.switches.faults = [fault]
            vendor.log.clear()
            answer = desk.call("PATCH", f"{integration}/users/3", {"first_name": "Sam"})
            assert (answer.status, answer.json["type"]) == (status, PROBLEM + problem), fault
            assert answer.headers.get("Retry-After") == ("7" if status == 503 else None)
            puts = [call for call in vendor.log if call.method == "PUT"]
            assert len(puts) == ("PUT" in fault.match)
            if fault.body == POINTED:
                assert answer.json["errors"] == [
                    {"field": "first_name", "message": "First name is rude"},
                    {"field": "group_id", "message": "Group is full"},
                ]
        assert desk.call("GET", integration).json["status"] == "active"


def test_an_answer_without_the_user_is_no_user(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = f"/v1/integrations/{desk.integrate(vendor)}"
        for body in NO_USER:
            vendor.switches.faults = [Fault("^GET .*/users/3", status=200, body=body)]
            answer = desk.call("GET", f"{integration}/users/3")
            assert (answer.status, answer.json.get("type")) == (502, f"{PROBLEM}vendor-broken")


def test_an_app_that_says_a_secret_back_is_not_repeated(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = f"/v1/integrations/{desk.integrate(vendor)}"
        secret = "hunter2-and-more"
        said = f'{{"message": "no", "errors": [{{"title": "{secret} is weak"}}], "x": "{secret}"}}'
        for status in (200, 422):
            vendor.switches.faults = [Fault("^PUT", status=status, body=said)]
            answer = desk.call("PATCH", f"{integration}/users/3", {"password": secret})
            assert answer.status == status, answer.text
            assert secret not in answer.text
        history = desk.call("GET", "/v1/actions")
        assert (len(history.json["items"]), secret in history.text) == (2, False)
        table = desk.house.settings.runs_table
        assert secret not in f"{desk.house.aws.dynamodb.scan(TableName=table)}"


def test_a_refused_key_asks_for_a_new_one_until_a_call_works(desk: Desk) -> None:
    with serve(seed_activecampaign(6, 4)) as vendor:
        integration = f"/v1/integrations/{desk.integrate(vendor)}"
        vendor.switches.token_valid = False
        answer = desk.call("DELETE", f"{integration}/users/3")
        assert (answer.status, answer.json["type"]) == (502, f"{PROBLEM}vendor-unauthorized")
        assert desk.call("GET", integration).json["status"] == "needs_reconnect"
        assert "3" in vendor.tenant.users
        vendor.switches.token_valid = True
        # A 403 is the credential's where the test call has it too.
        vendor.switches.faults = [Fault(status=403, body='{"message":"Forbidden"}')]
        answer = desk.call("PATCH", f"{integration}/users/3", {"first_name": "Sam"})
        assert (answer.status, answer.json["type"]) == (502, f"{PROBLEM}vendor-unauthorized")
        assert desk.call("GET", integration).json["status"] == "needs_reconnect"
        vendor.switches.faults = []
        assert desk.call("DELETE", f"{integration}/users/3").status == 200
        assert desk.call("GET", integration).json["status"] == "active"


def test_a_key_whose_user_is_the_target_is_kept(desk: Desk) -> None:
    seeded = seed_activecampaign(6, 4)
    seeded.me = "4"
    with serve(seeded) as vendor:
        integration = f"/v1/integrations/{desk.integrate(vendor)}"
        for path in ("/users/{{ external_id }}", "/users/04", "/users/4.json"):
            used = {"inputs": {"external_id": "4"}, "overrides": {"url": path}}
            answer = desk.call("POST", f"{integration}/presets/delete_user", used)
            assert (answer.status, answer.json["type"]) == (409, f"{PROBLEM}conflict"), path
        assert desk.call("DELETE", f"{integration}/users/01").status == 409
        assert not [call for call in vendor.log if call.method == "DELETE"]
        assert {"1", "4"} <= set(vendor.tenant.users)
