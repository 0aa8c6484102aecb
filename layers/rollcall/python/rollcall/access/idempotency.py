"""`Idempotency-Key` on a POST: the same request twice is done once and answered alike.

Answers are kept for a day. A key belongs to its caller, method and path, so that nobody reads
what another was answered. The request is kept as a hash; no route answers a secret.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)

from rollcall.access.problems import Problem, invalid
from rollcall.aws import Client

HEADER = "idempotency-key"
_LONGEST = 255
_KEPT_SECONDS = 24 * 60 * 60
_SERVER_ERROR = 500
_LATER = "Retry-After"
_LARGEST = 300_000
"""Bytes of an answer that is kept: an item of the table holds 400 KB."""

Answer = dict[str, Any]
"""What a Lambda function answers the HTTP API."""


class _NotKept(Exception):  # noqa: N818 - it carries an answer
    """The server failed, has more to tell later, or more than can be kept: the same request may be
    tried again.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Idempotency:
    """Remembers answers in one table of Powertools' schema."""

    def __init__(self, dynamodb: Client, table: str) -> None:
        self._store = DynamoDBPersistenceLayer(table_name=table, boto3_client=dynamodb)

    def once(self, event: Mapping[str, Any], context: Any, respond: Callable[[], Answer]) -> Answer:
        """What `respond` answers, or answered to the same request before.

        Only a POST with the header is remembered, no dry run, and no answer of 500 and above, nor
        one that says when to ask again, nor one of more than 300 KB: an action answers for itself
        then, and what else can be so large changes nothing. Raises Problem:
        409 while the first request is still being served, 422 for another body or a bad key.
        """
        headers = {name.lower(): value for name, value in event["headers"].items()}
        http = event["requestContext"]["http"]
        if http["method"] != "POST" or HEADER not in headers:
            return respond()
        if "authorizer" not in event["requestContext"]:
            return respond()  # nobody's: what a link decides is decided once by itself
        key = headers[HEADER]
        if not key or len(key) > _LONGEST:
            raise invalid("Idempotency-Key", f"must have 1 to {_LONGEST} characters")
        body = _canonical(event.get("body"))
        if isinstance(body, dict) and body.get("dry_run") is True:
            return respond()  # it does nothing, and the key is for the request that does
        request = {
            "key": [
                event["requestContext"]["authorizer"]["lambda"]["actor"],
                http["method"],
                event["rawPath"],
                key,
            ],
            "body": [event.get("rawQueryString", ""), body],
        }
        try:
            return self._remembered(respond, context, request)
        except _NotKept as failed:
            return failed.answer
        except IdempotencyValidationError:
            raise invalid("Idempotency-Key", "was used before with another body") from None
        except IdempotencyAlreadyInProgressError:
            raise Problem(
                409,
                "the first request with this Idempotency-Key is still being served",
                headers={"Retry-After": "1"},
            ) from None

    def _remembered(
        self, respond: Callable[[], Answer], context: Any, request: dict[str, Any]
    ) -> Answer:
        config = IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="body",
            hash_function="sha256",
            expires_after_seconds=_KEPT_SECONDS,
            # Without the time that is left, a killed call would block its key for a day.
            lambda_context=context,
        )

        def serve(*, request: dict[str, Any]) -> Answer:  # noqa: ARG001 - Powertools hashes it
            answer = respond()
            large = len(answer["body"].encode()) > _LARGEST
            if large or answer["statusCode"] >= _SERVER_ERROR or _LATER in answer["headers"]:
                raise _NotKept(answer)
            return answer

        served: Answer = idempotent_function(
            serve,
            data_keyword_argument="request",
            persistence_store=self._store,
            config=config,
            key_prefix="api",
        )(request=request)
        return served


def _canonical(body: str | None) -> Any:
    """The body as JSON, so that spaces and the order of keys make no other request."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body
