"""Every workflow that Rollcall ships, on the local stack, against the sample apps."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from local.deployment import client
from local.stack import LocalStack
from local.vendors import ActiveCampaign, Aha, Vendor, serve
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.e2e.conftest import Api, Json, started, until
from tests.unit.docs.test_workflow_guide import ASKED, EXAMPLES

IT = "it@northwind.example"
OVER = {"succeeded", "failed", "cancelled"}
STATUS = '{{ "active" if response.enabled else "inactive" }}'
ADMINS = "3"
"""ActiveCampaign's group of administrators."""


@dataclass(frozen=True)
class Company:
    """Both sample apps, connected and synced; whoever is disabled in Aha! has left."""

    campaign: Vendor[ActiveCampaign]
    campaign_id: str
    aha: Vendor[Aha]
    aha_id: str


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of its own, in which nobody has accounts in other apps."""
    with started(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="module")
def company(stack: LocalStack) -> Iterator[Company]:
    api = Api(stack)
    with serve(seed_activecampaign(24, 4)) as campaign, serve(seed_aha(20)) as aha:
        campaign_id = api.connect(campaign, application="Mail")
        mapping = {
            "fields": [
                {"target": "email", "source": "email", "sync_key": 1},
                {"target": "display_name", "source": "name"},
                {"target": "status", "template": STATUS},
            ]
        }
        aha_id = api.connect(aha, application="Roadmap", mapping=mapping)
        for one in (campaign_id, aha_id):
            assert api.run(one)["status"] == "succeeded"
        yield Company(campaign, campaign_id, aha, aha_id)
    api.http.close()


Mails = Callable[[], list[str]]


@pytest.fixture
def mails(stack: LocalStack) -> Iterator[Mails]:
    """What the notice topic told since the test began: subject and text of each."""
    sqs, sns = client(stack.aws.endpoint, "sqs"), client(stack.aws.endpoint, "sns")
    queue = sqs.create_queue(QueueName="mails")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    topic, arn = stack.outputs["NoticeTopic"], asked["Attributes"]["QueueArn"]
    subscribed = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
    )
    came: list[str] = []

    def take() -> list[str]:
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                told = json.loads(message["Body"])
                came.append(f"{told.get('Subject')}\n{told['Message']}")
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return came

    yield take
    sns.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=queue)


class Desk:
    """Installs what is shipped, and follows what it does."""

    def __init__(self, api: Api, mails: Mails) -> None:
        self.api = api
        self._mails = mails
        self.installed: list[str] = []

    def install(self, key: str, **parameters: Any) -> str:
        """The shipped workflow as a draft; its id."""
        body = {"parameters": {"tell": [IT], **parameters}}
        made = self.api.call("POST", f"/workflow-presets/{key}", 201, json=body)
        assert made["status"] == "draft"
        self.installed.append(made["id"])
        return str(made["id"])

    def activate(self, workflow: str, **body: str) -> None:
        active = self.api.call("POST", f"/workflows/{workflow}/activate", 200, json=body)
        assert active["status"] == "active"

    def executions(self, workflow: str, count: int = 1) -> list[Json]:
        """Its executions, when there are so many of them."""

        def there() -> list[Json] | None:
            found = self.api.all(f"/workflows/{workflow}/executions")
            return found if len(found) >= count else None

        return until(there, f"{count} executions of {workflow}")

    def ended(self, execution: str) -> Json:
        """The execution when it is over, with its steps."""

        def over() -> Json | None:
            found: Json = self.api.call("GET", f"/executions/{execution}", 200)
            return found if found["status"] in OVER else None

        return until(over, f"execution {execution} ends")

    def asked(self, execution: str) -> Json:
        """The approval that the execution waits for."""

        def waiting() -> Json | None:
            found = self.api.all("/approvals")
            return next((one for one in found if one["execution_id"] == execution), None)

        return until(waiting, f"execution {execution} asks")

    def mail(self, part: str) -> str:
        """The mail that says so."""

        def came() -> str | None:
            return next((one for one in self._mails() if part in one), None)

        return until(came, f"a mail that says {part!r}")


@pytest.fixture
def desk(api: Api, mails: Mails) -> Iterator[Desk]:
    desk = Desk(api, mails)
    yield desk
    for workflow in desk.installed:
        with suppress(AssertionError):  # one that is not active
            api.call("POST", f"/workflows/{workflow}/pause", 200)
        for execution in api.all(f"/workflows/{workflow}/executions", status="running"):
            api.call("POST", f"/executions/{execution['id']}/cancel", 200)


def steps(execution: Mapping[str, Any]) -> dict[str, list[Json]]:
    """What each block did, by the block's id."""
    found: dict[str, list[Json]] = {}
    for step in execution["steps"]:
        found.setdefault(step["block"], []).append(step)
    return found


