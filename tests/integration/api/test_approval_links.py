"""Pages behind a signed link: whoever has it decides, and looking decides nothing."""

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from rollcall.api.app import logger
from rollcall.stamps import instant
from tests.integration.api.caller import Answered
from tests.integration.api.flows import CALL, HAND, Flows

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def asked(flows: Flows) -> str:
    """The id of an execution with an approval that waits."""
    _, people = flows.roster()
    workflow_id = flows.active(CALL, name="Off & <board>")
    execution_id = flows.start(workflow_id, inputs={"team": "IT"}, person_id=people[0]["id"])
    flows.ask(execution_id, input={"message": "Really?\n<script>alert(1)</script>"})
    return execution_id


def look(flows: Flows, link: str, **query: str) -> Answered:
    return flows.call("GET", f"/v1/approvals/{link}", query=query or None, actor=None)


def post(flows: Flows, link: str, decision: str, body: Any = None, **more: Any) -> Answered:
    return flows.call("POST", f"/v1/approvals/{link}/{decision}", body, actor=None, **more)


def is_page(answer: Answered, status: int, text: str = "") -> bool:
    return (
        answer.status == status
        and answer.headers["Content-Type"] == "text/html"
        and text in answer.text
    )


def linked(flows: Flows, execution_id: str) -> str:
    step = flows.executions.step(execution_id, "", "ask")
    assert step is not None
    return flows.link(step)


def branch(flows: Flows, execution_id: str) -> str | None:
    step = flows.executions.step(execution_id, "", "ask")
    assert step is not None
    return step.branch


