"""The HTTP API in one piece: every feature's routes, and one way to refuse.

The resolver of Powertools keeps the request in a class attribute, so one instance of the function
serves one request at a time, as Lambda does.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from rollcall.access.problems import Problem, from_validation
from rollcall.access.routes import routes as audit
from rollcall.actions.history_routes import routes as history
from rollcall.actions.routes import routes as actions
from rollcall.actions.saved_routes import routes as saved
from rollcall.api.request import Event, tidied
from rollcall.api.routes import routes as about
from rollcall.api.services import Services
from rollcall.batches.routes import routes as batches
from rollcall.connectors.routes import routes as connectors
from rollcall.credentials.routes import routes as credentials
from rollcall.directory.link_routes import routes as links
from rollcall.directory.routes import routes as directory
from rollcall.fields.routes import routes as fields
from rollcall.integrations.lifecycle_routes import routes as lifecycle
from rollcall.integrations.routes import routes as integrations
from rollcall.integrations.variable_routes import routes as variables
from rollcall.mapping.routes import routes as mappings
from rollcall.sync.finding_routes import routes as findings
from rollcall.sync.routes import routes as runs
from rollcall.workflows.execution_routes import routes as executions
from rollcall.workflows.library_routes import routes as workflow_presets
from rollcall.workflows.link_routes import routes as approval_links
from rollcall.workflows.routes import routes as workflows

logger = Logger()

Answer = dict[str, Any]

_FEATURES = (
    connectors, variables, credentials, fields, integrations, lifecycle, mappings, runs, findings,
    directory, links, actions, saved, batches, history, workflows, workflow_presets, executions,
    approval_links, audit, about,
)  # fmt: skip


_LINKS = "/v1/approvals/"


class Api:
    """Answers events of the HTTP API (payload format 2.0)."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.resolver = APIGatewayHttpResolver(
            enable_validation=True, response_validation_error_http_code=500
        )
        for feature in _FEATURES:
            self.resolver.include_router(feature)
        self.resolver.exception_handler(Problem)(Problem.response)
        self.resolver.exception_handler(RequestValidationError)(_invalid)
        self.resolver.exception_handler(NotFoundError)(self._no_route)
        self.resolver.exception_handler(Exception)(_unexpected)

    def __call__(self, event: Mapping[str, Any], context: Any) -> Answer:
        """The answer to one request. Never raises: what nobody expected is a 500 and a log line."""
        _log(event)
        try:
            tidy = tidied(event)
            return self._services.idempotency.once(
                tidy, context, lambda: self._resolved(tidy, context)
            )
        except Problem as problem:
            return problem.answer()
        except Exception as error:  # noqa: BLE001 - the last resort
            return _broken(error).answer()

    def _resolved(self, event: Event, context: Any) -> Answer:
        self.resolver.append_context(services=self._services)  # type: ignore[no-untyped-call]
        answer = self.resolver.resolve(event, context)
        if answer["statusCode"] == HTTPStatus.NO_CONTENT:
            return {"statusCode": HTTPStatus.NO_CONTENT.value, "headers": {}, "body": ""}
        return answer

    def _no_route(self, _error: NotFoundError) -> Response[str]:
        """No route of this method and path: of another method, or none at all."""
        event = self.resolver.current_event
        allowed = sorted(
            route.method
            for route in self.resolver._static_routes + self.resolver._dynamic_routes  # noqa: SLF001
            if route.rule.match(event.path)
        )
        if not allowed:
            return Problem(404, f"there is nothing at {event.path}").response()
        methods = ", ".join(allowed)
        return Problem(
            405, f"only {methods} is allowed here", headers={"Allow": methods}
        ).response()


def _log(event: Mapping[str, Any]) -> None:
    """A line for the request, unless its path is a secret: whoever has an approval's link decides.

    The gateway's own line has the same id, and no path.
    """
    path = str(event.get("rawPath", ""))
    if not path.startswith(_LINKS):
        context = event.get("requestContext") or {}
        method = (context.get("http") or {}).get("method")
        known = {"request_id": context.get("requestId"), "method": method, "path": path}
        logger.info("a request", extra=known)


def _invalid(error: RequestValidationError) -> Response[str]:
    return from_validation(error.errors()).response()


def _unexpected(error: Exception) -> Response[str]:
    return _broken(error).response()


def _broken(error: Exception) -> Problem:
    """The answer to what nobody expected, whose stack goes to the log and not to the caller."""
    logger.error("a request could not be answered", exc_info=error)
    return Problem(500, "something went wrong on our side; the function's log says what")
