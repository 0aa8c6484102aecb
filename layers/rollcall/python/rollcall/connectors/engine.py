"""One small engine runs every manifest: a call in, an answer or a Failure out.

The engine asks once. It neither loops over pages nor sleeps over failures: the pull does that.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

import httpx

from rollcall.connectors import paths
from rollcall.connectors.answers import Answer, Failure, judge
from rollcall.connectors.client import Client
from rollcall.connectors.complete import merged, top_keys
from rollcall.connectors.limiter import Limiter
from rollcall.connectors.manifest import Groups, Joined, Manifest, Memberships, One, Users
from rollcall.connectors.records import LONGEST_KEY

Record = Mapping[str, Any]
P = ParamSpec("P")
T = TypeVar("T")
Listing = Users | Groups | Memberships | Joined

_REFUSED = ("vendor-forbidden", "vendor-unauthorized")
LONGEST_PAGE = 120
"""Seconds that the detail calls of one page may take at the app's rate."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its records as the app sent them, the total it announced (None: none), and the
    cursor of the next page (None: no cursor, or the end). `asked_at` is when it was asked for,
    where that is told.
    """

    records: tuple[Record, ...]
    total: int | None
    next: str | None
    asked_at: str | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """The credential works; `identity` is whose it is, in the app's words, and `id` the user's
    where the manifest knows.
    """

    identity: str
    id: str | None = None


class App:
    """One tenant of one app, ready to be called.

    `secrets` are what no Failure may repeat, though the app may say it back; what they are may
    change between two calls.
    """

    def __init__(
        self,
        manifest: Manifest,
        base_url: str,
        auth: httpx.Auth,
        client: Client,
        limiter: Limiter,
        secrets: Collection[str],
    ) -> None:
        self.manifest = manifest
        self.base_url = base_url
        self._auth = auth
        self._client = client
        self._limiter = limiter
        self.secrets = secrets
        # Detail calls come on top of those that fetch pages: together they are no more than this.
        self._flying = BoundedSemaphore(manifest.rate_limit.in_flight)
        self._helpers = ThreadPoolExecutor(manifest.rate_limit.in_flight)

    def close(self) -> None:
        """Close the connections, and give back the calls that were reserved and not made."""
        self._helpers.shutdown(cancel_futures=True)
        self._client.close()
        self._limiter.release()

    def beside(self, call: Callable[P, T], *given: P.args, **named: P.kwargs) -> Future[T]:
        """Make a call, of the app or for it, while others are made."""
        return self._helpers.submit(call, *given, **named)

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer | Failure:
        """Read `path` (below the API's own path) when the app's limit has room for it.

        A 403 that the test call does not share is asked once more, since ActiveCampaign has been
        seen to send some in passing; one that it does share is a refused credential.
        """
        answer = self._once(path, params)
        if isinstance(answer, Answer) or answer.code != "vendor-forbidden":
            return answer
        tested = self.test()
        return tested if isinstance(tested, Failure) else self._once(path, params)

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        body: Any,
        headers: Mapping[str, str],
    ) -> Answer | Failure:
        """Make a request once, and never again: what it does may be done when nothing is heard.

        A 403 that the test call shares is a refused credential.
        """
        answer = self._once(path, params, method, body, headers)
        if isinstance(answer, Answer) or answer.code != "vendor-forbidden":
            return answer
        tested = self.test()
        refused = isinstance(tested, Failure) and tested.code == "vendor-unauthorized"
        return tested if refused and isinstance(tested, Failure) else answer

    def own_id(self) -> str | Failure | None:
        """The id of the user whose key it is; None where the manifest does not know."""
        if not self.manifest.test.id:
            return None
        answer = self.get(self.manifest.test.path)
        if isinstance(answer, Failure):
            return answer
        return paths.text(paths.read(answer.body, self.manifest.test.id))

    def _once(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer | Failure:
        with self._flying:
            self._limiter.wait()
            url = self.base_url + path
            raw = self._client.call(method, url, self._auth, params, body, headers)
        if isinstance(raw, Failure):
            return raw
        status, told, said = raw
        judged = judge(status, told, said, self.manifest.errors)
        if isinstance(judged, Answer):
            return judged
        for secret in self.secrets:
            said = said.replace(secret.encode(), b"(secret)")
        return judge(status, told, said, self.manifest.errors)

    def test(self) -> Tested | Failure:
        """Whose the credential is. A refusal of this call, twice, is a refused credential: some are
        sent in passing.
        """
        answer = self._once(self.manifest.test.path)
        if isinstance(answer, Failure) and answer.code in _REFUSED:
            answer = self._once(self.manifest.test.path)
        if isinstance(answer, Failure):
            if answer.code in _REFUSED:
                return Failure(
                    "vendor-unauthorized", f"the app refuses the credential ({answer.detail})"
                )
            return answer
        identity = paths.text(paths.read(answer.body, self.manifest.test.identity))
        if identity is None:
            return Failure(
                "vendor-broken", f"{self.manifest.test.path} does not say whose key it is"
            )
        own = self.manifest.test.id
        return Tested(identity, paths.text(paths.read(answer.body, own)) if own else None)

    def gone(self, failure: Failure) -> bool:
        """Does the app say, in the words its manifest knows, that the record is not there?"""
        return failure.code == "vendor-not-found" and self._says_not_found(failure.detail)

    def _tells_none(self, body: Any, path: str) -> bool:
        """No rows are told by null in their place, or by the words for a missing record."""
        told = isinstance(body, Mapping) and any(key in body for key in top_keys(path))
        return told or self._says_not_found(str(body))

    def _says_not_found(self, words: str) -> bool:
        return any(
            error.means == "not-found" and error.contains in words for error in self.manifest.errors
        )

    def refuses_list(self, failure: Failure) -> bool:
        """Does the app refuse this list for good: forbidden, unknown, or a wrong method?"""
        return failure.code in ("vendor-forbidden", "vendor-not-found", "vendor-rejected")

    def page(
        self, listing: Listing, position: int | str | None, owner: str | None = None
    ) -> Page | Failure:
        """One page of a list from `position` (an offset, a page's number, a cursor, or None).

        `owner` is the id of the group whose members are listed.
        """
        paging = listing.paging
        params: dict[str, str | int] = {}
        if paging.size_parameter:
            params[paging.size_parameter] = paging.size
        if position is not None:
            params[paging.position_parameter] = position
        path = listing.path if owner is None else _with_id(listing.path, owner)
        answer = self.get(path, params)
        if isinstance(answer, Failure):
            return answer
        records = _at(answer.body, listing.records)
        if not isinstance(records, list) or not all(isinstance(r, Mapping) for r in records):
            return Failure(
                "vendor-broken", f"{path} answers no list of records{_place(listing.records)}"
            )
        total = paths.number(paths.read(answer.body, listing.total)) if listing.total else None
        cursor = paths.text(paths.read(answer.body, paging.next)) if paging.next else None
        return Page(tuple(records), total, cursor)

    def one(self, one: One, record_id: str) -> Record | Failure:
        """A single record by its id; a Failure for which `gone` holds where it is not there."""
        path = _with_id(one.path, record_id)
        answer = self.get(path)
        if isinstance(answer, Failure):
            return answer
        record = _at(answer.body, one.record)
        if not isinstance(record, Mapping):
            return Failure("vendor-broken", f"{path} answers no record{_place(one.record)}")
        return record

    @property
    def page_seconds(self) -> float:
        """Seconds that a page of users may take beyond its own call: for its detail calls.

        Half as much again as the app's rate needs, for other lists are read meanwhile. A page that
        needs more than LONGEST_PAGE counts as that long: it is refused when it comes.
        """
        users = self.manifest.users
        if users.detail is None:
            return 0.0
        return 1.5 * min(users.paging.size * self._limiter.interval, LONGEST_PAGE)

    def detailed(self, records: Sequence[Record]) -> tuple[Record, ...] | Failure:
        """Users' records as the list has them, each with what its detail call adds.

        Somebody the detail call does not know left meanwhile, and stays as the list has them; any
        other failure is that of them all. Several calls are in flight.
        """
        detail = self.manifest.users.detail
        if detail is None:
            return tuple(records)
        seconds = len(records) * self._limiter.interval
        if seconds > LONGEST_PAGE:
            return Failure(
                "vendor-rejected",
                f"a page of {len(records)} users, each with a call of its own, takes "
                f"{seconds:.0f} s at this rate limit: lower users.paging.size",
            )
        ids = [_usable_id(record, self.manifest.users.id) for record in records]
        calls = [self._helpers.submit(self.one, detail, one) if one else None for one in ids]
        found: list[Record] = []
        left = 0
        for record, call in zip(records, calls, strict=True):
            told = call.result() if call is not None else {}
            if isinstance(told, Failure):
                if not self._left(told):
                    _cancel(calls)
                    return told
                left += 1
                told = {}
            found.append(merged(record, told, self.manifest.users.id))
        if left == len(records) > 1:
            # Nobody is told apart from everybody by an app that has moved its path.
            return Failure("vendor-broken", f"{detail.path} knows none of the {left} users listed")
        return tuple(found)

    def _left(self, failure: Failure) -> bool:
        """An app whose words for a missing record the manifest knows must use them."""
        words = any(error.means == "not-found" for error in self.manifest.errors)
        return self.gone(failure) if words else failure.code == "vendor-not-found"

    def find(self, email: str) -> Record | Failure | None:
        """The user of that email by the app's own search, as the list has it; None: nobody.

        Raises ValueError where the manifest has no `users.find`, or for what is no email.
        """
        users = self.manifest.users
        if users.find is None or "@" not in email:
            raise ValueError(f"{self.manifest.key} cannot look for {email!r}")
        parameter = users.find.parameter
        path = users.find.path.replace("{email}", quote(email, safe="@"))
        answer = self.get(path, {parameter: email} if parameter else None)
        if isinstance(answer, Failure):
            return None if answer.code == "vendor-not-found" else answer
        found = _at(answer.body, users.find.record)
        records = found if isinstance(found, list) else [found]
        if not all(isinstance(record, Mapping) for record in records):
            return Failure("vendor-broken", f"{path} answers no record{_place(users.find.record)}")
        for record in records:
            told = paths.text(paths.read(record, users.columns.email))
            if told is not None and told.casefold() == email.strip().casefold():
                return dict(record)
        return None

    def groups_of(self, user_id: str) -> tuple[Record, ...] | Failure:
        """The membership rows of one user, where the app lists them by user."""
        memberships = self.manifest.memberships
        if memberships is None or memberships.by_user is None:
            raise ValueError(f"{self.manifest.key} does not list groups by user")
        path = _with_id(memberships.by_user.path, user_id)
        answer = self.get(path)
        if isinstance(answer, Failure):
            # Any other 404 may be a wrong path, which must not look like a user without groups.
            return () if self.gone(answer) else answer
        rows = _at(answer.body, memberships.by_user.records)
        if rows is None and self._tells_none(answer.body, memberships.by_user.records):
            return ()
        if isinstance(rows, Mapping):
            rows = [rows]
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            return Failure(
                "vendor-broken", f"{path} answers no rows{_place(memberships.by_user.records)}"
            )
        return tuple(rows)


def _with_id(path: str, record_id: str) -> str:
    """ActiveCampaign takes an empty id for 0, so an empty one is never sent; dots lead away."""
    if record_id in ("", ".", ".."):
        raise ValueError(f"an id is needed in {path}")
    return path.replace("{id}", quote(record_id, safe=""))


def _usable_id(record: Record, path: str) -> str | None:
    found = paths.text(paths.read(record, path))
    return found if found and found not in (".", "..") and len(found) <= LONGEST_KEY else None


def _at(body: Any, path: str) -> Any:
    return paths.read(body, path) if path else body


def _place(path: str) -> str:
    return f" at {path}" if path else ""


def _cancel(calls: Sequence[Future[Any] | None]) -> None:
    for call in calls:
        if call is not None:
            call.cancel()