def in_both(api: Api, company: Company) -> tuple[str, str, str]:
    """Somebody active with an account in both apps: person, ActiveCampaign's id, Aha!'s id."""
    mail = {
        one["person_id"]: one
        for one in api.all(f"/integrations/{company.campaign_id}/accounts")
        if one["status"] == "active" and one["external_id"] != "1"
    }
    for one in api.all(f"/integrations/{company.aha_id}/accounts"):
        ordinary = one["status"] == "active" and not one["attributes"]["administrator"]
        if ordinary and one["person_id"] in mail:
            return one["person_id"], mail[one["person_id"]]["external_id"], one["external_id"]
    raise AssertionError("nobody is in both")


def test_who_leaves_is_deactivated_here_and_deleted_there_after_an_approval(
    api: Api, desk: Desk, company: Company
) -> None:
    workflow = desk.install(
        "offboard",
        deactivate=[company.aha_id],
        delete=[company.campaign_id],
        approvers=["boss@northwind.example"],
        deadline="1h",
    )
    refused = api.call("POST", f"/workflows/{workflow}/activate", 422, json={})
    assert refused["errors"][0]["field"] == "matching"  # who left before is there already
    desk.activate(workflow, matching="skip")
    person, in_mail, in_roadmap = in_both(api, company)
    users = company.aha.tenant.users
    users[in_roadmap] = replace(users[in_roadmap], enabled=False)
    assert api.run(company.aha_id)["status"] == "succeeded"

    (execution,) = desk.executions(workflow)
    assert (execution["person_id"], execution["began"]) == (person, "event")
    waiting = desk.asked(execution["id"])
    assert in_mail in company.campaign.tenant.users
    link = re.search(r"https?://\S+/v1/approvals/[^\s?]+", desk.mail("Delete"))
    assert link is not None
    page = httpx.get(link[0], trust_env=False)
    assert page.status_code == 200, page.text
    assert desk.asked(execution["id"])["at"] == waiting["at"]  # looking decides nothing
    decided = httpx.post(f"{link[0]}/approve", data={"comment": "of course"}, trust_env=False)
    assert decided.status_code == 200, decided.text

    ended = desk.ended(execution["id"])
    assert ended["status"] == "succeeded", ended
    assert in_mail not in company.campaign.tenant.users
    done = steps(ended)
    assert [one["output"]["outcome"] for one in done["deactivate"]] == ["already-so"]
    assert done["delete"][0]["output"]["external_id"] == in_mail
    assert done["ask"][0]["comment"] == "of course"
    desk.mail("Of 2 accounts each is done with")
    gone = api.call("GET", f"/integrations/{company.campaign_id}/accounts/{in_mail}", 200)
    assert gone["status"] == "removed"
    again = httpx.post(f"{link[0]}/deny", trust_env=False)
    assert again.status_code == 409
    assert len(desk.executions(workflow)) == 1


