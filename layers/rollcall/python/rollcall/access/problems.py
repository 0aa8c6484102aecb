"""Refusals as RFC 9457 problem documents: one exception for every route, and one form.

A problem's type is `urn:rollcall:problem:<code>`; programs compare it, people read the detail.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"

_CODES = {
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    422: "invalid-input",
    500: "internal-error",
    503: "unavailable",
}


class FieldError(BaseModel):
    """One field that is at fault."""

    field: str = Field(description="Path in the body, or the parameter's name", examples=["name"])
    message: str = Field(examples=["Field required"])


class ProblemDocument(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(examples=["urn:rollcall:problem:invalid-input"])
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["name: Field required"])
    errors: list[FieldError] = Field(default=[], description="The fields that are at fault")


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """The request cannot be served: the caller reads why.

    `errors` are (field, message) where fields are at fault; the detail then names them.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        code: str | None = None,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code or _CODES[status]
        self.errors = list(errors)
        self.detail = detail or "; ".join(f"{field}: {message}" for field, message in errors)
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The problem as JSON; `errors` is there only where fields are at fault."""
        document: dict[str, Any] = {
            "type": f"urn:rollcall:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [
                {"field": field, "message": message} for field, message in self.errors
            ]
        return document

    def response(self) -> Response[str]:
        """The problem as a route answers it."""
        return Response(
            status_code=self.status,
            content_type=MEDIA_TYPE,
            body=json.dumps(self.document()),
            headers=self.headers,
        )

    def answer(self) -> dict[str, Any]:
        """The problem as the function answers it."""
        return {
            "statusCode": self.status,
            "headers": {**self.headers, "Content-Type": MEDIA_TYPE},
            "body": json.dumps(self.document()),
            "isBase64Encoded": False,
        }


def invalid(field: str, message: str) -> Problem:
    """One field of the request is at fault."""
    return Problem(422, errors=[(field, message)])


def unknown(what: str, name: str) -> Problem:
    """There is no such thing."""
    return Problem(404, f"there is no {what} {name!r}")


def from_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """What pydantic found, as fields and messages; the values sent are never repeated."""
    found = [(_field(error), _message(error)) for error in errors]
    return Problem(422, errors=list(dict.fromkeys(found)))


def _field(error: Mapping[str, Any]) -> str:
    place, *path = error["loc"]
    # A form's name in angle brackets says which of several was meant; it is no part of the path.
    names = [str(part) for part in path if not str(part).startswith("<")]
    at = error.get("ctx", {}).get("at")
    return ".".join([*names, *([at] if at else [])]) or str(place)


def _message(error: Mapping[str, Any]) -> str:
    return str(error["msg"]).removeprefix("Value error, ")