class _Seen(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_page_says_who_asks_what_about_whom_and_until_when(flows: Flows, asked: str) -> None:
    link = linked(flows, asked)
    answer = look(flows, link)
    assert is_page(answer, 200)
    seen = _Seen()
    seen.feed(answer.text)
    text = "".join(seen.texts)
    for said in ("Off & <board> asks for a decision", "Really?\n<script>alert(1)</script>",
                 "ann01@example.com", "Until", " UTC"):  # fmt: skip
        assert said in text
    forms = [one for tag, one in seen.elements if tag == "form"]
    assert forms == [
        {"method": "post", "action": f"{link}/{decision}"} for decision in ("approve", "deny")
    ]
    assert [tag for tag, _ in seen.elements].count("textarea") == 2
    denying = look(flows, link, decision="deny").text
    assert denying.index(f"{link}/deny") < denying.index(f"{link}/approve")


def test_a_page_loads_nothing_runs_nothing_and_is_kept_nowhere(flows: Flows, asked: str) -> None:
    for answer in (look(flows, linked(flows, asked)), look(flows, "forged")):
        seen = _Seen()
        seen.feed(answer.text)
        tags = {tag for tag, _ in seen.elements}
        assert not tags & {"script", "img", "link", "iframe", "object", "embed", "a", "base"}
        names = {name for _, attributes in seen.elements for name in attributes}
        assert not {name for name in names if name.startswith("on")} | names & {"src", "style"}
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        (style,) = re.findall(r"<style>(.*)</style>", answer.text, re.DOTALL)
        assert _hash(style) in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def _hash(style: str) -> str:
    from hashlib import sha256  # noqa: PLC0415

    return "'sha256-" + base64.b64encode(sha256(style.encode()).digest()).decode() + "'"


def test_to_look_decides_nothing(flows: Flows, asked: str) -> None:
    link = linked(flows, asked)
    for _ in range(3):
        assert look(flows, link, decision="approve").status == 200
    for method in ("GET", "HEAD"):
        for decision in ("approve", "deny"):
            path = f"/v1/approvals/{link}/{decision}"
            assert flows.call(method, path, actor=None).status == 405
    assert flows.call("POST", f"/v1/approvals/{link}", actor=None).status == 405
    assert branch(flows, asked) is None
    assert flows.steps.told == {}


@pytest.mark.parametrize(
    ("decision", "outcome", "said"),
    [("approve", "done", "It is approved"), ("deny", "deny", "It is denied")],
)
@pytest.mark.parametrize("body", ["comment=Laptop+%26+phone", b"comment=Laptop+%26+phone"])
def test_a_form_decides(
    flows: Flows, asked: str, decision: str, outcome: str, said: str, body: str | bytes
) -> None:
    answer = post(flows, linked(flows, asked), decision, body, headers=FORM)
    assert is_page(answer, 200, said)
    assert flows.steps.told == {
        "token": {"execution": asked, "at": "", "attempt": 1, "outcome": outcome}
    }
    step = flows.executions.step(asked, "", "ask")
    assert step is not None
    assert (step.decided_by, step.comment) == ("link", "Laptop & phone")
    entries = flows.call.everything("/v1/audit", object_id=asked)
    assert (entries[0]["verb"], entries[0]["actor"]) == ("decide", "link")


@pytest.mark.parametrize(
    ("body", "headers"),
    [(None, {}), ("comment=", FORM), (None, FORM), ({"comment": None}, {}), ("comment: ~", {
        "content-type": "application/yaml"})],
)  # fmt: skip
def test_nothing_need_be_said_beside(
    flows: Flows, asked: str, body: Any, headers: dict[str, str]
) -> None:
    assert post(flows, linked(flows, asked), "deny", body, headers=headers).status == 200
    step = flows.executions.step(asked, "", "ask")
    assert step is not None
    assert (step.branch, step.comment) == ("deny", None)


def test_the_same_decision_again_is_well_and_another_is_refused(flows: Flows, asked: str) -> None:
    link = linked(flows, asked)
    post(flows, link, "approve", "comment=<b>Fine</b>", headers=FORM)
    assert is_page(post(flows, link, "approve"), 200, "It is approved")
    other = post(flows, link, "deny")
    assert is_page(other, 409, "It was approved over a link.")
    assert "&lt;b&gt;Fine&lt;/b&gt;" in other.text
    assert is_page(look(flows, link), 410, "It was decided already")
    assert branch(flows, asked) == "approve"
    assert len(flows.steps.told) == 1


def test_who_decided_over_the_api_is_said(flows: Flows, asked: str) -> None:
    flows.post(f"executions/{asked}/approvals/ask", {"decision": "deny"})
    assert is_page(look(flows, linked(flows, asked)), 410, "It was denied by administrator.")
    assert is_page(post(flows, linked(flows, asked), "approve"), 409, "denied by administrator")


def test_a_link_that_nobody_signed_is_none(flows: Flows, asked: str) -> None:
    step = flows.executions.step(asked, "", "ask")
    assert step is not None
    link = flows.link(step)
    said, _, signature = link.partition(".")
    forged = [
        "x", "x.y", f"{said}.", said, f"{said}.{signature[:-2]}", f".{signature}", f"{link}A",
        flows.link(step, key="another key"), f"{said[:-4]}AAAA.{signature}", "ä", "%00", "..",
    ]  # fmt: skip
    for text in forged:
        assert is_page(look(flows, text), 404, "This is no link of ours"), text
        for decision in ("approve", "deny"):
            assert is_page(post(flows, text, decision), 404), text
    assert branch(flows, asked) is None


def test_a_link_expires(flows: Flows, asked: str) -> None:
    step = flows.executions.step(asked, "", "ask")
    assert step is not None
    link = flows.link(step, until=instant(datetime.now(UTC) - timedelta(seconds=1)))
    assert is_page(look(flows, link), 410, "This link has expired")
    assert is_page(post(flows, link, "approve"), 410, "This link has expired")
    assert branch(flows, asked) is None


def test_what_is_over_is_decided_no_more(flows: Flows, asked: str) -> None:
    link = linked(flows, asked)
    flows.post(f"executions/{asked}/cancel")
    assert is_page(look(flows, link), 410, "There is nothing to decide any more")
    assert is_page(post(flows, link, "approve"), 410, "There is nothing to decide any more")
    assert branch(flows, asked) is None
    gone = flows.link(flows.ask(flows.start(flows.active(HAND))), execution_id="gone")
    assert is_page(look(flows, gone), 410)
    assert is_page(post(flows, gone, "deny"), 410)


def test_a_deadline_that_has_passed_is_told(flows: Flows, asked: str) -> None:
    link = linked(flows, asked)
    step = flows.executions.step(asked, "", "ask")
    assert step is not None
    late = replace(step, status="succeeded", branch="late", decided_by="deadline", token=None)
    assert flows.executions.save(late)
    assert is_page(look(flows, link), 410, "The time to decide has passed")
    assert is_page(post(flows, link, "approve"), 409, "The time to decide has passed")


def test_a_link_is_in_no_log(flows: Flows, asked: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    logger.setLevel("INFO")
    link = linked(flows, asked)
    look(flows, link)
    post(flows, link, "approve")
    flows.get("approvals")
    paths = [one.path for one in caplog.records if one.getMessage() == "a request"]  # type: ignore[attr-defined]
    assert paths == ["/v1/approvals"]
    assert link not in caplog.text


def test_a_link_of_an_earlier_try_decides_nothing_of_a_later_one(flows: Flows, asked: str) -> None:
    step = flows.executions.step(asked, "", "ask")
    assert step is not None
    assert step.until is not None
    link = flows.link(step)
    later = instant(datetime.fromisoformat(step.until) + timedelta(hours=1))
    assert flows.executions.save(replace(step, attempt=2, until=later, token="another"))
    assert is_page(look(flows, link), 410, "There is nothing to decide any more")
    assert is_page(post(flows, link, "approve"), 410)
    assert branch(flows, asked) is None
    assert is_page(post(flows, linked(flows, asked), "approve"), 200)


def test_a_link_of_another_block_decides_nothing_else(flows: Flows, asked: str) -> None:
    step = flows.step(asked, until=instant(datetime.now(UTC) + timedelta(days=1)))
    assert is_page(post(flows, flows.link(step), "approve"), 410)
    assert branch(flows, asked) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("comment=%ff", "body"),
        ("comment", "body"),
        (b"comment=\xff", "body"),
        ("&".join(["comment=a"] * 50), "body"),
        ("comment=" + "x" * 4001, "comment"),
        ("comment=a&decision=approve", "decision"),
    ],
)
def test_a_form_that_is_none_decides_nothing(
    flows: Flows, asked: str, body: str | bytes, field: str
) -> None:
    answer = post(flows, linked(flows, asked), "approve", body, headers=FORM)
    assert (answer.status, answer.fields) == (422, [field])
    assert branch(flows, asked) is None


def test_a_key_is_of_no_use_and_does_no_harm(flows: Flows, asked: str) -> None:
    link, key = linked(flows, asked), {"Idempotency-Key": "x"}
    for _ in range(2):
        assert is_page(post(flows, link, "approve", headers=key), 200)
    assert is_page(post(flows, link, "deny", headers=key), 409)


def test_without_a_token_the_list_is_not_served(flows: Flows, asked: str) -> None:
    """The gateway refuses it; the function, which asks who calls, never answers for nobody."""
    link = linked(flows, asked)
    document = flows.get("openapi.json").json
    public = {
        path
        for path, methods in document["paths"].items()
        if "approvals" in path and any(one.get("security") == [] for one in methods.values())
    }
    assert public == {
        "/v1/approvals/{link}", "/v1/approvals/{link}/approve", "/v1/approvals/{link}/deny"
    }  # fmt: skip
    path = f"/v1/executions/{asked}/approvals/ask"
    assert flows.call("POST", path, {"decision": "approve"}, actor=None).status == 500
    assert branch(flows, asked) is None
    assert link not in flows.get("approvals").text
