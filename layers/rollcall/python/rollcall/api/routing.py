"""How features say their routes, so that what is documented is what is answered."""

import inspect
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel, ConfigDict

from rollcall.access.problems import MEDIA_TYPE, ProblemDocument
from rollcall.api.services import Services

Handler = TypeVar("Handler", bound=Callable[..., Any])

Id = Annotated[str, Path(max_length=200)]
"""An id in a path."""


class Body(BaseModel):
    """A request's body: JSON as it is, nothing converted, nothing unknown."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Message(BaseModel):
    """What the gateway itself answers."""

    message: str


class Routes(Router):
    """The routes of one feature, under `/v1`, shown together in the document as `tag`."""

    def __init__(self, tag: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tag = tag

    @property
    def services(self) -> Services:
        """What the API function is composed of."""
        services: Services = self.context["services"]
        return services

    @property
    def actor(self) -> str:
        """Who calls, as the authorizer says. Only routes behind the authorizer ask."""
        actor: str = self.current_event["requestContext"]["authorizer"]["lambda"]["actor"]
        return actor

    def on(
        self,
        call: str,
        *,
        status: int = 200,
        problems: Sequence[int] = (),
        also: Sequence[int] = (),
        media_type: str = "application/json",
        public: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Serve a call such as `GET /people/<person_id>`.

        The handler's name is the operation's id, its docstring the description, its annotation
        the answer's schema. `also` are further statuses of the same answer, `problems` those that
        it refuses with beyond the usual ones.
        """
        method, path = call.split(" ")

        def register(handler: Handler) -> Handler:
            summary, _, description = (inspect.getdoc(handler) or "").partition("\n\n")
            responses: dict[int, Any] = {
                one: _success(handler, one, media_type) for one in (status, *also)
            }
            for refused in _refusals(handler, method, path, problems, public=public):
                responses.setdefault(refused, _refusal(refused))
            self.route(
                f"/v1{path}",
                method,
                status_code=status,
                summary=summary.replace("\n", " "),
                description=description or None,
                responses=responses,
                tags=[self._tag],
                operation_id=handler.__name__,
                openapi_extensions={"security": []} if public else None,
            )(handler)
            return handler

        return register


def _success(handler: Callable[..., Any], status: int, media_type: str) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    if status == HTTPStatus.NO_CONTENT:
        return {"description": phrase, "content": {}}
    if media_type != "application/json":
        return {"description": phrase, "content": {media_type: {"schema": {"type": "string"}}}}
    model = handler.__annotations__["return"]
    return {"description": phrase, "content": {media_type: {"model": model}}}


def _refusals(
    handler: Callable[..., Any], method: str, path: str, problems: Sequence[int], *, public: bool
) -> list[int]:
    found = {*problems, 429, 500}
    if not public:
        found |= {401, 403}
    if "<" in path:
        found.add(404)
    if len(handler.__annotations__) > 1 or method != "GET":
        found.add(422)
    if method == "POST":
        found |= {409}  # another request with the same Idempotency-Key is being served
    return sorted(found)


def _refusal(status: int) -> dict[str, Any]:
    by_gateway = status in (401, 403, 429)
    content = {
        ("application/json" if by_gateway else MEDIA_TYPE): {
            "model": Message if by_gateway else ProblemDocument
        }
    }
    return {"description": HTTPStatus(status).phrase, "content": content}