def test_who_joins_gets_an_account(api: Api, desk: Desk, company: Company) -> None:
    workflow = desk.install("onboard", activecampaign=company.campaign_id, group_id="4")
    desk.activate(workflow)
    mail = {one["person_id"] for one in api.all(f"/integrations/{company.campaign_id}/accounts")}
    person = next(
        one["person_id"]
        for one in api.all(f"/integrations/{company.aha_id}/accounts")
        if one["person_id"] not in mail
    )
    begun = api.call("POST", f"/workflows/{workflow}/executions", 202, json={"person_id": person})
    ended = desk.ended(begun["id"])
    (made,) = steps(ended)["in_activecampaign"]
    assert made["status"] == "succeeded", made
    user = company.campaign.tenant.users[made["output"]["external_id"]]
    email = api.call("GET", f"/people/{person}", 200)["email"]
    assert (user.email, user.group) == (email, "4")
    assert "random_password" not in json.dumps(ended)
    desk.mail(f"ActiveCampaign, {email}: succeeded")


def test_a_test_run_shows_every_request_and_sends_none(
    api: Api, desk: Desk, company: Company
) -> None:
    workflow = desk.install("onboard", activecampaign=company.campaign_id, group_id="4")
    api.call("POST", f"/workflows/{workflow}/validate", 200)
    person, _, _ = in_both(api, company)
    users = dict(company.campaign.tenant.users)
    begun = api.call("POST", f"/workflows/{workflow}/test", 202, json={"person_ids": [person]})
    ended = desk.ended(begun["items"][0]["id"])
    assert ended["status"] == "succeeded", ended
    (made,) = steps(ended)["in_activecampaign"]
    assert made["output"]["request"]["method"] == "POST"
    assert company.campaign.tenant.users == users


def test_dormant_accounts_are_deactivated_when_somebody_approves(
    api: Api, desk: Desk, company: Company
) -> None:
    refused = api.call(
        "POST",
        "/workflow-presets/dormant_accounts",
        422,
        json={"parameters": {"tell": [IT], "integrations": [company.campaign_id]}},
    )
    assert "unknown is not unused" in refused["detail"]
    accounts = api.all(f"/integrations/{company.aha_id}/accounts")
    used = sorted(
        (one["last_active_at"], one["external_id"])
        for one in accounts
        if one["status"] == "active"
        and one["last_active_at"]
        and not one["attributes"]["administrator"]
    )
    (first, oldest), (second, kept), (third, _) = used[:3]
    workflow = desk.install("dormant_accounts", integrations=[company.aha_id], not_since=third)
    matches = api.call("GET", f"/workflows/{workflow}/matches", 200)
    mine = {one["account"]["external_id"] for one in matches["items"]}
    assert {oldest, kept} <= mine
    desk.activate(workflow, matching="start")
    by_account = {
        one["external_id"]: one["id"] for one in desk.executions(workflow, matches["count"])
    }
    assert set(by_account) == mine
    assert (first, second) < (second, third)
    for account, decision in ((oldest, "approve"), (kept, "deny")):
        waiting = desk.asked(by_account[account])
        path = f"/executions/{by_account[account]}/approvals/{waiting['block']}"
        api.call("POST", path, 200, json={"decision": decision})
        assert desk.ended(by_account[account])["status"] == "succeeded"
    assert not company.aha.tenant.users[oldest].enabled
    assert company.aha.tenant.users[kept].enabled
    desk.mail("is deactivated in Roadmap")


