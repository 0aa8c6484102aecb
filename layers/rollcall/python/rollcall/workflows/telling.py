"""Telling people and systems: the notice topic, and webhooks. What goes wrong is a sentence."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from rollcall.aws import Aws
from rollcall.connectors.answers import Failure
from rollcall.connectors.client import Client
from rollcall.notices.text import plain_subject

_LONGEST_BODY = 200_000
"""Bytes: SNS takes 256 KB with everything, https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
(2026-11).
"""
_SECONDS = 10.0
_CONNECTIONS = 4
_TRIES = 2
_AGAIN = 500
_REDIRECTS = 300


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told, of which workflow; `contacts` are the addresses it is for by mail."""

    workflow_id: str
    subject: str
    message: str
    contacts: Sequence[str] = ()


class Topic:
    """The notice topic; with an empty ARN there is none.

    A message has the attributes `kind` (`workflow`), `workflow_id` and, where it is for somebody by
    mail, `contacts`, on which each address's subscription filters.
    """

    def __init__(self, aws: Aws, arn: str) -> None:
        self._aws = aws
        self._arn = arn

    def __bool__(self) -> bool:
        return bool(self._arn)

    def publish(self, notice: Notice) -> str | None:
        """Publish it; why it could not be, or None."""
        attributes = {"kind": _text("workflow"), "workflow_id": _text(notice.workflow_id)}
        if notice.contacts:
            contacts = json.dumps(list(notice.contacts))
            attributes["contacts"] = {"DataType": "String.Array", "StringValue": contacts}
        body = notice.message.encode()[:_LONGEST_BODY].decode(errors="ignore")
        subject = plain_subject(notice.subject)
        try:
            self._aws.sns.publish(
                TopicArn=self._arn,
                Subject=subject,
                Message=body or subject,
                MessageAttributes=attributes,
            )
        except ClientError as error:
            return f"the notice topic refuses: {error.response['Error']['Code']}"
        except BotoCoreError as error:
            return f"the notice topic cannot be reached: {type(error).__name__}"
        return None


class Webhooks:
    """Addresses that get a POST with JSON: https only, and public, unless the deployment allows
    the host.
    """

    def __init__(self, allow_hosts: frozenset[str]) -> None:
        self._client = Client(allow_hosts, _CONNECTIONS, _SECONDS)

    def post(self, url: str, body: Mapping[str, Any]) -> str | None:
        """Send it, and once more where nothing well is heard; why it was not taken, or None.

        A redirect is not followed. The reason never holds the address, which may be a secret.
        """
        if (fault := address_fault(url)) is not None:
            return fault
        why = "was not tried"
        for _ in range(_TRIES):
            came = self._client.call("POST", url, httpx.Auth(), body=body)
            if isinstance(came, Failure):
                why = came.detail
                if came.code == "address-refused":
                    return why
                continue
            status = came[0]
            if status < _REDIRECTS:
                return None
            why = f"{host_of(url)} answered {status}"
            if status < _AGAIN:
                return why
        return why


def address_fault(url: str) -> str | None:
    """Why this is no address of a webhook, or None."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "it is no address"
    if parsed.scheme not in ("http", "https") or not parsed.host:
        return "it must be an address with https"
    return None


def host_of(url: str) -> str:
    """What may be shown of a webhook's address: a key may be in the rest."""
    try:
        return httpx.URL(url).host or "webhook"
    except httpx.InvalidURL:
        return "webhook"


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}
