"""The HTTP API as any program outside calls it: JSON over httpx with a bearer token."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from local.run import RunError

_SECONDS = 35


class Refused(RunError):  # noqa: N818 - an answer, if not the wanted one
    """The API answered with a problem; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Caller:
    """Calls `api_url`/v1. Raises Refused for a problem, RunError where nobody answers."""

    def __init__(self, api_url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=f"{api_url}/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=_SECONDS,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str) -> dict[str, Any]:
        """What is at `path`."""
        return self._call("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the POST answers."""
        return self._call("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the PATCH answers."""
        return self._call("PATCH", path, body)

    def every(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        params: dict[str, str | int] | None = {"limit": 100}
        while params is not None:
            page = self._call("GET", path, None, params)
            yield from page["items"]
            following = page["next_cursor"]
            params = {"limit": 100, "cursor": following} if following else None

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        params: dict[str, str | int] | None = None,
    ) -> dict[str, Any]:
        what = f"{method} /v1/{path}"
        try:
            answer = self._http.request(method, path, json=body, params=params)
        except httpx.TransportError as error:
            raise RunError(
                f"{what} was not answered ({error}); see state/ministack.log under .local/"
            ) from error
        if answer.is_success:
            decoded: dict[str, Any] = answer.json()
            return decoded
        raise Refused(answer.status_code, f"{what} answered {answer.status_code}: {_said(answer)}")


def _said(answer: httpx.Response) -> str:
    """The problem's detail; the gateway's own answers have a message instead."""
    try:
        said = answer.json()
    except ValueError:
        return answer.text[:200]
    return str(said.get("detail") or said.get("message") or said)
