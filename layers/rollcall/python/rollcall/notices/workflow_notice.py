"""Telling what a workflow has to say, through the notice topic."""

from collections.abc import Collection

from aws_lambda_powertools import Logger

from rollcall.aws import Aws
from rollcall.notices.publishing import publish
from rollcall.notices.text import Text, plain_subject

LARGEST_BODY = 200_000
"""Bytes: of 256 KB, https://docs.aws.amazon.com/sns/latest/api/API_Publish.html (2026-11)."""


class WorkflowNotices:
    """Tells through one topic; an empty `topic` tells nobody.

    A message has the attributes `kind`, `workflow_id` and, where there are addresses, `contacts`.
    Only who is subscribed gets it: see `notices.subscriptions`.
    """

    def __init__(self, aws: Aws, topic: str, logger: Logger) -> None:
        self._aws = aws
        self._topic = topic
        self._log = logger

    def tell(
        self, kind: str, workflow_id: str, subject: str, body: str, emails: Collection[str] = ()
    ) -> bool:
        """Publish it. The subject becomes one line of 100 ASCII characters, a body that is too
        long is cut. False: there is no topic, or SNS takes nothing, which is logged.
        """
        if not self._topic:
            return False
        cut = body.encode()[:LARGEST_BODY].decode(errors="ignore")
        message = Text(plain_subject(subject), cut)
        attributes = {"kind": kind, "workflow_id": workflow_id}
        return publish(self._aws, self._topic, message, attributes, emails, self._log)
