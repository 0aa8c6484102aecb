"""What needs no token: whether it is up, and how it is used."""

from typing import Any, Literal

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from pydantic import BaseModel

from rollcall.api.document import document, page
from rollcall.api.routing import Routes

routes = Routes("About")


class Health(BaseModel):
    """The API answers."""

    status: Literal["ok"]


def _resolver() -> APIGatewayHttpResolver:
    resolver = routes.api_resolver
    if not isinstance(resolver, APIGatewayHttpResolver):
        raise TypeError("the routes are in no API")
    return resolver


@routes.on("GET /health", public=True)
def get_health() -> Health:
    """Tell that the API answers."""
    return Health(status="ok")


@routes.on("GET /openapi.json", public=True)
def get_openapi_document() -> dict[str, Any]:
    """This document."""
    return document(_resolver())


@routes.on("GET /docs", public=True, media_type="text/html")
def get_docs() -> Response[str]:
    """This document as a page to read and to try out."""
    return Response(200, content_type="text/html", body=page(document(_resolver())))