def test_reports_are_written_when_they_are_due(api: Api, desk: Desk, company: Company) -> None:
    """The reviews' own schedules are of a month: here they are due every minute."""
    every = "rate(1 minute)"
    ours = [company.campaign_id, company.aha_id]
    review = desk.install("role_review", integrations=ours, schedule=every)
    seats = desk.install("paid_seats_unused", integrations=[company.aha_id], schedule=every)
    for workflow in (review, seats):
        desk.activate(workflow)
    rows: dict[str, list[dict[str, str]]] = {}
    for workflow, block in ((review, "grants"), (seats, "seats")):
        ended = desk.ended(desk.executions(workflow)[-1]["id"])
        assert ended["status"] == "succeeded", ended
        report = steps(ended)[block][0]["output"]
        where = api.call("GET", f"/reports/{report['report_id']}", 200)
        text = httpx.get(where["url"], trust_env=False).content.decode("utf-8-sig")
        rows[block] = list(csv.DictReader(io.StringIO(text)))
        assert len(rows[block]) == report["rows"]
        desk.mail(str(report["report_id"]))
    held = [
        one
        for integration in ours
        for one in api.all(f"/integrations/{integration}/grants", status="held")
    ]
    assert len(rows["grants"]) == len(held)
    assert all(row["Account"] for row in rows["grants"])
    paid = {
        one["external_id"]
        for one in api.all(f"/integrations/{company.aha_id}/accounts")
        if one["status"] == "active" and one["attributes"]["paid_seat"] and one["last_active_at"]
    }
    assert rows["seats"]
    assert {row["Account"] for row in rows["seats"]} <= paid


def test_a_new_administrator_is_told_and_how_they_came_to_be_one(
    api: Api, desk: Desk, company: Company
) -> None:
    workflow = desk.install("new_admin_alert")
    desk.activate(workflow, matching="skip")
    users = company.campaign.tenant.users
    plain = [one.id for one in users.values() if one.group != ADMINS and one.id != "1"]
    by_action, by_hand = plain[:2]
    path = f"/integrations/{company.campaign_id}/users/{by_action}"
    action = api.call("PATCH", path, 200, json={"group_id": ADMINS})
    assert action["action_id"] in desk.mail("An action of Rollcall did it")
    users[by_hand] = replace(users[by_hand], group=ADMINS)
    run = api.run(company.campaign_id)
    assert run["id"] in desk.mail("A sync found it")
    assert len(desk.executions(workflow, 2)) == 2


def test_every_block_of_the_guide_does_what_it_is_written_for(
    api: Api, desk: Desk, company: Company
) -> None:
    """As a test run, which does everything but change something."""
    api.call("PUT", "/variables/Sales.Manager", 200, json={"value": "Ann"})
    api.call("POST", "/fields", 201, json={"name": "Mail card", "type": "json"})
    begin = {"trigger": "call", "inputs": [{"key": "title", "required": True}]}
    over = [{"id": "over", "type": "end"}]
    title = {"name": "Title", "begin": begin, "blocks": over}
    titled = api.call("POST", "/workflows", 201, json=title)["id"]
    desk.activate(titled)
    _, _, in_roadmap = in_both(api, company)
    account = {"integration_id": company.aha_id, "external_id": in_roadmap}
    names = {
        "{integration_id}": company.campaign_id,
        "{aha_integration_id}": company.aha_id,
        "{workflow_id}": titled,
    }
    inputs = {"reason": "new", "last_day": "2026-12-31", "products": "131414752,228032285"}
    begun = {}
    for line, example in EXAMPLES.items():
        if example["begin"] == ASKED:
            text = json.dumps(example)
            for name, value in names.items():
                text = text.replace(name, value)
            made = api.call("POST", "/workflows", 201, content=text)["id"]
            body = {"accounts": [account], "inputs": inputs}
            begun[line] = api.call("POST", f"/workflows/{made}/test", 202, json=body)["items"][0]
    kinds: dict[str, set[str]] = {}
    for line, execution in begun.items():
        ended = desk.ended(execution["id"])
        meant = any(one["type"] == "end" for one in EXAMPLES[line]["blocks"])
        wanted = {"succeeded", "failed"} if meant else {"succeeded"}
        assert ended["status"] in wanted, (line, ended["error"], ended["steps"])
        for step in ended["steps"]:
            kinds.setdefault(step["type"], set()).add(step["status"])
            assert meant or step["status"] == "succeeded", (line, step)
    assert {kind for kind, statuses in kinds.items() if "succeeded" in statuses} >= {
        *("preset", "roles", "update", "decision", "approval", "notification", "wait"),
        *("for_each", "workflow", "report"),
    }
