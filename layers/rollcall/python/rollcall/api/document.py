"""The OpenAPI document. Powertools generates it from the routes; what is untrue in it is mended.

Beyond what `routing` says of each route: schemas of answers that are never sent, headers, which
calls need a token, and where the API is.
"""

import json
from importlib import resources
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.swagger_ui import generate_swagger_html

from rollcall.access.problems import MEDIA_TYPE

Document = dict[str, Any]

_LINKS = "/v1/approvals/{link}/"
"""Below it pages of ours post their forms."""
_NEVER_SENT = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body get the same answer, and nothing is done twice",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def document(resolver: APIGatewayHttpResolver) -> Document:
    """The OpenAPI document of every route as JSON. Paths begin with `/v1`."""
    text = resolver.get_openapi_json_schema(
        title="Rollcall",
        version="1",
        description="A true, current roster of who holds which account, group and role.",
    )
    made: Document = json.loads(text)
    # Relative to /v1/openapi.json and /v1/docs, wherever the API is served.
    made["servers"] = [{"url": ".."}]
    made["security"] = [{"token": []}]
    components = made["components"]
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for name in _NEVER_SENT:
        components["schemas"].pop(name, None)
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            _mend(method, operation)
            _say_forms(path, operation)
    made["tags"] = [{"name": name} for name in _tags(made)]
    return made


def _mend(method: str, operation: dict[str, Any]) -> None:
    if method == "post":
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    answers = operation["responses"]
    # Powertools gives every route a 422 of its own form; those that can refuse so said theirs.
    if "HTTPValidationError" in json.dumps(answers.get("422")):
        del answers["422"]
    answers["500"] = {
        "description": "Internal Server Error",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
    if "204" in answers:
        answers["204"].pop("content", None)


def _say_forms(path: str, operation: dict[str, Any]) -> None:
    """The forms that a body may have beside JSON."""
    content = operation.get("requestBody", {}).get("content")
    if content is None:
        return
    others = ["application/yaml"]
    if path.startswith(_LINKS):
        others.append("application/x-www-form-urlencoded")
    content |= dict.fromkeys(others, content["application/json"])


def _tags(made: Document) -> list[str]:
    tags = [
        tag
        for methods in made["paths"].values()
        for operation in methods.values()
        for tag in operation["tags"]
    ]
    return sorted(set(tags))


def page(made: Document) -> str:
    """The document to read and try out: one HTML page that loads nothing else."""
    files = resources.files("aws_lambda_powertools.event_handler.openapi") / "swagger_ui"
    html: str = generate_swagger_html(
        # A closing tag in a description must not end the script.
        json.dumps(made).replace("</", "<\\/"),
        (files / "swagger-ui-bundle.min.js").read_text("utf-8"),
        (files / "swagger-ui.min.css").read_text("utf-8"),
        swagger_base_url="",
        oauth2_config=None,
    )
    return html
